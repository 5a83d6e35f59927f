"""Counts, totals, hot spots and problems."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from report_samples import ladder_of, planned, point, run

from pytest_qbench.report.cells import Matrix
from pytest_qbench.report.files import dump_line
from pytest_qbench.report.rows import build_row
from pytest_qbench.report.summary import build_summary
from pytest_qbench.results import Status


def summary_of(points, plan=None, **more):
    ladders = {}
    for result in points:
        ladders.setdefault(result.instance, []).append(result)
    rows = [build_row(ladder, "run", {}) for ladder in ladders.values()]
    arguments = {"run_id": "run", "started": datetime(2026, 1, 31, tzinfo=UTC), "wall_s": 5.0, "interrupted": False}
    return build_summary(rows, Matrix(rows, planned(points if plan is None else plan)), **(arguments | more))


def test_counts_by_status():
    summary = summary_of(list(run(("native", "aer", "stim", "quest"))))
    points = summary["points"]
    assert points["planned"] == 4 * 770
    assert sum(points["by_status"].values()) == points["ran"] + points["skipped"] == points["planned"]
    assert points["missing"] == 0
    assert points["by_status"]["FAIL"] == 1
    assert points["by_status"]["UNAVAILABLE"] == 770
    assert summary["rows"]["by_status"] == {
        status: sum(entry["rows"][status] for entry in summary["backends"].values()) for status in Status
    }
    assert summary["rows"]["total"] == sum(summary["rows"]["by_status"].values()) == 4 * 154
    assert json.loads(dump_line(summary)) == summary


def test_totals_keep_static_and_dynamic_apart():
    points = (
        ladder_of({1: 0.5, 10: 1.0}, kind="static")
        + ladder_of({1: 2.0}, case="teleportation", kind="dynamic")
        + ladder_of({1: 4.0}, backend="aer", kind="static")
    )
    summary = summary_of(points)
    assert summary["totals"]["static"]["medians_s"] == pytest.approx(5.5)
    assert summary["totals"]["dynamic"]["medians_s"] == pytest.approx(2.0)
    assert summary["backends"]["native"]["totals"]["static"] == {
        "rows": 1,
        "points": 2,
        "medians_s": pytest.approx(1.5),
        "rounds": 6,
        "rounds_s": pytest.approx(sum(sum(result.rounds_s) for result in points[:2])),
        "elapsed_s": pytest.approx(sum(result.elapsed_s for result in points[:2])),
    }
    assert summary["backends"]["aer"]["totals"]["dynamic"]["rows"] == 0


def test_hot_spots():
    points = (
        ladder_of({1: 0.1, 10: 0.2}, case="steep")
        + ladder_of({1: 0.19, 10: 0.15}, case="flat")
        + [point(case="costly", shots=1, seconds=0.01, ladder=(1,), elapsed_s=60.0)]
        + [point(case="never", shots=1, seconds=None, ladder=(1,), status=Status.ABORT, elapsed_s=90.0)]
    )
    spots = summary_of(points)["hot_spots"]
    assert [spot["case"] for spot in spots["slowest"]] == ["steep", "flat", "costly"]
    assert spots["slowest"][0]["shots"] == 10
    assert spots["most_time"][0]["case"] == "costly"
    assert spots["slowest_ladder"]["case"] == "flat"
    assert spots["slowest_ladder"]["ladder_s"] == pytest.approx(0.34)


def test_problems_carry_their_reasons():
    summary = summary_of(
        [
            point(shots=1, ladder=(1, 10, 100)),
            point(
                shots=10, seconds=None, ladder=(1, 10, 100), status=Status.ABORT, reason="killed", abort_kind="memory"
            ),
            point(shots=100, seconds=None, ladder=(1, 10, 100), status=Status.ABORT, skipped=True),
        ]
    )
    (problem,) = summary["problems"]
    assert (problem["case"], problem["status"], problem["kind"]) == ("ghz_state", "ABORT", "memory")
    assert (problem["shots"], problem["skipped_shots"], problem["reason"]) == ([10], [100], "killed")
    assert summary["points"]["skipped"] == 1


def test_what_never_ran_is_missing():
    plan = ladder_of({1: 0.1, 10: 0.1}) + ladder_of({1: 0.1, 10: 0.1}, n_qubits=8)
    summary = summary_of(plan[:1], plan, interrupted=True)
    assert summary["interrupted"] is True
    assert (summary["points"]["planned"], summary["points"]["ran"], summary["points"]["missing"]) == (4, 1, 3)


def test_nothing_ran():
    summary = summary_of([])
    assert summary["points"]["planned"] == 0
    assert summary["hot_spots"] == {"slowest": [], "most_time": [], "slowest_ladder": None}
    assert summary["started"] == "2026-01-31T00:00:00+00:00"
