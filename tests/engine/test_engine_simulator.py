"""The simulator as its users see it."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest
from exact_reference import distribution, final_state, random_dynamic, random_gates, random_static

from pytest_qbench import Instruction, Program
from pytest_qbench.engine import Simulator


def measure(qubit: int, clbit: int) -> Instruction:
    return Instruction("measure", (qubit,), clbits=(clbit,))


@pytest.mark.parametrize("build", [random_static, random_dynamic])
@pytest.mark.parametrize("precision", ["single", "double"])
def test_a_seed_fixes_the_counts(build: Callable[[int, int, int], Program], precision: str) -> None:
    program = build(7, 5, 20)
    simulator = Simulator(program, precision=precision)
    first = simulator.run(1000, 11).as_dict()
    assert sum(first.values()) == 1000
    assert simulator.run(1000, 11).as_dict() == first
    assert Simulator(program, precision=precision).run(1000, 11).as_dict() == first
    assert any(simulator.run(1000, seed).as_dict() != first for seed in range(5))


@pytest.mark.parametrize("shots", [1, 2, 10, 100_000])
def test_shots_are_all_counted(shots: int) -> None:
    for seed in range(5):
        outcomes = Simulator(random_static(seed, 4, 15)).run(shots, seed)
        assert outcomes.weights.sum() == shots
        assert (outcomes.weights > 0).all()


def test_bits_and_qubits_keep_their_order() -> None:
    """x on one qubit of three, bits and qubits crossed."""
    program = Program(3, 4, (Instruction("x", (2,)), measure(2, 0), measure(0, 2), measure(1, 3)))
    assert Simulator(program).run(7, 0).as_dict() == {"0001": 7}


def test_one_qubit_into_two_bits() -> None:
    program = Program(2, 2, (Instruction("h", (0,)), measure(0, 0), measure(0, 1)))
    assert Simulator(program).distribution().as_dict() == pytest.approx({"00": 0.5, "11": 0.5})


def test_programs_without_measurements_or_gates() -> None:
    assert Simulator(Program(2, 2, (Instruction("h", (0,)),))).run(5, 0).as_dict() == {"00": 5}
    assert Simulator(Program(1, 0, (Instruction("h", (0,)),))).run(5, 0).as_dict() == {"": 5}
    assert Simulator(Program(2, 1, ())).run(5, 0).as_dict() == {"0": 5}
    assert Simulator(Program(2, 1, (measure(1, 0),))).distribution().as_dict() == {"0": 1.0}


def test_runs_do_not_disturb_each_other() -> None:
    simulator = Simulator(random_static(3, 6, 30))
    state = simulator.statevector()
    exact = simulator.distribution().as_dict()
    simulator.run(100, 1)
    np.testing.assert_array_equal(simulator.statevector(), state)
    assert simulator.distribution().as_dict() == exact


def test_no_state_of_a_program_that_measures_in_the_middle() -> None:
    program = Program(1, 1, (Instruction("h", (0,)), measure(0, 0), Instruction("h", (0,))))
    with pytest.raises(ValueError, match="no single final state"):
        Simulator(program).statevector()


def test_an_unknown_gate_is_named() -> None:
    with pytest.raises(KeyError, match="warp"):
        Simulator(Program(1, 0, (Instruction("warp", (0,)),)))


@pytest.mark.parametrize("n_qubits", [45, 60, 100])
def test_too_many_qubits_are_a_memory_error(n_qubits: int) -> None:
    """45 qubits take more than the address space has."""
    program = Program(n_qubits, 1, (Instruction("h", (0,)), measure(0, 0)))
    with pytest.raises(MemoryError):
        Simulator(program).run(1, 0)


def cuda_or_skip() -> str:
    import torch

    if not torch.cuda.is_available():
        pytest.skip("torch finds no CUDA device")
    return "cuda"


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["single", "double"])
def test_gpu_agrees_with_the_reference(precision: str) -> None:
    device = cuda_or_skip()
    tolerance = {"single": 2e-5, "double": 1e-10}[precision]
    for seed in range(20):
        n_qubits = 1 + seed % 8
        gates = random_gates(random.Random(seed), n_qubits, 30)
        state = Simulator(Program(n_qubits, 0, gates), device=device, precision=precision).statevector()
        np.testing.assert_allclose(state, final_state(Program(n_qubits, 0, gates)), atol=tolerance)
        dynamic = random_dynamic(seed, 4, 12)
        exact = Simulator(dynamic, device=device, precision=precision).distribution().as_dict()
        expected = distribution(dynamic)
        assert exact == pytest.approx({key: expected.get(key, 0.0) for key in exact | expected}, abs=tolerance)


@pytest.mark.gpu
def test_gpu_counts_are_those_of_the_cpu() -> None:
    """The random numbers come from the host, so that a seed means the same everywhere."""
    device = cuda_or_skip()
    program = random_static(2, 6, 30)
    cpu, gpu = (Simulator(program, device=where).run(1000, 3).as_dict() for where in ("cpu", device))
    differing = sum(abs(cpu.get(key, 0) - gpu.get(key, 0)) for key in cpu | gpu)
    assert differing <= 4  # a draw may fall on the other side of a rounding error
