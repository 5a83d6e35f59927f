"""What the supervisor asks a worker to do, and what comes of it.

Standard library only: the worker reads and writes these under any interpreter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pytest_qbench.backends.base import Capabilities, Description
from pytest_qbench.circuits.program import Program
from pytest_qbench.gradients.ansatz import Terms
from pytest_qbench.gradients.task import GradientTask


@dataclass(frozen=True, slots=True)
class WorkerSpec:
    """Everything needed to start a worker for one backend spec.

    ``target`` is ``module:Class`` of the adapter, ``options`` its parsed options (JSON values), ``python`` the
    interpreter (None: the running one), ``memory_limit`` the resident memory in bytes that the worker and its
    descendants may use together (None: no limit).
    """

    target: str
    options: Mapping[str, Any] = field(default_factory=dict)
    threads: int = 1
    python: str | None = None
    memory_limit: int | None = None
    startup_timeout: float = 60.0
    cpus: tuple[int, ...] = ()
    """The CPUs that the worker and what it starts may use (empty: all that this process may)."""


@dataclass(frozen=True, slots=True)
class Started:
    """A worker's first answer: it is ready. ``capabilities`` are None for a path to gradients, which has none."""

    description: Description
    capabilities: Capabilities | None = None


@dataclass(frozen=True, slots=True)
class RoundPolicy:
    """How many timed rounds a point gets.

    At least ``min_rounds`` and on until ``max_time`` seconds have been timed, at most ``max_rounds``; a call
    that takes more than ``single_above`` seconds gets a single round. A first call of the same shots that takes more
    than ``first_alone_above`` seconds is that round too: what only a first call does is lost in one that is so long.
    ``warmup`` calls come before the rounds, the first call of a program being one of them; where more than that are
    asked for, the first call is no round.
    """

    min_rounds: int = 3
    max_time: float = 0.5
    max_rounds: int = 100
    single_above: float = 2.0
    first_alone_above: float = 10.0
    warmup: int = 0


@dataclass(frozen=True, slots=True)
class MeasureRequest:
    """Measure one point: ``shots`` shots of ``program``, every single call within ``timeout`` seconds.

    A worker prepares a program anew, and takes a first call apart, when ``instance`` changes too: two cases may
    build the same program, and each has its own cold time. The first call is one of ``first_shots`` shots (None: of
    ``shots``), so that cold times are comparable whatever point of an instance comes first.

    ``then`` are the shots of the requests that are to follow, alike in all else, if this one ends in a measurement: who
    passes requests on over a distance may do so at once.
    """

    program: Program
    shots: int
    seed: int
    timeout: float
    policy: RoundPolicy = RoundPolicy()
    instance: str = ""
    first_shots: int | None = None
    then: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident memory of the worker around a point, in bytes; None where the platform does not tell.

    ``rss_peak`` is the highest since the point began, ``device_peak`` the same on the device.
    """

    rss_before: int | None = None
    rss_after: int | None = None
    rss_delta: int | None = None
    rss_peak: int | None = None
    device_peak: int | None = None


@dataclass(frozen=True, slots=True)
class Measurement:
    """A point that ran. Times are in seconds; the tuples have one entry per timed round.

    ``prepare_s`` and ``first_call_s`` were taken when this worker first saw the program (None when a lower
    point of the ladder has them); ``counts`` are those of the last round.
    """

    counts: Mapping[str, int]
    rounds_s: tuple[float, ...]
    cpu_s: tuple[float, ...]
    counts_s: tuple[float, ...]
    prepare_s: float | None
    first_call_s: float | None
    memory: Memory
    description: Description


@dataclass(frozen=True, slots=True)
class GradientRequest:
    """Do ``task`` and time it, every single call within ``timeout`` seconds.

    The gradients are written to ``output``, a ``.npy`` file of shape ``(samples, parameters)``; those of the first
    samples for ``check_observable`` to ``check_output``, if that is given.
    """

    task: GradientTask
    timeout: float
    output: str
    policy: RoundPolicy = RoundPolicy()
    check_observable: Terms = ()
    check_output: str = ""


@dataclass(frozen=True, slots=True)
class GradientMeasurement:
    """A gradient task that ran. Times are in seconds, one for each round.

    ``evaluations`` of the circuit were made in each run.
    """

    rounds_s: tuple[float, ...]
    cpu_s: tuple[float, ...]
    prepare_s: float
    first_call_s: float
    evaluations: int
    memory: Memory
    description: Description


@dataclass(frozen=True, slots=True)
class SplitRequest:
    """Tell apart where the time of the last task goes: ``budget_s`` seconds, every call within ``timeout`` seconds."""

    timeout: float
    budget_s: float


@dataclass(frozen=True, slots=True)
class SplitTimes:
    """Where the time goes, in seconds.

    ``times`` are those of the variants of :class:`~pytest_qbench.gradients.paths.base.Variants` (empty where a path
    has none), one for each round; ``units`` of these make up one run, which encodes ``encode_units`` times (None: in
    each of them). ``floor_s`` is the least time that the memory needs for a run, where the path can tell.
    """

    times: Mapping[str, tuple[float, ...]]
    units: int | None
    encode_units: int | None
    floor_s: float | None


class AbortKind(StrEnum):
    """Why a point ended in ABORT."""

    TIMEOUT = "timeout"
    MEMORY = "memory"
    CRASH = "crash"
    EXCEPTION = "exception"
    PROTOCOL = "protocol"
    """The simulator answered, but what it answered can't be: counts that do not sum up, a NaN duration."""
    NODE = "node"
    """The machine of a cluster that was to measure was lost, and those that stood in for it."""


@dataclass(frozen=True, slots=True)
class Abort:
    """A point that was killed or failed. ``reason`` is one line for people, ``detail`` may be a traceback or the
    end of what the simulator printed."""

    kind: AbortKind
    reason: str
    detail: str = ""
    phase: str = ""
    description: Description | None = None


@dataclass(frozen=True, slots=True)
class Unsupported:
    """The backend can't run this program; ``reason`` names what it lacks."""

    reason: str
    description: Description | None = None


@dataclass(frozen=True, slots=True)
class Unavailable:
    """The backend can't be used here at all; ``install`` is the command that would help."""

    reason: str
    install: str = ""


Outcome = Measurement | Abort | Unsupported | Unavailable
"""What comes of a :class:`MeasureRequest`."""

GradientOutcome = GradientMeasurement | Abort | Unsupported | Unavailable
"""What comes of a :class:`GradientRequest`."""

SplitOutcome = SplitTimes | Abort | Unsupported | Unavailable
"""What comes of a :class:`SplitRequest`."""
