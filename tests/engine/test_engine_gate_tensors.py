"""Gates as trigonometric polynomials, against the gates' own matrices."""

from __future__ import annotations

import random
from itertools import combinations

import numpy as np
import pytest
from exact_reference import random_gate
from numpy.typing import NDArray

from pytest_qbench.circuits.gates import GATES, gate_matrix
from pytest_qbench.circuits.program import Instruction
from pytest_qbench.engine.batches.gate_tensors import TrigMatrix, VariableGate, shift_rule, variable_gate

PARAMETRISED = [gate.name for gate in GATES.values() if gate.n_params]


def whole(gate: VariableGate) -> TrigMatrix:
    """The matrix with all controls, little-endian in the gate's qubits."""
    return gate.matrix.controlled(gate.n_controls) if gate.n_controls else gate.matrix


def exact(instruction: Instruction) -> NDArray[np.complex128]:
    return np.array(gate_matrix(instruction), np.complex128)


@pytest.mark.parametrize("name", GATES)
def test_every_choice_of_variables_gives_the_gate(name: str) -> None:
    rng = random.Random(name)
    gate = random_gate(rng, 4, name)
    numbers = range(len(gate.params))
    for chosen in (subset for size in range(len(numbers) + 1) for subset in combinations(numbers, size)):
        # Constants hold the gate's values, variables start elsewhere.
        params = tuple(0.3 if number in chosen else value for number, value in enumerate(gate.params))
        free = variable_gate(Instruction(name, gate.qubits, params), {number: 10 + number for number in chosen})
        value = whole(free).value({10 + number: gate.params[number] for number in chosen})
        np.testing.assert_allclose(value, exact(gate), atol=1e-13)


@pytest.mark.parametrize("name", PARAMETRISED)
def test_weighing_the_terms_gives_derivatives_and_shifts(name: str) -> None:
    rng = random.Random(name)
    gate = random_gate(rng, 3, name)
    matrix = whole(variable_gate(gate, {number: number for number in range(len(gate.params))}))
    phases = np.exp(1j * matrix.frequencies @ np.array(gate.params))
    step = 1e-6
    for number, value in enumerate(gate.params):

        def at(parameter: float, number: int = number) -> NDArray[np.complex128]:
            params = list(gate.params)
            params[number] = parameter
            return exact(Instruction(name, gate.qubits, tuple(params)))

        weights = phases * 1j * matrix.frequencies[:, number]
        derivative = np.tensordot(weights, matrix.coefficients, 1)
        np.testing.assert_allclose(derivative, (at(value + step) - at(value - step)) / (2 * step), atol=1e-8)
        shifted = np.tensordot(phases * np.exp(0.7j * matrix.frequencies[:, number]), matrix.coefficients, 1)
        np.testing.assert_allclose(shifted, at(value + 0.7), atol=1e-12)


@pytest.mark.parametrize("name", PARAMETRISED)
def test_the_shift_rule_gives_the_derivative(name: str) -> None:
    rng = random.Random(name)
    gate = random_gate(rng, 3, name)
    size = 1 << len(gate.qubits)
    generator = np.random.default_rng(len(name))
    state = generator.normal(size=size) + 1j * generator.normal(size=size)
    observable = generator.normal(size=(size, size)) + 1j * generator.normal(size=(size, size))
    observable += observable.conj().T

    def value(params: list[float]) -> float:
        after = exact(Instruction(name, gate.qubits, tuple(params))) @ state
        return float(np.vdot(after, observable @ after).real)

    def moved(number: int, by: float) -> list[float]:
        return [param + by * (i == number) for i, param in enumerate(gate.params)]

    step = 1e-5
    for number in range(len(gate.params)):
        rule = shift_rule(name, number)
        derivative = sum(weight * value(moved(number, shift)) for shift, weight in rule)
        difference = (value(moved(number, step)) - value(moved(number, -step))) / (2 * step)
        assert derivative == pytest.approx(difference, abs=1e-6)


def test_gates_generated_by_a_pauli_string_take_two_shifts() -> None:
    for name in ("rx", "ry", "rz", "p", "rxx", "rzz", "rzx", "cp", "mcphase"):
        assert [weight for _, weight in shift_rule(name, 0)] == pytest.approx([0.5, -0.5])
    assert len(shift_rule("crx", 0)) == 4


def test_what_a_gate_conserves() -> None:
    def gate(name: str, *qubits: int, params: tuple[float, ...] = ()) -> VariableGate:
        return variable_gate(Instruction(name, qubits, params), {number: number for number in range(len(params))})

    assert gate("cx", 3, 5).conserved == 1 << 3
    assert gate("rz", 2, params=(0.0,)).conserved == 1 << 2
    assert gate("ry", 2, params=(0.0,)).conserved == 0
    assert gate("crx", 0, 1, params=(0.0,)).conserved == 1
    assert gate("mcx", 0, 1, 4, 6).conserved == 0b10011
    assert gate("swap", 0, 1).conserved == 0
    monomial = [gate("cx", 0, 1), gate("swap", 0, 1), gate("rzz", 0, 1, params=(0.0,)), gate("y", 0)]
    assert all(item.is_monomial for item in monomial)
    assert not gate("h", 0).is_monomial
    # At the value 0 it is the identity, but the value is a variable.
    assert not gate("rx", 0, params=(0.0,)).is_monomial
    assert variable_gate(Instruction("rx", (0,), (0.0,)), {}).is_monomial
