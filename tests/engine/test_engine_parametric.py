"""Circuits with variable parameters: states, values and gradients, one by one and in batches."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest
import torch
from exact_reference import random_gate, random_unitary
from hypothesis import given, settings
from hypothesis import strategies as st
from parametric_circuits import bound, exact_states, exact_values, layered, random_circuit, random_sum

from pytest_qbench import Instruction, Program
from pytest_qbench.circuits.gates import GATES
from pytest_qbench.engine import Parametric, PauliSum, Simulator, Slot
from pytest_qbench.engine.batches import variable_blocks

PARAMETRISED = [gate.name for gate in GATES.values() if gate.n_params]


def random_states(seed: int, n_states: int, n_qubits: int) -> torch.Tensor:
    generator = np.random.default_rng(seed)
    states = generator.normal(size=(n_states, 1 << n_qubits)) + 1j * generator.normal(size=(n_states, 1 << n_qubits))
    return torch.tensor(states / np.linalg.norm(states, axis=1, keepdims=True))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 7), st.integers(0, 30), st.sampled_from([1, 4]))
def test_states_and_values(seed: int, n_qubits: int, n_gates: int, n_sets: int) -> None:
    """Against the exact reference, for one parameter set and for several."""
    program, slots, n_parameters = random_circuit(seed, n_qubits, n_gates)
    parameters = np.random.default_rng(seed).normal(size=(n_sets, n_parameters))
    rng = random.Random(seed)
    observables = [random_sum(rng, n_qubits), random_sum(rng, n_qubits, "IZ")]
    circuit = Parametric(program, slots, n_parameters=n_parameters)
    expected = exact_states(program, slots, parameters)
    np.testing.assert_allclose(circuit.states(parameters).numpy(), expected, atol=1e-10)
    values = exact_values(observables, expected, n_qubits)
    np.testing.assert_allclose(circuit.expectations(parameters, observables).numpy(), values, atol=1e-10)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 6), st.integers(1, 20), st.booleans(), st.booleans())
def test_gradients(seed: int, n_qubits: int, n_gates: int, shared: bool, tight: bool) -> None:
    """Adjoint gradients, parameter-shift gradients and finite differences agree, for one parameter set on several
    states and for a set for each state; also where memory is short."""
    program, slots, n_parameters = random_circuit(seed, n_qubits, n_gates)
    n_states = 3
    parameters = np.random.default_rng(seed).normal(size=(1 if shared else n_states, n_parameters))
    initial = random_states(seed, n_states, n_qubits)
    rng = random.Random(seed)
    observables = [random_sum(rng, n_qubits), PauliSum.from_terms([(1.0, {rng.randrange(n_qubits): "Z"})])]
    circuit = Parametric(program, slots, n_parameters=n_parameters, batch_bytes=1 if tight else None)
    values, gradients = circuit.value_and_gradient(parameters, observables, initial)
    assert gradients.shape == (n_states, 2, n_parameters)
    torch.testing.assert_close(values, circuit.expectations(parameters, observables, initial))
    torch.testing.assert_close(circuit.shift_gradients(parameters, observables, initial), gradients, atol=1e-9, rtol=0)
    step = 1e-5
    for number in range(n_parameters):
        moved = np.zeros(n_parameters)
        moved[number] = step
        above, below = (circuit.expectations(parameters + by, observables, initial) for by in (moved, -moved))
        torch.testing.assert_close(gradients[:, :, number], (above - below) / (2 * step), atol=2e-8, rtol=0)
    _, total = circuit.value_and_gradient(parameters, observables, initial, per_sample=False)
    torch.testing.assert_close(total, gradients.sum(dim=0))


@pytest.mark.parametrize("name", PARAMETRISED)
def test_every_gate_is_differentiable(name: str) -> None:
    """By autograd, in each of its parameters and in the initial state, beside other gates."""
    rng = random.Random(name)
    gate = random_gate(rng, 3, name)
    gates = (random_unitary(rng, [0, 1]), gate, random_unitary(rng, [1, 2]))
    slots = [Slot(1, number, number) for number in range(len(gate.params))]
    circuit = Parametric(Program(3, 0, gates), slots)
    observables = [random_sum(rng, 3), random_sum(rng, 3, "IZ")]
    parameters = torch.tensor(gate.params, dtype=torch.float64, requires_grad=True)
    initial = random_states(len(name), 2, 3).requires_grad_()
    assert torch.autograd.gradcheck(lambda p, s: circuit.expectations(p, observables, s), (parameters, initial))


@pytest.mark.parametrize("n_sets", [1, 3])
@pytest.mark.parametrize("n_states", [0, 1, 3])
@pytest.mark.parametrize("batch_bytes", [None, 1])
def test_autograd(n_sets: int, n_states: int, batch_bytes: int | None) -> None:
    """Each combination of one or several parameter sets and initial states, complex, real and none; done at once or
    in parts."""
    program, slots, n_parameters = random_circuit(5, 3, 12)
    circuit = Parametric(program, slots, n_parameters=n_parameters, batch_bytes=batch_bytes)
    observables = [random_sum(random.Random(1), 3), random_sum(random.Random(2), 3, "IZ")]
    parameters = torch.tensor(np.random.default_rng(3).normal(size=(n_sets, n_parameters)), requires_grad=True)
    initial: list[torch.Tensor | None] = [None]
    if n_states:
        states = random_states(4, n_states, 3)
        initial = [states.requires_grad_(), states.detach().real.clone().requires_grad_()]
    for start in initial:
        assert torch.autograd.gradcheck(lambda p, s: circuit.states(p, s), (parameters, start))
        assert torch.autograd.gradcheck(lambda p, s: circuit.expectations(p, observables, s), (parameters, start))


def test_training_by_autograd() -> None:
    """Two gates that share a parameter, in single precision, find the ground state of X + Z."""
    program = Program(1, 0, (Instruction("ry", (0,), (0.0,)), Instruction("ry", (0,), (0.0,))))
    circuit = Parametric(program, [Slot(0, 0, 0, scale=0.5), Slot(1, 0, 0, scale=0.5, offset=0.1)])
    energy = PauliSum.from_strings({"X": 1.0, "Z": 1.0})
    parameters = torch.tensor([1.0], dtype=torch.float32, requires_grad=True)
    optimizer = torch.optim.SGD([parameters], lr=0.5)
    for _ in range(60):
        optimizer.zero_grad()
        circuit.expectations(parameters, energy).sum().backward()
        optimizer.step()
    assert circuit.expectations(parameters, energy).item() == pytest.approx(-np.sqrt(2), abs=1e-6)


def test_batches_equal_one_by_one() -> None:
    program, slots, n_parameters = random_circuit(11, 6, 40)
    circuit = Parametric(program, slots, n_parameters=n_parameters)
    parameters = np.random.default_rng(0).normal(size=(5, n_parameters))
    initial = random_states(1, 5, 6)
    observable = random_sum(random.Random(0), 6)
    values, gradients = circuit.value_and_gradient(parameters, observable, initial)
    for row in range(5):
        value, gradient = circuit.value_and_gradient(parameters[row], observable, initial[row])
        torch.testing.assert_close(value[0], values[row])
        torch.testing.assert_close(gradient[0], gradients[row])
        torch.testing.assert_close(
            circuit.states(parameters[row], initial[row])[0], circuit.states(parameters, initial)[row]
        )


@pytest.mark.parametrize("n_qubits", [6, 9])
def test_deep_circuits_without_the_states_in_between(n_qubits: int) -> None:
    """Whether the states are kept on the way forward or, where memory is short, computed once more on the way back."""
    program, slots, n_parameters = random_circuit(3, n_qubits, 150)
    parameters = np.random.default_rng(0).normal(size=n_parameters)
    initial = random_states(2, 4, n_qubits)
    observables = [random_sum(random.Random(0), n_qubits), random_sum(random.Random(1), n_qubits, "IZ")]
    results = []
    for batch_bytes in (None, 20 * initial[0].nbytes):
        circuit = Parametric(program, slots, n_parameters=n_parameters, batch_bytes=batch_bytes)
        results.append((circuit.value_and_gradient(parameters, observables, initial), circuit.passes(observables, 4)))
    (kept, fewer), (computed, more) = results
    torch.testing.assert_close(kept, computed)
    assert fewer < more


@pytest.mark.parametrize("width", [1, 2, 3, 5])
def test_any_width_of_the_blocks(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Gates with many controls and wide matrices among them."""
    monkeypatch.setattr(variable_blocks, "_WIDTHS", range(width, width + 1))
    rng = random.Random(width)
    gates = [Instruction("ry", (q,), (0.1 * q,)) for q in range(7)]
    gates += [random_gate(rng, 7, name) for name in ("mcx", "ccx", "cswap", "crx", "rzz", "cu", "swap", "mcphase")]
    gates += [Instruction("mcphase", tuple(rng.sample(range(7), 7)), (0.8,)), random_unitary(rng, [5, 0, 3, 6])]
    gates += [Instruction("mcx", tuple(rng.sample(range(7), 6))), Instruction("h", (2,))]
    program = Program(7, 0, tuple(gates))
    places = [(i, j) for i, item in enumerate(gates) for j in range(len(item.params))]
    slots = [Slot(i, j, number) for number, (i, j) in enumerate(places)]
    circuit = Parametric(program, slots)
    observable = random_sum(rng, 7)
    for n_sets in (1, 2):
        parameters = np.random.default_rng(width).normal(size=(n_sets, len(slots)))
        states = exact_states(program, slots, parameters)
        np.testing.assert_allclose(circuit.states(parameters).numpy(), states, atol=1e-10)
        values, gradients = circuit.value_and_gradient(parameters, observable)
        np.testing.assert_allclose(values, exact_values([observable], states, 7), atol=1e-10)
        torch.testing.assert_close(circuit.shift_gradients(parameters, observable), gradients, atol=1e-9, rtol=0)


