"""Gates as functions of their parameters, in a form that is quick to evaluate and trivial to differentiate.

Each entry of a standard gate's matrix is a sum of exponentials, so that the whole is a trigonometric polynomial::

    U(x) = sum over terms t of C[t] exp(i w[t] . x)

with constant matrices ``C[t]`` and vectors ``w[t]`` of half-integer frequencies, all of them at most 1. The terms
follow from ``circuits.gates.gate_matrix`` by a discrete Fourier transform, so that no gate is written down twice.
Derivatives weigh the terms with ``i w[t]`` and shifted parameters with ``exp(i w[t] s)``. Products of such matrices
are such matrices again, which makes one of several gates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from math import gcd, pi

import numpy as np
from numpy.typing import NDArray

from pytest_qbench.circuits.gates import GATES, gate_matrix
from pytest_qbench.circuits.program import Instruction

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]

_FREQUENCIES = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
"""Those that occur in gate matrices. As many points over the period 4 pi tell them apart."""
_POINTS = 4 * pi * np.arange(len(_FREQUENCIES)) / len(_FREQUENCIES)
_ROUNDING = 1e-14


@dataclass(frozen=True, slots=True, eq=False)
class TrigMatrix:
    """A matrix that is a trigonometric polynomial of some variables.

    Attributes:
        variables: what the variables are called: numbers, each once.
        frequencies: shape ``(terms, variables)``.
        coefficients: shape ``(terms, d, d)``.
    """

    variables: tuple[int, ...]
    frequencies: Real
    coefficients: Complex

    @classmethod
    def constant(cls, matrix: Complex) -> TrigMatrix:
        """A matrix without variables."""
        return cls((), np.zeros((1, 0)), np.asarray(matrix, np.complex128)[np.newaxis])

    @property
    def n_terms(self) -> int:
        """How many exponentials there are."""
        return len(self.frequencies)

    def value(self, angles: Mapping[int, float]) -> Complex:
        """The matrix at the given value of each variable, shape ``(d, d)``."""
        at = np.array([angles[variable] for variable in self.variables])
        result: Complex = np.tensordot(np.exp(1j * (self.frequencies @ at)), self.coefficients, 1)
        return result

    def then(self, later: TrigMatrix) -> TrigMatrix:
        """The product with a matrix that is applied after this one and shares no variable with it."""
        mine = np.repeat(np.arange(self.n_terms), later.n_terms)
        others = np.tile(np.arange(later.n_terms), self.n_terms)
        return TrigMatrix(
            self.variables + later.variables,
            np.hstack([self.frequencies[mine], later.frequencies[others]]),
            later.coefficients[others] @ self.coefficients[mine],
        )

    def embedded(self, bits: Sequence[int], n_bits: int) -> TrigMatrix:
        """This matrix as one on ``n_bits`` bits, of which ``bits[0]`` is its least significant and so on."""
        numbers = np.arange(1 << n_bits)
        inner = np.zeros(1 << n_bits, np.intp)
        for weight, bit in enumerate(bits):
            inner |= (numbers >> bit & 1) << weight
        rest = numbers & ~sum(1 << bit for bit in bits)
        same = rest[:, np.newaxis] == rest
        wide = np.where(same, self.coefficients[:, inner[:, np.newaxis], inner], 0)
        return TrigMatrix(self.variables, self.frequencies, wide)

    def controlled(self, n_controls: int) -> TrigMatrix:
        """This matrix on the high bits where ``n_controls`` low bits are all 1, and the identity elsewhere."""
        ones, size = (1 << n_controls) - 1, self.coefficients.shape[-1] << n_controls
        inside = np.arange(ones, size, ones + 1)
        wide = np.zeros((self.n_terms + 1, size, size), np.complex128)
        wide[:-1, inside[:, np.newaxis], inside] = self.coefficients
        outside = np.setdiff1d(np.arange(size), inside)
        wide[-1, outside, outside] = 1
        return TrigMatrix(self.variables, np.vstack([self.frequencies, 0 * self.frequencies[:1]]), wide)


@dataclass(frozen=True, slots=True, eq=False)
class VariableGate:
    """A gate some of whose parameters are variables.

    Attributes:
        qubits: controls first.
        n_controls: so many of them are controls that ``matrix`` leaves out; 0 unless the gate may have any number.
        matrix: what happens to the other qubits where all controls are 1, little-endian in them.
    """

    qubits: tuple[int, ...]
    n_controls: int
    matrix: TrigMatrix

    @property
    def mask(self) -> int:
        """Its qubits as a bit mask."""
        return sum(1 << qubit for qubit in self.qubits)

    @property
    def is_monomial(self) -> bool:
        """Whether, for all parameters, the matrix is a permutation with phases."""
        return bool((self._pattern().sum(axis=1) == 1).all())

    @property
    def conserved(self) -> int:
        """The qubits (as a bit mask) whose computational basis states it never changes."""
        rows, columns = np.nonzero(self._pattern())
        changed = int(np.bitwise_or.reduce(rows ^ columns))
        targets = enumerate(self.qubits[self.n_controls :])
        return self.mask & ~sum(1 << qubit for bit, qubit in targets if changed >> bit & 1)

    def _pattern(self) -> NDArray[np.bool_]:
        """Where the matrix may be other than zero."""
        pattern: NDArray[np.bool_] = abs(self.matrix.coefficients).max(axis=0) > _ROUNDING
        return pattern


def variable_gate(instruction: Instruction, variables: Mapping[int, int]) -> VariableGate:
    """A gate of a program where some of its parameters are variables.

    Args:
        instruction: the gate; its other parameters are constants.
        variables: number of the parameter -> name of the variable.

    Raises:
        KeyError: the instruction is no gate, or none that is known.
    """
    qubits, n_controls = instruction.qubits, 0
    gate = GATES.get(instruction.name)
    if gate is not None and gate.n_qubits is None:
        assert gate.base is not None
        n_controls = len(qubits) - 1
        instruction = Instruction(gate.base, qubits[n_controls:], instruction.params)
    return VariableGate(qubits, n_controls, _matrix(instruction, variables))


def _matrix(instruction: Instruction, variables: Mapping[int, int]) -> TrigMatrix:
    if not variables:
        return TrigMatrix.constant(np.array(gate_matrix(instruction), np.complex128))
    frequencies, coefficients = _polynomial(instruction.name, len(instruction.qubits))
    free = sorted(variables)
    fixed = [number for number in range(len(instruction.params)) if number not in variables]
    phases = np.exp(1j * frequencies[:, fixed] @ np.array(instruction.params)[fixed])
    distinct, which = np.unique(frequencies[:, free], axis=0, return_inverse=True)
    merged = np.zeros((len(distinct), *coefficients.shape[1:]), np.complex128)
    np.add.at(merged, which.ravel(), phases[:, np.newaxis, np.newaxis] * coefficients)
    return TrigMatrix(tuple(variables[number] for number in free), distinct, merged)


@lru_cache(maxsize=256)
def shift_rule(name: str, number: int) -> tuple[tuple[float, float], ...]:
    """The parameter-shift rule of one parameter of a standard gate: pairs (shift, weight).

    The derivative of an expectation value is the sum of ``weight * value(parameter + shift)``. The value is a
    trigonometric polynomial of the parameter; its frequencies are differences of those in the matrix, multiples
    1 .. r of the smallest d. Then 2 r shifts suffice (Wierichs, Izaac, Wang, Lin, arXiv:2107.12390, section 3.2). For
    a gate generated by a Pauli string r is 1: the two-term rule.
    """
    # Further controls add nothing but the frequency 0, which the first one brings already.
    frequencies = np.unique(_polynomial(name, GATES[name].n_qubits or 2)[0][:, number])
    gaps = {round(2 * (a - b)) for a, b in product(frequencies, frequencies) if a > b}
    step = gcd(*gaps)
    r, smallest = max(gaps) // step, step / 2
    points = [(2 * m - 1) * pi / (2 * r) for m in range(1, 2 * r + 1)]
    return tuple(
        (x / smallest, smallest * (-1) ** m / (4 * r * float(np.sin(x / 2)) ** 2)) for m, x in enumerate(points)
    )


@lru_cache(maxsize=256)
def _polynomial(name: str, n_qubits: int) -> tuple[Real, Complex]:
    """Of a standard gate: frequencies ``(terms, parameters)`` and coefficients ``(terms, 2**n, 2**n)``."""
    n_params = GATES[name].n_params
    qubits = tuple(range(n_qubits))
    samples = np.array([gate_matrix(Instruction(name, qubits, at)) for at in product(_POINTS, repeat=n_params)])
    coefficients = samples.reshape(*[len(_POINTS)] * n_params, 1 << n_qubits, 1 << n_qubits)
    transform = np.exp(-1j * np.outer(_FREQUENCIES, _POINTS)) / len(_POINTS)
    for axis in range(n_params):
        coefficients = np.moveaxis(np.tensordot(transform, coefficients, (1, axis)), 0, axis)
    coefficients[abs(coefficients) < _ROUNDING] = 0
    coefficients = coefficients.reshape(-1, 1 << n_qubits, 1 << n_qubits)
    used = coefficients.any(axis=(1, 2))
    frequencies = np.array(list(product(_FREQUENCIES, repeat=n_params))).reshape(-1, n_params)
    return frequencies[used], coefficients[used]
