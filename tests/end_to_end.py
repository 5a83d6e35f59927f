"""Helpers of the end-to-end tests: what a run left behind, and backends that go wrong."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

FAULTY = Path(__file__).parent / "measure"


def rows(pytester: pytest.Pytester) -> list[dict[str, Any]]:
    """The rows of the newest run."""
    return [json.loads(line) for line in results_file(pytester).read_text().splitlines()]


def results_file(pytester: pytest.Pytester) -> Path:
    return pytester.path / "reports" / "latest" / "results.jsonl"


def run_file(pytester: pytest.Pytester, name: str) -> Any:
    """A JSON file of the newest run folder."""
    return json.loads((pytester.path / "reports" / "latest" / name).read_text())


def register(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, **backends: str) -> None:
    """Register backends of ``faulty_backends`` (or of modules in the test's folder) under names of the test's own."""
    inherited = filter(None, [os.environ.get("PYTHONPATH")])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(FAULTY), str(pytester.path), *inherited]))
    targets = {name: target if ":" in target else f"faulty_backends:{target}" for name, target in backends.items()}
    pytester.makeconftest(f"def pytest_qbench_backends(config):\n    return {targets!r}\n")


CASES = """
from qiskit import QuantumCircuit
from pytest_qbench import circuit_case

@circuit_case(n_qubits=[2, 3])
def zeros(n_qubits):
    circuit = QuantumCircuit(n_qubits)
    circuit.x(0)
    circuit.x(0)
    circuit.measure_all()
    return circuit

@zeros.expected
def _(n_qubits):
    return {"0" * n_qubits: 1.0}
"""


def make_cases(pytester: pytest.Pytester, text: str = CASES, name: str = "own.py") -> Path:
    """A case file in the project's ``cases`` folder."""
    path = pytester.path / "cases" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def gone(processes: Callable[[], list[str]], seconds: float = 5) -> bool:
    """Whether none of ``processes`` (the fixture ``alive``) is left after at most so many seconds."""
    deadline = time.monotonic() + seconds
    while processes() and time.monotonic() < deadline:
        time.sleep(0.05)
    return not processes()


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Return once ``condition`` holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)
