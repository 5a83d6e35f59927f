"""Going on with an interrupted run, and measuring again what failed: whole sessions."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from end_to_end import CASES, make_cases, register, rows, run_file

BASE = ("--qbench-backend=fickle", "--qbench-shots=1,10,100")


@pytest.fixture(autouse=True)
def _toy(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    make_cases(pytester)
    source = Path(__file__).with_name("fickle_backend.py").read_text()
    (pytester.path / "fickle_copy.py").write_text(source)
    register(pytester, monkeypatch, fickle="fickle_copy:Fickle")


def faults(pytester: pytest.Pytester, **at: str) -> None:
    """What goes wrong from now on: ``q2s10="lie"``."""
    places = {" ".join(re.findall(r"\d+", place)): fault for place, fault in at.items()}
    (pytester.path / "faults.json").write_text(json.dumps(places))


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return pytester.runpytest_subprocess(*arguments, "-v")


def measured(result: pytest.RunResult) -> list[str]:
    """The parameters of the points that ran: ``q2-s10``."""
    return [match[1] for line in result.outlines if (match := re.match(r"\S+::zeros\[fickle-(\S+)\] [A-Z]+ ", line))]


def newest(pytester: pytest.Pytester) -> Path:
    return (pytester.path / "reports" / "latest").resolve()


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def by_size(pytester: pytest.Pytester) -> dict[int, dict[str, Any]]:
    return {row["n_qubits"]: row for row in rows(pytester)}


def killed(pytester: pytest.Pytester, how: signal.Signals, *arguments: str, rows_before: int = 1) -> Path:
    """The folder of a run that was ended by a signal while a simulator hung, once it had written so many rows."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", *arguments], cwd=pytester.path, stdout=subprocess.PIPE, text=True
    )
    results = pytester.path / "reports" / "latest" / "results.jsonl"
    deadline = time.monotonic() + 60
    while not results.exists() or results.read_bytes().count(b"\n") < rows_before:
        assert process.poll() is None, process.stdout and process.stdout.read()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(1.0)  # by now the simulator hangs
    process.send_signal(how)
    process.communicate(timeout=30)
    return newest(pytester)


def test_what_failed_is_measured_again_and_merged(pytester: pytest.Pytester) -> None:
    faults(pytester, q2s10="lie", q3s10="crash")
    first = run(pytester, *BASE)
    assert first.ret == 1
    old, before = newest(pytester), content(newest(pytester))
    assert {row["merged_from"] for row in rows(pytester)} == {None}
    first.stdout.fnmatch_lines([f"FAIL and ABORT once more: pytest --qbench-rerun-failed=reports/{old.name}"])
    faults(pytester)
    again = run(pytester, "--qbench-rerun-failed")
    assert again.ret == 0
    assert measured(again) == ["q2-s10", "q3-s10", "q3-s100"], "the skipped point of the ladder too, and no other"
    again.stdout.fnmatch_lines([f"qbench: run {old.name} once more: 1 FAIL and 2 ABORT of 6 points, 3 stand"])
    again.stdout.fnmatch_lines([f"3 of them measured in run {old.name}"])
    again.assert_outcomes(passed=3, deselected=3)
    assert newest(pytester) != old
    assert content(old) == before, "a run is never written to again"
    merged = by_size(pytester)
    assert [row["status"] for row in merged.values()] == ["PASS", "PASS"]
    assert merged[2]["merged_from"] == {"1": old.name, "100": old.name}
    assert merged[3]["merged_from"] == {"1": old.name}
    assert all(list(row["times_s"]) == ["1", "10", "100"] for row in merged.values())
    assert {row["run_id"] for row in merged.values()} == {newest(pytester).name}
    summary = run_file(pytester, "summary.json")
    assert summary["points"]["planned"] == summary["points"]["by_status"]["PASS"] == 6
    assert summary["merged_from"] == {old.name: 3}
    assert run_file(pytester, "comparison.json")["coverage"]["fickle"]["fraction"] == 1
    points = run_file(pytester, "fickle_zeros_2q.json")["points"]
    assert [point["merged_from"] for point in points] == [old.name, None, old.name]
    nothing = run(pytester, "--qbench-rerun-failed")
    assert nothing.ret == 0
    nothing.stdout.fnmatch_lines(["qbench: nothing to rerun: none of the 6 points of run * ended in FAIL or ABORT"])
    assert len([path for path in old.parent.iterdir() if not path.is_symlink()]) == 2, "no third run"


def test_a_failure_that_stands_fails_the_session(pytester: pytest.Pytester) -> None:
    faults(pytester, q2s10="lie", q3s10="crash")
    run(pytester, *BASE)
    faults(pytester)
    again = run(pytester, "--qbench-rerun-failed", "-k", "q3")
    assert again.ret == 1
    assert measured(again) == ["q3-s10", "q3-s100"]
    assert [row["status"] for row in rows(pytester)] == ["FAIL", "PASS"]
    again.stdout.fnmatch_lines(["FAIL * zeros 2q at 10 shots*"])
    run_id = newest(pytester).name
    last = run(pytester, f"--qbench-rerun-failed={run_id}")
    assert (last.ret, measured(last)) == (0, ["q2-s10"])
    assert set(by_size(pytester)[2]["merged_from"].values()) != {run_id}, "the run that measured it, not the last"


