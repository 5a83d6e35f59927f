"""The quantum Fourier transform and what is built on it, from Hadamards and controlled phases."""

from __future__ import annotations

import math
import random

from qiskit import QuantumCircuit

from pytest_qbench import circuit_case


@circuit_case(n_qubits=[4, 8, 12, 16, 18, 20, 22, 24], valid=range(2, 25), tags=["core"])
def qft(n_qubits: int) -> QuantumCircuit:
    """Addition of a constant modulo 2^n in Fourier space: a QFT, one phase per qubit, an inverse QFT.

    Draper's adder (arXiv:quant-ph/0008033). The QFT sends |x> to the sum over y of exp(2 pi i x y / 2^n)
    |y>; a phase exp(2 pi i k 2^j / 2^n) on each qubit j turns x into x + k there, and the inverse QFT gives
    it back. The outcome is x + k modulo 2^n in every shot, and every phase of both transforms has a share
    in it.
    """
    x, k = _summands(n_qubits)
    circuit = QuantumCircuit(n_qubits, n_qubits)
    for qubit in range(n_qubits):
        if x >> qubit & 1:
            circuit.x(qubit)
    _append_qft(circuit, n_qubits)
    for qubit in range(n_qubits):
        circuit.p(math.tau * _fraction(k, n_qubits - qubit), qubit)
    _append_inverse_qft(circuit, n_qubits)
    circuit.measure(range(n_qubits), range(n_qubits))
    return circuit


@qft.expected
def _(n_qubits: int) -> dict[str, float]:
    x, k = _summands(n_qubits)
    return {f"{(x + k) % 2**n_qubits:0{n_qubits}b}": 1.0}


def _summands(n_qubits: int) -> tuple[int, int]:
    """A number x and a constant k, both below 2^n, with a sum that is not 0 modulo 2^n."""
    rng = random.Random(f"qft:{n_qubits}")
    x = int(rng.random() * 2**n_qubits)
    total = 1 + int(rng.random() * (2**n_qubits - 1))
    return x, (total - x) % 2**n_qubits


@circuit_case(n_qubits=[4, 8, 12, 16, 20, 24], valid=range(2, 25))
def phase_estimation(n_qubits: int) -> QuantumCircuit:
    """Quantum phase estimation of a phase gate whose phase has exactly as many bits as are read.

    Kitaev's algorithm in the form of Cleve, Ekert, Macchiavello and Mosca (arXiv:quant-ph/9708016). The
    last qubit holds the eigenstate |1> of U = P(2 pi k / 2^t), the t others control U^(2^j) and end in an
    inverse QFT. As the phase has t bits exactly, the outcome is k in every shot. k is odd, so that no qubit
    could be left out.
    """
    t = n_qubits - 1
    k = _phase_numerator(t)
    circuit = QuantumCircuit(n_qubits, t)
    circuit.x(t)
    circuit.h(range(t))
    for qubit in range(t):
        circuit.cp(math.tau * _fraction(k, t - qubit), qubit, t)
    _append_inverse_qft(circuit, t)
    circuit.measure(range(t), range(t))
    return circuit


@phase_estimation.expected
def _(n_qubits: int) -> dict[str, float]:
    t = n_qubits - 1
    return {f"{_phase_numerator(t):0{t}b}": 1.0}


def _phase_numerator(t: int) -> int:
    """An odd number below 2^t."""
    return 1 + 2 * int(random.Random(f"phase_estimation:{t}").random() * 2 ** (t - 1))


def _fraction(numerator: int, bits: int) -> float:
    """The part after the point of ``numerator / 2**bits``: whole turns are no phase."""
    return numerator % (1 << bits) / (1 << bits)


def _append_qft(circuit: QuantumCircuit, size: int) -> None:
    """The QFT on qubits 0 to ``size - 1``, the last being the most significant (Nielsen and Chuang, section 5.1)."""
    for target in reversed(range(size)):
        circuit.h(target)
        for control in reversed(range(target)):
            circuit.cp(math.pi / 2 ** (target - control), control, target)
    for qubit in range(size // 2):
        circuit.swap(qubit, size - 1 - qubit)


def _append_inverse_qft(circuit: QuantumCircuit, size: int) -> None:
    """The gates of :func:`_append_qft` inverted, in reverse order."""
    for qubit in range(size // 2):
        circuit.swap(qubit, size - 1 - qubit)
    for target in range(size):
        for control in range(target):
            circuit.cp(-math.pi / 2 ** (target - control), control, target)
        circuit.h(target)
