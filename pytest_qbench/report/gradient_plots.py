"""The plots of the gradient scenarios of a run, and beside each a CSV file with exactly the numbers that it shows.

Per scenario: total time and throughput over samples (``time-``, ``throughput-``), and what the time of a path goes
into (``split-``). Per family of scenarios: memory over qubits (``memory-``). Without matplotlib the CSV files are
written all the same.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_qbench.gradients.attribution import BASELINE
from pytest_qbench.gradients.split import STAGES, Split
from pytest_qbench.report import gradient_figures as figures
from pytest_qbench.report.files import ReportError, reason_of, write_text
from pytest_qbench.report.gradient_rows import (
    SPLIT_IS_APART,
    Result,
    Scenario,
    families,
    fastest,
    format_bytes,
    last_split,
    read,
    sample_sizes,
    slugs,
    split_deviations,
)
from pytest_qbench.report.plot_page import Curve, Stroke, save
from pytest_qbench.report.text import count, format_ratio, format_seconds

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INSTALL = "pip install matplotlib"

CACHE_BYTES = {
    "real": {"complex128": 16, "float64 or complex64": 8, "float32": 4},
    "complex": {"complex128": 16, "complex64": 8},
}
"""Bytes per amplitude of the state cache by the type of its storage, where states are real and where they are not."""

_REAL_ENCODINGS = ("amplitude", "basis")
_ON_DEVICE = ", on the device"


@dataclass(frozen=True, slots=True)
class Plot:
    """One plot: ``what`` is ``time``, ``throughput``, ``split`` or ``memory``.

    Without matplotlib there are no pictures. ``scenario`` is the largest of its family for ``memory``, which shows all
    sizes.
    """

    what: str
    scenario: Scenario
    caption: str
    data: Path
    png: Path | None = None
    svg: Path | None = None

    @property
    def files(self) -> list[Path]:
        """The files that were written."""
        return [file for file in (self.data, self.png, self.svg) if file is not None]


@dataclass(frozen=True, slots=True)
class Plots:
    """All plots of a run, and in ``problem`` why there are no pictures (empty where there are)."""

    plots: tuple[Plot, ...]
    problem: str = ""

    @property
    def files(self) -> list[Path]:
        """Every file that was written."""
        return [file for plot in self.plots for file in plot.files]


@dataclass(frozen=True, slots=True)
class SpeedUps:
    """The two baselines of the speed-ups of a scenario, each with the most samples at which it completed.

    ``textbook`` is the path :data:`~pytest_qbench.gradients.attribution.BASELINE`, ``best`` the fastest of
    PennyLane's own paths; None where it did not complete.
    """

    textbook: tuple[int, Result] | None
    best: tuple[int, Result] | None

    @classmethod
    def of(cls, results: Sequence[Result]) -> SpeedUps:
        """The baselines among ``results``."""
        return cls(
            _at_most_samples([result for result in results if result.path == BASELINE]),
            _at_most_samples([result for result in results if result.is_pennylane]),
        )

    def ratios(self, result: Result) -> tuple[float | None, float | None]:
        """How many times faster ``result`` is than each; None where one of the two has no time at those samples."""
        return _ratio(self.textbook, result), _ratio(self.best, result)

    @property
    def legend(self) -> list[str]:
        """What the two numbers of :meth:`notes` are."""
        names = []
        if self.textbook:
            names.append(f"{BASELINE} at {count(self.textbook[0], 'sample')}")
        if self.best:
            samples, base = self.best
            names.append(f"{base.path}, the fastest PennyLane path, at {count(samples, 'sample')}")
        return [f"At the right: times faster than {'; than '.join(names)}."] if names else []

    def notes(self, result: Result) -> tuple[str, ...]:
        """``("612x", "6.10x")``."""
        pairs = zip((self.textbook, self.best), self.ratios(result), strict=True)
        return tuple(format_ratio(ratio) for base, ratio in pairs if base)


def write_plots(rows: Iterable[Mapping[str, Any]], folder: Path) -> Plots:
    """Write the plots of the gradient rows among ``rows`` into ``folder``, which is made where it is missing.

    Where there is a single number of samples, or a single number of qubits, a dot per path takes the place of a line.

    Raises:
        ReportError: a file can't be written.
    """
    scenarios = read(rows)
    names = slugs(scenarios)
    looks = figures.strokes(result.path for results in scenarios.values() for result in results)
    writer = _Writer(folder)
    for scenario, results in scenarios.items():
        timed = [result for result in results if result.seconds]
        if timed:
            _over_samples(writer, names[scenario], timed, looks)
        if bars := [(result, *split) for result in timed if (split := last_split(result))]:
            _split(writer, names[scenario], bars)
    for sizes in families(scenarios).values():
        if peaks := _peaks(sizes):
            largest = sizes[max(sizes)][0].scenario
            _memory(writer, names[largest], largest, sizes, peaks, looks)
    return Plots(tuple(writer.plots), writer.problem)


class _Writer:
    """Writes the CSV file and, where matplotlib is there, the pictures of each plot."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.plots: list[Plot] = []
        self.problem = ""
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ReportError(f"cannot make {folder}: {reason_of(error)}") from error

    def write(
        self,
        name: str,
        what: str,
        scenario: Scenario,
        caption: str,
        numbers: Sequence[Sequence[Any]],
        draw: Callable[[], Figure],
    ) -> None:
        """Write one plot; the first of ``numbers`` is the header."""
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(numbers)
        data = self._folder / f"{what}-{name}.csv"
        write_text(data, text.getvalue())
        png = svg = None
        if not self.problem:
            try:
                png, svg = save(draw, data.with_suffix(""))
            except ImportError as error:
                self.problem = f"no pictures of the plots, only their numbers: {error} ({INSTALL})"
        self.plots.append(Plot(what, scenario, caption, data, png, svg))


