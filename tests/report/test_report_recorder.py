"""Points come in, rows and files go out."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from report_samples import ladder_of, planned, point, run

from pytest_qbench.report import environment
from pytest_qbench.report.files import ReportError
from pytest_qbench.report.jsonl import read_rows
from pytest_qbench.report.recorder import Recorder
from pytest_qbench.results import Status

SAMPLES = Path(__file__).parent


@pytest.fixture(scope="module")
def here():
    return environment.collect()


@pytest.fixture
def recorder(tmp_path, here):
    return Recorder(tmp_path / "reports", here, ("native", "aer"))


def content(recorder, name):
    return json.loads((recorder.folder.path / f"{name}.json").read_text())


def test_a_row_is_written_when_its_ladder_is_complete(recorder):
    points = ladder_of({1: 0.1, 10: 0.2, 100: 0.3})
    for result in points[:2]:
        assert recorder.add(result) is None
        assert read_rows(recorder.folder.results) == []
    written = recorder.add(points[2])
    (row,) = read_rows(recorder.folder.results)
    assert row == written
    assert row["run_id"] == recorder.folder.run_id
    assert row == recorder.rows[0]
    assert content(recorder, "native_ghz_state_4q")["row"] == row
    assert content(recorder, "environment")["cpu"]["model"] == row["env"]["cpu"]


def test_the_order_of_arrival_does_not_matter(tmp_path, here):
    points = list(run(("native", "aer", "stim"), sizes=(4, 24)))
    shuffled = random.Random(3).sample(points, len(points))
    outcomes = []
    for number, order in enumerate((points, shuffled)):
        recorder = Recorder(tmp_path / str(number), here, ("native", "aer", "stim"))
        recorder.plan(planned(points))
        for result in order:
            recorder.add(result)
        recorder.finish()
        rows = [{**row, "run_id": ""} for row in read_rows(recorder.folder.results)]
        comparison = {**content(recorder, "comparison"), "run_id": ""}
        for pair in comparison["pairs"]:
            for reading in ("warm", "cold"):
                pair[reading]["cells"].sort(key=str)
        outcomes.append((sorted(rows, key=lambda row: row["instance"]), comparison))
        assert len({row["instance"] for row in rows}) == len(rows) == 3 * 2 * 22
    assert outcomes[0][0] == outcomes[1][0]
    assert approximately(outcomes[0][1]) == approximately(outcomes[1][1])


def approximately(value):
    """Sums of logarithms differ in the last bit with their order."""
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, dict):
        return {key: approximately(item) for key, item in value.items()}
    return [approximately(item) for item in value] if isinstance(value, list) else value


def test_every_file_of_the_folder(recorder):
    for result in run(sizes=(12, 24)):
        recorder.add(result)
    recorder.finish()
    files = {path.name for path in recorder.folder.path.iterdir()}
    assert {"results.jsonl", "summary.json", "comparison.json", "environment.json"} <= files
    assert "aer_random_universal_24q_depth20.json" in files
    assert len(files) == 4 + 2 * 2 * 22
    assert content(recorder, "summary") == recorder.summary
    assert content(recorder, "comparison")["run_id"] == recorder.folder.run_id


def test_an_interrupted_run_leaves_its_partial_ladders_marked(recorder):
    points = ladder_of({1: 0.1, 10: 0.2}) + ladder_of({1: 0.1, 10: 0.2}, n_qubits=8)
    plan = points + ladder_of({1: 0.1, 10: 0.2}, n_qubits=12)
    recorder.plan(planned(plan))
    for result in points[:3]:
        recorder.add(result)
    written = recorder.finish(interrupted=True)
    assert recorder.finish() == []
    whole, partial = read_rows(recorder.folder.results)
    assert written == [partial]
    assert whole["errors"] == []
    assert partial["errors"][0] == {
        "shots": [10],
        "status": None,
        "kind": "missing",
        "reason": "not measured: the session was interrupted",
        "detail": "",
    }
    assert recorder.summary["interrupted"] is True
    assert recorder.summary["points"]["planned"] == 6
    assert recorder.summary["points"]["missing"] == 3
    assert content(recorder, "comparison")["coverage"]["native"]["missing"] == 3


def test_a_point_that_comes_again_replaces_the_first(recorder):
    wrong = point(shots=1, ladder=(1, 10), status=Status.FAIL, reason="wrong")
    for result in (wrong, *ladder_of({1: 0.1, 10: 0.2})):
        recorder.add(result)
    recorder.finish()
    (row,) = read_rows(recorder.folder.results, superseded=True)
    assert (row["status"], row["attempt"]) == ("PASS", 1)
    assert recorder.counts == {"PASS": 2, "FAIL": 0}


def test_a_point_that_comes_again_after_its_row_was_written(recorder):
    wrong = point(shots=1, ladder=(1,), status=Status.FAIL, reason="wrong")
    for result in (wrong, wrong, point(shots=1, ladder=(1,))):
        recorder.add(result)
    recorder.finish()
    rows = read_rows(recorder.folder.results, superseded=True)
    assert [(row["status"], row["attempt"]) for row in rows] == [("FAIL", 1), ("PASS", 2)]
    assert [row["status"] for row in read_rows(recorder.folder.results)] == ["PASS"]
    assert recorder.summary["rows"]["total"] == 1
    assert recorder.summary["points"]["by_status"]["FAIL"] == 0
    assert content(recorder, "native_ghz_state_4q")["row"]["status"] == "PASS"


def test_cases_of_one_name_in_two_files_are_two_ladders(recorder):
    for folder in ("a", "b"):
        recorder.add(point(shots=1, ladder=(1,), nodeid=f"{folder}/x.py::ghz_state[native-q4-s1]"))
    recorder.finish()
    assert [row["node"] for row in read_rows(recorder.folder.results)] == ["a/x.py::ghz_state", "b/x.py::ghz_state"]
    assert len(list(recorder.folder.path.glob("native_ghz_state_4q*.json"))) == 2


def test_a_parametrised_test_is_a_ladder_per_parameter(recorder):
    for angle in (0.1, 0.2):
        recorder.add(point(shots=1, ladder=(1,), instance="test_x[native-q4]", params={"angle": angle}))
    recorder.finish()
    assert [row["params"]["angle"] for row in read_rows(recorder.folder.results)] == [0.1, 0.2]
    assert len(list(recorder.folder.path.glob("native_*.json"))) == 2


def test_a_copy_of_the_rows(tmp_path, here):
    copy = tmp_path / "deep" / "all.jsonl"
    for _ in range(2):
        recorder = Recorder(tmp_path, here, copy=copy)
        recorder.add(point(shots=1, ladder=(1,)))
        recorder.finish()
    assert [row["run_id"] for row in read_rows(copy)][-1] == recorder.folder.run_id
    assert len(read_rows(copy)) == 2


def test_nothing_is_measured_when_nothing_can_be_written(tmp_path, here):
    (tmp_path / "file").write_text("text")
    with pytest.raises(ReportError, match="use --qbench-run-dir=DIR"):
        Recorder(tmp_path / "file", here)
    with pytest.raises(ReportError, match="cannot write rows to"):
        Recorder(tmp_path / "reports", here, copy=tmp_path)
    assert not (tmp_path / "reports").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_disk_that_fills_up_does_not_stop_the_run(tmp_path, here):
    recorder = Recorder(tmp_path, here, copy=Path("/dev/full"))
    for n_qubits in (2, 3):
        recorder.add(point(shots=1, ladder=(1,), n_qubits=n_qubits))
    recorder.finish()
    assert recorder.problems == ["cannot write a row to /dev/full: No space left on device"]
    assert content(recorder, "summary")["report_problems"] == recorder.problems
    assert len(read_rows(recorder.folder.results)) == 2


def test_a_folder_that_vanishes_is_told_once_per_file(recorder):
    recorder.folder.path.rename(recorder.folder.path.with_name("away"))
    recorder.add(point(shots=1, ladder=(1,)))
    recorder.finish()
    assert len(recorder.problems) == 3
    assert recorder.summary["report_problems"] == recorder.problems
    assert all("No such file" in problem for problem in recorder.problems)


def test_progress(recorder):
    points = ladder_of({1: 0.1, 10: 0.2})
    recorder.plan(planned(points))
    assert (recorder.done, recorder.planned) == (0, 2)
    recorder.add(points[0])
    assert (recorder.done, recorder.planned) == (1, 2)
    assert recorder.eta.seconds_left() == pytest.approx(points[0].elapsed_s)
    recorder.add(points[1])
    recorder.add(point(shots=1, ladder=(1,), case="qft"))
    assert (recorder.done, recorder.planned) == (3, 3), "a hand-written test is not planned"


RUN_FOR_EVER = """
import itertools, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from report_samples import ladder_of
from pytest_qbench.report import environment
from pytest_qbench.report.recorder import Recorder
recorder = Recorder(Path(sys.argv[1]), environment.collect())
for n_qubits in itertools.count(1):
    for result in ladder_of({1: 0.1, 10: 0.2}, n_qubits=n_qubits):
        recorder.add(result)
"""


def test_kill_9_leaves_a_row_for_every_finished_case(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", RUN_FOR_EVER, tmp_path, SAMPLES])
    results = tmp_path / "latest" / "results.jsonl"
    deadline = time.monotonic() + 30
    while not results.exists() or results.read_bytes().count(b"\n") < 25:
        assert process.poll() is None
        assert time.monotonic() < deadline
    process.send_signal(signal.SIGKILL)
    process.wait()
    rows = read_rows(results)
    assert [row["n_qubits"] for row in rows] == list(range(1, len(rows) + 1))
    assert json.loads((results.parent / "environment.json").read_text())["cpu"]
    for path in results.parent.glob("native_*.json"):
        assert json.loads(path.read_text())["row"]["status"] == "PASS"
