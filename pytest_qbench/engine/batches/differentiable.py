"""The bridge to torch's autograd: states and expectation values as functions whose derivatives are adjoint runs.

Nothing is saved but the arguments. On the way back the states are computed once more, chunk by chunk, which costs less
than to keep those of a whole batch.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.autograd.function import once_differentiable

from pytest_qbench.engine.batches.batch_runs import BatchRunner, Seed
from pytest_qbench.engine.batches.slots import SlotMap

Gradients = tuple[torch.Tensor | None, torch.Tensor | None, None, None]


class FinalStates(torch.autograd.Function):  # type: ignore[misc]
    """``apply(parameters, initial, runner, slots)`` -> shape ``(rows, 2**n)``, in Qiskit's order."""

    @staticmethod
    def forward(
        ctx: Any, parameters: torch.Tensor, initial: torch.Tensor | None, runner: BatchRunner, slots: SlotMap
    ) -> torch.Tensor:
        """Run the plan."""
        ctx.save_for_backward(parameters, initial)
        ctx.runner, ctx.slots = runner, slots
        return runner.final_states(slots.angles(parameters), initial)

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, gradient: torch.Tensor) -> Gradients:
        """The derivatives for parameters and initial states."""
        runner: BatchRunner = ctx.runner

        def seed(rows: slice, states: torch.Tensor) -> list[torch.Tensor]:
            chi = runner.work.take(("backward", 0, 0), len(states))
            return [runner.in_final_order(gradient[rows].conj().resolve_conj().contiguous(), chi)]

        return _derivatives(ctx, seed)


class Expectations(torch.autograd.Function):  # type: ignore[misc]
    """``apply(parameters, initial, runner, slots)`` -> shape ``(rows, observables)``."""

    @staticmethod
    def forward(
        ctx: Any, parameters: torch.Tensor, initial: torch.Tensor | None, runner: BatchRunner, slots: SlotMap
    ) -> torch.Tensor:
        """Run the plan and evaluate the observables."""
        ctx.save_for_backward(parameters, initial)
        ctx.runner, ctx.slots = runner, slots
        return runner.expectations(slots.angles(parameters), initial)

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, gradient: torch.Tensor) -> Gradients:
        """The derivatives for parameters and initial states."""
        runner: BatchRunner = ctx.runner

        def seed(rows: slice, states: torch.Tensor) -> list[torch.Tensor]:
            # All observables go back as one, for the derivative is linear in them.
            total = runner.work.take(("backward", 0, 0), len(states)).zero_()
            for number in range(len(runner.operators)):
                chi = runner.applied(number, states, ("backward", 0, 1))
                total.addcmul_(chi, 2 * gradient[rows, number, None].to(chi.dtype))
            return [total]

        return _derivatives(ctx, seed)


def _derivatives(ctx: Any, seed: Seed) -> Gradients:
    """Derivatives for the arguments that want them."""
    parameters, initial = ctx.saved_tensors
    runner: BatchRunner = ctx.runner
    slots: SlotMap = ctx.slots
    to_parameters, to_initial = ctx.needs_input_grad[:2]
    for_parameters = runner.empty(*parameters.shape).zero_()
    for_initial = torch.zeros_like(initial) if to_initial else None
    chunks = runner.gradients(slots.angles(parameters), initial, seed, n_seeds=1, to_start=to_initial)
    for rows, by_slot, (chi,) in chunks:
        _add(for_parameters, rows, slots.derivatives(by_slot[0], runner.plan.slots))
        if for_initial is not None:
            _add(for_initial, rows, chi.conj() if initial.is_complex() else chi.real)
    return for_parameters.to(parameters.dtype) if to_parameters else None, for_initial, None, None


def _add(total: torch.Tensor, rows: slice, part: torch.Tensor) -> None:
    """Add the derivatives of some rows to those for an argument that has as many rows, or one for all."""
    if len(total) > 1:
        total[rows] += part
    else:
        total += part.sum(dim=0)
