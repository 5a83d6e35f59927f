"""Simulators that hang, crash, eat the memory or lie, in whole sessions: the session goes on, the record stays."""

import json
import signal
import subprocess
import sys
import time
import venv
from pathlib import Path

import pytest
from end_to_end import gone, make_cases, register, results_file, rows, run_file, wait_for

FAULTS = {
    "holds_lock": ("HoldsLock", "ABORT", "timeout"),
    "loops_in_c": ("LoopsInC", "ABORT", "timeout"),
    "segfault": ("Segfault", "ABORT", "SIGSEGV"),
    "kills_itself": ("KillsItself", "ABORT", "SIGKILL"),
    "eats_memory": ("EatsMemory", "ABORT", "memory"),
    "not_installed": ("NotInstalled", "UNAVAILABLE", "pip install good-simulator"),
}


def test_every_fault_ends_in_its_verdict_and_the_session_goes_on(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, alive
) -> None:
    make_cases(pytester)
    register(pytester, monkeypatch, good="Good", prints="Prints", **{name: fault[0] for name, fault in FAULTS.items()})
    result = pytester.runpytest_subprocess(
        *(f"--qbench-backend={name}" for name in ["good", *FAULTS, "prints"]),
        "--qbench-shots=1,10,100",
        "--qbench-timeout=1.5",
        "--qbench-memory-limit=400MiB",
        "-k",
        "q2",
    )
    assert result.ret == 0, "ABORT and UNAVAILABLE do not fail a session in which something passed"
    written = {row["backend"]: row for row in rows(pytester)}
    assert set(written) == {"good", "prints", *FAULTS}
    assert written["good"]["status"] == written["prints"]["status"] == "PASS"
    assert list(written["good"]["times_s"]) == ["1", "10", "100"]
    for name, (_, status, reason) in FAULTS.items():
        row = written[name]
        assert row["status"] == status, row
        assert reason in (row["abort_reason"] or "") + json.dumps(row["errors"]), row
        if status == "ABORT":
            assert row["aborted"] is True
            assert list(row["times_s"]) == ["1"], "what ran below the abort is kept"
            assert row["correct"] is True
        if reason == "timeout":
            _, aborted, skipped = run_file(pytester, f"{name}_zeros_2q.json")["points"]
            assert 1.5 <= aborted["elapsed_s"] < 2.5, "within a second of the deadline"
            assert skipped["reason"] == f"skipped: 10 shots ended in ABORT ({row['abort_reason']})"
    assert len({(*row, *row["memory"]) for row in written.values()}) == 1, "the same keys for every status"
    text = result.stdout.str()
    assert "pip install good-simulator" in text
    assert "points skipped: fewer shots had ended their ladder already" in text
    summary = run_file(pytester, "summary.json")
    # Of each aborting ladder the point at 10 shots aborts and that at 100 is skipped.
    assert summary["points"]["by_status"]["ABORT"] == 2 * sum(fault[1] == "ABORT" for fault in FAULTS.values())
    comparison = run_file(pytester, "comparison.json")
    assert comparison["coverage"]["loops_in_c"]["fraction"] == pytest.approx(1 / 3)
    pair = next(pair["warm"] for pair in comparison["pairs"] if pair["backend"] == "loops_in_c")
    overall = pair["all"]["overall"]
    assert (overall["completed"]["cells"], overall["aborts_at_timeout"]["cells"]) == (1, 3)
    by_shots = {cell["shots"]: cell for cell in pair["cells"]}
    for shots in (10, 100):
        assert by_shots[shots]["bound"] == ">"
        assert by_shots[shots]["ratio"] == pytest.approx(1.5 / written["good"]["times_s"][str(shots)])
    assert gone(alive)


