"""What measuring in a worker costs, and whether its times are those that one would take by hand.

Run by hand on a machine that does nothing else: ``python benchmarks/measure_overhead.py``. One line per figure. Every
figure is a median; "by hand" is the same call of the same adapter timed in this process.
"""

from __future__ import annotations

import hashlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from pytest_qbench import Backend, Capabilities, Description, Instruction, Program
from pytest_qbench.backends.aer import AerBackend
from pytest_qbench.circuits.lowering import lower
from pytest_qbench.measure.launch import THREAD_VARIABLES
from pytest_qbench.measure.messages import Measurement, MeasureRequest, RoundPolicy, WorkerSpec
from pytest_qbench.measure.supervisor import Supervisor

PROGRAM = Program(2, 2, tuple(Instruction("measure", (i,), clbits=(i,)) for i in range(2)))
SHOTS = 1000
REPEATS = 21


class Burner(Backend):
    """Hashes so often per call as ``iterations`` says: work that takes the same time whenever nothing disturbs it."""

    def __init__(self, options: Mapping[str, Any], threads: int) -> None:
        self.iterations = options["iterations"]

    def capabilities(self) -> Capabilities:
        return Capabilities(gates=frozenset())

    def describe(self) -> Description:
        return Description("1")

    def prepare(self, program: Program) -> Any:
        return program

    def run(self, prepared: Any, shots: int, seed: int) -> Any:
        if self.iterations:
            hashlib.pbkdf2_hmac("sha256", b"password", b"salt", self.iterations)
        return shots

    def counts(self, result: Any) -> Mapping[str, int]:
        return {"00": result}


def ghz(n_qubits: int) -> Program:
    """A GHZ state, measured."""
    gates = (Instruction("h", (0,)), *(Instruction("cx", (i, i + 1)) for i in range(n_qubits - 1)))
    measures = tuple(Instruction("measure", (i,), clbits=(i,)) for i in range(n_qubits))
    return Program(n_qubits, n_qubits, gates + measures)


def burner(iterations: int) -> WorkerSpec:
    return WorkerSpec("measure_overhead:Burner", {"iterations": iterations})


def measure(supervisor: Supervisor, rounds: int, program: Program = PROGRAM) -> tuple[Measurement, float]:
    """One point of so many rounds, and the seconds that all of it took here."""
    policy = RoundPolicy(min_rounds=rounds, max_time=0.0, max_rounds=rounds)
    start = time.perf_counter()
    outcome = supervisor.measure(MeasureRequest(program, SHOTS, 1, 30.0, policy))
    elapsed = time.perf_counter() - start
    assert isinstance(outcome, Measurement), outcome
    return outcome, elapsed


def cost(iterations: int) -> None:
    """Time that passed here beyond what the worker timed, per round and per point."""
    few, many = 10, 510
    with Supervisor(burner(iterations)) as supervisor:
        measure(supervisor, few)
        rests: dict[int, list[float]] = {few: [], many: []}
        for _ in range(REPEATS):
            for rounds, rest in rests.items():
                outcome, elapsed = measure(supervisor, rounds)
                rest.append(elapsed - sum(outcome.rounds_s) - sum(outcome.counts_s))
    medians = {rounds: statistics.median(rest) for rounds, rest in rests.items()}
    per_round = (medians[many] - medians[few]) / (many - few)
    name = f"calls of {iterations} iterations" if iterations else "empty calls"
    print(f"cost per round on top of the worker's own time, {name}: {per_round * 1e6:.1f} us (target 200)")
    print(f"cost per point of a known program, {name}: {(medians[few] - few * per_round) * 1e6:.0f} us")


def by_hand(backend: Backend, prepared: Any, rounds: int) -> float:
    """Median time of the same call in this process, in seconds."""
    backend.run(prepared, SHOTS, 0)
    times = []
    for seed in range(1, rounds + 1):
        start = time.perf_counter()
        backend.run(prepared, SHOTS, seed)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def agreement(name: str, spec: WorkerSpec, program: Program, rounds: int) -> None:
    """The worker's median over that by hand, and as a control that by hand over itself, taken alternately.

    Every reading is of a fresh process: two processes with the same code may differ by more than the target.
    """
    ratios, controls, hand_times = [], [], []
    for repeat in range(REPEATS):
        order = ["hand", "worker", "again"]
        if repeat % 2:
            order.reverse()  # clocks and neighbours drift
        medians = {
            what: (in_fresh_worker if what == "worker" else by_hand_in_fresh_process)(spec, program, rounds)
            for what in order
        }
        ratios.append(medians["worker"] / medians["hand"])
        controls.append(medians["again"] / medians["hand"])
        hand_times.append(medians["hand"])
    print(
        f"worker / by hand, {name}, {statistics.median(hand_times) * 1e3:.2f} ms: {spread(ratios)} "
        f"(target within 2%); by hand / by hand: {spread(controls)}"
    )


