"""Time the native engine in single precision beside qsim: ``python benchmarks/compare_qsim.py [CASE ...]``.

Needs qsimcirq. Calls alternate between two processes, one for each simulator, because threads that one library leaves
spinning would slow the other down. A call of either samples 10 000 shots; circuits are prepared beforehand. qsim is
given gates by their matrices where cirq has none of the same name, and the best of fusing up to 2, 3 and 4 qubits.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

SHOTS = 10_000
ROUNDS = 7
CASES = [f"{case}-q{n}" for case in ("random_universal", "quantum_volume", "qft") for n in (18, 20, 22)] + ["qft-q24"]
THREADS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def native(program: Any) -> Callable[[int], object]:
    """A call of the native engine."""
    import torch

    from pytest_qbench.engine import Simulator

    torch.set_num_threads(THREADS)
    simulator = Simulator(program, precision="single")
    return lambda seed: simulator.run(SHOTS, seed)


def qsim(program: Any) -> Callable[[int], object]:
    """A call of qsim with the best of three limits for fused gates."""
    import qsimcirq

    circuit = to_cirq(program)
    simulators = [
        qsimcirq.QSimSimulator(qsimcirq.QSimOptions(cpu_threads=THREADS, max_fused_gate_size=size))
        for size in (2, 3, 4)
    ]

    def seconds(simulator: Any) -> float:
        start = time.perf_counter()
        simulator.run(circuit, repetitions=SHOTS)
        return time.perf_counter() - start

    best = min(simulators, key=lambda simulator: min(seconds(simulator) for _ in range(2)))
    return lambda seed: best.run(circuit, repetitions=SHOTS)


def to_cirq(program: Any) -> Any:
    """A static program as a cirq circuit."""
    import cirq
    import numpy as np

    from pytest_qbench.circuits.gates import gate_matrix

    named = {"h": cirq.H, "x": cirq.X, "cx": cirq.CNOT, "cz": cirq.CZ, "swap": cirq.SWAP, "ccx": cirq.CCX}
    qubits = cirq.LineQubit.range(program.n_qubits)
    operations, measured = [], {}
    for item in program.instructions:
        own = [qubits[q] for q in item.qubits]
        if not item.is_gate:
            measured.update(zip(item.clbits, own, strict=True))
        elif item.name in named:
            operations.append(named[item.name](*own))
        elif item.name == "cp":
            operations.append(cirq.CZPowGate(exponent=item.params[0] / np.pi)(*own))
        elif item.name in ("rz", "ry"):
            operations.append(getattr(cirq, item.name)(item.params[0])(*own))
        else:  # cirq's matrices are big-endian
            operations.append(cirq.MatrixGate(np.array(gate_matrix(item)))(*reversed(own)))
    operations.append(cirq.measure(*(measured[clbit] for clbit in sorted(measured)), key="m"))
    return cirq.Circuit(operations)


def serve(which: str, case: str) -> None:
    """Call once for every line of standard input, and write the seconds."""
    from pytest_qbench.lookup import find_instance
    from pytest_qbench.runner import build_program

    call = {"native": native, "qsim": qsim}[which](build_program(find_instance(case)))
    for seed, _ in enumerate(sys.stdin, 1):
        start = time.perf_counter()
        call(seed)
        print(json.dumps(time.perf_counter() - start), flush=True)


def main(cases: list[str]) -> None:
    """Print a line for each case."""
    print(
        f"{'case':24} {'qsim ms':>9} {'native ms':>9} {'qsim / native':>13}   ({THREADS} threads, median of {ROUNDS})"
    )
    for case in cases:
        processes = {
            which: subprocess.Popen(
                [sys.executable, __file__, "--serve", which, case],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for which in ("qsim", "native")
        }
        times: dict[str, list[float]] = {which: [] for which in processes}
        for round_ in range(ROUNDS + 1):
            for which, process in processes.items():
                assert process.stdin is not None
                assert process.stdout is not None
                process.stdin.write("\n")
                process.stdin.flush()
                seconds = json.loads(process.stdout.readline())
                if round_:  # the first is a warm-up
                    times[which].append(1000 * seconds)
        for process in processes.values():
            process.communicate()
        theirs, ours = (statistics.median(times[which]) for which in ("qsim", "native"))
        print(f"{case:24} {theirs:9.1f} {ours:9.1f} {theirs / ours:12.2f}x", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(*sys.argv[2:])
    else:
        main(sys.argv[1:] or CASES)
