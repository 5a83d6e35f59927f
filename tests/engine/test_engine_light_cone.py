"""Light cones: what is left out does not matter."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parametric_circuits import bound, exact_states, exact_values, layered, random_circuit, random_sum

from pytest_qbench import Instruction, Program
from pytest_qbench.engine import Parametric, PauliSum
from pytest_qbench.engine.batches.light_cone import light_cone
from pytest_qbench.engine.batches.slots import variable_gates


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(2, 6), st.integers(0, 12))
def test_gates_outside_do_not_change_the_value(seed: int, n_qubits: int, n_gates: int) -> None:
    program, slots, n_parameters = random_circuit(seed, n_qubits, n_gates)
    rng = random.Random(seed)
    letters = rng.choice(["IIIZ", "IIIIXZ"])
    observable = random_sum(rng, n_qubits, letters)
    kept = light_cone(variable_gates(program, slots), observable.support, observable.general)
    parameters = np.random.default_rng(seed).normal(size=n_parameters)
    whole = bound(program, slots, parameters)
    part = Program(n_qubits, 0, tuple(whole.instructions[index] for index in kept))
    empty = np.zeros((1, 0))
    values = [exact_values([observable], exact_states(p, [], empty), n_qubits) for p in (whole, part)]
    np.testing.assert_allclose(*values, atol=1e-10)


@pytest.mark.parametrize(("qubit", "n_nonzero"), [(0, 5), (11, 36)])
def test_the_layered_circuit(qubit: int, n_nonzero: int) -> None:
    """So many of 48 parameters matter: Z on the first qubit commutes with the last ladder, Z on the last one becomes Z
    on all qubits there, and both commute with the RZ gates before it."""
    program, slots = layered(12, 2)
    circuit = Parametric(program, slots)
    observable = PauliSum.from_terms([(1.0, {qubit: "Z"})])
    parameters = np.random.default_rng(0).uniform(-3, 3, circuit.n_parameters)
    _, gradients = circuit.value_and_gradient(parameters, observable)
    assert int((gradients != 0).sum()) == n_nonzero
    kept = light_cone(variable_gates(program, slots), observable.support, observable.general)
    assert sum(bool(variable_gates(program, slots)[index].matrix.variables) for index in kept) == n_nonzero


def test_an_observable_without_a_cone() -> None:
    program = Program(3, 0, (Instruction("h", (0,)), Instruction("ry", (1,), (0.4,))))
    kept = light_cone(variable_gates(program, []), PauliSum.from_strings({"ZII": 1.0}).support, 0)
    assert kept == []
