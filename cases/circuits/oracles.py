"""Algorithms that ask a function hidden in an oracle, all with a known answer."""

from __future__ import annotations

import random

from qiskit import QuantumCircuit

from pytest_qbench import circuit_case


def _secret(case: str, n_bits: int) -> int:
    """The number other than 0 with ``n_bits`` bits that the case of that name hides."""
    return 1 + int(random.Random(f"{case}:{n_bits}").random() * (2**n_bits - 1))


@circuit_case(n_qubits=[4, 8, 12, 16, 20, 24], valid=range(2, 25))
def bernstein_vazirani(n_qubits: int) -> QuantumCircuit:
    """The secret s of the oracle f(x) = s.x (the parity of the bits that s selects), from a single query.

    Bernstein and Vazirani (SIAM J. Comput. 26, 1411). The last qubit is in |->, so that the oracle, one
    CNOT for each 1 in s, leaves the sign (-1)^(s.x) on |x>; Hadamards turn these signs into |s>. The
    outcome is s in every shot.
    """
    m = n_qubits - 1
    secret = _secret("bernstein_vazirani", m)
    circuit = QuantumCircuit(n_qubits, m)
    circuit.x(m)
    circuit.h(range(n_qubits))
    for qubit in range(m):
        if secret >> qubit & 1:
            circuit.cx(qubit, m)
    circuit.h(range(m))
    circuit.measure(range(m), range(m))
    return circuit


@bernstein_vazirani.expected
def _(n_qubits: int) -> dict[str, float]:
    m = n_qubits - 1
    return {f"{_secret('bernstein_vazirani', m):0{m}b}": 1.0}


@circuit_case(n_qubits=[4, 8, 12, 16, 20, 24], valid=range(2, 25))
def deutsch_jozsa(n_qubits: int) -> QuantumCircuit:
    """Tell a balanced function from a constant one by a single query, with a balanced one that is not linear.

    Deutsch and Jozsa (Proc. R. Soc. Lond. A 439, 553): the outcome 0 has probability 0 exactly if f is
    balanced. Here f(x) = x0 + x1 x2 + x3 x4 + ... modulo 2, with up to four products and the bits left over
    added singly. Bits added singly always come out as 1; a product makes the signs of two bits a bent
    function, whose Walsh spectrum is flat, so that these two bits come out in all four ways alike.
    """
    m = n_qubits - 1
    singles, pairs = _terms(m)
    circuit = QuantumCircuit(n_qubits, m)
    circuit.x(m)
    circuit.h(range(n_qubits))
    for qubit in singles:
        circuit.cx(qubit, m)
    for a, b in pairs:
        circuit.ccx(a, b, m)
    circuit.h(range(m))
    circuit.measure(range(m), range(m))
    return circuit


@deutsch_jozsa.expected
def _(n_qubits: int) -> dict[str, float]:
    m = n_qubits - 1
    singles, pairs = _terms(m)
    outcomes = [sum(1 << qubit for qubit in singles)]
    for pair in pairs:
        for qubit in pair:
            outcomes += [outcome | 1 << qubit for outcome in outcomes]
    return {f"{outcome:0{m}b}": 1 / len(outcomes) for outcome in outcomes}


def _terms(m: int) -> tuple[list[int], list[tuple[int, int]]]:
    """The input bits added singly, and the pairs multiplied, of a function of ``m`` bits."""
    pairs = [(qubit, qubit + 1) for qubit in range(1, m - 1, 2)][:4]
    multiplied = {qubit for pair in pairs for qubit in pair}
    return [qubit for qubit in range(m) if qubit not in multiplied], pairs


@circuit_case(n_qubits=[4, 8, 12, 16, 20, 24], valid=range(4, 25, 2))
def simon(n_qubits: int) -> QuantumCircuit:
    """The period s of a two-to-one function, f(x) = f(x + s) bit by bit.

    Simon (SIAM J. Comput. 26, 1474). Half of the qubits hold x, the others receive f(x): a copy of x, with
    s added modulo 2 where bit j of x is 1, j being the lowest 1 in s. Then f(x) = f(x + s), and for no
    other pair. The first register, the one that is measured, gives every y with y.s = 0 alike, and no
    other.
    """
    m = n_qubits // 2
    period = _secret("simon", m)
    lowest = (period & -period).bit_length() - 1
    circuit = QuantumCircuit(n_qubits, m)
    circuit.h(range(m))
    for qubit in range(m):
        circuit.cx(qubit, m + qubit)
    for qubit in range(m):
        if period >> qubit & 1:
            circuit.cx(lowest, m + qubit)
    circuit.h(range(m))
    circuit.measure(range(m), range(m))
    return circuit


@simon.expected
def _(n_qubits: int) -> dict[str, float]:
    m = n_qubits // 2
    period = _secret("simon", m)
    orthogonal = [y for y in range(2**m) if (y & period).bit_count() % 2 == 0]
    return {f"{y:0{m}b}": 1 / len(orthogonal) for y in orthogonal}


@circuit_case(n_qubits=[4, 8, 12, 16, 20, 24], valid=range(4, 25, 2))
def hidden_shift(n_qubits: int) -> QuantumCircuit:
    """The shift s between a bent function f and its shifted copy, from one query each to the copy and the dual.

    Roetteler's algorithm (arXiv:0811.3208) with a function of the Maiorana-McFarland class, as Bravyi and
    Gosset (Phys. Rev. Lett. 116, 250501) use it for benchmarks: f(x, y) = x.y + g(x) modulo 2 with dual x.y
    + g(y), where g is cubic and makes the circuit non-Clifford. Hadamards between signs f(z + s) and signs
    of the dual leave |s>: the outcome is s in every shot.
    """
    shift = _secret("hidden_shift", n_qubits)
    half = n_qubits // 2
    x, y = list(range(half)), list(range(half, n_qubits))
    shifted = [qubit for qubit in range(n_qubits) if shift >> qubit & 1]
    circuit = QuantumCircuit(n_qubits, n_qubits)
    circuit.h(range(n_qubits))
    circuit.x(shifted)
    _append_bent_signs(circuit, x, y, cubic=x)
    circuit.x(shifted)
    circuit.h(range(n_qubits))
    _append_bent_signs(circuit, x, y, cubic=y)
    circuit.h(range(n_qubits))
    circuit.measure(range(n_qubits), range(n_qubits))
    return circuit


@hidden_shift.expected
def _(n_qubits: int) -> dict[str, float]:
    return {f"{_secret('hidden_shift', n_qubits):0{n_qubits}b}": 1.0}


def _append_bent_signs(circuit: QuantumCircuit, x: list[int], y: list[int], cubic: list[int]) -> None:
    """The sign of x.y, and of g on the qubits ``cubic``: the sum of the products of three neighbours."""
    for a, b in zip(x, y, strict=True):
        circuit.cz(a, b)
    for a, b, c in zip(cubic, cubic[1:], cubic[2:], strict=False):
        circuit.ccz(a, b, c)
