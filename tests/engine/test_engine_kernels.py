"""Kernels that have several ways to do the same, and the threads that share the work."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from exact_reference import final_state, random_gates

from pytest_qbench import Instruction, Program
from pytest_qbench.engine import Simulator
from pytest_qbench.engine.compiling import costs
from pytest_qbench.engine.compiling.compile import forget_plans
from pytest_qbench.engine.compiling.layout import move_shape
from pytest_qbench.engine.compiling.steps import Dense, Move
from pytest_qbench.engine.running import kernels, workers
from pytest_qbench.engine.running.evolve import BufferPool, Register
from pytest_qbench.engine.running.kernels import bound, has_linear

N_CHUNK = 10


@pytest.fixture
def in_chunks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """States of more than 10 qubits are worked on in chunks, by two threads."""
    monkeypatch.setattr(costs, "_CPU_CACHE_BYTES", 0)
    monkeypatch.setattr(costs, "_CPU_CHUNK_BYTES", 16 << N_CHUNK)
    monkeypatch.setattr(workers, "SHORT", 0)
    forget_plans()
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(threads)
    forget_plans()


def random_program(seed: int, n_qubits: int = 14) -> Program:
    return Program(n_qubits, 0, random_gates(random.Random(seed), n_qubits, 60))


@pytest.mark.parametrize("seed", range(3))
def test_two_threads_give_the_same_state(in_chunks: None, seed: int) -> None:
    program = random_program(seed)
    simulator = Simulator(program)
    state = simulator.statevector()
    np.testing.assert_allclose(state, final_state(program), atol=1e-10)
    with workers.in_turn():
        np.testing.assert_array_equal(simulator.statevector(), state)
    assert torch.get_num_threads() == 2


def test_buffers_come_back(in_chunks: None) -> None:
    """A run leaves two buffers of the state's size, and each thread few of a chunk's."""
    chain = [Instruction("h", (0,)), *(Instruction("cx", (q, q + 1)) for q in range(15))]
    simulator = Simulator(Program(16, 16, (*chain, Instruction("measure", tuple(range(16)), clbits=tuple(range(16))))))
    for seed in range(3):
        simulator.run(100, seed)
    pool = simulator._pool
    assert len(pool._free) <= 2
    assert all(len(own._free) <= 2 for own in pool.of_workers)


def test_what_a_worker_raises_is_raised(in_chunks: None) -> None:
    def work(items: Iterator[int], _: int) -> None:
        for item in items:
            if item == 3:
                raise ValueError("three")

    with pytest.raises(ValueError, match="three"):
        workers.side_by_side(range(5), work)
    assert torch.get_num_threads() == 2


def register_of(amplitudes: np.ndarray, dtype: torch.dtype) -> Register:
    register = Register(BufferPool(dtype, torch.device("cpu")), 1, len(amplitudes))
    register.amplitudes.copy_(torch.from_numpy(amplitudes))
    return register


@pytest.mark.parametrize("n_moved", [3, 9])
def test_moves_by_lookup_and_by_axes_agree(n_moved: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(n_moved)
    amplitudes = rng.standard_normal(1 << 11) + 1j * rng.standard_normal(1 << 11)
    sources = list(range(11))
    sources[2 : 2 + n_moved] = rng.permutation(sources[2 : 2 + n_moved]).tolist()
    step = Move(*move_shape(sources))
    # The bit at position p of the new index is the one at sources[p] of the old.
    new = np.arange(1 << 11)
    old = sum(((new >> p & 1) << source for p, source in enumerate(sources)), np.zeros_like(new))
    for max_runs in (0, 1 << 15):
        monkeypatch.setattr(kernels, "_MAX_RUNS", max_runs)
        register = register_of(amplitudes, torch.complex128)
        bound(step, register.pool)(register)
        np.testing.assert_array_equal(register.amplitudes.numpy(), amplitudes[old])


@pytest.mark.parametrize("linear", [True, False])
@pytest.mark.parametrize("k", [1, 3, 5])
def test_products_on_the_lowest_positions(k: int, linear: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """In single precision by oneDNN where this torch has it, else by the BLAS."""
    if linear and not has_linear():
        pytest.skip("this torch has no oneDNN product")
    monkeypatch.setattr(kernels, "has_linear", lambda: linear)
    rng = np.random.default_rng(k)
    amplitudes = rng.standard_normal(1 << 8) + 1j * rng.standard_normal(1 << 8)
    matrix = rng.standard_normal((1 << k, 1 << k)) + 1j * rng.standard_normal((1 << k, 1 << k))
    register = register_of(amplitudes, torch.complex64)
    bound(Dense(0, matrix), register.pool)(register)
    expected = (amplitudes.reshape(-1, 1 << k) @ matrix.T).ravel()
    np.testing.assert_allclose(register.amplitudes.numpy(), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("low", [1, 4])
@pytest.mark.parametrize("real", [True, False])
def test_products_on_higher_positions(low: int, real: bool) -> None:
    rng = np.random.default_rng(low)
    amplitudes = rng.standard_normal(1 << 8) + 1j * rng.standard_normal(1 << 8)
    matrix = rng.standard_normal((4, 4)) + (0 if real else 1j) * rng.standard_normal((4, 4))
    register = register_of(amplitudes, torch.complex128)
    bound(Dense(low, matrix.astype(complex)), register.pool)(register)
    expected = np.einsum("ij,ajb->aib", matrix, amplitudes.reshape(-1, 4, 1 << low)).ravel()
    np.testing.assert_allclose(register.amplitudes.numpy(), expected, atol=1e-12)
