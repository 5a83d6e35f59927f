"""The page that a plot is drawn on: its size, its axes, and where its texts stand.

Lengths are points (1/72 inch), the width is that of a column of a paper. Matplotlib is imported when something is
drawn, and only its object interface is used: neither the state of ``pyplot`` nor the settings of the session change.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_qbench.report.files import ReportError, reason_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 252.0
TEXT, SMALL = 6.5, 5.5
LINE = 7.5
SIDE = 10.0

INK, SOFT, FAINT = "#1a1a1a", "#5c5c5c", "#dddddd"

_SETTINGS: dict[str, Any] = {
    "font.size": TEXT,
    "axes.linewidth": 0.5,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.major.width": 0.5,
    "ytick.major.width": 0.5,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
    "lines.linewidth": 1.1,
    "lines.markersize": 3.2,
    "hatch.linewidth": 0.5,
    # The same numbers give the same file.
    "svg.hashsalt": "pytest-qbench",
}


@dataclass(frozen=True, slots=True)
class Stroke:
    """How a path looks in every figure of a run."""

    colour: str
    marker: str = "o"
    dashes: str = "-"


@dataclass(frozen=True, slots=True)
class Curve:
    """Numbers over x, with what stands at its right end: the label and, under it, notes."""

    label: str
    x: tuple[int, ...]
    y: tuple[float, ...]
    stroke: Stroke
    notes: tuple[str, ...] = ()

    @property
    def note(self) -> str:
        """All notes in one text."""
        return ", ".join(self.notes)


def save(draw: Callable[[], Figure], stem: Path) -> tuple[Path, Path]:
    """Draw a figure and write ``<stem>.png`` and ``<stem>.svg``.

    Raises:
        ImportError: matplotlib is not installed.
        ReportError: a file can't be written.
    """
    import matplotlib.style

    png, svg = (stem.with_name(f"{stem.name}.{kind}") for kind in ("png", "svg"))
    try:
        with matplotlib.style.context(["default", _SETTINGS]):
            figure = draw()
            figure.savefig(png, dpi=300, metadata={"Software": None})
            figure.savefig(svg, metadata={"Date": None, "Creator": None})
    except OSError as error:
        raise ReportError(f"cannot write the plot {stem}: {reason_of(error)}") from error
    return png, svg


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places for labels at least ``gap`` apart, within ``low`` .. ``high``, and close to where they are wanted.

    The places with the least sum of squared distances to ``wanted`` (ascending): with ``gap * i`` taken off the i-th,
    that is isotonic regression, solved by pooling adjacent violators. Where there is too little room between ``low``
    and ``high``, the gap shrinks.
    """
    if not wanted:
        return []
    gap = min(gap, (high - low) / max(len(wanted) - 1, 1))
    pools: list[tuple[float, int]] = []
    for index, place in enumerate(wanted):
        mean, size = place - gap * index, 1
        while pools and pools[-1][0] > mean:
            before, others = pools.pop()
            mean, size = (mean * size + before * others) / (size + others), size + others
        pools.append((mean, size))
    ceiling = high - gap * (len(wanted) - 1)
    flat = [min(max(mean, low), ceiling) for mean, size in pools for _ in range(size)]
    return [place + gap * index for index, place in enumerate(flat)]


def new_figure(height: float) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH / 72, height / 72), facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def figure_height(figure: Figure) -> float:
    """The height of a figure in points."""
    return float(figure.get_figheight() * 72)


