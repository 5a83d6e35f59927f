"""Where a speed-up comes from: the paths between a baseline and the fastest one, and what each step changes.

A path is described by its *traits*: how often it encodes, through which interface it runs, on which simulator, with
which gradient method, and so on. The steps from the baseline to the fastest path go through measured paths, as many
as possible, and each step brings one or more traits to what they are at the end, never back. A step is named by all
the traits that change in it: where no measured path lies between, several things share one factor and it is not
split. The factors of the steps multiply to the whole speed-up because each begins where the one before ended; what
a step is worth may depend on the steps before it. Pairs of paths that differ in one trait but are no such step are
listed beside, as further evidence.

The intervals cover the scatter of the rounds, not a drift of the machine between two paths.
"""

from __future__ import annotations

import hashlib
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from pytest_qbench.gradients.bootstrap import MIN_ROUNDS, independent_medians, interval, ratio_of_few
from pytest_qbench.gradients.split import run_medians
from pytest_qbench.gradients.traits import finest_chain, phrases, single_changes, traits_of

if TYPE_CHECKING:
    from pytest_qbench.gradients.bootstrap import Draws

BASELINE = "pennylane/default.qubit"
"""The textbook path that speed-ups are taken over."""

PENNYLANE_FAMILIES = ("pennylane", "pennylane-tuned", "lightning")
"""Paths that are PennyLane and nothing else, ``lightning/adjoint`` too: what a speed-up must be measured against."""


@dataclass(frozen=True, slots=True)
class PathTimes:
    """One path of a scenario instance at one number of samples; ``rounds_s`` are seconds per run, empty if not timed.

    ``status`` is a verdict (``PASS``, ``UNAVAILABLE``, ...), ``reason`` why where it is not PASS.

    Raises:
        ValueError: a round is not a positive number.
    """

    path: str
    rounds_s: tuple[float, ...]
    evaluations: int | None
    n_samples: int
    precision: str | None
    threads: int | None
    n_nonzero: int | None
    status: str
    reason: str = ""
    split: Mapping[str, Any] | None = None
    """The times of the variants with ``units`` and ``encode_units``, where they were measured."""

    def __post_init__(self) -> None:
        if not all(math.isfinite(seconds) and seconds > 0 for seconds in self.rounds_s):
            raise ValueError(f"{self.path}: a round takes a positive number of seconds, not {list(self.rounds_s)}")

    @property
    def passed(self) -> bool:
        """Whether it was timed and its gradients are right."""
        return self.status == "PASS" and bool(self.rounds_s)

    @property
    def median_s(self) -> float:
        """The median of its rounds; :class:`statistics.StatisticsError` without any."""
        return statistics.median(self.rounds_s)

    def to_json(self) -> dict[str, Any]:
        """A JSON value."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times faster: a ratio of medians with its 95% interval (None where one of the two has a single round).

    The interval is the bootstrap's, and Welch's of the logarithms where one of the two has fewer than 5 rounds; where
    one has a single round it comes from the calls that tell its stages apart.

    ``rounds`` is the smaller number of rounds.
    """

    value: float
    low: float | None
    high: float | None
    rounds: int
    of_evaluations: bool = False
    """Whether the interval is that of single evaluations, since a run was too long to be repeated."""

    @property
    def resolved(self) -> bool:
        """Whether the interval leaves 1 out."""
        return self.low is not None and self.high is not None and not self.low <= 1 <= self.high

    def to_json(self) -> dict[str, Any]:
        """A JSON value."""
        return {**asdict(self), "resolved": self.resolved}


@dataclass(frozen=True, slots=True)
class Step:
    """From one measured path to another: what ``changes``, and how many times faster ``after`` is."""

    before: str
    after: str
    changes: tuple[str, ...]
    ratio: Ratio

    def to_json(self) -> dict[str, Any]:
        """A JSON value."""
        return {**asdict(self), "ratio": self.ratio.to_json()}


@dataclass(frozen=True, slots=True)
class Attribution:
    """What :func:`attribute` found.

    Attributes:
        n_samples: of all paths.
        baseline: where the steps begin, None if no textbook path passed.
        fastest: the fastest path, where they end; None if none passed.
        best_pennylane: the fastest of :data:`PENNYLANE_FAMILIES`.
        whole: ``fastest`` over ``baseline``, None if that is one path or there is no baseline.
        over_best: ``fastest`` over ``best_pennylane``, None likewise.
        steps: from ``baseline`` to ``fastest``.
        product: of the factors of ``steps``, to be held against ``whole``; None without steps.
        beside: single changes that are no step.
    """

    n_samples: int
    baseline: str | None
    fastest: str | None
    best_pennylane: str | None
    whole: Ratio | None
    over_best: Ratio | None
    steps: tuple[Step, ...]
    product: float | None
    beside: tuple[Step, ...]

    def to_json(self) -> dict[str, Any]:
        """A JSON value."""
        return {
            **asdict(self),
            "whole": self.whole and self.whole.to_json(),
            "over_best": self.over_best and self.over_best.to_json(),
            "steps": [step.to_json() for step in self.steps],
            "beside": [step.to_json() for step in self.beside],
        }


