"""The supervisor's handle on one worker: talk to it within limits, end it without a trace."""

from __future__ import annotations

import os
import selectors
import subprocess
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from pytest_qbench.measure import guardian, tree
from pytest_qbench.measure.heartbeat import Beat, Phase
from pytest_qbench.measure.launch import MARK, Launch
from pytest_qbench.measure.messages import WorkerSpec
from pytest_qbench.measure.wire import FrameDecoder, WireError, encode

_CHUNK = 1 << 16
_DRAIN = 64
"""Chunks read of what a dead worker printed: more than a pipe holds, so more comes only from an unkillable child."""
_TAIL = 8192
_STACKS_TIME = 0.1
_LAUNCHER_PATIENCE = 1.0
_KILL_PATIENCE = 0.7
"""Seconds that a verdict waits for a killed worker to be gone; freeing very much memory takes longer."""
_END_PATIENCE = guardian.SWEEP_TIME + 5.0
_LONGEST_WAIT = 3600.0


class CallTimeoutError(Exception):
    """The worker did not finish a call in time; ``beat`` tells which."""

    def __init__(self, beat: Beat) -> None:
        super().__init__(beat.label)
        self.beat = beat


class MemoryExceededError(Exception):
    """The worker and its descendants use ``used`` bytes, more than they may."""

    def __init__(self, used: int) -> None:
        super().__init__(used)
        self.used = used


@dataclass(frozen=True, slots=True)
class End:
    """How a worker ended: its wait status (None: unknown), and whether surely no descendant has survived."""

    status: int | None
    clean: bool


class WorkerDiedError(Exception):
    """The worker ended without an answer."""

    def __init__(self, end: End) -> None:
        super().__init__(end)
        self.end = end


class CancelledError(BaseException):
    """The one who waits for the worker was told to stop."""


