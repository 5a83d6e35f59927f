"""The matrix of a run: every planned cell of every backend with what became of it.

The plan is the truth: a planned cell has a state also where nothing ran.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pytest_qbench.plan import cold_shots
from pytest_qbench.report.files import jsonable
from pytest_qbench.report.rows import node_of
from pytest_qbench.report.spread import is_noisy
from pytest_qbench.results import Status


@dataclass(frozen=True, slots=True)
class PlannedPoint:
    """What is known of a point before it runs. The fields are those of its later ``PointResult``."""

    nodeid: str
    instance: str
    backend: str
    case: str
    n_qubits: int
    params: Mapping[str, Any]
    shots: int
    noise: Any = None


class State(StrEnum):
    """What became of a planned cell."""

    COMPLETED = "completed"
    WRONG = "wrong"
    """It ran, and the distribution is wrong: its time counts for nothing."""
    ABORTED = "aborted"
    UNSUPPORTED = "unsupported"
    UNAVAILABLE = "unavailable"
    MISSING = "missing"
    """It was planned and there is no result: an interrupted session, an item that failed before it ran."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: ``seconds`` where it completed, ``timeout_s`` the deadline of a call (None if not known).

    ``noisy``: whether the rounds behind ``seconds`` scatter widely; None where there are no two of them.
    ``contended``: whether other points were measured meanwhile.
    """

    state: State
    seconds: float | None = None
    timeout_s: float | None = None
    noisy: bool | None = None
    contended: bool = False


@dataclass(frozen=True, slots=True)
class CaseKey:
    """A case instance whatever the backend: what is paired when backends are compared.

    ``params`` and ``noise`` are JSON text. ``ordinal`` tells apart the instances of one backend that have all
    else in common (a parametrised test whose parameters the record does not know).
    """

    node: str
    case: str
    n_qubits: int
    params: str
    noise: str
    ordinal: int = 0


class Matrix:
    """Rows and plan of a run, arranged as backend x case instance x shots.

    Args:
        rows: the rows of the run, one per backend and instance.
        planned: every point that was to run. What the rows themselves planned is added to it.
        backends: the backends in the order they were named; those that appear only elsewhere follow.
    """

    def __init__(
        self,
        rows: Sequence[Mapping[str, Any]],
        planned: Iterable[PlannedPoint] = (),
        backends: Sequence[str] = (),
    ) -> None:
        self._instances: dict[tuple[str, CaseKey], list[str]] = {}
        self._shots: dict[tuple[str, CaseKey], dict[int, None]] = {}
        self._rows: dict[tuple[str, CaseKey], Mapping[str, Any]] = {}
        order = dict.fromkeys(backends)
        for point in planned:
            order.setdefault(point.backend)
            key = self._key(point.backend, point.instance, node_of(point.nodeid), _fields(point))
            self._shots.setdefault((point.backend, key), {})[point.shots] = None
        for row in rows:
            order.setdefault(row["backend"])
            key = self._key(row["backend"], row["instance"], row["node"], row)
            self._rows[row["backend"], key] = row
            self._shots.setdefault((row["backend"], key), {}).update(dict.fromkeys(row["planned_shots"]))
        self.backends: tuple[str, ...] = tuple(order)
        self.kinds: dict[CaseKey, str] = {
            key: row["kind"] for (_, key), row in self._rows.items() if row["kind"] is not None
        }

    def _key(self, backend: str, instance: str, node: str, fields: Mapping[str, Any]) -> CaseKey:
        params, noise = (json.dumps(jsonable(fields[name]), sort_keys=True) for name in ("params", "noise"))
        key = CaseKey(node, fields["case"], fields["n_qubits"], params, noise)
        instances = self._instances.setdefault((backend, key), [])
        if instance not in instances:
            instances.append(instance)
        ordinal = instances.index(instance)
        return CaseKey(key.node, key.case, key.n_qubits, params, noise, ordinal) if ordinal else key

    def rows(self, backend: str) -> list[Mapping[str, Any]]:
        """The rows of ``backend``."""
        return [row for (owner, _), row in self._rows.items() if owner == backend]

    def row(self, backend: str, key: CaseKey) -> Mapping[str, Any] | None:
        """The row of ``backend`` for an instance, None where it has none."""
        return self._rows.get((backend, key))

    def warm(self, backend: str) -> dict[tuple[CaseKey, int], Cell]:
        """One cell per instance and shots: the median of the warm rounds."""
        return {
            (key, shots): _warm_cell(self._rows.get((owner, key)), shots)
            for (owner, key), planned in self._shots.items()
            if owner == backend
            for shots in planned
        }

    def cold(self, backend: str) -> dict[tuple[CaseKey, int], Cell]:
        """One cell per instance: preparation and first call, at the shots of that call.

        Where it was not made, or aborted, these are the shots at which it was due.
        """
        cells = {}
        for (owner, key), planned in self._shots.items():
            if owner == backend:
                row = self._rows.get((owner, key))
                shots = cold_shots(planned)
                if row is not None and row["first_call_abort"] is None and row["first_call_shots"] is not None:
                    shots = row["first_call_shots"]
                cells[key, shots] = _cold_cell(row)
        return cells

    def coverage(self, backend: str) -> dict[str, Any]:
        """How many cells of ``backend`` were planned and how many came to each state.

        ``fraction`` is completed by planned, None where nothing was planned.
        """
        states = Counter(cell.state for cell in self.warm(backend).values())
        planned = states.total()
        return {
            "planned": planned,
            **{state.value: states[state] for state in State},
            "fraction": states[State.COMPLETED] / planned if planned else None,
        }


def _fields(point: PlannedPoint) -> dict[str, Any]:
    return {"case": point.case, "n_qubits": point.n_qubits, "params": point.params, "noise": point.noise}


_STATES = {
    Status.ABORT: State.ABORTED,
    Status.UNSUPPORTED: State.UNSUPPORTED,
    Status.UNAVAILABLE: State.UNAVAILABLE,
}


def _warm_cell(row: Mapping[str, Any] | None, shots: int) -> Cell:
    status = row and row["point_status"].get(str(shots))
    if row is None or status is None:
        return Cell(State.MISSING)
    if status in _STATES:
        return Cell(_STATES[Status(status)], timeout_s=row["timeout_s"])
    return _timed(row, row["times_s"].get(str(shots)), row["rounds_s"].get(str(shots)) or ())


def _cold_cell(row: Mapping[str, Any] | None) -> Cell:
    if row is None:
        return Cell(State.MISSING)
    if row["first_call_abort"] is not None:
        return Cell(State.WRONG if row["correct"] is False else State.ABORTED, timeout_s=row["timeout_s"])
    if row["prepare_s"] is not None and row["first_call_s"] is not None:
        return _timed(row, row["prepare_s"] + row["first_call_s"])
    if row["status"] in _STATES:
        return Cell(_STATES[Status(row["status"])], timeout_s=row["timeout_s"])
    return Cell(State.WRONG if row["correct"] is False else State.MISSING, timeout_s=row["timeout_s"])


def _timed(row: Mapping[str, Any], seconds: float | None, rounds_s: Sequence[float] = ()) -> Cell:
    # One program and one simulator stand behind all shots of a ladder, and a test of few shots has little
    # power: where one point of it is wrong, none of its times counts.
    if row["correct"] is False:
        return Cell(State.WRONG, timeout_s=row["timeout_s"])
    if seconds is None or seconds <= 0:
        return Cell(State.MISSING, timeout_s=row["timeout_s"])
    return Cell(State.COMPLETED, seconds, row["timeout_s"], is_noisy(rounds_s), bool(row.get("contended")))
