"""Random circuits with variable parameters, and what they are compared with."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Sequence

import numpy as np
from exact_reference import final_state, random_gates
from numpy.typing import NDArray

from pytest_qbench import Instruction, Program
from pytest_qbench.engine import PauliSum, Slot

PAULIS = {
    "I": np.eye(2),
    "X": np.array([[0, 1], [1, 0]]),
    "Y": np.array([[0, -1j], [1j, 0]]),
    "Z": np.diag([1, -1]),
}


def random_circuit(seed: int, n_qubits: int, n_gates: int, share: float = 0.7) -> tuple[Program, list[Slot], int]:
    """Gates of all kinds, of whose parameters about ``share`` are variables; several may depend on one parameter."""
    rng = random.Random(seed)
    program = Program(n_qubits, 0, random_gates(rng, n_qubits, n_gates))
    places = [(i, j) for i, item in enumerate(program.instructions) for j in range(len(item.params))]
    chosen = [place for place in places if rng.random() < share]
    n_parameters = max(1, len(chosen) // 2)
    slots = [
        Slot(*place, rng.randrange(n_parameters), rng.choice([1.0, rng.uniform(-2, 2)]), rng.uniform(-1, 1))
        for place in chosen
    ]
    return program, slots, n_parameters


def layered(n_qubits: int, n_layers: int) -> tuple[Program, list[Slot]]:
    """RY on every qubit, RZ on every qubit, a ladder of CNOTs; and so on."""
    gates: list[Instruction] = []
    slots: list[Slot] = []
    for _ in range(n_layers):
        for name in ("ry", "rz"):
            for qubit in range(n_qubits):
                slots.append(Slot(len(gates), 0, len(slots)))
                gates.append(Instruction(name, (qubit,), (0.0,)))
        gates += [Instruction("cx", (qubit, qubit + 1)) for qubit in range(n_qubits - 1)]
    return Program(n_qubits, 0, tuple(gates)), slots


def bound(program: Program, slots: Sequence[Slot], parameters: NDArray[np.float64]) -> Program:
    """The program with the values of its variables filled in."""
    items = list(program.instructions)
    for slot in slots:
        params = list(items[slot.instruction].params)
        params[slot.param] = slot.scale * float(parameters[slot.parameter]) + slot.offset
        items[slot.instruction] = dataclasses.replace(items[slot.instruction], params=tuple(params))
    return Program(program.n_qubits, program.n_clbits, tuple(items))


def exact_states(program: Program, slots: Sequence[Slot], parameters: NDArray[np.float64]) -> NDArray[np.complex128]:
    """The final state for each row of parameters."""
    return np.array([final_state(bound(program, slots, row)) for row in parameters])


def random_sum(rng: random.Random, n_qubits: int, letters: str = "IXYZ") -> PauliSum:
    """Three random Pauli strings."""
    return PauliSum.from_terms(
        (rng.uniform(-1, 1), {qubit: rng.choice(letters) for qubit in range(n_qubits)}) for _ in range(3)
    )


def operator(observable: PauliSum, n_qubits: int) -> NDArray[np.complex128]:
    """An observable as a matrix in Qiskit's order."""
    total = np.zeros((1 << n_qubits, 1 << n_qubits), complex)
    for coefficient, string in observable.terms:
        matrix = np.eye(1)
        letters = dict(string)
        for qubit in reversed(range(n_qubits)):
            matrix = np.kron(matrix, PAULIS[letters.get(qubit, "I")])
        total += coefficient * matrix
    return total


def exact_values(observables: Sequence[PauliSum], states: NDArray[np.complex128], n_qubits: int) -> NDArray[np.float64]:
    """Expectation values, shape ``(states, observables)``."""
    operators = [operator(observable, n_qubits) for observable in observables]
    return np.array([[np.vdot(state, matrix @ state).real for matrix in operators] for state in states])
