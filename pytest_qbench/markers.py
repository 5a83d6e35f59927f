"""Sweeps by marker: ``@pytest.mark.qbench(shots=[100, 1000])`` on a case, or as ``pytestmark`` on all of a module."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

NAME = "qbench"
"""The marker, which every point has too."""


@dataclass(frozen=True, slots=True)
class Marked:
    """What markers say of a case, ascending; None where they say nothing. Options and config files override it."""

    qubits: tuple[int, ...] | None = None
    shots: tuple[int, ...] | None = None
    depth: tuple[int, ...] | None = None


def read_marks(marks: Iterable[Any]) -> Marked:
    """What the ``qbench`` marks among ``marks`` say; of two that say the same thing the first one counts.

    Raises:
        ValueError: one says what can't be.
    """
    said: dict[str, tuple[int, ...]] = {}
    known = [field.name for field in fields(Marked)]
    for mark in marks:
        if mark.name != NAME:
            continue
        if mark.args:
            raise ValueError(f"pytest.mark.qbench takes keywords only: {', '.join(known)}")
        for key, values in mark.kwargs.items():
            if key not in known:
                raise ValueError(f"pytest.mark.qbench({key}=...): there is {', '.join(known)}")
            said.setdefault(key, _numbers(key, values))
    return Marked(**said)


def _numbers(key: str, values: Any) -> tuple[int, ...]:
    listed = (values,) if isinstance(values, int) else tuple(values) if isinstance(values, Iterable) else ()
    if not listed or any(not isinstance(value, int) or isinstance(value, bool) or value < 1 for value in listed):
        raise ValueError(f"pytest.mark.qbench({key}={values!r}): give one or more whole numbers of at least 1")
    return tuple(sorted(set(listed)))
