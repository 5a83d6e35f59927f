"""Circuits of variational algorithms at fixed angles; their distributions are computed, not known in advance.

Neither case has an ``expected`` function: the reference comes from an exact simulation, which bounds the
sizes.
"""

from __future__ import annotations

import math
import random

from qiskit import QuantumCircuit

from pytest_qbench import circuit_case


@circuit_case(n_qubits=[4, 8, 12, 16], valid=range(4, 21, 2), depth=[3])
def qaoa(n_qubits: int, depth: int) -> QuantumCircuit:
    """QAOA for the weighted maximum cut of a Moebius ladder, with the angles of a linear ramp.

    Farhi, Goldstone and Gutmann (arXiv:1411.4028). The graph, a ring with its long diagonals, has degree 3;
    its edges have seeded weights between 1/2 and 3/2, so that no symmetry hides a permuted qubit. The
    angles follow the discretised annealing of Sack and Serbyn (arXiv:2101.05742) with a time step of 3/4
    and need no optimiser; they cut clearly more weight than the half that guessing does. ``depth`` is the
    number of layers.
    """
    circuit = QuantumCircuit(n_qubits, n_qubits)
    circuit.h(range(n_qubits))
    edges = _moebius_ladder(n_qubits)
    for layer in range(depth):
        progress = (layer + 0.5) / depth
        gamma, beta = 0.75 * progress, 0.75 * (1 - progress)
        for a, b, weight in edges:
            circuit.rzz(2 * gamma * weight, a, b)
        # The ground state of -X is |+>, and evolution by angle beta under it is a rotation by -2 beta.
        circuit.rx(-2 * beta, range(n_qubits))
    circuit.measure(range(n_qubits), range(n_qubits))
    return circuit


def _moebius_ladder(n_qubits: int) -> list[tuple[int, int, float]]:
    """The weighted edges of a ring with its long diagonals."""
    rng = random.Random(f"qaoa:{n_qubits}")
    ring = [(vertex, (vertex + 1) % n_qubits) for vertex in range(n_qubits)]
    diagonals = [(vertex, vertex + n_qubits // 2) for vertex in range(n_qubits // 2)]
    return [(a, b, 0.5 + rng.random()) for a, b in ring + diagonals]


@circuit_case(n_qubits=[4, 8, 12, 16], valid=range(2, 21), depth=[4])
def vqe_ansatz(n_qubits: int, depth: int) -> QuantumCircuit:
    """The hardware-efficient ansatz of the variational quantum eigensolver at seeded angles.

    Kandala et al. (Nature 549, 242): rotations of every qubit about y and z, then CNOTs along the line,
    ``depth`` times, and rotations once more. Real angles of an optimisation look no different to a
    simulator.
    """
    rng = random.Random(f"vqe_ansatz:{n_qubits}:{depth}")
    circuit = QuantumCircuit(n_qubits, n_qubits)
    for layer in range(depth + 1):
        if layer > 0:
            for qubit in range(n_qubits - 1):
                circuit.cx(qubit, qubit + 1)
        for qubit in range(n_qubits):
            circuit.ry(math.tau * rng.random(), qubit)
            circuit.rz(math.tau * rng.random(), qubit)
    circuit.measure(range(n_qubits), range(n_qubits))
    return circuit
