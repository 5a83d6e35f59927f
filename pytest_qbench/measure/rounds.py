"""How many rounds a point gets, and with which seeds. Pure functions, standard library only."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from pytest_qbench.measure.messages import RoundPolicy

_SEEDS = 2**31 - 1


def needs_another_round(policy: RoundPolicy, rounds_s: Sequence[float]) -> bool:
    """Whether a point with the timed rounds ``rounds_s`` (seconds) gets one more.

    There is always a first. A first call that was slow because something was compiled does not count here: whether
    calls are too slow for more than one round is what the rounds themselves say.
    """
    if not rounds_s:
        return True
    if len(rounds_s) >= policy.max_rounds or rounds_s[-1] > policy.single_above:
        return False
    return len(rounds_s) < policy.min_rounds or sum(rounds_s) < policy.max_time


def round_seed(seed: int, program_hash: str, shots: int, index: int) -> int:
    """The simulator's seed in round ``index`` of a point (0: the first call; below 0: warm-up); from 1 to 2**31 - 1.

    Derived by SHA-256, so that neighbouring rounds and points have unrelated seeds and every machine the same ones.
    """
    digest = hashlib.sha256(f"{seed} {program_hash} {shots} {index}".encode()).digest()
    return 1 + int.from_bytes(digest[:8], "big") % _SEEDS
