"""A run of an earlier session as its folder has it: rows, points, and what of them stands beside new ones."""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_qbench.report.cells import PlannedPoint
from pytest_qbench.report.environment import differing, fingerprint
from pytest_qbench.report.files import ReportError
from pytest_qbench.report.jsonl import read_rows
from pytest_qbench.report.rows import identity, node_of
from pytest_qbench.report.run_folder import RunFolder
from pytest_qbench.results import PointResult


@dataclass(frozen=True, slots=True)
class Standing:
    """What of an earlier run stands: whole ``rows``, each with its points (none where their file is lost), and
    ``points`` of ladders of which a part is measured again."""

    rows: tuple[tuple[Mapping[str, Any], tuple[PointResult, ...]], ...]
    points: tuple[PointResult, ...]


@dataclass(frozen=True, slots=True)
class EarlierRun:
    """What a run left behind. Make one with :meth:`read`."""

    folder: Path
    rows: tuple[dict[str, Any], ...]
    environment: Mapping[str, Any]
    finished: bool
    """Whether it came to its end: a killed one has no summary."""
    _names: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> EarlierRun:
        """The run in ``folder``; a last line that was cut off while it was written counts for nothing.

        Raises:
            ReportError: a file can't be read.
        """
        run, names = RunFolder(folder), {}
        results = run.results
        # In the order in which they were written, every attempt: so their files got their names.
        for row in read_rows(results, superseded=True) if results.exists() else ():
            names[identity_of(row)] = run.instance_name(row)
        rows = read_rows(results) if results.exists() else []
        return cls(folder, tuple(rows), _environment(folder), (folder / "summary.json").exists(), names)

    @property
    def run_id(self) -> str:
        """The name of the run."""
        return self.folder.name

    def other_machine(self, environment: Mapping[str, Any]) -> list[str]:
        """What of the machine and its software is other than in ``environment``, in words; empty where times may be
        compared."""
        if not self.rows or fingerprint(environment) in {row["env"]["fingerprint"] for row in self.rows}:
            return []
        return differing(self.environment, environment) or ["the fingerprint"]

    def statuses(self) -> dict[str, str]:
        """Node id -> status of every point that has a result."""
        return {nodeid: row["point_status"][shots] for row in self.rows for shots, nodeid in row["nodeids"].items()}

    def points_of(self, row: Mapping[str, Any]) -> tuple[PointResult, ...]:
        """The points behind a row; none where a killed session did not come to write their file."""
        try:
            value = json.loads((self.folder / f"{self._names[identity_of(row)]}.json").read_text(encoding="utf-8"))
            if value["row"] != row:
                return ()
            return tuple(PointResult.from_json(point) for point in value["points"])
        except (OSError, ValueError, KeyError, TypeError):
            return ()

    def standing(self, planned: Iterable[PlannedPoint], again: Container[str]) -> Standing:
        """What stands where the points and tests of the node ids ``again`` are measured now.

        A ladder with a missing file of points, of which a part is measured again, stands for nothing; see
        :meth:`points_of`.
        """
        partly = {ladder_of(point) for point in planned if point.nodeid in again}
        rows, points = [], []
        for row in self.rows:
            kept = {int(shots) for shots, nodeid in row["nodeids"].items() if nodeid not in again}
            if not kept:
                continue
            found = self.points_of(row)
            if len(kept) == len(row["nodeids"]) and identity_of(row) not in partly:
                rows.append((row, found))
            else:
                points += [point for point in found if point.shots in kept]
        return Standing(tuple(rows), tuple(points))


def identity_of(row: Mapping[str, Any]) -> str:
    """What tells the row from others of its run; see :func:`~pytest_qbench.report.rows.identity`."""
    return identity(row["backend"], row["node"], row["instance"], row["params"])


def ladder_of(point: PlannedPoint) -> str:
    """The same for the ladder of a planned point."""
    return identity(point.backend, node_of(point.nodeid), point.instance, point.params)


def _environment(folder: Path) -> dict[str, Any]:
    path = folder / "environment.json"
    try:
        value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ReportError(f"cannot read {path}: {error}") from error
    return value