def test_the_simulator_agrees() -> None:
    program, slots = layered(12, 2)
    circuit = Parametric(program, slots)
    parameters = np.random.default_rng(0).uniform(-3, 3, (2, circuit.n_parameters))
    for row, state in zip(parameters, circuit.states(parameters).numpy(), strict=True):
        np.testing.assert_allclose(state, Simulator(bound(program, slots, row)).statevector(), atol=1e-12)


def test_single_precision() -> None:
    program, slots, n_parameters = random_circuit(8, 6, 40)
    parameters = np.random.default_rng(0).normal(size=n_parameters)
    observables = [random_sum(random.Random(0), 6), random_sum(random.Random(1), 6, "IZ")]
    initial = random_states(0, 3, 6)
    double, single = (
        Parametric(program, slots, n_parameters=n_parameters, precision=precision) for precision in ("double", "single")
    )
    assert single.states(parameters, initial).dtype == torch.complex64
    np.testing.assert_allclose(single.states(parameters, initial), double.states(parameters, initial), atol=1e-5)
    for mine, theirs in zip(
        single.value_and_gradient(parameters, observables, initial),
        double.value_and_gradient(parameters, observables, initial),
        strict=True,
    ):
        assert mine.dtype == torch.float32
        np.testing.assert_allclose(mine, theirs, atol=2e-5)


