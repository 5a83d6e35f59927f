"""The simulator: a plan bound to a device and a precision, ready to run any number of times.

Branches of a batch go through the plan together. A measurement splits the shots of each branch among the two
outcomes as chance would have it (binomially), so that the result is distributed exactly as if each shot had been run
by itself, yet no shot is: the work grows with the branches that differ. A static program has a single one. Noise splits
branches in the same way (``trajectories``).

Where there come to be more branches than a batch may hold, the lighter half goes ahead to the end of the plan, then
the other half. What waits has at least half of the weight, so that no more than log2(shots) batches ever wait.

With probabilities for weights the same code gives a program's exact distribution.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray

from pytest_qbench.circuits.program import Program
from pytest_qbench.engine.compiling.compile import compile_program
from pytest_qbench.engine.compiling.steps import Decide, Evolve, Forget, Measure, Misread, Noise, Reset
from pytest_qbench.engine.running.branches import Branches, Weighting, Weights
from pytest_qbench.engine.running.evolve import BufferPool, Kernel, Register, evolve
from pytest_qbench.engine.running.kernels import Wrap, bound
from pytest_qbench.engine.running.noise_kernels import MisreadKernel, NoiseKernel, misread
from pytest_qbench.engine.running.outcomes import Outcomes
from pytest_qbench.engine.running.sampling import draw, marginals, spell, squared_magnitudes
from pytest_qbench.engine.running.trajectories import Channels, spread
from pytest_qbench.engine.running.workers import threads_for

DTYPES = {"single": torch.complex64, "double": torch.complex128}
"""The type of an amplitude by precision."""

CPU_BATCH_BYTES = 1 << 23
DEVICE_BATCH_BYTES = 1 << 28
"""The states of a batch take so much memory on a CPU, where they should stay in a cache, and elsewhere, where many are
worked on at once; where one state takes more, a batch is a single one."""

_NEGLIGIBLE = {torch.complex64: 1e-9, torch.complex128: 1e-14}
"""Probabilities below this are taken for rounding errors."""


class Simulator:
    """Runs one program."""

    def __init__(
        self,
        program: Program,
        *,
        device: str | torch.device = "cpu",
        precision: str = "double",
        batch_bytes: int | None = None,
    ) -> None:
        """Compile ``program`` and bring its matrices to the device.

        Args:
            program: what to run.
            device: as torch names it: ``cpu``, ``cuda``, ``cuda:1``, ``mps`` (which has single precision only).
            precision: ``double`` (complex128) or ``single`` (complex64).
            batch_bytes: what the states of a batch may take; by default :data:`CPU_BATCH_BYTES` or
                :data:`DEVICE_BATCH_BYTES`.

        Raises:
            KeyError: the program has a gate that is no standard gate.
            MemoryError: its matrices do not fit, or no memory could hold its state.
        """
        self.device = torch.device(device)
        self.dtype = DTYPES[precision]
        self._size = 1 << program.n_qubits
        state_bytes = self._size * self.dtype.itemsize
        if state_bytes >= 1 << 62:
            raise MemoryError(f"a state of {program.n_qubits} qubits takes {state_bytes:.1e} bytes")
        self.plan = compile_program(program, self.device.type, precision)
        if batch_bytes is None:
            batch_bytes = CPU_BATCH_BYTES if self.device.type == "cpu" else DEVICE_BATCH_BYTES
        self._batch = max(1, batch_bytes // state_bytes)
        self._pool = BufferPool(self.dtype, self.device)
        with _memory_errors():
            self._kernels = self._bound(None)
            self._channels: dict[int, Channels] = {}
            for i, operation in enumerate(self.plan.operations):
                if isinstance(operation, Noise):
                    self._channels[i] = NoiseKernel(operation, self._pool)
                elif isinstance(operation, Misread):
                    self._channels[i] = MisreadKernel(operation)

    def instrument(self, wrap: Wrap) -> None:
        """Wrap the kernel of every step, those within sweeps too; so what is not traced pays nothing."""
        self._kernels = self._bound(wrap)

    def _bound(self, wrap: Wrap | None) -> list[list[Kernel]]:
        """The kernels of the plan's operations (none for what does not evolve)."""
        return [
            [bound(step, self._pool, wrap) for step in operation.steps] if isinstance(operation, Evolve) else []
            for operation in self.plan.operations
        ]

    def run(self, shots: int, seed: int) -> Outcomes:
        """Run ``shots`` shots. The same seed gives the same outcomes (on one device, in one precision).

        Raises:
            MemoryError: there is not enough memory for the state.
        """
        rng = np.random.default_rng(seed)
        by_lot = Weighting(
            split=lambda weights, one: rng.binomial(weights.astype(np.int64), one),
            share=lambda table, weights: draw(table, weights, rng),
        )
        return self._outcomes(by_lot, np.array([shots], np.int64))

    def distribution(self) -> Outcomes:
        """The exact probability of each outcome (those that are 0 within rounding left out).

        Raises:
            MemoryError: there is not enough memory for the state.
        """
        negligible = _NEGLIGIBLE[self.dtype]

        def split(weights: Weights, one: NDArray[np.float64]) -> Weights:
            one = np.where(one < negligible, 0, np.where(one > 1 - negligible, 1, one))
            return weights * one

        def share(table: torch.Tensor, weights: Weights) -> tuple[NDArray[np.int64], NDArray[np.int64], Weights]:
            shares = table.cpu().numpy()
            shares = shares * (weights / shares.sum(axis=1))[:, np.newaxis]
            rows, outcomes = np.nonzero(shares > negligible)
            return rows, outcomes, shares[rows, outcomes]

        return self._outcomes(Weighting(split, share), np.array([1.0]))

    def statevector(self) -> NDArray[np.complex128] | NDArray[np.complex64]:
        """The final state, shape ``(2**n_qubits,)``, in Qiskit's order; measurements at the end are left out.

        Raises:
            ValueError: the program has no single final state, because it is noisy, or measures or resets in the middle.
            MemoryError: there is not enough memory for the state.
        """
        if not self.plan.is_unitary:
            raise ValueError("a program that measures, resets, decides or errs in the middle has no single final state")
        n = self.plan.n_qubits
        with _memory_errors(), torch.inference_mode():
            register = Register.zero_state(self._pool, self._size)
            for kernels in self._kernels:
                evolve(register, kernels)
            state: NDArray[np.complex128] = register.amplitudes.cpu().numpy().reshape((2,) * n)
            # Axis n - 1 - q of the result is qubit q; in the state it is the axis of the qubit's position.
            axes = [n - 1 - self.plan.layout[n - 1 - axis] for axis in range(n)]
            ordered = state.transpose(axes).flatten()
            register.release()
        return ordered

    def _outcomes(self, weighting: Weighting, weights: Weights) -> Outcomes:
        with _memory_errors(), torch.inference_mode(), threads_for(self._size):
            memory = np.zeros((1, self.plan.n_bits), np.uint8)
            branches = Branches(Register.zero_state(self._pool, self._size), memory, weights)
            parts = list(self._follow(branches, 0, weighting))
        return parts[0] if self.plan.is_unitary and not self.plan.misread else Outcomes.merged(parts)

    def _follow(self, branches: Branches, start: int, weighting: Weighting) -> Iterator[Outcomes]:
        """Take ``branches`` (and use them up) from operation ``start`` to the end."""
        for i, operation in enumerate(self.plan.operations[start:], start):
            match operation:
                case Evolve():
                    branches.evolve(self._kernels[i], operation.guard)
                case Decide():
                    branches.decide(operation)
                case Forget():
                    branches.forget(operation.bits)
                case Noise() | Misread():
                    for batch, is_last in spread(branches, self._channels[i], weighting, self._batch):
                        if is_last:
                            branches = batch
                        else:
                            yield from self._follow(batch, i + 1, weighting)
                case Measure() | Reset():
                    if isinstance(operation, Measure) and operation.overwrites and operation.guard is None:
                        branches.forget((operation.bit,))
                        branches.merge()
                    children = branches.children(operation, weighting.split)
                    if len(children) > self._batch:
                        lighter, children = children.lighter_half()
                        yield from self._follow(branches.projected(lighter, operation), i + 1, weighting)
                    parents, branches = branches, branches.projected(children, operation)
                    parents.release()
                    if isinstance(operation, Reset):
                        branches.merge()
        yield self._sampled(branches, weighting)
        branches.release()

    def _sampled(self, branches: Branches, weighting: Weighting) -> Outcomes:
        """Take the measurements that were put off to the end. The states are lost: their memory is needed."""
        sampled = self.plan.sampled
        positions = sorted(set(sampled.values()))
        with squared_magnitudes(branches.register) as squares:
            room = branches.register.amplitudes.view(torch.float64) if self.device.type != "mps" else None
            rows, outcomes, weights = weighting.share(marginals(squares, positions, room), branches.weights)
        bits = branches.memory[rows, : self.plan.n_clbits]
        values = spell(outcomes, len(positions))
        bits[:, list(sampled)] = values[:, [positions.index(position) for position in sampled.values()]]
        return misread(Outcomes(bits, weights), self.plan.misread, weighting.split)


@contextmanager
def _memory_errors() -> Iterator[None]:
    """Turn torch's ways of saying that memory ran out into MemoryError."""
    try:
        yield
    except RuntimeError as error:
        message = str(error)
        if isinstance(error, torch.OutOfMemoryError) or any(
            sign in message for sign in ("allocate memory", "not enough memory", "out of memory")
        ):
            raise MemoryError(message.splitlines()[0]) from error
        raise
