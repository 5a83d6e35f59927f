"""Ansatz, encodings and observables in PennyLane's terms.

Wire ``n - 1 - q`` is qubit q. PennyLane's first wire is the most significant bit of the index of an amplitude, so with
this numbering states and amplitude features go in on ``range(n)``, in order: with another order of wires every
injection would be a transposition, which a PennyLane user would not pay.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from pytest_qbench.backends.base import UnsupportedError
from pytest_qbench.circuits.program import UNITARY, Instruction
from pytest_qbench.gradients.ansatz import Ansatz, Terms

Operation = Any
"""A PennyLane operator."""

_CLASSES: Mapping[str, str] = {
    "id": "Identity",
    "x": "PauliX",
    "y": "PauliY",
    "z": "PauliZ",
    "h": "Hadamard",
    "s": "S",
    "t": "T",
    "sx": "SX",
    "p": "PhaseShift",
    "u1": "PhaseShift",
    "rx": "RX",
    "ry": "RY",
    "rz": "RZ",
    "u": "U3",
    "u2": "U2",
    "u3": "U3",
    "swap": "SWAP",
    "iswap": "ISWAP",
    "ecr": "ECR",
    "rxx": "IsingXX",
    "ryy": "IsingYY",
    "rzz": "IsingZZ",
    "cx": "CNOT",
    "cy": "CY",
    "cz": "CZ",
    "ch": "CH",
    "cp": "ControlledPhaseShift",
    "cu1": "ControlledPhaseShift",
    "crx": "CRX",
    "cry": "CRY",
    "crz": "CRZ",
    "ccx": "Toffoli",
    "ccz": "CCZ",
    "cswap": "CSWAP",
    "mcx": "MultiControlledX",
}
"""Gates that are a class with the same parameters and the same order of qubits."""

_ADJOINTS: Mapping[str, str] = {"sdg": "S", "tdg": "T", "sxdg": "SX"}
_CONTROLLED: Mapping[str, str] = {"cs": "S", "csx": "SX", "cu3": "U3", "mcphase": "PhaseShift"}
"""Gates that are another one with all qubits but the last as controls."""


def qubit_wires(n_qubits: int) -> list[int]:
    """The wires of qubits 0, 1, and so on."""
    return list(range(n_qubits))[::-1]


def builder(instruction: Instruction, n_qubits: int) -> Callable[..., Operation]:
    """A function from the parameters of a gate to its operation.

    Raises:
        UnsupportedError: PennyLane has no such gate.
    """
    import numpy as np
    import pennylane as qml

    name, wires = instruction.name, [n_qubits - 1 - qubit for qubit in instruction.qubits]
    if name in _CLASSES:
        return partial(getattr(qml, _CLASSES[name]), wires=wires)
    if name in _ADJOINTS:
        gate = getattr(qml, _ADJOINTS[name])
        return lambda: qml.adjoint(gate(wires=wires))
    if name in _CONTROLLED:
        gate = getattr(qml, _CONTROLLED[name])
        return lambda *params: qml.ctrl(gate(*params, wires=wires[-1:]), control=wires[:-1])
    if name == "csdg":
        return lambda: qml.ctrl(qml.adjoint(qml.S(wires=wires[-1:])), control=wires[:-1])
    if name == "rzx":
        return partial(qml.PauliRot, pauli_word="ZX", wires=wires)
    if name == UNITARY:
        # The first qubit is the least significant bit of the matrix, the first wire the most significant.
        return partial(qml.QubitUnitary, np.array(instruction.matrix), wires=wires[::-1])
    raise UnsupportedError(f"PennyLane has no gate that is {name!r}: write the ansatz with other gates")


class PennylaneCircuit:
    """An ansatz as operations: one for each instruction, at the same place.

    Angles are the values of the uses of parameters (``ansatz.uses``), as numbers or tensors of any kind.
    """

    def __init__(self, ansatz: Ansatz, constant: Callable[[float], Any] = float) -> None:
        """Look up the gates.

        Args:
            ansatz: the circuit.
            constant: makes a number of the kind that angles are: some gates don't take parameters of two kinds.

        Raises:
            UnsupportedError: PennyLane lacks one.
        """
        self.uses = ansatz.uses
        self._builders = [builder(item, ansatz.n_qubits) for item in ansatz.program.instructions]
        self._constants = [tuple(map(constant, item.params)) for item in ansatz.program.instructions]
        self._variable: dict[int, dict[int, int]] = {}
        for number, use in enumerate(ansatz.uses):
            self._variable.setdefault(use.instruction, {})[use.param] = number

    def operation(self, place: int, angles: Sequence[Any]) -> Operation:
        """The operation of one instruction."""
        params = self._constants[place]
        if variable := self._variable.get(place):
            params = tuple(angles[variable[i]] if i in variable else value for i, value in enumerate(params))
        return self._builders[place](*params)

    def operations(self, angles: Sequence[Any]) -> list[Operation]:
        """All operations, in order. Inside a QNode they belong to its circuit."""
        return [self.operation(place, angles) for place in range(len(self._builders))]


def observable(terms: Terms, n_qubits: int) -> Operation:
    """What is measured: a Pauli operator, a product of them, or a linear combination."""
    import pennylane as qml

    def product(letters: Sequence[tuple[int, str]]) -> Operation:
        factors = [getattr(qml, f"Pauli{letter}")(n_qubits - 1 - qubit) for qubit, letter in letters]
        if len(factors) > 1:
            return qml.prod(*factors)
        return factors[0] if factors else qml.Identity(0)

    coefficients = [coefficient for coefficient, _ in terms]
    products = [product(letters) for _, letters in terms]
    return products[0] if coefficients == [1.0] else qml.Hamiltonian(coefficients, products)


def embedding(encoding: str, n_qubits: int) -> Callable[[Any], Operation]:
    """A function from a row of features to the operation that encodes it, with PennyLane's own templates."""
    import pennylane as qml

    wires = qubit_wires(n_qubits)
    if encoding == "amplitude":
        return partial(qml.AmplitudeEmbedding, wires=range(n_qubits), normalize=True, pad_with=0.0)
    if encoding == "angle":
        return partial(qml.AngleEmbedding, wires=wires)
    if encoding == "basis":
        return lambda row: qml.BasisEmbedding(row >= 0.5, wires=wires)
    if encoding == "iqp":
        return partial(qml.IQPEmbedding, wires=wires)
    raise UnsupportedError(f"there is no PennyLane embedding for the encoding {encoding!r}")


def injection(n_qubits: int) -> Callable[[Any], Operation]:
    """A function from a state (or, where the device broadcasts, several) to the operation that starts from it."""
    import pennylane as qml

    return partial(qml.StatePrep, wires=range(n_qubits))
