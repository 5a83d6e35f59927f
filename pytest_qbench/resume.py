"""Going on with an earlier run: what of it stands, what is measured now, and how the two become one record."""

from __future__ import annotations

import os
import shlex
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_qbench.backends.base import Description
from pytest_qbench.collection import POINT
from pytest_qbench.report.earlier import EarlierRun, identity_of, ladder_of
from pytest_qbench.report.files import ReportError, jsonable
from pytest_qbench.report.plan_file import RunPlan
from pytest_qbench.report.text import count
from pytest_qbench.results import Status
from pytest_qbench.resume_words import COMMAND, TakenUp

if TYPE_CHECKING:
    from pytest_qbench.plan import Instance, LadderKey, Point
    from pytest_qbench.report.cells import PlannedPoint
    from pytest_qbench.report.recorder import Recorder
    from pytest_qbench.settings import Settings
    from pytest_qbench.specs import BackendSpec

_AGAIN = (Status.FAIL, Status.ABORT)
_ENDS = {Status.ABORT, Status.UNSUPPORTED, Status.UNAVAILABLE}
"""With these a ladder ends before its top."""
_NAMED = 3
"""So many of a list are named in a line."""


def run_plan(
    config: pytest.Config, settings: Settings, points: Iterable[PlannedPoint], tests: Iterable[str]
) -> RunPlan:
    """What ``plan.json`` says of this session."""
    return RunPlan(
        command=config.stash.get(COMMAND, tuple(map(str, config.invocation_params.args))),
        folder=str(Path(os.path.relpath(config.invocation_params.dir, config.rootpath))),
        backends=tuple(spec.text for spec in settings.backends),
        settings=_deciding(settings),
        tests=tuple(tests),
        points=tuple(points),
    )


def _deciding(settings: Settings) -> dict[str, Any]:
    """The settings that decide how a point is measured. Limits do not: they only end it."""
    values = {"threads": settings.threads, "seed": settings.seed, "rounds": asdict(settings.policy)}
    gradients = settings.gradients
    if gradients is not None:
        values["gradients"] = {"fit": gradients.fit, "precision": gradients.precision, "spill": gradients.spill}
    return jsonable(values)  # type: ignore[no-any-return]


