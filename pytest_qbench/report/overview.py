"""The tables of a run with many backends: a line per backend, where pairs of them would fill pages."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from itertools import chain

from pytest_qbench.report.comparison import Comparison, Pair, PairCell, aggregate, by_shots
from pytest_qbench.report.noises import SEVERAL, by_noise, noise_name
from pytest_qbench.report.text import Line, count, format_ratio, shorten, titled_table

_LABEL = 18
_NOISE = 14


def overview_lines(comparison: Comparison, width: int) -> list[Line]:
    """What every backend is, and how often it is the fastest."""
    fastest = _fastest(comparison)
    rows = [["backend", "precision", "method", "device", "threads", "fastest"]]
    for backend in comparison.backends:
        about = comparison.about[backend]
        rows.append(
            [
                shorten(backend, _LABEL),
                _said(about["precision"]),
                shorten(_said(about["method"]), width - 58),
                shorten(_said(about["device"]), 10),
                _said(about["threads"]),
                str(fastest.get(backend, 0) or "-"),
            ]
        )
    legend = "fastest: in how many cells (a case of one size at one number of shots) it took the least time."
    return [*titled_table(rows, "<<<<>>"), *_wrapped(legend, width)]


def mean_lines(comparison: Comparison, pairs: Sequence[Pair], width: int) -> list[Line]:
    """The geometric means of the ratios to the baseline: a line per backend, a column per number of shots."""
    shots = sorted({cell.shots for pair in pairs for cell in pair.warm})
    several = any(pair.several_noises for pair in pairs)
    # More columns than a terminal has: the lowest and highest say the most.
    room = max((width - _LABEL - 30 - _NOISE * several) // 8, 2)
    shown = shots if len(shots) <= room else [*shots[: room - 1], shots[-1]]
    baseline = comparison.backends[0]
    of_means = [*(["noise"] if several else []), *map(str, shown), "all", "cells", "cold"]
    rows = [[f"time / {shorten(baseline, _LABEL - 7)}", *of_means]]
    for pair in pairs:
        label = shorten(pair.other, _LABEL)
        if not several:
            rows.append([label, *_means(pair, pair.warm, pair.cold, shown)])
            continue
        cold = by_noise(pair.cold)
        for noise, warm in by_noise(pair.warm).items():
            if aggregate(warm).aborts_at_timeout.cells:
                rows.append([label, noise_name(noise), *_means(pair, warm, cold.get(noise, []), shown)])
                label = ""
    legend = (
        f"Geometric means of the ratios to {baseline}, which is faster where they are above 1, by shots and over all; "
        "an abort is counted at the timeout. cold: preparation and first call."
    )
    if several:
        legend = f"{SEVERAL} {legend}"
    align = "<<" if several else "<"
    align += ">" * (len(rows[0]) - len(align))
    return [*titled_table(rows, align), *_wrapped(legend, width), *_mixed(pairs, width)]


def _means(pair: Pair, warm: Sequence[PairCell], cold: Sequence[PairCell], shown: Sequence[int]) -> list[str]:
    """The means at the ``shown`` shots and over all, the number of cells, and the cold mean."""
    groups = by_shots(warm)
    here = [_mean(pair, groups.get(number, ())) for number in shown]
    return [*here, _mean(pair, warm), str(aggregate(warm).aborts_at_timeout.cells), _mean(pair, cold)]


def _mixed(pairs: Sequence[Pair], width: int) -> list[Line]:
    mixed = [pair.other for pair in pairs if not pair.averaged]
    if not mixed:
        return []
    return [
        (line, {"yellow": True})
        for line in textwrap.wrap(mixed_note(pairs[0].baseline, mixed), width, break_on_hyphens=False)
    ]


def mixed_note(baseline: str, others: Sequence[str]) -> str:
    """Why there is no mean of some backends, and what to do."""
    return (
        f"not averaged, because it is in another precision than {baseline}: {', '.join(others)}. Ask for one precision "
        "(precision=single), or for the means all the same with --qbench-mixed-precision."
    )


def different_programs(pairs: Iterable[Pair]) -> list[Line]:
    """That cells were left out because the programs differ, where some were."""
    total = sum(pair.different_programs for pair in pairs)
    return [(f"{count(total, 'cell')} not compared: different programs ran", {"yellow": True})] if total else []


def _mean(pair: Pair, cells: Iterable[PairCell]) -> str:
    if not pair.averaged:
        return "mixed"
    return format_ratio(aggregate(cells).aborts_at_timeout.geomean)


def _fastest(comparison: Comparison) -> dict[str, int]:
    """Backend -> the number of warm cells in which it is the fastest of those that completed, if two did."""
    times: dict[object, dict[str, float]] = {}
    for pair in comparison.pairs:
        for cell in pair.warm:
            here = times.setdefault((cell.key, cell.shots), {})
            for backend, side in ((pair.baseline, cell.baseline), (pair.other, cell.other)):
                if side.seconds is not None:
                    here[backend] = side.seconds
    winners = [min(here, key=here.__getitem__) for here in times.values() if len(here) > 1]
    return {backend: winners.count(backend) for backend in set(chain(winners))}


def _said(values: Sequence[object]) -> str:
    return ", ".join(map(str, values)) or "-"


def _wrapped(text: str, width: int) -> list[Line]:
    return [(line, {}) for line in textwrap.wrap(text, width)]