def speedup(before: PathTimes, after: PathTimes, seed: int = 0) -> Ratio:
    """How many times faster ``after`` is than ``before``, at the same number of samples.

    Raises:
        ValueError: one was not timed, or they had different numbers of samples.
    """
    if not before.rounds_s or not after.rounds_s:
        raise ValueError(f"{(after if before.rounds_s else before).path} was not timed")
    if before.n_samples != after.n_samples:
        raise ValueError(
            f"{before.path} ran {before.n_samples} samples, {after.path} {after.n_samples}: not to be compared"
        )
    rounds = min(len(before.rounds_s), len(after.rounds_s))
    value = before.median_s / after.median_s
    low: float | None
    high: float | None
    of_evaluations = False
    if rounds >= MIN_ROUNDS:
        draws = independent_medians({path.path: path.rounds_s for path in (before, after)}, seed)
        low, high = interval(draws[before.path] / draws[after.path], rounds)
    elif rounds > 1:
        low, high = ratio_of_few(before.rounds_s, after.rounds_s)
    else:
        one, other = _spread(before, seed), _spread(after, seed)
        of_evaluations = one is not None and other is not None
        low, high = interval(value * one / other, MIN_ROUNDS) if one is not None and other is not None else (None, None)
    if low is not None and high is not None:
        # Medians of few rounds are few numbers: most resamples may lie to one side of the median of all.
        low, high = min(low, value), max(high, value)
    return Ratio(value, low, high, rounds, of_evaluations)


def over_floor(path: PathTimes, floor_s: float, seed: int = 0) -> Ratio:
    """How many times ``floor_s`` a path takes, with a 95% bootstrap interval of its rounds.

    With fewer than :data:`MIN_ROUNDS` rounds the interval is that of single evaluations, or there is none.

    Raises:
        ValueError: it was not timed.
    """
    if not path.rounds_s:
        raise ValueError(f"{path.path} was not timed")
    rounds, value = len(path.rounds_s), path.median_s / floor_s
    draws = _spread(path, seed)
    if draws is None:
        return Ratio(value, None, None, rounds, False)
    low, high = interval(value * draws, MIN_ROUNDS)
    if low is not None and high is not None:
        low, high = min(low, value), max(high, value)
    return Ratio(value, low, high, rounds, rounds < MIN_ROUNDS)


def _spread(path: PathTimes, seed: int) -> Draws | None:
    """Resampled times over their median: of the rounds, or else of the calls that tell the stages apart."""
    if len(path.rounds_s) >= MIN_ROUNDS:
        return independent_medians({path.path: path.rounds_s}, seed)[path.path] / path.median_s
    split = path.split
    if not split or not split.get("units"):
        return None
    own_seed = int.from_bytes(hashlib.sha256(f"{seed} {path.path}".encode()).digest()[:8], "big")
    found = run_medians(split, split["units"], split.get("encode_units"), own_seed)
    if found is None or found[2] < MIN_ROUNDS:
        return None
    seconds, draws, _ = found
    return draws / seconds


def best_pennylane(paths: Iterable[PathTimes]) -> PathTimes | None:
    """The fastest path that passed and is PennyLane and nothing else."""
    own = [path for path in paths if path.passed and path.path.partition("/")[0] in PENNYLANE_FAMILIES]
    return min(own, key=_rank, default=None)


def attribute(paths: Sequence[PathTimes], seed: int = 0) -> Attribution:
    """The steps from the baseline to the fastest path.

    Args:
        paths: of one scenario instance at one number of samples; one entry per path, in any order. Those that did
            not pass take no part.
        seed: of the bootstrap.

    Raises:
        ValueError: the paths ran different numbers of samples, or one is there twice.
    """
    numbers = {path.n_samples for path in paths}
    if len(numbers) != 1 or len({path.path for path in paths}) < len(paths):
        raise ValueError("attribution needs each path once, all with one number of samples")
    passed = {path.path: path for path in sorted(paths, key=lambda path: path.path) if path.passed}
    traits = {label: traits_of(label, path.precision, path.threads) for label, path in passed.items()}

    def step(before: str, after: str) -> Step:
        changed = phrases(traits[before], traits[after])
        return Step(before, after, changed, speedup(passed[before], passed[after], seed))

    textbook = [path for label, path in passed.items() if label.partition("/")[0] == "pennylane"]
    baseline = passed.get(BASELINE) or max(textbook, key=_rank, default=None)
    fastest = min(passed.values(), key=_rank, default=None)
    best = best_pennylane(passed.values())
    labels: list[str] = []
    if baseline and fastest and baseline is not fastest:
        labels = finest_chain(traits, baseline.path, fastest.path)
    steps = tuple(step(*pair) for pair in pairwise(labels))
    taken = {(item.before, item.after) for item in steps}
    beside = tuple(step(*pair) for pair in single_changes(traits) if pair not in taken)
    return Attribution(
        n_samples=numbers.pop(),
        baseline=baseline.path if baseline else None,
        fastest=fastest.path if fastest else None,
        best_pennylane=best.path if best else None,
        whole=speedup(baseline, fastest, seed) if baseline and fastest and steps else None,
        over_best=speedup(best, fastest, seed) if best and fastest and best is not fastest else None,
        steps=steps,
        product=math.prod(item.ratio.value for item in steps) if steps else None,
        beside=beside,
    )


def _rank(path: PathTimes) -> tuple[float, str]:
    return path.median_s, path.path
