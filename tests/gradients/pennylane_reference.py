"""Small circuits, and what their gradients must be: dense matrices, and differences instead of any shift rule."""

from __future__ import annotations

from functools import reduce
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pytest_qbench.circuits.gates import gate_matrix
from pytest_qbench.circuits.program import Instruction, Program
from pytest_qbench.gradients.ansatz import Ansatz, ParameterUse, Terms
from pytest_qbench.gradients.task import GradientTask

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]

_PAULIS = {"X": [[0, 1], [1, 0]], "Y": [[0, -1j], [1j, 0]], "Z": [[1, 0], [0, -1]]}


def layered(n_qubits: int, layers: int) -> Ansatz:
    """Per layer RY and RZ on each qubit and a ladder of CNOTs."""
    gates: list[Instruction] = []
    uses: list[ParameterUse] = []
    for _ in range(layers):
        for name in ("ry", "rz"):
            for qubit in range(n_qubits):
                uses.append(ParameterUse(len(gates), 0, len(uses)))
                gates.append(Instruction(name, (qubit,), (0.0,)))
        gates += [Instruction("cx", (qubit, qubit + 1)) for qubit in range(n_qubits - 1)]
    return Ansatz(Program(n_qubits, 0, tuple(gates)), tuple(uses), len(uses))


def mixed() -> Ansatz:
    """Three qubits; gates of several kinds, constants beside variables, parameters with several uses, one unused."""
    half = 0.5**0.5
    hadamard = ((half + 0j, half + 0j), (half + 0j, -half + 0j))
    gates = (
        Instruction("unitary", (1,), matrix=hadamard),
        Instruction("crx", (0, 1), (0.0,)),
        Instruction("sdg", (2,)),
        Instruction("cu3", (1, 2), (0.0, 0.3, 0.0)),
        Instruction("rzz", (0, 2), (0.0,)),
        Instruction("u", (1,), (0.7, 0.0, -0.2)),
        Instruction("ecr", (2, 0)),
        Instruction("rzx", (1, 0), (0.0,)),
        Instruction("ch", (2, 1)),
    )
    uses = (
        ParameterUse(1, 0, 0),
        ParameterUse(3, 0, 1),
        ParameterUse(3, 2, 2, scale=-0.5),
        ParameterUse(4, 0, 0, scale=2.0, offset=0.1),
        ParameterUse(5, 1, 1),
        ParameterUse(7, 0, 2, offset=-0.4),
    )
    return Ansatz(Program(3, 0, gates), uses, 4)


def rows(encoding: str, n_qubits: int, n_samples: int, seed: int = 7) -> Real:
    """Random features; those for amplitude encoding are fewer than the amplitudes. The first bits are 1, 0, 0, ..."""
    rng = np.random.default_rng(seed)
    if encoding == "basis":
        bits = rng.uniform(size=(n_samples, n_qubits))
        bits[0] = 0.25
        bits[0, 0] = 0.75
        return bits
    return rng.normal(size=(n_samples, (1 << n_qubits) - 1 if encoding == "amplitude" else n_qubits))


def task(
    folder: Path, ansatz: Ansatz, encoding: str, observable: Terms, n_samples: int = 3, precision: str = "double"
) -> GradientTask:
    """A task with features in ``folder``."""
    path = folder / f"{encoding}.npy"
    np.save(path, rows(encoding, ansatz.n_qubits, n_samples + 1))
    values = np.random.default_rng(3).uniform(-np.pi, np.pi, ansatz.n_parameters)
    return GradientTask(ansatz, tuple(values.tolist()), observable, encoding, str(path), n_samples, precision)


def encoded(row: Real, encoding: str, n_qubits: int) -> Complex:
    """The state of a row of features, amplitude by amplitude; qubit 0 is the least significant bit."""
    bits = np.arange(1 << n_qubits)[:, np.newaxis] >> np.arange(n_qubits) & 1
    if encoding == "amplitude":
        state = np.zeros(1 << n_qubits, complex)
        state[: len(row)] = row
        return state / np.linalg.norm(state)
    if encoding == "basis":
        return (bits == (row >= 0.5)).all(1).astype(complex)
    if encoding == "angle":
        return np.where(bits == 1, -1j * np.sin(row / 2), np.cos(row / 2)).prod(1)
    spins = 1 - 2 * bits
    pairs = sum(row[i] * row[j] * spins[:, i] * spins[:, j] for i in range(n_qubits) for j in range(i + 1, n_qubits))
    return np.exp(-0.5j * (spins @ row + pairs)) / np.sqrt(1 << n_qubits)


def value(ansatz: Ansatz, parameters: Real, observable: Terms, state: Complex) -> float:
    """The expectation value."""
    n_qubits = ansatz.n_qubits
    for item in ansatz.bound(parameters.tolist()).instructions:
        state = _embedded(np.array(gate_matrix(item)), item.qubits, n_qubits) @ state
    total = 0.0
    for coefficient, letters in observable:
        pauli: dict[int, str] = dict(letters)
        factors = [np.array(_PAULIS[pauli[q]]) if q in pauli else np.eye(2) for q in range(n_qubits)]
        total += coefficient * np.vdot(state, reduce(np.kron, factors[::-1]) @ state).real
    return total


def expected_gradients(given: GradientTask, step: float = 1e-4) -> Real:
    """Central differences of fourth order, shape ``(samples, parameters)``."""
    parameters, n_qubits = np.array(given.parameters), given.ansatz.n_qubits
    result = np.zeros((given.n_samples, len(parameters)))
    for sample, row in enumerate(np.load(given.features)[: given.n_samples]):
        state = encoded(row, given.encoding, n_qubits)

        def at(parameter: int, distance: float, state: Complex = state) -> float:
            moved = parameters.copy()
            moved[parameter] += distance
            return value(given.ansatz, moved, given.observable, state)

        for parameter in range(len(parameters)):
            near = at(parameter, step) - at(parameter, -step)
            far = at(parameter, 2 * step) - at(parameter, -2 * step)
            result[sample, parameter] = (8 * near - far) / (12 * step)
    return result


def _embedded(matrix: Complex, qubits: tuple[int, ...], n_qubits: int) -> Complex:
    """A matrix on some qubits as one on all."""
    size = 1 << n_qubits
    wide = np.zeros((size, size), complex)
    mask = sum(1 << qubit for qubit in qubits)
    for column in range(size):
        inner = sum((column >> qubit & 1) << bit for bit, qubit in enumerate(qubits))
        for row in range(len(matrix)):
            target = (column & ~mask) | sum((row >> bit & 1) << qubit for bit, qubit in enumerate(qubits))
            wide[target, column] += matrix[row, inner]
    return wide
