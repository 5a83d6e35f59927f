"""Where the time of a run goes: encode, inject, circuit and framework, told apart by timing calls.

No stage is timed from within: each is the difference between two calls that differ by that stage only (the
*variants* of a path), measured alternately, with an interval. What the intervals do not tell from nothing is "not
resolved". The worker measures (:func:`time_variants`, standard library only), the parent does the arithmetic
(:func:`resolve`, NumPy).

    encode = full - states      inject = states - body      circuit = body - null      framework = null

The four add up to a run. Encoding is measured a second way, as ``encode - inject``: embedding and
injection with nothing after them.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from time import perf_counter, perf_counter_ns
from typing import TYPE_CHECKING, Any

from pytest_qbench.gradients.bootstrap import interval, paired_medians

if TYPE_CHECKING:
    from pytest_qbench.gradients.bootstrap import Draws
    from pytest_qbench.gradients.paths.base import Variants

VARIANTS = ("full", "states", "body", "null", "encode", "inject")
"""The variants that mean something here; their definitions are those of ``Variants``."""

STAGES = ("encode", "inject", "circuit", "framework")


@dataclass(frozen=True, slots=True)
class Part:
    """Seconds per run that one stage takes, with the 95% interval (None with fewer than 5 rounds)."""

    seconds: float
    low: float | None
    high: float | None

    @property
    def resolved(self) -> bool:
        """Whether the interval leaves zero out.

        A resolved negative part says that the two calls do not differ by that stage alone.
        """
        return self.low is not None and self.high is not None and not self.low <= 0 <= self.high

    def to_json(self) -> dict[str, Any]:
        """A JSON value."""
        return {**asdict(self), "resolved": self.resolved}


@dataclass(frozen=True, slots=True)
class CrossCheck:
    """Encoding measured a second way.

    ``encode`` is what the second way gives, ``difference`` the first way's result less the second's.
    """

    encode: Part
    difference: Part

    @property
    def agrees(self) -> bool | None:
        """Whether the difference can't be told from zero; None with too few rounds to say."""
        return None if self.difference.low is None else not self.difference.resolved

    def to_json(self) -> dict[str, Any]:
        """A JSON value."""
        return {"encode": self.encode.to_json(), "difference": self.difference.to_json(), "agrees": self.agrees}


@dataclass(frozen=True, slots=True)
class Split:
    """The stages of one run. A stage whose variants were not measured is None."""

    units: int
    rounds: int
    full: Part | None
    encode: Part | None
    inject: Part | None
    circuit: Part | None
    framework: Part | None
    cross_check: CrossCheck | None

    def stages(self) -> dict[str, Part | None]:
        """The four stages by name, in the order of a run with its surroundings last."""
        return {name: getattr(self, name) for name in STAGES}

    def to_json(self) -> dict[str, Any]:
        """A JSON value; null is "not measured"."""
        parts = {"full": self.full, **self.stages(), "cross_check": self.cross_check}
        values = {name: part.to_json() if part else None for name, part in parts.items()}
        return {"units": self.units, "rounds": self.rounds, **values}


def time_variants(
    variants: Variants,
    synchronize: Callable[[], None],
    budget_s: float,
    min_rounds: int = 5,
    max_rounds: int = 200,
    begin: Callable[[], None] = lambda: None,
) -> dict[str, list[float]]:
    """Time every variant once per round, after one warm-up call of each.

    The order changes from round to round (:func:`round_order`), so that neither drift nor what the previous call
    left in the caches favours one variant.

    Args:
        variants: the calls of a path.
        synchronize: waits for outstanding device work; part of every timed call.
        budget_s: seconds; no round begins that would end later, if it takes as long as the one before. The warm-up
            counts.
        min_rounds: rounds that are made whatever the budget.
        max_rounds: no more than these.
        begin: called before each call, so that a deadline can be set for it.

    Returns:
        variant -> seconds per round, for one unit of work; equally many for all.

    Raises:
        ValueError: there is no variant, or one that has no meaning here.
    """
    names = list(variants.calls)
    unknown = [name for name in names if name not in VARIANTS]
    if unknown or not names:
        raise ValueError(
            f"the variants of a path are some of {', '.join(VARIANTS)}, not {', '.join(unknown) or 'none'}"
        )

    def timed(name: str) -> float:
        begin()
        start = perf_counter_ns()
        result = variants.calls[name]()
        synchronize()
        elapsed = perf_counter_ns() - start
        # Only now: to free a large result takes time of its own.
        del result
        return elapsed / 1e9

    begun = perf_counter()
    for name in names:
        timed(name)
    times: dict[str, list[float]] = {name: [] for name in names}
    last_s = 0.0
    for number in range(max_rounds):
        start = perf_counter()
        if number >= min_rounds and start - begun + last_s > budget_s:
            break
        for name in round_order(names, number):
            times[name].append(timed(name))
        last_s = perf_counter() - start
    return times


