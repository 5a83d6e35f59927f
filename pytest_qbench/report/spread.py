"""Whether the rounds of a point scatter so much that their median says little."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

MARK = "~"
"""Stands before a time or a ratio that is noisy."""

MAX_IQR = 0.5
"""The interquartile range of calm rounds is at most this share of their median."""

MAX_OVER_FASTEST = 2.0
"""The median of calm rounds is at most so many times the fastest one."""


def is_noisy(rounds_s: Sequence[float]) -> bool | None:
    """Whether rounds, in seconds, scatter beyond :data:`MAX_IQR` or :data:`MAX_OVER_FASTEST`.

    Returns:
        None for less than two rounds: a single one tells nothing of its noise.
    """
    if len(rounds_s) < 2:
        return None
    low, median, high = statistics.quantiles(rounds_s, n=4, method="inclusive")
    return high - low > MAX_IQR * median or median > MAX_OVER_FASTEST * min(rounds_s)


def marked(text: str, noisy: bool | None) -> str:
    """``~17.2 ms`` where ``noisy``, else ``text`` as it is."""
    return f"{MARK}{text}" if noisy else text
