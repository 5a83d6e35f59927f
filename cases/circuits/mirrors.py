"""Circuits that undo themselves, each made of one kind of gate that simulators treat specially.

Each runs some circuit U and then its inverse. Before U, X on a seeded set of qubits makes a basis state
other than zero, which is what must come back: a simulator that returned zeros would fail.

A compiler that cancels neighbouring inverse gates has nothing left to run here. ``clifford_scrambler`` and the
cases with an outcome of their own show whether a backend's times come from that.
"""

from __future__ import annotations

import math
import random

from qiskit import QuantumCircuit

from pytest_qbench import circuit_case


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


_PERMUTATIONS = (("x", 1), ("cx", 2), ("swap", 2), ("ccx", 3), ("cswap", 3), ("mcx", 4))
"""The gates of classical reversible logic, as methods of ``QuantumCircuit``, and their numbers of qubits."""


@circuit_case(n_qubits=[4, 8, 12, 16, 20, 22], valid=range(4, 25), tags=["mirror"], depth=[24])
def reversible_mix(n_qubits: int, depth: int) -> QuantumCircuit:
    """Random gates of classical reversible logic on a superposition, and back.

    Half of the qubits are in superposition when ``depth`` layers of x, cx, swap, ccx, cswap and
    three-controlled mcx permute the basis states (Toffoli, "Reversible computing", 1980). All gates are
    permutations: a simulator may move amplitudes rather than multiply matrices. The outcome is the mask.
    """
    rng = random.Random(f"reversible_mix:{n_qubits}:{depth}")
    forward = QuantumCircuit(n_qubits)
    forward.h(range(0, n_qubits, 2))
    for _layer in range(depth):
        # The qubits in random order are cut into the operands of one gate after the other, as far as they go.
        order = sorted(range(n_qubits), key=lambda _qubit: rng.random())
        while order:
            name, size = _PERMUTATIONS[int(len(_PERMUTATIONS) * rng.random())]
            operands, order = order[:size], order[size:]
            if name == "mcx" and len(operands) == size:
                forward.mcx(operands[:-1], operands[-1])
            elif len(operands) == size:
                getattr(forward, name)(*operands)
    return _there_and_back(forward, _mask("reversible_mix", n_qubits, depth))


@reversible_mix.expected
def _(n_qubits: int, depth: int) -> dict[str, float]:
    return {f"{_mask('reversible_mix', n_qubits, depth):0{n_qubits}b}": 1.0}


@circuit_case(n_qubits=[4, 8, 12, 16, 20, 24], valid=range(2, 25), tags=["mirror"])
def diagonal_mesh(n_qubits: int) -> QuantumCircuit:
    """Diagonal gates on every qubit and every pair of qubits, between Hadamards, and back.

    The instantaneous quantum polynomial-time circuits of Shepherd and Bremner (Proc. R. Soc. A 465, 1413):
    p and rz on single qubits, cp, crz, rzz and cz on all pairs. Diagonal gates commute, and a simulator may
    gather them all in one pass over the state. The outcome is the mask.
    """
    rng = random.Random(f"diagonal_mesh:{n_qubits}")
    forward = QuantumCircuit(n_qubits)
    forward.h(range(n_qubits))
    for a in range(n_qubits):
        forward.p(math.tau * rng.random(), a)
        forward.rz(math.tau * rng.random(), a)
        for b in range(a):
            match int(4 * rng.random()):
                case 0:
                    forward.cp(math.tau * rng.random(), a, b)
                case 1:
                    forward.crz(math.tau * rng.random(), a, b)
                case 2:
                    forward.rzz(math.tau * rng.random(), a, b)
                case _:
                    forward.cz(a, b)
    forward.h(range(n_qubits))
    return _there_and_back(forward, _mask("diagonal_mesh", n_qubits, 0))


@diagonal_mesh.expected
def _(n_qubits: int) -> dict[str, float]:
    return {f"{_mask('diagonal_mesh', n_qubits, 0):0{n_qubits}b}": 1.0}


@circuit_case(n_qubits=[4, 8, 12, 16, 20, 22], valid=range(2, 25), tags=["mirror"], depth=[6])
def phase_ladder(n_qubits: int, depth: int) -> QuantumCircuit:
    """Ladders of ever finer controlled phases between neighbours, with Hadamards between them, and back.

    The phases are those of a QFT, pi / 2^k, but each rung joins neighbours only: ``depth`` times, Hadamards
    on all qubits, cp up the line with k from 0 on, and crz down the line at twice the angle. The finest
    phases test the precision as much as the speed. The outcome is the mask.
    """
    forward = QuantumCircuit(n_qubits)
    for _layer in range(depth):
        forward.h(range(n_qubits))
        for qubit in range(n_qubits - 1):
            forward.cp(math.pi / 2**qubit, qubit, qubit + 1)
        for qubit in reversed(range(n_qubits - 1)):
            forward.crz(math.tau / 2**qubit, qubit + 1, qubit)
    return _there_and_back(forward, _mask("phase_ladder", n_qubits, depth))


