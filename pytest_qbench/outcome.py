"""From a point's verdict to pytest's outcome, report and colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pytest

from pytest_qbench.results import PointResult, Status

if TYPE_CHECKING:
    from pytest_qbench.report.cells import PlannedPoint

REPORT_KEY = "qbench"
"""The attribute of a ``TestReport`` that carries the point's result, also from an xdist worker."""

_PLAN_KEY = "qbench_plan"

_LETTERS = {
    Status.PASS: ("passed", ".", {"green": True}),
    Status.FAIL: ("failed", "F", {"red": True}),
    Status.ABORT: ("aborted", "A", {"red": True}),
    Status.UNSUPPORTED: ("unsupported", "U", {"yellow": True}),
    Status.UNAVAILABLE: ("unavailable", "N", {"yellow": True}),
}


def conclude(result: PointResult, strict: bool) -> None:
    """End the running item as its verdict says: return, fail, or (ABORT and the like) skip with the reason.

    Raises:
        pytest.fail.Exception, pytest.skip.Exception: see above.
    """
    if result.status is Status.PASS:
        return
    text = f"{result.status}: {result.reason}"
    if result.detail and result.detail != result.reason:
        text += f"\n{result.detail}"
    if result.status is Status.FAIL or strict:
        pytest.fail(text, pytrace=False)
    pytest.skip(f"{result.status}: {result.reason}")


def note_properties(item: pytest.Item, result: PointResult) -> None:
    """Put the verdict on the item, before its report is made: JUnit XML takes it from the reports that follow."""
    item.user_properties += [("qbench_status", str(result.status)), ("qbench_reason", result.reason)]


def attach(report: pytest.TestReport, result: PointResult, plan: Sequence[PlannedPoint] = ()) -> None:
    """Put the result on the report of its item, and with it the plan that an xdist controller waits for."""
    setattr(report, REPORT_KEY, result.to_json())
    if plan:
        setattr(report, _PLAN_KEY, [asdict(point) for point in plan])


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
