"""PennyLane's fastest gradients on a CPU: the adjoint method of lightning.qubit, as a reference."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any, ClassVar

from pytest_qbench.backends.base import Description, UnsupportedError
from pytest_qbench.gradients.paths.base import GradientPath, Variants
from pytest_qbench.gradients.paths.pennylane_circuits import PennylaneCircuit, injection, observable
from pytest_qbench.gradients.paths.pennylane_devices import (
    check_device,
    describe_device,
    load_features,
    open_device,
    rows_at_a_time,
)
from pytest_qbench.gradients.paths.shift_rules import angles
from pytest_qbench.gradients.task import GradientTask

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CHUNK_BYTES = 1 << 20
"""What the states that are encoded at a time take."""


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A task for the device.

    ``trainable`` are the numbers of the angles among all parameters of a circuit's operations, ascending, and
    ``weights``, shape ``(angles, parameters)``, turns the derivatives for them into those for the parameters. ``chunk``
    samples are encoded at a time.
    """

    task: GradientTask
    device: Any
    features: NDArray[np.float64]
    operations: Callable[[], list[Any]]
    measured: Any
    trainable: list[int]
    weights: NDArray[np.float64]
    chunk: int


class LightningAdjointPath(GradientPath):
    """``compute_derivatives`` of the device, one sample at a time, with states encoded beforehand and injected."""

    name: ClassVar[str] = "lightning/adjoint"
    install: ClassVar[str] = "pip install pennylane-lightning"

    def __init__(self, options: Mapping[str, Any], threads: int) -> None:
        self._device_name: str = options["device"]
        self._precision: str = options["precision"]
        self._threads = threads
        check_device(self._device_name)

    def describe(self) -> Description:
        """Versions of PennyLane and the device."""
        method = "adjoint, tapes without QNode, one state at a time"
        return describe_device(self._device_name, self._precision, self._threads, method)

    def prepare(self, task: GradientTask) -> Prepared:
        """Open the device and load the features.

        Raises:
            UnsupportedError: the device can't differentiate a gate that has a variable parameter, or PennyLane lacks
                a gate.
            ValueError: a row of the features can't be encoded.
            MemoryError: not even one state is within the limit of the task.
        """
        import numpy as np
        import pennylane as qml

        ansatz = task.ansatz
        device = open_device(self._device_name, ansatz.n_qubits, task.precision)
        circuit = PennylaneCircuit(ansatz)
        values = angles(ansatz, task.parameters)
        measured = qml.expval(observable(task.observable, ansatz.n_qubits))
        n_operations = len(ansatz.program.instructions)
        variable = {use.instruction for use in ansatz.uses}
        constants: dict[int, Any] = {}
        for place, operation in enumerate(circuit.operations(values)):
            if not _is_differentiable(device, operation):
                if place in variable:
                    raise UnsupportedError(
                        f"the adjoint method of {device.name} can't differentiate {operation.name}: write the ansatz "
                        "with gates of one parameter, such as RX, RY, RZ and their controlled forms"
                    )
                # Nor can it pass by some of these, but a matrix it can.
                operation = qml.QubitUnitary(qml.matrix(operation), wires=operation.wires)
            if place not in variable:
                constants[place] = operation

        def operations() -> list[Any]:
            return [
                constants[place] if place in constants else circuit.operation(place, values)
                for place in range(n_operations)
            ]

        # The state comes first, and is a parameter too.
        first = list(accumulate((operation.num_params for operation in operations()), initial=1))
        uses = sorted(ansatz.uses, key=lambda use: first[use.instruction] + use.param)
        weights = np.zeros((len(uses), ansatz.n_parameters))
        for row, use in enumerate(uses):
            weights[row, use.parameter] = use.scale
        return Prepared(
            task,
            device,
            load_features(task),
            operations,
            measured,
            [first[use.instruction] + use.param for use in uses],
            weights,
            rows_at_a_time(task, CHUNK_BYTES),
        )

    def run(self, prepared: Prepared) -> NDArray[np.float64]:
        """The gradients of one sample after another."""
        import numpy as np

        task, operations = prepared.task, prepared.operations()
        chunks = (slice(begin, begin + prepared.chunk) for begin in range(0, task.n_samples, prepared.chunk))
        return np.array(
            [_gradient(prepared, operations, state) for rows in chunks for state in _encoded(prepared, rows)]
        )

    def gradients(self, result: Any) -> NDArray[np.float64]:
        """They are that already."""
        gradients: NDArray[np.float64] = result
        return gradients

    def evaluations(self, task: GradientTask) -> int:
        """Two for each sample: forth and back."""
        return 2 * task.n_samples

    def variants(self, prepared: Prepared) -> Variants:
        """The stages of one sample. Without a body, and at its place, the value is computed and no derivative."""
        operations, first = prepared.operations(), slice(0, 1)
        (state,) = _encoded(prepared, first)
        calls: dict[str, Callable[[], object]] = {
            "full": lambda: _gradient(prepared, operations, _encoded(prepared, first)[0]),
            "states": lambda: _gradient(prepared, operations, state),
            "body": lambda: _gradient(prepared, operations, None),
            "null": lambda: _value(prepared, None),
            "encode": lambda: _value(prepared, _encoded(prepared, first)[0]),
            "inject": lambda: _value(prepared, state),
        }
        return Variants(calls, prepared.task.n_samples)


def _gradient(prepared: Prepared, operations: list[Any], state: Any) -> NDArray[np.float64]:
    """The derivatives for all parameters; with no state, those of the zero state."""
    import numpy as np
    from pennylane.tape import QuantumScript

    start = _start(prepared, state)
    trainable = [number - (not start) for number in prepared.trainable]
    if not trainable:
        return np.zeros(prepared.task.ansatz.n_parameters)
    tape = QuantumScript(start + operations, [prepared.measured], trainable_params=trainable)
    (jacobian,) = prepared.device.compute_derivatives([tape])
    gradient: NDArray[np.float64] = np.atleast_1d(np.asarray(jacobian, np.float64)) @ prepared.weights
    return gradient


def _value(prepared: Prepared, state: Any) -> object:
    """The expectation value with no gates."""
    from pennylane.tape import QuantumScript

    return prepared.device.execute([QuantumScript(_start(prepared, state), [prepared.measured])])


def _start(prepared: Prepared, state: Any) -> list[Any]:
    return [] if state is None else [injection(prepared.task.ansatz.n_qubits)(state)]


def _encoded(prepared: Prepared, rows: slice) -> Any:
    """The states of some samples."""
    import numpy as np

    from pytest_qbench.gradients.encodings import encode

    task = prepared.task
    states = encode(prepared.features[rows], task.encoding, task.ansatz.n_qubits, first_row=rows.start)
    return states.astype(np.complex128 if task.precision == "double" else np.complex64)


def _is_differentiable(device: Any, operation: Any) -> bool:
    """Whether the device differentiates the operation."""
    return operation.num_params <= 1 and operation.name in device.capabilities.gate_set(differentiable=True)