class WorkerProcess:
    """One worker with its guardian. To be used by one thread at a time."""

    def __init__(self, spec: WorkerSpec, python: str, cancel: int | None = None) -> None:
        """Launch a worker under the interpreter ``python``; ``cancel`` is a descriptor: readable, it ends exchanges.

        Raises:
            OSError: it can't be launched.
        """
        self._launch = Launch(spec, python)
        self._cancel = cancel
        self.heartbeat = self._launch.heartbeat
        self._pending = memoryview(b"")
        self._decoder = FrameDecoder()
        self._answers: deque[Any] = deque()
        self._tail = b""
        self._end: End | None = None
        limit = spec.memory_limit
        self._gauge = None if limit is None else tree.MemoryGauge(self._launch.process.pid, limit)
        self._selector = selectors.DefaultSelector()
        for descriptor, handler in (
            (self._launch.answers, self._read_answers),
            (self._launch.output, self._read_output),
            (self._launch.status, self._read_status),
        ):
            self._selector.register(descriptor, selectors.EVENT_READ, handler)

    @property
    def tail(self) -> str:
        """The end of what the worker and its simulator printed since the last request."""
        return self._tail.decode(errors="replace").strip()

    @property
    def pid(self) -> int:
        """The process at the root of its tree."""
        return self._launch.process.pid

    @property
    def is_gone(self) -> bool:
        """Whether its end has been reported."""
        return self._end is not None

    def is_ready(self) -> bool:
        """Whether it is alive and silent, as it must be between two requests."""
        try:
            self._pump(0)
        except WireError:
            return False
        return self._end is None and not self._answers

    def exchange(self, message: Mapping[str, Any], timeout: float) -> Any:
        """Send ``message`` and return the answer.

        Args:
            message: a JSON value.
            timeout: seconds that each call which the worker marks on its heartbeat may take.

        Raises:
            CallTimeoutError: a call took longer.
            MemoryExceededError: the process tree uses more memory than it may.
            WorkerDiedError: the worker ended.
            WireError: something else than an answer came.
            CancelledError: the descriptor ``cancel`` became readable.
        """
        if self._cancel is None:
            return self._exchange(message, timeout)
        self._selector.register(self._cancel, selectors.EVENT_READ, _stop)
        try:
            return self._exchange(message, timeout)
        finally:
            self._ignore(self._cancel)  # what follows is the end of the worker, which is waited for

    def _exchange(self, message: Mapping[str, Any], timeout: float) -> Any:
        self._tail = b""
        self._pending = memoryview(encode(message))
        self._selector.register(self._launch.requests, selectors.EVENT_WRITE, self._write_request)
        sent = wake = time.monotonic()
        while True:
            self._pump(wake - time.monotonic())
            if self._answers:
                return self._answers.popleft()
            if self._end is not None:
                raise WorkerDiedError(self._end)
            beat = self.heartbeat.read()
            now = time.monotonic()
            # Until the worker has seen the request, the page tells of the one before.
            wake = max(sent, min(beat.since, now)) + timeout
            if now >= wake:
                raise CallTimeoutError(beat)
            if self._gauge is not None:
                if (used := self._gauge.excess()) is not None:
                    raise MemoryExceededError(used)
                wake = min(wake, self._gauge.next_look)

    def print_stacks(self) -> None:
        """Have the worker print where its threads are, so that :attr:`tail` tells; takes a tenth of a second."""
        self._tell(guardian.STACKS)
        deadline = time.monotonic() + _STACKS_TIME
        with suppress(WireError):
            while self._end is None and (rest := deadline - time.monotonic()) > 0:
                self._pump(rest)

    def kill(self) -> None:
        """Kill the worker with all its descendants; returns when they are gone, or in 0.7 s if that takes longer."""
        self._kill()
        self._await_end(_KILL_PATIENCE)

    def close(self, grace: float = 0.0) -> None:
        """End the worker, by force after ``grace`` seconds; returns when it is gone with all its descendants."""
        if not self._launch.is_open:
            return
        if grace:
            self._close_pipe(self._launch.requests)
            self._await_end(grace)
        self._kill()
        self._await_end(_END_PATIENCE)
        if self._end is None:
            self._launch.kill()
        if self._end is None or not self._end.clean:
            tree.kill_marked(MARK, self._launch.token)
        self._launch.process.wait()
        self._selector.close()
        self._launch.release()

    def _kill(self) -> None:
        self._tell(guardian.KILL)
        if self._end is None and self.heartbeat.read().phase is Phase.LAUNCH:
            self._launch.kill()  # there may be no guardian yet to be told

    def _tell(self, command: bytes) -> None:
        with suppress(OSError):  # the guardian may have ended
            os.write(self._launch.life, command)

    def _await_end(self, seconds: float) -> None:
        """Wait until the guardian has reported, at most so long; answers are of no interest any more."""
        self._close_pipe(self._launch.answers)
        deadline = time.monotonic() + seconds
        while self._end is None and (rest := deadline - time.monotonic()) > 0:
            self._pump(rest)

    def _pump(self, timeout: float) -> None:
        """Wait up to ``timeout`` seconds until a pipe is ready, and serve those that are."""
        for key, _ in self._selector.select(max(0.0, min(timeout, _LONGEST_WAIT))):
            key.data()

    def _write_request(self) -> None:
        try:
            self._pending = self._pending[os.write(self._launch.requests, self._pending[:_CHUNK]) :]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._pending = self._pending[:0]  # the guardian will say how the worker ended
        if not self._pending:
            self._ignore(self._launch.requests)

    def _read_answers(self) -> None:
        if data := self._read(self._launch.answers):
            self._answers.extend(self._decoder.feed(data))

    def _read_output(self) -> None:
        self._tail = (self._tail + self._read(self._launch.output))[-_TAIL:]

    def _read_status(self) -> None:
        """The guardian has reported, or has ended without a report; then the worker is dead too."""
        report = self._read(self._launch.status).split()
        self._ignore(self._launch.status)
        if report:
            status = int(report[0])
            self._end = End(status if status >= 0 else None, report[1] == b"1")
        else:
            self._end = End(self._launcher_status(), False)
        for _ in range(_DRAIN):
            self._read_output()
            self._read_answers()

    def _launcher_status(self) -> int | None:
        """The wait status of the launched process itself, which has just ended."""
        try:
            code = self._launch.process.wait(_LAUNCHER_PATIENCE)
        except subprocess.TimeoutExpired:
            return None
        return code << 8 if code >= 0 else -code

    def _read(self, descriptor: int) -> bytes:
        """What is in the pipe now, if anything."""
        if descriptor not in self._launch.open:
            return b""
        try:
            data = os.read(descriptor, _CHUNK)
        except BlockingIOError:
            return b""
        if not data:
            self._ignore(descriptor)
        return data

    def _ignore(self, descriptor: int) -> None:
        """Wait for this pipe no longer."""
        with suppress(KeyError):
            self._selector.unregister(descriptor)

    def _close_pipe(self, descriptor: int) -> None:
        if descriptor in self._launch.open:
            self._ignore(descriptor)
            self._launch.close(descriptor)


def _stop() -> None:
    raise CancelledError
