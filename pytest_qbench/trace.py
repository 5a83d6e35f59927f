"""One call of the native engine under ``torch.profiler``: where the time goes.

All happens in this process, with nothing between the engine and the profiler, and so without what guards a measured
point: no deadline, and no verdict on the counts. The times are for finding out what to improve; for comparing there
are measured runs.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_qbench.backends.base import Description, QbenchBackendError, UnavailableError
from pytest_qbench.backends.native import NativeBackend
from pytest_qbench.cases import CaseError
from pytest_qbench.circuits.lowering import lower
from pytest_qbench.circuits.program import Program
from pytest_qbench.lookup import find_instance
from pytest_qbench.measure.launch import THREAD_VARIABLES
from pytest_qbench.measure.messages import RoundPolicy
from pytest_qbench.measure.rounds import needs_another_round, round_seed
from pytest_qbench.plan import Instance
from pytest_qbench.report.environment import collect
from pytest_qbench.report.files import ReportError, reason_of
from pytest_qbench.report.run_folder import RunFolder
from pytest_qbench.report.text import count, format_seconds, table
from pytest_qbench.report.trace_events import (
    CALL,
    call_us,
    in_words,
    kind_of,
    kinds_of,
    operation_lines,
    operations_of,
    step_lines,
)
from pytest_qbench.runner import build_program
from pytest_qbench.settings import DEFAULT_SEED
from pytest_qbench.sources import SourceError
from pytest_qbench.values import usable_cpus

if TYPE_CHECKING:
    from pytest_qbench.engine.compiling.steps import Plan, Step
    from pytest_qbench.engine.running.evolve import Kernel

TOP = 20
"""So many operations are listed."""

_AMPLITUDE_BYTES = {"single": 8, "double": 16}
_STATES = 2
"""An evolution takes so many states at once."""
_GIB = 2**30


class TraceError(Exception):
    """A trace can't be made; the message says why, in one line."""


@dataclass(frozen=True, slots=True)
class TraceRequest:
    """What to trace: the options of the command; None where something is to be chosen."""

    case: str
    shots: int
    qubits: int | None = None
    depth: int | None = None
    precision: str = "double"
    device: str = "cpu"
    threads: int | None = None
    rounds: int | None = None
    seed: int | None = None
    run_dir: Path = Path("reports")
    with_stack: bool = True


def run_trace(request: TraceRequest) -> Path:
    """Trace one warm call, print where its time went, and return the file of the trace.

    Raises:
        TraceError: it can't be done.
    """
    threads = request.threads or usable_cpus()
    # As in a worker: before anything is imported that reads them.
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(threads)))
    if request.device == "cpu":
        # Some versions of the profiler tell on stderr that they start and stop. With a device they may have errors to
        # tell, which this would hide.
        os.environ.setdefault("KINETO_LOG_LEVEL", "6")
    with _explained():
        instance = find_instance(request.case, request.qubits, request.depth)
        program = build_program(instance)
        backend = NativeBackend({"device": _torch_name(request.device), "precision": request.precision}, threads)
        _check_memory(program, backend.describe())
        return _Tracer(request, instance, program, backend).run()


