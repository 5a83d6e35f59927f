"""The sections of the gradient report that look across scenarios: data sets, sizes, memory, and which path to take.

Nothing is estimated: where a figure was not measured, the cell says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from pytest_qbench.report.document import Block, Bullets, Code, Inline, Table, paragraph
from pytest_qbench.report.gradient_rows import (
    NOT_RUN,
    Family,
    Result,
    Scenario,
    Scenarios,
    common_size,
    families,
    fastest,
    find,
    format_bytes,
    known,
    sample_sizes,
    short_names,
)
from pytest_qbench.report.text import count, format_ratio, format_seconds


def dataset_impact(scenarios: Scenarios) -> list[Block]:
    """The data sets, and how the time depends on them where more than one was measured."""
    used: dict[tuple[str, ...], None] = {}
    groups: dict[tuple[Any, ...], dict[str, Sequence[Result]]] = {}
    for scenario, results in scenarios.items():
        family = scenario.family
        key = (scenario.n_qubits, family.case, family.params, family.encoding, family.observable)
        groups.setdefault(key, {})[family.dataset] = results
        for result in results:
            data = result.row.get("dataset")
            if isinstance(data, Mapping):
                sha256 = str(data.get("sha256") or "")[:16]
                available, fitted = known(data.get("n_available")), str(data.get("fitted") or "as they are")
                used[(str(data.get("name")), available, f"{scenario.n_qubits}", fitted, sha256 or NOT_RUN)] = None
    blocks: list[Block] = []
    if used:
        header = ("data set", "samples available", "qubits", "features", "SHA-256 (first digits)")
        blocks.append(Table(header, tuple(used), "<>><<"))
    compared = [group for group in groups.values() if len(group) > 1]
    if not compared:
        return [
            *blocks,
            paragraph(f"A comparison of data sets: {NOT_RUN}; each scenario was measured on a single one."),
        ]
    for group in compared:
        everything = [result for results in group.values() for result in results]
        samples = common_size(everything)
        if samples is None:
            continue
        caption = f"Total time for {count(samples, 'sample')}: {_without_dataset(everything[0].scenario)}."
        blocks.append(_by_path(("path", *group), group, partial(_cell_of, samples=samples), caption))
    return blocks


def scaling(scenarios: Scenarios) -> list[Block]:
    """Over qubits, and over samples."""
    blocks: list[Block] = []
    for family, sizes in families(scenarios).items():
        samples = common_size(result for results in sizes.values() for result in results) if len(sizes) > 1 else None
        if samples is not None:
            header = ("path", *(count(n_qubits, "qubit") for n_qubits in sizes))
            caption = f"Total time for {count(samples, 'sample')}: {family.title}."
            blocks.append(_by_path(header, sizes, partial(_cell_of, samples=samples), caption))
    if not blocks:
        blocks.append(paragraph(f"Over qubits: {NOT_RUN}; no scenario was measured at more than one number of qubits."))
    names = short_names(scenarios)
    rows = []
    for scenario, results in scenarios.items():
        for result in results:
            if len(result.seconds) > 1:
                low, high = min(result.seconds), max(result.seconds)
                each = [result.seconds[samples] / samples for samples in (low, high)]
                cells = (f"{low} to {high}", *map(format_seconds, each), format_ratio(each[0] / each[1]))
                rows.append((names[scenario], result.path, *cells))
    if not rows:
        return [*blocks, paragraph(f"Over samples: {NOT_RUN}; no path completed more than one number of samples.")]
    header = ("scenario", "path", "samples", "time per sample, fewest", "most", "gain")
    caption = "How much more samples at once help: a gain of 1 means that the time grows in proportion to the samples."
    return [*blocks, Table(header, tuple(rows), "<<>>>>", (caption,))]


def memory(scenarios: Scenarios) -> list[Block]:
    """The highest memory of each path, and how far that is above what it had before."""
    blocks: list[Block] = []
    for family, sizes in families(scenarios).items():
        if any(_memory_cell(result) != NOT_RUN for results in sizes.values() for result in results):
            header = ("path", *(count(n_qubits, "qubit") for n_qubits in sizes))
            caption = f"Highest resident memory of the worker, in brackets above what it had before: {family.title}."
            blocks.append(_by_path(header, sizes, _memory_cell, caption))
    return blocks or [paragraph(f"Memory: {NOT_RUN}.")]


def choices(scenarios: Scenarios) -> list[Block]:
    """Which path was best at what, in each scenario."""
    names = short_names(scenarios)
    rows = []
    winners = []
    for scenario, results in scenarios.items():
        samples = common_size(results)
        if samples is None:
            continue
        groups = (
            results,
            [result for result in results if result.shifts],
            [result for result in results if result.is_pennylane],
        )
        best = [fastest(group, samples) for group in groups]
        winners.append(best)
        least = min(
            (r for r in results if samples in r.seconds and _growth(r) is not None), key=_growth_of, default=None
        )
        lean = f"{least.path} ({format_bytes(_growth_of(least))})" if least else NOT_RUN
        cells = (f"{one.path} ({format_seconds(one.seconds[samples])})" if one else NOT_RUN for one in best)
        rows.append((names[scenario], str(samples), *cells, lean))
    if not rows:
        return [paragraph(f"Choice of a path: {NOT_RUN}; no path completed.")]
    header = (
        "scenario",
        "samples",
        "fastest",
        "fastest by parameter shifts",
        "fastest PennyLane path",
        "least additional memory",
    )
    needs = ("the gradients", "parameter shifts, as hardware does them,", "PennyLane alone")
    items = [_choice(need, [best[place] for best in winners]) for place, need in enumerate(needs)]
    caption = "Derived from the medians and the memory of this run, at the number of samples that most paths completed."
    return [Bullets(tuple(filter(None, items))), Table(header, tuple(rows), "<><<<<", (caption,))]


def not_completed(scenarios: Scenarios) -> list[Block]:
    """Every path that did not complete, with the reason it gave."""
    reasons: dict[tuple[str, str, str], list[Scenario]] = {}
    for scenario, results in scenarios.items():
        for result in results:
            for error in result.row.get("errors") or ():
                status = str(error.get("status") or result.row.get("status"))
                reasons.setdefault((result.path, status, str(error.get("reason"))), []).append(scenario)
    names = short_names(scenarios)
    if not reasons:
        return [paragraph("Every planned point completed.")]
    rows = tuple(
        (path, status, reason, names[where[0]] if len(where) == 1 else count(len(where), "scenario"))
        for (path, status, reason), where in reasons.items()
    )
    return [Table(("path", "verdict", "reason", "where"), rows, "<<<<")]


def _choice(need: str, best: Sequence[Result | None]) -> tuple[Inline, ...]:
    """What to take where ``need`` is all that counts, from the winners of all scenarios."""
    names = [result.path for result in best if result]
    if not names:
        return ()
    parts: list[Inline] = [f"For {need} as fast as possible: "]
    for number, name in enumerate(sorted(dict.fromkeys(names), key=names.count, reverse=True)):
        of_all = f" in {names.count(name)} of {count(len(best), 'scenario')}" if len(best) > 1 else ""
        parts += [", " if number else "", Code(name), of_all]
    return (*parts, ".")


def _by_path(
    header: tuple[str, ...],
    columns: Mapping[Any, Sequence[Result]],
    cell: Callable[[Result | None], str],
    caption: str,
) -> Table:
    paths = dict.fromkeys(result.path for results in columns.values() for result in results)
    rows = tuple((path, *(cell(find(results, path)) for results in columns.values())) for path in paths)
    return Table(header, rows, "<" + ">" * len(columns), (caption,))


def _cell_of(result: Result | None, samples: int) -> str:
    return result.time_text(samples) if result else NOT_RUN


def _memory_cell(result: Result | None) -> str:
    memory = (result.row.get("memory") or {}) if result and result.seconds else {}
    if memory.get("rss_peak") is None:
        return result.outcome(max(sample_sizes([result]), default=0)) if result and not result.seconds else NOT_RUN
    growth = _growth(result) if result else None
    text = format_bytes(memory["rss_peak"]) + (f" (+{format_bytes(growth)})" if growth is not None else "")
    device = memory.get("device_peak")
    return f"{text}, device {format_bytes(device)}" if device is not None else text


def _growth(result: Result) -> int | None:
    """Bytes of the highest memory above that before the first point."""
    memory = result.row.get("memory") or {}
    peak, before = memory.get("rss_peak"), memory.get("rss_before")
    return None if peak is None or before is None else max(peak - before, 0)


def _growth_of(result: Result) -> int:
    return _growth(result) or 0


def _without_dataset(scenario: Scenario) -> str:
    family = scenario.family
    neutral = Family(family.case, family.params, family.encoding, family.observable, "")
    return Scenario(neutral, scenario.n_qubits).title
