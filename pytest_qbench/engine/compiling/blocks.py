"""Gates as the compiler sees them, and blocks of gates that are applied in one step."""

from __future__ import annotations

import cmath
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from pytest_qbench.circuits.gates import control_form, gate_matrix, is_diagonal
from pytest_qbench.circuits.program import UNITARY, Instruction
from pytest_qbench.engine.compiling.steps import Complex

Quadratic = tuple[float, tuple[float, ...], dict[tuple[int, int], float]]
"""An angle as a polynomial of bits: the constant, what each bit adds, and what each pair of bits adds."""

_UNIT = 1e-12
"""A diagonal entry whose magnitude is off 1 by more is no phase, but some damping."""


class Form:
    """What a gate is, whatever wires it is on. Gates of one name with the same parameters share one."""

    def __init__(self, instruction: Instruction) -> None:
        self._instruction = instruction
        self._control_form = control_form(instruction)
        self.n_wires = len(instruction.qubits)
        self.diagonal = is_diagonal(instruction)

    @cached_property
    def matrix(self) -> Complex:
        """The matrix, little-endian in the gate's qubits; shared, so read-only."""
        matrix = np.array(gate_matrix(self._instruction), np.complex128)
        matrix.flags.writeable = False
        return matrix

    @cached_property
    def real(self) -> bool:
        """Whether the matrix is real (of a gate small enough for a matrix)."""
        return self.exchange is not None or (self.n_wires <= 5 and not np.any(self.matrix.imag))

    @cached_property
    def entries(self) -> tuple[complex, complex, complex, complex]:
        """The matrix of a gate on one qubit, row by row."""
        (a, b), (c, d) = gate_matrix(self._instruction)
        return a, b, c, d

    @cached_property
    def factors(self) -> Complex:
        """The diagonal of the matrix of a diagonal gate; with many controls it is short where the matrix is huge."""
        n_controls, base = self._control_form or (0, self._instruction)
        factors = np.ones(1 << self.n_wires, np.complex128)
        factors[(1 << n_controls) - 1 :: 1 << n_controls] = [row[i] for i, row in enumerate(gate_matrix(base))]
        return factors

    @cached_property
    def quadratic(self) -> Quadratic | None:
        """For a diagonal gate of phases on one or two qubits: the angle as a polynomial of its bits."""
        if self.n_wires > 2 or np.any(np.abs(np.abs(self.factors) - 1) > _UNIT):
            return None
        angles = [cmath.phase(factor) for factor in self.factors.tolist()]
        if self.n_wires == 1:
            return angles[0], (angles[1] - angles[0],), {}
        constant, first, second, both = angles
        return constant, (first - constant, second - constant), {(0, 1): both - first - second + constant}

    @cached_property
    def exchange(self) -> tuple[int, tuple[int, int]] | None:
        """For x and swap with any number of controls, what they exchange: the number of controls, and the two
        values of the target qubits (as little-endian numbers); None for other gates."""
        n_controls, base = self._control_form or (0, self._instruction)
        targets = {"x": (0, 1), "swap": (1, 2)}.get(base.name)
        return None if targets is None else (n_controls, targets)

    @cached_property
    def phase(self) -> complex | None:
        """For a gate that only multiplies the amplitudes with 1 in all its qubits, the factor; else None."""
        if not self.diagonal:
            return None
        n_controls, base = self._control_form or (0, self._instruction)
        if self.n_wires - n_controls != 1:
            return None
        (one, _), (_, factor) = gate_matrix(base)
        return complex(factor) if one == 1 else None


