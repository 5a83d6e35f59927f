"""How much sooner a suite of single-threaded points is through with ``--qbench-parallel 2`` than one at a time.

Run it by hand on a machine that does nothing else: ``python benchmarks/parallel_speedup.py``. The arms alternate, and
each run is a pytest process of its own in an empty folder. One line per pair of runs, then the medians.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

GOAL = 1.7


def run(folder: Path, options: list[str]) -> tuple[float, dict[str, int]]:
    """Wall time of one pytest process in seconds, and its points by status."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    started = time.perf_counter()
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *options],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - started
    if ended.returncode:
        sys.exit(f"{ended.stdout}\npytest {' '.join(options)} ended with {ended.returncode}")
    summary = json.loads((folder / "reports" / "latest" / "summary.json").read_text())
    return seconds, summary["points"]["by_status"]


def main() -> None:
    """Print one line per pair, then the medians."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--lanes", type=int, default=2)
    parser.add_argument("--backends", default="aer")
    parser.add_argument("--qubits", default="4:12:2")
    parser.add_argument("--suite", default="standard")
    given = parser.parse_args()
    suite = [f"--qbench-backend={given.backends}", f"--qbench-suite={given.suite}", f"--qbench-qubits={given.qubits}"]
    alone = [*suite, "--qbench-threads=1"]
    beside = [*alone, f"--qbench-parallel={given.lanes}"]
    pairs = []
    for number in range(1, given.repeats + 1):
        with tempfile.TemporaryDirectory() as name:
            arms = [(alone, "one"), (beside, "many")]
            times = {}
            for options, arm in arms if number % 2 else reversed(arms):
                times[arm], statuses = run(Path(name), options)
        pairs.append((times["one"], times["many"]))
        print(
            f"run {number}: {times['one']:.1f} s one at a time, {times['many']:.1f} s with {given.lanes} at once, "
            f"{times['one'] / times['many']:.2f} times faster ({statuses['PASS']} of {sum(statuses.values())} PASS)",
            flush=True,
        )
    one, many, ratio = (statistics.median(values) for values in (*zip(*pairs, strict=True), [a / b for a, b in pairs]))
    print(
        f"median of {given.repeats}: {one:.1f} s one at a time, {many:.1f} s with {given.lanes} at once, "
        f"{ratio:.2f} times faster (goal >= {GOAL})"
    )


if __name__ == "__main__":
    main()
