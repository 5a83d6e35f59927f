"""From a point's verdict to pytest's outcome, report and colours."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pytest

from pytest_qbench.report.rows import node_of
from pytest_qbench.results import PointResult, Status

if TYPE_CHECKING:
    from pytest_qbench.report.cells import PlannedPoint

REPORT_KEY = "qbench"
"""The attribute of a ``TestReport`` that carries the point's result, also from an xdist worker."""

_PLAN_KEY = "qbench_plan"

_LETTERS = {
    Status.PASS: ("passed", ".", {"green": True}),
    Status.UNVERIFIED: ("unverified", "V", {"yellow": True}),
    Status.FAIL: ("failed", "F", {"red": True}),
    Status.ABORT: ("aborted", "A", {"red": True}),
    Status.UNSUPPORTED: ("unsupported", "U", {"yellow": True}),
    Status.UNAVAILABLE: ("unavailable", "N", {"yellow": True}),
}


def conclude(result: PointResult, strict: bool, shown: dict[tuple[str, str], str] | None = None) -> None:
    """End the running item as its verdict says: return (UNVERIFIED too), fail, or (ABORT and the like) skip with the
    reason.

    Args:
        result: of the item.
        strict: whether ABORT, UNVERIFIED and the like fail.
        shown: what cases raised -> the item that showed its traceback; others refer to that one.

    Raises:
        pytest.fail.Exception, pytest.skip.Exception: see above.
    """
    if result.status is Status.PASS or (result.status is Status.UNVERIFIED and not strict):
        return
    text = f"{result.status}: {result.reason}"
    detail = result.detail.removeprefix(result.reason).lstrip("\n")
    if result.fault and shown is not None:
        first = shown.setdefault((node_of(result.nodeid), result.fault), result.nodeid)
        if first != result.nodeid:
            text, detail = f"{text} (traceback: see {first})", ""
    if detail:
        text += f"\n{detail}"
    if result.status is Status.FAIL or strict:
        pytest.fail(text, pytrace=False)
    pytest.skip(f"{result.status}: {result.reason}")


def note_properties(item: pytest.Item, result: PointResult) -> None:
    """Put the verdict on the item, before its report is made: JUnit XML takes it from the reports that follow."""
    item.user_properties += [("qbench_status", str(result.status)), ("qbench_reason", result.reason)]


def attach(report: pytest.TestReport, result: PointResult, plan: Sequence[PlannedPoint] = ()) -> None:
    """Put the result on the report of its item, and with it the plan that an xdist controller waits for."""
    setattr(report, REPORT_KEY, result.to_json())
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is not None and result.status is not Status.PASS:
        crash.message = _in_short(result)
    if plan:
        setattr(report, _PLAN_KEY, [asdict(point) for point in plan])


def _in_short(result: PointResult) -> str:
    """What pytest's short summary says beside the verdict and the item, in what is left of a line."""
    if result.fault:
        return result.reason.partition(" raised ")[2]
    file = re.escape(result.nodeid.partition("::")[0])
    return re.sub(rf"^{file}:\d+: ", "", result.reason)


def result_of(report: Any) -> PointResult | None:
    """The result that a report carries."""
    value = getattr(report, REPORT_KEY, None)
    return None if value is None else PointResult.from_json(value)


def plan_of(report: Any) -> list[PlannedPoint]:
    """The plan that a report carries; mostly none."""
    values = getattr(report, _PLAN_KEY, None)
    if not values:
        return []
    from pytest_qbench.report.cells import PlannedPoint

    return [PlannedPoint(**value) for value in values]


def report_status(report: Any) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
    """pytest's category, letter and word for a report that carries a result; None leaves them to pytest."""
    value = getattr(report, REPORT_KEY, None)
    if value is None or hasattr(report, "wasxfail"):
        return None
    status = Status(value["status"])
    category, letter, markup = _LETTERS[status]
    if report.failed:
        category = "failed"  # strict: it counts as a failure and is shown as one
    return category, letter, (str(status), markup)
