"""What a Dask cluster costs per point: 2000 points of a simulator that takes no time, here and on a LocalCluster.

Run it by hand: ``python benchmarks/dask_overhead.py [REPEATS [INSTANCES]]``. Arms alternate; each figure is a median of
whole pytest processes, and every run is checked for lost rows and points. The cluster has two worker processes on this
machine: one of them measures and the other stands by; in a third arm both measure (``--qbench-share-hosts``).
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPEATS = int(sys.argv[1]) if len(sys.argv) > 1 else 5
INSTANCES = int(sys.argv[2]) if len(sys.argv) > 2 else 400
SHOTS = (1, 10, 100, 1000, 10000)
POINTS = INSTANCES * len(SHOTS)
GOAL_MS = 10.0

BACKEND = """
from pytest_qbench import Backend, Capabilities, Description


class Toy(Backend):
    name = "toy"

    def __init__(self, options, threads):
        self.threads = threads

    def capabilities(self):
        return Capabilities(frozenset({"x"}), dynamic=False)

    def describe(self):
        return Description("1.0", threads=self.threads)

    def prepare(self, program):
        return "0" * program.n_clbits

    def run(self, prepared, shots, seed):
        return {prepared: shots}

    def counts(self, result):
        return result
"""

CONFTEST = """
def pytest_qbench_backends(config):
    return {"toy": "toy_backend:Toy"}
"""

CASES = f"""
from pytest_qbench import Instruction, Program, circuit_case


@circuit_case(n_qubits=[1], number=range({INSTANCES}))
def nothing(n_qubits, number):
    return Program(1, 1, (*[Instruction("x", (0,))] * (2 * (number % 8)), Instruction("measure", (0,), clbits=(0,))))


@nothing.expected
def _(n_qubits, number):
    return {{"0": 1.0}}
"""


def seconds(folder: Path, *arguments: str) -> float:
    """Wall time of one pytest process in ``folder``; raises where it has lost a row or a point."""
    rows = folder / "rows.jsonl"
    rows.unlink(missing_ok=True)
    shots = ",".join(map(str, SHOTS))
    command = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--qbench-backend=toy", f"--qbench-shots={shots}"]
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *command, f"--qbench-jsonl={rows}", *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    wall = time.perf_counter() - started
    if done.returncode:
        sys.exit(done.stdout[-4000:])
    written = [json.loads(line) for line in rows.read_text().splitlines()]
    passed = sum(list(row["point_status"].values()).count("PASS") for row in written)
    if len(written) != INSTANCES or passed != POINTS:
        sys.exit(f"{len(written)} rows of {INSTANCES}, {passed} points of {POINTS} passed: {' '.join(arguments)}")
    return wall


def main() -> None:
    """Print one line per figure."""
    from distributed import LocalCluster

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "toy_backend.py").write_text(BACKEND)
        (folder / "conftest.py").write_text(CONFTEST)
        (folder / "cases").mkdir()
        (folder / "cases" / "nothing.py").write_text(CASES)
        # The sessions, and the workers of the cluster, find the backend as they would an installed package.
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (name, os.environ.get("PYTHONPATH"))))
        sys.path.insert(0, name)
        with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster:
            address = f"--qbench-dask={cluster.scheduler_address}"
            arms = {
                "one at a time, without Dask": ["--qbench-threads=1"],
                "Dask, one of two workers measures": ["--qbench-threads=1", address],
                "Dask, both workers measure": ["--qbench-threads=1", address, "--qbench-share-hosts"],
            }
            walls: dict[str, list[float]] = {arm: [] for arm in arms}
            for _ in range(REPEATS):
                for arm, arguments in arms.items():
                    walls[arm].append(seconds(folder, *arguments))
    base = next(iter(walls.values()))
    print(f"{POINTS} points in {INSTANCES} rows, {REPEATS} runs of each kind, no row or point lost in any")
    for arm, times in walls.items():
        wall = statistics.median(times)
        added = statistics.median(1e3 * (time - other) / POINTS for time, other in zip(times, base, strict=True))
        goal = f", {added:+.2f} ms per point (goal < +{GOAL_MS:g})" if times is not base else ""
        print(f"{arm}: {wall:.1f} s, {1e3 * wall / POINTS:.2f} ms per point{goal}")


if __name__ == "__main__":
    main()
