"""Points measured side by side, in whole sessions with workers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from end_to_end import CASES, gone, make_cases, register, results_file, rows, run_file, wait_for

from pytest_qbench.values import usable_cpus

TOYS = "side_by_side_backends:"
MANY = CASES.replace("[2, 3]", "[2, 3, 4, 5]")

pytestmark = pytest.mark.skipif(usable_cpus() < 2, reason="points side by side take two CPUs")


@pytest.fixture
def toys(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Toys to measure, and where their modules are found."""
    paths = [str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    named = {"sleeps": "Sleeps", "rests": "Sleeps", "large": "Large", "once": "CrashesOnce", "always": "AlwaysCrashes"}
    register(
        pytester,
        monkeypatch,
        good="Good",
        crashes="Segfault",
        stuck="HoldsLock",
        missing="NotInstalled",
        **{name: TOYS + toy for name, toy in named.items()},
    )
    make_cases(pytester, MANY)


@pytest.mark.usefixtures("toys")
def test_two_points_at_once_on_cores_of_their_own_and_the_order_of_items(
    pytester: pytest.Pytester, alive: Callable[[], list[str]]
) -> None:
    options = ("--qbench-backend=sleeps,rests", "--qbench-shots=1,10", "-v")
    alone = pytester.runpytest_subprocess(*options)
    written_alone = rows(pytester)
    result = pytester.runpytest_subprocess(*options, "--qbench-parallel=2")
    assert alone.ret == result.ret == 0
    order = [line.partition(" ")[0] for line in alone.outlines if "::zeros[" in line]
    assert len(order) == 16
    assert [line.partition(" ")[0] for line in result.outlines if "::zeros[" in line] == order
    written = rows(pytester)
    assert [row["instance"] for row in written] == [row["instance"] for row in written_alone]
    assert {row["status"] for row in written} == {"PASS"}
    assert {row["threads_granted"] for row in written} == {1}
    assert all(row["contended"] is True for row in written)
    assert not any(row["contended"] for row in written_alone)
    cpus = {row["versions"]["cpus"] for row in written}
    assert len(cpus) == 2
    assert not set.intersection(*(set(text.split()) for text in cpus)), "disjoint"
    for backend in ("sleeps", "rests"):
        assert len({row["versions"]["pid"] for row in written if row["backend"] == backend}) <= 2
    result.stdout.fnmatch_lines(["qbench: 2 points at once on CPUs *: times are longer than those of one at a time"])
    result.stdout.fnmatch_lines(["8 of 8 ratios are of times taken while other points were measured*"])
    alone.stdout.no_fnmatch_line("*at once*")
    comparison = run_file(pytester, "comparison.json")
    assert all(cell["contended"] for cell in comparison["pairs"][0]["warm"]["cells"])
    assert run_file(pytester, "summary.json")["points"]["contended"] == 16
    assert gone(alive)


@pytest.mark.usefixtures("toys")
def test_it_takes_the_time_of_one_lane(pytester: pytest.Pytester) -> None:
    options = ("--qbench-backend=sleeps", "--qbench-shots=10", "--benchmark-min-rounds=15")
    pytester.runpytest_subprocess(*options)
    alone = run_file(pytester, "summary.json")["wall_s"]
    pytester.runpytest_subprocess(*options, "--qbench-parallel=2")
    assert run_file(pytester, "summary.json")["wall_s"] < 0.8 * alone


@pytest.mark.usefixtures("toys")
def test_more_lanes_than_cpus(pytester: pytest.Pytester) -> None:
    lanes = usable_cpus()
    result = pytester.runpytest_subprocess("--qbench-backend=good", "--qbench-shots=1", "--qbench-parallel=999")
    assert result.ret == 0
    result.stdout.fnmatch_lines([f"qbench: --qbench-parallel=999: there is room for {lanes} lanes on *"])
    result = pytester.runpytest_subprocess(
        "--qbench-backend=good", "--qbench-shots=1", "--qbench-parallel=2", f"--qbench-threads={lanes}"
    )
    result.stdout.fnmatch_lines([f"qbench: --qbench-parallel=2: there is room for 1 lane on * with {lanes} threads*"])
    assert not any(row["contended"] for row in rows(pytester))


@pytest.mark.usefixtures("toys")
def test_auto_and_the_ini_key(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess("--qbench-backend=good", "--qbench-shots=1", "-o", "qbench_parallel=auto")
    assert result.ret == 0
    assert {row["threads_granted"] for row in rows(pytester)} == {1}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--qbench-parallel=many"], "*--qbench-parallel=many: write how many points*"),
        (["--qbench-parallel=0"], "*--qbench-parallel=0: write how many points*"),
        (["--qbench-retries=-1"], "*--qbench-retries=-1: must be a whole number, 0 or more*"),
        (["--qbench-parallel=2", "-n", "2"], "*--qbench-parallel=2 can't be combined with pytest-xdist*"),
        (["--qbench-parallel=auto", "--qbench-gradients"], "*--qbench-parallel=auto: gradient scenarios are measured*"),
    ],
)
def test_wrong_settings(pytester: pytest.Pytester, options: list[str], message: str) -> None:
    backend = [] if "--qbench-gradients" in options else ["--qbench-backend=aer"]
    result = pytester.runpytest_subprocess(*backend, *options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])


