"""The sections of the gradient report about single scenarios: tables and sentences made of the rows of a run.

Nothing is estimated: where a figure was not measured, the cell says so.
"""

from __future__ import annotations

from collections.abc import Sequence

from pytest_qbench.gradients.attribution import BASELINE, Ratio, speedup
from pytest_qbench.gradients.split import STAGES, Part
from pytest_qbench.gradients.traits import changes, single_changes, traits_of
from pytest_qbench.report.document import Block, Bullets, Code, Paragraph, Table, paragraph
from pytest_qbench.report.gradient_cells import floor_texts, path_times, rate_text, ratio_text
from pytest_qbench.report.gradient_rows import (
    NOT_RUN,
    SPLIT_IS_APART,
    Result,
    Scenarios,
    fastest,
    find,
    known,
    last_split,
    sample_sizes,
    short_names,
    split_deviations,
)
from pytest_qbench.report.gradient_tables import attribution_of, no_pennylane
from pytest_qbench.report.spread import MARK, marked
from pytest_qbench.report.text import count, format_ratio, format_seconds

NOT_RESOLVED = "not resolved"

_UNITS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}


def summary(scenarios: Scenarios) -> list[Block]:
    """How much ran, and the fastest path of each scenario beside the two baselines."""
    blocks: list[Block] = [_coverage(scenarios)]
    names = short_names(scenarios)
    rows = []
    for scenario, results in scenarios.items():
        found = attribution_of(results)
        if found is None or found.fastest is None:
            rows.append((names[scenario], *[NOT_RUN] * 6))
            continue
        winner = next(result for result in results if result.path == found.fastest)
        textbook = _ratio(find(results, BASELINE), winner, found.n_samples)
        rows.append(
            (
                names[scenario],
                str(found.n_samples),
                winner.path,
                winner.time_text(found.n_samples),
                _ratio_cell(textbook),
                found.best_pennylane or NOT_RUN,
                _ratio_cell(found.over_best) if found.best_pennylane != found.fastest else "is the fastest",
            )
        )
    header = ("scenario", "samples", "fastest path", "median", f"over {BASELINE}", "best PennyLane path", "over it")
    caption = (
        "At the number of samples that most paths completed. A ratio says how many times faster the whole path is, "
        "with its 95% interval: it is not a speed-up of encoding."
    )
    blocks.append(Table(header, tuple(rows), "<><>><>", (caption,)))
    once = _encode_once(scenarios)
    return [*blocks, once] if once else blocks


def encoding_throughput(scenarios: Scenarios) -> list[Block]:
    """How fast the encoding alone is, as a part of the time split."""
    names = short_names(scenarios)
    rows = []
    for scenario, results in scenarios.items():
        for result in results:
            if cells := _encoding_cells(result):
                rows.append((names[scenario], result.path, *cells))
    if not rows:
        return [paragraph(f"Encoding by itself: {NOT_RUN}.")]
    header = ("scenario", "path", "samples", "encoding in a run", "samples/s", "of the total")
    caption = (
        "All encoding that a run does, however often it encodes a sample: the textbook paths do at every evaluation, "
        "others once. By differential timing, with 95% intervals; the rate is that of a run that did nothing else."
    )
    return [Table(header, tuple(rows), "<<>>>>", (caption,))]


def medians(results: Sequence[Result]) -> Table:
    """Path by number of samples."""
    sizes = sample_sizes(results)
    rows = [(result.path, *(result.time_text(samples) for samples in sizes)) for result in results]
    header = ("path", *(count(samples, "sample") for samples in sizes))
    return Table(header, tuple(rows), "<" + ">" * len(sizes), ("Total time, medians of the rounds.",))