def test_a_killed_run_goes_on(pytester: pytest.Pytester) -> None:
    faults(pytester, q3s10="hang")
    old = killed(pytester, signal.SIGKILL, *BASE, "-k", "zeros")
    assert not (old / "summary.json").exists()
    with (old / "results.jsonl").open("a") as file:
        file.write('{"schema":1,"run_id":"torn')
    faults(pytester)
    listed = pytester.runpytest_subprocess("--qbench-resume=latest", "--collect-only", "-q")
    assert [line for line in listed.outlines if "::" in line] == [
        f"cases/own.py::zeros[fickle-q3-s{shots}]" for shots in (1, 10, 100)
    ]
    result = run(pytester, "--qbench-resume=latest")
    assert result.ret == 0
    assert measured(result) == ["q3-s1", "q3-s10", "q3-s100"]
    result.stdout.fnmatch_lines([f"qbench: going on with run {old.name}: 3 of 6 points finished, 3 to measure"])
    merged = by_size(pytester)
    assert {row["status"] for row in merged.values()} == {"PASS"}
    assert (set(merged[2]["merged_from"]), merged[3]["merged_from"]) == ({"1", "10", "100"}, None)
    assert run_file(pytester, "summary.json")["points"]["planned"] == 6
    complete = run(pytester, "--qbench-resume", newest(pytester).name)
    assert complete.ret == 0
    complete.stdout.fnmatch_lines(["qbench: nothing to resume: run * is complete (6 points)"])


def test_a_run_that_ctrl_c_ended_goes_on_within_the_ladder(pytester: pytest.Pytester) -> None:
    faults(pytester, q3s10="hang")
    old = killed(pytester, signal.SIGINT, *BASE)
    assert by_size(pytester)[3]["missing_shots"] == [10, 100]
    faults(pytester)
    result = run(pytester, f"--qbench-resume=reports/{old.name}")
    assert (result.ret, measured(result)) == (0, ["q3-s10", "q3-s100"])
    row = by_size(pytester)[3]
    assert (row["missing_shots"], row["merged_from"]) == ([], {"1": old.name})
    assert not run_file(pytester, "summary.json")["interrupted"]


def test_a_run_killed_before_its_summary(pytester: pytest.Pytester) -> None:
    faults(pytester, q2s10="lie")
    run(pytester, *BASE)
    old = newest(pytester)
    for name in ("summary.json", "comparison.json", "fickle_zeros_2q.json"):
        (old / name).unlink()
    result = run(pytester, "--qbench-resume=latest")
    assert (result.ret, measured(result)) == (1, [])
    result.stdout.fnmatch_lines(["qbench: run * is complete but for its summary, which is written now"])
    assert run_file(pytester, "summary.json")["points"]["by_status"]["FAIL"] == 1
    faults(pytester)
    again = run(pytester, "--qbench-rerun-failed")
    assert measured(again) == ["q2-s1", "q2-s10", "q2-s100"], "with its points lost, a ladder can't be completed"


def test_another_circuit_or_simulator_makes_the_ladder_be_measured_anew(pytester: pytest.Pytester) -> None:
    faults(pytester, q2s100="lie")
    run(pytester, *BASE)
    make_cases(pytester, CASES.replace("circuit.x(0)\n", "circuit.x(n_qubits - 2)\n", 1))
    first = run(pytester, "--qbench-rerun-failed", "--collect-only")
    assert "changed" not in first.stdout.str(), "listing starts no simulator and builds nothing"
    again = run(pytester, "--qbench-rerun-failed")
    assert measured(again) == ["q2-s100", "q3-s1", "q3-s10", "q3-s100"], "at 2 qubits it is the same circuit"
    again.stdout.fnmatch_lines(["qbench: the circuit of zeros[[]fickle-q3[]] has changed: measured anew"])
    (pytester.path / "version.txt").write_text("1.1")
    again = run(pytester, "--qbench-rerun-failed")
    assert len(measured(again)) == 6
    again.stdout.fnmatch_lines(["qbench: fickle: 1.1 now, 1.0 then: 2 instances measured anew"])
    assert {row["merged_from"] for row in rows(pytester)} == {None}


def test_cases_that_are_gone_are_told(pytester: pytest.Pytester) -> None:
    faults(pytester, q3s10="lie")
    run(pytester, *BASE)
    make_cases(pytester, CASES.replace("[2, 3]", "[2]"))
    result = run(pytester, "--qbench-rerun-failed")
    assert (result.ret, measured(result)) == (1, [])
    result.stdout.fnmatch_lines(["qbench: 1 point of run * can't be measured: no such item is collected any more *"])


