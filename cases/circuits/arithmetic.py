"""Reversible arithmetic."""

from __future__ import annotations

import random

from qiskit import QuantumCircuit

from pytest_qbench import circuit_case


@circuit_case(n_qubits=[4, 8, 12, 16, 20, 24], valid=range(4, 25, 2))
def ripple_carry_adder(n_qubits: int) -> QuantumCircuit:
    """The sum of two numbers, with a carry that ripples through the whole register in half of a superposition.

    The adder of Cuccaro, Draper, Kutin and Moulton (arXiv:quant-ph/0410184) on m = n/2 - 1 bits. The qubits
    are the incoming carry, a and b bit by bit in turn, and the outgoing carry; b becomes the sum. b is the
    complement of a, so that a + b has all bits 1, and the incoming carry is in (|0> + |1>)/sqrt(2): the
    outcome is carry 0, a and 2^m - 1, or carry 1, a and 2^m, half of the shots each. All qubits are
    measured.
    """
    m = n_qubits // 2 - 1
    a = _summand(m)
    carry_out = n_qubits - 1
    circuit = QuantumCircuit(n_qubits, n_qubits)
    circuit.h(0)
    for bit in range(m):
        circuit.x(_a(bit) if a >> bit & 1 else _b(bit))
    # Qubit 2 * bit holds the carry into that bit: the incoming carry at first, then the a of the bit before.
    for bit in range(m):
        _append_majority(circuit, 2 * bit, _b(bit), _a(bit))
    circuit.cx(_a(m - 1), carry_out)
    for bit in reversed(range(m)):
        _append_unmajority_and_add(circuit, 2 * bit, _b(bit), _a(bit))
    circuit.measure(range(n_qubits), range(n_qubits))
    return circuit


@ripple_carry_adder.expected
def _(n_qubits: int) -> dict[str, float]:
    m = n_qubits // 2 - 1
    a = _summand(m)
    without_carry = sum((a >> bit & 1) << _a(bit) | 1 << _b(bit) for bit in range(m))
    with_carry = sum((a >> bit & 1) << _a(bit) for bit in range(m)) | 1 | 1 << (n_qubits - 1)
    return {f"{without_carry:0{n_qubits}b}": 0.5, f"{with_carry:0{n_qubits}b}": 0.5}


def _summand(m: int) -> int:
    """The number a, below 2^m."""
    return int(random.Random(f"ripple_carry_adder:{m}").random() * 2**m)


def _b(bit: int) -> int:
    """The qubit that holds a bit of b, and then of the sum."""
    return 2 * bit + 1


def _a(bit: int) -> int:
    """The qubit that holds a bit of a."""
    return 2 * bit + 2


def _append_majority(circuit: QuantumCircuit, carry: int, b: int, a: int) -> None:
    """Put the majority of three bits, which is the next carry, on the qubit of ``a``."""
    circuit.cx(a, b)
    circuit.cx(a, carry)
    circuit.ccx(carry, b, a)


def _append_unmajority_and_add(circuit: QuantumCircuit, carry: int, b: int, a: int) -> None:
    """Undo the majority and leave the bit of the sum on the qubit of ``b``."""
    circuit.ccx(carry, b, a)
    circuit.cx(a, carry)
    circuit.cx(carry, b)
