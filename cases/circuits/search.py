"""Grover's search: for one string, and for the preimages of a toy hash."""

from __future__ import annotations

import itertools
import math
import random
from collections import Counter
from collections.abc import Collection

from qiskit import QuantumCircuit

from pytest_qbench import circuit_case

Step = tuple[tuple[int, ...], int]
"""A controlled NOT of a reversible circuit: one or two control qubits, and the target."""


def _grover_distribution(n_bits: int, marked: Collection[int], iterations: int) -> dict[str, float]:
    """The outcomes after so many Grover iterations.

    Any marked string comes out with probability sin^2((2k + 1) theta), where sin^2(theta) is their share of all
    strings; all marked strings are alike, and so are all others (Boyer, Brassard, Hoyer and Tapp,
    arXiv:quant-ph/9605034).
    """
    n_strings = 2**n_bits
    theta = math.asin(math.sqrt(len(marked) / n_strings))
    found = math.sin((2 * iterations + 1) * theta) ** 2
    hit, miss = found / len(marked), (1 - found) / (n_strings - len(marked))
    probabilities = {x: hit if x in marked else miss for x in range(n_strings)}
    # Where theta divides evenly the others can't come at all, but rounding leaves them about 1e-33.
    return {f"{x:0{n_bits}b}": probability for x, probability in probabilities.items() if probability > 1e-15}


@circuit_case(n_qubits=[2, 3], tags=["core"])
def simple_grovers(n_qubits: int) -> QuantumCircuit:
    """Grover's search among 4 or 8 strings for a single one, with a phase oracle and no ancilla.

    Grover (Phys. Rev. Lett. 79, 325). On 2 qubits one iteration finds the marked string 10 with certainty;
    on 3 qubits two iterations find 110 with probability 121/128, and the other seven share the rest alike.
    """
    marked, iterations = _small_search(n_qubits)
    circuit = QuantumCircuit(n_qubits, n_qubits)
    circuit.h(range(n_qubits))
    for _iteration in range(iterations):
        _append_sign_of(circuit, marked, n_qubits)
        circuit.h(range(n_qubits))
        _append_sign_of(circuit, 0, n_qubits)
        circuit.h(range(n_qubits))
    circuit.measure(range(n_qubits), range(n_qubits))
    return circuit


@simple_grovers.expected
def _(n_qubits: int) -> dict[str, float]:
    marked, iterations = _small_search(n_qubits)
    return _grover_distribution(n_qubits, {marked}, iterations)


def _small_search(n_qubits: int) -> tuple[int, int]:
    """The marked string as a number, and the number of iterations."""
    return (0b10, 1) if n_qubits == 2 else (0b110, 2)


def _append_sign_of(circuit: QuantumCircuit, string: int, n_qubits: int) -> None:
    """Change the sign of one basis state of 2 or 3 qubits."""
    zeros = [qubit for qubit in range(n_qubits) if not string >> qubit & 1]
    for qubit in zeros:
        circuit.x(qubit)
    if n_qubits == 2:
        circuit.cz(0, 1)
    else:
        circuit.h(2)
        circuit.ccx(0, 1, 2)
        circuit.h(2)
    for qubit in zeros:
        circuit.x(qubit)


@circuit_case(n_qubits=[10, 13, 16, 20], valid=range(7, 25), tags=["core"])
def real_grovers(n_qubits: int) -> QuantumCircuit:
    """Grover's search for the preimages of a digest under a toy hash, computed reversibly in the oracle.

    The qubits are, in this order: the search register, the hash register, clean work qubits for chains of
    Toffoli gates, and a flag in |->. An iteration computes the hash, flips the flag where it equals the
    digest, computes the hash back, and reflects about the mean; there are as many as bring the success
    probability closest to 1 for the first time. The hash is a seeded sequence of CNOT and Toffoli gates, so
    that the preimages can be counted classically: all come out alike with the exact Grover probability, and
    all other strings share the rest alike. Only the search register is measured.
    """
    search, digest_register, work, flag = _registers(n_qubits)
    steps, digest, preimages = _toy_hash(n_qubits)
    circuit = QuantumCircuit(n_qubits, len(search))
    circuit.x(flag)
    circuit.h(flag)
    circuit.h(search)
    for _iteration in range(_iterations(len(search), len(preimages))):
        _append_steps(circuit, steps)
        _append_flip_where(circuit, digest_register, digest, work, flag)
        _append_steps(circuit, steps[::-1])
        circuit.h(search)
        # Outside the oracle the hash register is clean too, and serves as more work qubits.
        _append_flip_where(circuit, search, 0, digest_register + work, flag)
        circuit.h(search)
    circuit.measure(search, search)
    return circuit


