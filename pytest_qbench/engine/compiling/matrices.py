"""The matrices of dense blocks, many at once.

Most gates of a program act on one qubit. Their products are taken as plain numbers, and they are merged into the
gates on two qubits that follow, for all blocks of a program in one go; only what remains is multiplied out gate by
gate.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from pytest_qbench.engine.compiling.blocks import Block, row_groups
from pytest_qbench.engine.compiling.steps import Complex

_Entries = tuple[complex, complex, complex, complex]
_IDENTITY: _Entries = (1, 0, 0, 1)


def block_matrices(blocks: Sequence[tuple[Block, Sequence[int]]]) -> list[Complex]:
    """The matrices of ``blocks``, each little-endian in the order of wires given with it.

    An order may hold wires that its block leaves alone.
    """
    pairs = _Pairs()
    factors = [_factors(block, order, pairs) for block, order in blocks]
    merged = pairs.matrices()
    return [
        _product(len(order), ((bits, merged[f] if isinstance(f, int) else f) for bits, f in parts))
        for (_, order), parts in zip(blocks, factors, strict=True)
    ]


class _Pairs:
    """Gates on two qubits, with the products of gates that came before them on each."""

    def __init__(self) -> None:
        self._gates: list[Complex] = []
        self._before: list[tuple[_Entries, _Entries]] = []

    def add(self, gate: Complex, first: _Entries, second: _Entries) -> int:
        """Remember ``gate`` after ``first`` on its qubit 0 and ``second`` on its qubit 1; returns its index."""
        self._gates.append(gate)
        self._before.append((first, second))
        return len(self._gates) - 1

    def matrices(self) -> Complex:
        """All of them, shape ``(n, 4, 4)``."""
        if not self._gates:
            return np.empty((0, 4, 4), np.complex128)
        before = np.array(self._before, np.complex128).reshape(-1, 2, 2, 2)
        products = before[:, 1, :, np.newaxis, :, np.newaxis] * before[:, 0, np.newaxis, :, np.newaxis, :]
        merged: Complex = np.array(self._gates) @ products.reshape(-1, 4, 4)
        return merged


_Factor = tuple[tuple[int, ...], "int | Complex"]
"""The bits that it acts on, and its matrix or the index of that among the pairs."""


def _factors(block: Block, order: Sequence[int], pairs: _Pairs) -> list[_Factor]:
    """What a block is the product of, with the gates on one qubit merged."""
    bit_of = {wire: bit for bit, wire in enumerate(order)}
    single: dict[int, _Entries] = {}  # the product of the gates on one qubit since the last gate on two
    factors: list[_Factor] = []
    for gate in block.gates:
        if len(gate.wires) == 1:
            bit = bit_of[gate.wires[0]]
            entries = gate.form.entries
            before = single.get(bit)
            single[bit] = entries if before is None else _times(entries, before)
        elif len(gate.wires) == 2:
            first, second = bit_of[gate.wires[0]], bit_of[gate.wires[1]]
            merged = pairs.add(gate.form.matrix, single.pop(first, _IDENTITY), single.pop(second, _IDENTITY))
            factors.append(((first, second), merged))
        else:
            bits = tuple([bit_of[wire] for wire in gate.wires])
            factors += [((bit,), _square(single.pop(bit))) for bit in bits if bit in single]
            factors.append((bits, gate.form.matrix))
    return factors + [((bit,), _square(entries)) for bit, entries in single.items()]


def _product(n_bits: int, factors: Iterable[tuple[tuple[int, ...], Complex]]) -> Complex:
    size = 1 << n_bits
    product = np.eye(size, dtype=np.complex128)
    for bits, matrix in factors:
        if len(bits) == n_bits and bits == tuple(range(n_bits)):
            product = matrix @ product
        elif len(bits) == 1:
            view = product.reshape(-1, 2, size << bits[0])
            product = np.matmul(matrix, view).reshape(size, size)
        else:
            rows = row_groups(n_bits, bits)
            product[rows] = (matrix @ product[rows].reshape(len(rows), -1)).reshape(*rows.shape, size)
    return product


def _times(a: _Entries, b: _Entries) -> _Entries:
    """The product of two matrices on one qubit."""
    a0, a1, a2, a3 = a
    b0, b1, b2, b3 = b
    return a0 * b0 + a1 * b2, a0 * b1 + a1 * b3, a2 * b0 + a3 * b2, a2 * b1 + a3 * b3


def _square(entries: _Entries) -> Complex:
    return np.array(entries, np.complex128).reshape(2, 2)
