"""``plan.json``: what a run was asked to do, written before anything is measured, so that it can be taken up again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_qbench.report.cells import PlannedPoint
from pytest_qbench.report.files import ReportError, dump_line, jsonable, reason_of, write_text

SCHEMA = 1
NAME = "plan.json"


@dataclass(frozen=True, slots=True)
class RunPlan:
    """What a run was asked to do.

    Attributes:
        command: the words of the command line behind ``pytest``, which a later session repeats.
        folder: the current directory, relative to pytest's rootdir.
        backends: the specs of the backends (or paths to gradients), ``all`` written out.
        settings: what decides how a point is measured, by name (JSON values).
        tests: node ids of the tests with the ``qbench`` fixture.
        points: every planned point, in the order of the run.
    """

    command: tuple[str, ...]
    folder: str
    backends: tuple[str, ...]
    settings: Mapping[str, Any]
    tests: tuple[str, ...]
    points: tuple[PlannedPoint, ...]


def write_plan(folder: Path, plan: RunPlan) -> None:
    """Write the plan of a run into its folder, in place of an older one.

    Raises:
        ReportError: it can't be written.
    """
    value = {
        "schema": SCHEMA,
        "command": plan.command,
        "folder": plan.folder,
        "backends": plan.backends,
        "settings": jsonable(plan.settings),
        "tests": plan.tests,
        "ladders": _ladders(plan.points),
    }
    write_text(folder / NAME, dump_line(value) + "\n")


def read_plan(folder: Path) -> RunPlan:
    """The plan of the run in ``folder``.

    Raises:
        ReportError: there is none, or it can't be read.
    """
    path = folder / NAME
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        return RunPlan(
            command=tuple(value["command"]),
            folder=value["folder"],
            backends=tuple(value["backends"]),
            settings=value["settings"],
            tests=tuple(value["tests"]),
            points=tuple(_points(value["ladders"])),
        )
    except FileNotFoundError:
        raise ReportError(
            f"{folder} has no {NAME}: an earlier version wrote it, or it was killed before anything was measured. "
            "What it was asked to do is not known: start a new run"
        ) from None
    except OSError as error:
        raise ReportError(f"cannot read {path}: {reason_of(error)}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ReportError(f"{path} is not the plan of a run: {error!r}") from error


def _ladders(points: Iterable[PlannedPoint]) -> list[dict[str, Any]]:
    """The points by ladder: what they share is written once, the node id up to its shots."""
    ladders: dict[tuple[str, str, str], dict[str, Any]] = {}
    for point in points:
        prefix = point.nodeid.removesuffix(f"{point.shots}]")
        key = (point.backend, point.instance, prefix)
        known = ladders.get(key)
        if known is None:
            known = ladders[key] = {
                "nodeid": prefix,
                "instance": point.instance,
                "backend": point.backend,
                "case": point.case,
                "n_qubits": point.n_qubits,
                "params": jsonable(point.params),
                "noise": jsonable(point.noise),
                "shots": [],
            }
        known["shots"].append(point.shots)
    return list(ladders.values())


def _points(ladders: Iterable[Mapping[str, Any]]) -> Iterator[PlannedPoint]:
    for ladder in ladders:
        shared = {key: value for key, value in ladder.items() if key not in ("nodeid", "shots")}
        for shots in ladder["shots"]:
            yield PlannedPoint(nodeid=f"{ladder['nodeid']}{shots}]", shots=shots, **shared)
