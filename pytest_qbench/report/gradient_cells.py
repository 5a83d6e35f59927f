"""Cells and tables for the gradient scenarios: ratios with intervals, parts of a time, tables that fit a width."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from pytest_qbench.gradients.attribution import PathTimes, Ratio, over_floor
from pytest_qbench.gradients.split import Part
from pytest_qbench.report.gradient_rows import Result, split_of
from pytest_qbench.report.spread import is_noisy, marked
from pytest_qbench.report.text import Line, count, distinct_labels, format_ratio, format_seconds, joined, titled_table
from pytest_qbench.results import Status

_GAP = 2
_LABEL = 26


def path_times(result: Result, n_samples: int) -> PathTimes:
    """What a path did at that number of samples; it passed where its time counts."""
    row = result.row
    passed = n_samples in result.seconds
    status = (row.get("point_status") or {}).get(str(n_samples)) or row["status"]
    if not passed and status == Status.PASS:
        # The row as a whole is wrong, or there is no time at this number of samples.
        status = Status.FAIL if row.get("correct") is False else Status.ABORT
    return PathTimes(
        path=result.path,
        rounds_s=tuple(result.number("rounds_s", n_samples)) if passed else (),
        evaluations=result.number("evaluations", n_samples),
        n_samples=n_samples,
        precision=row.get("precision"),
        threads=row.get("threads"),
        n_nonzero=result.number("n_nonzero", n_samples),
        status=str(status),
        reason="; ".join(error["reason"] for error in row.get("errors") or ()),
        split=result.number("split_s", n_samples),
    )


def ratio_text(ratio: Ratio) -> str:
    """``3.81x (3.75-3.90)``, or ``3.81x (1 round)`` where that is not enough for an interval.

    A star marks an interval of single evaluations.
    """
    if ratio.low is None or ratio.high is None:
        return f"{format_ratio(ratio.value)} ({count(ratio.rounds, 'round')})"
    low, high = (format_ratio(bound).removesuffix("x") for bound in (ratio.low, ratio.high))
    return f"{format_ratio(ratio.value)} ({low}-{high}{'*' if ratio.of_evaluations else ''})"


def floor_texts(result: Result, n_samples: int) -> tuple[str, str] | None:
    """The ratio of a path's time to what its memory traffic takes, and what is to be known of that time.

    Where the floor is less than what a run of empty circuits costs, its calls and not the memory bound the path: the
    text says so. None where there is no floor.
    """
    floor_s = result.number("floor_s", n_samples)
    if not floor_s or n_samples not in result.seconds:
        return None
    times, split = path_times(result, n_samples), split_of(result, n_samples)
    about = f"floor {format_seconds(floor_s)}"
    empty = split.framework if split else None
    if empty and (empty.seconds if empty.low is None else empty.low) > floor_s:
        about += f", less than the {format_seconds(empty.seconds)} of its calls with empty circuits: no limit here"
    return ratio_text(over_floor(times, floor_s)), about


def ratio_mark(before: PathTimes, path: PathTimes) -> str:
    """The mark of a ratio of two times of which one is noisy, else nothing."""
    return marked("", any(is_noisy(times.rounds_s) for times in (before, path)))


def part_text(part: Part | None) -> str:
    """``12.3 ms ± 400 us``, or why there is no such figure.

    The wider side of the interval counts; where that would reach zero although the interval does not, its ends are
    shown: ``20.0 us to 1.50 ms``.
    """
    if part is None:
        return "not measured"
    if part.low is None or part.high is None:
        return f"{_signed(part.seconds)} (few rounds)"
    if not part.resolved:
        return "not resolved"
    margin = max(part.high - part.seconds, part.seconds - part.low)
    if margin >= abs(part.seconds):
        return f"{_signed(part.low)} to {_signed(part.high)}"
    return f"{_signed(part.seconds)} ± {format_seconds(margin)}"


def rate_text(value: float) -> str:
    """Three digits, or all before the point."""
    return format_ratio(value).removesuffix("x")


def fitting_tables(rows: Sequence[Sequence[str]], align: str, width: int, n_keys: int) -> list[Line]:
    """One table, or several so that all fit into ``width``, each beginning with the first ``n_keys`` columns.

    The first row is the title; ``align`` has one of ``<`` and ``>`` per column. The first column has labels, which are
    the same in all tables: where there are several, they take the room that the other columns leave.
    """
    sizes = [max(len(row[column]) for row in rows) + _GAP for column in range(len(align))]
    if sum(sizes) - _GAP > width:
        sizes[0] = min(sizes[0], _LABEL + _GAP)
    keys = list(range(n_keys))
    groups: list[list[int]] = [[]]
    for column in range(n_keys, len(align)):
        used = sum(sizes[other] for other in (*keys, *groups[-1])) - _GAP
        if groups[-1] and used + sizes[column] > width:
            groups.append([])
        groups[-1].append(column)
    rest = max(sum(sizes[column] for column in (*keys[1:], *group)) for group in groups)
    labels = distinct_labels([row[0] for row in rows], max(width - rest, _LABEL))
    rows = [[labels[row[0]], *row[1:]] for row in rows]
    tables = []
    for group in groups:
        chosen = [*keys, *group]
        part = [[row[column] for column in chosen] for row in rows]
        tables.append(titled_table(part, "".join(align[column] for column in chosen)))
    return joined(tables)


def path_tables(rows: Sequence[Sequence[str]], align: str, width: int) -> list[Line]:
    """:func:`fitting_tables` of rows that begin with a path and a number of samples.

    Where all have the same number, it is in the title and has no column. Nor has what all cells lack (``-``).
    """
    known = [column for column in range(len(align)) if any(row[column] != "-" for row in rows[1:])]
    rows, align = [[row[column] for column in known] for row in rows], "".join(align[column] for column in known)
    (name, _, *titles), *cells = rows
    numbers = {row[1] for row in cells}
    if len(numbers) != 1:
        return fitting_tables(rows, align, width, n_keys=2)
    title = [f"{name} at {count(int(numbers.pop()), 'sample')}", *titles]
    return fitting_tables([title, *([row[0], *row[2:]] for row in cells)], align[0] + align[2:], width, n_keys=1)


def wrapped(text: str, width: int, indent: str = "") -> list[Line]:
    """``text`` in lines of at most ``width`` columns, from the second on with ``indent`` before them."""
    return [(line, {}) for line in textwrap.wrap(text, width, subsequent_indent=indent, break_on_hyphens=False)]


def _signed(seconds: float) -> str:
    return f"{'-' if seconds < 0 else ''}{format_seconds(abs(seconds))}"
