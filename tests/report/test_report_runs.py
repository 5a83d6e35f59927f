"""Finding an earlier run, what it was asked to do, and what of it stands."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from report_samples import ladder_of, planned, point

from pytest_qbench.report import environment
from pytest_qbench.report.cells import Matrix
from pytest_qbench.report.earlier import EarlierRun, identity_of
from pytest_qbench.report.files import ReportError
from pytest_qbench.report.plan_file import RunPlan, read_plan, write_plan
from pytest_qbench.report.recorder import Recorder
from pytest_qbench.report.rows import ROW_KEYS
from pytest_qbench.report.runs import find_run, run_ids
from pytest_qbench.results import Status


@pytest.fixture(scope="module")
def here():
    return environment.collect()


def make_run(base: Path, name: str, started: float) -> Path:
    folder = base / name
    folder.mkdir(parents=True)
    (folder / "results.jsonl").touch()
    (folder / "environment.json").write_text("{}")
    os.utime(folder / "environment.json", (started, started))
    return folder


def test_a_run_by_id_by_path_and_the_newest(tmp_path):
    reports = tmp_path / "reports"
    first, second = make_run(reports, "20260101-000000-aaaa", 1), make_run(reports, "bench_1", 2)
    (reports / "20260303-000000-bbbb").mkdir()  # a trace: no run
    assert run_ids(reports) == ["20260101-000000-aaaa", "bench_1"]
    assert find_run(reports, first.name, tmp_path) == first
    assert find_run(tmp_path, "reports/bench_1/", tmp_path) == second
    assert find_run(tmp_path, str(first), Path("/")) == first
    assert find_run(reports, "latest", tmp_path) == second, "without a pointer, the one that started last"
    (reports / "latest").symlink_to(first.name)
    assert find_run(reports, "latest", tmp_path) == first
    (reports / "latest").unlink()
    (reports / "latest").write_text(f"{first.name}\n")
    assert find_run(reports, "latest", tmp_path) == first


def test_no_such_run(tmp_path):
    reports = tmp_path / "reports"
    for name in ("latest", "x"):
        with pytest.raises(ReportError, match=r"there is no.*--qbench-run-dir names another"):
            find_run(reports, name, tmp_path)
    for number in range(7):
        make_run(reports, f"20260101-00000{number}-aaaa", number)
    with pytest.raises(ReportError, match="the nearest: 20260101-000003-aaaa"):
        find_run(reports, "20260101-000003-aaab", tmp_path)
    with pytest.raises(ReportError, match="the newest: 20260101-000006-aaaa, 20260101-000005-aaaa"):
        find_run(reports, "zzz", tmp_path)


PLAN = RunPlan(
    command=("--qbench-backend=aer", "-k", "a b"),
    folder=".",
    backends=("aer[method=statevector]",),
    settings={"seed": 1},
    tests=("test_x.py::test_y[aer]",),
    points=tuple(planned([*ladder_of({1: 1, 100: 1}), *ladder_of({10: 1}, params={"depth": 2}), point(case="qft")])),
)


def test_a_plan_comes_back(tmp_path):
    write_plan(tmp_path, PLAN)
    assert read_plan(tmp_path) == PLAN
    assert [ladder["shots"] for ladder in json.loads((tmp_path / "plan.json").read_text())["ladders"]] == [
        [1, 100],
        [10],
        [1000],
    ]


@pytest.mark.parametrize("text", ["", "[]", '{"schema": 1}', '{"command": 3}'])
def test_what_is_no_plan(tmp_path, text):
    with pytest.raises(ReportError, match=r"has no plan.json: an earlier version wrote it"):
        read_plan(tmp_path)
    (tmp_path / "plan.json").write_text(text)
    with pytest.raises(ReportError, match=r"plan.json is not the plan of a run"):
        read_plan(tmp_path)


def test_what_stands_of_a_run(tmp_path, here):
    whole = ladder_of({1: 0.1, 10: 0.2})
    partly = [
        point(case="qft", shots=1, ladder=(1, 10)),
        point(case="qft", shots=10, ladder=(1, 10), status=Status.FAIL),
    ]
    plan = planned([*whole, *partly])
    old = Recorder(tmp_path, here, ("native",))
    old.plan(plan)
    for result in (*whole, *partly):
        old.add(result)
    old.finish()
    run = EarlierRun.read(old.folder.path)
    assert run.finished
    assert run.other_machine(here) == []
    assert run.statuses()[partly[1].nodeid] == "FAIL"
    standing = run.standing(plan, {partly[1].nodeid})
    assert [(row["case"], points) for row, points in standing.rows] == [("ghz_state", tuple(whole))]
    assert standing.points == (partly[0],)

    new = Recorder(tmp_path, here, ("native",))
    new.plan(plan, {partly[1].nodeid})
    new.take_over(standing, run.run_id)
    assert (new.done, new.planned) == (3, 4)
    assert EarlierRun.read(new.folder.path).statuses().keys() == {result.nodeid for result in whole}, "on disk at once"
    new.add(point(case="qft", shots=10, ladder=(1, 10)))
    assert new.eta.seconds_left() == 0
    new.finish()
    assert new.summary["merged_from"] == {run.run_id: 3}
    assert new.summary["points"]["by_status"] == {**dict.fromkeys(Status, 0), Status.PASS: 4}
    assert [tuple(row) for row in new.rows] == [ROW_KEYS, ROW_KEYS]
    assert [row["merged_from"] for row in new.rows] == [{"1": run.run_id, "10": run.run_id}, {"1": run.run_id}]
    third = EarlierRun.read(new.folder.path)
    assert {found.merged_from for row in third.rows for found in third.points_of(row)} == {run.run_id, None}


def test_a_file_of_points_that_is_lost_or_of_another_attempt(tmp_path, here):
    recorder = Recorder(tmp_path, here)
    for result in ladder_of({1: 0.1}):
        recorder.add(result)
    run = EarlierRun.read(recorder.folder.path)
    (row,) = run.rows
    assert not run.finished
    assert len(run.points_of(row)) == 1
    assert run.points_of({**row, "attempt": 2}) == ()
    (recorder.folder.path / "native_ghz_state_4q.json").unlink()
    assert run.points_of(row) == ()
    assert run.standing([], {row["nodeids"]["1"]}).points == ()
    recorder.finish()


def test_another_machine(tmp_path, here):
    recorder = Recorder(tmp_path, here)
    recorder.add(point(shots=1, ladder=(1,)))
    recorder.finish()
    run = EarlierRun.read(recorder.folder.path)
    other = {**here, "cpu": {**here["cpu"], "model": "6502"}, "python": {**here["python"], "version": "3.99"}}
    assert run.other_machine(other) == ["CPU", "python"]
    assert run.other_machine({**here, "packages": {}}) == [], "packages are what is compared"


def test_instances_that_nothing_tells_apart_are_found_quickly():
    """A parametrised test whose parameters the record does not know: their number must not count squared."""
    points = [point(shots=1, ladder=(1,), instance=f"test_x[{number}]") for number in range(5000)]
    matrix = Matrix([], planned(points), ("native",))
    assert len(matrix.warm("native")) == 5000
    assert {key.ordinal for key, _ in matrix.warm("native")} == set(range(5000))
    assert matrix.rows("aer") == []
    assert identity_of({"backend": "a", "node": "b", "instance": "c", "params": {}}) == '["a","b","c",{}]'