@pytest.mark.usefixtures("toys")
def test_what_does_not_fit_beside_others_runs_alone(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess(
        "--qbench-backend=large,sleeps", "--qbench-shots=10", "--qbench-parallel=2", "--qbench-qubits=2,3"
    )
    assert result.ret == 0
    contended = {(row["backend"], row["n_qubits"]): row["contended"] for row in rows(pytester)}
    assert contended == {("large", 2): True, ("sleeps", 2): True, ("large", 3): False, ("sleeps", 3): False}


@pytest.mark.usefixtures("toys")
def test_very_many_qubits_are_told(pytester: pytest.Pytester) -> None:
    make_cases(pytester, CASES.replace("[2, 3]", "[26]"))
    result = pytester.runpytest_subprocess(
        "--qbench-backend=missing", "--qbench-shots=1", "--qbench-memory-limit=100GiB", "--qbench-suite=full"
    )
    result.stdout.fnmatch_lines(
        ["qbench: warning: 26 qubits on missing take about 2.2 GiB, the limit is 100.0 GiB (--qbench-memory-limit)"]
    )


@pytest.mark.usefixtures("toys")
@pytest.mark.parametrize("lanes", [1, 2])
def test_a_crash_is_repeated_as_often_as_asked(pytester: pytest.Pytester, lanes: int) -> None:
    options = ("--qbench-shots=1,10,100", "--qbench-qubits=2", f"--qbench-parallel={lanes}")
    pytester.runpytest_subprocess("--qbench-backend=once", *options)
    (row,) = rows(pytester)
    assert (row["status"], row["attempt"], row["crashes"]) == ("ABORT", 1, {})
    (pytester.path / "crashes").unlink()
    result = pytester.runpytest_subprocess("--qbench-backend=once", *options, "--qbench-retries=2")
    (row,) = rows(pytester)
    assert (row["status"], row["attempt"]) == ("PASS", 2)
    assert row["crashes"] == {"10": ["crash: killed by SIGABRT"]}
    result.stdout.fnmatch_lines(["once crashed 1 time before its verdict on zeros 2q at 10 shots: crash: killed by*"])
    result = pytester.runpytest_subprocess("--qbench-backend=always", *options, "--qbench-retries=2")
    (row,) = rows(pytester)
    assert (row["status"], row["attempt"]) == ("ABORT", 3)
    assert row["crashes"] == {"10": ["crash: killed by SIGABRT"] * 2}
    assert row["skipped_shots"] == [100]
    assert run_file(pytester, "summary.json")["repeated"][0]["shots"] == 10


@pytest.mark.usefixtures("toys")
def test_faults_in_one_lane_leave_the_others_alone(pytester: pytest.Pytester, alive: Callable[[], list[str]]) -> None:
    result = pytester.runpytest_subprocess(
        "--qbench-backend=crashes,good,missing,stuck",
        "--qbench-shots=1,10",
        "--qbench-parallel=2",
        "--qbench-timeout=1",
        "--qbench-qubits=2,3",
    )
    assert result.ret == 0
    status = {(row["backend"], row["n_qubits"]): row["status"] for row in rows(pytester)}
    verdicts = {"crashes": "ABORT", "good": "PASS", "missing": "UNAVAILABLE", "stuck": "ABORT"}
    assert status == {(name, n): verdict for name, verdict in verdicts.items() for n in (2, 3)}
    assert gone(alive)


ONES = """
@circuit_case(n_qubits=2)
def ones():
    circuit = QuantumCircuit(2)
    circuit.x([0, 1])
    circuit.measure_all()
    return circuit
"""


@pytest.mark.usefixtures("toys")
def test_stopped_at_the_first_failure_it_keeps_what_was_measured_ahead(
    pytester: pytest.Pytester, alive: Callable[[], list[str]]
) -> None:
    make_cases(pytester, MANY.replace("@circuit_case", ONES + "\n@circuit_case"))
    # The toy's answer is wrong for the first case; the second lane is at the others meanwhile.
    result = pytester.runpytest_subprocess(
        "--qbench-backend=sleeps", "--qbench-shots=10", "--qbench-parallel=2", "-x", "--benchmark-min-rounds=8"
    )
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(failed=1)
    assert gone(alive)
    first, *ahead = rows(pytester)
    assert (first["case"], first["status"]) == ("ones", "FAIL")
    assert all((row["case"], row["status"]) == ("zeros", "PASS") for row in ahead)
    assert len(ahead) < 4


@pytest.mark.usefixtures("toys")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL, signal.SIGTERM])
def test_a_session_that_is_ended_leaves_no_worker(
    pytester: pytest.Pytester, alive: Callable[[], list[str]], number: signal.Signals
) -> None:
    options = ("--qbench-backend=good,stuck,sleeps", "--qbench-shots=1,10", "--qbench-timeout=60")
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", *options, "--qbench-parallel=2"],
        cwd=pytester.path,
        stdout=subprocess.PIPE,
        text=True,
    )
    file = results_file(pytester)
    wait_for(lambda: file.exists() and file.read_text().count("\n") >= 1)
    time.sleep(2.0)  # by now both lanes hang, and the other backends were measured ahead of the one that hung first
    process.send_signal(number)
    output, _ = process.communicate(timeout=20)
    assert gone(alive)
    written = rows(pytester)
    assert (written[0]["backend"], written[0]["status"]) == ("good", "PASS")
    if number is not signal.SIGINT:
        assert len(written) == 1
        return
    assert process.returncode == pytest.ExitCode.INTERRUPTED
    assert "the session was interrupted" in output
    found = {row["instance"]: row for row in written}
    assert found["zeros[sleeps-q2]"]["status"] == found["zeros[good-q3]"]["status"] == "PASS"
    assert found["zeros[stuck-q2]"]["missing_shots"] == [10]
    assert "interrupted" in json.dumps(found["zeros[stuck-q2]"]["errors"])
    assert "zeros[good-q5]" not in found


