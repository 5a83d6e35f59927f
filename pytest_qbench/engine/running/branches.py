"""Branches: the courses that the shots of a dynamic program take, and what splits and unites them.

A branch is a state, a classical memory and a weight, the number of shots that have come this way. All shots of a
branch have the same future to choose from, so that it is computed once for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from pytest_qbench.circuits.program import Condition
from pytest_qbench.engine.compiling.steps import Decide, Measure, Reset
from pytest_qbench.engine.running.evolve import Kernel, Register, evolve
from pytest_qbench.engine.running.outcomes import row_keys
from pytest_qbench.engine.running.sampling import marginals, squared_magnitudes

Weights: TypeAlias = NDArray[np.int64 | np.float64]
Rows: TypeAlias = NDArray[np.intp]
Split: TypeAlias = Callable[[Weights, NDArray[np.float64]], Weights]
"""Of each weight, the part that gets outcome 1, given the probability of that."""

Share: TypeAlias = Callable[[torch.Tensor, Weights], tuple[NDArray[np.int64], NDArray[np.int64], Weights]]
"""From a table of outcome probabilities (not normalised, a row per branch) and a weight for each row, the pairs that
get some weight: rows, outcomes and weights."""


@dataclass(frozen=True, slots=True)
class Weighting:
    """How weights are divided: by lot where they are shots, in proportion where they are probabilities."""

    split: Split
    share: Share


_UNMEASURED = -1

_SAME = {torch.complex128: 1e-9, torch.complex64: 1e-5}
"""States count as equal where what of one is orthogonal to the other has a smaller norm. No probability that follows is
off by more than that."""
_PROBE_DIGITS = {torch.complex128: 7, torch.complex64: 4}


@dataclass(frozen=True, slots=True, eq=False)
class Children:
    """What comes of branches at a measurement; no state is computed yet.

    Attributes (one entry per child):
        parents: the row of the branch it comes from.
        outcomes: 0 or 1, or -1 where its branch is not measured.
        weights: its share of the branch's weight.
        scales: the factor that makes the projected state a unit vector.
    """

    parents: Rows
    outcomes: NDArray[np.int64]
    weights: Weights
    scales: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.parents)

    def select(self, which: NDArray[np.intp]) -> Children:
        """The children ``which``."""
        return Children(self.parents[which], self.outcomes[which], self.weights[which], self.scales[which])

    def lighter_half(self) -> tuple[Children, Children]:
        """Half of them with at most half of the weight, and the others."""
        ascending = np.argsort(self.weights, kind="stable")
        middle = len(self) // 2
        return self.select(np.sort(ascending[:middle])), self.select(np.sort(ascending[middle:]))


@dataclass
class Branches:
    """A batch of branches.

    Attributes:
        register: their states, one per row.
        memory: shape ``(rows, bits)``, the classical bits of each, 0 or 1, hidden ones included.
        weights: shape ``(rows,)``.
    """

    register: Register
    memory: NDArray[np.uint8]
    weights: Weights

    def release(self) -> None:
        """Give the memory of the states back; the batch must not be used any more."""
        self.register.release()

    def copied(self, rows: Rows, weights: Weights) -> Branches:
        """New branches like those in ``rows``, with ``weights`` of their own."""
        return Branches(_selected(self.register, rows), self.memory[rows], weights)

    def append(self, rows: Rows, weights: Weights) -> None:
        """Append branches like those in ``rows``, with ``weights`` of their own."""
        self.register.append(torch.from_numpy(rows).to(self.register.amplitudes.device))
        self.memory = np.concatenate([self.memory, self.memory[rows]])
        self.weights = np.concatenate([self.weights, weights])

    def guarded(self, guard: int | None) -> Rows:
        """The rows that an operation with ``guard`` concerns."""
        return np.arange(len(self.weights)) if guard is None else np.flatnonzero(self.memory[:, guard])

    def evolve(self, kernels: Sequence[Kernel], guard: int | None) -> None:
        """Apply ``kernels`` to the branches, with a ``guard`` to those whose bit is 1."""
        rows = self.guarded(guard)
        if len(rows) == len(self.weights):
            evolve(self.register, kernels)
        elif len(rows):
            selected = _selected(self.register, rows)
            evolve(selected, kernels)
            table = self.register.table()
            table.index_copy_(0, torch.from_numpy(rows).to(table.device), selected.table())
            selected.release()

    def decide(self, operation: Decide) -> None:
        """Set the two bits that guard the blocks of a conditional."""
        wanted = _pattern_keys(operation.condition)
        holds = np.isin(row_keys(self.memory[:, list(operation.condition.clbits)]), wanted)
        reached = np.zeros(len(holds), bool)
        reached[self.guarded(operation.guard)] = True
        self.memory[:, operation.then_bit] = reached & holds
        self.memory[:, operation.else_bit] = reached & ~holds

    def forget(self, bits: Sequence[int]) -> None:
        """Clear bits of the memory that nothing will look at any more."""
        self.memory[:, list(bits)] = 0

    def children(self, operation: Measure | Reset, split: Split) -> Children:
        """What a measurement or reset makes of the branches: the outcomes that get some weight."""
        with squared_magnitudes(self.register) as squares:
            norms = marginals(squares, [operation.position]).cpu().numpy()
        measured = np.zeros(len(self.weights), bool)
        measured[self.guarded(operation.guard)] = True
        ones = np.zeros_like(self.weights)
        ones[measured] = split(self.weights[measured], norms[measured, 1] / norms[measured].sum(axis=1))
        zeros = np.where(measured, self.weights - ones, 0)
        passing, zero, one = (np.flatnonzero(which) for which in (~measured, zeros, ones))
        return Children(
            parents=np.concatenate([passing, zero, one]),
            outcomes=np.repeat([_UNMEASURED, 0, 1], [len(passing), len(zero), len(one)]),
            weights=np.concatenate([self.weights[passing], zeros[zero], ones[one]]),
            scales=np.concatenate([np.ones(len(passing)), norms[zero, 0] ** -0.5, norms[one, 1] ** -0.5]),
        )

    def projected(self, children: Children, operation: Measure | Reset) -> Branches:
        """The branches that ``children`` stand for."""
        old, new = self.register, Register(self.register.pool, len(children), self.register.size)
        inner = 1 << operation.position
        source, target = (register.table().view(register.rows, -1, 2, inner) for register in (old, new))
        scales = torch.from_numpy(children.scales).to(dtype=target.real.dtype, device=target.device)
        memory = self.memory[children.parents]
        for outcome in (_UNMEASURED, 0, 1):
            which = np.flatnonzero(children.outcomes == outcome)
            if not len(which):
                continue
            block = slice(int(which[0]), int(which[-1]) + 1)  # children are sorted by outcome
            parents = children.parents[block]
            if outcome == _UNMEASURED:
                target[block] = _take(source, parents)
                continue
            landing = 0 if isinstance(operation, Reset) else outcome
            projections = _take(source[:, :, outcome], parents)
            torch.mul(projections, scales[block, None, None], out=target[block, :, landing])
            target[block, :, 1 - landing] = 0
            if isinstance(operation, Measure):
                memory[block, operation.bit] = outcome
        return Branches(new, memory, children.weights)

    def merge(self) -> None:
        """Unite branches that agree in memory and state (up to a phase).

        What follows is the same for them, so they may as well go on as one. Candidates are found by their memory
        and by the overlap of their state with a fixed random one; then the states themselves are compared.
        """
        _, distinct, memories = np.unique(row_keys(self.memory), return_index=True, return_inverse=True)
        if len(distinct) == len(self.weights):
            return
        states = self.register.table()
        overlaps = (states @ _probe(self.register.size, states.dtype, states.device)).abs().square()
        marks = np.round(overlaps.cpu().double().numpy(), _PROBE_DIGITS[states.dtype])
        _, first, group = np.unique(memories + 1j * marks, return_index=True, return_inverse=True)
        leaders = first[group]
        followers = np.flatnonzero(leaders != np.arange(len(leaders)))
        if not len(followers):
            return
        leaders = leaders[followers]
        a, b = _take(states, leaders), _take(states, followers)
        phases = (a.conj() * b).sum(dim=1, keepdim=True)
        distances = torch.linalg.vector_norm(b - phases * a, dim=1).cpu().numpy()
        same = distances < _SAME[states.dtype]
        leaders, followers = leaders[same], followers[same]
        np.add.at(self.weights, leaders, self.weights[followers])
        kept = np.delete(np.arange(len(self.weights)), followers)
        old = self.register
        self.register = _selected(old, kept)
        old.release()
        self.memory, self.weights = self.memory[kept], self.weights[kept]


def _take(table: torch.Tensor, rows: Rows) -> torch.Tensor:
    """The given rows in that order: a view where they are adjacent, else a copy. There must be one at least."""
    if np.all(np.diff(rows) == 1):
        return table[int(rows[0]) : int(rows[-1]) + 1]
    return table.index_select(0, torch.from_numpy(rows).to(table.device))


def _selected(register: Register, rows: Rows) -> Register:
    """A copy of some rows of a register."""
    selected = Register(register.pool, len(rows), register.size)
    selected.table().copy_(_take(register.table(), rows))
    return selected


@lru_cache(maxsize=256)
def _pattern_keys(condition: Condition) -> NDArray[np.void]:
    """The values of a condition, as the :func:`row_keys` of the bits that it looks at."""
    width = len(condition.clbits)
    patterns = [[value >> bit & 1 for bit in range(width)] for value in condition.values]
    return row_keys(np.array(patterns, np.uint8).reshape(len(patterns), width))


@lru_cache(maxsize=4)
def _probe(size: int, dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    """A fixed random state."""
    parts = np.random.default_rng(size).standard_normal((2, size)) / np.sqrt(2 * size)
    return torch.from_numpy(parts[0] + 1j * parts[1]).to(dtype).to(device)
