"""The circuit that parameter-shift benchmarks in the literature use."""

from __future__ import annotations

from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector

from pytest_qbench import gradient_case


@gradient_case(n_qubits=8, layers=1)
def gradient(n_qubits: int, layers: int) -> QuantumCircuit:
    """Layers of RY on every qubit, RZ on every qubit, and a ladder of CNOTs."""
    circuit = QuantumCircuit(n_qubits)
    angles = iter(ParameterVector("angle", 2 * layers * n_qubits))
    for _ in range(layers):
        for qubit in range(n_qubits):
            circuit.ry(next(angles), qubit)
        for qubit in range(n_qubits):
            circuit.rz(next(angles), qubit)
        for qubit in range(n_qubits - 1):
            circuit.cx(qubit, qubit + 1)
    return circuit