def _over_samples(writer: _Writer, name: str, results: Sequence[Result], looks: Mapping[str, Stroke]) -> None:
    """Time and throughput."""
    scenario, speed_ups = results[0].scenario, SpeedUps.of(results)
    sizes = {samples for result in results for samples in result.seconds}

    def write(
        what: str,
        column: str,
        label: str,
        caption: str,
        values: Callable[[Result], Mapping[int, float]],
        form: Callable[[float], str],
    ) -> None:
        numbers: list[list[Any]] = [["path", "samples", column, "over_textbook", "over_best_pennylane"]]
        curves = []
        for result in results:
            points = values(result)
            numbers += [[result.path, samples, value, None, None] for samples, value in points.items()]
            # The figure has the speed-ups of a path at its last point only.
            numbers[-1][3:] = speed_ups.ratios(result)
            notes = speed_ups.notes(result)
            curves.append(Curve(result.path, tuple(points), tuple(points.values()), looks[result.path], notes))

        def draw() -> Figure:
            if len(sizes) == 1:
                axis = f"{label} ({count(min(sizes), 'sample')})"
                return figures.dots(curves, scenario.title, axis, speed_ups.legend, form)
            return figures.lines(curves, scenario.title, "samples", label, speed_ups.legend, form)

        writer.write(name, what, scenario, caption, numbers, draw)

    write(
        "time",
        "seconds",
        "total time",
        "Total time from the features to the gradients of all samples; medians of the rounds.",
        lambda result: result.seconds,
        _seconds_text,
    )
    write(
        "throughput",
        "samples_per_second",
        "samples per second",
        "Samples per second whose gradients are computed, from the median times.",
        lambda result: result.throughput,
        _number_text,
    )


def _split(writer: _Writer, name: str, bars: Sequence[tuple[Result, int, float, Split]]) -> None:
    """What the time goes into; of each bar: path, samples, seconds of the whole, the parts."""
    numbers: list[list[Any]] = [
        ["path", "samples", "part", "share", "resolved", "seconds", "low_seconds", "high_seconds"]
    ]
    stacks = []
    for result, samples, whole, split in bars:
        parts = {stage: part for stage, part in split.stages().items() if part is not None}
        shares = []
        for stage, part in parts.items():
            share = part.seconds / whole
            numbers.append([result.path, samples, stage, share, part.resolved, part.seconds, part.low, part.high])
            shares.append(figures.Part(stage, share, part.resolved))
        if len(parts) < len(STAGES):
            rest = whole - sum(part.seconds for part in parts.values())
            numbers.append([result.path, samples, figures.REST, rest / whole, True, rest, None, None])
            shares.append(figures.Part(figures.REST, rest / whole))
        note = f"{format_seconds(whole)} for {count(samples, 'sample')}"
        stacks.append(figures.Stack(result.path, tuple(shares), note))
    head = list(filter(None, (SPLIT_IS_APART, split_deviations(result for result, *_ in bars))))
    caption = "What the time goes into, by differential timing. Hatched: the interval of this part spans zero."
    if any(stack.is_cut for stack in stacks):
        caption += (
            " A triangle: noise makes the parts add up to more than the run; the bar is cut at 100%, and what is not "
            "resolved stands at its end. The CSV file has the shares."
        )
    caption = " ".join([caption, *head])
    scenario = bars[0][0].scenario
    writer.write(name, "split", scenario, caption, numbers, lambda: figures.stacks(stacks, scenario.title, head))


