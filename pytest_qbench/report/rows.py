"""From the points of one ladder to its row: the line of ``results.jsonl``."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pytest_qbench.report.files import dump_line, jsonable
from pytest_qbench.results import PointResult, Status

SCHEMA = 1
"""The version of the row. Fields are only ever added, so it changes only if one must change its meaning."""

PRECEDENCE = (Status.FAIL, Status.ABORT, Status.UNAVAILABLE, Status.UNSUPPORTED, Status.UNVERIFIED, Status.PASS)
"""Worst first. A wrong result outweighs a missing one: whoever is told only one thing must be told that."""

MEMORY_KEYS = ("rss_before", "rss_after", "rss_delta", "rss_peak", "device_peak")

GRADIENT_KEYS = (
    "n_parameters",
    "n_nonzero",
    "throughput",
    "evaluations",
    "split_s",
    "floor_s",
    "encoding",
    "observable",
    "dataset",
)
"""Further keys, which are null in the row of a circuit. In a gradient row samples are where circuits have shots."""

ROW_KEYS = (
    "schema",
    "run_id",
    "backend",
    "backend_version",
    "case",
    "n_qubits",
    "params",
    "n_ops",
    "kind",
    "status",
    "correct",
    "aborted",
    "abort_reason",
    "errors",
    "times_s",
    "rounds_s",
    "cpu_times_s",
    "cpu_util",
    "prepare_s",
    "first_call_s",
    "memory",
    "threads",
    "precision",
    "device",
    "noise",
    "seed",
    "env",
    # Further than the contract's own:
    "spec",
    "node",
    "instance",
    "nodeids",
    "attempt",
    "program_hash",
    "method",
    "device_name",
    "versions",
    "threads_granted",
    "timeout_s",
    "planned_shots",
    "skipped_shots",
    "missing_shots",
    "point_status",
    "first_call_shots",
    "counts_s",
    "p_values",
    "elapsed_s",
    "first_call_abort",
    "threads_exceeded",
    *GRADIENT_KEYS,
)
"""The keys of every row, in order, whatever the backend and the status."""

CPU_TOLERANCE = 0.25
"""How many cores a simulator may keep busy beyond its threads: collecting garbage, and what the kernel counts
coarsely."""

_DETAIL_LENGTH = 2000
_LEAST_WALL_S = 0.05
"""Seconds of rounds below which their CPU time, counted in coarse steps, tells nothing."""


def worst(statuses: Iterable[Status]) -> Status:
    """The status of a whole whose parts have ``statuses`` (at least one), by :data:`PRECEDENCE`."""
    return min(statuses, key=PRECEDENCE.index)


def node_of(nodeid: str) -> str:
    """A node id without its parameters: equal for all points of a case, whatever their backend."""
    path, separator, name = nodeid.partition("::")
    return path + separator + name.partition("[")[0]


def identity(backend: str, node: str, instance: str, params: Mapping[str, Any]) -> str:
    """What tells one row of a run from another, as text.

    The node counts because two files may have cases of one name, the parameters because a parametrised test may
    run several circuits under one instance name.
    """
    return dump_line([backend, node, instance, jsonable(params)])


def build_row(
    points: Sequence[PointResult],
    run_id: str,
    env: Mapping[str, Any],
    *,
    attempt: int = 1,
    missing_reason: str = "no result arrived",
) -> dict[str, Any]:
    """The row of one ladder.

    Args:
        points: the results of one backend and case instance, one per shots value, in any order.
        run_id: the name of the run.
        env: the short form of the environment (:func:`pytest_qbench.report.environment.essentials`).
        attempt: 2 and more where an earlier row of the same instance was already written (re-runs).
        missing_reason: why planned points of the ladder have no result, if some have none.

    Returns:
        a JSON value with exactly the keys :data:`ROW_KEYS`. Its ``status`` is the worst of its points.
        ``correct`` is False as soon as one point that ran failed its check, True if none did, None where
        nothing was checked (also where the circuit could not be built). Times are medians over the rounds of each
        point that was timed, so a ladder that aborted keeps those of its lower shots. ``cpu_util`` is CPU time
        per wall time: the number of cores kept busy. Memory runs from before the first point to after the last,
        peaks are the highest.

    Raises:
        ValueError: there are no points.
    """
    if not points:
        raise ValueError("a row needs at least one point")
    ordered = sorted(points, key=lambda point: point.shots)
    first = ordered[0]
    # All points of a ladder come from one worker or its successor; the last to say something counts.
    description: dict[str, Any] = {}
    for point in ordered:
        description.update({key: value for key, value in point.description.items() if value is not None})
    timed = [point for point in ordered if point.rounds_s]
    completed = [point for point in timed if point.status in (Status.PASS, Status.FAIL)]
    wrong = any(point.status is Status.FAIL for point in completed)
    aborted = [point for point in ordered if point.status is Status.ABORT]
    abort = next((point for point in aborted if not point.skipped), aborted[0] if aborted else None)
    first_call = next((point for point in ordered if point.first_call_s is not None), None)
    planned = sorted({*first.ladder, *(point.shots for point in ordered)})
    missing = [shots for shots in planned if shots not in {point.shots for point in ordered}]
    effective_threads = description.get("threads")
    row: dict[str, Any] = {
        "schema": SCHEMA,
        "run_id": run_id,
        "backend": first.backend,
        "backend_version": description.get("version"),
        "case": first.case,
        "n_qubits": first.n_qubits,
        "params": first.params,
        "n_ops": _first(point.n_ops for point in ordered),
        "kind": _first(point.kind for point in ordered),
        "status": worst(point.status for point in ordered).value,
        "correct": not wrong if completed else None,
        "aborted": bool(aborted),
        "abort_reason": (abort.reason or abort.abort_kind or "no reason given") if abort else None,
        "errors": _errors(ordered, missing, missing_reason),
        "times_s": {point.shots: statistics.median(point.rounds_s) for point in timed},
        "rounds_s": {point.shots: point.rounds_s for point in timed},
        "cpu_times_s": {point.shots: statistics.median(point.cpu_s) for point in timed if point.cpu_s},
        "cpu_util": {point.shots: _utilisation(point) for point in timed if point.cpu_s},
        "prepare_s": _first(point.prepare_s for point in ordered),
        "first_call_s": first_call.first_call_s if first_call else None,
        "memory": _memory(ordered),
        "threads": first.threads if effective_threads is None else effective_threads,
        "precision": description.get("precision"),
        "device": description.get("device"),
        "noise": first.noise,
        "seed": first.seed,
        "env": env,
        "spec": first.spec,
        "node": node_of(first.nodeid),
        "instance": first.instance,
        "nodeids": {point.shots: point.nodeid for point in ordered},
        "attempt": attempt,
        "program_hash": _first(point.program_hash for point in ordered),
        "method": description.get("method"),
        "device_name": description.get("device_name"),
        "versions": description.get("versions") or {},
        "threads_granted": first.threads,
        "timeout_s": _first(point.timeout_s for point in reversed(ordered)),
        "planned_shots": planned,
        "skipped_shots": [point.shots for point in ordered if point.skipped],
        "missing_shots": missing,
        "point_status": {point.shots: point.status.value for point in ordered},
        "first_call_shots": first_call.first_call_shots if first_call else None,
        "counts_s": {point.shots: statistics.median(point.counts_s) for point in timed if point.counts_s},
        "p_values": {point.shots: point.p_value for point in ordered if point.p_value is not None},
        "elapsed_s": sum(point.elapsed_s for point in ordered),
        "first_call_abort": _first(point.first_call_abort for point in ordered),
        "threads_exceeded": [point.shots for point in timed if _exceeds(point)],
        **_gradient(ordered, timed),
    }
    lost: list[str] = []
    clean: dict[str, Any] = jsonable(row, lost=lost)
    if lost:
        reason = f"not a finite number, null in this row: {', '.join(lost)}"
        clean["errors"].append(_error([], None, "number", reason))
    return clean


def _gradient(ordered: Sequence[PointResult], timed: Sequence[PointResult]) -> dict[str, Any]:
    """The fields :data:`GRADIENT_KEYS`."""
    if not any(point.gradient for point in ordered):
        return dict.fromkeys(GRADIENT_KEYS)

    def by_samples(key: str) -> dict[int, Any]:
        known = {point.shots: (point.gradient or {}).get(key) for point in ordered}
        return {samples: value for samples, value in known.items() if value is not None}

    def shared(key: str) -> Any:
        return _first((point.gradient or {}).get(key) for point in ordered)

    return {
        "n_parameters": shared("n_parameters"),
        "n_nonzero": by_samples("n_nonzero"),
        "throughput": {point.shots: point.shots / statistics.median(point.rounds_s) for point in timed},
        "evaluations": by_samples("evaluations"),
        "split_s": by_samples("split"),
        "floor_s": by_samples("floor_s"),
        "encoding": shared("encoding"),
        "observable": shared("observable"),
        "dataset": shared("dataset"),
    }


def _first(values: Iterable[Any]) -> Any:
    return next((value for value in values if value is not None), None)


def _utilisation(point: PointResult) -> float | None:
    wall = sum(point.rounds_s)
    return sum(point.cpu_s) / wall if wall > 0 else None


def _exceeds(point: PointResult) -> bool:
    """Whether the simulator kept more cores busy than it was given threads."""
    used = _utilisation(point) if point.cpu_s else None
    return used is not None and sum(point.rounds_s) >= _LEAST_WALL_S and used > (point.threads or 1) + CPU_TOLERANCE


def _memory(ordered: Sequence[PointResult]) -> dict[str, int | None]:
    def known(key: str) -> list[int]:
        return [value for point in ordered if (value := point.memory.get(key)) is not None]

    before, after = known("rss_before")[:1], known("rss_after")[-1:]
    memory: dict[str, int | None] = dict.fromkeys(MEMORY_KEYS)
    memory["rss_before"] = before[0] if before else None
    memory["rss_after"] = after[0] if after else None
    memory["rss_delta"] = after[0] - before[0] if before and after else None
    memory["rss_peak"] = max(known("rss_peak"), default=None)
    memory["device_peak"] = max(known("device_peak"), default=None)
    return memory


def _errors(ordered: Sequence[PointResult], missing: list[int], missing_reason: str) -> list[dict[str, Any]]:
    """One entry per reason, with the shots it holds for; skipped points have their own list in the row."""
    errors: dict[tuple[str, str], dict[str, Any]] = {}
    bad = [point for point in ordered if point.status is not Status.PASS]
    for point in [point for point in bad if not point.skipped] or bad:
        reason = point.reason or "no reason given"
        entry = _error([], point.status.value, point.abort_kind, reason, point.detail)
        errors.setdefault((entry["status"], reason), entry)["shots"].append(point.shots)
    result = list(errors.values())
    if missing:
        result.append(_error(missing, None, "missing", f"not measured: {missing_reason}"))
    return result


def _error(shots: list[int], status: str | None, kind: str | None, reason: str, detail: str = "") -> dict[str, Any]:
    # The end of a traceback says the most.
    shown = detail[-_DETAIL_LENGTH:]
    return {"shots": shots, "status": status, "kind": kind, "reason": reason, "detail": shown}
