"""Circuits with variable parameters, run for batches of parameter sets or initial states, and their gradients.

``Parametric(program, slots)`` is to training what ``Simulator(program)`` is to sampling. Its states are short (they
should fit in the cache; about 16 qubits) and many.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import torch

from pytest_qbench.circuits.program import Program
from pytest_qbench.engine.batches.adjoint import Workspace
from pytest_qbench.engine.batches.batch_runs import BatchRunner, count_rows, pair_products
from pytest_qbench.engine.batches.differentiable import Expectations, FinalStates
from pytest_qbench.engine.batches.light_cone import light_cone
from pytest_qbench.engine.batches.observables import PauliSum
from pytest_qbench.engine.batches.parameter_shift import shift_gradients
from pytest_qbench.engine.batches.slots import Slot, SlotMap, variable_gates
from pytest_qbench.engine.batches.variable_blocks import make_plan

Observables: TypeAlias = PauliSum | Sequence[PauliSum]

DTYPES = {"single": torch.complex64, "double": torch.complex128}
"""The type of an amplitude by precision."""

CPU_BATCH_BYTES = 1 << 24
DEVICE_BATCH_BYTES = 1 << 30
"""What the states of a batch may take while they are worked on: on a CPU they should stay in the cache, elsewhere few
large calls are wanted."""


class Parametric:
    """A circuit as a function of parameters and an initial state. Not to be used by several threads at a time."""

    def __init__(
        self,
        program: Program,
        slots: Sequence[Slot] = (),
        *,
        n_parameters: int | None = None,
        device: str | torch.device = "cpu",
        precision: str = "double",
        batch_bytes: int | None = None,
    ) -> None:
        """Look at the gates; what to do with them is planned at the first call of each kind.

        Args:
            program: static; its measurements are ignored.
            slots: the gate parameters that are variables; the program's own values of these do not matter.
            n_parameters: how many parameters the circuit has; by default as many as the slots use.
            device: as torch names it: ``cpu``, ``cuda``, ``cuda:1``.
            precision: of the states: ``double`` (complex128) or ``single`` (complex64).
            batch_bytes: about so much memory a batch takes while it is worked on, besides arguments and results; a
                larger batch is done in parts. By default :data:`CPU_BATCH_BYTES` or :data:`DEVICE_BATCH_BYTES`.

        Raises:
            KeyError: the program has a gate that is no standard gate.
            ValueError: the program measures in the middle, resets, decides or is noisy; or a slot names something
                that is not there, or the same as another one.
        """
        if program.is_dynamic or program.is_noisy:
            raise ValueError("a program that measures, resets, decides or errs in the middle has no single final state")
        self.n_qubits = program.n_qubits
        self.device = torch.device(device)
        self.dtype = DTYPES[precision]
        # Small matrices are made in double precision also where states are in single, if the device has it.
        self._matrix_dtype = torch.complex64 if self.device.type == "mps" else torch.complex128
        self._slots = SlotMap(program, slots, n_parameters, self._matrix_dtype.to_real(), self.device)
        self._gates = variable_gates(program, slots)
        self._work = Workspace(1 << program.n_qubits, self.dtype, self.device)
        self._batch_bytes = batch_bytes or (CPU_BATCH_BYTES if self.device.type == "cpu" else DEVICE_BATCH_BYTES)
        self._runners: dict[tuple[tuple[PauliSum, ...] | None, bool], BatchRunner] = {}

    @property
    def n_parameters(self) -> int:
        """How many parameters it takes; P below."""
        return self._slots.n_parameters

    def states(self, parameters: Any, initial: Any = None) -> torch.Tensor:
        """The final state for each parameter set or initial state; differentiable in both.

        Args:
            parameters: shape ``(P,)``, or ``(batch, P)``: one set for each state.
            initial: shape ``(2**n,)``, or ``(batch, 2**n)``, in Qiskit's order; by default all qubits are 0. The norm
                does not matter.

        Returns:
            Shape ``(batch, 2**n)``, in Qiskit's order; the batch is 1 where neither argument has one.

        Raises:
            ValueError: a shape is wrong.
        """
        parameters, initial = self._arguments(parameters, initial)
        states: torch.Tensor = FinalStates.apply(
            parameters, initial, self._runner(None, len(parameters) > 1), self._slots
        )
        return states

    def expectations(self, parameters: Any, observables: Observables, initial: Any = None) -> torch.Tensor:
        """Expectation values; differentiable in parameters and initial states, by the adjoint method.

        Args:
            parameters: as in :meth:`states`.
            observables: one or several.
            initial: as in :meth:`states`.

        Returns:
            Shape ``(batch, observables)``, real.

        Raises:
            ValueError: a shape is wrong, or an observable acts on a qubit that the circuit does not have.
        """
        parameters, initial = self._arguments(parameters, initial)
        runner = self._runner(self._listed(observables), len(parameters) > 1)
        values: torch.Tensor = Expectations.apply(parameters, initial, runner, self._slots)
        return values

    def value_and_gradient(
        self, parameters: Any, observables: Observables, initial: Any = None, *, per_sample: bool = True
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Expectation values and their derivatives for all parameters, by the adjoint method, without autograd.

        Args:
            parameters: as in :meth:`states`.
            observables: one or several.
            initial: as in :meth:`states`.
            per_sample: whether to give the gradient of each state of the batch, or their sum.

        Returns:
            The values, shape ``(batch, observables)``, and the gradients, shape ``(batch, observables, P)`` or, summed,
            ``(observables, P)``. For parameters outside the light cone of the observables they are exactly 0.

        Raises:
            ValueError: as :meth:`expectations`.
        """
        with torch.no_grad():
            parameters, initial = self._arguments(parameters, initial)
            runner = self._runner(self._listed(observables), len(parameters) > 1)
            n_observables, n_rows = len(runner.operators), count_rows(parameters, initial)
            values = runner.empty(n_rows, n_observables)
            by_slot = runner.empty(n_observables, n_rows if per_sample else 1, len(runner.plan.slots)).zero_()

            def seed(rows: slice, states: torch.Tensor) -> list[torch.Tensor]:
                chis = [runner.applied(number, states, ("backward", number, 0)) for number in range(n_observables)]
                values[rows] = torch.stack([pair_products(states, chi) for chi in chis], dim=1)
                return chis

            angles = self._slots.angles(parameters)
            for rows, part, _ in runner.gradients(angles, initial, seed, n_seeds=n_observables, to_start=False):
                if per_sample:
                    by_slot[:, rows] = part
                else:
                    by_slot += part.sum(dim=1, keepdim=True)
            # A state enters an expectation value twice.
            gradients = 2 * self._slots.derivatives(by_slot, runner.plan.slots)
            return values, gradients.transpose(0, 1) if per_sample else gradients[:, 0]

    def shift_gradients(self, parameters: Any, observables: Observables, initial: Any = None) -> torch.Tensor:
        """The same gradients by the parameter-shift rule: only expectation values at shifted parameters enter.

        Each slot takes two evaluations or, if its gate is not generated by a Pauli string, up to four.

        Args:
            parameters: as in :meth:`states`.
            observables: one or several.
            initial: as in :meth:`states`.

        Returns:
            Shape ``(batch, observables, P)``.

        Raises:
            ValueError: as :meth:`expectations`.
        """
        with torch.no_grad():
            parameters, initial = self._arguments(parameters, initial)
            runner = self._runner(self._listed(observables), len(parameters) > 1)
            by_slot = shift_gradients(runner, self._slots.angles(parameters), initial, self._slots.shift_rules())
            return self._slots.derivatives(by_slot, runner.plan.slots).transpose(0, 1)

    def passes(self, observables: Observables, batch: int) -> int:
        """The memory traffic of :meth:`value_and_gradient` with one parameter set, in copies of each state.

        A copy reads a state and writes one. Times its duration this is the time that the memory alone would take.

        Args:
            observables: one or several.
            batch: how many initial states there are.

        Raises:
            ValueError: an observable acts on a qubit that the circuit does not have.
        """
        return self._runner(self._listed(observables), False).passes(batch)

    def _runner(self, items: tuple[PauliSum, ...] | None, per_state: bool) -> BatchRunner:
        """What runs the circuit for some observables, or (None) for its states."""
        if (items, per_state) not in self._runners:
            gates = self._gates
            if items is not None:
                support = general = 0
                for item in items:
                    support |= item.support
                    general |= item.general
                gates = [gates[index] for index in light_cone(gates, support, general)]
            plan = make_plan(gates, self.n_qubits, per_state=per_state, dtype=self._matrix_dtype, device=self.device)
            self._runners[items, per_state] = BatchRunner(plan, items or (), self._work, self._batch_bytes)
        return self._runners[items, per_state]

    def _arguments(self, parameters: Any, initial: Any) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Both with two axes and on the device, checked."""
        parameters = torch.as_tensor(parameters, device=self.device)
        if parameters.is_complex():
            raise ValueError("parameters must be real numbers")
        parameters = _two_axes("parameters", parameters, self.n_parameters)
        if initial is None:
            return parameters, None
        initial = torch.as_tensor(initial, device=self.device).resolve_conj()
        initial = _two_axes("initial states", initial, 1 << self.n_qubits)
        if len(initial) != len(parameters) and 1 not in (len(initial), len(parameters)):
            raise ValueError(f"{len(parameters)} parameter sets do not go with {len(initial)} initial states")
        return parameters, initial

    def _listed(self, observables: Observables) -> tuple[PauliSum, ...]:
        items = (observables,) if isinstance(observables, PauliSum) else tuple(observables)
        if not items:
            raise ValueError("no observables are given")
        for item in items:
            if item.support >> self.n_qubits:
                qubit = item.support.bit_length() - 1
                raise ValueError(f"an observable acts on qubit {qubit}, but the circuit has {self.n_qubits} qubits")
        return items


def _two_axes(name: str, values: torch.Tensor, size: int) -> torch.Tensor:
    rows = values[None] if values.dim() == 1 else values
    if rows.dim() != 2 or rows.shape[1] != size or not len(rows):
        raise ValueError(f"{name} must have shape ({size},) or (batch, {size}), not {tuple(values.shape)}")
    return rows
