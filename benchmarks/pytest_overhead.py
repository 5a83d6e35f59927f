"""What the plugin costs pytest: start-up when unused, and the collection of a large matrix.

Run it by hand: ``python benchmarks/pytest_overhead.py``. Arms alternate; each figure is a median of whole processes.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPEATS = 15
MATRIX = """
from pytest_qbench import circuit_case

@circuit_case(n_qubits=range(2, 22), depth=range(1, 101))
def matrix(n_qubits, depth):
    from qiskit import QuantumCircuit
    return QuantumCircuit(n_qubits)
"""


def seconds(folder: Path, *arguments: str) -> float:
    """Wall time of one pytest process in ``folder``."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return time.perf_counter() - started


def paired_difference(folder: Path, first: list[str], second: list[str], repeats: int) -> tuple[float, float, float]:
    """Medians of both arms and of their paired differences, in seconds."""
    pairs = [(seconds(folder, *first), seconds(folder, *second)) for _ in range(repeats + 1)][1:]
    return (
        statistics.median(a for a, _ in pairs),
        statistics.median(b for _, b in pairs),
        statistics.median(a - b for a, b in pairs),
    )


def main() -> None:
    """Print one line per figure."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "test_one.py").write_text("def test_one(): pass\n")
        with_plugin, without, cost = paired_difference(folder, [], ["-p", "no:qbench"], REPEATS)
        print(
            f"start-up with the plugin unused: {1e3 * cost:.1f} ms more than without "
            f"({1e3 * with_plugin:.0f} / {1e3 * without:.0f} ms; goal <= 15)"
        )
        cases = folder / "cases"
        cases.mkdir()
        (cases / "matrix.py").write_text(MATRIX)
        collect = ["--collect-only", "--qbench-backend=aer", "--qbench-suite=full", "-q"]
        with_plugin, without, cost = paired_difference(folder, collect, ["-p", "no:qbench", "--collect-only"], 5)
        print(
            f"--collect-only of 10 000 points: {cost:.2f} s more than bare pytest "
            f"({with_plugin:.2f} / {without:.2f} s; goal <= 3)"
        )


if __name__ == "__main__":
    main()
