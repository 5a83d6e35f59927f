"""Clifford circuits: as entangling as any, and yet easy to follow classically."""

from __future__ import annotations

import random

from qiskit import QuantumCircuit

from pytest_qbench import circuit_case

Gate = tuple[str, tuple[int, ...]]
"""The name of a ``QuantumCircuit`` method, and the qubits."""


@circuit_case(n_qubits=[4, 8, 12, 16, 20, 22, 24], valid=range(2, 25), depth=[16])
def clifford_scrambler(n_qubits: int, depth: int) -> QuantumCircuit:
    """One X hidden between a random Clifford circuit U and its inverse, which spread it over all qubits.

    This is how scrambling is seen: U^-1 X U becomes a Pauli string that is not the identity on about three
    quarters of the qubits (Nahum, Vijay and Haah, Phys. Rev. X 8, 021014). It flips those qubits of a basis
    state where it has an X or a Y, and these are known from conjugating the X gate by gate, as in the
    stabilizer formalism (Aaronson and Gottesman, Phys. Rev. A 70, 052328). The circuit starts from a seeded
    basis state; the outcome is this state with these qubits flipped. ``depth`` is the number of layers of
    U.
    """
    start, gates = _start_and_gates(n_qubits, depth)
    scrambler = QuantumCircuit(n_qubits)
    for name, qubits in gates:
        getattr(scrambler, name)(*qubits)
    circuit = QuantumCircuit(n_qubits, n_qubits)
    for qubit in range(n_qubits):
        if start >> qubit & 1:
            circuit.x(qubit)
    circuit.compose(scrambler, inplace=True)
    circuit.x(0)
    circuit.compose(scrambler.inverse(), inplace=True)
    circuit.measure(range(n_qubits), range(n_qubits))
    return circuit


@clifford_scrambler.expected
def _(n_qubits: int, depth: int) -> dict[str, float]:
    start, gates = _start_and_gates(n_qubits, depth)
    flipped = _flips_of_scrambled_x(gates)
    return {f"{start ^ flipped:0{n_qubits}b}": 1.0}


def _start_and_gates(n_qubits: int, depth: int) -> tuple[int, list[Gate]]:
    """The basis state to start from, and the gates of U.

    Each layer has one gate of h, s and sx on every qubit, and one of cx, cz and swap on every pair of a
    random pairing.
    """
    rng = random.Random(f"clifford_scrambler:{n_qubits}:{depth}")
    start = 1 + int(rng.random() * (2**n_qubits - 1))
    gates: list[Gate] = []
    for _layer in range(depth):
        for qubit in range(n_qubits):
            gates.append((("h", "s", "sx")[int(3 * rng.random())], (qubit,)))
        order = sorted(range(n_qubits), key=lambda _qubit: rng.random())
        for pair in zip(order[::2], order[1::2], strict=False):
            gates.append((("cx", "cz", "swap")[int(3 * rng.random())], pair))
    return start, gates


def _flips_of_scrambled_x(gates: list[Gate]) -> int:
    """The qubits where U^-1 X U has an X or a Y, for X on qubit 0; bit q is qubit q.

    A Pauli string is a pair of bit masks, where it has an X and where it has a Z, both for a Y. U^-1 X U
    takes the gates of U from the last to the first. A gate and its inverse differ by a sign only, which no
    outcome shows.
    """
    x, z = 1, 0
    for name, qubits in reversed(gates):
        a, b = qubits[0], qubits[-1]
        x_a, x_b, z_a, z_b = x >> a & 1, x >> b & 1, z >> a & 1, z >> b & 1
        match name:
            case "h":
                x ^= (x_a ^ z_a) << a
                z ^= (x_a ^ z_a) << a
            case "s":
                z ^= x_a << a
            case "sx":
                x ^= z_a << a
            case "cx":
                x ^= x_a << b
                z ^= z_b << a
            case "cz":
                z ^= x_b << a | x_a << b
            case "swap":
                x ^= (x_a ^ x_b) << a | (x_a ^ x_b) << b
                z ^= (z_a ^ z_b) << a | (z_a ^ z_b) << b
    return x
