"""From a point to its result: build the circuit, have it measured in the backend's worker, verify the counts."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_qbench.backends.base import Description
from pytest_qbench.cases import CaseError, CircuitCase
from pytest_qbench.circuits.convert import ConversionError, from_qiskit
from pytest_qbench.circuits.noise import with_noise
from pytest_qbench.circuits.program import Program
from pytest_qbench.circuits.validate import problems
from pytest_qbench.measure.heartbeat import FIRST_CALL
from pytest_qbench.measure.messages import (
    Abort,
    AbortKind,
    Measurement,
    MeasureRequest,
    Outcome,
    Unavailable,
    Unsupported,
    WorkerSpec,
)
from pytest_qbench.measure.quiet import wait_until_quiet
from pytest_qbench.measure.supervisor import Supervisor
from pytest_qbench.plan import cold_shots
from pytest_qbench.report.files import jsonable
from pytest_qbench.report.text import count
from pytest_qbench.results import PointResult, Status
from pytest_qbench.user_code import case_error, place, refuse_none
from pytest_qbench.verify.goodness import check_counts
from pytest_qbench.verify.noisy import UnverifiableError
from pytest_qbench.verify.reference import ReferenceCache, reference_distribution

if TYPE_CHECKING:
    from pytest_qbench.plan import Instance, LadderKey, Point
    from pytest_qbench.settings import Settings
    from pytest_qbench.specs import BackendSpec


@dataclass(frozen=True, slots=True)
class Ended:
    """How the ladder of an instance ended before its top."""

    status: Status
    shots: int
    reason: str
    abort_kind: str | None


@dataclass(frozen=True, slots=True)
class _SlowFirstCall:
    """The first call of an instance, of ``shots`` shots, that took longer than ``timeout`` seconds."""

    shots: int
    timeout: float
    abort: Abort


class Runner:
    """Measures points, one at a time. Holds one worker per backend spec and what the points of a ladder share."""

    def __init__(self, settings: Settings, cache_dir: Path | None = None) -> None:
        self._settings = settings
        self._supervisors: dict[str, Supervisor] = {}
        self._references = ReferenceCache(cache_dir)
        self._program: tuple[Instance, Program | CaseError] | None = None
        self._ended: dict[LadderKey, Ended] = {}
        self._slow_first_calls: dict[LadderKey, _SlowFirstCall] = {}

    def describe(self, spec: BackendSpec) -> Description | Unavailable | Abort:
        """What the backend says of itself; starts its worker."""
        return self._supervisor(spec).describe()

    def run(self, point: Point, nodeid: str, ladder: tuple[int, ...], timeout: float | None = None) -> PointResult:
        """Measure and verify one point; ``timeout`` in seconds replaces the settings' deadline per call.

        Never raises for what the case or the simulator does: that becomes the result's status and reason.
        """
        started = time.perf_counter()
        result = self._new_result(point, nodeid, ladder, timeout or self._settings.timeout)
        ended = self._ended.get(point.ladder_key)
        if ended is not None and (ended.status is not Status.ABORT or point.shots > ended.shots):
            return skipped(result, ended)
        program = self._build(point.instance)
        if isinstance(program, CaseError):
            result = with_case_error(result, program)
        else:
            arguments = point.instance.case.arguments(point.instance.n_qubits, point.instance.params)
            result, _ = self.measure(program, point.instance.case, arguments, result, point.backend)
        self._note_end(point, result)
        return replace(result, elapsed_s=time.perf_counter() - started)

    def _note_end(self, point: Point, result: PointResult) -> None:
        """Where the point did not run, the higher ones of its ladder need not try."""
        if result.status in (Status.ABORT, Status.UNSUPPORTED, Status.UNAVAILABLE):
            self._ended[point.ladder_key] = Ended(result.status, point.shots, result.reason, result.abort_kind)

    def measure(
        self, program: Program, case: CircuitCase, arguments: Mapping[str, Any], blank: PointResult, spec: BackendSpec
    ) -> tuple[PointResult, Mapping[str, int]]:
        """Measure ``program``, verify it by what ``case`` expects for ``arguments``, and fill in ``blank``.

        Returns:
            the result, and the counts of the last round (empty where it did not run).
        """
        blank = replace(blank, kind=program.kind, n_ops=program.n_ops, program_hash=program.hash)
        request = MeasureRequest(
            program=program,
            shots=blank.shots,
            seed=_derived_seed(self._settings.seed, program.hash),
            timeout=blank.timeout_s or self._settings.timeout,
            policy=self._settings.policy,
            instance=blank.instance,
        )
        outcome, blank = self._outcome(request, (case.path, blank.instance), blank, self._supervisor(spec))
        result = _with_outcome(blank, outcome)
        if not isinstance(outcome, Measurement):
            return result, {}
        return self._verify(result, outcome, program, case, arguments), outcome.counts

    def _outcome(
        self, request: MeasureRequest, ladder: LadderKey, blank: PointResult, supervisor: Supervisor
    ) -> tuple[Outcome, PointResult]:
        """What comes of ``request``, and ``blank`` with what there is to say of the first call.

        A first call of more shots than the point's own must not cost the point its verdict: where it aborts, the point
        is measured again with a first call of its own shots. If it was too slow, that is the verdict on the points of
        so many shots: they would wait for the deadline again.
        """
        first_shots = cold_shots(blank.ladder)
        slow = self._slow_first_calls.get(ladder)
        if slow is not None and request.timeout <= slow.timeout:
            if request.shots >= slow.shots:
                return slow.abort, blank
            first_shots = request.shots
        self._settle()
        outcome = supervisor.measure(replace(request, first_shots=first_shots))
        if isinstance(outcome, Abort) and outcome.phase == FIRST_CALL and request.shots < first_shots:
            if outcome.kind is AbortKind.TIMEOUT:
                self._slow_first_calls[ladder] = _SlowFirstCall(first_shots, request.timeout, outcome)
            blank = replace(blank, first_call_abort=outcome.reason)
            first_shots = request.shots
            outcome = supervisor.measure(replace(request, first_shots=first_shots))
        if isinstance(outcome, Measurement) and outcome.first_call_s is not None:
            blank = replace(blank, first_call_shots=first_shots)
        return outcome, blank

    def _settle(self) -> None:
        """Wait for threads that still spin, after the last measurement in a worker or its verification here."""
        wait_until_quiet([os.getpid(), *(pid for other in self._supervisors.values() for pid in other.pids)])

    def close(self) -> None:
        """End every worker."""
        for supervisor in self._supervisors.values():
            supervisor.close()
        self._supervisors.clear()

    def _supervisor(self, spec: BackendSpec) -> Supervisor:
        if spec.label not in self._supervisors:
            self._supervisors[spec.label] = Supervisor(
                WorkerSpec(
                    target=spec.target,
                    options=dict(spec.options),
                    threads=spec.threads or self._settings.threads,
                    python=spec.python,
                    memory_limit=self._settings.memory_limit,
                    startup_timeout=self._settings.startup_timeout,
                )
            )
        return self._supervisors[spec.label]

    def _new_result(self, point: Point, nodeid: str, ladder: tuple[int, ...], timeout: float) -> PointResult:
        spec, instance = point.backend, point.instance
        return PointResult(
            nodeid=nodeid,
            instance=point.ladder_id,
            backend=spec.label,
            spec=spec.text,
            case=instance.case.name,
            n_qubits=instance.n_qubits,
            params=jsonable(dict(instance.params)),
            shots=point.shots,
            ladder=ladder,
            status=Status.ABORT,
            threads=spec.threads or self._settings.threads,
            seed=self._settings.seed,
            timeout_s=timeout,
            noise=None if instance.noise is None else instance.noise.to_json(),
        )

    def _build(self, instance: Instance) -> Program | CaseError:
        """The instance's program, or why there is none; the last one is kept, as a ladder's points share it."""
        if self._program is None or self._program[0] != instance:
            try:
                program: Program | CaseError = build_program(instance)
            except CaseError as error:
                program = error
            self._program = (instance, program)
        return self._program[1]

    def _verify(
        self,
        result: PointResult,
        measurement: Measurement,
        program: Program,
        case: CircuitCase,
        arguments: Mapping[str, Any],
    ) -> PointResult:
        try:
            distribution = reference_distribution(
                case, arguments, program, self._references, noise=result.noise is not None
            )
        except CaseError as error:
            return with_case_error(result, error)
        except UnverifiableError as error:
            return replace(result, status=Status.UNVERIFIED, reason=str(error))
        check = check_counts(
            measurement.counts, distribution, result.shots, precision=measurement.description.precision
        )
        if check.passed:
            return replace(result, status=Status.PASS, p_value=check.p_value)
        p_value = f"p = {check.p_value:.2g}" if check.p_value else "p < 1e-300"
        reason = f"wrong distribution at {count(result.shots, 'shot')}: {p_value}"
        return replace(result, status=Status.FAIL, p_value=check.p_value, reason=reason, detail=check.message)


def build_program(instance: Instance) -> Program:
    """Call the case's builder and convert what it returns, with the noise of the instance if it has some.

    Raises:
        CaseError: the builder raised or returned something else, or the circuit measures nothing; the message
            has the file and line.
    """
    case = instance.case
    call = (
        f"{case.name}({', '.join(f'{k}={v!r}' for k, v in case.arguments(instance.n_qubits, instance.params).items())})"
    )
    try:
        circuit = case(**case.arguments(instance.n_qubits, instance.params))
    except CaseError:
        raise
    except Exception as error:  # whatever a user's builder raises concerns its own item only
        raise case_error(error, call, case.path, case.line) from error
    refuse_none(circuit, case)
    program = to_program(circuit, case.name, f"{place(case.path, case.line)}: {call}", instance.n_qubits)
    return program if instance.noise is None else with_noise(program, instance.noise)


def to_program(circuit: Any, name: str, origin: str, n_qubits: int | None = None) -> Program:
    """A builder's return value as a program; ``origin`` begins the error messages.

    Raises:
        CaseError: it is no circuit, can't be converted, measures nothing, or has not ``n_qubits`` qubits.
    """
    if isinstance(circuit, Program):
        program = circuit
        if wrong := next(iter(problems(program)), None):
            raise CaseError(f"{origin}: {wrong}")
    else:
        from qiskit import QuantumCircuit

        if not isinstance(circuit, QuantumCircuit):
            kind = type(circuit).__name__
            raise CaseError(f"{origin}: {kind} is neither a QuantumCircuit nor a Program")
        try:
            program = from_qiskit(circuit, name)
        except ConversionError as error:
            raise CaseError(f"{origin}: {error}") from error
    if not program.has_measurements:
        raise CaseError(f"{origin}: the circuit measures nothing; add its measurements (circuit.measure_all())")
    if n_qubits is not None and program.n_qubits != n_qubits:
        raise CaseError(f"{origin}: the circuit has {count(program.n_qubits, 'qubit')}; declared: {n_qubits}")
    return program


def _derived_seed(seed: int, program_hash: str) -> int:
    digest = hashlib.sha256(f"{seed}:{program_hash}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def with_case_error(blank: PointResult, error: CaseError) -> PointResult:
    """``blank`` with what is wrong with its case."""
    reason, detail = str(error).split("\n")[0], str(error)
    return replace(blank, status=Status.FAIL, reason=reason, detail=detail, fault=error.fault)


def with_failure(blank: PointResult, outcome: Abort | Unsupported | Unavailable) -> PointResult:
    """``blank`` with why there is no measurement."""
    if isinstance(outcome, Unavailable):
        hint = f"; {outcome.install}" if outcome.install else ""
        return replace(blank, status=Status.UNAVAILABLE, reason=outcome.reason + hint)
    description = asdict(outcome.description) if outcome.description is not None else {}
    if isinstance(outcome, Unsupported):
        return replace(blank, status=Status.UNSUPPORTED, reason=outcome.reason, description=description)
    return replace(
        blank,
        status=Status.ABORT,
        reason=outcome.reason,
        detail=outcome.detail,
        abort_kind=str(outcome.kind),
        description=description,
    )


def _with_outcome(blank: PointResult, outcome: Outcome) -> PointResult:
    """``blank`` with what the supervisor came back with; a measurement is not verified yet."""
    if not isinstance(outcome, Measurement):
        return with_failure(blank, outcome)
    return replace(
        blank,
        rounds_s=outcome.rounds_s,
        cpu_s=outcome.cpu_s,
        counts_s=outcome.counts_s,
        prepare_s=outcome.prepare_s,
        first_call_s=outcome.first_call_s,
        memory=asdict(outcome.memory),
        description=asdict(outcome.description),
    )


def skipped(blank: PointResult, ended: Ended, unit: str = "shot") -> PointResult:
    """A point that is not run since a lower one of its ladder ended in something other than PASS or FAIL."""
    reason = ended.reason
    if ended.status is Status.ABORT:
        reason = f"skipped: {count(ended.shots, unit)} ended in ABORT ({ended.reason})"
    return replace(blank, status=ended.status, reason=reason, abort_kind=ended.abort_kind, skipped=True)