def _memory(
    writer: _Writer,
    name: str,
    largest: Scenario,
    sizes: Mapping[int, Sequence[Result]],
    peaks: Mapping[str, Mapping[int, int]],
    looks: Mapping[str, Stroke],
) -> None:
    """Memory over qubits: the measured peaks of the paths and the computed size of a cache of all states."""
    family = largest.family
    samples = {n_qubits: max(sample_sizes(results)) for n_qubits, results in sizes.items()}
    kinds = CACHE_BYTES["real" if family.encoding in _REAL_ENCODINGS else "complex"]
    cache = {
        f"state cache, {kind}": {n_qubits: of_amplitude * 2**n_qubits * samples[n_qubits] for n_qubits in sizes}
        for kind, of_amplitude in kinds.items()
    }
    numbers: list[list[Any]] = [["what", "source", "n_qubits", "samples", "bytes"]]
    curves = []
    for label, values in {**peaks, **cache}.items():
        source = "computed" if label in cache else "measured"
        numbers += [[label, source, n_qubits, samples[n_qubits], size] for n_qubits, size in values.items()]
        stroke = figures.COMPUTED if label in cache else looks[label.removesuffix(_ON_DEVICE)]
        notes = (format_bytes(values[max(values)]),) if len(sizes) > 1 else ()
        curves.append(Curve(label, tuple(values), tuple(map(float, values.values())), stroke, notes))
    *many, last = sorted(set(samples.values()))
    title = f"{family.title}, {', '.join([*map(str, many), count(last, 'sample')])}"
    head = ["Coloured: highest memory of the worker process, measured. Grey: size of the state cache, computed."]
    caption = (
        "Highest resident memory of the worker of each path, its interpreter and libraries included, as measured; and "
        "what a cache of all encoded states takes in each type of storage, as computed."
    )

    def draw() -> Figure:
        if len(sizes) == 1:
            return figures.dots(curves, title, f"memory ({count(min(sizes), 'qubit')})", head, format_bytes, base=2)
        return figures.lines(curves, title, "qubits", "memory", head, format_bytes, base=2)

    writer.write(name, "memory", largest, caption, numbers, draw)


def _peaks(sizes: Mapping[int, Sequence[Result]]) -> dict[str, dict[int, int]]:
    """Path, or path on the device -> qubits -> bytes."""
    peaks: dict[str, dict[int, int]] = {}
    for n_qubits, results in sizes.items():
        for result in results:
            memory = result.row.get("memory") or {}
            for key, suffix in (("rss_peak", ""), ("device_peak", _ON_DEVICE)):
                if memory.get(key) and result.seconds:
                    peaks.setdefault(result.path + suffix, {})[n_qubits] = memory[key]
    return peaks


def _at_most_samples(results: Sequence[Result]) -> tuple[int, Result] | None:
    """The most samples at which any of ``results`` completed, and the fastest of them there."""
    most = max((samples for result in results for samples in result.seconds), default=0)
    best = fastest(results, most)
    return (most, best) if best else None


def _ratio(base: tuple[int, Result] | None, result: Result) -> float | None:
    if base is None or base[0] not in result.seconds:
        return None
    samples, baseline = base
    return baseline.seconds[samples] / result.seconds[samples]


def _seconds_text(value: float) -> str:
    """``20 ms``, ``1.5 s``: as few digits as say the same."""
    number, unit = format_seconds(value).split()
    return f"{number.rstrip('0').rstrip('.') if '.' in number else number} {unit}"


def _number_text(value: float) -> str:
    """``0.5``, ``20``, ``1 500``."""
    return f"{value:,.0f}".replace(",", "\N{NO-BREAK SPACE}") if value >= 1000 else f"{value:.3g}"
