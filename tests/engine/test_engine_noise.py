"""Noisy programs against density matrices."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from density_reference import channel_map, noisy_distribution, random_noisy
from exact_reference import distribution, random_dynamic, random_gates, random_static
from hypothesis import given
from hypothesis import strategies as st
from qiskit.quantum_info import DensityMatrix, random_density_matrix
from qiskit_aer.noise import amplitude_damping_error, depolarizing_error, phase_damping_error

from pytest_qbench import Condition, Instruction, Program
from pytest_qbench.circuits.noise import KINDS, NoiseModel, with_noise
from pytest_qbench.engine import Parametric, Simulator, compile_program
from pytest_qbench.engine.compiling.channels import GROUP_QUBITS
from pytest_qbench.engine.compiling.steps import Evolve, Misread, Noise, Reset
from pytest_qbench.engine.running.trajectories import Offspring
from pytest_qbench.verify.distribution import Distribution
from pytest_qbench.verify.goodness import check_counts

TOLERANCE = {"single": 2e-5, "double": 1e-10}


def measure(qubit: int, clbit: int) -> Instruction:
    return Instruction("measure", (qubit,), clbits=(clbit,))


def measured(n_qubits: int, *items: Instruction) -> Program:
    return Program(n_qubits, n_qubits, (*items, *(measure(q, q) for q in range(n_qubits))))


def assert_same(found: dict[str, float], expected: dict[str, float], tolerance: float) -> None:
    keys = found.keys() | expected.keys()
    assert {key: found.get(key, 0.0) for key in keys} == pytest.approx(
        {key: expected.get(key, 0.0) for key in keys}, abs=tolerance
    )


def assert_counts(simulator: Simulator, expected: dict[str, float], shots: int, seed: int, precision: str) -> None:
    outcomes = simulator.run(shots, seed)
    assert len(outcomes.as_dict()) == len(outcomes.weights)
    assert (outcomes.weights > 0).all()
    total = sum(expected.values())
    distribution = Distribution.from_mapping(
        {key: value / total for key, value in expected.items()}, outcomes.bits.shape[1]
    )
    check = check_counts(outcomes.as_dict(), distribution, shots, precision=precision)
    assert check.passed, check.message


@pytest.mark.parametrize(
    ("channel", "error"),
    [
        (Instruction("depolarizing", (1,), (0.3,)), depolarizing_error(0.3, 1)),
        (Instruction("depolarizing", (2, 0), (0.3,)), depolarizing_error(0.3, 2)),
        (Instruction("amplitude_damping", (2,), (0.3,)), amplitude_damping_error(0.3)),
        (Instruction("phase_damping", (0,), (0.3,)), phase_damping_error(0.3)),
    ],
    ids=lambda item: getattr(item, "name", ""),
)
def test_the_reference_means_what_aer_does(channel: Instruction, error: object) -> None:
    rho = random_density_matrix(8, seed=1)
    expected = DensityMatrix(rho).evolve(error.to_quantumchannel(), list(channel.qubits))
    np.testing.assert_allclose(channel_map(channel, rho.data, 3), expected.data, atol=1e-12)


@pytest.mark.parametrize("precision", ["single", "double"])
@pytest.mark.parametrize("rows", [1, 3, 1 << 16], ids=["one-state", "few-states", "many-states"])
@pytest.mark.parametrize("dynamic", [False, True], ids=["static", "dynamic"])
def test_exact_distribution(dynamic: bool, rows: int, precision: str) -> None:
    """Random programs with channels of every kind, whatever the number of branches that a batch may hold."""
    for seed in range(15):
        rng = random.Random(seed)
        n_qubits = rng.randint(1, 4)
        program = random_noisy(seed, n_qubits, rng.randint(1, 4), dynamic=dynamic)
        simulator = Simulator(program, precision=precision, batch_bytes=rows * 16 << n_qubits)
        assert_same(simulator.distribution().as_dict(), noisy_distribution(program), TOLERANCE[precision])


@pytest.mark.parametrize("precision", ["single", "double"])
@pytest.mark.parametrize(
    ("rows", "shots"), [(1, 200), (30, 3000), (1 << 16, 30_000)], ids=["one-state", "few-states", "many-states"]
)
@pytest.mark.parametrize("dynamic", [False, True], ids=["static", "dynamic"])
def test_counts_follow_the_distribution(dynamic: bool, rows: int, shots: int, precision: str) -> None:
    """Random programs with more noise than could be followed exactly; a batch may hold all shots or few."""
    for seed in range(4):
        program = random_noisy(seed, 4, 15, dynamic=dynamic)
        simulator = Simulator(program, precision=precision, batch_bytes=rows * 16 << 4)
        assert_counts(simulator, noisy_distribution(program), shots, seed, precision)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("strength", [0.01, 0.2, 0.8])
def test_noise_models(kind: str, strength: float) -> None:
    """Noise after every gate or measurement, with several groups of gates."""
    for seed in range(2):
        for build in (random_static, random_dynamic):
            program = with_noise(build(seed, 5, 25), NoiseModel(kind, strength))
            assert_counts(Simulator(program), noisy_distribution(program), 5_000, seed, "double")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("build", [random_static, random_dynamic])
def test_no_strength_is_no_noise(build: object, kind: str) -> None:
    for seed in range(5):
        program = build(seed, 4, 15)
        noisy = with_noise(program, NoiseModel(kind, 0.0))
        assert_same(Simulator(noisy).distribution().as_dict(), distribution(program), 1e-10)
        assert not any(isinstance(item, Noise | Misread) for item in compile_program(noisy).operations)


def test_full_depolarizing_leaves_nothing() -> None:
    for channels in ([(0,), (1,), (2,)], [(0, 1), (2,)], [(2, 0), (0, 1)]):
        start = random_gates(random.Random(1), 3, 10)
        noise = (Instruction("depolarizing", qubits, (1.0,)) for qubits in channels)
        exact = Simulator(measured(3, *start, *noise)).distribution().as_dict()
        assert_same(exact, {format(i, "03b"): 1 / 8 for i in range(8)}, 1e-12)


@pytest.mark.parametrize("gamma", [0.3, 0.9999, 1 - 1e-12, 1.0])
@pytest.mark.parametrize("precision", ["single", "double"])
def test_damping_of_any_strength(gamma: float, precision: str) -> None:
    """Errors come before and after it, which would be inaccurate if they were undone and done again through it."""
    rng = random.Random(4)
    for position in range(0, 12, 3):
        gates = random_gates(rng, 3, 12)
        channels = [
            Instruction("depolarizing", (0, 1), (0.3,)),
            Instruction("rxx", (0, 1), (1.0,)),
            Instruction("amplitude_damping", (0,), (gamma,)),
            Instruction("amplitude_damping", (1,), (gamma,)),
        ]
        program = measured(3, *gates[:position], *channels, *gates[position:])
        exact = Simulator(program, precision=precision).distribution().as_dict()
        assert_same(exact, noisy_distribution(program), TOLERANCE[precision])


@pytest.mark.parametrize("precision", ["single", "double"])
def test_long_damping_keeps_the_norm(precision: str) -> None:
    """What is left of a state by so much damping is no number of single precision, and hardly one of double."""
    turn, damping = Instruction("ry", (0,), (2.0,)), Instruction("amplitude_damping", (0,), (0.5,))
    program = measured(1, *[turn, damping] * 2000)
    assert_counts(Simulator(program, precision=precision), noisy_distribution(program), 2000, 1, precision)


def test_the_state_decides_on_decay() -> None:
    """Damping acts on 1 alone; twice gamma is not 2 gamma."""
    x, damping = Instruction("x", (0,)), Instruction("amplitude_damping", (0,), (0.25,))
    assert Simulator(measured(1, damping, damping)).distribution().as_dict() == {"0": 1.0}
    exact = Simulator(measured(1, x, damping, damping)).distribution().as_dict()
    assert_same(exact, {"1": 0.75**2, "0": 1 - 0.75**2}, 1e-12)


def test_readout_errors_of_each_kind() -> None:
    misread = (Instruction("readout_error", (), (0.1, 0.4), (bit,)) for bit in (0, 1))
    program = Program(2, 2, (Instruction("x", (1,)), measure(0, 0), measure(1, 1), *misread))
    assert not any(isinstance(item, Misread) for item in compile_program(program).operations)
    expected = {"10": 0.9 * 0.6, "11": 0.1 * 0.6, "00": 0.9 * 0.4, "01": 0.1 * 0.4}
    assert_same(Simulator(program).distribution().as_dict(), expected, 1e-12)
    assert_counts(Simulator(program), expected, 100_000, 1, "double")


def test_a_misread_bit_decides() -> None:
    """What was read is what conditions see, while the qubit is what it is."""
    x = Instruction("x", (1,))
    branch = Instruction("if_else", condition=Condition((0,), frozenset({1})), blocks=((x,),))
    misread = Instruction("readout_error", (), (0.2, 0.0), (0,))
    program = Program(2, 3, (measure(0, 0), misread, branch, measure(1, 1), measure(0, 2)))
    assert_same(Simulator(program).distribution().as_dict(), {"000": 0.8, "011": 0.2}, 1e-12)


def test_readout_errors_on_many_bits() -> None:
    """As many outcomes as there are shots, and more than there are rows to begin with."""
    gates = [Instruction("x", (qubit,)) for qubit in range(0, 16, 2)]
    program = with_noise(measured(16, *gates), NoiseModel("readout", 0.3))
    counts = Simulator(program).run(20_000, 1).as_dict()
    assert sum(counts.values()) == 20_000
    bits = np.array([[int(bit) for bit in key] for key in counts])
    ones = np.array(list(counts.values())) @ bits / 20_000
    expected = np.tile([0.3, 0.7], 8)  # bit 0 is rightmost, and the even ones were 1
    np.testing.assert_allclose(ones, expected, atol=7 * np.sqrt(0.21 / 20_000))


def test_noise_that_nothing_follows_is_dropped() -> None:
    channel = Instruction("depolarizing", (0,), (0.5,))
    program = Program(2, 1, (Instruction("h", (0,)), channel, measure(0, 0), channel))
    noises = [item for item in compile_program(program).operations if isinstance(item, Noise)]
    assert [len(item.channels) for item in noises] == [1]
    unmeasured = Program(2, 1, (Instruction("h", (1,)), Instruction("depolarizing", (1,), (0.5,)), measure(0, 0)))
    assert all(isinstance(item, Evolve) for item in compile_program(unmeasured).operations)


def test_complete_damping_is_a_reset() -> None:
    program = measured(1, Instruction("h", (0,)), Instruction("amplitude_damping", (0,), (1.0,)))
    operations = compile_program(program).operations
    assert [type(item) for item in operations] == [Evolve, Reset]


def test_groups_are_small_and_hold_each_channel_once() -> None:
    program = with_noise(measured(9, *random_gates(random.Random(2), 9, 60)), NoiseModel("phase_damping", 0.1))
    noises = [item for item in compile_program(program).operations if isinstance(item, Noise)]
    assert all(len(item.positions) <= GROUP_QUBITS for item in noises)
    assert all(item.later.shape == (len(item.channels), *[1 << len(item.positions)] * 2) for item in noises)
    channels = sum(item.name == "phase_damping" for item in program.instructions)
    assert 0 < sum(len(item.channels) for item in noises) <= channels


@pytest.mark.parametrize("seed", range(20))
def test_errors_are_unitary_after_the_gates(seed: int) -> None:
    """The products of gates that errors are taken through."""
    program = random_noisy(seed, 4, 6, dynamic=False)
    for item in compile_program(program).operations:
        if isinstance(item, Noise) and not any(error.decays for errors in item.channels for error in errors):
            products = item.later @ item.later.conj().swapaxes(1, 2)
            np.testing.assert_allclose(products, np.broadcast_to(np.eye(len(products[0])), products.shape), atol=1e-12)


@given(st.lists(st.integers(1, 50), min_size=2, max_size=40), st.integers(1, 12))
def test_the_lighter_branches_go_ahead(weights: list[int], limit: int) -> None:
    n = len(weights)
    offspring = Offspring(np.arange(n), np.arange(n), np.array(weights), np.arange(n))
    parts = offspring.parts(limit)
    assert sorted(row for part in parts for row in part.parents.tolist()) == list(range(n))
    assert all(len(part) <= limit for part in parts)
    assert all(2 * part.weights.sum() <= sum(weights) for part in parts[:-1])
    for part in parts:
        np.testing.assert_array_equal(part.weights, np.array(weights)[part.parents])


def test_a_seed_fixes_the_counts() -> None:
    program = with_noise(random_dynamic(3, 4, 20), NoiseModel("amplitude_damping", 0.1))
    simulator = Simulator(program)
    first = simulator.run(1000, 5).as_dict()
    assert simulator.run(1000, 5).as_dict() == first
    assert Simulator(program).run(1000, 5).as_dict() == first
    assert any(simulator.run(1000, seed).as_dict() != first for seed in range(5))


def test_a_noisy_program_has_no_single_state() -> None:
    program = measured(1, Instruction("depolarizing", (0,), (0.1,)))
    with pytest.raises(ValueError, match="no single final state"):
        Simulator(program).statevector()
    with pytest.raises(ValueError, match="no single final state"):
        Parametric(program)


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["single", "double"])
def test_on_a_gpu(precision: str) -> None:
    if not torch.cuda.is_available():
        pytest.skip("torch finds no CUDA device")
    rng = random.Random(0)
    for seed in range(20):
        program = random_noisy(seed, 3, rng.randint(1, 4), dynamic=bool(seed % 2))
        simulator = Simulator(program, device="cuda", precision=precision)
        expected = noisy_distribution(program)
        assert_same(simulator.distribution().as_dict(), expected, TOLERANCE[precision])
        assert_counts(simulator, expected, 10_000, seed, precision)