def comparison(results: Sequence[Result], samples: int) -> Table:
    """Each path beside the textbook path and the best of PennyLane, with what tells whether they are comparable."""
    textbook = find(results, BASELINE)
    best = fastest((result for result in results if result.is_pennylane), samples)
    rows = []
    for result in sorted(results, key=lambda result: result.seconds.get(samples, float("inf"))):
        row, seconds = result.row, result.seconds.get(samples)
        times = path_times(result, samples)
        rows.append(
            (
                result.path,
                result.time_text(samples),
                str(len(times.rounds_s)) if times.rounds_s else NOT_RUN,
                rate_text(result.throughput[samples]) if seconds else NOT_RUN,
                _over(textbook, result, samples),
                _over(best, result, samples),
                known(times.evaluations),
                f"{times.n_nonzero} of {row.get('n_parameters')}" if times.n_nonzero is not None else NOT_RUN,
                known(times.precision),
                known(times.threads),
            )
        )
    header = (
        "path",
        "median",
        "rounds",
        "samples/s",
        f"over {BASELINE}",
        "over best PennyLane",
        "evaluations",
        "nonzero gradients",
        "precision",
        "threads",
    )
    caption = (
        f"At {count(samples, 'sample')}. Over: how many times faster, with the 95% interval (*: of the "
        "single evaluations of one run, too long to be repeated, which knows nothing of drift between runs); the best "
        "PennyLane path here: "
        f"{best.path if best else no_pennylane(results)}."
    )
    if any(result.noisy(samples) for result in results if samples in result.seconds):
        caption += f" {MARK}: a time whose rounds scatter, or a ratio to or of one."
    # A column in which nothing was measured tells nothing, such as that of ratios to a path that was not chosen.
    kept = [column for column in range(len(header)) if any(row[column] != NOT_RUN for row in rows)]
    chosen = tuple(tuple(row[column] for column in kept) for row in (header, *rows))
    return Table(chosen[0], chosen[1:], "<" + ">" * (len(kept) - 1), (caption,))


def floors(results: Sequence[Result], samples: int) -> list[Block]:
    """How far paths are from the least time that the memory needs."""
    items = tuple(
        (
            Code(result.path),
            f" takes {texts[0]} the time that the memory needs for its passes over the states, at the measured rate "
            f"of copying ({texts[1]}).",
        )
        for result in results
        if (texts := floor_texts(result, samples))
    )
    return [Bullets(items)] if items else []


def attribution(results: Sequence[Result]) -> list[Block]:
    """Where the speed-up of the fastest path comes from."""
    found = attribution_of(results)
    if found is None or not found.steps or found.whole is None:
        return []
    rows = tuple((step.before, step.after, ", ".join(step.changes), ratio_text(step.ratio)) for step in found.steps)
    caption = (
        f"The steps from {found.baseline} to {found.fastest} at {count(found.n_samples, 'sample')}. The factors "
        f"multiply to {format_ratio(found.product)}; measured from first to last: {ratio_text(found.whole)}. What "
        f"changes in one step is not told apart, and a factor holds in its place of the order."
    )
    blocks: list[Block] = [Table(("from", "to", "what changes", "times faster"), rows, "<<<>", (caption,))]
    if found.beside:
        beside = (
            (f"{ratio_text(s.ratio)}: {', '.join(s.changes)} (", Code(s.after), " over ", Code(s.before), ")")
            for s in found.beside
        )
        blocks += [paragraph("Other pairs of paths with a single change between them:"), Bullets(tuple(beside))]
    return blocks


def time_split(results: Sequence[Result]) -> list[Block]:
    """What the time of each path goes into."""
    rows = []
    for result in results:
        if found := last_split(result):
            samples, _, split = found
            second = split.cross_check.encode if split.cross_check else None
            parts = [split.full, *split.stages().values(), second]
            rows.append((result.path, str(samples), *map(_part_cell, parts)))
    if not rows:
        return []
    header = ("path", "samples", "whole", *STAGES, "encode, measured a second way")
    caption = (
        "Differences of calls that differ by one part, with the 95% interval. Not resolved: the interval spans zero. "
        f"{SPLIT_IS_APART}"
    )
    if doubt := split_deviations(results):
        caption += f" {doubt}"
    return [Table(header, tuple(rows), "<>" + ">" * 6, (caption,))]


