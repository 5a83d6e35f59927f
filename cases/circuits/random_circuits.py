"""Random circuits: the hardest load for a simulator that looks for structure.

All but small quantum volume run a random circuit U and then its inverse. Before U, X on a seeded set of
qubits makes a basis state other than zero, which is what must come back: a simulator that returned zeros
would fail.
"""

from __future__ import annotations

import math
import random

from qiskit import QuantumCircuit

from pytest_qbench import circuit_case

REFERENCE_MAX_QUBITS = 16
"""Up to this size quantum volume runs in its plain form, whose distribution can be computed."""


def _mask(case: str, n_qubits: int, depth: int) -> int:
    """The set of qubits, not empty, that start in 1; bit q is qubit q."""
    return 1 + int(random.Random(f"{case}:{n_qubits}:{depth}:mask").random() * (2**n_qubits - 1))


def _there_and_back(forward: QuantumCircuit, mask: int) -> QuantumCircuit:
    """X on the qubits in ``mask``, ``forward``, its inverse, and a measurement of all qubits."""
    n_qubits = forward.num_qubits
    circuit = QuantumCircuit(n_qubits, n_qubits)
    for qubit in range(n_qubits):
        if mask >> qubit & 1:
            circuit.x(qubit)
    circuit.compose(forward, inplace=True)
    circuit.compose(forward.inverse(), inplace=True)
    circuit.measure(range(n_qubits), range(n_qubits))
    return circuit


def _random_pairs(n_qubits: int, rng: random.Random) -> list[tuple[int, int]]:
    """Disjoint pairs of qubits in random order; with an odd number one qubit stays alone."""
    order = sorted(range(n_qubits), key=lambda _qubit: rng.random())
    return list(zip(order[::2], order[1::2], strict=False))


@circuit_case(n_qubits=[4, 8, 12, 16, 18, 20, 22], valid=range(2, 25))
def quantum_volume(n_qubits: int) -> QuantumCircuit:
    """The model circuit of quantum volume: as many layers as qubits, each of random two-qubit unitaries.

    Cross et al. (Phys. Rev. A 100, 032328). In each layer the qubits are paired at random, and each pair
    undergoes a generic two-qubit unitary in its standard form of three CNOTs and eight one-qubit gates
    (Vidal and Dawson, Phys. Rev. A 69, 010301). The one-qubit gates are Haar-random; the distribution over
    two-qubit unitaries is close to the Haar measure, not equal to it.

    Up to 16 qubits the distribution is dense and the reference is computed. Above, half of the layers run
    and are then undone (so the number of gates is that of the plain form): the outcome is the mask of the
    qubits that start in 1.
    """
    rng = random.Random(f"quantum_volume:{n_qubits}")
    mirrored = n_qubits > REFERENCE_MAX_QUBITS
    circuit = QuantumCircuit(n_qubits)
    for _layer in range(n_qubits // 2 if mirrored else n_qubits):
        for a, b in _random_pairs(n_qubits, rng):
            for cnots_left in (3, 2, 1, 0):
                for qubit in (a, b):
                    # The Haar measure is uniform in sin^2(theta / 2). C libraries differ in an arcsine's last
                    # bits; rounded, it gives one circuit everywhere.
                    theta = round(2 * math.asin(math.sqrt(rng.random())), 9)
                    circuit.u(theta, math.tau * rng.random(), math.tau * rng.random(), qubit)
                if cnots_left:
                    circuit.cx(a, b)
    if mirrored:
        return _there_and_back(circuit, _mask("quantum_volume", n_qubits, n_qubits))
    measured = QuantumCircuit(n_qubits, n_qubits)
    measured.compose(circuit, inplace=True)
    measured.measure(range(n_qubits), range(n_qubits))
    return measured


@quantum_volume.expected
def _(n_qubits: int) -> dict[str, float] | None:
    if n_qubits <= REFERENCE_MAX_QUBITS:
        return None
    return {f"{_mask('quantum_volume', n_qubits, n_qubits):0{n_qubits}b}": 1.0}


@circuit_case(n_qubits=[4, 8, 12, 14, 16, 18, 20, 22], valid=range(2, 25), tags=["mirror"], depth=[16])
def random_universal(n_qubits: int, depth: int) -> QuantumCircuit:
    """Random gates of a universal set on random qubits, and back.

    Each of the ``depth`` layers has one gate on every qubit (h, t, sx or a random u) and one on every pair
    of a random pairing (cx, cz, cp or rzz), about 48 gates per qubit with the inverse at depth 16.
    Long-range pairs make it entangle fast, so that neither tensor networks nor decision diagrams find it
    easy. The outcome is the mask.
    """
    rng = random.Random(f"random_universal:{n_qubits}:{depth}")
    forward = QuantumCircuit(n_qubits)
    for _layer in range(depth):
        for qubit in range(n_qubits):
            match int(4 * rng.random()):
                case 0:
                    forward.h(qubit)
                case 1:
                    forward.t(qubit)
                case 2:
                    forward.sx(qubit)
                case _:
                    forward.u(*(math.tau * rng.random() for _angle in range(3)), qubit)
        for a, b in _random_pairs(n_qubits, rng):
            match int(4 * rng.random()):
                case 0:
                    forward.cx(a, b)
                case 1:
                    forward.cz(a, b)
                case 2:
                    forward.cp(math.tau * rng.random(), a, b)
                case _:
                    forward.rzz(math.tau * rng.random(), a, b)
    return _there_and_back(forward, _mask("random_universal", n_qubits, depth))


@random_universal.expected
def _(n_qubits: int, depth: int) -> dict[str, float]:
    return {f"{_mask('random_universal', n_qubits, depth):0{n_qubits}b}": 1.0}


@circuit_case(n_qubits=[4, 8, 12, 16, 18, 20, 22], valid=range(2, 25), tags=["mirror"], depth=[10])
def brickwork(n_qubits: int, depth: int) -> QuantumCircuit:
    """Random rotations and CZ gates between neighbours, laid like bricks, and back.

    The nearest-neighbour circuits of random-circuit sampling in one dimension: each of the ``depth`` layers
    rotates every qubit about y and z and then joins the even or, in turn, the odd pairs of neighbours.
    Entanglement spreads by one qubit a layer, which suits tensor networks at low depth. The outcome is the
    mask.
    """
    rng = random.Random(f"brickwork:{n_qubits}:{depth}")
    forward = QuantumCircuit(n_qubits)
    for layer in range(depth):
        for qubit in range(n_qubits):
            forward.ry(math.tau * rng.random(), qubit)
            forward.rz(math.tau * rng.random(), qubit)
        for qubit in range(layer % 2, n_qubits - 1, 2):
            forward.cz(qubit, qubit + 1)
    return _there_and_back(forward, _mask("brickwork", n_qubits, depth))


@brickwork.expected
def _(n_qubits: int, depth: int) -> dict[str, float]:
    return {f"{_mask('brickwork', n_qubits, depth):0{n_qubits}b}": 1.0}
