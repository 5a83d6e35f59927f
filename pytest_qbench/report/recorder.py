"""The record of a run as it grows: points come in, rows and files go out."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_qbench.report.cells import Matrix, PlannedPoint
from pytest_qbench.report.comparison import Comparison, compare
from pytest_qbench.report.earlier import Standing
from pytest_qbench.report.environment import essentials
from pytest_qbench.report.files import ReportError
from pytest_qbench.report.jsonl import JsonlWriter
from pytest_qbench.report.plan_file import RunPlan, write_plan
from pytest_qbench.report.progress import EtaEstimator
from pytest_qbench.report.rows import ROW_KEYS, build_row, identity, node_of
from pytest_qbench.report.run_folder import RunFolder
from pytest_qbench.report.summary import build_summary
from pytest_qbench.results import PointResult

if TYPE_CHECKING:
    from pytest_qbench.config_file import Benchmark


class Recorder:
    """Takes the points of a run in any order and writes each row as soon as its ladder is complete.

    A point that comes a second time (a plugin re-ran the item) replaces the first. If its row was already
    written, :meth:`finish` appends another with ``attempt`` 2, since a line once written stays; ``read_rows``
    and everything else written at the end know only the last.

    What can't be written once the run has begun (a full disk) does not stop it: the reason is kept in
    ``problems`` and the rows in memory, so that the terminal still shows them.

    Args:
        run_dir: the folder that holds the run folders.
        environment: what ``environment.collect`` returned.
        backends: the labels in the order they were named; the first is the baseline of the comparison.
        copy: a further file that the rows are appended to.
        mixed_precision: backends in different precision are averaged all the same.
        mixed_hosts: times from machines that are not alike are compared all the same.
        benchmark: what the config file says of the plan; its id is the name of the run folder.

    Raises:
        ReportError: the run folder or the copy can't be written.
    """

    def __init__(
        self,
        run_dir: Path,
        environment: Mapping[str, Any],
        backends: Sequence[str] = (),
        copy: Path | None = None,
        *,
        mixed_precision: bool = False,
        benchmark: Benchmark | None = None,
        mixed_hosts: bool = False,
    ) -> None:
        self._mixed = {"mixed_precision": mixed_precision, "mixed_hosts": mixed_hosts}
        self._copies = [JsonlWriter(copy, append=True)] if copy else []
        try:
            self.folder = RunFolder.create(run_dir, name=benchmark.id if benchmark else None)
            self._writers = [JsonlWriter(self.folder.results), *self._copies]
            self.folder.write_json("environment", environment)
        except ReportError:
            for writer in self._copies:
                writer.close()
            raise
        self.copy = copy
        self.backends = tuple(backends)
        self.problems: list[str] = []
        """What could not be written."""
        self.counts: Counter[str] = Counter()
        """Points by status."""
        self.eta = EtaEstimator()
        self.summary: dict[str, Any] = {}
        """The content of ``summary.json``; empty before :meth:`finish`."""
        self.comparison: Comparison | None = None
        """None before :meth:`finish`."""
        self._env = essentials(environment)
        self._benchmark = benchmark.to_json() if benchmark else None
        self._planned: list[PlannedPoint] = []
        self._points: dict[str, dict[int, PointResult]] = {}
        self._rows: dict[str, dict[str, Any]] = {}
        self._outdated: set[str] = set()
        self._started = datetime.now().astimezone()
        self._clock = time.perf_counter()
        self._finished = False

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The rows so far, the last attempt of each instance."""
        return list(self._rows.values())

    @property
    def done(self) -> int:
        """The number of points that have a result."""
        return self.counts.total()

    @property
    def planned(self) -> int:
        """The number of points that were to run, as far as known."""
        return max(len(self._planned), self.done)

    @property
    def elapsed(self) -> float:
        """Seconds since the run began."""
        return time.perf_counter() - self._clock

    def plan(self, points: Iterable[PlannedPoint], to_run: Container[str] | None = None) -> None:
        """Say what is going to run. What is planned and never arrives shows as missing.

        ``to_run`` are the node ids of those that are measured now (None: all); what is known of the others, an earlier
        run has, see :meth:`take_over`.
        """
        points = list(points)
        self._planned += points
        self.eta.plan(point for point in points if to_run is None or point.nodeid in to_run)

    def take_over(self, standing: Standing, run_id: str) -> None:
        """Take what stands of the earlier run ``run_id``. Its rows are in ``results.jsonl`` at once, but in no copy."""
        taken = []
        for row, points in standing.rows:
            origin = {**dict.fromkeys(row["nodeids"], run_id), **(row.get("merged_from") or {})}
            # A row of an earlier version may lack keys.
            new = {**dict.fromkeys(ROW_KEYS), **row, "run_id": self.folder.run_id, "merged_from": origin}
            taken.append((new, [_from(point, run_id) for point in points]))
            self._rows[identity(row["backend"], row["node"], row["instance"], row["params"])] = new
            self.counts.update(row["point_status"].values())
        with self._noting_problems():
            self._writers[0].write_all(row for row, _ in taken)
            for row, its_points in taken:
                self.folder.write_instance(row, its_points)
        for point in standing.points:
            key = identity(point.backend, node_of(point.nodeid), point.instance, point.params)
            self._points.setdefault(key, {})[point.shots] = _from(point, run_id)
            self.counts[point.status] += 1

    def write_plan(self, plan: RunPlan) -> None:
        """Write ``plan.json``, with which a later session can go on."""
        with self._noting_problems():
            write_plan(self.folder.path, plan)

    def add(self, point: PointResult) -> dict[str, Any] | None:
        """Take a result. If it completes its ladder, write the row and return it.

        Otherwise it costs some microseconds.
        """
        key = identity(point.backend, node_of(point.nodeid), point.instance, point.params)
        ladder = self._points.setdefault(key, {})
        replaced = ladder.get(point.shots)
        if replaced is not None:
            self.counts[replaced.status] -= 1
        self.counts[point.status] += 1
        self.eta.add(point)
        ladder[point.shots] = point
        if key in self._rows:
            self._outdated.add(key)
        elif len(ladder) >= len(point.ladder) and ladder.keys() >= set(point.ladder):
            return self._write_row(key)
        return None

    def finish(self, interrupted: bool = False) -> list[dict[str, Any]]:
        """Write the rows of incomplete ladders, the summary and the comparison, and close the files.

        Returns the rows that it wrote. Calling it again does nothing.
        """
        if self._finished:
            return []
        self._finished = True
        missing = "the session was interrupted" if interrupted else "no result arrived"
        late = [key for key in self._points if key not in self._rows or key in self._outdated]
        written = [self._write_row(key, missing) for key in late]
        for writer in self._writers:
            writer.close()
        rows = self.rows
        matrix = Matrix(rows, self._planned, self.backends)
        self.comparison = comparison = compare(matrix, **self._mixed)
        with self._noting_problems():
            self.folder.write_json("comparison", comparison.to_json(self.folder.run_id))
        self.summary = build_summary(
            rows,
            matrix,
            run_id=self.folder.run_id,
            started=self._started,
            wall_s=self.elapsed,
            interrupted=interrupted,
            benchmark=self._benchmark,
            report_problems=self.problems,
        )
        with self._noting_problems():
            self.folder.write_json("summary", self.summary)
        self.summary["report_problems"] = list(self.problems)
        return written

    def _write_row(self, key: str, missing_reason: str = "") -> dict[str, Any]:
        points = list(self._points[key].values())
        attempt = self._rows[key]["attempt"] + 1 if key in self._rows else 1
        row = build_row(points, self.folder.run_id, self._env, attempt=attempt, missing_reason=missing_reason)
        for writer in self._writers:
            with self._noting_problems():
                writer.write(row)
        with self._noting_problems():
            self.folder.write_instance(row, points)
        self._rows[key] = row  # after the writing: a Ctrl-C in between must leave it to finish()
        return row

    @contextmanager
    def _noting_problems(self) -> Iterator[None]:
        try:
            yield
        except ReportError as error:
            if str(error) not in self.problems:
                self.problems.append(str(error))


def _from(point: PointResult, run_id: str) -> PointResult:
    """``point`` with the run that measured it."""
    return replace(point, merged_from=point.merged_from or run_id)
