"""Entangled states, and what measuring them must show."""

from __future__ import annotations

import math
import random

from qiskit import QuantumCircuit

from pytest_qbench import circuit_case


@circuit_case(n_qubits=2, tags=["core"])
def bell_state() -> QuantumCircuit:
    """The Bell state (|00> + |11>)/sqrt(2): one Hadamard and one CNOT.

    The smallest entangled state (Nielsen and Chuang, section 1.3.6). Both qubits always agree, and each
    outcome comes half of the time.
    """
    circuit = QuantumCircuit(2, 2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure([0, 1], [0, 1])
    return circuit


@bell_state.expected
def _() -> dict[str, float]:
    return {"00": 0.5, "11": 0.5}


@circuit_case(n_qubits=[4, 8, 12, 16, 20, 24], valid=range(2, 25), tags=["core"])
def ghz_state(n_qubits: int) -> QuantumCircuit:
    """The state (|0...0> + |1...1>)/sqrt(2), grown by a chain of CNOTs.

    Named after Greenberger, Horne and Zeilinger (1989). All qubits agree: two outcomes, half of the shots
    each. One CNOT left out shows as an outcome that must not come.
    """
    circuit = QuantumCircuit(n_qubits, n_qubits)
    circuit.h(0)
    for qubit in range(n_qubits - 1):
        circuit.cx(qubit, qubit + 1)
    circuit.measure(range(n_qubits), range(n_qubits))
    return circuit


@ghz_state.expected
def _(n_qubits: int) -> dict[str, float]:
    return {"0" * n_qubits: 0.5, "1" * n_qubits: 0.5}


@circuit_case(n_qubits=[4, 8, 12, 16, 20, 24], valid=range(2, 25))
def w_state(n_qubits: int) -> QuantumCircuit:
    """The even superposition of all strings with a single 1.

    The state of Duer, Vidal and Cirac (Phys. Rev. A 62, 062314), by the linear-depth circuit of Diker
    (arXiv:1606.09290): a 1 starts on qubit 0 and each step passes on all of it but the share that stays.
    Each of the ``n_qubits`` outcomes comes with probability 1/n.
    """
    circuit = QuantumCircuit(n_qubits, n_qubits)
    circuit.x(0)
    for qubit in range(n_qubits - 1):
        # Qubits 0 to qubit - 1 have their shares; of the n - qubit shares left, one stays here.
        angle = math.acos(math.sqrt(1 / (n_qubits - qubit)))
        circuit.ry(-angle, qubit + 1)
        circuit.cz(qubit, qubit + 1)
        circuit.ry(angle, qubit + 1)
        circuit.cx(qubit + 1, qubit)
    circuit.measure(range(n_qubits), range(n_qubits))
    return circuit


@w_state.expected
def _(n_qubits: int) -> dict[str, float]:
    return {f"{1 << qubit:0{n_qubits}b}": 1 / n_qubits for qubit in range(n_qubits)}


@circuit_case(n_qubits=[4, 8, 12, 16, 20, 24], valid=range(2, 25))
def graph_state(n_qubits: int) -> QuantumCircuit:
    """A Pauli error on the state of a random graph, read out by undoing the graph.

    A graph state (Hein, Eisert and Briegel, Phys. Rev. A 69, 062311) has a qubit in |+> for each vertex and
    a CZ for each edge. On it, X on a vertex does what Z on all its neighbours does, and Z on a vertex flips
    that qubit once the graph is undone. So the outcome is the Z mask plus, modulo 2, the neighbourhoods of
    the X mask: a single string, in which every edge at an X of the error shows.
    """
    edges, x_mask, z_mask = _graph_and_masks(n_qubits)
    circuit = QuantumCircuit(n_qubits, n_qubits)
    circuit.h(range(n_qubits))
    for a, b in edges:
        circuit.cz(a, b)
    for qubit in range(n_qubits):
        if x_mask >> qubit & 1:
            circuit.x(qubit)
        if z_mask >> qubit & 1:
            circuit.z(qubit)
    for a, b in edges:
        circuit.cz(a, b)
    circuit.h(range(n_qubits))
    circuit.measure(range(n_qubits), range(n_qubits))
    return circuit


@graph_state.expected
def _(n_qubits: int) -> dict[str, float]:
    edges, x_mask, z_mask = _graph_and_masks(n_qubits)
    outcome = z_mask
    for a, b in edges:
        outcome ^= (x_mask >> a & 1) << b
        outcome ^= (x_mask >> b & 1) << a
    return {f"{outcome:0{n_qubits}b}": 1.0}


def _graph_and_masks(n_qubits: int) -> tuple[list[tuple[int, int]], int, int]:
    """A connected graph (a path and about one chord per vertex), an X mask and a Z mask, neither of them empty."""
    rng = random.Random(f"graph_state:{n_qubits}:graph")
    edges = [(qubit, qubit + 1) for qubit in range(n_qubits - 1)]
    for a in range(n_qubits):
        for b in range(a + 2, n_qubits):
            if rng.random() < 2 / n_qubits:
                edges.append((a, b))
    rng = random.Random(f"graph_state:{n_qubits}:error")
    x_mask = 1 + int(rng.random() * (2**n_qubits - 1))
    z_mask = 1 + int(rng.random() * (2**n_qubits - 1))
    return edges, x_mask, z_mask


@circuit_case(n_qubits=[3, 7, 11, 15, 19, 23], valid=range(3, 25, 2))
def swap_test(n_qubits: int) -> QuantumCircuit:
    """The overlap of two states, read from one ancilla by controlled swaps.

    The swap test of Buhrman, Cleve, Watrous and de Wolf (Phys. Rev. Lett. 87, 167902): the ancilla is 0
    with probability (1 + |<a|b>|^2)/2. The two states are products of rotated qubits whose angles differ
    such that the squared overlap is exactly 1/2; the same entangling CNOTs on both sides do not change it.
    So 0 comes with probability 3/4. Only the ancilla is measured.
    """
    size = (n_qubits - 1) // 2
    left, right = range(1, size + 1), range(size + 1, n_qubits)
    rng = random.Random(f"swap_test:{n_qubits}")
    # Each pair of qubits has overlap cos(difference / 2), and the product of the squares must be 1/2.
    difference = 2 * math.acos(0.5 ** (0.5 / size))
    circuit = QuantumCircuit(n_qubits, 1)
    for a, b in zip(left, right, strict=True):
        angle = math.pi * rng.random()
        circuit.ry(angle, a)
        circuit.ry(angle + difference, b)
    for register in (left, right):
        for qubit in register[:-1]:
            circuit.cx(qubit, qubit + 1)
    circuit.h(0)
    for a, b in zip(left, right, strict=True):
        circuit.cswap(0, a, b)
    circuit.h(0)
    circuit.measure(0, 0)
    return circuit


@swap_test.expected
def _(n_qubits: int) -> dict[str, float]:
    return {"0": 0.75, "1": 0.25}
