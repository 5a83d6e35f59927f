"""Numbers and tables as plain text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

Line: TypeAlias = tuple[str, dict[str, bool]]
"""A line and its markup, as the keyword arguments of pytest's ``TerminalReporter.write_line``."""

BOLD = {"bold": True}

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
    """A ratio: ``3.81x``, ``0.42x``, ``>120x`` for a bound; ``-`` for None."""
    if value is None:
        return "-"
    digits = 3 if value < 0.0995 else 2 if value < 9.995 else 1 if value < 99.95 else 0
    return f"{bound}{value:.{digits}f}x"


def count(number: int, word: str) -> str:
    """``1 point``, ``3 points``."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def shorten(text: str, width: int) -> str:
    """``text`` on one line of at most ``width`` characters, its end cut off where it is longer."""
    text = " ".join(text.split())
    return text if len(text) <= width else text[: max(width - 3, 0)].rstrip() + "..."[: max(width, 0)]


def table(rows: Sequence[Sequence[str]], align: str, gap: str = "  ") -> list[str]:
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
