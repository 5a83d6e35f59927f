"""The plan of 100 000 points, made and shown: ``pytest --collect-only -q`` by wall time, CPU time and peak memory.

Run it by hand: ``python benchmarks/large_plan.py [REPEATS]``. Every figure is the median of whole processes; the plans
differ in what there is much of.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPEATS = 3
GOAL_S, GOAL_GIB = 10.0, 1.0
CASES = """
from pytest_qbench import circuit_case

@circuit_case(n_qubits=range(2, 22), depth=range(1, 101))
def matrix(n_qubits, depth):
    from qiskit import QuantumCircuit
    return QuantumCircuit(n_qubits)
"""
PLANS = {
    "2000 instances x 50 shots": ["--qbench-backend=aer", "--qbench-shots=1:50"],
    "20 instances x 5000 shots": ["--qbench-backend=aer", "--qbench-depth=1", "--qbench-shots=1:5000"],
    "2000 instances x 5 backends x 10 shots": ["--qbench-backend=aer,native,cirq,qulacs,stim", "--qbench-shots=1:10"],
    "the full suite x 2 backends x 330 shots": [
        "--qbench-backend=aer,native",
        "--qbench-cases=builtin",
        "--qbench-shots=1:330",
    ],
}


def collect(folder: Path, arguments: list[str]) -> tuple[int, float, float]:
    """The number of points shown, the wall time and the CPU time in seconds of one session."""
    # The plugin of hypothesis imports that at the end of a session, which takes a second and has nothing to do with it.
    options = ["-p", "no:hypothesispytest", "--collect-only", "-q", "--qbench-suite=full", *arguments]
    before, started = _children(), time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options], cwd=folder, stdout=subprocess.PIPE, text=True, check=True
    )
    wall_s = time.perf_counter() - started
    return sum("::" in line for line in done.stdout.splitlines()), wall_s, _children() - before


def _children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Print one line per plan, and the peak memory of the largest."""
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else REPEATS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "cases").mkdir()
        (folder / "cases" / "matrix.py").write_text(CASES)
        for title, arguments in PLANS.items():
            runs = [collect(folder, arguments) for _ in range(repeats)]
            points = {points for points, _, _ in runs}
            wall_s, cpu_s = (statistics.median(run[index] for run in runs) for index in (1, 2))
            print(f"{title}: {points.pop()} points in {wall_s:.1f} s ({cpu_s:.1f} s of CPU; goal < {GOAL_S:g} s)")
    # Linux counts in KiB, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit
    print(f"peak memory of the largest: {peak / 2**30:.2f} GiB (goal < {GOAL_GIB:g} GiB)")


if __name__ == "__main__":
    main()