def round_order(names: Sequence[str], number: int) -> list[str]:
    """The order of round ``number``: rotated by one every second round, and reversed in between.

    Over ``2 * len(names)`` rounds every name is twice in every place, and has neighbours on both sides.
    """
    shift = number // 2 % len(names)
    order = [*names[shift:], *names[:shift]]
    return order[::-1] if number % 2 else order


def resolve(times: Mapping[str, Sequence[float]], units: int, encode_units: int | None = None, seed: int = 0) -> Split:
    """The split of a run from the timed variants.

    A part is ``units`` (for encoding ``encode_units``) times the difference of two medians; its interval comes from
    resampling whole rounds, the same for all variants (:mod:`pytest_qbench.gradients.bootstrap`).

    Args:
        times: variant -> seconds per round; what is missing or empty was not measured. Other names are ignored.
        units: how many units of work make one run.
        encode_units: how many times a run encodes; None for once in each unit.
        seed: of the resampling.

    Raises:
        ValueError: the variants have different numbers of rounds, a time is not a finite number, or ``units`` is
            not positive.
    """
    import numpy as np

    if units < 1 or (encode_units is not None and encode_units < 1):
        raise ValueError(f"a run has at least one unit of work, not {min(units, encode_units or units)}")
    rounds = {name: list(times[name]) for name in VARIANTS if times.get(name)}
    if not all(math.isfinite(value) for values in rounds.values() for value in values):
        raise ValueError("a time of a variant is not a finite number")
    if len({len(values) for values in rounds.values()}) > 1:
        counts = ", ".join(f"{name} {len(values)}" for name, values in rounds.items())
        raise ValueError(f"the variants are paired by round and need equally many: {counts}")
    n_rounds = max(map(len, rounds.values()), default=0)
    medians = {name: statistics.median(values) for name, values in rounds.items()}
    draws = paired_medians(rounds, seed) if rounds else {}

    encodes = units if encode_units is None else encode_units

    def part(**weights: int) -> Part | None:
        if not {name for name, weight in weights.items() if weight} <= rounds.keys():
            return None
        used = {name: weight for name, weight in weights.items() if weight}
        seconds = sum(weight * medians[name] for name, weight in used.items())
        resampled = np.sum([weight * draws[name] for name, weight in used.items()], axis=0)
        return Part(seconds, *interval(resampled, n_rounds))

    second = part(encode=encodes, inject=-encodes)
    difference = part(full=encodes, states=-encodes, encode=-encodes, inject=encodes)
    return Split(
        units=units,
        rounds=n_rounds,
        full=part(full=encodes, states=units - encodes),
        encode=part(full=encodes, states=-encodes),
        inject=part(states=units, body=-units),
        circuit=part(body=units, null=-units),
        framework=part(null=units),
        cross_check=CrossCheck(second, difference) if second and difference else None,
    )


def run_medians(
    times: Mapping[str, Sequence[float]], units: int, encode_units: int | None = None, seed: int = 0
) -> tuple[float, Draws, int] | None:
    """A run as the timed variants make it up: seconds, resampled seconds, and the number of rounds behind them.

    For a path whose runs are too long to be repeated: its variants were. None where ``full`` was not measured, or
    ``states``, where that is needed.
    """
    encodes = units if encode_units is None else encode_units
    weights = {name: weight for name, weight in (("full", encodes), ("states", units - encodes)) if weight}
    if not all(times.get(name) for name in weights):
        return None
    rounds = {name: list(times[name]) for name in weights}
    draws = paired_medians(rounds, seed)
    seconds = sum(weight * statistics.median(rounds[name]) for name, weight in weights.items())
    resampled = sum(weight * draws[name] for name, weight in weights.items())
    assert not isinstance(resampled, int)
    return seconds, resampled, min(map(len, rounds.values()))
