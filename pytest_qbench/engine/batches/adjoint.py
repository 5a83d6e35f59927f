"""Batches of states forward through the blocks of a plan, and gradients backward: the adjoint method.

With psi the state before a block U and lambda the derivative of the result for the state after it, the derivative for
a parameter is Re sum over i, j of dU[j, i] M[i, j], where M[i, j] is the sum over the other qubits of
psi[i] conj(lambda[j]): one small matrix per block and state, however many parameters the block has. Then lambda goes
back through the block. Jones and Gacon (arXiv:2009.02823) do this gate by gate. What goes back here is chi, the complex
conjugate of lambda, so that no product needs a conjugate.

The states before each block may be kept from the way forward; otherwise psi too is taken back through the blocks, so
that the memory does not grow with the depth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from pytest_qbench.engine.batches.variable_blocks import Block, Plan


class Workspace:
    """Buffers for states that are used again and again, by name."""

    def __init__(self, size: int, dtype: torch.dtype, device: torch.device) -> None:
        """For states of ``size`` amplitudes."""
        self.size = size
        self.dtype = dtype
        self.device = device
        self._buffers: dict[object, torch.Tensor] = {}

    def take(self, name: object, rows: int) -> torch.Tensor:
        """The buffer of that name, shape ``(rows, size)``, with what was left in it."""
        buffer = self._buffers.get(name)
        if buffer is None or len(buffer) < rows:
            buffer = self._buffers[name] = torch.empty(rows, self.size, dtype=self.dtype, device=self.device)
        return buffer[:rows]


class Pair:
    """Two buffers; a step reads one and writes the other."""

    def __init__(self, work: Workspace, name: tuple[object, ...], rows: int) -> None:
        """Take them from ``work``."""
        self._buffers = (work.take((*name, 0), rows), work.take((*name, 1), rows))

    def other(self, states: torch.Tensor) -> torch.Tensor:
        """The buffer that does not hold ``states``."""
        first, second = self._buffers
        return second if states.data_ptr() == first.data_ptr() else first


@dataclass(frozen=True, slots=True, eq=False)
class Forward:
    """States after a plan, and those before each block as these saw them (empty where they were not kept)."""

    states: torch.Tensor
    before: list[torch.Tensor]


def transform(block: Block, matrices: torch.Tensor, states: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
    """Multiply states by the matrix of a block, the same one or one for each.

    Args:
        block: where the matrix acts; the states are in the order that it wants.
        matrices: shape ``(1, d, d)`` or ``(rows, d, d)``.
        states: shape ``(rows, 2**n)``; not changed.
        out: where to write the result; of the same shape.
    """
    size = matrices.shape[-1]
    if block.last and len(matrices) == 1:
        torch.mm(states.view(-1, size), matrices[0].T, out=out.view(-1, size))
    elif block.last:
        shape = (len(states), -1, size)
        torch.bmm(states.view(shape), matrices.mT, out=out.view(shape))
    else:
        if block.n_controls:
            out.copy_(states)
        torch.bmm(matrices.expand(len(states), -1, -1), _leading(block, states, size), out=_leading(block, out, size))
    return out


def forward(
    plan: Plan, matrices: Sequence[torch.Tensor], start: torch.Tensor, work: Workspace, *, keep: bool
) -> Forward:
    """Take states through all blocks.

    Args:
        plan: its blocks.
        matrices: of each block, shape ``(1 or rows, d, d)``.
        start: shape ``(rows, 2**n)``, in Qiskit's order; not changed.
        work: lends the buffers of the result.
        keep: whether to keep the states before each block.
    """
    rows = len(start)
    loose = Pair(work, ("forward",), rows)
    states, before = start, []
    for number, (block, matrix) in enumerate(zip(plan.blocks, matrices, strict=True)):
        if block.rearrangement is not None:
            target = work.take(("before", number), rows) if keep else loose.other(states)
            states = block.rearrangement.apply(states, target)
        before.append(states)
        following = plan.blocks[number + 1 : number + 2]
        is_kept = keep and following and following[0].rearrangement is None
        target = work.take(("before", number + 1), rows) if is_kept else loose.other(states)
        states = transform(block, matrix, states, target)
    return Forward(states, before if keep else [])


def backward(
    plan: Plan,
    matrices: Sequence[torch.Tensor],
    weights: Sequence[torch.Tensor | None],
    run: Forward,
    chis: Sequence[torch.Tensor],
    slot_gradients: torch.Tensor,
    work: Workspace,
    *,
    to_start: bool,
) -> list[torch.Tensor]:
    """Gradients for the slots, and what is left of chi before the first block.

    Args:
        plan: its blocks.
        matrices: of each block, shape ``(1 or rows, d, d)``.
        weights: of each block, from :func:`derivative_weights`.
        run: the states after the plan.
        chis: for each observable the conjugate of the derivative for the states, shape ``(rows, 2**n)``, in the first
            of its pair of buffers, ``("backward", number of the observable, 0)``; they are used up.
        slot_gradients: shape ``(observables, rows, slots)``, in the plan's order of slots; they are written here.
        work: lends buffers.
        to_start: whether to go on to the start where no slots are left.
    """
    rows = len(run.states)
    chis = list(chis)
    pairs = [Pair(work, ("backward", number), rows) for number in range(len(chis))]
    loose = Pair(work, ("forward",), rows)
    states = run.states
    first = next((number for number, weight in enumerate(weights) if weight is not None), len(plan.blocks))
    end = slot_gradients.shape[-1]
    for number in reversed(range(0 if to_start else first, len(plan.blocks))):
        block, matrix, weight = plan.blocks[number], matrices[number], weights[number]
        if run.before:
            states = run.before[number]
        else:
            states = transform(block, matrix.mH.resolve_conj(), states, loose.other(states))
        if weight is not None:
            start = end - weight.shape[1]
            for chi, gradients in zip(chis, slot_gradients, strict=True):
                gradients[:, start:end] = _paired(weight, _overlaps(block, states, chi, matrix.shape[-1]))
            end = start
        if number == first and not to_start:
            break
        for i, (chi, pair) in enumerate(zip(chis, pairs, strict=True)):
            chis[i] = transform(block, matrix.mT, chi, pair.other(chi))
            if block.rearrangement is not None:
                chis[i] = block.rearrangement.undo(chis[i], pair.other(chis[i]))
        if not run.before and block.rearrangement is not None:
            states = block.rearrangement.undo(states, loose.other(states))
    return chis


def derivative_weights(block: Block, angles: torch.Tensor, dtype: torch.dtype) -> torch.Tensor | None:
    """The derivatives of a block's matrix in the form that :func:`backward` wants, or None where it has no slots:
    real and flat, shape ``(sets, slots, 2 d d)``."""
    if not block.slots:
        return None
    derivatives = block.derivatives(angles).to(dtype)
    return torch.view_as_real(derivatives.mH.resolve_conj().contiguous()).flatten(2)


def _leading(block: Block, states: torch.Tensor, size: int) -> torch.Tensor:
    """The amplitudes on which a block on the first bits acts, shape ``(rows, d, other)``."""
    return states.view(len(states), 1 << block.n_controls, size, -1)[:, -1]


def _overlaps(block: Block, states: torch.Tensor, chi: torch.Tensor, size: int) -> torch.Tensor:
    """M of the module's head for each state, shape ``(rows, d, d)``."""
    if block.last:
        shape = (len(states), -1, size)
        return torch.bmm(states.view(shape).mT, chi.view(shape))
    return torch.bmm(_leading(block, states, size), _leading(block, chi, size).mT)


def _paired(weights: torch.Tensor, overlaps: torch.Tensor) -> torch.Tensor:
    """Re sum over i, j of dU[j, i] M[i, j] for each state and slot, shape ``(rows, slots)``."""
    flat = torch.view_as_real(overlaps).flatten(1)
    if len(weights) == 1:
        return flat @ weights[0].T
    return torch.bmm(weights, flat[:, :, None])[:, :, 0]
