"""Noise in means and tables: circuits with different noise are different circuits, and are not averaged together."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Protocol, TypeVar

from pytest_qbench.report.cells import CaseKey

_WORDS = {"depolarizing": "depol", "amplitude_damping": "ampl", "phase_damping": "phase"}
"""Short forms: columns are narrow."""

SEVERAL = "Circuits with different noise are not averaged together: each noise has means of its own."
"""What stands under means where there is more than one."""


class _Keyed(Protocol):
    @property
    def key(self) -> CaseKey: ...


_Cell = TypeVar("_Cell", bound=_Keyed)


def by_noise(cells: Iterable[_Cell]) -> dict[str, list[_Cell]]:
    """``cells`` by their noise (the JSON text in their keys), in their order."""
    groups: dict[str, list[_Cell]] = {}
    for cell in cells:
        groups.setdefault(cell.key.noise, []).append(cell)
    return groups


@cache
def noise_text(noise: str) -> str:
    """``depol 0.01``, of the JSON text of a noise; empty where there is none."""
    value = json.loads(noise)
    if isinstance(value, Mapping):
        return f"{_WORDS.get(value['model'], value['model'])} {value['strength']:g}"
    return "" if value is None else f"noise {value}"


def noise_name(noise: str) -> str:
    """As :func:`noise_text`, with a word where there is none."""
    return noise_text(noise) or "no noise"


def case_with_noise(key: CaseKey) -> str:
    """``qft`` or ``qft depol 0.01``."""
    return " ".join(filter(None, (key.case, noise_text(key.noise))))