@phase_ladder.expected
def _(n_qubits: int, depth: int) -> dict[str, float]:
    return {f"{_mask('phase_ladder', n_qubits, depth):0{n_qubits}b}": 1.0}


@circuit_case(n_qubits=[4, 8, 12, 16, 20, 22], valid=range(2, 25), tags=["mirror"], depth=[8])
def toffoli_oracle(n_qubits: int, depth: int) -> QuantumCircuit:
    """Phase oracles that mark random strings through chains of Toffoli gates, and back.

    Each of the ``depth`` oracles computes the AND of all inputs, some of them inverted, with a chain of
    Toffoli gates through clean ancillas (Barenco et al., Phys. Rev. A 52, 3457, section 7), turns the phase
    of the string that it marks, and computes the ancillas back; Hadamards on the inputs come before each. A
    little more than half of the qubits are inputs. The mask is on the inputs only, the ancillas end in 0:
    the outcome is the mask.
    """
    n_inputs = _inputs(n_qubits)
    inputs, ancillas = list(range(n_inputs)), list(range(n_inputs, n_qubits))
    carries = [inputs[0], *ancillas]
    chained = inputs[1 : len(carries)]
    rng = random.Random(f"toffoli_oracle:{n_qubits}:{depth}")
    forward = QuantumCircuit(n_qubits)
    for _layer in range(depth):
        forward.h(inputs)
        inverted = [qubit for qubit in inputs if rng.random() < 0.5]
        for qubit in inverted:
            forward.x(qubit)
        chain = list(zip(carries, chained, carries[1:], strict=False))
        for toffoli in chain:
            forward.ccx(*toffoli)
        angle = math.pi * (0.5 + rng.random())
        if len(chained) == n_inputs - 1:
            forward.p(angle, carries[-1])
        else:  # one input is left over: it controls the phase
            forward.cp(angle, carries[-1], inputs[-1])
        for toffoli in reversed(chain):
            forward.ccx(*toffoli)
        for qubit in inverted:
            forward.x(qubit)
    return _there_and_back(forward, _mask("toffoli_oracle", n_inputs, depth))


@toffoli_oracle.expected
def _(n_qubits: int, depth: int) -> dict[str, float]:
    return {f"{_mask('toffoli_oracle', _inputs(n_qubits), depth):0{n_qubits}b}": 1.0}


def _inputs(n_qubits: int) -> int:
    """The number of inputs: k of them take k - 1 ancillas, or k - 2 where the last one controls the phase."""
    return n_qubits // 2 + 1


@circuit_case(n_qubits=[4, 8, 12, 16, 20, 22], valid=range(2, 25), tags=["mirror"], depth=[5])
def heisenberg_echo(n_qubits: int, depth: int) -> QuantumCircuit:
    """Trotter steps of a Heisenberg chain in a random field, forward and then backward in time.

    The dynamics that Jamadagni, Laeuchli and Hempel (arXiv:2401.09076) compare simulators by, here as a
    Loschmidt echo: ``depth`` steps of rxx, ryy and rzz between neighbours and rz on each qubit, then their
    inverses. The evolution keeps the number of ones. The outcome is the mask.
    """
    rng = random.Random(f"heisenberg_echo:{n_qubits}:{depth}")
    time_step = 0.2
    fields = [2 * rng.random() - 1 for _qubit in range(n_qubits)]
    forward = QuantumCircuit(n_qubits)
    for _step in range(depth):
        for parity in (0, 1):
            for qubit in range(parity, n_qubits - 1, 2):
                # exp(-i J t XX) is rxx(2 J t), with J = 1.
                forward.rxx(2 * time_step, qubit, qubit + 1)
                forward.ryy(2 * time_step, qubit, qubit + 1)
                forward.rzz(2 * time_step, qubit, qubit + 1)
        for qubit, field in enumerate(fields):
            forward.rz(2 * time_step * field, qubit)
    return _there_and_back(forward, _mask("heisenberg_echo", n_qubits, depth))


@heisenberg_echo.expected
def _(n_qubits: int, depth: int) -> dict[str, float]:
    return {f"{_mask('heisenberg_echo', n_qubits, depth):0{n_qubits}b}": 1.0}
