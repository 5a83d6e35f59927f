"""How batches help gradients, in PennyLane and in the native engine.

``python benchmarks/batched_execution.py [--quick] [--json FILE]`` measures. It needs the ``gradients`` extra and takes
four minutes, 20 seconds with ``--quick``. ``python benchmarks/batched_execution.py --json FILE --plot PICTURE`` does
not: it prints the tables of a file that is there and draws the picture in docs/batched_execution.md.

Everything is on the classic circuit with two layers in double precision; samples are amplitude-encoded beforehand. Each
library has a process of its own. Rounds alternate between the processes, and between first to last and last to first
in each, so that a ratio is one of times taken shortly after each other.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from batched_report import draw, tables

from pytest_qbench.measure.launch import THREAD_VARIABLES
from pytest_qbench.report import environment

ROOT = Path(__file__).parent.parent
WORKERS = Path(__file__).with_name("batched_workers.py")
CPUS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
LEAST_ROUNDS = 5
MOST_ROUNDS = 15


class Worker:
    """A process that times its settings once whenever it is asked."""

    def __init__(self, which: str, threads: int, *arguments: str) -> None:
        """Start it; it gets ready by itself."""
        variables = os.environ | {name: str(threads) for name in THREAD_VARIABLES}
        command = [sys.executable, str(WORKERS), which, *arguments]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=variables
        )

    def answer(self) -> Any:
        """Wait for what it says next."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{' '.join(self._process.args)} ended: its error is above")  # type: ignore[arg-type]
        return json.loads(line)

    def round(self, direction: str) -> Any:
        """Seconds of a call, for each setting."""
        assert self._process.stdin is not None
        print(direction, file=self._process.stdin, flush=True)
        return self.answer()

    def close(self) -> None:
        """End it."""
        self._process.communicate()


def measure(quick: bool, threads: int) -> dict[str, Any]:
    """All settings, in rounds, until the time is up."""
    begin = time.perf_counter()
    qubits, factor, least, budget = ("8", "8", "0.003", 16.0) if quick else ("8,10,12", "2", "0.02", 225.0)
    kinds = {(which, threads) for which in ("default.qubit", "lightning.qubit", "native")}
    if not quick:
        kinds.add(("lightning.qubit", 1))
    entries: list[dict[str, Any]] = []
    facts: dict[str, Any] = {}
    gradients, workers = [], []
    for which, own_threads in sorted(kinds):
        worker = Worker(which, own_threads, qubits, factor, least)
        ready = worker.answer()  # one after another: threads that wait for each other do badly side by side
        workers.append((worker, [{**item, "threads": own_threads, "seconds": []} for item in ready["settings"]]))
        entries += workers[-1][1]
        gradients.append(ready["gradients"])
        facts |= ready["facts"]
    for own in gradients:
        for n_qubits, values in own.items():
            np.testing.assert_allclose(np.array(values), np.array(gradients[0][n_qubits]), rtol=1e-8, atol=1e-10)
    n_rounds, longest = 0, 0.0
    while n_rounds < LEAST_ROUNDS or (n_rounds < MOST_ROUNDS and time.perf_counter() + longest < begin + budget):
        start = time.perf_counter()
        for worker, own in workers:
            for entry, seconds in zip(own, worker.round("back" if n_rounds % 2 else "forth"), strict=True):
                entry["seconds"].append(float(f"{seconds:.5g}"))
        longest = max(longest, time.perf_counter() - start)
        n_rounds += 1
        print(f"round {n_rounds}: {time.perf_counter() - start:.1f} s", file=sys.stderr)
    for worker, _ in workers:
        worker.close()
    return {
        "threads": threads,
        "rounds": n_rounds,
        "wall_s": round(time.perf_counter() - begin, 1),
        "environment": environment.collect(ROOT),
        "facts": facts,
        "entries": entries,
    }


def write(results: Mapping[str, Any], file: Path) -> None:
    """JSON with a line for each setting."""
    head = json.dumps({key: value for key, value in results.items() if key != "entries"}, indent=1)
    lines = ",\n".join(json.dumps(entry) for entry in results["entries"])
    file.write_text(head.removesuffix("\n}") + f',\n "entries": [\n{lines}\n]}}\n')


def main() -> None:
    """See the module's head."""
    parser = argparse.ArgumentParser(description="How batches help gradients, in PennyLane and in the native engine.")
    parser.add_argument("--quick", action="store_true", help="8 qubits and few sizes: 20 seconds")
    parser.add_argument("--threads", type=int, default=CPUS, help="for every library (%(default)s)")
    parser.add_argument("--json", type=Path, help="the file for all figures")
    parser.add_argument("--plot", type=Path, help="measure nothing: draw the figures of the file that --json names")
    options = parser.parse_args()
    if options.plot:
        if not options.json:
            parser.error("--plot draws what is in a file: name it with --json")
        results = json.loads(options.json.read_text())
        draw(results, options.plot)
    else:
        results = measure(options.quick, options.threads)
        if options.json:
            write(results, options.json)
    print(tables(results))


if __name__ == "__main__":
    main()
