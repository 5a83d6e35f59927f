"""The supervisor: measures points in a worker process and turns whatever happens there into an outcome."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from types import TracebackType
from typing import Any

import psutil

from pytest_qbench.backends.base import Capabilities, Description
from pytest_qbench.measure.checks import ProtocolError
from pytest_qbench.measure.codec import Answer, decode_answer, encode_gradient_request, encode_request
from pytest_qbench.measure.gpu_turn import gpu_turn
from pytest_qbench.measure.heartbeat import Phase
from pytest_qbench.measure.messages import (
    Abort,
    AbortKind,
    GradientMeasurement,
    GradientOutcome,
    GradientRequest,
    Measurement,
    MeasureRequest,
    Outcome,
    SplitOutcome,
    SplitRequest,
    SplitTimes,
    Started,
    Unavailable,
    Unsupported,
    WorkerSpec,
)
from pytest_qbench.measure.process import CallTimeoutError, End, MemoryExceededError, WorkerDiedError, WorkerProcess
from pytest_qbench.measure.wire import WireError

_GRACE = 2.0
"""Seconds that a backend has to release what it holds when it is closed."""
_GIB = 2**30


class Supervisor:
    """Measures points of one backend spec in a worker process of its own.

    The worker is started when it is first needed and kept. It is replaced after every :class:`Abort`: what a
    simulator does after an error can't be trusted. A worker that could not be started is not tried again.

    A supervisor serves one thread at a time. Between two calls it does nothing at all; the worker then waits, and ends
    with this process however this ends.
    """

    place: None = None
    """It measures on this machine."""

    def __init__(self, spec: WorkerSpec, cancel: int | None = None) -> None:
        """Make ready for ``spec``; nothing is started yet.

        ``cancel`` is a descriptor for another thread to stop this one with: once it is readable, a call that waits
        for the worker kills it and raises :class:`~pytest_qbench.measure.process.CancelledError`.
        """
        self.spec = spec
        self._cancel = cancel
        self._worker: WorkerProcess | None = None
        self._condemned: WorkerProcess | None = None
        self._description: Description | None = None
        self._capabilities: Capabilities | None = None
        self._failure: Abort | Unavailable | None = None
        self._program_hash = ""
        self._pids: list[int] | None = None

    def __enter__(self) -> Supervisor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def describe(self) -> Description | Unavailable | Abort:
        """What the backend says of itself; starts the worker if need be."""
        started = self._ensure_worker()
        if isinstance(started, WorkerProcess):
            assert self._description is not None
            return self._description
        return started

    @property
    def capabilities(self) -> Capabilities | None:
        """What the backend said it can run; None before it has started, and for a path to gradients."""
        return self._capabilities

    @property
    def can_start(self) -> bool:
        """Whether nothing has shown yet that a worker can't be started."""
        return self._failure is None

    def measure(self, request: MeasureRequest) -> Outcome:
        """Measure one point.

        Never raises because of anything the backend does. A ``KeyboardInterrupt`` (or anything else that a signal
        handler raises) kills the worker and goes on to the caller.
        """
        worker = self._ensure_worker()
        if not isinstance(worker, WorkerProcess):
            return worker
        program_hash = request.program.hash
        message = encode_request(request, with_program=program_hash != self._program_hash)
        first_shots = request.shots if request.first_shots is None else request.first_shots
        shots = {Phase.FIRST_CALL: first_shots, Phase.ROUND: request.shots}
        outcome = self._exchange(worker, message, request.timeout, shots)
        self._program_hash = program_hash
        outcome = self._described(outcome)
        if isinstance(outcome, Started | GradientMeasurement | SplitTimes):
            return self._distrust(worker, ProtocolError("the worker answered something else than it was asked"))
        return outcome

    def measure_gradients(self, request: GradientRequest) -> GradientOutcome:
        """Have a path do one task; as :meth:`measure` otherwise."""
        worker = self._ensure_worker()
        if not isinstance(worker, WorkerProcess):
            return worker
        outcome = self._described(self._exchange(worker, encode_gradient_request(request), request.timeout))
        if isinstance(outcome, Started | Measurement | SplitTimes):
            return self._distrust(worker, ProtocolError("the worker answered something else than it was asked"))
        return outcome

    def split_time(self, request: SplitRequest) -> SplitOutcome:
        """Have a path tell where the time of its last task goes; only after a :class:`GradientMeasurement`."""
        worker = self._worker
        if worker is None or not worker.is_ready():
            return Abort(AbortKind.CRASH, "crash: the worker is gone", phase="start")
        outcome = self._described(self._exchange(worker, encode_gradient_request(request), request.timeout))
        if isinstance(outcome, Started | Measurement | GradientMeasurement):
            return self._distrust(worker, ProtocolError("the worker answered something else than it was asked"))
        return outcome

    def _described(self, answer: Answer) -> Answer:
        """``answer`` with the worker's description, where it has none of its own; a newer description is kept."""
        if isinstance(answer, Measurement | GradientMeasurement):
            self._description = answer.description
        elif isinstance(answer, Abort | Unsupported):
            return replace(answer, description=self._description)
        return answer

    @property
    def pids(self) -> list[int]:
        """The processes of the worker, as found when it was first asked for them."""
        if self._worker is None:
            return []
        if self._pids is None:
            with suppress(psutil.Error):
                self._pids = [process.pid for process in psutil.Process(self._worker.pid).children(recursive=True)]
        return self._pids or []

    def close(self) -> None:
        """End the worker and everything it has started; a later call starts a new one."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.close(_GRACE)
        self._bury()

    def _ensure_worker(self) -> WorkerProcess | Unavailable | Abort:
        """A worker that waits for a request, started if there is none; or why there can't be one."""
        if self._failure is not None:
            return self._failure
        if self._worker is not None:
            if self._worker.is_ready():
                return self._worker
            self._condemn()  # it died, or answered unasked, between two points: no point is to blame
        self._bury()
        started = self._start()
        if not isinstance(started, WorkerProcess):
            self._failure = started
            self._condemn()
        return started

    def _start(self) -> WorkerProcess | Unavailable | Abort:
        spec = self.spec
        python = sys.executable if spec.python is None else shutil.which(spec.python)
        if not python:
            return Unavailable(f"python={spec.python}: there is no such interpreter, or it is not executable")
        try:
            worker = self._worker = WorkerProcess(spec, python, self._cancel)
        except OSError as error:
            if spec.python is not None:
                return Unavailable(f"python={spec.python}: {error.strerror or error}")
            return Abort(AbortKind.CRASH, f"crash: the worker can't be started: {error}", phase="start")
        self._program_hash = ""
        self._pids = None
        message = {
            "target": spec.target,
            "options": dict(spec.options),
            "threads": spec.threads,
            "sys_path": sys.path if spec.python is None else None,
        }
        answer = self._exchange(worker, message, spec.startup_timeout)
        if isinstance(answer, Started):
            self._description, self._capabilities = answer.description, answer.capabilities
            return worker
        if isinstance(answer, Measurement | GradientMeasurement | SplitTimes | Unsupported):
            return self._distrust(worker, ProtocolError("the worker answered before it was asked"))
        has_run = worker.heartbeat.read().phase is not Phase.LAUNCH
        if spec.python is not None and not has_run and isinstance(answer, Abort) and answer.kind is AbortKind.CRASH:
            # An interpreter that is too old, or none at all, says so in its last line.
            said = answer.detail.splitlines()[-1:] or [answer.reason]
            return Unavailable(f"python={spec.python} can't run the worker: {said[0]}")
        return answer

    def _exchange(
        self, worker: WorkerProcess, message: dict[str, Any], timeout: float, shots: Mapping[Phase, int] | None = None
    ) -> Answer:
        """Send a message, wait for the answer; whatever goes wrong ends the worker and becomes an :class:`Abort`.

        ``shots`` are those of a call in the phases that are calls.
        """
        try:
            try:
                with gpu_turn(self._description):
                    answer = decode_answer(worker.exchange(message, timeout))
            except CallTimeoutError as error:
                worker.print_stacks()
                beat = error.beat
                of = f" of {_plural(shots[beat.phase], 'shot')}" if shots and beat.phase in shots else ""
                reason = f"timeout: {beat.label}{of} took more than {timeout:g} s"
                return self._abort(worker, AbortKind.TIMEOUT, reason, beat.label)
            except MemoryExceededError as error:
                assert self.spec.memory_limit is not None
                reason = f"memory: {_size(error.used)} used, limit {_size(self.spec.memory_limit)}"
                return self._abort(worker, AbortKind.MEMORY, reason)
            except WorkerDiedError as error:
                return self._abort(worker, AbortKind.CRASH, f"crash: {_how_it_ended(error.end)}")
            except (WireError, ProtocolError) as error:
                return self._distrust(worker, error)
        except BaseException:
            self._condemn()
            raise
        if isinstance(answer, Abort):
            self._condemn()
        return answer

    def _distrust(self, worker: WorkerProcess, error: Exception) -> Abort:
        return self._abort(worker, AbortKind.PROTOCOL, f"protocol: {error}")

    def _abort(self, worker: WorkerProcess, kind: AbortKind, reason: str, phase: str = "") -> Abort:
        """Kill the worker; the abort, with the end of what it printed."""
        self._condemn()
        return Abort(kind, reason, worker.tail, phase or worker.heartbeat.read().label)

    def _condemn(self) -> None:
        """Kill the worker, if there is one. If it takes long to be gone, the next start or close waits for that."""
        worker, self._worker = self._worker, None
        if worker is not None:
            self._condemned = worker
            worker.kill()
            if worker.is_gone:
                self._bury()

    def _bury(self) -> None:
        worker, self._condemned = self._condemned, None
        if worker is not None:
            worker.close()


def _how_it_ended(end: End) -> str:
    """The end of a worker that was not killed by its supervisor, for people."""
    if end.status is None:
        return "ended in an unknown way"
    if not os.WIFSIGNALED(end.status):
        return f"exited with status {os.WEXITSTATUS(end.status)}"
    number = os.WTERMSIG(end.status)
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    if number == signal.SIGKILL:
        return f"killed by {name}, not by pytest-qbench: perhaps by the kernel's out-of-memory killer"
    return f"killed by {name}"


def _plural(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _size(size: int) -> str:
    return f"{size / _GIB:.1f} GiB" if size >= _GIB else f"{size / _GIB * 1024:.0f} MiB"
