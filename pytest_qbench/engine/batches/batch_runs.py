"""One plan run for many states, in chunks that fit the cache: forward, and backward for gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch

from pytest_qbench.engine.batches.adjoint import Forward, Workspace, backward, derivative_weights, forward
from pytest_qbench.engine.batches.observables import BoundObservable, PauliSum
from pytest_qbench.engine.batches.variable_blocks import Plan, rearrangement

_LEAST_SHARE = 32
"""The states before each block are kept for the way back if still a chunk can have states (one buffer of them) of this
part of the memory for a chunk: the fixed cost of calls is small then."""

Seed: TypeAlias = Callable[[slice, torch.Tensor], list[torch.Tensor]]
"""From the rows of a chunk and its final states to what goes back, see :func:`~.adjoint.backward`."""


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """Some rows of a batch.

    Attributes:
        rows: which.
        angles: of these rows or, a single one, of all.
        matrices: of each block, likewise.
        weights: of each block, likewise; None where no derivatives are wanted.
        run: the states.
    """

    rows: slice
    angles: torch.Tensor
    matrices: list[torch.Tensor]
    weights: list[torch.Tensor | None]
    run: Forward


class BatchRunner:
    """Runs a plan for batches and evaluates its observables.

    A batch is as many rows as there are angles or initial states, whichever are more; of the other there is one for
    all, or as many.
    """

    def __init__(self, plan: Plan, observables: Sequence[PauliSum], work: Workspace, batch_bytes: int) -> None:
        """Bind ``observables`` to the order of bits that the plan leaves.

        Args:
            plan: what to run.
            observables: on its qubits.
            work: lends the buffers, and tells precision and device.
            batch_bytes: what a chunk may take, if that is enough for one row.
        """
        self.plan = plan
        self.operators = [BoundObservable(item, plan.order, work.dtype, work.device) for item in observables]
        self.work = work
        self.batch_bytes = batch_bytes
        self._amplitude_bytes: int = work.dtype.itemsize
        self._restore = rearrangement(plan.order, range(len(plan.order)))

    def chunks(
        self,
        angles: torch.Tensor,
        initial: torch.Tensor | None,
        *,
        keep: bool = False,
        derivatives: bool = False,
        copies: int = 1,
    ) -> Iterator[Chunk]:
        """Run the plan chunk by chunk; each chunk uses the buffers of the one before.

        Args:
            angles: values of the slots, shape ``(1 or rows, slots)``.
            initial: shape ``(1 or rows, 2**n)``; None for all qubits 0.
            keep: whether to keep the states before each block.
            derivatives: whether to make the weights.
            copies: how many further buffers for the states of a chunk the caller is going to take.
        """
        n_rows = count_rows(angles, initial)
        step = max(1, self.batch_bytes // self._row_bytes(len(angles) > 1, keep, derivatives, copies))
        # Chunks of equal size: a small one at the end would cost nearly as much as a full one.
        step = -(-n_rows // -(-n_rows // step))
        shared = None if len(angles) > 1 else self._tensors(angles, derivatives)
        for begin in range(0, n_rows, step):
            rows = slice(begin, min(begin + step, n_rows))
            mine = angles if shared is not None else angles[rows]
            matrices, weights = shared or self._tensors(mine, derivatives)
            run = forward(self.plan, matrices, self._start(initial, rows), self.work, keep=keep)
            yield Chunk(rows, mine, matrices, weights, run)

    def final_states(self, angles: torch.Tensor, initial: torch.Tensor | None) -> torch.Tensor:
        """The states after the plan, shape ``(rows, 2**n)``, in Qiskit's order."""
        n_rows = count_rows(angles, initial)
        result = torch.empty(n_rows, self.work.size, dtype=self.work.dtype, device=self.work.device)
        for chunk in self.chunks(angles, initial):
            if self._restore is None:
                result[chunk.rows] = chunk.run.states
            else:
                self._restore.apply(chunk.run.states, result[chunk.rows])
        return result

    def in_final_order(self, states: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
        """Write contiguous ``states`` in Qiskit's order into ``out`` in the order that the plan leaves."""
        return out.copy_(states) if self._restore is None else self._restore.undo(states, out)

    def expectations(self, angles: torch.Tensor, initial: torch.Tensor | None) -> torch.Tensor:
        """The value of each observable, shape ``(rows, observables)``."""
        result = self.empty(count_rows(angles, initial), len(self.operators))
        for chunk in self.chunks(angles, initial):
            result[chunk.rows] = self.values(chunk.run.states)
        return result

    def values(self, states: torch.Tensor) -> torch.Tensor:
        """The same for final states of a chunk."""
        columns = [
            pair_products(states, self.applied(number, states, ("backward", 0, 0)))
            for number in range(len(self.operators))
        ]
        return torch.stack(columns, dim=1)

    def applied(self, number: int, states: torch.Tensor, name: object) -> torch.Tensor:
        """The conjugate of observable ``number`` applied to final states, in the buffer called ``name``."""
        return self.operators[number].conjugate_applied(states, self.work.take(name, len(states)))

    def gradients(
        self, angles: torch.Tensor, initial: torch.Tensor | None, seed: Seed, *, n_seeds: int, to_start: bool
    ) -> Iterator[tuple[slice, torch.Tensor, list[torch.Tensor]]]:
        """Take what ``seed`` makes of final states back to the start, chunk by chunk, each in the same buffers.

        Args:
            angles: as in :meth:`chunks`.
            initial: as in :meth:`chunks`.
            seed: as said there; it gives a list of length ``n_seeds``.
            n_seeds: see above.
            to_start: whether the last item is wanted.

        Yields:
            The rows; derivatives for the plan's slots in their order, shape ``(seeds, rows, slots)``; and for each seed
            the conjugate of the derivatives for the initial states, shape ``(rows, 2**n)``.
        """
        by_slot = self.empty(n_seeds, 0, 0)
        keep = self._keeps(count_rows(angles, initial), len(angles) > 1, n_seeds)
        for chunk in self.chunks(angles, initial, keep=keep, derivatives=True, copies=2 * n_seeds):
            states = chunk.run.states
            if by_slot.shape[1] != len(states):
                by_slot = self.empty(n_seeds, len(states), len(self.plan.slots))
            chis = seed(chunk.rows, states)
            chis = backward(
                self.plan, chunk.matrices, chunk.weights, chunk.run, chis, by_slot, self.work, to_start=to_start
            )
            yield chunk.rows, by_slot, chis

    def empty(self, *shape: int) -> torch.Tensor:
        """A tensor for results, of the real type that goes with the states."""
        return torch.empty(shape, dtype=self.work.dtype.to_real(), device=self.work.device)

    def passes(self, n_rows: int) -> int:
        """The memory traffic of :meth:`gradients` with one seed for each observable, in copies of each state, where
        all of ``n_rows`` states have the same angles."""
        blocks = self.plan.blocks
        first = next((number for number, block in enumerate(blocks) if block.slots), len(blocks))

        def back(start: int) -> int:
            """Taking a state back through all blocks from ``start``."""
            return sum(1 + (block.rearrangement is not None) for block in blocks[start:])

        states = back(0) + (0 if self._keeps(n_rows, False, len(self.operators)) else back(first))
        overlaps = sum(bool(block.slots) for block in blocks)
        return states + len(self.operators) * (2 + overlaps + back(first + 1))

    def _keeps(self, n_rows: int, per_state: bool, n_seeds: int) -> bool:
        """Whether to keep the states before each block for the way back."""
        state_bytes = self.work.size * self._amplitude_bytes
        least = min(n_rows, max(1, self.batch_bytes // (_LEAST_SHARE * state_bytes)))
        return least * self._row_bytes(per_state, True, True, 2 * n_seeds) <= self.batch_bytes

    def _tensors(self, angles: torch.Tensor, derivatives: bool) -> tuple[list[torch.Tensor], list[torch.Tensor | None]]:
        dtype = self.work.dtype
        matrices = [block.matrices(angles).to(dtype) for block in self.plan.blocks]
        weights = [derivative_weights(block, angles, dtype) if derivatives else None for block in self.plan.blocks]
        return matrices, weights

    def _start(self, initial: torch.Tensor | None, rows: slice) -> torch.Tensor:
        n_rows = rows.stop - rows.start
        if initial is None:
            start = self.work.take("start", n_rows)
            start.zero_()[:, 0] = 1
            return start
        mine = initial[rows] if len(initial) > 1 else initial
        if len(mine) == n_rows and mine.dtype == self.work.dtype and mine.is_contiguous():
            return mine
        return self.work.take("start", n_rows).copy_(mine)

    def _row_bytes(self, per_state: bool, keep: bool, derivatives: bool, copies: int) -> int:
        blocks = self.plan.blocks
        entries = (3 + copies + (len(blocks) if keep else 0)) * self.work.size
        if per_state:
            for block in blocks:
                held = 1 + len(block.factors) + (3 * len(block.slots) if derivatives else 0)
                entries += held * block.factors[0].size ** 2
        return entries * self._amplitude_bytes


def count_rows(angles: torch.Tensor, initial: torch.Tensor | None) -> int:
    """The size of a batch."""
    return max(len(angles), 1 if initial is None else len(initial))


def pair_products(states: torch.Tensor, chis: torch.Tensor) -> torch.Tensor:
    """The real part of the sum of products in each row, without a conjugate, shape ``(rows,)``."""
    products: torch.Tensor = torch.linalg.vecdot(states.conj(), chis).real
    return products
