"""What the terminal shows of the gradient scenarios: times and ratios, where the time goes, where a speed-up is from.

Every speed-up stands beside the best that PennyLane does here, and beside its attribution.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pytest_qbench.gradients.attribution import (
    BASELINE,
    Attribution,
    PathTimes,
    Step,
    attribute,
    best_pennylane,
    speedup,
)
from pytest_qbench.gradients.split import STAGES
from pytest_qbench.gradients.traits import changes, single_changes, traits_of
from pytest_qbench.report.gradient_cells import (
    floor_texts,
    part_text,
    path_tables,
    path_times,
    rate_text,
    ratio_mark,
    ratio_text,
    wrapped,
)
from pytest_qbench.report.gradient_rows import (
    SPLIT_IS_APART,
    Result,
    Scenario,
    by_samples,
    read,
    split_deviations,
    split_of,
)
from pytest_qbench.report.text import BOLD, Line, count, fit_labels, format_ratio, format_seconds, joined, titled_table

_MIN_WIDTH = 80
_LABEL, _WORDS = 24, 24


def gradient_lines(rows: Iterable[Mapping[str, Any]], width: int) -> list[Line]:
    """All tables, one scenario after the other; nothing without gradient rows.

    Args:
        rows: of ``results.jsonl``; those of other kinds are left out.
        width: columns of the terminal, 80 at least. Columns of a table that do not fit follow in a further one.
    """
    width = max(_MIN_WIDTH, width)
    return joined(_scenario_lines(scenario, results, width) for scenario, results in read(rows).items())


def attribution_of(results: Sequence[Result]) -> Attribution | None:
    """The attribution at the number of samples that most paths passed at, the largest of these; None without any."""
    sizes = [samples for result in results for samples in result.seconds]
    if not sizes:
        return None
    n_samples = max(sizes, key=lambda samples: (sizes.count(samples), samples))
    return attribute([path_times(result, n_samples) for result in results])


def _scenario_lines(scenario: Scenario, results: Sequence[Result], width: int) -> list[Line]:
    attribution = attribution_of(results)
    if attribution is None:
        tables: list[list[Line]] = [[("no path completed", {"yellow": True})]]
    else:
        tables = [
            _time_tables(results, width),
            _split_table(results, width),
            _step_table(attribution, results, width),
            _single_lines(attribution, width),
            _verdict_lines(attribution, results, width),
        ]
    heading, *further = tables
    return joined([_heading(scenario, results, width) + heading, _reason_lines(results, width), *further])


def _heading(scenario: Scenario, results: Sequence[Result], width: int) -> list[Line]:
    lines: list[Line] = [(line, BOLD) for line in textwrap.wrap(scenario.title, width)]
    data = next((result.row["dataset"] for result in results if isinstance(result.row.get("dataset"), dict)), None)
    if data:
        available, sha256 = data.get("n_available"), data.get("sha256")
        facts = [
            str(data.get("name")),
            "" if available is None else count(available, "row"),
            str(data.get("fitted") or ""),
            f"SHA-256 {sha256[:12]}" if sha256 else "",
        ]
        lines += wrapped(f"data: {', '.join(filter(None, facts))}", width)
    return lines


def _time_tables(results: Sequence[Result], width: int) -> list[Line]:
    """A row per number of samples and path, among those that passed, and what the columns mean."""
    title = ["path", "samples", "total", "samples/s", "over baseline", "over best", "nonzero", "precision", "threads"]
    rows = [[*title, "evaluations", "evaluations/s"]]
    best_at: dict[str, list[int]] = {}
    has_baseline = False
    for n_samples in _sizes(results):
        ran = [(result, path_times(result, n_samples)) for result in results if n_samples in result.seconds]
        paths = [path for _, path in ran]
        baseline = next((path for path in paths if path.path == BASELINE), None)
        best = best_pennylane(paths)
        has_baseline |= baseline is not None
        if best:
            best_at.setdefault(best.path, []).append(n_samples)
        for result, path in ran:
            nonzero, n_parameters = path.n_nonzero, result.row.get("n_parameters")
            evaluations = path.evaluations
            rows.append(
                [
                    path.path,
                    str(n_samples),
                    result.time_text(n_samples),
                    rate_text(n_samples / path.median_s),
                    _over(baseline, path),
                    _over(best, path),
                    "-" if nonzero is None else f"{nonzero}/{_or_dash(n_parameters)}",
                    _or_dash(path.precision),
                    _or_dash(path.threads),
                    _or_dash(evaluations),
                    "-" if evaluations is None else rate_text(evaluations / path.median_s),
                ]
            )
    lines = path_tables(rows, "<>>>>>><>>>", width)
    names = [name if len(best_at) == 1 else f"{name} ({_listed(at)} samples)" for name, at in best_at.items()]
    interval = (
        ", with the 95% interval of the rounds (*: of the single evaluations of one run, too long to be repeated, "
        "which knows nothing of drift between runs)"
    )
    legend = ["Medians."]
    if has_baseline:
        legend.append(f"over baseline: times faster than {BASELINE}{interval}.")
    else:
        was_chosen = any(result.path == BASELINE for result in results)
        legend.append(f"No ratio to the baseline: {BASELINE} {_absence(was_chosen)}.")
    if names:
        than = f"than the fastest path that is PennyLane alone, {', '.join(names)}"
        legend.append(f"over best: {than}." if has_baseline else f"over best: times faster {than}{interval}.")
    else:
        legend.append(f"No ratio to the best of PennyLane: {no_pennylane(results)}.")
    legend.append("nonzero: gradients that are not 0, of all parameters.")
    return lines + wrapped(" ".join(legend), width)


def _absence(was_chosen: bool) -> str:
    """Why a path has no time here."""
    return "did not complete" if was_chosen else "is not among the chosen paths"


def no_pennylane(results: Sequence[Result]) -> str:
    """Why no path that is PennyLane alone has a time here."""
    chosen = any(result.is_pennylane for result in results)
    return "none of its paths completed" if chosen else "none of its paths is among the chosen ones"


def _over(before: PathTimes | None, path: PathTimes) -> str:
    if before is None:
        return "-"
    return "1" if before is path else ratio_mark(before, path) + ratio_text(speedup(before, path))


def _reason_lines(results: Sequence[Result], width: int) -> list[Line]:
    """Why a path is not in the table, or not at every number of samples."""
    lines: list[Line] = []
    for result in results:
        row = result.row
        markup = {"red": True} if row.get("correct") is False else {"yellow": True}
        for error in row.get("errors") or ():
            at = f" at {_listed(error['shots'])} samples" if error["shots"] and result.seconds else ""
            head = f"{error['status'] or row['status']}  {result.path}{at}: "
            text = head + " ".join(error["reason"].split())
            lines += [(line, markup) for line in textwrap.wrap(text, width, subsequent_indent="    ", max_lines=4)]
    return lines


def _split_table(results: Sequence[Result], width: int) -> list[Line]:
    """Where the time goes, per path at the largest number of samples for which that was measured."""
    rows = [["parts of a run", "samples", *STAGES, "encode, 2nd way"]]
    disagreeing: list[str] = []
    negative = False
    for result in results:
        n_samples = max(by_samples(result.row.get("split_s")), default=0)
        split = split_of(result, n_samples) if n_samples in result.seconds else None
        if split is None:
            continue
        check = split.cross_check
        parts = [*split.stages().values(), check.encode if check else None]
        rows.append([result.path, str(n_samples), *map(part_text, parts)])
        negative |= any(part.resolved and part.seconds < 0 for part in parts if part)
        if check and check.agrees is False:
            disagreeing.append(f"{result.path} (by {format_seconds(abs(check.difference.seconds))})")
    if len(rows) == 1:
        return []
    legend = (
        "Differences between calls that differ by one stage, with the 95% bootstrap interval; not resolved: it spans "
        "zero. 2nd way: encoding and injection without a circuit, less injection. "
        f"{SPLIT_IS_APART}"
    )
    if negative:
        legend += " Negative: the two calls do not differ by that stage alone."
    if disagreeing:
        legend += f" The two ways to measure encoding disagree for {', '.join(disagreeing)}."
    doubt: list[Line] = [(line, {"yellow": True}) for line, _ in wrapped(split_deviations(results), width)]
    return path_tables(rows, "<>>>>>>", width) + wrapped(legend, width) + doubt


def _step_table(attribution: Attribution, results: Sequence[Result], width: int) -> list[Line]:
    """The steps from the baseline to the fastest path."""
    if attribution.baseline is None or attribution.whole is None:
        return []
    medians = {result.path: result.time_text(attribution.n_samples) for result in results}
    at = f"speed-up at {count(attribution.n_samples, 'sample')}"
    rows = [[at, "total", "factor"], [attribution.baseline, medians[attribution.baseline], ""]]
    for step in attribution.steps:
        rows.append([step.after, medians[step.after], ratio_text(step.ratio)])
    words = ["what changes", "", *map(_changes, attribution.steps)]
    rows = fit_labels(rows, 0, width - min(_WORDS, max(map(len, words))) - 2, _LABEL)
    left = max(width - sum(max(map(len, column)) + 2 for column in zip(*rows, strict=True)), 20)
    cells: list[list[str]] = []
    for row, text in zip(rows, words, strict=True):
        first, *more = textwrap.wrap(text, left) or [""]
        cells += [[*row, first], *(["", "", "", line] for line in more)]
    product = format_ratio(attribution.product)
    legend = (
        f"The factors multiply to {product}; measured from first to last: {ratio_text(attribution.whole)}. A factor "
        f"holds in this place of the order. Its interval is of the rounds, not of a drift between paths."
    )
    return titled_table(cells, "<>><") + wrapped(legend, width)


def _single_lines(attribution: Attribution, width: int) -> list[Line]:
    """Pairs of paths with one change between them that are no step."""
    ratios = [ratio_text(step.ratio) for step in attribution.beside]
    side = max(map(len, ratios), default=0)
    lines: list[Line] = []
    for step, ratio in zip(attribution.beside, ratios, strict=True):
        text = f"{ratio:>{side}}  {_changes(step)}: {step.after} over {step.before}"
        lines += wrapped(text, width, " " * (side + 2))
    title = f"one change at a time, at {count(attribution.n_samples, 'sample')}"
    return [(title, BOLD), *lines] if lines else []


def _changes(step: Step) -> str:
    unclear = step.ratio.low is not None and not step.ratio.resolved
    return ", ".join(step.changes) + (" (not resolved: the interval spans 1)" if unclear else "")


def _verdict_lines(attribution: Attribution, results: Sequence[Result], width: int) -> list[Line]:
    """What must stand beside every speed-up: the best PennyLane path, encoding once alone, the memory's floor."""
    at, best = count(attribution.n_samples, "sample"), attribution.best_pennylane
    if best is None:
        texts = [f"best PennyLane baseline: {no_pennylane(results)}"]
    elif attribution.over_best is None:
        texts = [f"best PennyLane baseline: {best}, the fastest path of all at {at}"]
    else:
        over = ratio_text(attribution.over_best)
        texts = [f"best PennyLane baseline: {best}; {attribution.fastest} over it at {at}: {over}"]
    texts += [*_encode_once_texts(results), *(text for result in results for text in _floor_text(result))]
    return [line for text in texts for line in wrapped(text, width, "    ")]


