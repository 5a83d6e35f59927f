"""One backend in a worker: it prepares programs and times rounds. Standard library only."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from importlib import import_module
from time import perf_counter_ns
from typing import Any

from pytest_qbench.backends.base import Backend, Capabilities, Description
from pytest_qbench.circuits.lowering import lower
from pytest_qbench.gradients.paths.base import GradientPath
from pytest_qbench.measure.checks import ProtocolError, check_counts
from pytest_qbench.measure.failures import failure_of
from pytest_qbench.measure.gradient_session import GradientSession
from pytest_qbench.measure.heartbeat import Heartbeat, Phase
from pytest_qbench.measure.messages import (
    Abort,
    AbortKind,
    Measurement,
    MeasureRequest,
    Outcome,
    Unavailable,
    Unsupported,
)
from pytest_qbench.measure.rounds import needs_another_round, round_seed
from pytest_qbench.measure.telemetry import MemoryRecorder, cpu_ns

_NS_PER_S = 1e9


def start_session(
    target: str, options: Mapping[str, Any], threads: int, heartbeat: Heartbeat
) -> Session | GradientSession | Abort | Unavailable:
    """Import and construct the adapter or path ``target`` (``module:Class``); why not, where that fails."""
    heartbeat.mark(Phase.START)
    install = ""
    try:
        module, _, name = target.partition(":")
        backend_class = getattr(import_module(module), name)
        install = getattr(backend_class, "install", "")
        made = backend_class(dict(options), threads)
        session: Session | GradientSession
        session = GradientSession(made, heartbeat) if isinstance(made, GradientPath) else Session(made, heartbeat)
    except BaseException as error:
        failure = failure_of(error, heartbeat.read().label, install)
        return Unavailable(failure.reason, install) if isinstance(failure, Unsupported) else failure
    # What was imported stays: collections from now on need not walk it, neither between points nor in a round.
    gc.collect()
    gc.freeze()
    return session


class Session:
    """A backend and the program it has prepared: one at a time, the latest."""

    def __init__(self, backend: Backend, heartbeat: Heartbeat) -> None:
        """Keep ``backend``, and mark what it does on ``heartbeat``."""
        self._backend = backend
        self._heartbeat = heartbeat
        self.capabilities = _capabilities(backend)
        self._prepared: Any = None
        self._prepared_for: tuple[str, str] | None = None
        self.description = _describe(backend)

    def measure(self, request: MeasureRequest, program_hash: str) -> Outcome:
        """Measure one point; never raises, whatever the backend does."""
        try:
            return self._measure(request, program_hash)
        except ProtocolError as error:
            return Abort(AbortKind.PROTOCOL, f"protocol: {error}", phase=self._heartbeat.read().label)
        except BaseException as error:
            self._forget()
            return failure_of(error, self._heartbeat.read().label, self._backend.install)

    def close(self) -> None:
        """Let the backend release what it holds."""
        self._forget()
        self._backend.close()

    def _measure(self, request: MeasureRequest, program_hash: str) -> Measurement:
        backend, mark = self._backend, self._heartbeat.mark
        n_clbits, shots = request.program.n_clbits, request.shots
        first_shots = shots if request.first_shots is None else request.first_shots

        def seed(shots: int, index: int) -> int:
            return round_seed(request.seed, program_hash, shots, index)

        rounds_s: list[float] = []
        cpu_s: list[float] = []
        counts_s: list[float] = []
        warmup = request.policy.warmup
        mark(Phase.LOWER)
        prepare_s = first_call_s = None
        key = (request.instance, program_hash)
        is_new = key != self._prepared_for
        if is_new:
            # Let the last program go before the next is prepared: two states may not fit into the memory.
            self._forget()
            gc.collect()
            lowered = lower(request.program, self.capabilities)
        backend.device_peak_bytes()
        memory = MemoryRecorder()
        if is_new:
            mark(Phase.PREPARE)
            start = perf_counter_ns()
            self._prepared = backend.prepare(lowered)
            backend.synchronize()
            prepare_s = (perf_counter_ns() - start) / _NS_PER_S
            mark(Phase.FIRST_CALL)
            result, first_call_s, first_cpu_s = self._call(first_shots, seed(first_shots, 0))
            start = perf_counter_ns()
            said = backend.counts(result)
            first_counts_s = (perf_counter_ns() - start) / _NS_PER_S
            del result
            counts = check_counts(said, n_clbits, first_shots)
            self._prepared_for = key
            warmup -= 1
            if warmup < 1 and first_shots == shots and first_call_s > request.policy.first_alone_above:
                rounds_s, cpu_s, counts_s = [first_call_s], [first_cpu_s], [first_counts_s]

        for index in range(1, warmup + 1):
            mark(Phase.WARM_UP)
            result, _, _ = self._call(shots, seed(shots, -index))
            said = backend.counts(result)
            del result
            check_counts(said, n_clbits, shots)
        while needs_another_round(request.policy, rounds_s):
            index = len(rounds_s) + 1
            mark(Phase.ROUND, index)
            result, wall, cpu = self._call(shots, seed(shots, index))
            start = perf_counter_ns()
            said = backend.counts(result)
            counts_s.append((perf_counter_ns() - start) / _NS_PER_S)
            # Gone before the next call makes its own, and outside the timed region.
            del result
            counts = check_counts(said, n_clbits, shots)
            rounds_s.append(wall)
            cpu_s.append(cpu)

        mark(Phase.ANSWER)
        return Measurement(
            counts=counts,
            rounds_s=tuple(rounds_s),
            cpu_s=tuple(cpu_s),
            counts_s=tuple(counts_s),
            prepare_s=prepare_s,
            first_call_s=first_call_s,
            memory=memory.finish(backend.device_peak_bytes()),
            description=_describe(backend),
        )

    def _call(self, shots: int, seed: int) -> tuple[Any, float, float]:
        """One call of the simulator: its result, and the wall and CPU time it took in seconds."""
        backend, prepared = self._backend, self._prepared
        cpu_start = cpu_ns()
        start = perf_counter_ns()
        result = backend.run(prepared, shots, seed)
        backend.synchronize()
        wall = (perf_counter_ns() - start) / _NS_PER_S
        return result, wall, (cpu_ns() - cpu_start) / _NS_PER_S

    def _forget(self) -> None:
        self._prepared = self._prepared_for = None


def _capabilities(backend: Backend) -> Capabilities:
    """The backend's capabilities with plain values, whatever collections it used."""
    said = backend.capabilities()
    return Capabilities(
        gates=frozenset(map(str, said.gates)),
        unitary_qubits=int(said.unitary_qubits),
        dynamic=bool(said.dynamic),
        noise=bool(said.noise),
        max_qubits=None if said.max_qubits is None else int(said.max_qubits),
        precisions=tuple(map(str, said.precisions)),
        devices=tuple(map(str, said.devices)),
    )


def _describe(backend: Backend) -> Description:
    """The backend's description with plain values, whatever mapping and text types it used."""
    said = backend.describe()
    return Description(
        version=str(said.version),
        versions={str(package): str(version) for package, version in said.versions.items()},
        device=str(said.device),
        device_name=None if said.device_name is None else str(said.device_name),
        precision=str(said.precision),
        method=None if said.method is None else str(said.method),
        threads=None if said.threads is None else int(said.threads),
    )
