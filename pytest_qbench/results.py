"""The result of one point: what passes from the measured item to the record, between processes too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    """The verdict on a point or a row."""

    PASS = "PASS"
    UNVERIFIED = "UNVERIFIED"
    """It ran, and nothing tells what its distribution must be: a circuit with noise that is too large."""
    FAIL = "FAIL"
    ABORT = "ABORT"
    UNSUPPORTED = "UNSUPPORTED"
    UNAVAILABLE = "UNAVAILABLE"


@dataclass(frozen=True, slots=True)
class PointResult:
    """Everything the record needs to know of one measured point. All values are JSON values.

    ``instance`` groups the points of one ladder; ``ladder`` is every shots value that this session planned for
    it (after ``-k`` and friends), so that a reader knows when the ladder is complete. Times are in seconds,
    memory in bytes. ``rounds_s`` is empty where nothing was timed. ``skipped`` is True for a point that was not
    run because a lower one of its ladder aborted. ``first_call_shots`` belongs to ``first_call_s``;
    ``first_call_abort`` says why a first call at more shots than the point's own was given up before.
    """

    nodeid: str
    instance: str
    backend: str
    spec: str
    case: str
    n_qubits: int
    params: Mapping[str, Any]
    shots: int
    ladder: tuple[int, ...]
    status: Status
    reason: str = ""
    detail: str = ""
    fault: str = ""
    """What a function of the case raised, and where: its traceback is worth showing once."""
    abort_kind: str | None = None
    skipped: bool = False
    kind: str | None = None
    n_ops: int | None = None
    program_hash: str | None = None
    rounds_s: tuple[float, ...] = ()
    cpu_s: tuple[float, ...] = ()
    counts_s: tuple[float, ...] = ()
    prepare_s: float | None = None
    first_call_s: float | None = None
    first_call_shots: int | None = None
    first_call_abort: str | None = None
    memory: Mapping[str, int | None] = field(default_factory=dict)
    description: Mapping[str, Any] = field(default_factory=dict)
    p_value: float | None = None
    threads: int | None = None
    seed: int | None = None
    timeout_s: float | None = None
    noise: Any = None
    elapsed_s: float = 0.0
    gradient: Mapping[str, Any] | None = None
    """What only a gradient point has; see :data:`pytest_qbench.report.rows.GRADIENT_KEYS`."""

    def to_json(self) -> dict[str, Any]:
        """A JSON value that :meth:`from_json` turns back into an equal result."""
        # xdist sends plain types only, and a StrEnum is none.
        return {**asdict(self), "status": str(self.status)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> PointResult:
        """The inverse of :meth:`to_json`."""
        data = dict(value)
        data["status"] = Status(data["status"])
        for key in ("ladder", "rounds_s", "cpu_s", "counts_s"):
            data[key] = tuple(data[key])
        return cls(**data)
