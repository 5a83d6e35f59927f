"""The parameter-shift rule for the gates of an ansatz. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi, sqrt

from pytest_qbench.gradients.ansatz import Ansatz

Rule = tuple[tuple[float, float], ...]
"""Pairs (shift, weight): a derivative is the sum of ``weight * value(angle + shift)``."""

TWO_TERMS: Rule = ((pi / 2, 0.5), (-pi / 2, -0.5))
"""For gates whose generator has two eigenvalues, 1 apart: Schuld et al., Phys. Rev. A 99, 032331 (2019)."""

_NEAR, _FAR = (sqrt(2) + 1) / (4 * sqrt(2)), (sqrt(2) - 1) / (4 * sqrt(2))
FOUR_TERMS: Rule = ((pi / 2, _NEAR), (-pi / 2, -_NEAR), (3 * pi / 2, -_FAR), (-3 * pi / 2, _FAR))
"""For controlled rotations, with the eigenvalues -1/2, 0, 1/2: Anselmetti et al., New J. Phys. 23, 113010 (2021)."""

_CONTROLLED_ROTATIONS = frozenset({("crx", 0), ("cry", 0), ("crz", 0), ("cu3", 0)})


@dataclass(frozen=True, slots=True)
class ShiftedValue:
    """One evaluation of the rule: with the angle of ``use`` shifted by ``shift``, the value counts ``weight`` times in
    the derivative for ``parameter``."""

    use: int
    shift: float
    parameter: int
    weight: float


def rule(gate: str, param: int) -> Rule:
    """The rule for one parameter of a gate."""
    return FOUR_TERMS if (gate, param) in _CONTROLLED_ROTATIONS else TWO_TERMS


def shifted_values(ansatz: Ansatz) -> tuple[ShiftedValue, ...]:
    """All evaluations for one sample. A parameter with several uses takes some for each (the chain rule)."""
    return tuple(
        ShiftedValue(number, shift, use.parameter, use.scale * weight)
        for number, use in enumerate(ansatz.uses)
        for shift, weight in rule(ansatz.program.instructions[use.instruction].name, use.param)
    )


def angles(ansatz: Ansatz, parameters: tuple[float, ...]) -> list[float]:
    """The values of all uses of the parameters."""
    return [use.scale * parameters[use.parameter] + use.offset for use in ansatz.uses]