def test_measurements_are_ignored() -> None:
    gates = (Instruction("ry", (0,), (0.0,)), Instruction("measure", (0,), clbits=(0,)))
    circuit = Parametric(Program(1, 1, gates), [Slot(0, 0, 0)])
    np.testing.assert_allclose(circuit.states([0.5]).numpy()[0], [np.cos(0.25), np.sin(0.25)], atol=1e-15)


def test_initial_states_of_any_kind() -> None:
    """Views, lazy conjugates, other types, arrays: the same as plain ones."""
    program, slots, n_parameters = random_circuit(2, 3, 12)
    circuit = Parametric(program, slots, n_parameters=n_parameters)
    parameters = np.random.default_rng(0).normal(size=n_parameters)
    states = random_states(0, 4, 3)
    for given_states, plain in (
        (states.conj(), states.conj().resolve_conj().clone()),
        (states[::2], states[::2].clone()),
        (states.T.contiguous().T, states),
        (states.real, states.real.to(torch.complex128)),
        (states.numpy(), states),
        (np.eye(8, dtype=int), torch.eye(8, dtype=torch.complex128)),
    ):
        torch.testing.assert_close(circuit.states(parameters, given_states), circuit.states(parameters, plain))


def test_no_parameters() -> None:
    circuit = Parametric(Program(2, 0, (Instruction("h", (0,)), Instruction("cx", (0, 1)))))
    observables = [PauliSum.from_strings({"ZZ": 1.0}), PauliSum.from_strings({"II": 2.0})]
    values, gradients = circuit.value_and_gradient([], observables)
    np.testing.assert_allclose(values, [[1.0, 2.0]], atol=1e-12)
    assert gradients.shape == (1, 2, 0)


