"""Gradients by the project's own engine: the parameter-shift rule in batches, and the adjoint method."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, cast

from pytest_qbench.backends.native import NativeBackend
from pytest_qbench.gradients.paths.cached import CachedPath, Circuit, Prepared, state_bytes, zero_states
from pytest_qbench.gradients.task import GradientTask

if TYPE_CHECKING:
    from pytest_qbench.engine import PauliSum, Slot


ENCODING_PASSES = 0.5
"""To encode is to read features and to write states, at least 8 bytes each for an amplitude of 16: half a copy."""


class NativeShiftPath(CachedPath):
    """The parameter-shift rule; the states before a shifted gate are computed once for all its shifts.

    Parameters outside the light cone of the observable are not shifted: their gradients are exactly 0.
    """

    name: ClassVar[str] = "native/shift"
    install: ClassVar[str] = NativeBackend.install
    method: ClassVar[str] = "parameter-shift, batched, prefix states reused"

    def circuit(self, task: GradientTask) -> Circuit:
        """Plan it."""
        return _ShiftCircuit(task, self._device)

    def evaluations(self, task: GradientTask) -> int:
        """For each sample two (up to four for some gates) for each gate parameter in the light cone, although many of
        them share their beginning."""
        return task.n_samples * n_shifts(task)


class NativeAdjointPath(CachedPath):
    """The adjoint method: each state forth through the circuit once, and back once with the observable's."""

    name: ClassVar[str] = "native/adjoint"
    install: ClassVar[str] = NativeBackend.install
    method: ClassVar[str] = "adjoint, batched"

    def circuit(self, task: GradientTask) -> Circuit:
        """Plan it."""
        return _AdjointCircuit(task, self._device)

    def evaluations(self, task: GradientTask) -> int:
        """Two for each sample: forth and back."""
        return 2 * task.n_samples

    def floor_s(self, prepared: Prepared) -> float | None:
        """The traffic of encoding and of the states, forth and back, at the rate at which memory copies; on a CPU."""
        import torch

        from pytest_qbench.gradients.floor import floor_seconds, measure_copy_rates

        if self._device != "cpu":
            return None
        task = prepared.task
        rate = measure_copy_rates(torch.get_num_threads()).memory
        return floor_seconds(
            self.passes(prepared) + ENCODING_PASSES, task.ansatz.n_qubits, task.n_samples, rate, task.precision
        )

    def passes(self, prepared: Prepared) -> int:
        """How often a run goes over the memory of each state, in copies; see :mod:`pytest_qbench.gradients.floor`."""
        return cast(_AdjointCircuit, prepared.circuit).passes(prepared.call_rows)


class _EngineCircuit:
    """A task's circuit in the engine, and one without gates to measure with."""

    def __init__(self, task: GradientTask, device: str) -> None:
        import torch

        from pytest_qbench.circuits.program import Program
        from pytest_qbench.engine import Parametric

        ansatz = task.ansatz
        self.task = task
        self.device = device
        self.circuit = Parametric(
            ansatz.program, slots(task), n_parameters=ansatz.n_parameters, device=device, precision=task.precision
        )
        self.observable = observable(task)
        self.parameters = torch.tensor(task.parameters, dtype=torch.float64, device=device)
        self._empty = Parametric(Program(ansatz.n_qubits, 0, ()), device=device, precision=task.precision)

    def measured(self, states: Any) -> object:
        """The expectation values of ``states``."""
        return self._empty.expectations([], self.observable, states)


class _ShiftCircuit(_EngineCircuit):
    """Gradients by the parameter-shift rule."""

    def gradients(self, states: Any) -> Any:
        """See :class:`Circuit`."""
        return self.circuit.shift_gradients(self.parameters, self.observable, states)[:, 0]

    def measurements(self, states: Any) -> Callable[[], object]:
        """See :class:`Circuit`. The engine measures several shifts at once where the states are few."""
        from pytest_qbench.engine.batches.parametric import CPU_BATCH_BYTES, DEVICE_BATCH_BYTES

        at_once = CPU_BATCH_BYTES if self.device == "cpu" else DEVICE_BATCH_BYTES
        to_come = max(0, n_shifts(self.task) - 1) * len(states)
        limit = max(len(states), at_once // (4 * state_bytes(self.task)))
        zero = zero_states(self.task, max(1, min(to_come, limit)), self.device)
        groups = [zero] * (to_come // len(zero))
        if to_come % len(zero):
            groups.append(zero[: to_come % len(zero)])

        def call() -> None:
            self.measured(states)
            for group in groups:
                self.measured(group)

        return call


class _AdjointCircuit(_EngineCircuit):
    """Gradients by the adjoint method."""

    def gradients(self, states: Any) -> Any:
        """See :class:`Circuit`."""
        return self.circuit.value_and_gradient(self.parameters, self.observable, states)[1][:, 0]

    def measurements(self, states: Any) -> Callable[[], object]:
        """See :class:`Circuit`."""
        return lambda: self.measured(states)

    def passes(self, n_rows: int) -> int:
        """The memory traffic of :meth:`gradients`, in copies of each state."""
        return self.circuit.passes(self.observable, n_rows)


def observable(task: GradientTask) -> PauliSum:
    """The observable of a task as the engine knows it."""
    from pytest_qbench.engine import PauliSum

    return PauliSum.from_terms((coefficient, dict(letters)) for coefficient, letters in task.observable)


def slots(task: GradientTask) -> list[Slot]:
    """The parameter uses of a task as the engine knows them."""
    from pytest_qbench.engine import Slot

    return [Slot(use.instruction, use.param, use.parameter, use.scale, use.offset) for use in task.ansatz.uses]


def n_shifts(task: GradientTask) -> int:
    """How many shifted circuits give the gradient of one sample, those that the observable can't see left out."""
    from pytest_qbench.engine.batches.gate_tensors import shift_rule
    from pytest_qbench.engine.batches.light_cone import light_cone
    from pytest_qbench.engine.batches.slots import variable_gates

    program, places, measured = task.ansatz.program, slots(task), observable(task)
    gates = variable_gates(program, places)
    numbers = [
        number
        for index in light_cone(gates, measured.support, measured.general)
        for number in gates[index].matrix.variables
    ]
    return sum(
        len(shift_rule(program.instructions[places[number].instruction].name, places[number].param))
        for number in numbers
    )
