"""Noisy programs by evolving density matrices, and random ones to try that on.

For each value of the classical memory there is one unnormalised density matrix. Channels are what their definitions
say (a partial trace for depolarizing, Kraus operators for damping), not errors that happen with a probability as in
the engine.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from exact_reference import gate_operator, random_dynamic, random_static
from numpy.typing import NDArray

from pytest_qbench import Instruction, Program

Matrix = NDArray[np.complex128]
Ensemble = dict[int, Matrix]
"""Classical memory -> density matrix."""

_ZERO, _ONE, _LOWER = (np.array(rows, complex) for rows in ([[1, 0], [0, 0]], [[0, 0], [0, 1]], [[0, 1], [0, 0]]))


def noisy_distribution(program: Program) -> dict[str, float]:
    """Bit string -> probability."""
    start = np.zeros((1 << program.n_qubits,) * 2, complex)
    start[0, 0] = 1
    ensemble = _run(program.instructions, {0: start}, program.n_qubits)
    return {format(memory, f"0{program.n_clbits}b"): rho.trace().real for memory, rho in ensemble.items()}


def _run(items: Iterable[Instruction], ensemble: Ensemble, n: int) -> Ensemble:
    for item in items:
        results: list[Ensemble] = [_step(item, memory, rho, n) for memory, rho in ensemble.items()]
        ensemble = {}
        for memory, rho in ((memory, rho) for result in results for memory, rho in result.items()):
            ensemble[memory] = ensemble.get(memory, 0) + rho
    return ensemble


def _step(item: Instruction, memory: int, rho: Matrix, n: int) -> Ensemble:
    if item.name == "measure":
        (qubit,), (clbit,) = item.qubits, item.clbits
        others = memory & ~(1 << clbit)
        return {others | 1 << clbit: _kraus([_ONE], qubit, rho, n), others: _kraus([_ZERO], qubit, rho, n)}
    if item.name == "readout_error":
        (clbit,) = item.clbits
        chance = item.params[memory >> clbit & 1]
        return {memory ^ 1 << clbit: chance * rho, memory: (1 - chance) * rho}
    if item.name == "if_else":
        assert item.condition is not None
        blocks = [*item.blocks, (), ()]
        return _run(blocks[0] if item.condition.holds(memory) else blocks[1], {memory: rho}, n)
    return {memory: channel_map(item, rho, n)}


def channel_map(item: Instruction, rho: Matrix, n: int) -> Matrix:
    """What a gate, reset or channel makes of the density matrix of n qubits."""
    if item.name == "reset":
        return _kraus([_ZERO, _LOWER], item.qubits[0], rho, n)
    if item.name == "depolarizing":
        (p,) = item.params
        return (1 - p) * rho + p * _mixed(item.qubits, rho, n)
    if item.name == "amplitude_damping":
        (gamma,) = item.params
        return _kraus([_ZERO + math.sqrt(1 - gamma) * _ONE, math.sqrt(gamma) * _LOWER], item.qubits[0], rho, n)
    if item.name == "phase_damping":
        (lam,) = item.params
        return _kraus([_ZERO + math.sqrt(1 - lam) * _ONE, math.sqrt(lam) * _ONE], item.qubits[0], rho, n)
    operator = embedded(gate_operator(item), item.qubits, n)
    return operator @ rho @ operator.conj().T


def embedded(matrix: Matrix, qubits: Sequence[int], n: int) -> Matrix:
    """``matrix``, little-endian in ``qubits``, as a matrix on n qubits."""
    index = np.arange(1 << n)
    own = sum((index >> qubit & 1) << i for i, qubit in enumerate(qubits))
    others = index & ~sum(1 << qubit for qubit in qubits)
    return np.where(others[:, None] == others, matrix[own[:, None], own], 0)


def _kraus(operators: Sequence[Matrix], qubit: int, rho: Matrix, n: int) -> Matrix:
    wide = [embedded(operator, [qubit], n) for operator in operators]
    return sum(operator @ rho @ operator.conj().T for operator in wide)


def _mixed(qubits: Sequence[int], rho: Matrix, n: int) -> Matrix:
    """``rho`` with ``qubits`` replaced by maximally mixed ones."""
    for qubit in qubits:
        kept = rho.reshape((2,) * (2 * n)).trace(axis1=n - 1 - qubit, axis2=2 * n - 1 - qubit)
        wide = np.multiply.outer(np.eye(2) / 2, kept)
        rho = np.moveaxis(wide, [0, 1], [n - 1 - qubit, 2 * n - 1 - qubit]).reshape(rho.shape)
    return rho


def random_noisy(seed: int, n_qubits: int, n_channels: int, *, dynamic: bool) -> Program:
    """A random program with ``n_channels`` channels of all kinds in random places, some in blocks."""
    rng = random.Random(seed)
    program = (random_dynamic if dynamic else random_static)(seed, n_qubits, rng.randint(3, 12))
    items = program.instructions
    for _ in range(n_channels):
        items = _inserted(rng, items, random_channel(rng, n_qubits, program.n_clbits))
    return replace(program, instructions=items)


def random_channel(rng: random.Random, n_qubits: int, n_clbits: int) -> Instruction:
    """A channel of any kind, often a strong one."""
    name = rng.choice(["depolarizing", "amplitude_damping", "phase_damping", "readout_error"])
    strength = rng.choice([rng.uniform(0, 0.1), rng.random(), 1.0])
    if name == "readout_error":
        return Instruction(name, (), (strength, rng.random()), (rng.randrange(n_clbits),))
    n_wires = rng.randint(1, min(2, n_qubits)) if name == "depolarizing" else 1
    return Instruction(name, tuple(rng.sample(range(n_qubits), n_wires)), (strength,))


def _inserted(rng: random.Random, items: tuple[Instruction, ...], new: Instruction) -> tuple[Instruction, ...]:
    """``items`` with ``new`` in a random place, in a block where that place is a conditional."""
    place = rng.randint(0, len(items))
    before, after = items[:place], items[place:]
    if after and after[0].blocks:
        blocks = list(after[0].blocks)
        chosen = rng.randrange(len(blocks))
        blocks[chosen] = _inserted(rng, blocks[chosen], new)
        return (*before, replace(after[0], blocks=tuple(blocks)), *after[1:])
    return (*before, new, *after)