def _encode_once_texts(results: Sequence[Result]) -> list[str]:
    """The ratios of paths that differ in nothing but that one of them encodes once: QDP's whole effect."""
    by_path = {result.path: result for result in results}
    traits = {
        result.path: traits_of(result.path, result.row.get("precision"), result.row.get("threads"))
        for result in results
    }
    texts = []
    for before, after in single_changes(traits):
        every, once = by_path[before], by_path[after]
        both = sorted(once.seconds.keys() & every.seconds.keys())
        if both and changes(traits[before], traits[after]).keys() == {"encoding"}:
            ratios = [(speedup(path_times(every, n), path_times(once, n)), count(n, "sample")) for n in both]
            listed = ", ".join(f"{ratio_text(ratio)} at {samples}" for ratio, samples in ratios)
            texts.append(f"encoding once alone, {after} over {before}: {listed}")
    return texts


def _floor_text(result: Result) -> list[str]:
    found = {n: floor_texts(result, n) for n in by_samples(result.row.get("floor_s"))}
    ratios = [f"{texts[0]} at {count(n, 'sample')} ({texts[1]})" for n, texts in found.items() if texts]
    return [f"{result.path} over its memory-traffic floor: {', '.join(ratios)}"] if ratios else []


def _sizes(results: Iterable[Result]) -> list[int]:
    return sorted({samples for result in results for samples in result.seconds})


def _or_dash(value: object) -> str:
    return "-" if value is None else str(value)


def _listed(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, numbers))