ODDITIES = """
import os
import subprocess
import sys
from faulty_backends import BadAt, Good, HoldsLock, StopsTheClock, UnpicklableError

class Exits(BadAt):
    def fault(self):
        os._exit(7)

class Raises(BadAt):
    def fault(self):
        raise UnpicklableError

class LeavesChild(HoldsLock):
    def fault(self):
        subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"], start_new_session=True)
        super().fault()

class Miscounts(Good):
    def counts(self, result):
        return {"0" * self.width: result + (result > 1)}

class Garbles(BadAt):
    def fault(self):
        for descriptor in range(3, 100):
            try:
                os.write(descriptor, b"garbage")
            except OSError:
                continue
"""
REASONS = {
    "exits": ("Exits", "crash: exited with status 7"),
    "raises": ("Raises", "exception: UnpicklableError: lost the handle"),
    "leaves_child": ("LeavesChild", "timeout: round 1 of 10 shots took more than 1.5 s"),
    "nan": ("StopsTheClock", "protocol: a round (number 1) is nan, not a duration in seconds"),
    "miscounts": ("Miscounts", "protocol: counts sum to 11, not to the 10 shots asked for"),
    "garbles": ("Garbles", "protocol: not a message: b'garbage"),
}


def test_other_faults_are_named_in_rows_of_their_own(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, alive
) -> None:
    make_cases(pytester)
    pytester.makepyfile(own_backends=ODDITIES)
    register(pytester, monkeypatch, **{name: f"own_backends:{fault[0]}" for name, fault in REASONS.items()})
    result = pytester.runpytest_subprocess(
        f"--qbench-backend={','.join(REASONS)}", "--qbench-shots=1,10,100", "--qbench-timeout=1.5", "-k", "q2"
    )
    assert result.ret == 0
    result.assert_outcomes(passed=len(REASONS))
    written = {row["backend"]: row for row in rows(pytester)}
    assert list(written) == list(REASONS)
    for name, (_, reason) in REASONS.items():
        row = written[name]
        assert row["abort_reason"].startswith(reason)
        assert row["point_status"] == {"1": "PASS", "10": "ABORT", "100": "ABORT"}
        assert row["skipped_shots"] == [100]
        assert run_file(pytester, f"{name}_zeros_2q.json")["points"][1]["elapsed_s"] < 2.5
    assert gone(alive)


def test_a_first_call_that_hangs_costs_no_point_of_fewer_shots(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, alive
) -> None:
    make_cases(pytester)
    pytester.makepyfile(
        own_backends="""
        import time
        from faulty_backends import Good

        class Slow(Good):
            def run(self, prepared, shots, seed):
                time.sleep(60 if shots >= 1000 else 0)
                return super().run(prepared, shots, seed)
        """
    )
    register(pytester, monkeypatch, good="Good", slow="own_backends:Slow")
    result = pytester.runpytest_subprocess(
        "--qbench-backend=good,slow", "--qbench-shots=1,10,1000,10000", "--qbench-timeout=1", "-k", "q2"
    )
    assert result.ret == 0
    good, slow = rows(pytester)
    reason = "timeout: first call of 1000 shots took more than 1 s"
    assert (good["first_call_shots"], good["first_call_abort"]) == (1000, None)
    assert (slow["first_call_shots"], slow["first_call_abort"]) == (1, reason)
    assert slow["point_status"] == {"1": "PASS", "10": "PASS", "1000": "ABORT", "10000": "ABORT"}
    assert (slow["abort_reason"], slow["skipped_shots"]) == (reason, [10000])
    assert 1 <= slow["elapsed_s"] < 2, "the deadline was waited for once"
    comparison = run_file(pytester, "comparison.json")
    assert comparison["cold_shots"] == [1000]
    (cell,) = comparison["pairs"][0]["cold"]["cells"]
    assert (cell["shots"], cell["state"], cell["bound"]) == (1000, "aborted", ">")
    assert cell["ratio"] == pytest.approx(1 / (good["prepare_s"] + good["first_call_s"]))
    assert gone(alive)


