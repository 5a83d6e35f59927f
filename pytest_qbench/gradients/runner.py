"""From a gradient point to its result: prepare the scenario, have a path do it in a worker, verify the gradients."""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pytest_qbench.cases import CaseError
from pytest_qbench.gradients.datasets import DatasetError, DatasetMissing
from pytest_qbench.gradients.observables import zlast, zsum
from pytest_qbench.gradients.scenarios import PreparedScenario, Scenarios
from pytest_qbench.gradients.task import GradientTask
from pytest_qbench.gradients.verify import TOLERANCES, GradientCheck, Verifier, count_nonzero
from pytest_qbench.measure.messages import GradientMeasurement, GradientRequest, SplitRequest, SplitTimes
from pytest_qbench.measure.supervisor import Supervisor
from pytest_qbench.results import PointResult, Status
from pytest_qbench.runner import Runner, skipped, with_case_error, with_failure

if TYPE_CHECKING:
    from pytest_qbench.gradients.settings import GradientSettings
    from pytest_qbench.plan import Instance, Point
    from pytest_qbench.settings import Settings

SPLIT_S = 0.7
"""Seconds that a point may spend on telling apart where its time goes."""

SINGLE_ABOVE_S = 3.0
"""A run that takes more seconds gets a single round, so that the quick scenario ends within a minute; the interval of
its ratios is then that of its single evaluations."""

_CHECKED_SAMPLES = 2
_CHUNK = 4096