@pytest.mark.usefixtures("toys")
def test_deadlines_of_items_are_known_ahead(pytester: pytest.Pytester) -> None:
    conftest = pytester.path / "conftest.py"
    conftest.write_text(
        conftest.read_text()
        + "\nimport pytest\n\n"
        + "def pytest_collection_modifyitems(items):\n"
        + "    for item in items:\n"
        + "        if 'q3' in item.nodeid:\n"
        + "            item.add_marker(pytest.mark.timeout(7))\n"
        + "        if 'q4' in item.nodeid:\n"
        + "            item.add_marker(pytest.mark.skip(reason='not today'))\n"
    )
    result = pytester.runpytest_subprocess(
        "--qbench-backend=good", "--qbench-shots=1", "--qbench-parallel=2", "--timeout=9"
    )
    result.assert_outcomes(passed=3, skipped=1)
    assert {row["n_qubits"]: row["timeout_s"] for row in rows(pytester)} == {2: 9, 3: 7, 5: 9}


@pytest.mark.usefixtures("toys")
def test_items_that_run_twice_and_tests_with_the_fixture(pytester: pytest.Pytester) -> None:
    conftest = pytester.path / "conftest.py"
    conftest.write_text(
        conftest.read_text()
        + "\nfrom _pytest.runner import runtestprotocol\n\n"
        + "def pytest_runtest_protocol(item, nextitem):\n"
        + "    if 'q3' in item.nodeid:\n"
        + "        runtestprotocol(item, nextitem=nextitem)\n"
    )
    pytester.makepyfile(
        test_mine="""
        from qiskit import QuantumCircuit

        def test_measured(qbench):
            circuit = QuantumCircuit(2)
            circuit.x(0)
            circuit.x(0)
            circuit.measure_all()
            assert qbench(circuit, expected={"00": 1.0}, shots=10).counts == {"00": 10}
        """
    )
    result = pytester.runpytest_subprocess("--qbench-backend=good", "--qbench-shots=1", "--qbench-parallel=2")
    result.assert_outcomes(passed=6)
    written = rows(pytester)
    assert [(row["n_qubits"], row["attempt"]) for row in written if row["n_qubits"] == 3] == [(3, 1), (3, 2)]
    assert {row["status"] for row in written} == {"PASS"}


@pytest.mark.usefixtures("toys")
def test_what_a_builder_raises_ends_its_own_item(pytester: pytest.Pytester) -> None:
    skips = MANY.replace(
        "    circuit = QuantumCircuit(n_qubits)\n",
        "    import pytest\n    if n_qubits == 3:\n        pytest.skip('not this one')\n"
        "    if n_qubits == 4:\n        raise ValueError('broken')\n    circuit = QuantumCircuit(n_qubits)\n",
    )
    make_cases(pytester, skips)
    result = pytester.runpytest_subprocess("--qbench-backend=good", "--qbench-shots=1,10", "--qbench-parallel=2")
    result.assert_outcomes(passed=4, failed=2, skipped=2)
    assert "broken" in result.stdout.str()
