"""The table of means of two backends, and what a reader must know before trusting it; for the terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Sequence

from pytest_qbench.report.comparison import Mean, Pair, PairCell, aggregate, by_shots
from pytest_qbench.report.noises import SEVERAL, by_noise, noise_name
from pytest_qbench.report.overview import different_hardware, different_programs, mixed_note
from pytest_qbench.report.text import BOLD, Line, count, format_ratio, table, titled_table


def pair_lines(pair: Pair, width: int) -> list[Line]:
    """The geometric means of one backend's ratios to the baseline, and notes on them."""
    return [*_mean_table(pair, width), *_note_lines(pair, width)]


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
        return [(line, {"yellow": True}) for line in textwrap.wrap(note, width, break_on_hyphens=False)]
    if pair.several_noises:
        for noise, cells in by_noise(pair.warm).items():
            add(noise_name(noise), cells, _with_aborts)
        for noise, cells in by_noise(pair.cold).items():
            add(f"cold, {noise_name(noise)}", cells, _with_aborts)
    else:
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
    title = textwrap.wrap(f"geometric mean of {pair.other} / {pair.baseline}", width, break_on_hyphens=False)
    return [*((line, BOLD) for line in title), *titled_table(rows, align)]


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
    if pair.several_noises:
        notes = f"{SEVERAL} An abort is counted at the timeout. {notes}"
    if total.both_aborted:
        notes += f" {count(total.both_aborted, 'cell')} left out because both aborted or were wrong."
    unrelated = total.not_compared - pair.different_programs - pair.different_hardware
    if unrelated:
        notes += f" {count(unrelated, 'cell')} not compared: not run, or not supported by both."
    lines: list[Line] = [(line, {}) for line in textwrap.wrap(notes, width)]
    for field, values in pair.differences.items():
        sides = " and ".join(f"{', '.join(map(str, values[side]))} ({side})" for side in values)
        note = f"not like with like: {field} {sides}"
        lines += [(line, {"yellow": True}) for line in textwrap.wrap(note, width)]
    return [*lines, *different_programs([pair]), *different_hardware([pair])]
