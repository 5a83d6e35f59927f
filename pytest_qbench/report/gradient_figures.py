"""How the plots of gradient scenarios are drawn: three kinds of figure, as wide as the column of a paper.

Colours are those of Okabe and Ito (2008), which people with a colour-vision deficiency tell apart; within a family of
paths markers and dashes differ as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_qbench.report.plot_page import (
    FAINT,
    LINE,
    SIDE,
    SMALL,
    SOFT,
    TEXT,
    WIDTH,
    Curve,
    Stroke,
    column_widths,
    end_labels,
    figure_height,
    head_lines,
    move_left_edge,
    new_figure,
    place_axes,
    row_text,
    text_width,
    value_axis,
    write_head,
    x_axis,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_FAMILY_COLOURS = {
    "pennylane": "#000000",
    "pennylane-tuned": "#0072b2",
    "lightning": "#56b4e9",
    "qdp": "#e69f00",
    "native": "#d55e00",
    "custatevec": "#cc79a7",
}
_OTHER_COLOUR = "#009e73"
_STROKES = (("o", "-"), ("s", "--"), ("^", "-."), ("D", ":"), ("v", "-"), ("P", "--"), ("X", "-."))

_ROUNDING = 0.005

REST = "not told apart"
"""What is left of a whole where some of its parts were not measured."""

PART_COLOURS = {
    "encode": "#e69f00",
    "inject": "#56b4e9",
    "circuit": "#009e73",
    "framework": "#bbbbbb",
    REST: "#eeeeee",
}
"""The parts of a time, in the order in which they are stacked."""

COMPUTED = Stroke("#8a8a8a", "d", "--")
"""How a number looks that was computed, not measured."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a bar: its share of the whole, and whether it could be told from nothing."""

    name: str
    share: float
    resolved: bool = True


@dataclass(frozen=True, slots=True)
class Stack:
    """A bar of parts, with what stands over it: the label and a note."""

    label: str
    parts: tuple[Part, ...]
    note: str = ""

    @property
    def total(self) -> float:
        """The shares of what there is to draw: a difference may come out below zero by noise, and others above one."""
        return sum(max(part.share, 0.0) for part in self.parts)

    @property
    def is_cut(self) -> bool:
        """Whether the bar is longer than the axis."""
        return self.total > 1 + _ROUNDING

    def places(self) -> list[tuple[float, float]]:
        """Left and right end of each part within the axis, from 0 to 1.

        What is resolved comes first, so that no noise takes its place.
        """
        places = {}
        start = 0.0
        for part in sorted(self.parts, key=lambda part: not part.resolved):
            end = start + max(part.share, 0.0)
            places[part] = min(start, 1.0), min(end, 1.0)
            start = end
        return [places[part] for part in self.parts]


def strokes(paths: Iterable[str]) -> dict[str, Stroke]:
    """A look for each path: the colour of its family, and a marker of its own there."""
    seen: dict[str, int] = {}
    looks: dict[str, Stroke] = {}
    for path in dict.fromkeys(paths):
        family = path.partition("/")[0].partition(" ")[0]
        colour = _FAMILY_COLOURS.get(family, _OTHER_COLOUR)
        number = seen.get(colour, 0)
        seen[colour] = number + 1
        looks[path] = Stroke(colour, *_STROKES[number % len(_STROKES)])
    return looks


def lines(
    curves: Sequence[Curve],
    title: str,
    x_label: str,
    y_label: str,
    head: Sequence[str],
    y_format: Callable[[float], str],
    base: int = 10,
) -> Figure:
    """One line per curve on a logarithmic y axis, each with its label and note at the right end.

    Args:
        curves: at least one; every y is positive.
        title: what is shown.
        x_label: with the unit.
        y_label: with the unit.
        head: what the notes mean, in lines over the axes.
        y_format: a number of the y axis as text.
        base: of the logarithmic axis.
    """
    above = head_lines(title, head)
    row = SMALL * 1.2 * (2.1 if any(curve.note for curve in curves) else 1.1)
    tall = max(125.0, len(curves) * row + 4)
    top, bottom = len(above) * LINE + 16, 26.0
    figure = new_figure(tall + top + bottom)
    beside = max(text_width(text) for curve in curves for text in (curve.label, curve.note)) + 20
    axes = place_axes(figure, SIDE, bottom, WIDTH - 2 * SIDE - beside, tall)
    places = sorted({x for curve in curves for x in curve.x})
    x_axis(axes, places, x_label)
    axes.set_yscale("log", base=base)
    for curve in curves:
        axes.plot(
            curve.x,
            curve.y,
            color=curve.stroke.colour,
            marker=curve.stroke.marker,
            linestyle=curve.stroke.dashes,
            markeredgewidth=0,
            label=curve.label,
        )
    value_axis(axes, "y", [y for curve in curves for y in curve.y], y_format, base)
    left = 6 + max(text_width(y_format(tick), TEXT) for tick in axes.get_yticks())
    move_left_edge(axes, left)
    axes.text(-left / (WIDTH - 2 * SIDE - beside - left), 1 + 5 / tall, y_label, transform=axes.transAxes)
    axes.grid(axis="y", color=FAINT, linewidth=0.4)
    axes.set_axisbelow(True)
    end_labels(axes, curves, row / tall)
    write_head(figure, above)
    return figure


