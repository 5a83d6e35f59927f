"""PennyLane as textbooks and the literature use it: one sample and one circuit at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from pytest_qbench.backends.base import Description, UnavailableError
from pytest_qbench.gradients.paths.base import GradientPath, Variants
from pytest_qbench.gradients.paths.pennylane_circuits import PennylaneCircuit, embedding, injection, observable
from pytest_qbench.gradients.paths.pennylane_devices import check_device, describe_device, load_features, open_device
from pytest_qbench.gradients.paths.shift_rules import ShiftedValue, angles, shifted_values
from pytest_qbench.gradients.task import GradientTask

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

QNode = Callable[[Any, Any], Any]
"""A PennyLane QNode of a row (of features, or a state) and the angles."""


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A task as QNodes.

    ``features`` and ``angles`` are tensors in double precision; ``make`` is a function that makes the QNode that
    starts with the given operation (None: from the zero state), with or without the body of the circuit.
    """

    task: GradientTask
    features: Any
    angles: Any
    shifted: tuple[ShiftedValue, ...]
    make: Callable[[Callable[[Any], Any] | None, bool], QNode]


class PennylanePath(GradientPath):
    """A QNode with torch's interface that embeds the features of one sample at every evaluation.

    The parameter-shift rule is written out, as in PennyLane's own introduction to it: two calls of the QNode for each
    parameter, at the angle plus and minus pi / 2 (four for controlled rotations). The QNode is told
    ``diff_method="parameter-shift"``, but never asked to differentiate; with the default, ``"best"``, default.qubit
    would compute with torch throughout to be ready for backpropagation, which takes longer.
    """

    name: ClassVar[str] = "pennylane"
    install: ClassVar[str] = "pip install pennylane torch"
    method: ClassVar[str] = "parameter-shift, QNode with torch interface, embedding at every evaluation"

    def __init__(self, options: Mapping[str, Any], threads: int) -> None:
        self._device_name: str = options["device"]
        self._precision: str = options["precision"]
        self._threads = threads
        check_device(self._device_name)
        try:
            import torch
        except ImportError as error:
            raise UnavailableError(f"torch can't be imported: {error}", "pip install torch") from error
        torch.set_num_threads(threads)

    def describe(self) -> Description:
        """Versions of PennyLane, the device and torch."""
        return describe_device(self._device_name, self._precision, self._threads, self.method, "torch")

    def prepare(self, task: GradientTask) -> Prepared:
        """Open the device and load the features.

        Raises:
            UnsupportedError: PennyLane lacks a gate, or the device the precision.
            ValueError: a row of the features can't be encoded.
        """
        import pennylane as qml
        import torch

        n_qubits = task.ansatz.n_qubits
        device = open_device(self._device_name, n_qubits, task.precision)
        circuit = PennylaneCircuit(task.ansatz, partial(torch.tensor, dtype=torch.float64))
        measured = observable(task.observable, n_qubits)

        def make(start: Callable[[Any], Any] | None, body: bool) -> QNode:
            def function(row: Any, values: Any) -> Any:
                if start is not None:
                    start(row)
                if body:
                    circuit.operations(values)
                elif start is None:
                    # Without an operation default.qubit would simulate the measured qubits only.
                    qml.Identity(wires=range(n_qubits))
                return qml.expval(measured)

            qnode: QNode = qml.QNode(function, device, interface="torch", diff_method="parameter-shift")
            return qnode

        return Prepared(
            task,
            torch.from_numpy(load_features(task)),
            torch.tensor(angles(task.ansatz, task.parameters), dtype=torch.float64),
            shifted_values(task.ansatz),
            make,
        )

    def run(self, prepared: Prepared) -> NDArray[np.float64]:
        """The gradients of one sample after another."""
        import numpy as np

        qnode = prepared.make(self.start(prepared.task), True)
        with double_results():
            return np.array([gradient(qnode, row, prepared) for row in self.rows(prepared)])

    def start(self, task: GradientTask) -> Callable[[Any], Any]:
        """The first operation of a circuit, a function of a row."""
        return embedding(task.encoding, task.ansatz.n_qubits)

    def rows(self, prepared: Prepared) -> Iterator[Any]:
        """What the circuits of each sample start from."""
        yield from prepared.features

    def gradients(self, result: Any) -> NDArray[np.float64]:
        """They are that already."""
        gradients: NDArray[np.float64] = result
        return gradients

    def evaluations(self, task: GradientTask) -> int:
        """Two for each sample and each use of a parameter, four where it is the angle of a controlled rotation."""
        return task.n_samples * len(shifted_values(task.ansatz))

    def variants(self, prepared: Prepared) -> Variants:
        """The stages of one evaluation of the first sample."""
        task, row, values = prepared.task, prepared.features[0], prepared.angles
        state = encoded_tensor(prepared)
        embed, inject = embedding(task.encoding, task.ansatz.n_qubits), injection(task.ansatz.n_qubits)
        nodes = {
            "full": (prepared.make(embed, True), row),
            "states": (prepared.make(inject, True), state),
            "body": (prepared.make(None, True), row),
            "null": (prepared.make(None, False), row),
            "encode": (prepared.make(embed, False), row),
            "inject": (prepared.make(inject, False), state),
        }

        def call(qnode: QNode, argument: Any) -> Callable[[], object]:
            return lambda: qnode(argument, values)

        return Variants({name: call(*node) for name, node in nodes.items()}, self.evaluations(task))


def gradient(qnode: QNode, row: Any, prepared: Prepared) -> list[float]:
    """The derivatives of one sample for all parameters."""
    result = [0.0] * prepared.task.ansatz.n_parameters
    for item in prepared.shifted:
        values = prepared.angles.clone()
        values[item.use] += item.shift
        result[item.parameter] += item.weight * float(qnode(row, values))
    return result


def encoded_tensor(prepared: Prepared) -> Any:
    """The state of the first sample."""
    import torch

    from pytest_qbench.gradients.encodings import encode

    return encode(prepared.features[:1], prepared.task.encoding, prepared.task.ansatz.n_qubits)[0].to(torch.complex128)


@contextmanager
def double_results() -> Iterator[None]:
    """torch's default type is float64 for a while: results of lightning are Python numbers, and the torch interface
    makes tensors of the default type of them."""
    import torch

    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)
