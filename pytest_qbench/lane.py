"""A lane: where a runner measures, and what it has in common with the lanes beside it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeGuard

from pytest_qbench.backends.base import Description
from pytest_qbench.cases import CaseError
from pytest_qbench.circuits.program import Program
from pytest_qbench.measure.messages import Abort, AbortKind, MeasureRequest, Outcome, Unavailable, WorkerSpec
from pytest_qbench.measure.supervisor import Supervisor
from pytest_qbench.user_code import USER_CODE
from pytest_qbench.verify.reference import ReferenceCache

if TYPE_CHECKING:
    from pytest_qbench.plan import Instance


@dataclass(frozen=True, slots=True)
class Place:
    """Another machine: what a row says of it (name and hardware), and the threads that were granted there.

    ``is_shared`` tells that others may have been measured there at the same time.
    """

    host: Mapping[str, Any]
    threads: int
    is_shared: bool = False


class Measures(Protocol):
    """What a runner asks of the supervisor of one backend spec; :class:`Supervisor` is the one for this machine."""

    @property
    def pids(self) -> list[int]:
        """The processes on this machine that may still spin after a measurement."""

    @property
    def place(self) -> Place | None:
        """Where it measured last, where that is another machine."""

    @property
    def can_start(self) -> bool:
        """Whether nothing has shown yet that a worker can't be started."""

    def describe(self) -> Description | Unavailable | Abort:
        """What the backend says of itself; starts the worker if need be."""

    def measure(self, request: MeasureRequest) -> Outcome:
        """Measure one point; never raises because of anything the backend does."""

    def close(self) -> None:
        """End the worker; a later call starts a new one."""


@dataclass(slots=True, eq=False)
class Visit:
    """One measurement under way. ``contended`` becomes True when another one goes on beside it."""

    contended: bool = False


class Traffic:
    """Which measurements go on at the same time on one machine."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now: list[Visit] = []

    @contextmanager
    def visit(self) -> Iterator[Visit]:
        """Measure within the block; afterwards the visit tells whether it was alone."""
        visit = Visit()
        with self._lock:
            for other in self._now:
                other.contended = visit.contended = True
            self._now.append(visit)
        try:
            yield visit
        finally:
            with self._lock:
                self._now.remove(visit)


class Programs:
    """The programs of the instances that were built last: the points of an instance share one."""

    def __init__(self, keep: int = 1) -> None:
        """Keep those of the last ``keep`` instances."""
        self._kept: deque[tuple[Instance, Program | CaseError]] = deque(maxlen=keep)

    def get(self, instance: Instance, build: Callable[[Instance], Program]) -> Program | CaseError:
        """The program of ``instance``, or why there is none; ``build`` makes it, where it is not kept.

        One thread builds at a time: cases are not written for several.
        """
        known = self._known(instance)
        if known is not None:
            return known
        with USER_CODE:
            known = self._known(instance)  # another thread may have built it meanwhile
            if known is None:
                try:
                    known = build(instance)
                except CaseError as error:
                    known = error
                self._kept.append((instance, known))
            return known

    def _known(self, instance: Instance) -> Program | CaseError | None:
        return next((program for kept, program in tuple(self._kept) if kept == instance), None)


@dataclass(frozen=True, slots=True)
class Measured:
    """What came of a request: the outcome, whether another measurement went on beside it, and why it was repeated.

    ``place`` is where it was measured, None for this machine.
    """

    outcome: Outcome
    contended: bool
    crashes: tuple[str, ...] = ()
    place: Place | None = None


@dataclass(frozen=True)
class Lane:
    """Where a runner measures.

    A runner by itself has a lane to itself. Those of a pool share ``references``, ``programs`` and, where they are
    on one machine, ``traffic`` and ``unusable``: the backends, by label, whose worker can't be started.
    """

    make_supervisor: Callable[[WorkerSpec], Measures] = Supervisor
    cpus: tuple[int, ...] = ()
    """The cores of the lane (empty: all that this process may use)."""
    references: ReferenceCache = field(default_factory=ReferenceCache)
    programs: Programs = field(default_factory=Programs)
    traffic: Traffic = field(default_factory=Traffic)
    unusable: dict[str, Unavailable | Abort] = field(default_factory=dict)
    is_alone: bool = True
    """Whether nothing else of this session goes on while it measures: then it waits until this process has come to
    rest, before each point."""

    def measure(self, supervisor: Measures, request: MeasureRequest, retries: int = 0) -> Measured:
        """Have ``supervisor`` measure; what ends in a crash is repeated, at most ``retries`` times."""
        crashes: list[str] = []
        with self.traffic.visit() as visit:
            outcome = supervisor.measure(request)
            while len(crashes) < retries and _has_crashed(outcome) and supervisor.can_start:
                crashes.append(outcome.reason)
                outcome = supervisor.measure(request)
        place = supervisor.place
        return Measured(outcome, visit.contended or bool(place and place.is_shared), tuple(crashes), place)


def _has_crashed(outcome: Outcome) -> TypeGuard[Abort]:
    return isinstance(outcome, Abort) and outcome.kind is AbortKind.CRASH
