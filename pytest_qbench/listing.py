"""Lists of cases for people: ``--qbench-list-cases``, and what a selection left out."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import pytest

from pytest_qbench.cases import STANDARD_MAX_QUBITS
from pytest_qbench.circuit_names import nearest, unmatched
from pytest_qbench.plan import CORE_TAG, is_of_kind, is_selected, plan_instances, plan_points
from pytest_qbench.report.text import count, table

if TYPE_CHECKING:
    from pytest_qbench.cases import CircuitCase
    from pytest_qbench.settings import Settings


def case_table(cases: Iterable[CircuitCase], settings: Settings) -> list[str]:
    """One line per selected case: name, sizes, number of instances, tags, and what it is."""
    rows = [("case", "qubits", "instances", "tags", "")]
    total = points = 0
    for case in sorted(cases, key=lambda case: case.name):
        instances = plan_instances(case, settings)
        if not instances:
            continue
        total += len(instances)
        points += len(plan_points(case, settings))
        sizes = _numbers(sorted({instance.n_qubits for instance in instances}))
        summary = (inspect.getdoc(case.builder) or "").partition("\n")[0]
        rows.append((case.name, sizes, str(len(instances)), " ".join(sorted(case.tags)), summary))
    return [
        *table(rows, "<<><<"),
        "",
        f"{count(len(rows) - 1, 'case')}, {count(total, 'instance')}, {count(points, 'point')}",
    ]


_MOST_NAMED = 4


def unmatched_sizes(cases: Iterable[CircuitCase], settings: Settings) -> list[str]:
    """A line on the selected cases that have none of the sizes asked for: they would vanish silently."""
    if settings.qubits is None:
        return []
    missing = [
        f"{case.name} (takes {valid_sizes(case)})"
        for case in cases
        if is_selected(case, settings) and not plan_instances(case, settings)
    ]
    if not missing:
        return []
    if len(missing) > _MOST_NAMED:
        missing = [*missing[:_MOST_NAMED], f"and {len(missing) - _MOST_NAMED} more (--qbench-list-cases)"]
    return [f"qbench: no size of --qbench-qubits={_numbers(settings.qubits)} suits {', '.join(missing)}"]


def unmatched_depths(cases: Iterable[CircuitCase], settings: Settings) -> list[str]:
    """A line where depths are asked for and no selected case takes one."""
    if settings.depth is None or any(is_selected(case, settings) and "depth" in case.sweeps for case in cases):
        return []
    return [f"qbench: no chosen case takes a depth: --qbench-depth={_numbers(settings.depth)} changes nothing"]


def nothing_selected(
    cases: Sequence[CircuitCase], settings: Settings, where: Sequence[str], builtin: bool
) -> list[str]:
    """A line for a session that found cases and selected none of them: how many were left out by what.

    Args:
        cases: every case that was found.
        settings: of the session.
        where: the folders and files they are in.
        builtin: whether the built-in suite is among them.
    """
    if not settings.active or not cases:
        return []
    # Beside cases of the kind that was asked for, the others are no part of the question.
    counted = [case for case in cases if is_of_kind(case, settings)] or list(cases)
    groups: dict[str, int] = {}
    for case in counted:
        reason = _why_left_out(case, settings)
        groups[reason] = groups.get(reason, 0) + 1
    reasons = "; ".join(f"{number} {reason}" for reason, number in groups.items())
    places = " and ".join([*where, *(["the built-in suite"] if builtin else [])])
    found = f"{count(len(counted), 'case')} found{f' in {places}' if places else ''}"
    hint = "--qbench-list-cases lists them" if builtin else "--qbench-cases=builtin takes the built-in suite"
    return [f"qbench: nothing to measure: {found}: {reasons} ({hint})"]


def instead_of_own(cases: Sequence[CircuitCase], settings: Settings, where: Sequence[str]) -> list[str]:
    """A line for a session that measures the built-in suite, as none of the project's own cases is what it wants."""
    wanted = f"tagged {CORE_TAG!r}" if settings.gradients is None else "of gradients"
    if not any(is_of_kind(case, settings) for case in cases):
        wanted = "of circuits" if settings.gradients is None else "of gradients"
    found = f"{' and '.join(where)} ({count(len(cases), 'case')})"
    return [f"qbench: nothing in {found} is {wanted}: the built-in suite instead"]


def taken_from_builtin(words: Sequence[str], where: Sequence[str]) -> list[str]:
    """A line for circuits that are named and are not among the project's own."""
    verb = "is" if len(words) == 1 else "are"
    return [f"qbench: {', '.join(words)} {verb} not in {' and '.join(where)}: taken from the built-in suite"]


def refuse_unknown_circuits(cases: Iterable[CircuitCase], settings: Settings) -> None:
    """Refuse circuits that are named and are not among all the collected cases.

    Raises:
        pytest.UsageError: there are such.
    """
    known = [case.name for case in cases if is_of_kind(case, settings)]
    unknown = unmatched(settings.circuits, known)
    if unknown:
        word = unknown[0]
        hint = nearest(word, known) or f"; there is {', '.join(sorted(known)) or 'none'}"
        raise pytest.UsageError(
            f"{settings.circuits_origin}: there is no circuit {word!r}{hint} (see --qbench-list-cases)"
        )


def refuse_unknown_observables(cases: Iterable[CircuitCase], settings: Settings) -> None:
    """Refuse an observable that is asked for by name and that none of the collected cases has.

    One that some of the cases have, for these and no others, is theirs to tell apart.

    Raises:
        pytest.UsageError: there is such an observable.
    """
    asked = settings.gradients and settings.gradients.observables
    if not asked:
        return
    from pytest_qbench.gradients.cases import GradientCase

    chosen = [case for case in cases if isinstance(case, GradientCase) and is_selected(case, settings)]
    known = {name for case in chosen for name in case.observables}
    for word in asked:
        if known and word not in known:
            hint = nearest(word, sorted(known))
            raise pytest.UsageError(
                f"--qbench-observable={','.join(asked)}: no case has the observable {word!r}{hint}; "
                f"there are {', '.join(sorted(known))}"
            )


def _why_left_out(case: CircuitCase, settings: Settings) -> str:
    if not is_of_kind(case, settings):
        if settings.gradients is None:
            return "for gradients, which --qbench-gradients measures"
        return "for circuits; --qbench-gradients wants gradient cases"
    if settings.circuits and not is_selected(case, settings):
        return f"not named by {settings.circuits_origin}"
    if not is_selected(case, settings):
        return f"not tagged {CORE_TAG!r}, which the core suite wants"
    if not plan_instances(case, settings):
        if settings.qubits is not None:
            return f"of no size of --qbench-qubits={_numbers(settings.qubits)}"
        return f"only above {STANDARD_MAX_QUBITS} qubits, which --qbench-suite=full measures"
    return "deselected by -k, -m or the like"


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