class GradientRunner(Runner):
    """Measures gradient points, one at a time."""

    def __init__(self, settings: Settings, base: Path) -> None:
        """``base`` is the folder that paths of data sets are relative to."""
        super().__init__(settings)
        assert settings.gradients is not None
        self._asked: GradientSettings = settings.gradients
        self._scenarios = Scenarios(settings.seed, base, self._asked.fit)
        self._verifiers: dict[str, tuple[Any, Verifier]] = {}
        self._agreed: tuple[Any, str, str, Path] | None = None

    def run(self, point: Point, nodeid: str, ladder: tuple[int, ...], timeout: float | None = None) -> PointResult:
        """Measure and verify one point; ``timeout`` in seconds replaces the settings' deadline per call.

        Never raises for what the case, the data set or the path does: that becomes the result's status and reason.
        """
        started = time.perf_counter()
        result = replace(self._new_result(point, nodeid, ladder, timeout or self._settings.timeout), kind="gradient")
        params = dict(point.instance.params)
        asked = {"encoding": params["encoding"], "observable": params["observable"]}
        result = replace(result, gradient={**asked, "dataset": {"name": params["dataset"]}})
        ended = self._ended.get(point.ladder_key)
        if ended is not None and (ended.status is not Status.ABORT or point.shots > ended.shots):
            return skipped(result, ended, "sample")
        try:
            prepared = self._scenarios.prepare(point.instance, max(*self._settings.shots, point.shots))
        except DatasetMissing as error:
            hint = f"; {error.install}" if error.install else ""
            result = replace(result, status=Status.UNAVAILABLE, reason=error.reason + hint)
        except CaseError as error:
            result = with_case_error(result, error)
        except DatasetError as error:
            result = replace(result, status=Status.FAIL, reason=str(error).split("\n")[0], detail=str(error))
        else:
            result = self._measured(result, point, prepared)
        self._note_end(point, result)
        return replace(result, elapsed_s=time.perf_counter() - started)

    def close(self) -> None:
        """End every worker and remove the files."""
        super().close()
        self._scenarios.close()

    def _measured(self, result: PointResult, point: Point, prepared: PreparedScenario) -> PointResult:
        scenario, settings, folder = prepared.scenario, self._settings, self._scenarios.folder
        task = GradientTask(
            ansatz=scenario.ansatz,
            parameters=scenario.parameters,
            observable=scenario.observable,
            encoding=scenario.encoding,
            features=str(prepared.features_file),
            n_samples=point.shots,
            precision=self._asked.precision,
            seed=settings.seed,
            memory_limit=settings.memory_limit,
            spill=str(folder) if self._asked.spill else None,
        )
        n = scenario.ansatz.n_qubits
        other = zlast(n) if scenario.observable == zsum(n) else zsum(n)
        output, check_output = folder / "gradients.npy", folder / "check.npy"
        for file in (output, check_output):
            file.unlink(missing_ok=True)
        facts = {
            **(result.gradient or {}),
            "n_parameters": scenario.ansatz.n_parameters,
            "dataset": prepared.dataset,
        }
        result = replace(
            result,
            gradient=facts,
            n_ops=len(scenario.ansatz.program.instructions),
            program_hash=scenario.ansatz.hash,
        )
        self._settle()
        supervisor = self._supervisor(point.backend)
        assert isinstance(supervisor, Supervisor)
        outcome = supervisor.measure_gradients(
            GradientRequest(
                task=task,
                timeout=result.timeout_s or settings.timeout,
                output=str(output),
                policy=replace(settings.policy, single_above=max(settings.policy.single_above, SINGLE_ABOVE_S)),
                check_observable=other,
                check_output=str(check_output),
            )
        )
        if not isinstance(outcome, GradientMeasurement):
            return with_failure(result, outcome)
        result = replace(
            result,
            rounds_s=outcome.rounds_s,
            cpu_s=outcome.cpu_s,
            prepare_s=outcome.prepare_s,
            first_call_s=outcome.first_call_s,
            first_call_shots=point.shots,
            memory=asdict(outcome.memory),
            description=asdict(outcome.description),
            gradient={**facts, "evaluations": outcome.evaluations},
        )
        check = self._check(point, prepared, other, output, check_output)
        if check.problem:
            return replace(result, status=Status.FAIL, reason=check.problem, detail=check.detail)
        found = {"n_nonzero": count_nonzero(output, task.precision), **self._split(supervisor, result)}
        return replace(result, status=Status.PASS, gradient={**(result.gradient or {}), **found})

    def _split(self, supervisor: Supervisor, result: PointResult) -> dict[str, Any]:
        """Where the time goes. What is measured already stands, also where this fails: then there is a reason."""
        self._settle()
        split = supervisor.split_time(SplitRequest(result.timeout_s or self._settings.timeout, SPLIT_S))
        if not isinstance(split, SplitTimes):
            return {"split_problem": split.reason}
        units = {"units": split.units, "encode_units": split.encode_units}
        return {"split": {**split.times, **units} if split.times else None, "floor_s": split.floor_s}

    def _check(
        self, point: Point, prepared: PreparedScenario, other: Any, output: Path, check_output: Path
    ) -> GradientCheck:
        """Compare with the exact gradients, for another observable too, and with the path that passed first."""
        precision, instance, n_samples = self._asked.precision, point.instance, point.shots
        verifier = self._verifier("own", (instance, n_samples), prepared, n_samples)
        check = verifier.check(output, precision)
        if check.problem:
            return check
        few = min(_CHECKED_SAMPLES, n_samples)
        on_other = replace(prepared, scenario=replace(prepared.scenario, observable=other))
        check = self._verifier("other", (instance, few), on_other, few).check(check_output, precision)
        if check.problem:
            return replace(check, problem=f"on another observable ({_named(other)}): {check.problem}")
        return self._check_agreement((instance, n_samples), point.backend.label, output, precision)

    def _verifier(self, name: str, key: tuple[Instance, int], prepared: PreparedScenario, n_samples: int) -> Verifier:
        known = self._verifiers.get(name)
        if known is None or known[0] != key:
            known = self._verifiers[name] = (key, Verifier(prepared.scenario, n_samples, self._settings.seed))
        return known[1]

    def _check_agreement(self, key: Any, label: str, output: Path, precision: str) -> GradientCheck:
        """All samples against those of the path that passed first."""
        if self._agreed is None or self._agreed[0] != key:
            kept = output.with_name("agreed.npy")
            output.replace(kept)
            output.hardlink_to(kept)
            self._agreed = (key, label, precision, kept)
            return GradientCheck("")
        _, first, _, kept = self._agreed
        one, other = np.load(kept, mmap_mode="r"), np.load(output, mmap_mode="r")
        rtol, atol = TOLERANCES[precision]
        for start in range(0, len(one), _CHUNK):
            a, b = one[start : start + _CHUNK], other[start : start + _CHUNK]
            wrong = np.abs(a - b) > 2 * (atol + rtol * np.abs(a))
            if wrong.any():
                row, parameter = (int(i) for i in np.argwhere(wrong)[0])
                return GradientCheck(
                    f"sample {start + row}, parameter {parameter}: {b[row, parameter]:.9g}, "
                    f"but {first} gives {a[row, parameter]:.9g}"
                )
        return GradientCheck("")


def _named(observable: Any) -> str:
    return "zsum" if len(observable) > 1 else "zlast"
