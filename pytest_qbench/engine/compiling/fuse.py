"""Gate fusion: from ready gates to blocks that are applied in one step.

The cost of a step is mostly that of passing over the state, so applying five gates at once is nearly five times
cheaper (Haener and Steiger, arXiv:1704.01127). A block grows from the first ready gate by the wires that let it take in
the most, and takes every gate that becomes ready within its wires.
"""

from __future__ import annotations

from pytest_qbench.engine.compiling.blocks import Block, wires_of
from pytest_qbench.engine.compiling.costs import Costs
from pytest_qbench.engine.compiling.frontier import Frontier

DENSE_QUBITS = 5
"""Most qubits of a fused dense block. The work of a matrix product doubles with each; around five it costs about
as much as the memory traffic that it saves."""
DIAGONAL_QUBITS = 10
"""Most qubits of a fused diagonal block: its factors must stay in the cache while the state streams past."""


class Fuser:
    """Takes blocks from a frontier. Sets of wires are masks: numbers with a bit for each wire."""

    def __init__(self, frontier: Frontier, costs: Costs) -> None:
        self._frontier = frontier
        self._gates = frontier.gates
        self._costs = costs

    def next_block(self, allowed: int) -> Block | None:
        """Take the next block, a dense one on ``allowed`` wires if there is one.

        Diagonal blocks come after that, and they and single gates on more wires than a block may have can be on any.
        None where every ready gate is a dense one that needs further wires.
        """
        return self._dense(allowed) or self._diagonal() or self._wide()

    def within(self, wires: int) -> Block | None:
        """Take all gates that can be applied on ``wires`` alone, but none if they are all diagonal."""
        gates = self._gates
        if any(not gates[i].form.diagonal and not gates[i].mask & ~wires for i in self._frontier.ready):
            return self._block(self._absorb(wires))
        return None

    def _dense(self, allowed: int) -> Block | None:
        wires = 0
        taken: list[int] = []
        while new := self._growth(wires, allowed):
            wires |= new
            taken += self._absorb(wires)
        return self._block(taken) if taken else None

    def _growth(self, wires: int, allowed: int) -> int:
        """The wires by which a dense block on ``wires`` should grow; none where it is complete.

        They are those of a ready gate that shares a wire with the block: as few as possible, then those that
        let it take in the most gates, then those of the first gate. Where there is no such gate, one elsewhere that is
        cheaper within the block than by itself.
        """
        frontier, gates = self._frontier, self._gates
        n_wires = wires.bit_count()
        room = DENSE_QUBITS - n_wires
        if not room:
            return 0
        candidates: dict[int, int] = {}
        votes: dict[int, int] = {}  # the gates that a set of further wires would bring
        for wire in wires_of(wires):
            for i in frontier.ready_on[wire]:
                new = gates[i].mask & ~wires
                if i not in candidates and not new & ~allowed and new.bit_count() <= room:
                    candidates[i] = new
                    votes[new] = votes.get(new, 0) + 1
        if candidates:
            best = min(candidates, key=lambda i: (candidates[i].bit_count(), -votes[candidates[i]], i))
            return candidates[best] if self._pays(n_wires, candidates[best], len(gates[best].wires)) else 0
        first = min(
            (
                i
                for i in frontier.ready
                if not (gate := gates[i]).form.diagonal and len(gate.wires) <= room and not gate.mask & ~allowed
            ),
            default=None,
        )
        if first is None:
            return 0
        new = gates[first].mask
        return new if self._pays(n_wires, new, new.bit_count()) else 0

    def _pays(self, n_wires: int, new: int, n_gate: int) -> bool:
        """Whether a block on ``n_wires`` wires should grow by the wires ``new`` for a gate on ``n_gate`` wires.

        The other way is a step for the gate by itself.
        """
        costs = self._costs
        grown = costs.block(n_wires + new.bit_count())
        return not n_wires or grown < costs.block(n_wires) + costs.block(n_gate)

    def _diagonal(self) -> Block | None:
        gates = self._gates
        ready = sorted(i for i in self._frontier.ready if gates[i].form.diagonal)
        wires = 0
        taken: list[int] = []
        while ready:
            # Few new wires first: further gates among the wires of the block come for free.
            first = min(ready, key=lambda i: (gates[i].mask & ~wires).bit_count())
            wires |= gates[first].mask
            wide = wires.bit_count() > DIAGONAL_QUBITS
            if wide and taken:
                break
            for i in [first] if wide else ready:
                if not gates[i].mask & ~wires:
                    taken.append(i)
                    self._frontier.take(i)  # which makes no further diagonal gate ready
            if wide:
                break
            ready = [i for i in ready if gates[i].mask & ~wires]
        return self._block(taken) if taken else None

    def _wide(self) -> Block | None:
        first = min((i for i in self._frontier.ready if len(self._gates[i].wires) > DENSE_QUBITS), default=None)
        if first is None:
            return None
        self._frontier.take(first)
        return self._block([first])

    def _absorb(self, wires: int) -> list[int]:
        """Take every gate that is ready, or becomes so, within ``wires``."""
        frontier, gates = self._frontier, self._gates
        waiting = [i for wire in wires_of(wires) for i in frontier.ready_on[wire] if not gates[i].mask & ~wires]
        taken: list[int] = []
        while waiting:
            i = waiting.pop()
            if i in frontier.ready:  # a gate is on several wires, but taken once
                taken.append(i)
                waiting += [j for j in frontier.take(i) if not gates[j].mask & ~wires]
        return taken

    def _block(self, taken: list[int]) -> Block:
        return Block.of([self._gates[i] for i in taken])