RY = Program(2, 1, (Instruction("ry", (0,), (0.0,)),))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Parametric(RY, [Slot(1, 0, 0)]), "has 1 instructions"),
        (lambda: Parametric(RY, [Slot(0, 1, 0)]), "'ry' has 1 parameters"),
        (lambda: Parametric(RY, [Slot(0, 0, -1)]), "parameters count from 0"),
        (lambda: Parametric(RY, [Slot(0, 0, 0), Slot(0, 0, 1)]), "another slot"),
        (lambda: Parametric(RY, [Slot(0, 0, 3)], n_parameters=2), "slots use 4"),
        (lambda: Parametric(Program(1, 0, (Instruction("reset", (0,)),))), "no single final state"),
        (lambda: Parametric(RY, [Slot(0, 0, 0)]).states([1.0, 2.0]), r"\(1,\) or \(batch, 1\), not \(2,\)"),
        (lambda: Parametric(RY, [Slot(0, 0, 0)]).states([1j]), "real numbers"),
        (lambda: Parametric(RY, [Slot(0, 0, 0)]).states([1.0], np.ones(3)), "initial states must have shape"),
        (lambda: Parametric(RY, [Slot(0, 0, 0)]).states(np.ones((2, 1)), np.ones((3, 4))), "2 parameter sets do not"),
        (lambda: Parametric(RY, [Slot(0, 0, 0)]).states(np.ones((0, 1))), "must have shape"),
        (lambda: Parametric(RY, [Slot(0, 0, 0)]).expectations([1.0], []), "no observables"),
        (
            lambda: Parametric(RY, [Slot(0, 0, 0)]).expectations([1.0], PauliSum.from_strings({"ZII": 1.0})),
            "acts on qubit 2, but the circuit has 2",
        ),
    ],
)
def test_what_does_not_fit_is_said(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.gpu
def test_on_a_gpu() -> None:
    if not torch.cuda.is_available():
        pytest.skip("torch finds no CUDA device")
    program, slots, n_parameters = random_circuit(21, 8, 60)
    observables = [random_sum(random.Random(0), 8), random_sum(random.Random(1), 8, "IZ")]
    initial = random_states(0, 5, 8)
    here, there = (Parametric(program, slots, n_parameters=n_parameters, device=device) for device in ("cpu", "cuda"))
    for n_sets in (1, 5):
        parameters = np.random.default_rng(n_sets).normal(size=(n_sets, n_parameters))
        torch.testing.assert_close(there.states(parameters, initial).cpu(), here.states(parameters, initial))
        expected = here.value_and_gradient(parameters, observables, initial)
        result = there.value_and_gradient(parameters, observables, initial)
        torch.testing.assert_close(tuple(item.cpu() for item in result), expected)
        shifted = there.shift_gradients(parameters, observables, initial)
        torch.testing.assert_close(shifted.cpu(), expected[1], atol=1e-9, rtol=0)
