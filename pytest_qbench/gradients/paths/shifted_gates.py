"""The parameter-shift rule gate by gate, for any simulator that applies one gate to many states at once.

All samples and all shifts of a gate are one batch. Each batch starts from the encoded states and takes the whole
circuit; every parameter is shifted, whether or not the observable can see it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from pytest_qbench.circuits.program import Instruction
from pytest_qbench.gradients.ansatz import ParameterUse
from pytest_qbench.gradients.paths.cached import zero_states
from pytest_qbench.gradients.paths.native import observable
from pytest_qbench.gradients.task import GradientTask

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray


class Simulator(Protocol):
    """What applies a gate to a batch of states."""

    def apply(
        self,
        states: torch.Tensor,
        targets: Sequence[int],
        controls: Sequence[int],
        matrices: torch.Tensor,
        which: torch.Tensor | None,
    ) -> None:
        """Multiply each state by a matrix, in place.

        Args:
            states: contiguous, shape ``(rows, 2**n)``, in Qiskit's order.
            targets: qubits, the least significant one of the matrix first.
            controls: it acts where these are 1.
            matrices: contiguous, shape ``(number, d, d)``, of the states' type and device.
            which: of the matrices for each state, int32; None where there is one for all.
        """


@dataclass(frozen=True, slots=True, eq=False)
class _Shift:
    """The shifted matrices of one parameter use, shape ``(shifts, d, d)``, and what their values are multiplied by."""

    parameter: int
    matrices: torch.Tensor
    weights: torch.Tensor


@dataclass(frozen=True, slots=True, eq=False)
class _Gate:
    """A gate with its matrix at the parameters, shape ``(1, d, d)``."""

    targets: tuple[int, ...]
    controls: tuple[int, ...]
    matrix: torch.Tensor
    shifts: tuple[_Shift, ...]


class ShiftedCircuit:
    """Parameter-shift gradients of a task on a simulator that applies a gate to many states at once."""

    def __init__(self, task: GradientTask, device: str, simulator: Simulator) -> None:
        """Bind the observable.

        Args:
            task: whose circuit, parameters and observable.
            device: of the states, as torch names it.
            simulator: of states on that device.
        """
        import torch

        from pytest_qbench.engine.batches.observables import BoundObservable

        self._task = task
        self._device = torch.device(device)
        self._dtype = torch.complex128 if task.precision == "double" else torch.complex64
        self._simulator = simulator
        order = range(task.ansatz.n_qubits)
        self._observable = BoundObservable(observable(task), order, self._dtype, self._device)
        self._buffers: dict[str, torch.Tensor] = {}

    def gradients(self, states: Any) -> torch.Tensor:
        """See :class:`~pytest_qbench.gradients.paths.cached.Circuit`. The matrices are made here: they depend on the
        parameters."""
        import torch

        initial = torch.as_tensor(states, device=self._device)
        n_rows = len(initial)
        gates = self._gates()
        result = torch.zeros(n_rows, self._task.ansatz.n_parameters, dtype=self._dtype.to_real(), device=self._device)
        for number, gate in enumerate(gates):
            for shift in gate.shifts:
                n_shifts = len(shift.matrices)
                batch = self._buffer("states", n_shifts * n_rows)
                batch.view(n_shifts, *initial.shape).copy_(initial.expand(n_shifts, -1, -1))
                which = torch.arange(n_shifts, dtype=torch.int32, device=self._device).repeat_interleave(n_rows)
                for other, item in enumerate(gates):
                    if other == number:
                        self._simulator.apply(batch, item.targets, item.controls, shift.matrices, which)
                    else:
                        self._simulator.apply(batch, item.targets, item.controls, item.matrix, None)
                result[:, shift.parameter] += shift.weights @ self._values(batch).view(n_shifts, n_rows)
        return result

    def measurements(self, states: Any) -> Callable[[], object]:
        """See :class:`~pytest_qbench.gradients.paths.cached.Circuit`."""
        import torch

        shifts = [shift for gate in self._gates() for shift in gate.shifts]
        zero = zero_states(
            self._task, len(states) * max((len(s.matrices) for s in shifts), default=1), str(self._device)
        )

        def call() -> None:
            first = self._buffer("states", len(states))
            first.copy_(torch.as_tensor(states, device=self._device))
            self._values(first)
            for number, shift in enumerate(shifts):
                rows = len(states) * len(shift.matrices)
                self._values(zero[: rows if number else rows - len(states)])

        return call

    def _values(self, states: torch.Tensor) -> torch.Tensor:
        """The expectation value of each state."""
        from pytest_qbench.engine.batches.batch_runs import pair_products

        applied = self._observable.conjugate_applied(states, self._buffer("applied", len(states)))
        return pair_products(states, applied)

    def _buffer(self, name: str, n_rows: int) -> torch.Tensor:
        import torch

        buffer = self._buffers.get(name)
        if buffer is None or len(buffer) < n_rows:
            size = 1 << self._task.ansatz.n_qubits
            buffer = self._buffers[name] = torch.empty(n_rows, size, dtype=self._dtype, device=self._device)
        return buffer[:n_rows]

    def _gates(self) -> list[_Gate]:
        """The gates at the parameters, all matrices copied to the device at once."""
        import numpy as np
        import torch

        ansatz = self._task.ansatz
        uses: dict[int, list[ParameterUse]] = {}
        for use in ansatz.uses:
            uses.setdefault(use.instruction, []).append(use)
        matrices: list[NDArray[np.complex128]] = []
        placed = []
        for index, item in enumerate(ansatz.bound(self._task.parameters).instructions):
            varied = [(use, _rule(item, use)) for use in uses.get(index, ())]
            matrices.append(_matrix(item))
            matrices += [_matrix(_shifted(item, use.param, shift)) for use, rule in varied for shift, _ in rule]
            placed.append((item, varied))
        flat = np.concatenate([matrix.ravel() for matrix in matrices]) if matrices else np.zeros(0, complex)
        on_device = iter(
            torch.as_tensor(flat, dtype=self._dtype, device=self._device).split([matrix.size for matrix in matrices])
        )
        gates = []
        for item, varied in placed:
            n_controls = _n_controls(item)
            targets, controls = item.qubits[n_controls:], item.qubits[:n_controls]
            shape = (1, 1 << len(targets), 1 << len(targets))
            matrix = next(on_device).view(shape)
            shifts = []
            for use, rule in varied:
                weights = torch.tensor([use.scale * weight for _, weight in rule], dtype=self._dtype.to_real())
                parts = torch.cat([next(on_device).view(shape) for _ in rule])
                shifts.append(_Shift(use.parameter, parts, weights.to(self._device)))
            gates.append(_Gate(targets, controls, matrix, tuple(shifts)))
        return gates


def n_shifts(task: GradientTask) -> int:
    """How many shifted circuits give the gradient of one sample."""
    instructions = task.ansatz.program.instructions
    return sum(len(_rule(instructions[use.instruction], use)) for use in task.ansatz.uses)


def _rule(item: Instruction, use: ParameterUse) -> tuple[tuple[float, float], ...]:
    """Pairs of a shift and a weight for the angle of a gate."""
    from pytest_qbench.engine.batches.gate_tensors import shift_rule

    return shift_rule(item.name, use.param)


def _shifted(item: Instruction, param: int, by: float) -> Instruction:
    params = tuple(value + by if number == param else value for number, value in enumerate(item.params))
    return replace(item, params=params)


def _n_controls(item: Instruction) -> int:
    from pytest_qbench.circuits.gates import control_form

    form = control_form(item)
    return form[0] if form else 0


def _matrix(item: Instruction) -> NDArray[np.complex128]:
    """The matrix of a gate on its targets, little-endian."""
    import numpy as np

    from pytest_qbench.circuits.gates import control_form, gate_matrix

    form = control_form(item)
    return np.array(gate_matrix(form[1] if form else item), np.complex128)
