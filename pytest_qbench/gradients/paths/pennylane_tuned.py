"""The parameter-shift rule with PennyLane, as fast as its public interface allows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from pytest_qbench.backends.base import Description
from pytest_qbench.gradients.paths.base import GradientPath, Variants
from pytest_qbench.gradients.paths.pennylane_circuits import PennylaneCircuit, injection, observable
from pytest_qbench.gradients.paths.pennylane_devices import (
    check_device,
    describe_device,
    load_features,
    lowered,
    open_device,
    rows_at_a_time,
)
from pytest_qbench.gradients.paths.shift_rules import angles, shifted_values
from pytest_qbench.gradients.task import GradientTask

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BATCH_BYTES = 1 << 21
"""What the states of one batch take: enough that the cost of a call does not count, and little enough for the caches.
docs/batched_execution.md has the figures."""

_LARGEST_BLOCK = (1 << 25) - (1 << 16)
"""A little less than the largest block for which glibc's malloc adapts."""

Script = list[Any]
"""The operations of one circuit."""


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A task for the device.

    ``shifted`` makes the operations of all shifted circuits; ``weights``, shape ``(parameters, circuits)``, turns
    their values into derivatives. ``batch`` samples are encoded at a time.
    """

    task: GradientTask
    device: Any
    features: NDArray[np.float64]
    shifted: Callable[[], list[Script]]
    measured: Any
    weights: NDArray[np.float64]
    batch: int

    def batches(self) -> Iterator[slice]:
        """The samples, ``batch`` at a time."""
        for begin in range(0, self.task.n_samples, self.batch):
            yield slice(begin, begin + self.batch)

    def encoded(self, samples: slice) -> NDArray[np.complexfloating]:
        """Their states."""
        import numpy as np

        from pytest_qbench.gradients.encodings import encode

        rows = self.features[samples]
        states = encode(rows, self.task.encoding, self.task.ansatz.n_qubits, first_row=samples.start)
        dtype = np.complex128 if self.task.precision == "double" else np.complex64
        result: NDArray[np.complexfloating] = states.astype(dtype)
        return result


class PennylaneTunedPath(GradientPath):
    """Circuits go to the device as tapes, without a QNode, with NumPy numbers; states are encoded beforehand.

    The operations of a circuit are made once for all samples, and two circuits that are shifted differently share all
    but one. default.qubit takes a batch of states in one ``StatePrep`` and broadcasts all gates over them; lightning
    devices would take such a circuit apart again, so that they get one state at a time. All shifts of a batch, or of
    a sample, are one call of ``device.execute``. The option ``batch`` is how many samples a batch may have.
    """

    name: ClassVar[str] = "pennylane-tuned"
    install: ClassVar[str] = "pip install pennylane"

    def __init__(self, options: Mapping[str, Any], threads: int) -> None:
        self._device_name: str = options["device"]
        self._precision: str = options["precision"]
        self._batch: int | None = options.get("batch")
        self._threads = threads
        self._broadcasts = self._device_name == "default.qubit"
        check_device(self._device_name)

    def describe(self) -> Description:
        """Versions of PennyLane and the device."""
        batching = "states broadcast" if self._broadcasts else "one state at a time"
        method = f"parameter-shift, tapes without QNode, {batching}"
        return describe_device(self._device_name, self._precision, self._threads, method)

    def prepare(self, task: GradientTask) -> Prepared:
        """Open the device and load the features.

        Raises:
            UnsupportedError: PennyLane lacks a gate, or the device the precision.
            ValueError: a row of the features can't be encoded.
            MemoryError: not even one state is within the limit of the task.
        """
        import numpy as np
        import pennylane as qml

        device = open_device(self._device_name, task.ansatz.n_qubits, task.precision)
        circuit = PennylaneCircuit(task.ansatz)
        measured = qml.expval(observable(task.observable, task.ansatz.n_qubits))
        values = angles(task.ansatz, task.parameters)
        plan = shifted_values(task.ansatz)
        weights = np.zeros((task.ansatz.n_parameters, len(plan)))
        for column, item in enumerate(plan):
            weights[item.parameter, column] = item.weight
        names = [item.name for item in circuit.operations(values)]
        is_native = names == [item.name for item in lowered(device, circuit.operations(values), measured)]

        def shifted() -> list[Script]:
            operations = circuit.operations(values)
            scripts = []
            for item in plan:
                script, place, own = operations.copy(), task.ansatz.uses[item.use].instruction, values.copy()
                own[item.use] += item.shift
                script[place] = circuit.operation(place, own)
                scripts.append(script if is_native else lowered(device, script, measured))
            return scripts

        if self._broadcasts:
            # Every gate allocates a new array for all states. glibc's malloc may get it from the system and give it
            # back each time, and all takes three times as long, until it has once seen a larger one freed.
            np.empty(_LARGEST_BLOCK, np.uint8)
        n_batches = -(-task.n_samples // (self._batch or rows_at_a_time(task, BATCH_BYTES)))
        batch = -(-task.n_samples // n_batches)  # all about equal, so that the variants stand for any of them
        return Prepared(task, device, load_features(task), shifted, measured, weights, batch)

    def run(self, prepared: Prepared) -> NDArray[np.float64]:
        """The gradients of one batch after another."""
        import numpy as np

        scripts = prepared.shifted()
        parts = [self._batch_gradients(prepared, scripts, prepared.encoded(rows)) for rows in prepared.batches()]
        return np.concatenate(parts)

    def gradients(self, result: Any) -> NDArray[np.float64]:
        """They are that already."""
        gradients: NDArray[np.float64] = result
        return gradients

    def evaluations(self, task: GradientTask) -> int:
        """Two for each sample and each use of a parameter, four where it is the angle of a controlled rotation."""
        return task.n_samples * len(shifted_values(task.ansatz))

    def variants(self, prepared: Prepared) -> Variants:
        """The stages of one sample or, where states are broadcast, of a batch.

        Broadcasting needs the states, so that there is no such call from the zero state: only encoding is told apart.
        """
        n_rows = prepared.batch if self._broadcasts else 1
        samples, scripts = slice(0, n_rows), prepared.shifted()
        empty: list[Script] = [[] for _ in scripts]
        states = prepared.encoded(samples)

        def gradients(which: list[Script], states: Any) -> Callable[[], object]:
            return lambda: self._batch_gradients(prepared, which, states)

        calls: dict[str, Callable[[], object]] = {
            "full": lambda: self._batch_gradients(prepared, scripts, prepared.encoded(samples)),
            "states": gradients(scripts, states),
            "encode": lambda: self._batch_gradients(prepared, empty, prepared.encoded(samples)),
            "inject": gradients(empty, states),
        }
        if not self._broadcasts:
            calls |= {"body": gradients(scripts, None), "null": gradients(empty, None)}
        return Variants(calls, -(-prepared.task.n_samples // n_rows))

    def _batch_gradients(self, prepared: Prepared, scripts: Sequence[Script], states: Any) -> NDArray[np.float64]:
        """Shape ``(states, parameters)``; with no states, those of the zero state."""
        import numpy as np

        inject = injection(prepared.task.ansatz.n_qubits)
        if states is None:
            values = np.array([_execute(prepared, scripts, [])])
        elif self._broadcasts:
            # For a batch of one some observables give single numbers.
            values = np.reshape(_execute(prepared, scripts, [inject(states)]), (len(scripts), len(states))).T
        else:
            values = np.array([_execute(prepared, scripts, [inject(state)]) for state in states])
        gradients: NDArray[np.float64] = values.astype(np.float64) @ prepared.weights.T
        return gradients


def _execute(prepared: Prepared, scripts: Sequence[Script], start: Script) -> Any:
    """The values of all circuits after the operations ``start``."""
    from pennylane.tape import QuantumScript

    return prepared.device.execute([QuantumScript(start + script, [prepared.measured]) for script in scripts])
