"""From gates to steps: which gates go into one block, where its qubits have to be, and what form it takes.

A matrix product is fast on adjacent positions only, so dense blocks need their qubits moved together. Moves are what
a naive plan spends most of its time on, hence three rules:

* The lowest few positions are *parked*: moves leave them alone, so that runs of amplitudes stay together and a move is
  about as fast as a copy. Gates that need a parked qubit wait.
* When no other gate is left, the parked qubits change places with those that are not needed for the longest time (as
  a cache does, by Belady's rule). That step is a transposition of small tiles.
* A move brings together the qubits of as many of the next blocks as can be adjacent at the same time.

Nothing is ever moved back; the layout is remembered instead. Before the first step the state is all zeros, so that the
first layout is chosen freely.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from pytest_qbench.engine.compiling.blocks import Block, Gate, mask_of
from pytest_qbench.engine.compiling.costs import Costs
from pytest_qbench.engine.compiling.elementwise import MIN_RUN, diagonal_step, exchange_step
from pytest_qbench.engine.compiling.frontier import Frontier
from pytest_qbench.engine.compiling.fuse import Fuser
from pytest_qbench.engine.compiling.layout import Layout, is_contiguous, layout_of, move_shape, wires_by_position
from pytest_qbench.engine.compiling.matrices import block_matrices
from pytest_qbench.engine.compiling.steps import Choice, Dense, Move, Step, Sweep, span

_MIN_BOTTOM = 3
"""A matrix product on fewer of the lowest positions than this is slower than one on so many."""

_SMALL = 14
"""States of so many qubits stay in a fast cache, where it matters little how long runs are."""


@dataclass(frozen=True, slots=True, eq=False)
class _Product:
    """A :class:`Dense` step whose matrix is still to be made; ``order`` has its wires from position ``low`` up."""

    block: Block
    low: int
    order: Sequence[int]


_Draft: TypeAlias = "Step | Choice | _Product"


class Scheduler:
    """Turns gates into steps and keeps the ``layout``: the position of each wire."""

    def __init__(self, costs: Costs) -> None:
        self.layout: Layout = list(range(costs.n_qubits))
        self._costs = costs
        self._n = costs.n_qubits
        self._n_chunk = costs.n_chunk
        self._n_parked = costs.n_parked
        self._untouched = True  # the state is all zeros, and any layout is right

    def schedule(self, gates: Sequence[Gate]) -> list[Step]:
        """The steps of ``gates``, applied in an order that does the same."""
        drafts = list(self._drafts(gates))
        matrices = iter(block_matrices([(draft.block, draft.order) for draft in drafts if isinstance(draft, _Product)]))
        steps = [Dense(draft.low, next(matrices)) if isinstance(draft, _Product) else draft for draft in drafts]
        return list(_swept(steps, self._n_chunk, self._n))

    def move_to(self, layout: Layout) -> Iterator[Step]:
        """The step that brings every wire to its position in ``layout``, if it takes one."""
        if layout != self.layout and not self._untouched:
            sources = [self.layout[wire] for wire in wires_by_position(layout)]
            yield Move(*move_shape(sources))
        self.layout = list(layout)

    def touch(self) -> None:
        """Note that the state is no longer all zeros by something else than steps."""
        self._untouched = False

    def _drafts(self, gates: Sequence[Gate]) -> Iterator[_Draft]:
        frontier = Frontier(gates, self._n)
        fuser = Fuser(frontier, self._costs)
        everything = (1 << self._n) - 1
        if self._untouched:
            by_need = sorted(range(self._n), key=frontier.next_use)
            n_free = self._n_chunk - self._n_parked
            self.layout = layout_of([*by_need[n_free : self._n_chunk], *by_need[:n_free], *by_need[self._n_chunk :]])
        while frontier.n_left:
            by_position = wires_by_position(self.layout)
            parked, outside = mask_of(by_position[: self._n_parked]), mask_of(by_position[self._n_chunk :])
            blocks: list[Block] = []
            while (block := fuser.next_block(everything & ~parked & ~outside)) is not None:
                blocks.append(block)
                if self._costs.has_bottom:  # the block may change what is parked
                    break
            yield from self._apply(blocks, frontier)
            if not frontier.n_left:
                return
            if blocks and self._costs.has_bottom:
                continue
            masks = {i: frontier.gates[i].mask for i in frontier.ready}
            within = [i for i, mask in masks.items() if not mask & outside]
            if not within:
                yield from self._bring_in(min(masks), frontier)
            elif any(masks[i] & ~parked for i in within):
                yield from self._unpark(min(i for i in within if masks[i] & ~parked), frontier)
            else:  # all that is ready is on parked wires alone: leave them where they are
                block = fuser.within(parked)
                assert block is not None
                yield from self._apply([block], frontier)

    def _apply(self, blocks: Sequence[Block], frontier: Frontier) -> Iterator[_Draft]:
        """Apply ``blocks`` one after another; ``frontier`` tells what comes after them."""
        for i, block in enumerate(blocks):
            if block.diagonal:
                yield diagonal_step(block, self.layout, self._n_chunk)
            elif self._is_better_apart(block):
                for gate in block.gates:
                    yield from self._single(gate, frontier)
                    self._untouched = False
            else:
                yield from self._dense(blocks[i:], frontier)
            self._untouched = False

    def _single(self, gate: Gate, frontier: Frontier) -> Iterator[_Draft]:
        """One gate in its cheapest form."""
        if gate.form.exchange is not None:
            yield exchange_step(gate, self.layout, self._n_chunk)
        elif gate.form.diagonal:
            yield diagonal_step(Block.of([gate]), self.layout, self._n_chunk)
        else:
            yield from self._dense([Block.of([gate])], frontier)

    def _dense(self, blocks: Sequence[Block], frontier: Frontier) -> Iterator[_Draft]:
        """The first of ``blocks`` as a matrix product, if need be after a move that suits the others too."""
        block = blocks[0]
        positions = self._positions(block.wires)
        highest = max(positions)
        if highest < self._n_parked:
            order = wires_by_position(self.layout)[: max(highest + 1, min(_MIN_BOTTOM, self._n))]
            yield _Product(block, 0, order)
            return
        real = all(gate.form.real for gate in block.gates)
        costs, k = self._costs, len(positions)
        if costs.has_bottom and k <= self._n_parked and costs.block(k, real=real) < costs.dense(k, real=real):
            yield from self._at_bottom(block, frontier)
            return
        if not self._is_well_placed(positions):
            dense = [later for later in blocks if not later.diagonal and not self._is_better_apart(later)]
            yield from self.move_to(self._gathered(dense[:2]))
        order = sorted(block.wires, key=lambda wire: self.layout[wire])
        yield _Product(block, self.layout[order[0]], order)

    def _at_bottom(self, block: Block, frontier: Frontier) -> Iterator[_Draft]:
        """A block as a matrix product on the lowest positions, where its wires change places with the parked ones."""
        n = self._n_parked
        by_position = wires_by_position(self.layout)
        parked, free, outside = by_position[:n], by_position[n : self._n_chunk], by_position[self._n_chunk :]
        wires = [wire for wire in free if wire in block.wires]
        others = [wire for wire in free if wire not in block.wires]
        further = sorted(others, key=frontier.next_use, reverse=True)[: n - len(wires)]
        others = [wire for wire in others if wire not in further]
        yield from self.move_to(layout_of([*parked, *wires, *further, *others, *outside]))
        yield from self.move_to(layout_of([*wires, *further, *parked, *others, *outside]))
        yield _Product(block, 0, wires)

    def _is_well_placed(self, positions: Sequence[int]) -> bool:
        """Whether a matrix product on ``positions`` is fast: short runs below them slow it down."""
        low, k, top = min(positions), len(positions), self._n_chunk
        if not is_contiguous(positions) or max(positions) >= top:
            return False
        return low >= (MIN_RUN if k <= 2 else self._n_parked) or low + k == top or self._n <= _SMALL

    def _gathered(self, blocks: Sequence[Block]) -> Layout:
        """A layout with the wires of ``blocks`` at the top (of a chunk).

        Those of the first block are adjacent, and so are those of as many of the others as possible.
        """
        arrangement = _arrangement(blocks)
        arranged = {wire for group in arrangement for wire in group}
        others = [wire for wire in wires_by_position(self.layout) if wire not in arranged]
        top = [wire for group in reversed(arrangement) for wire in sorted(group, key=lambda wire: self.layout[wire])]
        n_below = max(0, self._n_chunk - len(top))
        return layout_of([*others[:n_below], *top, *others[n_below:]])

    def _unpark(self, i: int, frontier: Frontier) -> Iterator[Step]:
        """Let the parked wires change places with those that are needed last, but not with those of the gate ``i``."""
        n = self._n_parked
        by_position = wires_by_position(self.layout)
        parked, free, outside = by_position[:n], by_position[n : self._n_chunk], by_position[self._n_chunk :]
        last = self._needed_last(free, n, i, frontier)
        others = [wire for wire in free if wire not in last]
        if self._n > _SMALL:
            yield from self.move_to(layout_of([*parked, *last, *others, *outside]))
        yield from self.move_to(layout_of([*last, *parked, *others, *outside]))

    def _bring_in(self, i: int, frontier: Frontier) -> Iterator[Step]:
        """Of the wires within the chunks and those outside, let those that are needed last be outside from here on."""
        n, n_chunk = self._n_parked, self._n_chunk
        by_position = wires_by_position(self.layout)
        parked, free, outside = by_position[:n], by_position[n:n_chunk], by_position[n_chunk:]
        last = self._needed_last([*outside, *free], len(outside), i, frontier)
        leaving = [wire for wire in free if wire in last]
        entering = [wire for wire in outside if wire not in last]
        # Side by side at the top of the chunks, those that leave change places in long runs.
        staying = [wire for wire in free if wire not in last]
        yield from self.move_to(layout_of([*parked, *staying, *leaving, *outside]))
        replacement = dict(zip(entering, leaving, strict=True))
        yield from self.move_to(
            layout_of([*parked, *staying, *entering, *(replacement.get(wire, wire) for wire in outside)])
        )

    def _needed_last(self, wires: Sequence[int], n: int, i: int, frontier: Frontier) -> list[int]:
        """The ``n`` of ``wires`` that are needed last (of equals the first); those of the gate ``i`` are needed now."""
        now = frontier.gates[i].wires
        return sorted(wires, key=lambda wire: -1 if wire in now else frontier.next_use(wire), reverse=True)[:n]

    def _is_better_apart(self, block: Block) -> bool:
        """Whether the gates of a block cost less one by one."""
        if len(block.gates) == 1:
            return block.gates[0].form.exchange is not None
        apart = sum(self._cost(gate) for gate in block.gates)
        return apart < self._costs.dense(len(block.wires), real=all(gate.form.real for gate in block.gates))

    def _cost(self, gate: Gate) -> float:
        """The cost of one gate in its cheapest form."""
        form = gate.form
        if form.exchange is not None:
            return self._costs.exchange(form.exchange[0], min(self._positions(gate.wires)))
        if form.phase is not None:
            return self._costs.scale(form.n_wires)
        if form.diagonal:
            return self._costs.diagonal()
        return self._costs.move() + self._costs.dense(form.n_wires, real=form.real)

    def _positions(self, wires: Iterable[int]) -> list[int]:
        return [self.layout[wire] for wire in wires]


def _swept(steps: Sequence[Step | Choice], n_chunk: int, n: int) -> Iterator[Step]:
    """Put together what can be done chunk by chunk."""

    def is_local(step: Step | Choice) -> bool:
        return n_chunk < n and (isinstance(step, Choice) or span(step) <= 1 << n_chunk)

    for local, run in itertools.groupby(steps, is_local):
        if local:
            yield Sweep(n_chunk, tuple(run))
        else:
            yield from (step for step in run if not isinstance(step, Choice))


def _arrangement(blocks: Sequence[Block]) -> list[list[int]]:
    """An order of wires in which those of the first block are adjacent, and so on for as many as possible.

    Returns:
        groups of wires; within a group any order will do. Each block that fits is a run of whole groups.
    """
    groups: list[set[int]] = [set(blocks[0].wires)]
    for block in blocks[1:]:
        # It fits if what it shares with the wires arranged so far is at their end.
        wires = set(block.wires)
        shared, split = set[int](), len(groups)
        while split and groups[split - 1] <= wires:
            split -= 1
            shared |= groups[split]
        partly = groups[split - 1] & wires if split else set[int]()
        if wires.isdisjoint(set[int]().union(*groups[: max(split - 1, 0)])):
            if partly:
                groups[split - 1 : split] = [groups[split - 1] - partly, partly]
            if new := wires - shared - partly:
                groups.append(new)
        else:
            break
    return [sorted(group) for group in groups]