def place_axes(figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    """Axes at a place of the figure."""
    whole = figure_height(figure)
    return figure.add_axes((left / WIDTH, bottom / whole, width / WIDTH, height / whole))


def move_left_edge(axes: Axes, points: float) -> None:
    """Make room at the left of axes, within what they take."""
    box = axes.get_position()
    axes.set_position((box.x0 + points / WIDTH, box.y0, box.width - points / WIDTH, box.height))


def text_width(text: str, size: float = SMALL) -> float:
    """The width of a text in points."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    return float(TextPath((0, 0), text, prop=FontProperties(size=size)).get_extents().width) if text else 0.0


def head_lines(title: str, head: Sequence[str]) -> list[tuple[str, bool]]:
    """The lines over the axes, each with whether it belongs to the title."""
    wrapped = [(line, True) for line in textwrap.wrap(title, 70)]
    return wrapped + [(line, False) for text in head for line in textwrap.wrap(text, 86)]


def write_head(figure: Figure, above: Sequence[tuple[str, bool]]) -> None:
    """Write what :func:`head_lines` gave."""
    whole = figure_height(figure)
    for number, (line, is_title) in enumerate(above):
        figure.text(
            SIDE / WIDTH,
            1 - (number * LINE + 3) / whole,
            line,
            va="top",
            fontsize=TEXT if is_title else SMALL,
            color=INK if is_title else SOFT,
            parse_math=False,
        )


def x_axis(axes: Axes, places: Sequence[int], label: str) -> None:
    """Ticks where the numbers are; logarithmic where they span more than a factor of eight."""
    low, high = min(places), max(places)
    if low > 0 and high > 8 * low:
        axes.set_xscale("log")
        edge = (high / low) ** 0.04
        axes.set_xlim(low / edge, high * edge)
    else:
        edge = 0.04 * (high - low or 1)
        axes.set_xlim(low - edge, high + edge)
    axes.set_xticks(list(places), [str(place) for place in places])
    axes.minorticks_off()
    axes.set_xlabel(label, labelpad=2)
    # Ticks that would run into one another lose their text.
    figure: Any = axes.figure
    figure.draw_without_rendering()
    shown = -1e9
    for tick in axes.xaxis.get_major_ticks():
        box = tick.label1.get_window_extent()
        tick.label1.set_visible(box.x0 > shown + 2)
        shown = box.x1 if box.x0 > shown + 2 else shown


def value_axis(axes: Axes, which: str, values: Sequence[float], form: Callable[[float], str], base: int) -> None:
    """Limits a little beyond ``values``, ticks at powers of ``base`` (and between where those are few), in ``form``."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

    low, high = min(values), max(values)
    axis = axes.xaxis if which == "x" else axes.yaxis
    margin = (high / low) ** 0.06 if high > 1.5 * low else 1.5
    (axes.set_xlim if which == "x" else axes.set_ylim)(low / margin, high * margin)
    few = base == 10 and high / low * margin**2 < 300
    axis.set_major_locator(
        LogLocator(base=base, subs=(1.0, 2.0, 5.0) if few else (1.0,), numticks=8 if which == "y" else 6)
    )
    axis.set_major_formatter(FuncFormatter(lambda value, _: form(value)))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())


def end_labels(axes: Axes, curves: Sequence[Curve], gap: float) -> None:
    """Labels at the right of the axes, moved apart, each tied to the end of its line."""
    to_axes = axes.transData + axes.transAxes.inverted()
    ends = {curve: to_axes.transform((curve.x[-1], curve.y[-1])) for curve in curves}
    ordered = sorted(curves, key=lambda curve: float(ends[curve][1]))
    places = spread([float(ends[curve][1]) for curve in ordered], gap, gap / 2, 1 - gap / 2)
    points = axes.get_window_extent().width * 72 / axes.figure.dpi
    for curve, place in zip(ordered, places, strict=True):
        x, y = (float(value) for value in ends[curve])
        start, words = 1 + 14 / points, 1 + 18 / points
        leader: dict[str, Any] = {"transform": axes.transAxes, "clip_on": False, "label": "_leader"}
        edge = x
        if x < 0.9:
            # It leads through other lines, and must not look like one.
            axes.plot((x, 1), (y, y), color=SOFT, linewidth=0.4, linestyle=(0, (1, 3)), zorder=1, **leader)
            edge = 1
        edges = (edge, 1 + 3 / points, start)
        axes.plot(edges, (y, y, place), color=curve.stroke.colour, linewidth=0.5, **leader)
        axes.plot(
            (start,), (place,), color=curve.stroke.colour, marker=curve.stroke.marker, markeredgewidth=0, **leader
        )
        text: dict[str, Any] = {"transform": axes.transAxes, "fontsize": SMALL, "parse_math": False}
        if curve.note:
            axes.text(words, place + 0.02 * gap, curve.label, va="bottom", color=INK, **text)
            axes.text(words, place - 0.02 * gap, curve.note, va="top", color=SOFT, **text)
        else:
            axes.text(words, place, curve.label, va="center", color=INK, **text)


def row_text(axes: Axes, place: int, label: str, notes: Sequence[str], widths: Sequence[float]) -> None:
    """The text over a row: its label at the left, its notes at the right, in columns that are so wide."""
    text: dict[str, Any] = {
        "transform": axes.get_yaxis_transform(),
        "va": "bottom",
        "fontsize": SMALL,
        "parse_math": False,
        # A line of the grid would run through the text.
        "bbox": {"facecolor": "white", "edgecolor": "none", "pad": 0.4},
    }
    whole = axes.get_window_extent().width * 72 / axes.figure.dpi
    axes.text(0, place - 0.22, label, color=INK, **text)
    for column, note in enumerate(notes):
        right = sum(widths[column + 1 :]) + 8 * (len(widths) - column - 1)
        axes.text(1 - right / whole, place - 0.22, note, ha="right", color=SOFT, **text)


def column_widths(rows: Sequence[Sequence[str]]) -> list[float]:
    """The width in points of each column of small text; all rows have equally many cells."""
    return [max(map(text_width, column)) for column in zip(*rows, strict=True)]