def _coverage(scenarios: Scenarios) -> Paragraph:
    planned = completed = 0
    paths: dict[str, None] = {}
    for results in scenarios.values():
        for result in results:
            paths[result.path] = None
            planned += len(sample_sizes([result]))
            completed += len(result.seconds)
    first = next(iter(scenarios), None)
    shared = [word for word in first.words if all(word in other.words for other in scenarios)] if first else []
    alike = f" The same in all: {', '.join(shared)}." if len(scenarios) > 1 and shared else ""
    what = first.title if first and len(scenarios) == 1 else count(len(scenarios), "scenario")
    return paragraph(
        f"{what[:1].upper()}{what[1:]}; {count(len(paths), 'path')}; {completed} of {count(planned, 'planned point')} "
        f"completed with gradients that were verified.{alike}"
    )


def _encoding_cells(result: Result) -> tuple[str, ...]:
    """Samples, seconds, samples per second, share of the run; nothing where it was not measured."""
    found = last_split(result)
    part = found[2].encode if found else None
    if found is None or part is None:
        return ()
    samples, whole, _ = found
    if not part.resolved or part.seconds <= 0:
        return str(samples), _part_cell(part), NOT_RESOLVED, NOT_RESOLVED
    return str(samples), _part_cell(part), rate_text(samples / part.seconds), f"{100 * part.seconds / whole:.2g}%"


def _part_cell(part: Part | None) -> str:
    """``12.3 ms (12.1 to 12.6)``, or why there is no such figure."""
    if part is None:
        return NOT_RUN
    number, unit = format_seconds(abs(part.seconds)).split()
    text = f"{'-' if part.seconds < 0 else ''}{number} {unit}"
    if part.low is None or part.high is None:
        return f"{text} (few rounds)"
    low, high = (_three_digits(bound / _UNITS[unit]) for bound in (part.low, part.high))
    return f"{text} ({low} to {high})" if part.resolved else NOT_RESOLVED


def _three_digits(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 999.5 else f"{value:#.3g}".rstrip(".")


def _encode_once(scenarios: Scenarios) -> Table | None:
    """The ratios of paths that differ in nothing but that one of them encodes once."""
    names = short_names(scenarios)
    rows = []
    for scenario, results in scenarios.items():
        by_path = {result.path: result for result in results}
        traits = {
            path: traits_of(path, result.row.get("precision"), result.row.get("threads"))
            for path, result in by_path.items()
        }
        for before, after in single_changes(traits):
            if changes(traits[before], traits[after]).keys() == {"encoding"}:
                every, once = by_path[before], by_path[after]
                for samples in sorted(every.seconds.keys() & once.seconds.keys()):
                    ratio = _ratio_cell(_ratio(every, once, samples))
                    rows.append((names[scenario], after, before, str(samples), ratio))
    if not rows:
        return None
    caption = (
        "What encoding once brings by itself: paths that differ in nothing else, with the 95% interval. Where that "
        "spans 1, no effect is resolved."
    )
    return Table(("scenario", "path", "over", "samples", "times faster"), tuple(rows), "<<<>>", (caption,))


def _ratio(before: Result | None, after: Result, samples: int) -> Ratio | None:
    if before is None or samples not in before.seconds or samples not in after.seconds:
        return None
    return speedup(path_times(before, samples), path_times(after, samples))


def _ratio_cell(ratio: Ratio | None) -> str:
    return NOT_RUN if ratio is None else ratio_text(ratio)


def _over(before: Result | None, result: Result, samples: int) -> str:
    # The interval of a ratio of a path to itself would be that of noise.
    if before is result and samples in result.seconds:
        return "1"
    ratio = _ratio(before, result, samples)
    noisy = ratio is not None and any(one.noisy(samples) for one in (before, result) if one)
    return marked(_ratio_cell(ratio), noisy)
