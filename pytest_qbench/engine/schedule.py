"""From blocks to steps: choose the cheapest form of each block and keep track of where each qubit is.

A matrix product is fast on adjacent positions only. So before a dense block whose qubits are scattered, a move
brings them together; nothing is ever moved back, the layout is remembered instead.

Costs are in passes over the state. They were measured with torch on a CPU at 18 to 22 qubits, relative to a
copy; only their order of magnitude matters.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from pytest_qbench.engine.blocks import Block, Gate
from pytest_qbench.engine.layout import (
    Layout,
    is_contiguous,
    move_shape,
    run_shape,
    slice_index,
    slice_shape,
)
from pytest_qbench.engine.steps import Dense, Diagonal, Exchange, Move, Scale, Step

_CALL = 1 << 14
"""The fixed cost of a step: it takes as long as passing over so many amplitudes."""
_MOVE = 2.0
_DIAGONAL = 0.5
_MIN_RUN = 6
"""Positions below which element-wise steps get slow, because their inner loops are short."""
_MIN_LOW = 4
"""Positions that a matrix product in the middle needs below its own, for the same reason."""


class Scheduler:
    """Turns blocks into steps and keeps the ``layout``: the position of each wire."""

    def __init__(self, n_qubits: int) -> None:
        self.layout: Layout = list(range(n_qubits))
        self._n = n_qubits

    def schedule(self, blocks: Sequence[Block]) -> Iterator[Step]:
        """The steps of ``blocks``, applied one after another."""
        for i, block in enumerate(blocks):
            if block.diagonal:
                yield self._diagonal(block)
            elif self._is_better_apart(block):
                for gate in block.gates:
                    yield from self._single(gate)
            else:
                following = next((later for later in blocks[i + 1 :] if not later.diagonal), None)
                yield from self._dense(block, following)

    def move_to(self, layout: Layout) -> Iterator[Step]:
        """The step that brings every wire to its position in ``layout``, if it takes one."""
        if layout != self.layout:
            sources = [self.layout[wire] for wire in _wires_by_position(layout)]
            yield Move(*move_shape(sources))
            self.layout = list(layout)

    def _positions(self, wires: Sequence[int]) -> list[int]:
        return [self.layout[wire] for wire in wires]

    def _is_better_apart(self, block: Block) -> bool:
        """Whether the gates of a block cost less one by one."""
        if len(block.gates) == 1:
            return block.gates[0].exchange() is not None
        apart = sum(_CALL + _passes(gate) * (1 << self._n) for gate in block.gates)
        return apart < _CALL + _dense_passes(len(block.wires)) * (1 << self._n)

    def _single(self, gate: Gate) -> Iterator[Step]:
        """One gate in its cheapest form."""
        exchange = gate.exchange()
        block = Block(frozenset(gate.wires), (gate,), gate.diagonal)
        if exchange is not None:
            n_controls, values = exchange
            positions = self._positions(gate.wires)
            controls, targets = positions[:n_controls], positions[n_controls:]
            first, second = (
                slice_index(dict.fromkeys(controls, 1) | {p: value >> i & 1 for i, p in enumerate(targets)})
                for value in values
            )
            yield Exchange(slice_shape(positions), first, second)
        elif gate.diagonal:
            yield self._diagonal(block)
        else:
            yield from self._dense(block, None)

    def _diagonal(self, block: Block) -> Step:
        phase = block.gates[0].phase() if len(block.gates) == 1 else None
        positions = self._positions(sorted(block.wires))
        if phase is not None:
            return Scale(slice_shape(positions), slice_index(dict.fromkeys(positions, 1)), phase)
        wires = set(block.wires)
        if min(positions) < _MIN_RUN:  # spell out the factors for the low positions, whether they depend on them or not
            wires.update(_wires_by_position(self.layout)[:_MIN_RUN])
        order = sorted(wires, key=lambda wire: self.layout[wire])
        shape, run_axes = run_shape(self._positions(order))
        factors_shape = [size if axis in run_axes else 1 for axis, size in enumerate(shape)]
        return Diagonal(shape, block.factors(order).reshape(factors_shape))

    def _dense(self, block: Block, following: Block | None) -> Iterator[Step]:
        if not self._multiplies_well(block):
            yield from self.move_to(self._gathered(block, following))
        order = sorted(block.wires, key=lambda wire: self.layout[wire])
        yield Dense(self.layout[order[0]], np.ascontiguousarray(block.matrix(order)))

    def _multiplies_well(self, block: Block) -> bool:
        positions = self._positions(list(block.wires))
        low = min(positions)
        return len(positions) == 1 or (is_contiguous(positions) and (low == 0 or low >= self._min_low(block)))

    def _min_low(self, block: Block) -> int:
        """The lowest good position other than 0; in a short state any is good."""
        return min(_MIN_LOW, self._n - len(block.wires))

    def _gathered(self, block: Block, following: Block | None) -> Layout:
        """A layout with the wires of ``block`` at the top.

        Those of the ``following`` block come right below (the wires of both in between), so that it needs no move
        of its own. The others keep their order, and the low positions change as little as possible, for a move is
        the faster the longer the runs that stay together.
        """
        next_wires = following.wires if following is not None else frozenset[int]()

        def rank(wire: int) -> tuple[int, int]:
            group = 0
            if wire in block.wires:
                group = 2 if wire in next_wires else 3
            elif wire in next_wires:
                group = 1
            return group, self.layout[wire]

        layout = [0] * self._n
        for position, wire in enumerate(sorted(range(self._n), key=rank)):
            layout[wire] = position
        return layout


def _wires_by_position(layout: Layout) -> list[int]:
    return sorted(range(len(layout)), key=lambda wire: layout[wire])


def _dense_passes(n_qubits: int) -> float:
    return 2 + (1 << n_qubits) / 5 + (_MOVE if n_qubits > 1 else 0)


def _passes(gate: Gate) -> float:
    """The passes over the state that one gate costs in its cheapest form."""
    exchange = gate.exchange()
    if exchange is not None:
        n_controls, _ = exchange
        return 0.5**n_controls
    if gate.diagonal:
        return _DIAGONAL
    return _dense_passes(len(gate.wires))
