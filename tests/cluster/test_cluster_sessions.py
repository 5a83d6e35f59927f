"""Sessions on a Dask cluster of two worker processes: the same record, from other processes."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from end_to_end import make_cases, register, results_file, rows, run_file
from local_cluster import local_cluster, own_worker, worker_pids

from pytest_qbench.cluster import node

pytest.importorskip("distributed", reason="distributed is not installed: pip install 'pytest-qbench[dask]'")

MANY = """
from pytest_qbench import Instruction, Program, circuit_case

@circuit_case(n_qubits=[1], number=range(30))
def nothing(n_qubits, number):
    return Program(1, 1, (Instruction("measure", (0,), clbits=(0,)),))

@nothing.expected
def _(n_qubits, number):
    return {"0": 1.0}
"""


def pytest_process(pytester: pytest.Pytester, *arguments: str) -> subprocess.Popen[str]:
    """A session that goes on while the test does something to it."""
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=pytester.path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def wait_for(condition: Callable[[], Any], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def written(pytester: pytest.Pytester) -> int:
    """Rows so far."""
    path = results_file(pytester)
    return path.read_text().count("\n") if path.exists() else 0


def guests(cluster: Any) -> list[int]:
    """How many sessions have something on each of the workers."""
    with cluster.get_client() as client:
        return list(client.run(_count_guests).values())


def _count_guests() -> int:
    return len(node._guests)


def test_a_session_measures_on_the_cluster_and_leaves_nothing_there(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, cluster: Any
) -> None:
    make_cases(pytester)
    register(pytester, monkeypatch, good="Good", other="Lazy", absent="NotInstalled")
    result = pytester.runpytest_subprocess(
        "--qbench-backend=good,other,absent", "--qbench-shots=1,10", f"--qbench-dask={cluster.scheduler_address}"
    )
    assert result.ret == 0
    output = result.stdout.str()
    assert re.search(r"qbench: Dask cluster tcp://\S+: 2 workers on 1 machine, 1 point at a time", output)
    written = rows(pytester)
    assert [(row["backend"], row["n_qubits"]) for row in written] == [
        (backend, n_qubits) for n_qubits in (2, 3) for backend in ("good", "other", "absent")
    ]
    for row in written:
        if row["backend"] == "absent":
            assert row["status"] == "UNAVAILABLE"
            continue
        assert row["status"] == "PASS"
        assert row["host"]["name"] == socket.gethostname()
        assert row["host"]["fingerprint"]
        assert row["moved"] == {}
        assert row["contended"] is False
        assert row["threads_granted"] == row["threads"] == 1, "as asked for"
    assert [cell["same_hardware"] for cell in run_file(pytester, "comparison.json")["pairs"][0]["warm"]["cells"]] == [
        True
    ] * 4
    wait_for(lambda: guests(cluster) == [0, 0])


def test_without_a_number_a_node_decides_on_the_threads(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, cluster: Any
) -> None:
    make_cases(pytester)
    register(pytester, monkeypatch, good="Good")
    monkeypatch.setenv("PYTEST_ADDOPTS", "--benchmark-max-time=0.0001")
    address = cluster.scheduler_address.removeprefix("tcp://")
    pytester.runpytest_subprocess(
        "--qbench-backend=good,good[label=two,threads=7]", "--qbench-shots=10", f"--qbench-dask={address}", "-k", "q2"
    )
    assert [row["threads"] for row in rows(pytester)] == [len(os.sched_getaffinity(0)), 7]


def test_the_qbench_fixture_measures_there_too(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, cluster: Any
) -> None:
    register(pytester, monkeypatch, good="Good")
    path = pytester.makepyfile(
        """
        from pytest_qbench import Instruction, Program

        def test_zero(qbench):
            circuit = Program(1, 1, (Instruction("measure", (0,), clbits=(0,)),))
            assert qbench(circuit, shots=20).counts == {"0": 20}
        """
    )
    pytester.runpytest_subprocess(
        "--qbench-backend=good", f"--qbench-dask={cluster.scheduler_address}", path
    ).assert_outcomes(passed=1)
    assert rows(pytester)[0]["host"]["name"] == socket.gethostname()


@pytest.mark.parametrize("shared", [True, False], ids=["both measure", "one stands by"])
def test_no_row_is_lost_when_a_worker_is_killed(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, shared: bool
) -> None:
    make_cases(pytester, MANY)
    register(pytester, monkeypatch, lazy="Lazy")
    with local_cluster() as cluster:
        first = min(worker_pids(cluster).items())[1]
        process = pytest_process(
            pytester,
            "--qbench-backend=lazy",
            "--qbench-shots=1,10",
            f"--qbench-dask={cluster.scheduler_address}",
            *(["--qbench-share-hosts"] if shared else []),
        )
        wait_for(lambda: written(pytester) > 4)
        os.kill(first, signal.SIGKILL)
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    done = rows(pytester)
    assert [row["params"]["number"] for row in done] == list(range(30))
    assert {row["status"] for row in done} == {"PASS"}
    assert all(list(row["times_s"]) == ["1", "10"] for row in done)
    if shared:
        assert any(row["contended"] for row in done)


def test_with_no_worker_left_the_rest_aborts(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    make_cases(pytester, MANY)
    register(pytester, monkeypatch, lazy="Lazy")
    with local_cluster(0) as cluster, own_worker(cluster.scheduler_address) as worker:
        process = pytest_process(
            pytester,
            "--qbench-backend=lazy",
            "--qbench-shots=10",
            "--qbench-startup-timeout=2",
            f"--qbench-dask={cluster.scheduler_address}",
        )
        wait_for(lambda: written(pytester) > 2)
        worker.kill()
        output, _ = process.communicate(timeout=60)
    done = rows(pytester)
    assert len(done) == 30
    assert {row["status"] for row in done} == {"PASS", "ABORT"}
    assert done[-1]["status"] == "ABORT"
    assert "no Dask worker is left" in done[-1]["abort_reason"]
    assert process.returncode == 0, output


def test_ctrl_c_ends_the_session_and_what_it_has_on_the_nodes(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, cluster: Any
) -> None:
    make_cases(pytester, MANY)
    register(pytester, monkeypatch, hangs="HoldsLock")
    process = pytest_process(
        pytester, "--qbench-backend=hangs", "--qbench-shots=1,10", f"--qbench-dask={cluster.scheduler_address}"
    )
    wait_for(lambda: written(pytester) or any(guests(cluster)))
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=15)
    assert process.returncode == pytest.ExitCode.INTERRUPTED, output
    wait_for(lambda: guests(cluster) == [0, 0])


def test_another_version_on_a_node_is_refused(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import pytest_qbench

    make_cases(pytester)
    register(pytester, monkeypatch, good="Good")
    source = Path(pytest_qbench.__file__).parent
    other = tmp_path / "other" / "pytest_qbench"
    for path in source.rglob("*.py"):
        copy = other / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(path.read_text())
    init = other / "__init__.py"
    init.write_text(init.read_text().replace(pytest_qbench.__version__, "0.0.9"))
    with local_cluster(0) as cluster, own_worker(address := cluster.scheduler_address, other.parent):
        result = pytester.runpytest_subprocess("--qbench-backend=good", f"--qbench-dask={address}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        [f"*has pytest-qbench 0.0.9, this session {pytest_qbench.__version__}: install the same*"]
    )


def test_no_worker_is_an_error_that_says_what_to_do(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    make_cases(pytester)
    register(pytester, monkeypatch, good="Good")
    with local_cluster(0) as cluster:
        address = cluster.scheduler_address
        result = pytester.runpytest_subprocess(
            "--qbench-backend=good", f"--qbench-dask={address}", "--qbench-startup-timeout=1"
        )
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*no Dask worker has joined {address} within 1 s; start one*dask worker {address}*"])


def test_no_scheduler_is_an_error_that_says_what_to_do(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_cases(pytester)
    register(pytester, monkeypatch, good="Good")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{unused.getsockname()[1]}"
    result = pytester.runpytest_subprocess("--qbench-backend=good", f"--qbench-dask={address}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*--qbench-dask={address}: no Dask scheduler answers*dask scheduler*"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--qbench-dask=somewhere"], "*--qbench-dask=somewhere: not the address of a Dask scheduler; write tcp://*"),
        (["--qbench-dask=http://host:8786"], "*not the address of a Dask scheduler*"),
        (["--qbench-dask=host:99999"], "*not the address of a Dask scheduler*"),
        (["--qbench-dask=host:8786", "--qbench-parallel=2"], "*with --qbench-parallel=2:*add --qbench-parallel=1"),
        (["--qbench-dask=host:8786", "-n2"], "*can't be combined with pytest-xdist*"),
        (["--qbench-dask=host:8786", "--qbench-gradients"], "*gradient scenarios are measured on this machine*"),
    ],
)
def test_what_does_not_go_together_is_refused(pytester: pytest.Pytester, arguments: list[str], message: str) -> None:
    backend = [] if "--qbench-gradients" in arguments else ["--qbench-backend=aer"]
    result = pytester.runpytest_subprocess(*backend, *arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])
