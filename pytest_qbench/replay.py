"""Hand measured rounds to pytest-benchmark through its public ``timer=``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class ReplayClock:
    """A timer for ``@pytest.mark.benchmark(timer=clock)`` that shows recorded durations.

    Each round starts at 0.0, so that pytest-benchmark's ``end - start`` is the recorded duration to the last bit.
    """

    def __init__(self) -> None:
        self._now = 0.0
        self._rounds: Sequence[float] = ()
        self._next = 0

    def __call__(self) -> float:
        """The time now, in seconds."""
        return self._now

    def replay(self, benchmark: Any, rounds_s: Sequence[float]) -> None:
        """Have the ``benchmark`` fixture record ``rounds_s``, durations in seconds, as its rounds."""
        self._rounds = rounds_s
        self._next = 0
        benchmark.pedantic(self._advance, setup=self._rewind, rounds=len(rounds_s), iterations=1)

    def _rewind(self) -> None:
        self._now = 0.0

    def _advance(self) -> None:
        # pytest-benchmark may call once more than there are rounds, to profile the function.
        if self._next < len(self._rounds):
            self._now = self._rounds[self._next]
            self._next += 1
