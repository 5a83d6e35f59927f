"""Small gradient tasks, and their exact values by Qiskit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp, Statevector

from pytest_qbench import Instruction, Program
from pytest_qbench.gradients.ansatz import Ansatz, ParameterUse, Terms
from pytest_qbench.gradients.task import GradientTask


def classic(n_qubits: int, n_layers: int) -> Ansatz:
    """Per layer RY on every qubit, RZ on every qubit, a ladder of CNOTs."""
    gates: list[Instruction] = []
    uses: list[ParameterUse] = []
    for _ in range(n_layers):
        for name in ("ry", "rz"):
            for qubit in range(n_qubits):
                uses.append(ParameterUse(len(gates), 0, len(uses)))
                gates.append(Instruction(name, (qubit,), (0.0,)))
        gates += [Instruction("cx", (qubit, qubit + 1)) for qubit in range(n_qubits - 1)]
    return Ansatz(Program(n_qubits, 0, tuple(gates)), tuple(uses), len(uses))


def unusual() -> Ansatz:
    """On three qubits: a parameter shared by two gates, a scale and an offset, a gate with four shifts, two parameters
    of one gate, a parameter that nothing uses, and gates without parameters in any order of qubits."""
    gates = (
        Instruction("h", (1,)),
        Instruction("rx", (2,), (0.0,)),
        Instruction("crx", (2, 0), (0.0,)),
        Instruction("u", (1,), (0.0, 0.3, 0.0)),
        Instruction("cx", (1, 2)),
        Instruction("rzz", (2, 0), (0.0,)),
        Instruction("ccx", (0, 2, 1)),
        Instruction("ry", (0,), (0.0,)),
    )
    uses = (
        ParameterUse(1, 0, 0),
        ParameterUse(2, 0, 1),
        ParameterUse(3, 0, 2),
        ParameterUse(3, 2, 3, scale=-0.5, offset=0.2),
        ParameterUse(5, 0, 0, scale=2.0),
        ParameterUse(7, 0, 4),
    )
    return Ansatz(Program(3, 0, gates), uses, 6)


def make_task(
    folder: Path, ansatz: Ansatz, observable: Terms, encoding: str = "amplitude", n_samples: int = 3, **others: Any
) -> GradientTask:
    """A task with features drawn at random, written into ``folder``."""
    rng = np.random.default_rng(7)
    n_columns = 1 << ansatz.n_qubits if encoding == "amplitude" else ansatz.n_qubits
    path = folder / f"{encoding}-{ansatz.n_qubits}-{n_samples}.npy"
    np.save(path, rng.uniform(0, 1, (n_samples, n_columns)))
    parameters = tuple(rng.uniform(-np.pi, np.pi, ansatz.n_parameters).tolist())
    return GradientTask(ansatz, parameters, observable, encoding, str(path), n_samples, **others)


def encoding_circuit(row: NDArray[np.float64], encoding: str) -> QuantumCircuit:
    """The gates that make the state of a row; of none for amplitude encoding."""
    n_qubits = len(row)
    circuit = QuantumCircuit(n_qubits)
    for qubit, value in enumerate(row):
        if encoding == "angle":
            circuit.rx(value, qubit)
        elif encoding == "basis" and value >= 0.5:
            circuit.x(qubit)
        elif encoding == "iqp":
            circuit.h(qubit)
            circuit.rz(value, qubit)
    if encoding == "iqp":
        for second in range(n_qubits):
            for first in range(second):
                circuit.rzz(row[first] * row[second], first, second)
    return circuit


def exact_state(row: NDArray[np.float64], encoding: str) -> NDArray[np.complex128]:
    """The state that a row of features is encoded into."""
    if encoding == "amplitude":
        return (row / np.linalg.norm(row)).astype(complex)
    return np.asarray(Statevector(encoding_circuit(row, encoding)).data)


def exact_gradient(task: GradientTask, sample: int, step: float = 1e-4) -> NDArray[np.float64]:
    """The gradient of one sample by central differences of Qiskit's expectation values; good to about 1e-8."""
    row = np.load(task.features)[sample]
    start = Statevector(exact_state(row, task.encoding))
    n_qubits = task.ansatz.n_qubits
    operator = SparsePauliOp.from_sparse_list(
        [
            ("".join(letter for _, letter in term), [qubit for qubit, _ in term], value)
            for value, term in task.observable
        ],
        n_qubits,
    )

    def value(parameters: NDArray[np.float64]) -> float:
        circuit = QuantumCircuit(n_qubits)
        for item in task.ansatz.bound(parameters.tolist()).instructions:
            getattr(circuit, item.name)(*item.params, *item.qubits)
        return float(start.evolve(circuit).expectation_value(operator).real)

    parameters = np.array(task.parameters)
    steps = step * np.eye(len(parameters))
    return np.array([(value(parameters + by) - value(parameters - by)) / (2 * step) for by in steps])
