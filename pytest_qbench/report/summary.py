"""``summary.json``: what a run came to, in counts, totals, hot spots and problems."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pytest_qbench.report.cells import Matrix, State
from pytest_qbench.report.spread import is_noisy
from pytest_qbench.results import Status

SCHEMA = 1

HOT_SPOTS = 10

_KINDS = ("static", "dynamic")


def build_summary(
    rows: Sequence[Mapping[str, Any]],
    matrix: Matrix,
    *,
    run_id: str,
    started: datetime,
    wall_s: float,
    interrupted: bool,
    report_problems: Sequence[str] = (),
) -> dict[str, Any]:
    """The content of ``summary.json``.

    Args:
        rows: the rows of the run.
        matrix: the same with the plan.
        run_id: the name of the run.
        started: when it began.
        wall_s: how long it took, in seconds.
        interrupted: whether the session ended before its end.
        report_problems: what could not be written.

    Returns:
        a JSON value. ``points`` and ``rows`` count by status, ``totals`` holds static and dynamic circuits
        apart (over all backends, and per backend), ``hot_spots`` the slowest instances by the median at their
        highest shots, by the time spent on them all in all, and the slowest ladder; ``problems`` every reason
        for which a row is not PASS or not whole, ``threads_exceeded`` every point in which a simulator
        kept more cores busy than it was given threads, ``repeated`` every point measured again after a crash. The times
        of a ladder with a FAIL count for nothing, but the time spent on it does; ``timed``, ``noisy``, ``single_round``
        and ``contended`` (of ladders measured beside others) are of the points whose times count.
    """
    statuses = Counter(status for row in rows for status in row["point_status"].values())
    coverage = [matrix.coverage(backend) for backend in matrix.backends]
    return {
        "schema": SCHEMA,
        "run_id": run_id,
        "started": started.astimezone(UTC).isoformat(timespec="seconds"),
        "wall_s": wall_s,
        "interrupted": interrupted,
        "points": {
            "planned": sum(entry["planned"] for entry in coverage),
            "ran": statuses.total() - sum(len(row["skipped_shots"]) for row in rows),
            "skipped": sum(len(row["skipped_shots"]) for row in rows),
            "missing": sum(len(row["missing_shots"]) for row in rows) + _never_started(matrix),
            "by_status": {status.value: statuses[status.value] for status in Status},
            **_spread(rows),
        },
        "rows": {"total": len(rows), "by_status": _by_status(rows)},
        "totals": _totals(rows),
        "backends": {
            backend: {
                "rows": _by_status(matrix.rows(backend)),
                "coverage": matrix.coverage(backend),
                "totals": _totals(matrix.rows(backend)),
            }
            for backend in matrix.backends
        },
        "hot_spots": {
            "slowest": _hottest(_right(rows), "median_s"),
            "most_time": _hottest(rows, "elapsed_s"),
            "slowest_ladder": next(iter(_hottest(_right(rows), "ladder_s")), None),
        },
        "threads_exceeded": [
            {**_name(row), "shots": shots, "cpu_util": row["cpu_util"][str(shots)], "threads": row["threads_granted"]}
            for row in rows
            for shots in row["threads_exceeded"]
        ],
        "repeated": [
            {**_name(row), "shots": int(shots), "crashes": crashes}
            for row in rows
            for shots, crashes in (row.get("crashes") or {}).items()
        ],
        "problems": [_problem(row, error) for row in rows for error in row["errors"]],
        "report_problems": list(report_problems),
    }


def _never_started(matrix: Matrix) -> int:
    return sum(
        cell.state is State.MISSING and matrix.row(backend, key) is None
        for backend in matrix.backends
        for (key, _), cell in matrix.warm(backend).items()
    )


def _by_status(rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    counts = Counter(row["status"] for row in rows)
    return {status.value: counts[status.value] for status in Status}


def _totals(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Per kind: rows, points timed, the sum of their medians, and all rounds with their sum."""
    return {kind: _total([row for row in rows if row["kind"] == kind]) for kind in _KINDS}


def _total(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    right = _right(rows)
    medians = [seconds for row in right for seconds in row["times_s"].values()]
    rounds = [seconds for row in right for times in row["rounds_s"].values() for seconds in times]
    return {
        "rows": len(rows),
        "points": len(medians),
        "medians_s": _sum(medians),
        "rounds": len(rounds),
        "rounds_s": _sum(rounds),
        "elapsed_s": _sum(row["elapsed_s"] for row in rows),
    }


def _right(rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The rows whose times count: those with a wrong result are no simulation of the circuit."""
    return [row for row in rows if row["correct"] is not False]


def _spread(rows: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """How many points have a time that counts, and how far their rounds can be trusted."""
    right = _right(rows)
    rounds = [times for row in right for times in row["rounds_s"].values() if times]
    return {
        "timed": len(rounds),
        "noisy": sum(is_noisy(times) is True for times in rounds),
        "single_round": sum(len(times) == 1 for times in rounds),
        "contended": sum(bool(times) for row in right if row.get("contended") for times in row["rounds_s"].values()),
    }


def _sum(seconds: Iterable[float | None]) -> float:
    return math.fsum(value for value in seconds if value is not None)


def _hottest(rows: Sequence[Mapping[str, Any]], by: str) -> list[dict[str, Any]]:
    spots = [_spot(row) for row in rows if row["times_s"]]
    spots = [spot for spot in spots if spot[by] is not None]
    return sorted(spots, key=lambda spot: spot[by], reverse=True)[:HOT_SPOTS]


def _spot(row: Mapping[str, Any]) -> dict[str, Any]:
    """``median_s`` is at the highest shots, ``ladder_s`` the sum of the medians of all shots."""
    shots = max(row["times_s"], key=int)
    return {
        **_name(row),
        "shots": int(shots),
        "median_s": row["times_s"][shots],
        "noisy": is_noisy(row["rounds_s"].get(shots) or ()),
        "ladder_s": _sum(row["times_s"].values()),
        "elapsed_s": row["elapsed_s"],
        "status": row["status"],
    }


def _problem(row: Mapping[str, Any], error: Mapping[str, Any]) -> dict[str, Any]:
    skipped = row["skipped_shots"] if error["status"] == Status.ABORT else []
    return {
        **_name(row),
        "status": error["status"],
        "kind": error["kind"],
        "shots": error["shots"],
        "skipped_shots": skipped,
        "reason": error["reason"],
    }


def _name(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: row[key] for key in ("backend", "case", "n_qubits", "params", "noise")}