def in_fresh_worker(spec: WorkerSpec, program: Program, rounds: int) -> float:
    """Median of the rounds of a new worker, in seconds."""
    with Supervisor(spec) as supervisor:
        measure(supervisor, 5, program)
        return statistics.median(measure(supervisor, rounds, program)[0].rounds_s)


def by_hand_in_fresh_process(spec: WorkerSpec, program: Program, rounds: int) -> float:
    """:func:`by_hand` in a process of its own, in seconds."""
    job = {"target": spec.target, "options": dict(spec.options), "program": program.to_json(), "rounds": rounds}
    command = [sys.executable, __file__, "by-hand"]
    done = subprocess.run(command, input=json.dumps(job), capture_output=True, text=True, check=True)
    return float(done.stdout)


def by_hand_job(job: dict[str, Any]) -> float:
    """What the process of :func:`by_hand_in_fresh_process` does."""
    spec = WorkerSpec(job["target"], job["options"])
    backend = adapter_of(spec)
    prepared = backend.prepare(lower(Program.from_json(job["program"]), backend.capabilities()))
    by_hand(backend, prepared, 5)
    return by_hand(backend, prepared, job["rounds"])


def adapter_of(spec: WorkerSpec) -> Backend:
    """The adapter of ``spec`` in this process."""
    module, _, name = spec.target.partition(":")
    backend: Backend = getattr(import_module(module), name)(spec.options, spec.threads)
    return backend


def spread(values: list[float]) -> str:
    low, middle, high = statistics.quantiles(values, n=4)
    return f"{middle:.4f} (quartiles {low:.4f} to {high:.4f})"


def iterations_for(seconds: float) -> int:
    """How many iterations of :class:`Burner` take so long here."""
    sample = 100_000
    return round(seconds / (by_hand(Burner({"iterations": sample}, 1), None, 5) / sample))


def start_and_kill() -> None:
    """Time from nothing to a description, to close, and from a deadline to the verdict."""
    starts, ends, overruns = [], [], []
    for _ in range(5):
        with Supervisor(burner(0)) as supervisor:
            start = time.perf_counter()
            supervisor.describe()
            starts.append(time.perf_counter() - start)
            start = time.perf_counter()
            supervisor.close()
            ends.append(time.perf_counter() - start)
        with Supervisor(burner(2**31 - 1)) as supervisor:
            supervisor.describe()
            start = time.perf_counter()
            supervisor.measure(MeasureRequest(PROGRAM, SHOTS, 1, 0.2))
            overruns.append(time.perf_counter() - start - 0.2)
    print(f"start of a worker without a simulator: {statistics.median(starts) * 1e3:.0f} ms")
    print(f"end of a worker: {statistics.median(ends) * 1e3:.0f} ms")
    print(f"verdict after the deadline, everything gone: {statistics.median(overruns) * 1e3:.0f} ms (target 1000)")


if __name__ == "__main__":
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))  # by hand too, before anything heavy is imported
    sys.path.insert(0, str(Path(__file__).parent))  # so that the worker finds Burner
    if sys.argv[1:] == ["by-hand"]:
        print(by_hand_job(json.load(sys.stdin)))
        sys.exit()
    start_and_kill()
    cost(0)
    cost(1000)
    for seconds, rounds in ((2e-3, 100), (1e-2, 30)):
        agreement("hashing", burner(iterations_for(seconds)), PROGRAM, rounds)
    aer_options = {key: option.default for key, option in AerBackend.options.items()} | {"method": "statevector"}
    aer = WorkerSpec("pytest_qbench.backends.aer:AerBackend", aer_options)
    for n_qubits, rounds in ((12, 100), (17, 30)):
        agreement(f"Aer, GHZ of {n_qubits} qubits", aer, ghz(n_qubits), rounds)
