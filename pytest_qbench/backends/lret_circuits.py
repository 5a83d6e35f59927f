"""Circuits as LRET's executable reads them. Standard library only."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from pytest_qbench.circuits.program import (
    AMPLITUDE_DAMPING,
    DEPOLARIZING,
    PHASE_DAMPING,
    UNITARY,
    Instruction,
    Matrix,
)

GATE_NAMES: Mapping[str, str] = {
    "x": "X", "y": "Y", "z": "Z", "h": "H", "s": "S", "sdg": "SDG", "t": "T", "tdg": "TDG", "sx": "SX",
    "rx": "RX", "ry": "RY", "rz": "RZ", "p": "U1", "u1": "U1", "u2": "U2", "u": "U3", "u3": "U3",
    "cx": "CNOT", "cy": "CY", "cz": "CZ", "swap": "SWAP", "iswap": "ISWAP",
}  # fmt: skip
"""Gates that LRET has, and what it calls them; their parameters and matrices are the same."""

_PAULIS: tuple[Matrix, ...] = (
    ((1, 0), (0, 1)),
    ((0, 1), (1, 0)),
    ((0, -1j), (1j, 0)),
    ((1, 0), (0, -1)),
)


def operation(item: Instruction) -> dict[str, Any]:
    """A gate or a channel as LRET has it."""
    if item.name in GATE_NAMES:
        return {"name": GATE_NAMES[item.name], "wires": list(item.qubits), "params": list(item.params)}
    if item.name == UNITARY:
        assert item.matrix is not None
        operators: Sequence[Matrix] = [item.matrix]
    else:
        operators = KRAUS[item.name](len(item.qubits), item.params[0])
    # Our matrices have their first qubit least significant, LRET's their first wire most.
    wires = list(reversed(item.qubits))
    return {"name": "KRAUS", "wires": wires, "params": [], "kraus_operators": [_real_and_imag(m) for m in operators]}


def _real_and_imag(matrix: Matrix) -> dict[str, list[list[float]]]:
    entries = [[complex(entry) for entry in row] for row in matrix]
    return {
        "real": [[entry.real for entry in row] for row in entries],
        "imag": [[entry.imag for entry in row] for row in entries],
    }


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


KRAUS = {
    DEPOLARIZING: _depolarizing,
    AMPLITUDE_DAMPING: _amplitude_damping,
    PHASE_DAMPING: _phase_damping,
}
"""The Kraus operators of a channel on so many qubits."""
