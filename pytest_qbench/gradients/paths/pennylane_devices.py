"""PennyLane, its devices and what the paths that use them have in common."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from pytest_qbench.backends.base import Description, UnavailableError, UnsupportedError
from pytest_qbench.gradients.task import GradientTask

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

INSTALL: Mapping[str, str] = {
    "default.qubit": "pip install pennylane",
    "lightning.qubit": "pip install pennylane-lightning",
    "lightning.gpu": "pip install pennylane-lightning-gpu",
}
"""The devices, and what installs each."""

_PACKAGES: Mapping[str, tuple[str, ...]] = {
    "default.qubit": ("pennylane",),
    "lightning.qubit": ("pennylane", "pennylane-lightning"),
    "lightning.gpu": ("pennylane", "pennylane-lightning-gpu", "pennylane-lightning"),
}


_CHECKED_ROWS = 64


def check_device(name: str) -> None:
    """Import PennyLane and open the device ``name`` for a moment.

    Raises:
        UnavailableError: one or the other can't be done here.
    """
    if name not in INSTALL:
        raise UnavailableError(f"no path uses the PennyLane device {name!r}; there are {', '.join(INSTALL)}")
    try:
        import pennylane as qml
    except ImportError as error:
        raise UnavailableError(f"PennyLane can't be imported: {error}", INSTALL["default.qubit"]) from error
    try:
        qml.device(name, wires=1)
    except (qml.exceptions.DeviceError, ImportError, RuntimeError, ValueError) as error:
        raise UnavailableError(f"PennyLane has no {name} here: {error}", INSTALL[name]) from error


def open_device(name: str, n_qubits: int, precision: str) -> Any:
    """The device for states of ``n_qubits`` qubits.

    Raises:
        UnsupportedError: it has no states of that precision.
    """
    import numpy as np
    import pennylane as qml

    if name == "default.qubit":
        if precision != "double":
            raise UnsupportedError("default.qubit has no setting for single precision; take a lightning device")
        return qml.device(name, wires=n_qubits)
    return qml.device(name, wires=n_qubits, c_dtype=np.complex128 if precision == "double" else np.complex64)


def describe_device(name: str, precision: str, threads: int, method: str, *others: str) -> Description:
    """What a path that uses the device says of itself; ``others`` are further packages that matter."""
    versions = {package: found for package in (*_PACKAGES[name], *others) if (found := _version(package))}
    return Description(
        version=versions["pennylane"],
        versions=versions,
        device="GPU" if name == "lightning.gpu" else "CPU",
        precision=precision,
        method=method,
        threads=threads,
    )


def load_features(task: GradientTask) -> NDArray[np.float64]:
    """The features of the samples of ``task``, in memory.

    Raises:
        ValueError: there are too few, or some can't be encoded (the message names the row).
    """
    import numpy as np

    from pytest_qbench.gradients.encodings import encode

    features = np.array(np.load(task.features, mmap_mode="r")[: task.n_samples], np.float64)
    if len(features) < task.n_samples:
        raise ValueError(f"{task.features} has {len(features)} samples, and {task.n_samples} are wanted")
    # PennyLane makes states of invalid numbers without a word, so look at every row beforehand.
    for begin in range(0, len(features), _CHECKED_ROWS):
        rows = features[begin : begin + _CHECKED_ROWS]
        encode(rows, task.encoding, task.ansatz.n_qubits, first_row=begin)
    return features


def rows_at_a_time(task: GradientTask, budget: int) -> int:
    """How many samples are encoded at a time, so that their states take no more than ``budget`` bytes and the limit of
    the task.

    Raises:
        MemoryError: not even one state is within the limit.
    """
    state_bytes = 16 << task.ansatz.n_qubits
    if task.memory_limit is not None:
        if state_bytes > task.memory_limit:
            raise MemoryError(
                f"one state of {task.ansatz.n_qubits} qubits takes {state_bytes} bytes, and the limit is "
                f"{task.memory_limit}: raise it or take fewer qubits"
            )
        budget = min(budget, task.memory_limit)
    return max(1, budget // state_bytes)


def lowered(device: Any, operations: list[Any], measured: Any) -> list[Any]:
    """The operations as the device's own preprocessing leaves them: those that it doesn't take are decomposed."""
    from pennylane.tape import QuantumScript

    (script,), _ = device.preprocess_transforms()([QuantumScript(operations, [measured])])
    result: list[Any] = script.operations
    return result


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