@dataclass(slots=True, eq=False)
class Gate:
    """A gate of the program, on wires (the compiler's own names of the qubits); ``mask`` has a bit for each."""

    form: Form
    wires: tuple[int, ...]
    mask: int

    @classmethod
    def of(cls, instruction: Instruction, wires: Sequence[int]) -> Gate:
        """The gate ``instruction``, its qubit q being ``wires[q]``."""
        if instruction.name == UNITARY:
            form = Form(instruction)
        else:
            form = _standard_form(instruction.name, len(instruction.qubits), instruction.params)
        own = tuple([wires[q] for q in instruction.qubits])
        return cls(form, own, mask_of(own))


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Gates to be applied as one, in order."""

    wires: frozenset[int]
    gates: tuple[Gate, ...]
    diagonal: bool

    @classmethod
    def of(cls, gates: Sequence[Gate]) -> Block:
        """A block of ``gates``."""
        wires = frozenset([wire for gate in gates for wire in gate.wires])
        return cls(wires, tuple(gates), all(gate.form.diagonal for gate in gates))

    def factors(self, order: Sequence[int]) -> Complex:
        """The diagonal of its matrix, little-endian in ``order``, for a diagonal block. ``order`` may hold further
        wires, on which the factors do not depend.

        Angles are added up as polynomials of the bits, so that the work hardly grows with the number of gates.
        """
        bit_of = {wire: bit for bit, wire in enumerate(order)}
        n = len(order)
        constant, pairs = 0.0, np.zeros((n, n))  # a bit is its own square: what it adds alone is on the diagonal
        others = []
        for gate in self.gates:
            quadratic = gate.form.quadratic
            if quadratic is None:
                others.append(gate)
                continue
            bits = [bit_of[wire] for wire in gate.wires]
            constant += quadratic[0]
            for bit, angle in zip(bits, quadratic[1], strict=True):
                pairs[bit, bit] += angle
            for (i, j), angle in quadratic[2].items():
                pairs[bits[i], bits[j]] += angle
        factors: Complex = np.exp(1j * _quadratic(constant, pairs))
        for gate in others:
            rows = row_groups(n, tuple(bit_of[wire] for wire in gate.wires))
            factors[rows] *= gate.form.factors[:, np.newaxis]
        return factors


def mask_of(wires: Iterable[int]) -> int:
    """The number with the bits ``wires`` set."""
    mask = 0
    for wire in wires:
        mask |= 1 << wire
    return mask


def wires_of(mask: int) -> list[int]:
    """The bits that are set in ``mask``, ascending."""
    return [wire for wire in range(mask.bit_length()) if mask >> wire & 1]


@lru_cache(maxsize=4096)
def _standard_form(name: str, n_qubits: int, params: tuple[float, ...]) -> Form:
    return Form(Instruction(name, tuple(range(n_qubits)), params))


def _quadratic(constant: float, pairs: NDArray[np.float64]) -> NDArray[np.float64]:
    """``constant`` plus ``pairs[i, j]`` for all bits i and j of a number that are set, for ``0 .. 2**len(pairs) - 1``.

    A bit doubles the numbers, and what it adds depends on those below it in the same way. As a product of matrices
    this would wake the threads of numpy's BLAS, which then spin for a while, in the way of the engine's own.
    """
    values = np.empty(1 << len(pairs))
    values[0] = constant
    either_way = pairs + pairs.T
    for bit in range(len(pairs)):
        added = values[1 << bit : 2 << bit]
        added[0] = pairs[bit, bit]
        for lower in range(bit):
            np.add(added[: 1 << lower], either_way[bit, lower], out=added[1 << lower : 2 << lower])
        added += values[: 1 << bit]
    return values


@lru_cache(maxsize=256)
def row_groups(n: int, bits: tuple[int, ...]) -> NDArray[np.intp]:
    """The numbers ``0 .. 2**n - 1`` grouped by their ``bits``: row g holds those whose bits spell g.

    Shape ``(2**len(bits), 2**(n - len(bits)))``; ``bits[0]`` is the least significant bit of g, and all rows list the
    other bits in the same order.
    """
    numbers = np.arange(1 << n)
    group = np.zeros(1 << n, np.intp)
    for weight, bit in enumerate(bits):
        group |= (numbers >> bit & 1) << weight
    return np.argsort(group, kind="stable").reshape(1 << len(bits), -1)
