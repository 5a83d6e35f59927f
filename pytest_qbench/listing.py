"""Lists of cases for people: ``--qbench-list-cases``, and what a selection left out."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from pytest_qbench.plan import is_selected, plan_instances
from pytest_qbench.report.text import table

if TYPE_CHECKING:
    from pytest_qbench.cases import CircuitCase
    from pytest_qbench.settings import Settings


def case_table(cases: Iterable[CircuitCase], settings: Settings) -> list[str]:
    """One line per selected case: name, sizes, number of instances, tags, and what it is."""
    rows = [("case", "qubits", "instances", "tags", "")]
    total = 0
    for case in sorted(cases, key=lambda case: case.name):
        instances = plan_instances(case, settings)
        if not instances:
            continue
        total += len(instances)
        sizes = _numbers(sorted({instance.n_qubits for instance in instances}))
        summary = (inspect.getdoc(case.builder) or "").partition("\n")[0]
        rows.append((case.name, sizes, str(len(instances)), " ".join(sorted(case.tags)), summary))
    points = total * len(settings.shots) * len(settings.backends)
    return [*table(rows, "<<><<"), "", f"{len(rows) - 1} cases, {total} instances, {points} points"]


def unmatched_sizes(cases: Iterable[CircuitCase], settings: Settings) -> list[str]:
    """A line on the selected cases that have none of the sizes asked for: they would vanish silently."""
    if settings.qubits is None:
        return []
    missing = [
        f"{case.name} (takes {valid_sizes(case)})"
        for case in cases
        if is_selected(case, settings) and not case.sizes(settings.qubits)
    ]
    if not missing:
        return []
    return [f"qbench: no size of --qbench-qubits={_numbers(settings.qubits)} suits {', '.join(missing)}"]


def nothing_selected(cases: Sequence[CircuitCase], settings: Settings) -> list[str]:
    """A line for a session that found cases and selected none of them."""
    if not settings.active or not cases:
        return []
    return [
        f"qbench: nothing to measure: the suite {settings.suite}, sizes, -k and -m select none of {len(cases)} cases "
        "(--qbench-list-cases lists what the suite and sizes leave, --qbench-cases=builtin takes the built-in suite)"
    ]


def valid_sizes(case: CircuitCase) -> str:
    """The sizes that may be asked for, where they can be told."""
    if isinstance(case.valid, (range, frozenset, set, list, tuple)):
        return _numbers(sorted(case.valid))
    return _numbers(case.n_qubits)


def _numbers(values: Sequence[int]) -> str:
    """``4,6,8``, or ``4:20:2`` for a longer even range."""
    steps = {b - a for a, b in itertools.pairwise(values)}
    if len(values) > 3 and len(steps) == 1:
        (step,) = steps
        return f"{values[0]}:{values[-1]}" + (f":{step}" if step > 1 else "")
    return ",".join(map(str, values))