def test_another_machine_is_refused(pytester: pytest.Pytester) -> None:
    faults(pytester, q2s10="lie")
    run(pytester, *BASE)
    results, environment = newest(pytester) / "results.jsonl", newest(pytester) / "environment.json"
    fingerprint = rows(pytester)[0]["env"]["fingerprint"]
    results.write_text(results.read_text().replace(fingerprint, "0" * 12))
    value = json.loads(environment.read_text())
    value["cpu"]["model"] = "another"
    environment.write_text(json.dumps(value))
    result = run(pytester, "--qbench-rerun-failed")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        [
            "*was measured on another machine, * (CPU): its times can't stand beside new ones. Go on with it there, or "
            "start a new run here: pytest * --qbench-backend=fickle --qbench-shots=1,10,100*"
        ]
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--qbench-resume=20260101-000000-abcd"], "no such run in *reports; the newest: 20*"),
        (["--qbench-resume=latest", "--qbench-shots=1"], "--qbench-shots does not go with --qbench-resume: *"),
        (["--qbench-resume=latest", "--qbench-rerun-failed"], "*give one of them, once"),
        (["--qbench-rerun-failed=cases"], "no such run in *"),
        (["--qbench-resume=latest", "--qbench-run-dir=other"], "there is no run in *other *"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_can_not_be_gone_on_with(pytester: pytest.Pytester, arguments: list[str], message: str) -> None:
    run(pytester, *BASE, "-k", "q2-s1]")
    result = run(pytester, *arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: *{message}"])


def test_settings_that_changed_since(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    run(pytester, *BASE, "-k", "q2-s1]", "-o", "qbench_seed=7")
    without = run(pytester, "--qbench-resume=latest")
    assert without.ret == pytest.ExitCode.USAGE_ERROR
    without.stderr.fnmatch_lines(["*give them again: pytest -o qbench_seed=7 --qbench-resume=*"])
    other = run(pytester, "--qbench-resume=latest", "-o", "qbench_seed=7", "-o", "qbench_threads=2")
    assert other.ret == pytest.ExitCode.USAGE_ERROR
    other.stderr.fnmatch_lines(["*--qbench-resume: threads would be other than in run *"])
    assert run(pytester, "--qbench-resume=latest", "-o", "qbench_seed=7").ret == 0


def test_a_bare_option_takes_no_path_for_a_run(pytester: pytest.Pytester) -> None:
    faults(pytester, q2s1="lie", q3s1="lie")
    make_cases(pytester, CASES.replace("zeros", "others"), "other.py")
    run(pytester, *BASE)
    result = run(pytester, "--qbench-rerun-failed", "cases/own.py")
    assert measured(result) == ["q2-s1", "q3-s1"]
    assert "others" not in "\n".join(line for line in result.outlines if " FAIL " in line and "::" in line)


def test_tests_that_measure_are_resumed_and_others_are_not(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_mine="""
        import pytest
        from qiskit import QuantumCircuit

        def test_ordinary():
            pass

        @pytest.mark.parametrize("n", [2, 3])
        def test_measured(qbench, n):
            circuit = QuantumCircuit(n)
            circuit.measure_all()
            qbench(circuit, expected={"0" * n: 1.0}, shots=10)
        """
    )
    faults(pytester, q3s10="lie")
    run(pytester, "--qbench-backend=fickle", "test_mine.py").assert_outcomes(passed=2, failed=1)
    faults(pytester)
    result = run(pytester, "--qbench-rerun-failed")
    result.assert_outcomes(passed=1, deselected=2)
    assert [(row["params"], row["status"]) for row in rows(pytester)] == [({"n": 2}, "PASS"), ({"n": 3}, "PASS")]


def test_under_xdist(pytester: pytest.Pytester) -> None:
    faults(pytester, q2s10="lie")
    run(pytester, *BASE, "-n", "2")
    faults(pytester)
    old = newest(pytester)
    result = run(pytester, "--qbench-rerun-failed")
    result.assert_outcomes(passed=1)
    assert result.ret == 0
    assert by_size(pytester)[2]["merged_from"] == {"1": old.name, "100": old.name}
    assert len(rows(pytester)) == 2


def test_runs_that_start_together_have_folders_of_their_own(pytester: pytest.Pytester) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "pytest", *BASE, "-q", f"--qbench-seed={seed}", "-p", "no:cacheprovider"],
            cwd=pytester.path,
            stdout=subprocess.DEVNULL,
        )
        for seed in range(3)
    ]
    assert [process.wait(timeout=120) for process in processes] == [0, 0, 0]
    folders = [path for path in (pytester.path / "reports").iterdir() if not path.is_symlink()]
    found = {}
    for folder in folders:
        written = [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]
        (seed,) = {row["seed"] for row in written}
        found[seed] = [row["run_id"] for row in written]
        assert found[seed] == [folder.name] * 2
        assert json.loads((folder / "summary.json").read_text())["points"]["by_status"]["PASS"] == 6
    assert set(found) == {0, 1, 2}
    assert newest(pytester) in folders
