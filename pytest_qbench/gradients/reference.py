"""Exact gradients by plain numpy, independent of every path: what all of them are verified against.

States are columns of a ``(2**n, samples)`` array. The gradient is that of the adjoint method (Jones and Gacon, 2020,
arXiv:2009.02823): one pass forward, one back, a scalar product for each parameter. Derivatives of gate matrices are
central differences with one step of Richardson's extrapolation, exact to about 1e-12 as matrices are trigonometric.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pytest_qbench.circuits.gates import gate_matrix
from pytest_qbench.circuits.program import Instruction
from pytest_qbench.gradients.ansatz import Ansatz, Terms

Real = NDArray[np.float64]
Complex = NDArray[np.complex128]

_STEP = 1e-3
_PAULIS = {"X": ((0, 1), (1, 0)), "Y": ((0, -1j), (1j, 0)), "Z": ((1, 0), (0, -1))}


def encoded(features: Real, encoding: str, n_qubits: int) -> Complex:
    """The states of rows of features, shape ``(2**n_qubits, samples)``.

    Raises:
        ValueError: the encoding is unknown.
    """
    size, n_samples = 1 << n_qubits, len(features)
    states = np.zeros((size, n_samples), np.complex128)
    if encoding == "amplitude":
        states[: features.shape[1]] = features.T
        states /= np.linalg.norm(states, axis=0)
    elif encoding == "basis":
        index = (features >= 0.5).astype(np.int64) @ (1 << np.arange(n_qubits))
        states[index, np.arange(n_samples)] = 1
    elif encoding in ("angle", "iqp"):
        states[0] = 1
        for sample, row in enumerate(features):
            for instruction in _embedding(row, encoding):
                column = states[:, sample : sample + 1]
                _apply(column, np.array(gate_matrix(instruction)), instruction.qubits)
    else:
        raise ValueError(f"unknown encoding {encoding!r}")
    return states


def _embedding(row: Real, encoding: str) -> list[Instruction]:
    """The gates that encode one row: RX rotations, or those of Havlicek et al. (2019) as PennyLane has them."""
    angles = [float(value) for value in row]
    if encoding == "angle":
        return [Instruction("rx", (q,), (angle,)) for q, angle in enumerate(angles)]
    gates = [Instruction("h", (q,)) for q in range(len(angles))]
    gates += [Instruction("rz", (q,), (angle,)) for q, angle in enumerate(angles)]
    pairs = itertools.combinations(range(len(angles)), 2)
    return gates + [Instruction("rzz", (a, b), (angles[a] * angles[b],)) for a, b in pairs]


def expectations(ansatz: Ansatz, parameters: Sequence[float], observable: Terms, states: Complex) -> Real:
    """The expectation value for each column of ``states``, shape ``(samples,)``."""
    final = evolved(ansatz, parameters, states)
    values: Real = np.einsum("is,is->s", final.conj(), _observed(observable, final)).real
    return values


def gradients(ansatz: Ansatz, parameters: Sequence[float], observable: Terms, states: Complex) -> Real:
    """The derivatives of the expectation values for all parameters, shape ``(samples, parameters)``."""
    ket = evolved(ansatz, parameters, states)
    bra = _observed(observable, ket)
    uses: dict[int, list[tuple[int, int, float]]] = {}
    for use in ansatz.uses:
        uses.setdefault(use.instruction, []).append((use.param, use.parameter, use.scale))
    result = np.zeros((states.shape[1], ansatz.n_parameters))
    instructions = ansatz.bound(parameters).instructions
    for index in reversed(range(len(instructions))):
        instruction = instructions[index]
        inverse = np.array(gate_matrix(instruction)).conj().T
        _apply(ket, inverse, instruction.qubits)
        for param, parameter, scale in uses.get(index, ()):
            changed = ket.copy()
            _apply(changed, _derivative(instruction, param), instruction.qubits)
            result[:, parameter] += 2 * scale * np.einsum("is,is->s", bra.conj(), changed).real
        _apply(bra, inverse, instruction.qubits)
    return result


def differences(
    ansatz: Ansatz, parameters: Sequence[float], observable: Terms, states: Complex, which: Sequence[int]
) -> Real:
    """The derivatives for the parameters ``which`` by central differences, shape ``(samples, len(which))``."""
    step = 1e-5
    result = np.empty((states.shape[1], len(which)))
    for column, parameter in enumerate(which):
        values = []
        for sign in (1, -1):
            shifted = list(parameters)
            shifted[parameter] += sign * step
            values.append(expectations(ansatz, shifted, observable, states))
        result[:, column] = (values[0] - values[1]) / (2 * step)
    return result


def evolved(ansatz: Ansatz, parameters: Sequence[float], states: Complex) -> Complex:
    """The states after the circuit."""
    states = states.copy()
    for instruction in ansatz.bound(parameters).instructions:
        _apply(states, np.array(gate_matrix(instruction)), instruction.qubits)
    return states


def _observed(observable: Terms, states: Complex) -> Complex:
    total = np.zeros_like(states)
    for coefficient, letters in observable:
        term = states.copy()
        for qubit, letter in letters:
            _apply(term, np.array(_PAULIS[letter], np.complex128), (qubit,))
        total += coefficient * term
    return total


def _apply(states: Complex, matrix: Complex, qubits: Sequence[int]) -> None:
    """Apply ``matrix``, little-endian in ``qubits``, to the columns of ``states``, in place."""
    n = states.shape[0].bit_length() - 1
    tensor = states.reshape((2,) * n + (-1,))
    axes = [n - 1 - qubit for qubit in reversed(qubits)]  # the most significant of the gate's qubits first
    moved = np.moveaxis(tensor, axes, range(len(axes)))
    product = matrix @ moved.reshape(1 << len(axes), -1)
    moved[...] = product.reshape(moved.shape)


def _derivative(instruction: Instruction, param: int) -> Complex:
    def matrix(step: float) -> Complex:
        params = list(instruction.params)
        params[param] += step
        return np.array(gate_matrix(replace(instruction, params=tuple(params))))

    def central(step: float) -> Complex:
        return (matrix(step) - matrix(-step)) / (2 * step)

    derivative: Complex = (4 * central(_STEP / 2) - central(_STEP)) / 3
    return derivative
