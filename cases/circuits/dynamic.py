"""Dynamic circuits: measurement, reset and decisions in the middle.

A simulator has to follow each shot (or each branch) by itself, so that these cost by the shot.
"""

from __future__ import annotations

import itertools
import math
import random

from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister

from pytest_qbench import circuit_case


@circuit_case(n_qubits=[3, 5, 7], valid=range(3, 14, 2), tags=["core"])
def teleportation(n_qubits: int) -> QuantumCircuit:
    """A qubit teleported along a chain of Bell pairs, corrected at each hop.

    Bennett et al. (Phys. Rev. Lett. 70, 1895). The message starts on qubit 0; each hop takes two more
    qubits, a Bell pair, measures the message together with one of them and corrects the other by X and Z as
    the two bits say. In the end the preparation of the message is undone, which leaves a 1 if nothing went
    wrong on the way. So the last bit is 1 in every shot, and the two bits of each hop are random: 4
    outcomes per hop, all alike.
    """
    theta, phi = 0.7, 1.9
    circuit = QuantumCircuit(n_qubits, n_qubits)
    circuit.x(0)
    circuit.ry(theta, 0)
    circuit.rz(phi, 0)
    for message in range(0, n_qubits - 1, 2):
        near, far = message + 1, message + 2
        circuit.h(near)
        circuit.cx(near, far)
        circuit.cx(message, near)
        circuit.h(message)
        circuit.measure([message, near], [message, near])
        with circuit.if_test((circuit.clbits[near], 1)):
            circuit.x(far)
        with circuit.if_test((circuit.clbits[message], 1)):
            circuit.z(far)
    last = n_qubits - 1
    circuit.rz(-phi, last)
    circuit.ry(-theta, last)
    circuit.measure(last, last)
    return circuit


@teleportation.expected
def _(n_qubits: int) -> dict[str, float]:
    n_random = n_qubits - 1
    return {"1" + "".join(bits): 0.5**n_random for bits in itertools.product("01", repeat=n_random)}


@circuit_case(n_qubits=5, rounds=[50])
def adaptive_feedback(rounds: int) -> QuantumCircuit:
    """T gates by injection: each round measures an ancilla, and the bit decides on a correction.

    Gate teleportation as fault-tolerant computers do it (Zhou, Leung and Chuang, Phys. Rev. A 62, 052316).
    The ancilla in T|+> takes a CNOT from a data qubit and is measured; after a 1 the data qubit lacks S to
    have undergone T, and the ancilla lacks X to be 0 again. Each of the four data qubits runs H T^k H,
    where k is how often a seeded draw has chosen it: it ends in 1 with probability sin^2(k pi / 8). The bit
    of the ancilla, overwritten in each round, is 0 or 1 alike and independent of all else.
    """
    data, ancilla = range(4), 4
    circuit = QuantumCircuit(5, 5)
    circuit.h(data)
    for qubit in _injections(rounds):
        circuit.h(ancilla)
        circuit.t(ancilla)
        circuit.cx(qubit, ancilla)
        circuit.measure(ancilla, ancilla)
        with circuit.if_test((circuit.clbits[ancilla], 1)):
            circuit.s(qubit)
            circuit.x(ancilla)
    circuit.h(data)
    circuit.measure(data, data)
    return circuit


@circuit_case(n_qubits=5, rounds=[120])
def adaptive_feedback_long(rounds: int) -> QuantumCircuit:
    """``adaptive_feedback`` with more rounds: more than 100 decisions, each depending on a measurement.

    What a round costs is the difference between the two cases. The expectation is derived as there.
    """
    return adaptive_feedback(rounds)


@adaptive_feedback.expected
@adaptive_feedback_long.expected
def _(rounds: int) -> dict[str, float]:
    injections = _injections(rounds)
    ones = [math.sin(injections.count(qubit) * math.pi / 8) ** 2 for qubit in range(4)] + [0.5]
    outcomes = {}
    for bits in itertools.product((0, 1), repeat=5):
        probability = math.prod(one if bit else 1 - one for one, bit in zip(ones, bits, strict=True))
        if probability > 1e-12:  # sin(pi) is not quite 0
            outcomes["".join(map(str, reversed(bits)))] = probability
    return outcomes