class _Tracer:
    """The calls of one prepared program, and what is printed of them."""

    def __init__(self, request: TraceRequest, instance: Instance, program: Program, backend: NativeBackend) -> None:
        self._request = request
        self._instance = instance
        self._program = program
        self._backend = backend
        self._seed = DEFAULT_SEED if request.seed is None else request.seed

    def run(self) -> Path:
        request, program, backend = self._request, self._program, self._backend
        case = self._instance.case.name
        about = backend.describe()
        _print(
            f"{case}-{self._instance.id}: {count(program.n_ops, 'operation')}, {program.kind}, "
            f"{count(request.shots, 'shot')}",
            f"native {about.version}, torch {about.versions['torch']}, {about.device_name or about.device}, "
            f"{about.precision} precision, threads: {about.threads}",
        )
        lowered = lower(program, backend.capabilities())
        simulator, prepare_s = _timed(lambda: self._synchronised(backend.prepare(lowered)))
        operations, steps = _contents(simulator.plan)
        _print(f"plan: {in_words(operations)}; steps: {in_words(steps)}; bits sampled: {len(simulator.plan.sampled)}")
        first_s = self._call(simulator, 0)
        folder = RunFolder.create(request.run_dir, latest=False)
        folder.write_json("environment", collect(Path.cwd()))
        rounds_s = self._rounds(simulator)
        path = folder.trace(case, program.n_qubits, request.shots)
        simulator.instrument(_labelled)
        self._traced(simulator, len(rounds_s) + 1, path)
        calls = operations_of(_events(path))
        traced_s = call_us(calls) / 1e6
        median_s = statistics.median(rounds_s)
        times = [
            ("prepare", format_seconds(prepare_s), ""),
            ("first call", format_seconds(first_s), ""),
            ("warm call", format_seconds(median_s), f"median of {len(rounds_s)}"),
            ("traced call", format_seconds(traced_s), f"{traced_s / median_s:.2f}x, slowed down by the profiler"),
        ]
        steps_table, operations_table = step_lines(calls, steps), operation_lines(calls, TOP)
        _print("", *table(times, "<><"), "", *(line for line, _ in steps_table))
        _print("", *(line for line, _ in operations_table), "")
        _print("Either table sums up to the traced call. Compare the shares: its times are longer than a warm call's.")
        _print(f"trace in {path} (open it in https://ui.perfetto.dev or chrome://tracing)")
        return path

    def _synchronised(self, value: Any) -> Any:
        self._backend.synchronize()
        return value

    def _call(self, simulator: Any, index: int) -> float:
        """The seconds of one call; ``index`` gives it a seed of its own."""
        shots = self._request.shots
        seed = round_seed(self._seed, self._program.hash, shots, index)
        return _timed(lambda: self._synchronised(self._backend.run(simulator, shots, seed)))[1]

    def _rounds(self, simulator: Any) -> list[float]:
        wanted = self._request.rounds
        policy = RoundPolicy()
        rounds_s: list[float] = []
        while needs_another_round(policy, rounds_s) if wanted is None else len(rounds_s) < wanted:
            rounds_s.append(self._call(simulator, len(rounds_s) + 1))
        return rounds_s

    def _traced(self, simulator: Any, index: int, path: Path) -> None:
        """One call under the profiler, written to ``path``."""
        from torch.profiler import ProfilerActivity, profile, record_function

        from pytest_qbench.engine.running.workers import in_turn

        activities = [ProfilerActivity.CPU]
        if self._backend.describe().device == "GPU":
            activities.append(ProfilerActivity.CUDA)
        with profile(activities=activities, record_shapes=True, with_stack=self._request.with_stack) as profiler:
            with in_turn(), record_function("call before"):  # the profiler's own first uses cost up to a millisecond
                self._call(simulator, index)
            with in_turn(), record_function(CALL):
                self._call(simulator, index + 1)
        try:
            profiler.export_chrome_trace(str(path))
        except (OSError, RuntimeError) as error:
            raise TraceError(f"cannot write {path}: {error}") from error


def _labelled(step: Step, kernel: Kernel) -> Kernel:
    """The kernel of a step under the name of the step's kind."""
    from torch.profiler import record_function

    kind = kind_of(step)

    def labelled(*arguments: Any) -> None:
        with record_function(kind):
            kernel(*arguments)

    return labelled


def _contents(plan: Plan) -> tuple[Counter[str], Counter[str]]:
    """How many operations and steps of each kind a compiled plan has."""
    steps = [step for operation in plan.operations for step in _with_inner(getattr(operation, "steps", ()))]
    return kinds_of(plan.operations), kinds_of(steps)


def _with_inner(steps: Iterable[Any]) -> Iterator[Any]:
    """``steps`` and those within them; of steps one of which is chosen, the first."""
    from pytest_qbench.engine.compiling.steps import Choice

    for step in steps:
        if isinstance(step, Choice):
            yield next(inner for inner in step.steps if inner is not None)
        else:
            yield step
            yield from _with_inner(getattr(step, "steps", ()))


def _events(path: Path) -> Sequence[Any]:
    try:
        events: Sequence[Any] = json.loads(path.read_text(encoding="utf-8", errors="replace"))["traceEvents"]
    except OSError as error:
        raise TraceError(f"cannot read {path}: {reason_of(error)}") from error
    return events


def _torch_name(device: str) -> str:
    parsed: str = NativeBackend.options["device"].parse(device)
    return parsed


def _check_memory(program: Program, about: Description) -> None:
    """Refuse what does not fit into the host's memory: no worker stands between the kernel's killer and this process.

    A device says itself when its memory runs out.
    """
    import psutil

    if about.device != "CPU":
        return
    needed = _STATES * _AMPLITUDE_BYTES[about.precision] << program.n_qubits
    free = psutil.virtual_memory().available
    if needed > free:
        raise TraceError(
            f"{program.n_qubits} qubits in {about.precision} precision take {needed / _GIB:,.1f} GiB "
            f"(two states), and {free / _GIB:,.1f} GiB are free"
        )


@contextmanager
def _explained() -> Iterator[None]:
    """Turn what is known to go wrong into a :class:`TraceError` of one line."""
    try:
        yield
    except UnavailableError as error:
        raise TraceError(f"{error.reason}; {error.install}" if error.install else error.reason) from error
    except MemoryError as error:
        raise TraceError(f"out of memory: {error}") from error
    except (SourceError, CaseError, ReportError, QbenchBackendError) as error:
        raise TraceError(str(error).partition("\n")[0]) from error


def _timed(call: Callable[[], Any]) -> tuple[Any, float]:
    started = time.perf_counter()
    value = call()
    return value, time.perf_counter() - started


def _print(*lines: str) -> None:
    for line in lines:
        print(line)
    sys.stdout.flush()
