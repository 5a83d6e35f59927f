"""The tables that put backends side by side, for the terminal."""

from __future__ import annotations

import textwrap

from pytest_qbench.report.case_tables import STATE_WORDS, case_tables
from pytest_qbench.report.cells import State
from pytest_qbench.report.comparison import Comparison, aggregate
from pytest_qbench.report.overview import different_hardware, different_programs, mean_lines, overview_lines
from pytest_qbench.report.pair_tables import pair_lines
from pytest_qbench.report.text import Line, fit_labels, joined, titled_table

_MANY = 4
"""Backends from which on they have a line each in the tables of means, instead of a table each."""


def side_by_side_lines(comparison: Comparison, width: int) -> list[Line]:
    """Times per case, geometric means and coverage; nothing with a single backend.

    With more backends than fit into ``width`` columns there are several tables, the baseline in each. With many, the
    means have one table for all, a line per backend.
    """
    if not comparison.pairs:
        return []
    comparable = [pair for pair in comparison.pairs if aggregate(pair.warm).aborts_at_timeout.cells]
    many = len(comparison.backends) >= _MANY
    blocks = case_tables(comparable, comparison, width, with_ratios=not many)
    if many:
        blocks.append(overview_lines(comparison, width))
        if comparable:
            notes = [*different_programs(comparable), *different_hardware(comparable)]
            blocks.append([*mean_lines(comparison, comparable, width), *notes])
    else:
        blocks += [pair_lines(pair, width) for pair in comparable]
    blocks += [_baseline_note(comparison, width), _coverage_table(comparison, width)]
    return joined(blocks)


def _baseline_note(comparison: Comparison, width: int) -> list[Line]:
    """Why there are no ratios, where the baseline has no times and others have."""
    baseline, *others = comparison.backends
    completed = {backend: coverage["completed"] for backend, coverage in comparison.coverage.items()}
    if completed[baseline] or not any(completed[backend] for backend in others):
        return []
    text = f"no ratios: {baseline}, named first, has no times; name a backend first that has some"
    return [(line, {}) for line in textwrap.wrap(text, width)]


def _coverage_table(comparison: Comparison, width: int) -> list[Line]:
    """Cells per backend: completed of planned, and what became of the others where there are any."""
    coverages = comparison.coverage
    others = [
        state
        for state in State
        if state is not State.COMPLETED and any(coverage[state.value] for coverage in coverages.values())
    ]
    columns = ["completed", "planned", " share", *(STATE_WORDS[state] for state in others)]
    rows = [["coverage", *columns]]
    for backend, coverage in coverages.items():
        share = "-" if coverage["fraction"] is None else f"{100 * coverage['fraction']:.1f}%"
        counts = [str(coverage[state.value] or "-") for state in others]
        rows.append([backend, str(coverage["completed"]), str(coverage["planned"]), share, *counts])
    return titled_table(fit_labels(rows, 0, width), "<" + ">" * (len(rows[0]) - 1))