class Resumption:
    """What this session makes of an earlier run.

    Points whose verdict stands are left out of the session; their rows go into the new run folder beside the new ones.
    """

    def __init__(self, taken: TakenUp, settings: Settings, environment: Mapping[str, Any]) -> None:
        """Read the run.

        Raises:
            pytest.UsageError: it can't be read, was measured on another machine, or the settings are other ones now.
        """
        self._taken = taken
        self.plan = taken.plan
        try:
            self.run = EarlierRun.read(taken.folder)
        except ReportError as error:
            raise pytest.UsageError(f"{taken.option}: {error}") from error
        self._refuse_others(settings, environment)
        self.notes: list[str] = []
        """Lines on what is measured anew, and why."""
        self._statuses = self.run.statuses()
        self._ladders: dict[str, list[PlannedPoint]] = {}
        for point in self.plan.points:
            self._ladders.setdefault(ladder_of(point), []).append(point)
        self._todo = self._find_todo()
        self._gone = 0
        self._again: frozenset[str] = frozenset()
        self._forgiven: frozenset[str] = frozenset()

    def _refuse_others(self, settings: Settings, environment: Mapping[str, Any]) -> None:
        run, option = self.run.run_id, self._taken.option
        command = shlex.join(["pytest", *self.plan.command])
        other = self.run.other_machine(environment)
        if other:
            raise pytest.UsageError(
                f"{option}: run {run} was measured on another machine, or another setup of it ({', '.join(other)}): "
                f"its times can't stand beside new ones. Go on with it there, or start a new run here: {command}"
            )
        specs = tuple(spec.text for spec in settings.backends)
        changed = [name for name, value in _deciding(settings).items() if self.plan.settings.get(name) != value]
        if specs != self.plan.backends:
            changed.insert(0, "backends")
        if changed:
            raise pytest.UsageError(
                f"{option}: {', '.join(changed)} would be other than in run {run} (an ini key, a config file, an "
                f"environment variable or this machine has changed): undo that, or start a new run: {command}"
            )

    def _find_todo(self) -> set[str]:
        """The node ids of what is measured now, before anything is known of changed programs and simulators."""
        todo: set[str] = set()
        if self._taken.failed_only:
            todo = {nodeid for nodeid, status in self._statuses.items() if status in _AGAIN}
        else:
            todo = {nodeid for nodeid in self.plan.tests if nodeid not in self._statuses}
            for ladder in self._ladders.values():
                done = [self._statuses.get(point.nodeid) for point in ladder]
                # A point that did not run decides on the higher ones: such a ladder begins again at its lowest.
                whole = None in done and not _ENDS.isdisjoint(done)
                todo |= {point.nodeid for point, status in zip(ladder, done, strict=True) if whole or status is None}
        for row in self.run.rows:
            ladder_ids = {point.nodeid for point in self._ladders.get(identity_of(row), ())}
            if ladder_ids & todo and not ladder_ids <= todo and not self.run.points_of(row):
                todo |= ladder_ids  # nothing is left to complete
        return todo

    @property
    def nothing_left(self) -> bool:
        """Whether there is nothing to measure, nor a summary to write that a killed session could not."""
        return not self._todo and (self.run.finished or self._taken.failed_only)

    def leave_out(
        self, items: list[pytest.Item], describe: Callable[[BackendSpec], Any] | None, builds: bool
    ) -> list[pytest.Item]:
        """Take the items that are not measured now out of ``items``, and return them.

        Args:
            items: everything that was collected.
            describe: what tells a backend's version; None in a session that only lists.
            builds: whether circuits are built, to see whether they are the same.
        """
        points = {item.nodeid: item.stash[POINT] for item in items if POINT in item.stash}
        if describe is not None:
            self._todo |= self._changed(points, describe, builds)
        ids = {item.nodeid for item in items}
        gone = sorted(self._todo - ids)
        self._todo &= ids
        if gone:
            self._gone = len(gone)
            self.notes.append(
                f"qbench: {count(len(gone), 'point')} of run {self.run.run_id} can't be measured: no such item is "
                f"collected any more ({_some(gone)})"
            )
        left_out = [item for item in items if item.nodeid not in self._todo]
        # A FAIL that a test is marked to expect is none of the session's.
        self._forgiven = frozenset(item.nodeid for item in left_out if item.get_closest_marker("xfail") is not None)
        items[:] = [item for item in items if item.nodeid in self._todo]
        return left_out

    def _changed(self, points: Mapping[str, Point], describe: Callable[[BackendSpec], Any], builds: bool) -> set[str]:
        """The points of ladders that were measured with another circuit or another version of the simulator."""
        specs = {point.backend.label: point.backend for point in points.values()}
        now = {label: describe(spec) for label, spec in specs.items()}
        hashes: dict[tuple[int, str], str | None] = {}
        versions: Counter[tuple[str, str]] = Counter()
        programs: list[str] = []
        anew: set[str] = set()
        for row in self.run.rows:
            nodeids = [p.nodeid for p in self._ladders.get(identity_of(row), ()) if p.nodeid in points]
            if not nodeids:
                continue
            about, instance = now[row["backend"]], points[nodeids[0]].instance
            difference = _other_version(row, about) if isinstance(about, Description) else ""
            if difference:
                versions[row["backend"], difference] += 1
            elif builds and row["program_hash"] != _hash(instance, hashes):
                programs.append(row["instance"])
            else:
                continue
            anew |= set(nodeids)
        for (backend, difference), number in versions.items():
            self.notes.append(f"qbench: {backend}: {difference}: {count(number, 'instance')} measured anew")
        if programs:
            one = "circuit of" if len(programs) == 1 else f"circuits of {len(programs)} instances,"
            verb = "has" if len(programs) == 1 else "have"
            self.notes.append(f"qbench: the {one} {_some(programs)} {verb} changed: measured anew")
        return anew

    def settle(self, nodeids: Collection[str]) -> None:
        """Take the node ids of what will really run: ``-k`` and other plugins may have left out more."""
        self._again = frozenset(nodeids)

    def whole_ladders(self, points: Mapping[str, Point]) -> dict[LadderKey, tuple[int, ...]]:
        """The shots of the ladders of ``points`` (node id -> point), those that are not measured now included."""
        whole: dict[LadderKey, tuple[int, ...]] = {}
        for ladder in self._ladders.values():
            shots = tuple(sorted({point.shots for point in ladder}))
            whole |= {points[planned.nodeid].ladder_key: shots for planned in ladder if planned.nodeid in points}
        return whole

    def fill(self, recorder: Recorder) -> None:
        """Tell a new record the plan, and what stands of the run."""
        recorder.plan(self.plan.points, self._again)
        recorder.take_over(self.run.standing(self.plan.points, self._again), self.run.run_id)

    def lines(self) -> list[str]:
        """Lines for the header."""
        run, total = self.run.run_id, len(self._statuses)
        failed = Counter(status for status in self._statuses.values() if status in _AGAIN)
        what = " and ".join(f"{failed[status]} {status}" for status in _AGAIN if failed[status])
        if self._taken.failed_only:
            first = f"run {run} once more: {what} of {count(total, 'point')}, {total - failed.total()} stand"
            if not failed:
                first = f"nothing to rerun: none of the {count(total, 'point')} of run {run} ended in FAIL or ABORT"
        elif self._todo or self._gone:
            planned = count(len(self.plan.points) + len(self.plan.tests), "point")
            first = f"going on with run {run}: {total} of {planned} finished, {len(self._todo)} to measure"
        else:
            first = f"nothing to resume: run {run} is complete ({count(total, 'point')}{what and ', '}{what})"
            if not self.run.finished:
                first = f"run {run} is complete but for its summary, which is written now"
        return [f"qbench: {first}", *self.notes]

    def exit_status(self, current: int, strict: bool) -> int:
        """The exit status of a session that would end with ``current``: what fails and stands fails it too."""
        if current == pytest.ExitCode.NO_TESTS_COLLECTED and not self._todo:
            current = int(pytest.ExitCode.OK)
        if current == pytest.ExitCode.OK and self._standing_failure(strict):
            current = int(pytest.ExitCode.TESTS_FAILED)
        return current

    def _standing_failure(self, strict: bool) -> bool:
        passing = {Status.PASS} if strict else {*Status} - {Status.FAIL}
        return any(
            status not in passing
            for nodeid, status in self._statuses.items()
            if nodeid not in self._again and nodeid not in self._forgiven
        )


def _other_version(row: Mapping[str, Any], about: Description) -> str:
    """In what the simulator that measured ``row`` was another than ``about``, in words; empty where it was the same."""
    then, now = row["backend_version"], about.version
    if then is None or then == now:
        packages = row["versions"] if then is not None else {}
        changed = next((name for name, version in packages.items() if about.versions.get(name, version) != version), "")
        if not changed:
            return ""
        then, now = f"{changed} {packages[changed]}", f"{changed} {about.versions[changed]}"
    return f"{now} now, {then} then"


def _hash(instance: Instance, known: dict[tuple[int, str], str | None]) -> str | None:
    """The hash of the instance's program, None where it can't be built; ``known`` are those found before."""
    from pytest_qbench.cases import CaseError
    from pytest_qbench.runner import build_program

    key = (id(instance.case), instance.id)
    if key not in known:
        try:
            known[key] = build_program(instance).hash
        except CaseError:
            known[key] = None
    return known[key]


def _some(names: Sequence[str]) -> str:
    """The first few of ``names``."""
    return ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")
