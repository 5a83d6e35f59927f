"""What the cases of the standard suite expect, against exact computations that know nothing of the expectations."""

from __future__ import annotations

import math

import numpy as np
import pytest
from qiskit.quantum_info import Statevector
from qiskit_aer import AerSimulator
from suite_instances import CASES, Instance, instances

from pytest_qbench.verify.exact import exact_distribution

SMALL = instances(range(2, 11)) + [i for i in instances() if i.n_qubits <= 10 and i.case.path.endswith(".qasm")]
DYNAMIC = [instance for instance in instances(range(2, 11)) if instance.program().is_dynamic]
BY_NAME = {case.name: case for case in CASES}


def ideal_probabilities(circuit) -> dict[str, float]:
    """The distribution of a static circuit by Qiskit's own state vector, outcomes below 1e-12 left out."""
    qubit_of = {}
    for item in circuit.data:
        if item.operation.name == "measure":
            qubit_of[circuit.find_bit(item.clbits[0]).index] = circuit.find_bit(item.qubits[0]).index
    assert sorted(qubit_of) == list(range(circuit.num_clbits))
    gates = circuit.remove_final_measurements(inplace=False)
    measured = [qubit_of[clbit] for clbit in range(circuit.num_clbits)]
    probabilities = Statevector(gates).probabilities(measured)
    return {f"{i:0{len(measured)}b}": float(p) for i, p in enumerate(probabilities) if p > 1e-12}


def assert_same(found: dict[str, float], expected: dict[str, float]) -> None:
    assert found.keys() == expected.keys()
    assert found == pytest.approx(expected, abs=1e-10)


def is_static_with_expectation(instance: Instance) -> bool:
    return instance.expected is not None and not instance.program().is_dynamic


@pytest.mark.parametrize("instance", [i for i in SMALL if is_static_with_expectation(i)], ids=str)
def test_static_expectation_at_every_small_size(instance):
    assert_same(ideal_probabilities(instance.circuit()), instance.expected)


@pytest.mark.parametrize("depth", [1, 2, 7])
def test_expectations_follow_the_depth(depth):
    swept = [i for i in instances([5], depth=[depth]) if i.case.sweeps.keys() == {"depth"} and i.expected]
    assert len(swept) >= 6
    for instance in swept:
        assert_same(ideal_probabilities(instance.circuit()), instance.expected)


@pytest.mark.parametrize("instance", DYNAMIC, ids=str)
def test_dynamic_expectation_is_exact(instance):
    assert_same(exact_items(instance), instance.expected)


@pytest.mark.parametrize("rounds", [1, 2, 9])
def test_dynamic_expectations_follow_the_rounds(rounds):
    swept = [i for i in instances(rounds=[rounds]) if "rounds" in i.case.sweeps]
    assert len(swept) >= 4
    for instance in swept:
        assert_same(exact_items(instance), instance.expected)


def exact_items(instance: Instance) -> dict[str, float]:
    distribution = exact_distribution(instance.program())
    return {distribution.key(i): float(p) for i, p in enumerate(distribution.probabilities) if p > 1e-12}


@pytest.mark.parametrize("instance", DYNAMIC, ids=str)
def test_dynamic_expectation_agrees_with_aer(instance):
    shots = 4000
    result = AerSimulator(seed_simulator=7).run(instance.circuit(), shots=shots).result()
    counts = {key.replace(" ", ""): count for key, count in result.get_counts().items()}
    expected = instance.expected
    assert counts.keys() <= expected.keys()
    for outcome, probability in expected.items():
        deviation = math.sqrt(shots * probability * (1 - probability))
        # Bernstein's inequality: this fails by chance about once in a million outcomes.
        assert abs(counts.get(outcome, 0) - shots * probability) <= 5.5 * deviation + 10, outcome


def test_grover_finds_preimages_of_the_hash():
    """The strings that come out most are told apart by a clear margin, not only by the expectation's word."""
    case = BY_NAME["real_grovers"]
    probabilities = sorted(ideal_probabilities(case(n_qubits=13)).values(), reverse=True)
    assert probabilities[1] > 50 * probabilities[2]


def test_scrambler_moves_the_x():
    """Were the X to commute with the scrambler, the case would be a mere mirror."""
    case = BY_NAME["clifford_scrambler"]
    for n_qubits in case.n_qubits:
        (outcome,) = case.expectation(n_qubits=n_qubits, depth=16)
        flipped = int(outcome, 2) ^ starting_state(case(n_qubits=n_qubits, depth=16))
        assert flipped.bit_count() >= n_qubits // 4


def starting_state(circuit) -> int:
    """The basis state that the X gates at the beginning prepare."""
    state = 0
    for item in circuit.data:
        if item.operation.name != "x":
            break
        state |= 1 << circuit.find_bit(item.qubits[0]).index
    return state


def test_qaoa_beats_guessing():
    circuit = BY_NAME["qaoa"](n_qubits=8, depth=3)
    edges = {
        tuple(circuit.find_bit(qubit).index for qubit in item.qubits): item.operation.params[0]
        for item in circuit.data
        if item.operation.name == "rzz"
    }
    mean_cut = sum(
        probability * sum(weight for (a, b), weight in edges.items() if outcome[-1 - a] != outcome[-1 - b])
        for outcome, probability in ideal_probabilities(circuit).items()
    )
    assert mean_cut / sum(edges.values()) > 0.65


def test_computed_references_are_not_flat():
    """A uniform distribution would let a simulator pass that returned random bits."""
    for instance in instances([8, 10]):
        if instance.expected is None and instance.case.path.endswith(".py"):
            probabilities = np.array(list(ideal_probabilities(instance.circuit()).values()))
            uniform = 1 / 2**instance.n_qubits
            assert np.sum(np.abs(probabilities - uniform)) / 2 > 0.2, instance
