"""The tables of times per case, for the terminal: a column per backend, a row per case."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence
from itertools import product, zip_longest

from pytest_qbench.report.cells import CaseKey, Cell, State
from pytest_qbench.report.comparison import Comparison, Pair, aggregate
from pytest_qbench.report.noises import case_with_noise
from pytest_qbench.report.spread import marked
from pytest_qbench.report.text import (
    BOLD,
    Line,
    count,
    distinct_labels,
    format_ratio,
    format_seconds,
    in_lines,
    named_values,
    table,
)

# The widest that the case, the largest instance and a line of a label may be: where there is room, some, and little.
_LIMITS = ((80, 40, 20), (30, 14, 20), (20, 11, 12))

STATE_WORDS = {
    State.WRONG: "FAIL",
    State.ABORTED: "ABORT",
    State.UNSUPPORTED: "unsup.",
    State.UNAVAILABLE: "unavail.",
    State.MISSING: "not run",
}
"""What stands in the place of a time that there is not."""


def case_tables(pairs: Sequence[Pair], comparison: Comparison, width: int, *, with_ratios: bool) -> list[list[Line]]:
    """As many tables as it takes for ``pairs``, the baseline in each, with what their columns mean under the last.

    Without ``with_ratios`` there are the times only.
    """
    blocks: list[list[Line]] = []
    largest = _largest_places(pairs)
    rest = list(pairs)
    while rest:
        for number, limits in product(range(len(rest), 0, -1), _LIMITS):
            cases = _case_rows(rest[:number], largest, limits, with_ratios)
            title = _case_title(rest[:number], comparison, limits, with_ratios)
            texts = table([*title, *cases], "<<" + ">" * (len(title[0]) - 2))
            n_bold = next(row for row, cells in enumerate(title) if cells[1] == "precision")
            lines: list[Line] = [(text, BOLD if row < n_bold else {}) for row, text in enumerate(texts)]
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
    """The title of the columns, in as many lines as the labels need, under it the precision and method behind each."""
    columns: list[tuple[list[str], list[str], list[str]]] = [
        (["case"], [""], [""]),
        (["largest"], ["precision"], ["method"]),
    ]
    for number, backend in enumerate([pairs[0].baseline, *(pair.other for pair in pairs)]):
        about = comparison.about[backend]
        said = (", ".join(about[what]) or "-" for what in ("precision", "method"))
        label, precision, method = (in_lines(text, limits[2]) for text in (backend, *said))
        columns.append((label, precision, method))
        if with_ratios and number:
            columns += [(["ratio"], [""], [""]), (["all"], [""], [""])]
    return [list(cells) for lines in zip(*columns, strict=True) for cells in zip_longest(*lines, fillvalue="")]


def _largest_places(pairs: Sequence[Pair]) -> dict[str, tuple[CaseKey, int]]:
    """Case (and noise) -> its largest instance and highest shots, among what any backend ran if there is some."""
    ranks: dict[str, tuple[bool, int, int]] = {}
    places: dict[str, tuple[CaseKey, int]] = {}
    for pair in pairs:
        for cell in pair.warm:
            ran = not cell.baseline.state is cell.other.state is State.MISSING
            rank = (ran, cell.key.n_qubits, cell.shots)
            case = case_with_noise(cell.key)
            if rank >= ranks.get(case, rank):
                ranks[case] = rank
                places[case] = cell.key, cell.shots
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
    sizes = {
        case: " ".join([f"{key.n_qubits}q", *named_values(json.loads(key.params))])
        for case, (key, _) in largest.items()
    }
    case_labels = distinct_labels(largest, case_width)
    size_labels = distinct_labels(sizes.values(), largest_width)
    rows = []
    for case, place in largest.items():
        means = [
            aggregate(cell for cell in pair.warm if case_with_noise(cell.key) == case).aborts_at_timeout
            for pair in pairs
        ]
        if not any(mean.cells for mean in means):
            continue
        row = [case_labels[case], size_labels[sizes[case]]]
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


def _time(cell: Cell) -> str:
    return STATE_WORDS[cell.state] if cell.seconds is None else marked(format_seconds(cell.seconds), cell.noisy)
