"""Numbers and tables as plain text."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

Line: TypeAlias = tuple[str, dict[str, bool]]
"""A line and its markup, as the keyword arguments of pytest's ``TerminalReporter.write_line``."""

BOLD = {"bold": True}

_GAP = "  "

_TIME_UNITS = ((1e-9, "ns"), (1e-6, "us"), (1e-3, "ms"), (1.0, "s"))


def format_seconds(seconds: float | None) -> str:
    """A measured time to three digits in the unit that suits it: ``17.2 ms``; ``-`` for None."""
    if seconds is None:
        return "-"
    scale, unit = _TIME_UNITS[0]
    for scale, unit in _TIME_UNITS:
        # 999.6 us is 1.00 ms: what counts is the rounded number.
        if round(seconds / scale) < 1000 or unit == "s":
            break
    value = seconds / scale
    digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
    return f"{value:.{digits}f} {unit}"


def format_duration(seconds: float) -> str:
    """A span of waiting: ``0.8s``, ``45s``, ``3m05s``, ``2h10m``."""
    if seconds < 9.95:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{rest}s"
    if minutes < 60:
        return f"{minutes}m{rest:02d}s"
    return f"{minutes // 60}h{minutes % 60:02d}m"


def format_ratio(value: float | None, bound: str = "") -> str:
    """A ratio: ``3.81x``, ``0.42x``, ``0.0032x``, ``>120x`` for a bound; ``-`` for None."""
    if value is None:
        return "-"
    digits = 3 if value < 0.0995 else 2 if value < 9.995 else 1 if value < 99.95 else 0
    if 0 < value < 0.00995:
        # Two digits that count; the power of ten is that of the rounded number.
        digits = 1 - math.floor(math.log10(float(f"{value:.1e}")))
    return f"{bound}{value:.{digits}f}x"


def count(number: int, word: str) -> str:
    """``1 point``, ``3 points``."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def shorten(text: str, width: int) -> str:
    """``text`` on one line of at most ``width`` characters, its end cut off where it is longer."""
    text = " ".join(text.split())
    return text if len(text) <= width else text[: max(width - 3, 0)].rstrip() + "..."[: max(width, 0)]


def distinct_labels(texts: Iterable[str], width: int) -> dict[str, str]:
    """A label for each text: the text, its middle cut out where it is longer than ``width``.

    What tells names apart is often at their ends. Texts that would become equal stay whole, wider than ``width``.
    """
    cut = {text: _without_middle(text, width) for text in texts}
    numbers = Counter(cut.values())
    return {text: label if numbers[label] == 1 else text for text, label in cut.items()}


def _without_middle(text: str, width: int) -> str:
    if len(text) <= width:
        return text
    kept = max(width - 3, 2)
    return f"{text[: kept // 2].rstrip()}...{text[-(kept - kept // 2) :].lstrip()}"


def room_for(rows: Sequence[Sequence[str]], column: int, width: int, least: int = 12) -> int:
    """The columns of the terminal that the others leave to a column of a :func:`table`, ``least`` at least."""
    others = (
        max(map(len, cells)) + len(_GAP) for place, cells in enumerate(zip(*rows, strict=True)) if place != column
    )
    return max(width - sum(others), least)


def fit_labels(rows: Sequence[Sequence[str]], column: int, width: int, least: int = 12) -> list[list[str]]:
    """The rows of a :func:`table`, with :func:`distinct_labels` in a column where the table is wider than ``width``."""
    labels = distinct_labels([row[column] for row in rows], room_for(rows, column, width, least))
    return [[*row[:column], labels[row[column]], *row[column + 1 :]] for row in rows]


def in_lines(text: str, width: int) -> list[str]:
    """``text`` in lines of at most ``width`` characters, parted after spaces and the signs between words."""
    lines = [""]
    for part in re.findall(r"[^ .=/@_,-]*[ .=/@_,-]*", text):
        while part:
            if len((lines[-1] + part).rstrip()) <= width:
                lines[-1] += part
                break
            if not lines[-1]:
                lines[-1], part = part[:width], part[width:]
            lines.append("")
    return [line.rstrip() for line in lines if line.strip()] or [""]


def table(rows: Sequence[Sequence[str]], align: str, gap: str = _GAP) -> list[str]:
    """Lines with aligned columns; ``align`` has one of ``<`` and ``>`` per column."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(align))] if rows else []
    return [
        gap.join(f"{cell:{side}{width}}" for cell, side, width in zip(row, align, widths, strict=True)).rstrip()
        for row in rows
    ]


def titled_table(rows: Sequence[Sequence[str]], align: str) -> list[Line]:
    """A table whose first row is its title."""
    title, *lines = table(rows, align)
    return [(title, BOLD), *((line, {}) for line in lines)]


def joined(blocks: Iterable[Sequence[Line]]) -> list[Line]:
    """The lines of all blocks that have some, an empty line between two blocks."""
    lines: list[Line] = []
    for block in filter(None, blocks):
        lines += [("", {}), *block] if lines else block
    return lines


def named_values(params: Mapping[str, Any], noise: Any = None) -> list[str]:
    """``["depth=20", "depolarizing=0.01"]``."""
    named = dict(params)
    if isinstance(noise, Mapping):
        named[noise["model"]] = noise["strength"]
    elif noise is not None:
        named["noise"] = noise
    return [f"{key}={value if isinstance(value, str) else json.dumps(value)}" for key, value in named.items()]
