"""Gate fusion: a run of gates becomes a short list of blocks.

A block is a group of gates that can be applied as one matrix or, where all are diagonal, as one vector of
factors. The cost of a step is mostly that of passing over the state, so applying five gates at once is nearly five
times cheaper. The method is the usual greedy one (as in Haener and Steiger, arXiv:1704.01127): gates join the
blocks they touch while these stay small. It works on program qubits and knows nothing of positions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pytest_qbench.circuits.gates import control_form, gate_matrix, is_diagonal
from pytest_qbench.circuits.program import UNITARY, Instruction
from pytest_qbench.engine.steps import Complex

DENSE_QUBITS = 5
"""Most qubits of a fused dense block. The work of a matrix product doubles with each; around five it costs about
as much as the memory traffic that it saves."""
DIAGONAL_QUBITS = 10
"""Most qubits of a fused diagonal block: its factors must stay in the cache while the state streams past."""


@dataclass(frozen=True, slots=True)
class Gate:
    """A gate of the program, on wires (the compiler's own names of the qubits)."""

    instruction: Instruction
    wires: tuple[int, ...]
    diagonal: bool

    @classmethod
    def of(cls, instruction: Instruction, wires: Sequence[int]) -> Gate:
        """The gate ``instruction``, its qubit q being ``wires[q]``."""
        return cls(instruction, tuple(wires[q] for q in instruction.qubits), is_diagonal(instruction))

    def matrix(self) -> Complex:
        """Its matrix, little-endian in ``wires``."""
        if self.instruction.name == UNITARY:
            return np.array(self.instruction.matrix, np.complex128)
        return _standard_matrix(self.instruction.name, len(self.wires), self.instruction.params)

    def factors(self) -> Complex:
        """The diagonal of the matrix of a diagonal gate; with many controls it is short where the matrix is huge."""
        form = control_form(self.instruction)
        if form is None:
            return self.matrix().diagonal()
        n_controls, base = form
        factors = np.ones(1 << len(self.wires), np.complex128)
        factors[(1 << n_controls) - 1 :: 1 << n_controls] = np.array(gate_matrix(base)).diagonal()
        return factors

    def exchange(self) -> tuple[int, tuple[int, int]] | None:
        """For x and swap with any number of controls, what they exchange: the number of controls, and the two
        values of the target qubits (as little-endian numbers); None for other gates."""
        n_controls, base = control_form(self.instruction) or (0, self.instruction)
        targets = {"x": (0, 1), "swap": (1, 2)}.get(base.name)
        return None if targets is None else (n_controls, targets)

    def phase(self) -> complex | None:
        """For a gate that only multiplies the amplitudes with 1 in all its qubits, the factor; else None."""
        if not self.diagonal:
            return None
        n_controls, base = control_form(self.instruction) or (0, self.instruction)
        if len(self.wires) - n_controls != 1:
            return None
        (one, _), (_, factor) = gate_matrix(base)
        return complex(factor) if one == 1 else None


@dataclass(frozen=True, slots=True)
class Block:
    """Gates to be applied as one, in order."""

    wires: frozenset[int]
    gates: tuple[Gate, ...]
    diagonal: bool

    def joined(self, *later: Block) -> Block:
        """This block and then ``later`` ones."""
        blocks = (self, *later)
        return Block(
            frozenset().union(*(block.wires for block in blocks)),
            tuple(gate for block in blocks for gate in block.gates),
            all(block.diagonal for block in blocks),
        )

    @property
    def is_small(self) -> bool:
        """Whether it is within the limits of a fused block."""
        return len(self.wires) <= (DIAGONAL_QUBITS if self.diagonal else DENSE_QUBITS)

    def matrix(self, order: Sequence[int]) -> Complex:
        """The product of its gates as a matrix, little-endian in ``order``, a permutation of its wires."""
        if len(self.gates) == 1 and self.gates[0].wires == tuple(order):
            return self.gates[0].matrix()
        product = np.eye(1 << len(order), dtype=np.complex128)
        for gate in self.gates:
            rows = _row_groups(len(order), tuple(order.index(wire) for wire in gate.wires))
            product[rows] = np.tensordot(gate.matrix(), product[rows], 1)
        return product

    def factors(self, order: Sequence[int]) -> Complex:
        """The diagonal of its matrix, little-endian in ``order``, for a diagonal block. ``order`` may hold further
        wires, on which the factors do not depend."""
        factors = np.ones(1 << len(order), np.complex128)
        for gate in self.gates:
            rows = _row_groups(len(order), tuple(order.index(wire) for wire in gate.wires))
            factors[rows] *= gate.factors()[:, np.newaxis]
        return factors


def fuse(gates: Iterable[Gate]) -> list[Block]:
    """Group ``gates`` into blocks; applied one after another these do what the gates do."""
    return _pack(_grow(gates))


def _grow(gates: Iterable[Gate]) -> list[Block]:
    """Let each gate join the blocks it touches; where that grows too large, close these and open a new one.

    Open blocks share no wire, so their order among themselves is free and each may be closed at any time.
    """
    open_blocks: dict[int, Block] = {}  # the open block of each wire
    closed: list[Block] = []
    for gate in gates:
        new = Block(frozenset(gate.wires), (gate,), gate.diagonal)
        touched = list({id(b): b for w in gate.wires if (b := open_blocks.get(w)) is not None}.values())
        if touched:
            joined = touched[0].joined(*touched[1:], new)
            if joined.is_small:
                new = joined
            else:
                closed += touched
                for block in touched:
                    for wire in block.wires:
                        del open_blocks[wire]
        for wire in new.wires:
            open_blocks[wire] = new
    return closed + list({id(block): block for block in open_blocks.values()}.values())


def _pack(blocks: Iterable[Block]) -> list[Block]:
    """Let each block join an earlier one where that stays small, past those with which it shares no wire."""
    packed: list[Block] = []
    for block in blocks:
        for i in reversed(range(len(packed))):
            joined = packed[i].joined(block)
            if joined.is_small:
                packed[i] = joined
                break
            if not packed[i].wires.isdisjoint(block.wires):
                packed.append(block)
                break
        else:
            packed.append(block)
    return packed


@lru_cache(maxsize=1024)
def _standard_matrix(name: str, n_qubits: int, params: tuple[float, ...]) -> Complex:
    matrix = np.array(gate_matrix(Instruction(name, tuple(range(n_qubits)), params)), np.complex128)
    matrix.flags.writeable = False  # it is shared
    return matrix


@lru_cache(maxsize=4096)
def _row_groups(n: int, bits: tuple[int, ...]) -> NDArray[np.intp]:
    """The numbers ``0 .. 2**n - 1`` grouped by their ``bits``: row g holds those whose bits spell g.

    Shape ``(2**len(bits), 2**(n - len(bits)))``; ``bits[0]`` is the least significant bit of g, and all rows list the
    other bits in the same order.
    """
    numbers = np.arange(1 << n)
    group = np.zeros(1 << n, np.intp)
    for weight, bit in enumerate(bits):
        group |= (numbers >> bit & 1) << weight
    return np.argsort(group, kind="stable").reshape(1 << len(bits), -1)
