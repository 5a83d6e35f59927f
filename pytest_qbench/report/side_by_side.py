"""The tables that put backends side by side, for the terminal."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import product

from pytest_qbench.report.cells import CaseKey, Cell, State
from pytest_qbench.report.comparison import Comparison, Mean, Pair, PairCell, aggregate, by_shots
from pytest_qbench.report.overview import mean_lines, mixed_note, overview_lines
from pytest_qbench.report.spread import marked
from pytest_qbench.report.text import (
    BOLD,
    Line,
    count,
    format_ratio,
    format_seconds,
    joined,
    named_values,
    shorten,
    table,
    titled_table,
)

# The widest that the case, the largest instance and a label may be: where there is room, and where there is not.
_WIDE, _NARROW = (26, 14, 20), (22, 12, 10)

_MANY = 4
"""Backends from which on they have a line each in the tables of means, instead of a table each."""

_STATE_WORDS = {
    State.WRONG: "FAIL",
    State.ABORTED: "ABORT",
    State.UNSUPPORTED: "unsup.",
    State.UNAVAILABLE: "unavail.",
    State.MISSING: "not run",
}


def side_by_side_lines(comparison: Comparison, width: int) -> list[Line]:
    """Times per case, geometric means and coverage; nothing with a single backend.

    With more backends than fit into ``width`` columns there are several tables, the baseline in each. With many, the
    means have one table for all, a line per backend.
    """
    if not comparison.pairs:
        return []
    comparable = [pair for pair in comparison.pairs if aggregate(pair.warm).aborts_at_timeout.cells]
    blocks = _case_tables(comparable, comparison, width)
    if len(comparison.backends) >= _MANY:
        blocks.append(overview_lines(comparison, width))
        if comparable:
            blocks.append([*mean_lines(comparison, comparable, width), *_different_programs(comparable)])
    else:
        blocks += [[*_mean_table(pair, width), *_note_lines(pair, width)] for pair in comparable]
    blocks.append(_coverage_table(comparison, width))
    return joined(blocks)


def _case_tables(pairs: Sequence[Pair], comparison: Comparison, width: int) -> list[list[Line]]:
    """As many tables as it takes, with what their columns mean under the last; of many backends the times only."""
    blocks: list[list[Line]] = []
    largest = _largest_places(pairs)
    rest = list(pairs)
    with_ratios = len(comparison.backends) < _MANY
    while rest:
        for number, limits in product(range(len(rest), 0, -1), (_WIDE, _NARROW)):
            cases = _case_rows(rest[:number], largest, limits, with_ratios)
            title = _case_title(rest[:number], comparison, limits, with_ratios)
            lines = titled_table([*title, *cases], "<<" + ">" * (len(title[0]) - 2))
            if max(len(text) for text, _ in lines) <= width:
                break
        left_out = len(largest) - len(cases)
        if left_out:
            lines.append((f"left out: {count(left_out, 'case')} without anything to compare", {}))
        blocks.append(lines)
        rest = rest[number:]
    if blocks:
        highest = {shots for _, shots in largest.values()}
        at = f"at {count(highest.pop(), 'shot')}" if len(highest) == 1 else "at its highest shots"
        legend = f"Medians of the largest instance {at}."
        if with_ratios:
            legend += (
                f" ratio: to {pairs[0].baseline}, which is faster where it is above 1. all: geometric mean of the "
                "ratios over all sizes and shots, an abort counted at the timeout."
            )
        blocks[-1] += [(line, {}) for line in textwrap.wrap(legend, width)]
    return blocks


def _case_title(
    pairs: Sequence[Pair], comparison: Comparison, limits: tuple[int, int, int], with_ratios: bool
) -> list[list[str]]:
    """The title of the columns, and under it the precision and method behind each."""
    label_width = limits[2]
    rows = [["case", "largest"], ["", "precision"], ["", "method"]]
    for number, backend in enumerate([pairs[0].baseline, *(pair.other for pair in pairs)]):
        about = comparison.about[backend]
        said = [backend, *(", ".join(about[field]) or "-" for field in ("precision", "method"))]
        beside = [["ratio", "all"], ["", ""], ["", ""]] if with_ratios and number else [[], [], []]
        for row, text, more in zip(rows, said, beside, strict=True):
            row += [shorten(text, label_width), *more]
    return rows


def _largest_places(pairs: Sequence[Pair]) -> dict[str, tuple[CaseKey, int]]:
    """Case -> its largest instance and highest shots, among what any backend ran if there is some."""
    ranks: dict[str, tuple[bool, int, int]] = {}
    places: dict[str, tuple[CaseKey, int]] = {}
    for pair in pairs:
        for cell in pair.warm:
            ran = not cell.baseline.state is cell.other.state is State.MISSING
            rank = (ran, cell.key.n_qubits, cell.shots)
            if rank >= ranks.get(cell.key.case, rank):
                ranks[cell.key.case] = rank
                places[cell.key.case] = cell.key, cell.shots
    return places


def _case_rows(
    pairs: Sequence[Pair],
    largest: Mapping[str, tuple[CaseKey, int]],
    limits: tuple[int, int, int],
    with_ratios: bool,
) -> list[list[str]]:
    """A row per case that has something to compare in ``pairs``."""
    case_width, largest_width, _ = limits
    cells = [{(cell.key, cell.shots): cell for cell in pair.warm} for pair in pairs]
    rows = []
    for case, place in largest.items():
        means = [_with_aborts(cell for cell in pair.warm if cell.key.case == case) for pair in pairs]
        if not any(mean.cells for mean in means):
            continue
        key, _ = place
        given = " ".join(named_values(json.loads(key.params), json.loads(key.noise)))
        row = [shorten(case, case_width), shorten(f"{key.n_qubits}q {given}", largest_width)]
        here = [of_pair.get(place) for of_pair in cells]
        row.append(next((_time(cell.baseline) for cell in here if cell), "-"))
        for pair, cell, mean in zip(pairs, here, means, strict=True):
            row.append(_time(cell.other) if cell else "-")
            if with_ratios:
                ratio = cell.ratio if cell else None
                row.append(marked(format_ratio(ratio.value, ratio.bound), cell.noisy) if cell and ratio else "-")
                row.append(format_ratio(mean.geomean) if pair.averaged else "-")
        rows.append(row)
    return rows


def _mean_table(pair: Pair, width: int) -> list[Line]:
    """Geometric means per shots and over all, for all cells and for kinds, warm and cold."""
    shots = list(by_shots(pair.warm))
    rows = [["by shots", *map(str, shots), "all", "cells", "faster"]]

    def add(name: str, cells: Sequence[PairCell], mean_of: Callable[[Iterable[PairCell]], Mean]) -> None:
        overall = mean_of(cells)
        if overall.cells:
            groups = by_shots(cells)
            means = [mean_of(groups.get(number, [])) for number in shots]
            ratios = [format_ratio(mean.geomean) for mean in [*means, overall]]
            faster = f"{overall.baseline_faster}:{overall.baseline_slower}"
            rows.append([name, *ratios, str(overall.cells), faster])

    if not pair.averaged:
        note = mixed_note(pair.baseline, [pair.other])
        return [(line, {"yellow": True}) for line in textwrap.wrap(note, width)]
    add("both completed", pair.warm, _completed)
    if _with_aborts(pair.warm).cells > _completed(pair.warm).cells:
        add("aborts at timeout", pair.warm, _with_aborts)
    kinds = sorted({cell.kind for cell in pair.warm if cell.kind}, reverse=True)
    if len(kinds) > 1:
        for kind in kinds:
            add(f"  {kind}", [cell for cell in pair.warm if cell.kind == kind], _with_aborts)
    add("cold", pair.cold, _with_aborts)
    align = "<" + ">" * (len(rows[0]) - 1)
    if max(len(line) for line in table(rows, align)) > width:
        rows, align = [[row[0], *row[-3:]] for row in rows], "<>>>"
    title = shorten(f"geometric mean of {pair.other} / {pair.baseline}", width)
    return [(title, BOLD), *titled_table(rows, align)]


def _completed(cells: Iterable[PairCell]) -> Mean:
    return aggregate(cells).completed


def _with_aborts(cells: Iterable[PairCell]) -> Mean:
    return aggregate(cells).aborts_at_timeout


def _note_lines(pair: Pair, width: int) -> list[Line]:
    """What a reader must know before trusting the ratios."""
    total = aggregate(pair.warm)
    cold = {cell.shots for cell in pair.cold}
    at = count(cold.pop(), "shot") if len(cold) == 1 else "the shots of that call"
    notes = (
        f"cold: preparation and first call, at {at}. "
        f"faster: cells in which {pair.baseline} is the faster : the slower one."
    )
    if total.both_aborted:
        notes += f" {count(total.both_aborted, 'cell')} left out because both aborted or were wrong."
    unrelated = total.not_compared - pair.different_programs
    if unrelated:
        notes += f" {count(unrelated, 'cell')} not compared: not run, or not supported by both."
    lines: list[Line] = [(line, {}) for line in textwrap.wrap(notes, width)]
    for field, values in pair.differences.items():
        sides = " and ".join(f"{', '.join(map(str, values[side]))} ({side})" for side in values)
        note = f"not like with like: {field} {sides}"
        lines += [(line, {"yellow": True}) for line in textwrap.wrap(note, width)]
    return [*lines, *_different_programs([pair])]


def _different_programs(pairs: Iterable[Pair]) -> list[Line]:
    total = sum(pair.different_programs for pair in pairs)
    return [(f"{count(total, 'cell')} not compared: different programs ran", {"yellow": True})] if total else []


def _coverage_table(comparison: Comparison, width: int) -> list[Line]:
    """Cells per backend: completed of planned, and what became of the others where there are any."""
    coverages = comparison.coverage
    others = [
        state
        for state in State
        if state is not State.COMPLETED and any(coverage[state.value] for coverage in coverages.values())
    ]
    rows = [["coverage", "completed", "planned", "share", *(_STATE_WORDS[state] for state in others)]]
    for backend, coverage in coverages.items():
        share = "-" if coverage["fraction"] is None else f"{100 * coverage['fraction']:.1f}%"
        counts = [str(coverage[state.value] or "-") for state in others]
        label = shorten(backend, width - 68)
        rows.append([label, str(coverage["completed"]), str(coverage["planned"]), share, *counts])
    return titled_table(rows, "<" + ">" * (len(rows[0]) - 1))


def _time(cell: Cell) -> str:
    return _STATE_WORDS[cell.state] if cell.seconds is None else marked(format_seconds(cell.seconds), cell.noisy)