@real_grovers.expected
def _(n_qubits: int) -> dict[str, float]:
    n_bits = len(_registers(n_qubits)[0])
    preimages = _toy_hash(n_qubits)[2]
    return _grover_distribution(n_bits, preimages, _iterations(n_bits, len(preimages)))


def _registers(n_qubits: int) -> tuple[list[int], list[int], list[int], int]:
    """The qubits of the search register, the hash register and the work qubits, and the flag.

    A NOT with k controls takes k - 2 work qubits: the hash register must find them beside itself, the
    search register may use both.
    """
    n_hash = n_qubits // 4 + 1
    n_work = n_hash - 2
    n_search = n_qubits - n_hash - n_work - 1
    qubits = list(range(n_qubits))
    return qubits[:n_search], qubits[n_search:][:n_hash], qubits[n_search + n_hash : -1], n_qubits - 1


def _iterations(n_bits: int, n_marked: int) -> int:
    """The number of Grover iterations that first brings the success probability closest to 1, at least 1."""
    theta = math.asin(math.sqrt(n_marked / 2**n_bits))
    return max(1, round(math.pi / (4 * theta) - 0.5))


def _toy_hash(n_qubits: int) -> tuple[list[Step], int, frozenset[int]]:
    """The steps that compute the hash, the digest looked for, and its preimages.

    Two rounds; in each, every bit of the hash takes in a bit of the input, a product of two others, and the
    product of another with its neighbour in the hash. The digest is the one with the fewest preimages, but at
    least two.
    """
    search, hash_register, _work, _flag = _registers(n_qubits)
    rng = random.Random(f"real_grovers:{n_qubits}")
    steps: list[Step] = []
    for _round in range(2):
        for position, target in enumerate(hash_register):
            a, b, c, *_rest = sorted(search, key=lambda _qubit: rng.random())
            steps += [((a,), target), ((b, c), target), ((a, hash_register[position - 1]), target)]
    digests = [_evaluate(steps, x) >> len(search) for x in range(2 ** len(search))]
    n_preimages = Counter(digests)
    digest = min((d for d in n_preimages if n_preimages[d] > 1), key=lambda d: (n_preimages[d], d))
    return steps, digest, frozenset(x for x, value in enumerate(digests) if value == digest)


def _evaluate(steps: list[Step], state: int) -> int:
    """The basis state that ``steps`` make of a basis state; bit q is qubit q."""
    for controls, target in steps:
        if all(state >> control & 1 for control in controls):
            state ^= 1 << target
    return state


def _append_steps(circuit: QuantumCircuit, steps: list[Step]) -> None:
    """The steps as CNOT and Toffoli gates."""
    for controls, target in steps:
        if len(controls) == 1:
            circuit.cx(*controls, target)
        else:
            circuit.ccx(*controls, target)


def _append_flip_where(circuit: QuantumCircuit, register: list[int], value: int, work: list[int], target: int) -> None:
    """Flip ``target`` where ``register`` holds ``value``, by a chain of Toffoli gates through ``work`` qubits."""
    zeros = [qubit for position, qubit in enumerate(register) if not value >> position & 1]
    *chained, last = register
    carries = [chained[0], *work[: len(chained) - 1]]
    chain: list[Step] = [
        ((carry, control), after)
        for (carry, after), control in zip(itertools.pairwise(carries), chained[1:], strict=True)
    ]
    for qubit in zeros:
        circuit.x(qubit)
    _append_steps(circuit, [*chain, ((carries[-1], last), target), *chain[::-1]])
    for qubit in zeros:
        circuit.x(qubit)
