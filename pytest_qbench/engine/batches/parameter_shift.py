"""Gradients by the parameter-shift rule: expectation values at shifted parameters, weighed and summed.

What a shift changes is the matrix of a single block. So the states before this block are computed once for all its
shifts, and the states after it go on together, as one batch.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from pytest_qbench.engine.batches.adjoint import forward, transform
from pytest_qbench.engine.batches.batch_runs import BatchRunner, Chunk, count_rows
from pytest_qbench.engine.batches.variable_blocks import Block, Plan

Rule = Sequence[tuple[float, float]]
"""Pairs (shift, weight), from :func:`~.gate_tensors.shift_rule`."""


def shift_gradients(
    runner: BatchRunner, angles: torch.Tensor, initial: torch.Tensor | None, rules: Sequence[Rule]
) -> torch.Tensor:
    """The derivatives of the expectation values of ``runner`` for the values of its slots.

    Args:
        runner: its plan and observables.
        angles: values of all slots, shape ``(1 or rows, slots)``.
        initial: shape ``(1 or rows, 2**n)``, or None.
        rules: of each slot.

    Returns:
        Shape ``(observables, rows, slots of the plan)``, in the plan's order of slots.
    """
    n_rows = count_rows(angles, initial)
    gradients = runner.empty(len(runner.operators), n_rows, len(runner.plan.slots)).zero_()
    for chunk in runner.chunks(angles, initial, keep=True, copies=4):
        start = 0
        for number, block in enumerate(runner.plan.blocks):
            if block.slots:
                end = start + len(block.slots)
                _add_block(runner, chunk, number, rules, gradients[:, chunk.rows, start:end])
                start = end
    return gradients


def _add_block(runner: BatchRunner, chunk: Chunk, number: int, rules: Sequence[Rule], gradients: torch.Tensor) -> None:
    """Add the derivatives for the slots of block ``number`` to ``gradients``."""
    plan, work = runner.plan, runner.work
    block = plan.blocks[number]
    n_rows = len(chunk.run.states)
    shifted = block.variations(chunk.angles, _shift_weights(block, rules)).to(work.dtype)
    terms = [(column, weight) for column, slot in enumerate(block.slots) for _, weight in rules[slot]]
    at_once = max(1, runner.batch_bytes // (4 * n_rows * work.size * work.dtype.itemsize))
    for begin in range(0, len(terms), at_once):
        part = terms[begin : begin + at_once]
        batch = work.take("shifted", len(part) * n_rows)
        for i, out in enumerate(batch.view(len(part), n_rows, -1)):
            transform(block, shifted[:, begin + i], chunk.run.before[number], out)
        rest = Plan(plan.blocks[number + 1 :], plan.order)
        matrices = [
            matrix.repeat(len(part), 1, 1) if len(matrix) > 1 else matrix for matrix in chunk.matrices[number + 1 :]
        ]
        values = runner.values(forward(rest, matrices, batch, work, keep=False).states)
        for (column, weight), value in zip(part, values.view(len(part), n_rows, -1), strict=True):
            gradients[:, :, column] += weight * value.T


def _shift_weights(block: Block, rules: Sequence[Rule]) -> list[torch.Tensor]:
    """What :meth:`Block.variations` wants for all shifts of all slots."""
    return [
        torch.cat(
            [
                factor.shift_weights(column, [shift for shift, _ in rules[slot]])
                for column, slot in enumerate(factor.variables)
            ]
        )
        if factor.variables
        else factor.derivative_weights()
        for factor in block.factors
    ]
