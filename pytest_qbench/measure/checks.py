"""What an answer must be to be believed. Pure functions, standard library only."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping
from typing import Any


class ProtocolError(Exception):
    """A backend or worker answered something that can't be; the message says what came."""


def check_counts(counts: Any, n_clbits: int, shots: int) -> dict[str, int]:
    """``counts`` as a plain dict, if it is a distribution of ``shots`` shots over strings of ``n_clbits`` bits.

    Raises:
        ProtocolError: it is not a mapping from bit strings of that width to non-negative integers, or the values do
            not sum to ``shots``.
    """
    if not isinstance(counts, Mapping):
        raise ProtocolError(f"counts are a {type(counts).__name__}, not a mapping: {_shorten(counts)}")
    checked: dict[str, int] = {}
    for key, value in counts.items():
        if not isinstance(key, str) or len(key) != n_clbits or key.strip("01"):
            raise ProtocolError(f"counts have the key {_shorten(key)}, not a string of {n_clbits} bits")
        try:
            number = operator.index(value)
        except TypeError:
            number = -1
        if number < 0:
            raise ProtocolError(f"counts[{key!r}] is {_shorten(value)}, not a non-negative integer")
        checked[str(key)] = number
    total = sum(checked.values())
    if total != shots:
        raise ProtocolError(f"counts sum to {total}, not to the {shots} shots asked for")
    return checked


def check_seconds(value: Any, what: str, *, zero: bool = False) -> float:
    """``value`` as a duration in seconds: finite and positive, or 0 where ``zero`` allows it.

    Raises:
        ProtocolError: it is not; the message begins with ``what``.
    """
    if not isinstance(value, (int, float)) or not math.isfinite(value) or value < 0 or (value == 0 and not zero):
        raise ProtocolError(f"{what} is {_shorten(value)}, not a duration in seconds")
    return float(value)


def _shorten(value: Any, length: int = 80) -> str:
    """``repr(value)``, cut, even where ``repr`` fails."""
    try:
        text = repr(value)
    except Exception:
        text = f"<{type(value).__name__} without a representation>"
    return text if len(text) <= length else f"{text[:length]}..."
