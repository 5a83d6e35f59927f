"""The tables of times per case, for the terminal: a column per backend, a row per case."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Mapping, Sequence
from itertools import product

from pytest_qbench.report.cells import CaseKey, Cell, State
from pytest_qbench.report.comparison import Comparison, Pair, aggregate
from pytest_qbench.report.noises import case_with_noise
from pytest_qbench.report.spread import marked
from pytest_qbench.report.text import (
    BOLD,
    Line,
    count,
    format_ratio,
    format_seconds,
    named_values,
    shorten,
    table,
)

# The widest that the case, the largest instance and a label may be: where there is room, and where there is not.
_WIDE, _NARROW = (30, 14, 20), (22, 12, 11)

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
        for number, limits in product(range(len(rest), 0, -1), (_WIDE, _NARROW)):
            cases = _case_rows(rest[:number], largest, limits, with_ratios)
            title = _case_title(rest[:number], comparison, limits, with_ratios)
            texts = table([*title, *cases], "<<" + ">" * (len(title[0]) - 2))
            lines: list[Line] = [(text, BOLD if row < len(title) - 2 else {}) for row, text in enumerate(texts)]
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
    """The title of the columns, in one line or two, and under it the precision and method behind each column."""
    label_width = limits[2]
    labels, rests = ["case", "largest"], ["", ""]
    precisions, methods = ["", "precision"], ["", "method"]
    for number, backend in enumerate([pairs[0].baseline, *(pair.other for pair in pairs)]):
        about = comparison.about[backend]
        label, rest = _in_two(backend, label_width)
        labels.append(label)
        rests.append(rest)
        precisions.append(shorten(", ".join(about["precision"]) or "-", label_width))
        methods.append(shorten(", ".join(about["method"]) or "-", label_width))
        if with_ratios and number:
            labels += ["ratio", "all"]
            for row in (rests, precisions, methods):
                row += ["", ""]
    return [labels, *([rests] if any(rests) else []), precisions, methods]


def _in_two(label: str, width: int) -> tuple[str, str]:
    """A label over two lines where it is too long for one, parted after a dot or the like: what tells it from others
    is often at its end."""
    if len(label) <= width:
        return label, ""
    ends = [match.end() for match in re.finditer(r"[.\-=/@]", label) if match.end() <= width]
    end = ends[-1] if ends else width
    return label[:end], shorten(label[end:], width)


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
    rows = []
    for case, place in largest.items():
        means = [
            aggregate(cell for cell in pair.warm if case_with_noise(cell.key) == case).aborts_at_timeout
            for pair in pairs
        ]
        if not any(mean.cells for mean in means):
            continue
        key, _ = place
        given = " ".join(named_values(json.loads(key.params)))
        row = [case_with_noise(key, case_width), shorten(f"{key.n_qubits}q {given}", largest_width)]
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
