"""A pool: several runners that measure ahead, each in a lane of its own, while pytest takes its items in order."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Protocol

from pytest_qbench.lane import Lane, Programs, Traffic
from pytest_qbench.measure.admission import MemoryGate
from pytest_qbench.measure.cores import own_cpus, pinned, split_cpus
from pytest_qbench.measure.process import CancelledError
from pytest_qbench.measure.stop import Stop
from pytest_qbench.measure.supervisor import Supervisor
from pytest_qbench.runner import Runner
from pytest_qbench.specs import memory_needed
from pytest_qbench.verify.reference import ReferenceCache

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_qbench.backends.base import Description
    from pytest_qbench.cases import CircuitCase
    from pytest_qbench.circuits.program import Program
    from pytest_qbench.measure.messages import Abort, Unavailable
    from pytest_qbench.plan import Point
    from pytest_qbench.results import PointResult
    from pytest_qbench.settings import Settings
    from pytest_qbench.specs import BackendSpec

_PATIENCE = 15.0
"""Seconds that the end of the session waits for a lane: longer than a killed worker takes to be gone."""


@dataclass(frozen=True, slots=True)
class Job:
    """A point that is going to be asked for: the arguments of :meth:`Runner.run`."""

    point: Point
    nodeid: str
    ladder: tuple[int, ...]
    timeout: float


class Gate(Protocol):
    """What decides whether a ladder may start beside those that run."""

    def admits(self, needed: int, running: Iterable[int]) -> bool:
        """Whether what needs ``needed`` bytes may start beside what needs ``running``; always, if there is nothing."""


class OpenGate:
    """Lets everything in."""

    def admits(self, needed: int, running: Iterable[int]) -> bool:
        """True."""
        return True


@dataclass(slots=True, eq=False)
class _Step:
    """One call of a runner, and what came of it."""

    call: Callable[[Runner], Any]
    timeout: float | None = None
    done: bool = False
    result: Any = None
    error: BaseException | None = None


@dataclass(slots=True, eq=False)
class _Task:
    """What one lane does in one go: the points of a ladder, or something that pytest waits for."""

    needed: int
    steps: list[_Step] = field(default_factory=list)


class Pool:
    """Measures like a :class:`Runner`, but ahead.

    The first point asked for starts the lanes. They take whole ladders, or larger units, strictly in the order of the
    plan, so that each has its points in one worker; a ladder that the gate does not let in holds up those behind it.
    Who asks for a point waits for it. What was not planned (an item that is run again, the circuit of the ``qbench``
    fixture) comes before all ladders that wait.

    To be used by one thread, apart from :meth:`describe`.
    """

    def __init__(
        self,
        runners: Sequence[Runner],
        jobs: Callable[[], Iterable[Job]],
        gate: Gate,
        cancel: Callable[[], None],
        needed: Callable[[BackendSpec, int], int] = lambda spec, n_qubits: 0,
        unit: Callable[[Point], Hashable] = attrgetter("ladder_key"),
    ) -> None:
        """Make ready; no thread is started yet.

        Args:
            runners: one for each lane.
            jobs: gives the points in the order in which they will be asked for, once that is known.
            gate: lets ladders in.
            cancel: makes every lane that waits for its worker raise ``CancelledError``.
            needed: bytes that a backend needs for so many qubits, for the gate.
            unit: what is equal for the points that one lane is to measure; their ladders, by default.
        """
        self._runners = runners
        self._jobs = jobs
        self._gate = gate
        self._cancel = cancel
        self._needed = needed
        self._unit = unit
        self._changed = threading.Condition()
        self._queue: deque[_Task] = deque()
        self._running: list[_Task] = []
        self._ahead: dict[str, _Step] = {}
        self._threads: list[threading.Thread] = []
        self._closing = False

    def describe(self, spec: BackendSpec) -> Description | Unavailable | Abort:
        """What the backend says of itself; starts its worker in the first lane. Before the first point only."""
        return self._runners[0].describe(spec)

    def run(self, point: Point, nodeid: str, ladder: tuple[int, ...], timeout: float | None = None) -> PointResult:
        """The result of a point, measured ahead or now; see :meth:`Runner.run`."""
        self._start()
        step = self._ahead.get(nodeid)
        if step is None or step.timeout != timeout:
            self._ahead.pop(nodeid, None)
            needed = self._needed(point.backend, point.instance.n_qubits)
            return self._now(lambda runner: runner.run(point, nodeid, ladder, timeout), needed)  # type: ignore[no-any-return]
        result: PointResult = self._await(step)
        del self._ahead[nodeid]
        return result

    def measure(
        self, program: Program, case: CircuitCase, arguments: Mapping[str, Any], blank: PointResult, spec: BackendSpec
    ) -> tuple[PointResult, Mapping[str, int]]:
        """Measure a program now; see :meth:`Runner.measure`."""
        self._start()
        needed = self._needed(spec, program.n_qubits)
        return self._now(  # type: ignore[no-any-return]
            lambda runner: runner.measure(program, case, arguments, blank, spec), needed
        )

    def unclaimed(self) -> list[PointResult]:
        """Results that nobody has asked for, in the order of the plan; each once."""
        with self._changed:
            done = [step.result for step in self._ahead.values() if step.done and step.error is None]
            self._ahead.clear()
        return done

    def header_lines(self) -> list[str]:
        """Nothing to say in the header of the session."""
        return []

    def close(self) -> None:
        """Stop what is measured, and end every worker. Nothing can be measured afterwards."""
        with self._changed:
            self._closing = True
            self._queue.clear()
            self._changed.notify_all()
        self._cancel()
        deadline = time.monotonic() + _PATIENCE
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        if not self._threads:
            for runner in self._runners:
                runner.close()

    def _start(self) -> None:
        """Queue the ladders and start the lanes, once."""
        if self._threads or self._closing:
            return
        units: dict[Hashable, _Task] = {}
        for job in self._jobs():
            if job.nodeid in self._ahead:  # pytest can be told to run an item twice
                continue
            point = job.point
            task = units.get(self._unit(point))
            if task is None:
                task = units[self._unit(point)] = _Task(self._needed(point.backend, point.instance.n_qubits))
            step = self._ahead[job.nodeid] = _Step(partial(_run, job), job.timeout)
            task.steps.append(step)
        self._queue.extend(units.values())
        for number, runner in enumerate(self._runners):
            # Daemons: a builder that never returns must not keep pytest from ending.
            thread = threading.Thread(target=self._serve, args=(runner,), name=f"qbench-lane-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _now(self, call: Callable[[Runner], Any], needed: int) -> Any:
        """What ``call`` returns in the next lane that is free."""
        step = _Step(call)
        with self._changed:
            if self._closing:
                raise RuntimeError("the pool is closed: it measures nothing any more")
            self._queue.appendleft(_Task(needed, [step]))
            self._changed.notify_all()
        return self._await(step)

    def _await(self, step: _Step) -> Any:
        with self._changed:
            self._changed.wait_for(lambda: step.done)
        if step.error is not None:
            raise step.error
        return step.result

    def _serve(self, runner: Runner) -> None:
        """The life of a lane."""
        try:
            with pinned(runner.lane.cpus):
                while (task := self._next()) is not None:
                    for step in task.steps:
                        self._do(step, runner)
                    with self._changed:
                        self._running.remove(task)
                        self._changed.notify_all()
        except BaseException as error:
            if not self._closing:  # a fault of the pool's own: nobody is to wait for ever
                self._give_up(error)
        finally:
            runner.close()

    def _next(self) -> _Task | None:
        """Wait for the first task of the queue to be let in, and take it; None at the end of the session."""
        with self._changed:
            while not self._closing:
                if self._queue and self._gate.admits(self._queue[0].needed, (task.needed for task in self._running)):
                    task = self._queue.popleft()
                    self._running.append(task)
                    return task
                self._changed.wait()
        return None

    def _do(self, step: _Step, runner: Runner) -> None:
        if self._closing:
            raise CancelledError
        try:
            step.result = step.call(runner)
        except CancelledError:
            raise
        except BaseException as error:  # a case may call pytest.skip: that is for the item, and its thread, to raise
            step.error = error
        with self._changed:
            step.done = True
            self._changed.notify_all()

    def _give_up(self, error: BaseException) -> None:
        with self._changed:
            waiting = [step for task in (*self._running, *self._queue) for step in task.steps if not step.done]
            for step in waiting:
                step.error, step.done = error, True
            self._queue.clear()
            self._closing = True
            self._changed.notify_all()


def _run(job: Job, runner: Runner) -> PointResult:
    return runner.run(job.point, job.nodeid, job.ladder, job.timeout)


def local_pool(settings: Settings, cache_dir: Path | None, jobs: Callable[[], Iterable[Job]]) -> Pool:
    """The pool of this machine: as many lanes as ``settings.parallel`` says, on disjoint cores.

    Args:
        settings: of the session.
        cache_dir: the folder of the references.
        jobs: as for :class:`Pool`.
    """
    lanes = settings.parallel.lanes
    stop = Stop()
    shared = Lane(
        make_supervisor=lambda spec: Supervisor(spec, stop.descriptor),
        references=ReferenceCache(cache_dir),
        programs=Programs(keep=lanes + 1),
        traffic=Traffic(),
        is_alone=False,
    )
    runners = [Runner(settings, lane=replace(shared, cpus=cpus)) for cpus in split_cpus(own_cpus(), lanes)]
    return Pool(runners, jobs, MemoryGate(settings.memory_limit), stop.give, memory_needed)
