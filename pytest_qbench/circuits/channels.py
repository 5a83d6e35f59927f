"""The Kraus operators of the noise channels, for simulators and references that take noise in this form.

What the channels are is said at :class:`~pytest_qbench.circuits.program.Instruction`. Standard library only: adapters
use it in the worker.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from pytest_qbench.circuits.program import AMPLITUDE_DAMPING, DEPOLARIZING, PHASE_DAMPING, Instruction, Matrix

_PAULIS: tuple[Matrix, ...] = (
    ((1, 0), (0, 1)),
    ((0, 1), (1, 0)),
    ((0, -1j), (1j, 0)),
    ((1, 0), (0, -1)),
)


def kraus_operators(channel: Instruction) -> list[Matrix]:
    """The Kraus operators K of a channel on qubits: rho -> the sum of K rho K^dagger.

    As the matrices of gates they are little-endian in ``channel.qubits``.

    Raises:
        KeyError: it is no channel on qubits (a readout error acts on a classical bit).
    """
    return _OPERATORS[channel.name](len(channel.qubits), channel.params[0])


def pauli_error(channel: Instruction) -> float:
    """The probability that anything but the identity happens, for a channel that applies Pauli gates at random.

    Depolarizing with p replaces the state by I / 2**k, which is each of the 4**k Pauli strings with the same
    probability, the identity among them. Phase damping applies Z: it shrinks the coherence by sqrt(1 - lambda), and a Z
    with probability q by 1 - 2 q.

    Raises:
        KeyError: the channel is not of this kind (amplitude damping is not).
    """
    (strength,) = channel.params
    return {
        DEPOLARIZING: strength * (1 - 0.25 ** len(channel.qubits)),
        PHASE_DAMPING: (1 - math.sqrt(1 - strength)) / 2,
    }[channel.name]


def _depolarizing(n_qubits: int, p: float) -> list[Matrix]:
    """Every Pauli string with the same weight, but that of the identity, which has the rest."""
    part = p / 4**n_qubits
    weights = [1 - p + part, *([part] * (4**n_qubits - 1))]
    strings = itertools.product(_PAULIS, repeat=n_qubits)
    return [_scaled(math.sqrt(weight), _product(string)) for weight, string in zip(weights, strings, strict=True)]


def _product(factors: Sequence[Matrix]) -> Matrix:
    """The Kronecker product."""
    result: Matrix = ((1,),)
    for factor in factors:
        result = tuple(tuple(left * right for left in row for right in other) for row in result for other in factor)
    return result


def _scaled(scale: float, matrix: Matrix) -> Matrix:
    return tuple(tuple(scale * entry for entry in row) for row in matrix)


def _amplitude_damping(n_qubits: int, gamma: float) -> list[Matrix]:
    return [((1, 0), (0, math.sqrt(1 - gamma))), ((0, math.sqrt(gamma)), (0, 0))]


def _phase_damping(n_qubits: int, lam: float) -> list[Matrix]:
    return [((1, 0), (0, math.sqrt(1 - lam))), ((0, 0), (0, math.sqrt(lam)))]


_OPERATORS = {
    DEPOLARIZING: _depolarizing,
    AMPLITUDE_DAMPING: _amplitude_damping,
    PHASE_DAMPING: _phase_damping,
}
"""The Kraus operators of a channel on so many qubits."""

ON_QUBITS = frozenset(_OPERATORS)
"""The channels on qubits: all but readout errors."""
