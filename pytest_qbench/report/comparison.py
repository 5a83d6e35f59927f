"""Backends side by side: ratios of times, their geometric means and what each backend covers.

The first backend named is the baseline. A ratio is the other backend's time by the baseline's, for the same
case instance and shots: above 1 the baseline is faster. Two readings: *warm*, the medians of the rounds, and
*cold*, preparation and first call together, at 1000 shots where the ladder has them.

A geometric mean over the cells that both completed flatters whoever aborts at the hard ones. So there is a
second one in which an aborted cell counts as if it had taken exactly the timeout, which is the least that it
would have taken: such a ratio is a bound, and a wrong result counts as aborted. Cells that both aborted say
nothing and are counted apart, as are those that one of the two does not support or did not run.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pytest_qbench.report.cells import CaseKey, Cell, Matrix, State
from pytest_qbench.report.noises import by_noise

SCHEMA = 1

COMPARED_FIELDS = ("precision", "device", "threads", "method")
"""Row fields that must agree for a comparison like with like; where they do not, that is reported. Where it is the
precision, there are no means: half the bits are half the work."""

_KINDS = ("static", "dynamic")
_ABORTED = (State.ABORTED, State.WRONG)


@dataclass(frozen=True, slots=True)
class Ratio:
    """The other backend's time by the baseline's.

    ``bound`` is ``">"`` or ``"<"`` where one of them did not complete and the true ratio lies beyond, else
    empty.
    """

    value: float
    bound: str = ""


@dataclass(frozen=True, slots=True)
class PairCell:
    """One cell of two backends. ``same_program`` is False where they are known to have run different ones."""

    key: CaseKey
    shots: int
    kind: str | None
    baseline: Cell
    other: Cell
    same_program: bool = True

    @property
    def ratio(self) -> Ratio | None:
        """The ratio, None where there is nothing to compare."""
        return ratio_of(self.baseline, self.other) if self.same_program else None

    @property
    def noisy(self) -> bool:
        """Whether a time behind the ratio is noisy."""
        return bool(self.baseline.noisy or self.other.noisy)


@dataclass(frozen=True, slots=True)
class Mean:
    """Ratios in one number: their geometric mean (None without any), and who was faster how often."""

    geomean: float | None
    cells: int
    baseline_faster: int
    baseline_slower: int


@dataclass(frozen=True, slots=True)
class Aggregate:
    """What a set of cells says.

    ``completed`` is over the cells that both completed, ``aborts_at_timeout`` over those too that one of them
    did not. ``both_aborted`` and ``not_compared`` count the cells in neither.
    """

    completed: Mean
    aborts_at_timeout: Mean
    both_aborted: int
    not_compared: int


@dataclass(frozen=True, slots=True)
class Pair:
    """The comparison of ``other`` with ``baseline``.

    ``differences`` names the fields of :data:`COMPARED_FIELDS` in which the two differ, with the values of
    each backend. ``averaged`` is False where there must be no means, because they ran in different precision.
    """

    baseline: str
    other: str
    warm: tuple[PairCell, ...]
    cold: tuple[PairCell, ...]
    differences: Mapping[str, Mapping[str, list[Any]]]
    averaged: bool = True

    @property
    def different_programs(self) -> int:
        """The number of warm cells left out because the two ran different programs."""
        return sum(not cell.same_program for cell in self.warm)

    @property
    def several_noises(self) -> bool:
        """Whether circuits with different noise are in it, which have means of their own each."""
        return len(by_noise(self.warm)) > 1


@dataclass(frozen=True, slots=True)
class Comparison:
    """What ``comparison.json`` holds. ``pairs`` is empty with a single backend.

    ``about`` has the values of :data:`COMPARED_FIELDS` in the rows of each backend.
    """

    backends: tuple[str, ...]
    coverage: Mapping[str, Mapping[str, Any]]
    pairs: tuple[Pair, ...]
    about: Mapping[str, Mapping[str, list[Any]]]

    def to_json(self, run_id: str) -> dict[str, Any]:
        """The content of ``comparison.json``."""
        return {
            "schema": SCHEMA,
            "run_id": run_id,
            "ratio": "time of the backend / time of the baseline; above 1 the baseline is faster",
            "baseline": self.backends[0] if self.backends else None,
            "backends": list(self.backends),
            "about": self.about,
            "coverage": self.coverage,
            "cold_shots": sorted({cell.shots for pair in self.pairs for cell in pair.cold}),
            "pairs": [_pair_json(pair) for pair in self.pairs],
        }


def geometric_mean(values: Iterable[float]) -> float | None:
    """The geometric mean of positive numbers, None without any."""
    logs = [math.log(value) for value in values]
    return math.exp(math.fsum(logs) / len(logs)) if logs else None


def ratio_of(baseline: Cell, other: Cell) -> Ratio | None:
    """The ratio of two cells; None where neither completed, one did not run, or no timeout is known.

    A cell that aborted (or is wrong) counts with the timeout, and never with less than the time of the one
    that completed: to abort is not to win.
    """
    if baseline.seconds is not None and other.seconds is not None:
        return Ratio(other.seconds / baseline.seconds)
    if baseline.seconds is not None and other.state in _ABORTED and other.timeout_s is not None:
        return Ratio(max(other.timeout_s / baseline.seconds, 1.0), ">")
    if other.seconds is not None and baseline.state in _ABORTED and baseline.timeout_s is not None:
        return Ratio(min(other.seconds / baseline.timeout_s, 1.0), "<")
    return None


def aggregate(cells: Iterable[PairCell]) -> Aggregate:
    """The geometric means and counts of ``cells``."""
    ratios: list[Ratio] = []
    both_aborted = not_compared = 0
    for cell in cells:
        ratio = cell.ratio
        if ratio is not None:
            ratios.append(ratio)
        elif cell.same_program and cell.baseline.state in _ABORTED and cell.other.state in _ABORTED:
            both_aborted += 1
        else:
            not_compared += 1
    completed = [ratio for ratio in ratios if not ratio.bound]
    return Aggregate(_mean(completed), _mean(ratios), both_aborted, not_compared)


def compare(matrix: Matrix, *, mixed_precision: bool = False) -> Comparison:
    """Every backend of ``matrix`` beside the first one.

    There are no means over two precisions, unless ``mixed_precision`` asks for them.
    """
    baseline, *others = matrix.backends or ("",)
    about = {backend: _about(matrix, backend) for backend in matrix.backends}
    pairs = []
    for other in others:
        warm = _pair_cells(matrix, baseline, other, matrix.warm)
        cold = _pair_cells(matrix, baseline, other, matrix.cold)
        differences = _differences(about, baseline, other)
        averaged = mixed_precision or "precision" not in differences
        pairs.append(Pair(baseline, other, warm, cold, differences, averaged))
    coverage = {backend: matrix.coverage(backend) for backend in matrix.backends}
    return Comparison(matrix.backends, coverage, tuple(pairs), about)


def by_shots(cells: Sequence[PairCell]) -> dict[int, list[PairCell]]:
    """``cells`` by their shots, ascending."""
    groups: dict[int, list[PairCell]] = {shots: [] for shots in sorted({cell.shots for cell in cells})}
    for cell in cells:
        groups[cell.shots].append(cell)
    return groups


def _mean(ratios: Sequence[Ratio]) -> Mean:
    return Mean(
        geomean=geometric_mean(ratio.value for ratio in ratios),
        cells=len(ratios),
        baseline_faster=sum(ratio.value > 1 for ratio in ratios),
        baseline_slower=sum(ratio.value < 1 for ratio in ratios),
    )


def _pair_cells(
    matrix: Matrix,
    baseline: str,
    other: str,
    reading: Callable[[str], Mapping[tuple[CaseKey, int], Cell]],
) -> tuple[PairCell, ...]:
    left, right = reading(baseline), reading(other)
    nothing = Cell(State.MISSING)
    cells = []
    for key, shots in {**left, **right}:
        rows = (matrix.row(baseline, key), matrix.row(other, key))
        hashes = {row["program_hash"] for row in rows if row and row["program_hash"]}
        cells.append(
            PairCell(
                key,
                shots,
                matrix.kinds.get(key),
                left.get((key, shots), nothing),
                right.get((key, shots), nothing),
                same_program=len(hashes) < 2,
            )
        )
    return tuple(cells)


def _about(matrix: Matrix, backend: str) -> dict[str, list[Any]]:
    rows = matrix.rows(backend)
    return {field: sorted({row[field] for row in rows if row[field] is not None}) for field in COMPARED_FIELDS}


def _differences(
    about: Mapping[str, Mapping[str, list[Any]]], baseline: str, other: str
) -> dict[str, dict[str, list[Any]]]:
    left, right = about[baseline], about[other]
    return {
        field: {baseline: left[field], other: right[field]}
        for field in COMPARED_FIELDS
        if left[field] and right[field] and left[field] != right[field]
    }


def _pair_json(pair: Pair) -> dict[str, Any]:
    return {
        "baseline": pair.baseline,
        "backend": pair.other,
        "differences": pair.differences,
        "different_programs": pair.different_programs,
        "averaged": pair.averaged,
        "warm": _reading_json(pair.warm, pair.averaged),
        "cold": _reading_json(pair.cold, pair.averaged),
    }


def _reading_json(cells: Sequence[PairCell], averaged: bool) -> dict[str, Any]:
    groups = {"all": cells} | {kind: [cell for cell in cells if cell.kind == kind] for kind in _KINDS}
    noises = by_noise(cells)
    means = {name: _means_json(group, averaged and len(noises) < 2) for name, group in groups.items()}
    apart = [{"noise": json.loads(noise), **_means_json(group, averaged)} for noise, group in noises.items()]
    return {**means, "by_noise": apart, "cells": [_cell_json(cell) for cell in cells]}


def _means_json(cells: Sequence[PairCell], averaged: bool) -> dict[str, Any]:
    return {
        "overall": _aggregate_json(cells, averaged),
        "shots": {str(shots): _aggregate_json(part, averaged) for shots, part in by_shots(cells).items()},
    }


def _aggregate_json(cells: Sequence[PairCell], averaged: bool) -> dict[str, Any]:
    found = asdict(aggregate(cells))
    if not averaged:
        for mean in ("completed", "aborts_at_timeout"):
            found[mean]["geomean"] = None
    return found


def _cell_json(cell: PairCell) -> dict[str, Any]:
    ratio = cell.ratio
    return {
        "case": cell.key.case,
        "n_qubits": cell.key.n_qubits,
        "params": json.loads(cell.key.params),
        "noise": json.loads(cell.key.noise),
        "node": cell.key.node,
        "shots": cell.shots,
        "kind": cell.kind,
        "baseline_state": cell.baseline.state.value,
        "baseline_s": cell.baseline.seconds,
        "baseline_noisy": cell.baseline.noisy,
        "state": cell.other.state.value,
        "seconds": cell.other.seconds,
        "noisy": cell.other.noisy,
        "ratio": ratio.value if ratio else None,
        "bound": ratio.bound if ratio else "",
        "same_program": cell.same_program,
    }
