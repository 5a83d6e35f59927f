"""Circuits as LRET's executable reads them. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pytest_qbench.circuits.channels import kraus_operators
from pytest_qbench.circuits.program import UNITARY, Instruction, Matrix

GATE_NAMES: Mapping[str, str] = {
    "x": "X", "y": "Y", "z": "Z", "h": "H", "s": "S", "sdg": "SDG", "t": "T", "tdg": "TDG", "sx": "SX",
    "rx": "RX", "ry": "RY", "rz": "RZ", "p": "U1", "u1": "U1", "u2": "U2", "u": "U3", "u3": "U3",
    "cx": "CNOT", "cy": "CY", "cz": "CZ", "swap": "SWAP", "iswap": "ISWAP",
}  # fmt: skip
"""Gates that LRET has, and what it calls them; their parameters and matrices are the same."""


def operation(item: Instruction) -> dict[str, Any]:
    """A gate or a channel as LRET has it."""
    if item.name in GATE_NAMES:
        return {"name": GATE_NAMES[item.name], "wires": list(item.qubits), "params": list(item.params)}
    if item.name == UNITARY:
        assert item.matrix is not None
        operators: Sequence[Matrix] = [item.matrix]
    else:
        operators = kraus_operators(item)
    # Our matrices have their first qubit least significant, LRET's their first wire most.
    wires = list(reversed(item.qubits))
    return {"name": "KRAUS", "wires": wires, "params": [], "kraus_operators": [_real_and_imag(m) for m in operators]}


def _real_and_imag(matrix: Matrix) -> dict[str, list[list[float]]]:
    entries = [[complex(entry) for entry in row] for row in matrix]
    return {
        "real": [[entry.real for entry in row] for row in entries],
        "imag": [[entry.imag for entry in row] for row in entries],
    }
