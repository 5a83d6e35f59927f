"""One path to gradients in a worker: it runs tasks and times them. Standard library only, but for the path itself."""

from __future__ import annotations

import gc
from dataclasses import replace
from pathlib import Path
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

from pytest_qbench.gradients.split import time_variants
from pytest_qbench.measure.failures import failure_of
from pytest_qbench.measure.heartbeat import Heartbeat, Phase
from pytest_qbench.measure.messages import (
    GradientMeasurement,
    GradientOutcome,
    GradientRequest,
    SplitOutcome,
    SplitRequest,
    SplitTimes,
)
from pytest_qbench.measure.rounds import needs_another_round
from pytest_qbench.measure.telemetry import MemoryRecorder, cpu_ns

if TYPE_CHECKING:
    from pytest_qbench.gradients.paths.base import GradientPath
    from pytest_qbench.gradients.task import GradientTask

_NS_PER_S = 1e9


class GradientSession:
    """A path, and one task after another; the latest is kept."""

    def __init__(self, path: GradientPath, heartbeat: Heartbeat) -> None:
        """Keep ``path``, and mark what it does on ``heartbeat``."""
        self._path = path
        self._heartbeat = heartbeat
        self._prepared: Any = None
        self.description = path.describe()

    def answer(self, request: GradientRequest | SplitRequest) -> GradientOutcome | SplitOutcome:
        """Do and time one task, or split the time of the last; never raises, whatever the path does."""
        try:
            return self._split(request) if isinstance(request, SplitRequest) else self._measure(request)
        except BaseException as error:
            return failure_of(error, self._heartbeat.read().label, self._path.install)

    def close(self) -> None:
        """Let the path release what it holds."""
        self._prepared = None
        self._path.close()

    def _measure(self, request: GradientRequest) -> GradientMeasurement:
        path, mark, policy, task = self._path, self._heartbeat.mark, request.policy, request.task
        self._prepared = None
        gc.collect()
        path.device_peak_bytes()
        memory = MemoryRecorder()
        mark(Phase.PREPARE)
        start = perf_counter_ns()
        prepared = self._prepared = path.prepare(task)
        path.synchronize()
        prepare_s = (perf_counter_ns() - start) / _NS_PER_S
        mark(Phase.FIRST_CALL)
        result, first_call_s, first_cpu_s = self._call(prepared)
        rounds_s: list[float] = []
        cpu_s: list[float] = []
        for _ in range(policy.warmup - 1):
            mark(Phase.WARM_UP)
            del result
            result, _, _ = self._call(prepared)
        if first_call_s > policy.max_time and policy.warmup <= 1:
            # What only a first call does (an allocation, a plan) is lost in one that is so long.
            rounds_s, cpu_s = [first_call_s], [first_cpu_s]
        while needs_another_round(policy, rounds_s):
            mark(Phase.ROUND, len(rounds_s) + 1)
            del result
            result, wall, cpu = self._call(prepared)
            rounds_s.append(wall)
            cpu_s.append(cpu)
        used = memory.finish(path.device_peak_bytes())
        mark(Phase.ANSWER)
        _save(request.output, path.gradients(result))
        del result
        if request.check_output:
            mark(Phase.CHECK)
            self._check(replace(task, observable=request.check_observable, n_samples=min(2, task.n_samples)), request)
        return GradientMeasurement(
            rounds_s=tuple(rounds_s),
            cpu_s=tuple(cpu_s),
            prepare_s=prepare_s,
            first_call_s=first_call_s,
            evaluations=path.evaluations(task),
            memory=used,
            description=path.describe(),
        )

    def _split(self, request: SplitRequest) -> SplitTimes:
        path, prepared = self._path, self._prepared

        def begin() -> None:
            self._heartbeat.mark(Phase.SPLIT)

        begin()
        variants = path.variants(prepared)
        times = {} if variants is None else time_variants(variants, path.synchronize, request.budget_s, begin=begin)
        begin()
        return SplitTimes(
            times={name: tuple(values) for name, values in times.items()},
            units=None if variants is None else variants.units,
            encode_units=None if variants is None else variants.encode_units,
            floor_s=path.floor_s(prepared),
        )

    def _check(self, task: GradientTask, request: GradientRequest) -> None:
        """The gradients of a few samples for another observable, on which more parameters have an effect."""
        _save(request.check_output, self._path.gradients(self._path.run(self._path.prepare(task))))

    def _call(self, prepared: Any) -> tuple[Any, float, float]:
        """One run: its result, and the wall and CPU time it took in seconds."""
        cpu_start = cpu_ns()
        start = perf_counter_ns()
        result = self._path.run(prepared)
        self._path.synchronize()
        wall = (perf_counter_ns() - start) / _NS_PER_S
        return result, wall, (cpu_ns() - cpu_start) / _NS_PER_S


def _save(path: str, gradients: Any) -> None:
    import numpy as np

    with Path(path).open("wb") as file:
        np.save(file, np.asarray(gradients, dtype=np.float64))