def test_wrong_counts_and_wrong_distributions(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    make_cases(pytester, ONES)
    register(pytester, monkeypatch, good="Good", bad="own_backends:Short")
    pytester.makepyfile(
        own_backends="""
        from faulty_backends import Good

        class Short(Good):
            def counts(self, result):
                return {"00": result - 1}
        """
    )
    result = pytester.runpytest_subprocess("--qbench-backend=good", "--qbench-backend=bad", "--qbench-shots=100")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    written = {row["backend"]: row for row in rows(pytester)}
    assert (written["good"]["status"], written["good"]["correct"]) == ("FAIL", False)
    assert (written["bad"]["status"], written["bad"]["correct"]) == ("ABORT", None)
    assert "99" in written["bad"]["abort_reason"]
    result.stdout.fnmatch_lines(["*FAIL: wrong distribution at 100 shots*", "*00*100*"])


ONES = """
from qiskit import QuantumCircuit
from pytest_qbench import circuit_case

@circuit_case(n_qubits=2)
def ones():
    circuit = QuantumCircuit(2)
    circuit.x([0, 1])
    circuit.measure_all()
    return circuit
"""


def test_kill_minus_nine_of_pytest_leaves_valid_rows_and_no_worker(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, alive
) -> None:
    make_cases(pytester)
    register(pytester, monkeypatch, good="Good", stuck="HoldsLock")
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "--qbench-backend=good,stuck", "--qbench-shots=1,10", "--qbench-timeout=60"],
        cwd=pytester.path,
        stdout=subprocess.DEVNULL,
    )
    file = results_file(pytester)
    wait_for(lambda: file.exists() and file.read_text().count("\n") >= 1)
    time.sleep(0.5)  # by now the second backend hangs
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert gone(alive)
    lines = file.read_text().splitlines()
    assert [json.loads(line)["backend"] for line in lines] == ["good"]


def test_ctrl_c_prints_the_summary_of_what_ran(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, alive
) -> None:
    make_cases(pytester)
    register(pytester, monkeypatch, good="Good", stuck="HoldsLock")
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "--qbench-backend=good,stuck", "--qbench-shots=1,10", "--qbench-timeout=60"],
        cwd=pytester.path,
        stdout=subprocess.PIPE,
        text=True,
    )
    file = results_file(pytester)
    wait_for(lambda: file.exists() and file.read_text().count("\n") >= 1)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=20)
    assert process.returncode == pytest.ExitCode.INTERRUPTED
    assert "the session was interrupted" in output
    assert "good" in output
    assert "not run" in output
    assert gone(alive)
    assert run_file(pytester, "summary.json")["interrupted"] is True
    written = rows(pytester)
    assert [(row["backend"], row["n_qubits"]) for row in written] == [("good", 2), ("stuck", 2)]
    assert "interrupted" in json.dumps(written[1]["errors"])


def test_an_import_that_hangs_is_stopped(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, alive) -> None:
    make_cases(pytester)
    register(pytester, monkeypatch, good="Good", hangs="HangsOnStart")
    result = pytester.runpytest_subprocess(
        "--qbench-backend=hangs,good", "--qbench-shots=1", "--qbench-startup-timeout=2"
    )
    assert result.ret == 0
    written = [row for row in rows(pytester) if row["backend"] == "hangs"]
    assert {row["status"] for row in written} == {"ABORT"}
    assert "timeout" in written[0]["abort_reason"]
    assert gone(alive)


def test_an_interpreter_that_does_not_exist(pytester: pytest.Pytester) -> None:
    make_cases(pytester)
    missing = Path("no/such/python")
    result = pytester.runpytest_subprocess(f"--qbench-backend=aer[python={missing}]", "--qbench-shots=1")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert {row["status"] for row in rows(pytester)} == {"UNAVAILABLE"}
    assert str(missing) in result.stdout.str()


def test_an_interpreter_without_the_simulators_says_how_to_install_them(pytester: pytest.Pytester) -> None:
    make_cases(pytester)
    venv.create(pytester.path / "empty", symlinks=True)
    python = f"[python={pytester.path / 'empty' / 'bin' / 'python'}]"
    result = pytester.runpytest_subprocess(
        f"--qbench-backend=aer{python}", f"--qbench-backend=native{python}", "--qbench-shots=1", "-k", "q2"
    )
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    aer, native = rows(pytester)
    assert aer["status"] == native["status"] == "UNAVAILABLE"
    assert aer["errors"][0]["reason"] == "No module named 'qiskit_aer'; pip install qiskit-aer"
    assert native["errors"][0]["reason"].endswith("; pip install 'pytest-qbench[native]'")
    for line in ("pip install qiskit-aer", "pip install 'pytest-qbench[native]'"):
        assert line in result.stdout.str()
