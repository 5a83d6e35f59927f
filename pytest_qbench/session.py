"""The state of one test session: its settings, the runner that measures and the recorder that writes."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pytest

from pytest_qbench.backends.registry import known_backends
from pytest_qbench.circuit_names import unmatched
from pytest_qbench.collection import POINT, case_roots, is_benchmark
from pytest_qbench.deadlines import item_timeout, session_timeout
from pytest_qbench.plan import LadderKey, is_of_kind, is_selected, ladders
from pytest_qbench.report.cells import PlannedPoint
from pytest_qbench.report.files import jsonable
from pytest_qbench.report.terminal import summary_lines
from pytest_qbench.results import PointResult, Status
from pytest_qbench.resume import Resumption, run_plan
from pytest_qbench.resume_words import TAKEN_UP
from pytest_qbench.settings import Settings, read_settings
from pytest_qbench.sources import case_files

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_qbench.cases import CircuitCase
    from pytest_qbench.pool import Job, Pool
    from pytest_qbench.report.gradient_summary import Extras
    from pytest_qbench.report.recorder import Recorder
    from pytest_qbench.runner import Runner

SESSION = pytest.StashKey["QbenchSession"]()
RESULT = pytest.StashKey[PointResult]()
DEADLINE = pytest.StashKey[float]()
"""The deadline in seconds that pytest-timeout asked for an item."""


def is_xdist_worker(config: pytest.Config) -> bool:
    """Whether this process runs items for an xdist controller, which keeps the record."""
    return hasattr(config, "workerinput")


def is_xdist_controller(config: pytest.Config) -> bool:
    """Whether items run in other processes and only their reports arrive here."""
    return not is_xdist_worker(config) and getattr(config.option, "dist", "no") != "no"


class QbenchSession:
    """What the hooks of one session share. Everything in it is made when it is first needed."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.cases: list[CircuitCase] = []
        """Every case that was collected, selected or not."""
        self.ladders: dict[LadderKey, tuple[int, ...]] = {}
        """Ladder -> the shots that will run, once the collection is final."""
        self.planned: list[PlannedPoint] = []
        """What will run, once the collection is final; an xdist controller hears of it with the first result."""
        self.tests: list[str] = []
        """The node ids of the tests with ``qbench`` that will run."""
        self._items: list[pytest.Item] = []
        """The items of the points that will run, once the collection is final."""
        self.announced = 0
        """In an xdist controller: how many points its workers have collected."""
        self._tags: set[str] = set()
        self._plan_sent = False
        self._extras: Extras | None = None

    @cached_property
    def settings(self) -> Settings:
        """The parsed options and ini keys; a wrong one raises ``pytest.UsageError``."""
        return read_settings(self.config, self.known_backends)

    @cached_property
    def known_backends(self) -> dict[str, str]:
        """Backend name -> ``module:Class``: installed ones and those of ``pytest_qbench_backends`` hooks."""
        return known_backends(self.config)

    @cached_property
    def case_roots(self) -> list[Path]:
        """The case folders and files of this session."""
        return case_roots(self.config, self.settings)

    @cached_property
    def runner(self) -> Runner | Pool:
        """Measures the points of this process."""
        if self.settings.gradients is not None:
            from pytest_qbench.gradients.runner import GradientRunner

            return GradientRunner(self.settings, self.config.invocation_params.dir)
        from pytest_qbench.runner import Runner

        cache = getattr(self.config, "cache", None)  # absent with -p no:cacheprovider
        try:
            folder = cache.mkdir("qbench") if cache is not None else None
        except OSError:  # a cache that can't be written is no reason not to measure
            folder = None
        if self.settings.dask is not None:
            from pytest_qbench.cluster.pool import open_cluster

            return open_cluster(self.settings, self.settings.dask, folder, self._jobs)
        if self.settings.parallel.lanes > 1:
            from pytest_qbench.pool import local_pool

            return local_pool(self.settings, folder, self._jobs)
        return Runner(self.settings, folder)

    @cached_property
    def recorder(self) -> Recorder:
        """Writes the run folder; made before anything is measured.

        Raises:
            pytest.UsageError: the run folder or the JSONL file can't be written.
        """
        from pytest_qbench.report.files import ReportError
        from pytest_qbench.report.recorder import Recorder

        settings = self.settings
        labels = [spec.label for spec in settings.backends]
        try:
            return Recorder(
                settings.run_dir,
                self._environment,
                labels,
                settings.jsonl,
                mixed_precision=settings.mixed_precision,
                benchmark=settings.benchmark,
                mixed_hosts=settings.mixed_hosts,
            )
        except ReportError as error:
            raise pytest.UsageError(str(error)) from error

    @cached_property
    def _environment(self) -> dict[str, Any]:
        """The machine and its software, as of the first call."""
        from pytest_qbench.report.environment import collect

        return collect(self.config.rootpath)

    @cached_property
    def earlier(self) -> Resumption | None:
        """The run that this session goes on with, if it does; one that can't be gone on with raises
        ``pytest.UsageError``."""
        taken = self.config.stash.get(TAKEN_UP, None)
        return None if taken is None else Resumption(taken, self.settings, self._environment)

    @property
    def has_record(self) -> bool:
        """Whether the recorder was made."""
        return "recorder" in vars(self)

    @property
    def has_runner(self) -> bool:
        """Whether the runner was made."""
        return "runner" in vars(self)

    def register_case(self, case: CircuitCase) -> None:
        """Note a collected case and make its tags known as marks."""
        self.cases.append(case)
        for tag in case.tags - self._tags:
            self._tags.add(tag)
            self.config.addinivalue_line("markers", f"{tag}: benchmark cases tagged {tag!r}")

    def plan(self, items: Sequence[pytest.Item]) -> None:
        """Take the final list of items."""
        self._items = [item for item in items if POINT in item.stash]
        points = [(item.nodeid, item.stash[POINT]) for item in self._items]
        self.ladders = ladders(point for _, point in points)
        self.planned = [
            PlannedPoint(
                nodeid=nodeid,
                instance=point.ladder_id,
                backend=point.backend.label,
                case=point.instance.case.name,
                n_qubits=point.instance.n_qubits,
                params=jsonable(dict(point.instance.params)),
                shots=point.shots,
                noise=None if point.instance.noise is None else point.instance.noise.to_json(),
            )
            for nodeid, point in points
        ]
        self.tests = [item.nodeid for item in items if POINT not in item.stash and is_benchmark(item)]
        if self.earlier is not None:
            self.earlier.settle([item.nodeid for item in items])
            self.ladders = self.earlier.whole_ladders(dict(points))
            self.planned = list(self.earlier.plan.points)

    def leave_out(self, items: list[pytest.Item]) -> list[pytest.Item]:
        """Take what need not be measured again out of ``items``, and return it."""
        if self.earlier is None:
            return []
        describe = self.runner.describe if self.measures else None
        return self.earlier.leave_out(items, describe, builds=self.settings.gradients is None)

    def unsent_plan(self) -> list[PlannedPoint]:
        """In an xdist worker, on the first call: the plan, which the controller can't make itself."""
        if self._plan_sent or not is_xdist_worker(self.config):
            return []
        self._plan_sent = True
        return self.planned

    @property
    def has_own_cases(self) -> bool:
        """Whether the project has cases, collected (``--lf`` passes files over) or not."""
        return bool(self.cases) or any(case_files(root) for root in self.case_roots)

    @property
    def wants_other_cases(self) -> bool:
        """Whether a suite or kind was asked for by an option, and none of the project's own cases is of it."""
        asked = any(
            getattr(self.config.option, f"qbench_{name}") is not None for name in ("core", "suite", "gradients")
        )
        named = bool(self.settings.case_sources)  # who says where the cases come from means those
        wanted = any(is_selected(case, self.settings) for case in self.cases)
        return asked and not named and bool(self.cases) and not wanted

    def unmatched_circuits(self) -> list[str]:
        """The names of ``--qbench-circuits`` that no collected case has."""
        names = {case.name for case in self.cases if is_of_kind(case, self.settings)}
        return unmatched(self.settings.circuits, names)

    @property
    def case_places(self) -> list[str]:
        """The case folders and files of this session as people write them: ``cases/``."""
        return [
            f"{os.path.relpath(root, self.config.invocation_params.dir)}{'/' if root.is_dir() else ''}"
            for root in self.case_roots
        ]

    @property
    def measures(self) -> bool:
        """Whether the items of this session run: not when pytest only lists or shows something."""
        shows = ("collectonly", "showfixtures", "show_fixtures_per_test", "setuponly", "setupplan")
        lists = self.settings.list_cases or self.settings.list_backends
        return not (lists or any(getattr(self.config.option, name, False) for name in shows))

    @property
    def will_record(self) -> bool:
        """Whether this process is going to write a record: an xdist worker leaves that to its controller."""
        return self.measures and not is_xdist_worker(self.config)

    def open_record(self) -> None:
        """Make the record, and tell it what is planned and what stands of an earlier run."""
        if self.has_record:
            return
        if self.earlier is not None:
            self.planned = list(self.earlier.plan.points)
            self.tests = list(self.earlier.plan.tests)
            self.earlier.fill(self.recorder)
        else:
            self.recorder.plan(self.planned)
        self._write_plan()

    def _write_plan(self) -> None:
        self.recorder.write_plan(run_plan(self.config, self.settings, self.planned, self.tests))

    def summary(self, width: int) -> list[tuple[str, dict[str, bool]]]:
        """Lines for the end of the session, with their markup; the record is complete."""
        recorder = self.recorder
        assert recorder.comparison is not None
        folder = recorder.folder.path
        if folder.is_relative_to(self.config.invocation_params.dir):
            folder = folder.relative_to(self.config.invocation_params.dir)
        if self.settings.gradients is None:
            return summary_lines(recorder.summary, recorder.comparison, folder, width, recorder.copy)
        from pytest_qbench.report.gradient_summary import gradient_summary_lines

        return gradient_summary_lines(recorder.summary, recorder.rows, folder, width, recorder.copy, self._extras)

    def deadline(self, item: pytest.Item) -> float:
        """Seconds that one call of this item may take.

        pytest-timeout's value (option, ini key or marker) stands in for the default; where ``--qbench-timeout`` was
        given too, the shorter one holds.
        """
        return self._deadline(item.stash.get(DEADLINE, None))

    @property
    def usual_deadline(self) -> float:
        """The deadline in seconds of an item of which nothing else is said."""
        return self._deadline(session_timeout(self.config))

    def _deadline(self, asked: float | None) -> float:
        if asked is None:
            return self.settings.timeout
        return min(asked, self.settings.timeout) if self.settings.timeout_given else asked

    def _jobs(self) -> Iterator[Job]:
        """The points in the order of their items; those that a marker may skip are measured when their turn comes."""
        from pytest_qbench.pool import Job

        for item in self._items:
            if not any(item.get_closest_marker(name) for name in ("skip", "skipif", "xfail")):
                point = item.stash[POINT]
                yield Job(point, item.nodeid, self.ladders[point.ladder_key], self._deadline(item_timeout(item)))

    def run_point(self, item: pytest.Item) -> PointResult:
        """Measure the item's point and keep the result on the item."""
        point = item.stash[POINT]
        ladder = self.ladders.get(point.ladder_key, (point.shots,))
        result = self.runner.run(point, item.nodeid, ladder, self.deadline(item))
        item.stash[RESULT] = result
        return result

    def record(self, result: PointResult, plan: Sequence[PlannedPoint] = ()) -> None:
        """Take a verdict into the record, and tell the hooks; ``plan`` is what an xdist worker has collected."""
        if plan and not self.planned:
            self.planned = list(plan)
            self.recorder.plan(plan)
            self._write_plan()
        row = self.recorder.add(result)
        self.config.hook.pytest_qbench_point(config=self.config, result=result)
        if row is not None:
            self.config.hook.pytest_qbench_row(config=self.config, row=row)

    def exit_status(self, current: int) -> int:
        """The session's exit status: a session in which points ran and all went wrong has failed."""
        if self.earlier is not None and self.measures:
            current = self.earlier.exit_status(current, self.settings.strict)
        if not self.has_record:
            return current
        counts = self.recorder.counts
        ran = sum(counts.values())
        if current == pytest.ExitCode.OK and ran and not (counts.get(Status.PASS) or counts.get(Status.UNVERIFIED)):
            return int(pytest.ExitCode.TESTS_FAILED)
        return current

    def close(self, interrupted: bool, cut_short: bool = False) -> None:
        """End the workers and write what is left of the record.

        Where the session was ``interrupted`` or ended before its last item (``cut_short``), what was measured ahead of
        the items is recorded too.
        """
        if self.has_runner:
            self.runner.close()
            if (interrupted or cut_short) and self.has_record:
                for result in self.runner.unclaimed():
                    self.record(result)
        if self.has_record:
            for row in self.recorder.finish(interrupted):
                self.config.hook.pytest_qbench_row(config=self.config, row=row)
            self._write_gradient_report()

    def _write_gradient_report(self) -> None:
        """The plots of a gradient session, and its report if that was asked for; once, after the record."""
        gradients = self.settings.gradients
        if gradients is None or self._extras is not None:
            return
        from pytest_qbench.report.gradient_summary import write_extras

        command = shlex.join(["pytest", *map(str, self.config.invocation_params.args)])
        self._extras = write_extras(self.recorder, self._environment, command if gradients.report else None)