def _injections(rounds: int) -> list[int]:
    """The data qubit of each round."""
    rng = random.Random(f"adaptive_feedback:{rounds}")
    return [int(4 * rng.random()) for _round in range(rounds)]


@circuit_case(n_qubits=2, bits=[16])
def qubit_reuse(bits: int) -> QuantumCircuit:
    """Bernstein-Vazirani on two qubits, one of which is measured and reset for each of the secret's ``bits``.

    The input qubits of the algorithm never meet each other, so that one can play all of them in turn
    (DeCross et al., Phys. Rev. X 13, 041057). The outcome is the secret in every shot.
    """
    secret = _secret(bits)
    circuit = QuantumCircuit(2, bits)
    circuit.x(1)
    circuit.h(1)
    for bit in range(bits):
        circuit.reset(0)
        circuit.h(0)
        if secret >> bit & 1:
            circuit.cx(0, 1)
        circuit.h(0)
        circuit.measure(0, bit)
    return circuit


@qubit_reuse.expected
def _(bits: int) -> dict[str, float]:
    return {f"{_secret(bits):0{bits}b}": 1.0}


def _secret(bits: int) -> int:
    """The number other than 0 with so many bits that the case hides."""
    return 1 + int(random.Random(f"qubit_reuse:{bits}").random() * (2**bits - 1))


@circuit_case(n_qubits=[5, 9], valid=range(5, 18, 4), rounds=[6])
def repetition_code(n_qubits: int, rounds: int) -> QuantumCircuit:
    """Rounds of the bit-flip repetition code: an error, syndrome measurement, correction and ancilla reset.

    Peres (Phys. Rev. A 32, 3266); Nielsen and Chuang, section 10.1. The first half of the qubits and one
    more are data, the others measure the parities of neighbours. In each round one data qubit is rotated
    about x, which the syndrome turns into a flip or nothing, each with a known probability, and the
    correction undoes it; the ancillas are reset. The logical state is a superposition, and undoing its
    preparation in the end leaves a 1 on data qubit 0 and 0 on the others if all corrections were right. The
    syndrome of the last round stays in the upper bits: that of a flip, with probability sin^2(angle / 2),
    or 0.
    """
    n_data = (n_qubits + 1) // 2
    data, ancillas = QuantumRegister(n_data, "data"), QuantumRegister(n_data - 1, "ancillas")
    outcome, syndrome = ClassicalRegister(n_data, "outcome"), ClassicalRegister(n_data - 1, "syndrome")
    circuit = QuantumCircuit(data, ancillas, outcome, syndrome)
    theta = 1.1
    circuit.x(0)
    circuit.ry(theta, 0)
    for position in range(n_data - 1):
        circuit.cx(data[position], data[position + 1])
    for flipped, angle in _errors(n_data, rounds):
        circuit.rx(angle, data[flipped])
        circuit.reset(ancillas)
        for position in range(n_data - 1):
            circuit.cx(data[position], ancillas[position])
            circuit.cx(data[position + 1], ancillas[position])
        circuit.measure(ancillas, syndrome)
        for position in range(n_data):
            with circuit.if_test((syndrome, _syndrome_of(position, n_data))):
                circuit.x(data[position])
    for position in reversed(range(n_data - 1)):
        circuit.cx(data[position], data[position + 1])
    circuit.ry(-theta, 0)
    circuit.measure(data, outcome)
    return circuit


@repetition_code.expected
def _(n_qubits: int, rounds: int) -> dict[str, float]:
    n_data = (n_qubits + 1) // 2
    flipped, angle = _errors(n_data, rounds)[-1]
    data = f"{1:0{n_data}b}"
    return {
        f"{_syndrome_of(flipped, n_data):0{n_data - 1}b}{data}": math.sin(angle / 2) ** 2,
        "0" * (n_data - 1) + data: math.cos(angle / 2) ** 2,
    }


def _errors(n_data: int, rounds: int) -> list[tuple[int, float]]:
    """The data qubit and the angle of each round's error."""
    rng = random.Random(f"repetition_code:{n_data}:{rounds}")
    return [(int(n_data * rng.random()), math.pi * (0.25 + 0.5 * rng.random())) for _round in range(rounds)]


def _syndrome_of(position: int, n_data: int) -> int:
    """The syndrome of a flip of one data qubit: the parities to its left and right, where there are any."""
    return (3 << position >> 1) & ((1 << (n_data - 1)) - 1)
