"""``python -m pytest_qbench trace`` as a user runs it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is not installed: pip install 'pytest-qbench[native]'")

CASES = """
from qiskit import QuantumCircuit
from pytest_qbench import circuit_case

@circuit_case(n_qubits=[2, 40])
def pairs(n_qubits):
    circuit = QuantumCircuit(n_qubits)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure_all()
    return circuit

@circuit_case(n_qubits=2)
def broken():
    raise ValueError("no such angle")
"""


def command(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest_qbench", *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )


def events_of(path: Path) -> list[dict[str, object]]:
    return json.loads(path.read_text())["traceEvents"]


def test_a_trace(tmp_path: Path) -> None:
    done = command(tmp_path, "trace", "qft[native-q8-s10]", "100", "--threads=1", "--rounds=4", "--precision=single")
    assert (done.returncode, done.stderr) == (0, "")
    text = done.stdout
    assert text.startswith("qft-q8: ")
    assert re.search(r"native \S+, torch \S+, CPU, single precision, threads: 1$", text, re.MULTILINE)
    plan = re.search(r"^plan: 1 Evolve; steps: (.*); bits sampled: 8$", text, re.MULTILINE)
    for name in ("prepare", "first call", "traced call"):
        assert re.search(rf"^{name} +[0-9.]+ [num]?s", text, re.MULTILINE)
    assert re.search(r"^warm call +[0-9.]+ [num]?s +median of 4$", text, re.MULTILINE)

    steps = dict(re.findall(r"^(\S.*?) +(\d+) +\d+ +[0-9.]+ +[0-9.]+% +[0-9.]+$", text, re.MULTILINE))
    assert steps == {kind: number for number, kind in re.findall(r"(\d+) ([^,]+)", plan[1])}
    rows = re.findall(r"^ ?(\d+)  (\S.*?) +\d+ +([0-9.]+) +([0-9.]+)% +[0-9.]+$", text, re.MULTILINE)
    assert [int(rank) for rank, *_ in rows] == list(range(1, len(rows) + 1))
    assert 5 <= len(rows) <= 20
    own = [float(ms) for _, _, ms, _ in rows]
    assert own == sorted(own, reverse=True)
    assert sum(float(share) for *_, share in rows) <= 101
    assert any(name.startswith("aten::") for _, name, *_ in rows)

    (path,) = (tmp_path / "reports").glob("*/trace_qft_8q_100.json")
    assert f"trace in {path.relative_to(tmp_path)} (open it in https://ui.perfetto.dev" in text
    events = events_of(path)
    categories = {event.get("cat") for event in events}
    assert {"cpu_op", "user_annotation", "python_function"} <= categories
    names = [event["name"] for event in events]
    assert names.count("call") == 1
    for kind, number in steps.items():
        assert names.count(kind) == 2 * int(number), "in the call before, and in the call"
    assert any("Input Dims" in event["args"] for event in events if event.get("cat") == "cpu_op")
    assert json.loads((path.parent / "environment.json").read_text())["packages"]["torch"]
    assert not (tmp_path / "reports" / "latest").exists(), "that is the newest run of a session"


def test_a_dynamic_case_without_stacks_in_a_folder_of_ones_own(tmp_path: Path) -> None:
    done = command(tmp_path, "trace", "teleportation", "50", "--qubits=3", "--no-stack", "--rounds=1", "--run-dir=out")
    assert done.returncode == 0, done.stderr
    assert re.search(r"^teleportation-q3: \d+ operations, dynamic, 50 shots$", done.stdout, re.MULTILINE)
    assert re.search(r"^plan: .*\d+ Measure", done.stdout, re.MULTILINE)
    (path,) = (tmp_path / "out").glob("*/trace_teleportation_3q_50.json")
    categories = {event.get("cat") for event in events_of(path)}
    assert "cpu_op" in categories
    assert "python_function" not in categories


def test_what_can_not_be_traced(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(CASES)
    (tmp_path / "file").touch()
    wrong = {
        ("qtf", "10"): "there is no case 'qtf' in the built-in suite; did you mean 'qft'?",
        ("qft", "0"): "argument SHOTS: '0' is not a whole number of at least 1",
        ("qft", "many"): "argument SHOTS: 'many' is not a whole number of at least 1",
        ("own.py::broken", "10"): "own.py:15: broken() raised ValueError: no such angle",
        ("own.py::pairs-q40", "10"): "40 qubits in double precision take 32,768.0 GiB (two states), and ",
        ("own.py::pairs-q2", "10", "--run-dir=file"): "cannot write reports to file: ",
    }
    for arguments, message in wrong.items():
        done = command(tmp_path, "trace", *arguments)
        assert done.returncode == 2
        (line,) = done.stderr.splitlines()
        assert line.startswith("python -m pytest_qbench trace: error: ")
        assert message in line
    assert not (tmp_path / "reports").exists()


def test_a_device_that_is_not_there(tmp_path: Path) -> None:
    import torch

    missing = [name for name, here in (("cuda", torch.cuda), ("mps", torch.backends.mps)) if not here.is_available()]
    if not missing:
        pytest.skip("both CUDA and Metal are here")
    done = command(tmp_path, "trace", "bell_state", "10", f"--device={missing[0]}")
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert f"error: device={missing[0]}: " in line


def test_without_torch(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise ImportError('No module named torch')")
    done = command(tmp_path, "trace", "bell_state", "10")
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.endswith("No module named torch; pip install 'pytest-qbench[native]'")


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys, pytest_qbench.__main__ as main\n"
        "sys.argv = ['pytest_qbench', 'trace', '--help']\n"
        "try:\n    main.main()\nexcept SystemExit as end:\n    assert end.code == 0\n"
        "heavy = {'pytest', 'numpy', 'scipy', 'qiskit', 'torch', 'psutil'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "--no-stack" in done.stdout


@pytest.mark.gpu
def test_a_trace_on_a_gpu(tmp_path: Path) -> None:
    import torch

    if not torch.cuda.is_available():
        pytest.skip("no CUDA device (torch.cuda.is_available() is false)")
    done = command(tmp_path, "trace", "qft-q16", "1000", "--device=cuda", "--precision=single")
    assert done.returncode == 0, done.stderr
    assert "device ms" in done.stdout
    (path,) = (tmp_path / "reports").glob("*/trace_qft_16q_1000.json")
    assert "kernel" in {event.get("cat") for event in events_of(path)}
    device_ms = [float(line.split()[-1]) for line in done.stdout.splitlines() if line.startswith("Dense k=")]
    assert min(device_ms) > 0
