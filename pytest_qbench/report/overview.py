"""The tables of a run with many backends: a line per backend, where pairs of them would fill pages."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from itertools import chain

from pytest_qbench.report.comparison import Comparison, Pair, PairCell, aggregate, by_shots
from pytest_qbench.report.noises import SEVERAL, by_noise, noise_name
from pytest_qbench.report.text import Line, count, fit_labels, format_ratio, in_lines, room_for, titled_table

_LABEL = 18
_METHOD = 22
_NOISE = 14


def overview_lines(comparison: Comparison, width: int) -> list[Line]:
    """What every backend is, and how often it is the fastest."""
    fastest = _fastest(comparison)
    facts, methods = [["backend", "precision", "device", "threads", "fastest"]], ["method"]
    for backend in comparison.backends:
        about = comparison.about[backend]
        named = [_said(about[what]) for what in ("precision", "device", "threads")]
        facts.append([backend, *named, str(fastest.get(backend, 0) or "-")])
        methods.append(_said(about["method"]))
    facts = fit_labels(facts, 0, width - min(_METHOD, max(map(len, methods))) - 2, _LABEL)
    room = room_for([[*row, ""] for row in facts], len(facts[0]), width, _METHOD)
    rows = []
    for (label, precision, *others), method in zip(facts, methods, strict=True):
        # A method is prose, which goes on in the next line.
        first, *more = in_lines(method, room)
        rows += [[label, precision, first, *others], *(["", "", line, "", "", ""] for line in more)]
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
    rows = [[f"time / {baseline}", *of_means]]
    for pair in pairs:
        label = pair.other
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
    return [*titled_table(fit_labels(rows, 0, width, _LABEL), align), *_wrapped(legend, width), *_mixed(pairs, width)]


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
        f"not averaged, because it is in another precision than {baseline}: {', '.join(others)}. Name "
        "each backend in one precision, where it has that option (as aer[precision=single] and "
        "native[precision=single] do), or ask for the means all the same with --qbench-mixed-precision."
    )


def different_programs(pairs: Iterable[Pair]) -> list[Line]:
    """That cells were left out because the programs differ, where some were."""
    total = sum(pair.different_programs for pair in pairs)
    return [(f"{count(total, 'cell')} not compared: different programs ran", {"yellow": True})] if total else []


def different_hardware(pairs: Iterable[Pair]) -> list[Line]:
    """That cells were left out because they ran on machines that are not alike, where some were."""
    total = sum(pair.different_hardware for pair in pairs)
    note = "not compared: measured on machines that are not alike (--qbench-mixed-hosts compares them all the same)"
    return [(f"{count(total, 'cell')} {note}", {"yellow": True})] if total else []


def _mean(pair: Pair, cells: Iterable[PairCell]) -> str:
    if not pair.averaged:
        return "mixed"
    return format_ratio(aggregate(cells).aborts_at_timeout.geomean)


def _fastest(comparison: Comparison) -> dict[str, int]:
    """Backend -> the number of warm cells in which it is the fastest of those that completed, if two did."""
    times: dict[object, dict[str, float]] = {}
    for pair in comparison.pairs:
        for cell in pair.warm:
            if not cell.same_hardware:
                continue
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
