"""Which gates may be applied next: a program's order, loosened to what matters.

Gates without a common qubit may change places, and so may diagonal gates. On each wire the gates form *stages*: one
gate that is not diagonal, or a run of diagonal ones in any order. A gate is *ready* when all its wires have come
to its stage.
"""

from __future__ import annotations

from collections.abc import Sequence

from pytest_qbench.engine.compiling.blocks import Gate


class Frontier:
    """The gates of a list that are not yet taken, and which of them are ready."""

    def __init__(self, gates: Sequence[Gate], n_wires: int) -> None:
        """Begin before the first of ``gates``, which are known by their index from here on."""
        self.gates = gates
        self.n_left = len(gates)
        self.ready: dict[int, None] = {}
        """The ready gates (a dict for its order)."""
        self.ready_on: list[dict[int, None]] = [{} for _ in range(n_wires)]
        """The same for each wire."""
        self._stages: list[list[list[int]]] = [[] for _ in range(n_wires)]
        self._stage = [0] * n_wires  # the stage that each wire has come to
        self._in_stage = [0] * n_wires  # and the gates left in it
        self._missing = [len(gate.wires) for gate in gates]  # wires that have not come to the gate's stage yet
        last_diagonal = [False] * n_wires
        for i, gate in enumerate(gates):
            diagonal = gate.form.diagonal
            for wire in gate.wires:
                stages = self._stages[wire]
                if diagonal and last_diagonal[wire]:
                    stages[-1].append(i)
                else:
                    stages.append([i])
                    last_diagonal[wire] = diagonal
        for wire in range(n_wires):
            self._enter_stage(wire, [])

    def take(self, i: int) -> list[int]:
        """Take the ready gate ``i``; returns the gates that are ready because of that."""
        became_ready: list[int] = []
        del self.ready[i]
        self.n_left -= 1
        wires = self.gates[i].wires
        for wire in wires:
            del self.ready_on[wire][i]
        for wire in wires:
            self._in_stage[wire] -= 1
            if not self._in_stage[wire]:
                self._stage[wire] += 1
                self._enter_stage(wire, became_ready)
        return became_ready

    def next_use(self, wire: int) -> int:
        """The next gate on ``wire`` that is not diagonal; the number of all gates where there is none."""
        stages = self._stages[wire]
        for stage in stages[self._stage[wire] : self._stage[wire] + 2]:
            if not self.gates[stage[0]].form.diagonal:
                return stage[0]
        return len(self.gates)

    def _enter_stage(self, wire: int, became_ready: list[int]) -> None:
        stages, stage = self._stages[wire], self._stage[wire]
        if stage == len(stages):
            return
        self._in_stage[wire] = len(stages[stage])
        for i in stages[stage]:
            self._missing[i] -= 1
            if not self._missing[i]:
                became_ready.append(i)
                self.ready[i] = None
                for other in self.gates[i].wires:
                    self.ready_on[other][i] = None