def dots(
    curves: Sequence[Curve],
    title: str,
    x_label: str,
    head: Sequence[str],
    x_format: Callable[[float], str],
    base: int = 10,
) -> Figure:
    """One row per curve with a single number each: a dot on a logarithmic axis, the longest first.

    On a logarithmic axis the length of a bar means nothing, so the place of a dot says the number.
    """
    above = head_lines(title, head)
    ordered = sorted(curves, key=lambda curve: curve.y[-1], reverse=True)
    row = 17.0
    tall, top, bottom = len(ordered) * row + 4, len(above) * LINE + 8, 26.0
    figure = new_figure(tall + top + bottom)
    axes = place_axes(figure, SIDE, bottom, WIDTH - 2 * SIDE, tall)
    axes.set_xscale("log", base=base)
    axes.set_ylim(len(ordered) - 0.35, -0.75)
    axes.yaxis.set_visible(False)
    axes.spines["left"].set_visible(False)
    value_axis(axes, "x", [curve.y[-1] for curve in ordered], x_format, base)
    axes.set_xlabel(x_label, labelpad=2)
    axes.grid(axis="x", color=FAINT, linewidth=0.4)
    axes.set_axisbelow(True)
    start = axes.get_xlim()[0]
    cells = [(x_format(curve.y[-1]), *curve.notes) for curve in ordered]
    widths = column_widths(cells)
    for place, curve in enumerate(ordered):
        value = curve.y[-1]
        axes.plot((start, value), (place, place), color=curve.stroke.colour, linewidth=0.6)
        axes.plot(
            (value,),
            (place,),
            color=curve.stroke.colour,
            marker=curve.stroke.marker,
            markeredgewidth=0,
            label=curve.label,
        )
        row_text(axes, place, curve.label, cells[place], widths)
    write_head(figure, above)
    return figure


def stacks(bars: Sequence[Stack], title: str, head: Sequence[str] = ()) -> Figure:
    """One bar per path, stacked from the shares of its parts; a part that is not resolved is hatched.

    The axis ends at 100%. Where noise makes the parts add up to more, the bar ends there too, with a triangle.

    Args:
        bars: from the top.
        title: what is shown.
        head: what must be known of it, in lines over the axes.
    """
    from matplotlib.patches import Patch

    cut = "A triangle: the parts add up to more than the run, by noise; the bar is cut."
    above = head_lines(title, [*head, cut] if any(bar.is_cut for bar in bars) else head)
    row = 22.0
    tall, top, bottom = len(bars) * row + 4, len(above) * LINE + 14, 26.0
    figure = new_figure(tall + top + bottom)
    axes = place_axes(figure, SIDE, bottom, WIDTH - 2 * SIDE, tall)
    for place, bar in enumerate(bars):
        for part, (start, end) in zip(bar.parts, bar.places(), strict=True):
            axes.barh(
                place,
                end - start,
                left=start,
                height=0.36,
                color=PART_COLOURS[part.name] if part.resolved else "white",
                edgecolor="white" if part.resolved else PART_COLOURS[part.name],
                hatch=None if part.resolved else "//////",
                linewidth=0.4,
            )
            share = f"{100 * part.share:.0f}%"
            if part.resolved and (end - start) * (WIDTH - 2 * SIDE) > text_width(share) + 2:
                axes.text((start + end) / 2, place, share, ha="center", va="center_baseline", fontsize=SMALL)
        if bar.is_cut:
            axes.plot((1 + 4 / (WIDTH - 2 * SIDE),), (place,), color=SOFT, marker=">", markeredgewidth=0, clip_on=False)
        row_text(axes, place, bar.label, (bar.note,), (0.0,))
    axes.set_xlim(0, 1)
    axes.set_ylim(len(bars) - 0.6, -0.62)
    axes.yaxis.set_visible(False)
    axes.spines["left"].set_visible(False)
    axes.set_xticks([0, 0.5, 1], ["0%", "50%", "100%"])
    axes.set_xlabel("share of the time of a run", labelpad=2)
    shown = {part.name for bar in bars for part in bar.parts}
    handles = [Patch(facecolor=colour, label=name) for name, colour in PART_COLOURS.items() if name in shown]
    if any(not part.resolved for bar in bars for part in bar.parts):
        handles.append(Patch(facecolor="white", edgecolor=SOFT, hatch="//////", linewidth=0.4, label="not resolved"))
    figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(SIDE / WIDTH, 1 - (len(above) * LINE + 4) / figure_height(figure)),
        ncols=len(handles),
        frameon=False,
        borderpad=0,
        borderaxespad=0,
        handlelength=1,
        handleheight=0.8,
        handletextpad=0.4,
        columnspacing=1.2,
        fontsize=SMALL,
    )
    write_head(figure, above)
    return figure
