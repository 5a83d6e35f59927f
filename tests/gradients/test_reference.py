"""The exact gradients that everything is verified against, and the verdicts."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit.quantum_info import Operator, SparsePauliOp

from pytest_qbench import Ansatz, Instruction, ParameterUse, Program
from pytest_qbench.gradients import reference
from pytest_qbench.gradients.observables import terms_of, z0, zlast, zsum
from pytest_qbench.gradients.verify import Scenario, Verifier, count_nonzero, sampled_rows

N = 3


@st.composite
def ansatzes(draw: st.DrawFn) -> tuple[Ansatz, tuple[float, ...]]:
    """Random circuits of gates with and without parameters, some parameters used several times."""
    instructions: list[Instruction] = []
    uses: list[ParameterUse] = []
    for _ in range(draw(st.integers(1, 10))):
        name, width, params = draw(
            st.sampled_from(
                [("ry", 1, 1), ("rz", 1, 1), ("u", 1, 3), ("crx", 2, 1), ("rzz", 2, 1), ("cx", 2, 0), ("h", 1, 0)]
            )
        )
        qubits = tuple(draw(st.permutations(range(N)))[:width])
        for param in range(params):
            parameter, scale = draw(st.integers(0, 3)), draw(st.sampled_from([1.0, -0.5, 2.0]))
            uses.append(ParameterUse(len(instructions), param, parameter, scale, draw(st.floats(-1, 1))))
        instructions.append(Instruction(name, qubits, (0.0,) * params))
    values = draw(st.lists(st.floats(-3, 3), min_size=4, max_size=4))
    return Ansatz(Program(N, 0, tuple(instructions)), tuple(uses), 4), tuple(values)


def random_states(seed: int, n_samples: int = 2) -> np.ndarray:
    rng = np.random.default_rng(seed)
    states = rng.normal(size=(1 << N, n_samples)) + 1j * rng.normal(size=(1 << N, n_samples))
    return states / np.linalg.norm(states, axis=0)


@given(
    ansatzes(), st.integers(0, 99), st.sampled_from([z0(N), zlast(N), zsum(N), terms_of({"XYZ": 0.5, "IIX": -2}, N)])
)
@settings(max_examples=60, deadline=None)
def test_exact_gradients_are_those_of_finite_differences(drawn: tuple, seed: int, observable: tuple) -> None:
    ansatz, values = drawn
    states = random_states(seed)
    exact = reference.gradients(ansatz, values, observable, states)
    found = reference.differences(ansatz, values, observable, states, range(4))
    np.testing.assert_allclose(exact, found, atol=1e-8)


@given(st.integers(0, 99))
@settings(max_examples=10, deadline=None)
def test_expectations_are_qiskits(seed: int) -> None:
    strings = {"XYZ": 0.5, "IIX": -2.0, "ZZI": 1.0}
    states = random_states(seed)
    ansatz = Ansatz(Program(N, 0, (Instruction("rx", (1,), (0.0,)),)), (ParameterUse(0, 0, 0),), 1)
    values = reference.expectations(ansatz, [0.0], terms_of(strings, N), states)
    matrix = SparsePauliOp.from_list(list(strings.items())).to_matrix()
    np.testing.assert_allclose(values, np.einsum("is,ij,js->s", states.conj(), matrix, states).real, atol=1e-12)


@pytest.mark.parametrize("encoding", ["amplitude", "angle", "basis", "iqp"])
def test_encoded_states_are_what_qiskits_gates_make(encoding: str) -> None:
    features = np.random.default_rng(3).uniform(0, 1, (4, 8 if encoding == "amplitude" else N))
    states = reference.encoded(features, encoding, N)
    np.testing.assert_allclose(np.linalg.norm(states, axis=0), 1)
    for row, state in zip(features, states.T, strict=True):
        if encoding == "amplitude":
            expected = row / np.linalg.norm(row)
        elif encoding == "basis":
            expected = np.eye(8)[sum(int(bit >= 0.5) << q for q, bit in enumerate(row))]
        else:
            expected = operator(row, encoding)[:, 0]
        np.testing.assert_allclose(state, expected, atol=1e-12)


def operator(row: np.ndarray, encoding: str) -> np.ndarray:
    from qiskit import QuantumCircuit

    circuit = QuantumCircuit(N)
    if encoding == "angle":
        for qubit, angle in enumerate(row):
            circuit.rx(angle, qubit)
    else:
        circuit.h(range(N))
        for qubit, angle in enumerate(row):
            circuit.rz(angle, qubit)
        for a, b in itertools.combinations(range(N), 2):
            circuit.rzz(row[a] * row[b], a, b)
    return Operator(circuit).data


def scenario() -> Scenario:
    instructions = (Instruction("ry", (0,), (0.0,)), Instruction("cx", (0, 1)), Instruction("rz", (1,), (0.0,)))
    ansatz = Ansatz(Program(2, 0, instructions), (ParameterUse(0, 0, 0), ParameterUse(2, 0, 1)), 2)
    features = np.random.default_rng(1).uniform(0.1, 1, (300, 4))
    return Scenario(ansatz, (0.4, 1.1), zlast(2), "amplitude", features)


def exact_of(given: Scenario) -> np.ndarray:
    states = reference.encoded(given.features, given.encoding, given.ansatz.n_qubits)
    return reference.gradients(given.ansatz, given.parameters, given.observable, states)


def test_right_gradients_pass(tmp_path: Path) -> None:
    file = tmp_path / "gradients.npy"
    np.save(file, exact_of(scenario()) + 1e-9)
    assert Verifier(scenario(), 300, 42).check(file, "double").problem == ""
    assert count_nonzero(file, "double") == 1  # nothing comes after the RZ that would make its phase matter


def test_wrong_gradients_are_named(tmp_path: Path) -> None:
    given, file = scenario(), tmp_path / "gradients.npy"
    verifier = Verifier(given, 300, 42)
    exact = exact_of(given)
    wrong = exact.copy()
    wrong[299, 0] += 1e-3
    np.save(file, wrong)
    assert verifier.check(file, "double").problem.startswith("wrong gradient: sample 299, parameter 0: ")
    assert verifier.check(file, "single").problem.startswith("wrong gradient")
    wrong[299, 0] = exact[299, 0] + 1e-5
    np.save(file, wrong)
    assert verifier.check(file, "single").problem == ""
    wrong[7, 1] = np.nan
    np.save(file, wrong)
    assert verifier.check(file, "double").problem == "the gradient of sample 7 for parameter 1 is nan"
    np.save(file, exact[:-1])
    assert "shape (299, 2), not (300, 2)" in verifier.check(file, "double").problem
    assert verifier.check(tmp_path / "none.npy", "double").problem == "the path left no gradients"


@given(st.integers(1, 400), st.integers(1, 20))
def test_rows_to_compare_include_the_first_and_the_last(n_samples: int, n_qubits: int) -> None:
    rows = sampled_rows(n_samples, n_qubits, 42)
    assert len(set(rows.tolist())) == len(rows) <= 64
    assert rows[0] == 0
    assert rows[-1] < n_samples
    if len(rows) > 1:
        assert rows[-1] == n_samples - 1
