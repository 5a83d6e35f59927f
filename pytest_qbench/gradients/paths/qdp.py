"""Encode once with QDP, then evaluate with PennyLane: what encoding at every evaluation costs, and nothing else."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import combinations
from typing import Any, ClassVar

from pytest_qbench.backends.base import Description, UnavailableError, UnsupportedError
from pytest_qbench.gradients.paths.base import Variants
from pytest_qbench.gradients.paths.pennylane_circuits import injection
from pytest_qbench.gradients.paths.pennylane_devices import describe_device, rows_at_a_time
from pytest_qbench.gradients.paths.pennylane_textbook import PennylanePath, Prepared
from pytest_qbench.gradients.task import GradientTask

CHUNK_BYTES = 1 << 28
"""What the states that are encoded at a time take, where the task sets no lower limit."""


class QdpPath(PennylanePath):
    """States are encoded once by ``qumat_qdp`` and injected by ``StatePrep`` at every evaluation.

    Everything else is :class:`PennylanePath`: the same QNode with the same interface, one sample and one shift at a
    time. On a CUDA device ``QdpEngine`` encodes and the states are copied to the host; without one ``torch_ref``
    does, the reference implementation that comes with it.

    Two of QDP's encodings are not those of PennyLane's embeddings: its angle encoding is RY(2 x) and its IQP circuit
    ends with one more layer of Hadamard gates, and has other angles. Both are brought to PennyLane's states exactly,
    by :func:`encode_qdp`, as part of the encoding.
    """

    name: ClassVar[str] = "qdp"
    install: ClassVar[str] = "pip install qumat-qdp pennylane torch"
    method: ClassVar[str] = "parameter-shift, QNode with torch interface, states encoded once"

    def __init__(self, options: Mapping[str, Any], threads: int) -> None:
        super().__init__(options, threads)
        try:
            import qumat_qdp
        except ImportError as error:
            raise UnavailableError(f"qumat_qdp can't be imported: {error}", "pip install qumat-qdp") from error
        # The engine aborts the process where there is no driver, and says it is there all the same: ask beforehand.
        reason = cuda_problem()
        self._engine = None if reason else qumat_qdp.QdpEngine(0, precision="float64")
        self._encoder = f"qumat_qdp.torch_ref on CPU: {reason}" if reason else "QdpEngine on CUDA"

    def describe(self) -> Description:
        """Versions, and what encodes."""
        packages = ("torch", "qumat-qdp")
        description = describe_device(self._device_name, self._precision, self._threads, self.method, *packages)
        return replace(description, method=f"{self.method} ({self._encoder})")

    def prepare(self, task: GradientTask) -> Prepared:
        """As :meth:`PennylanePath.prepare`.

        Raises:
            MemoryError: not even one state is within the limit of the task.
        """
        rows_at_a_time(task, CHUNK_BYTES)
        return super().prepare(task)

    def start(self, task: GradientTask) -> Callable[[Any], Any]:
        """Injection of a state."""
        return injection(task.ansatz.n_qubits)

    def rows(self, prepared: Prepared) -> Iterator[Any]:
        """The states of all samples, encoded a chunk at a time: once each."""
        n_rows = rows_at_a_time(prepared.task, CHUNK_BYTES)
        for begin in range(0, len(prepared.features), n_rows):
            yield from self._encoded(prepared, slice(begin, begin + n_rows))

    def variants(self, prepared: Prepared) -> Variants:
        """The stages of one evaluation of the first sample, which is encoded once for all of its evaluations.

        Alone it takes longer to encode than in a chunk.
        """
        inject, values = injection(prepared.task.ansatz.n_qubits), prepared.angles
        first = slice(0, 1)
        (state,) = self._encoded(prepared, first)
        injected, from_zero = prepared.make(inject, True), prepared.make(None, True)
        measured, measured_zero = prepared.make(inject, False), prepared.make(None, False)
        calls: dict[str, Callable[[], object]] = {
            "full": lambda: injected(self._encoded(prepared, first)[0], values),
            "states": lambda: injected(state, values),
            "body": lambda: from_zero(state, values),
            "null": lambda: measured_zero(state, values),
            "encode": lambda: measured(self._encoded(prepared, first)[0], values),
            "inject": lambda: measured(state, values),
        }
        return Variants(calls, self.evaluations(prepared.task), prepared.task.n_samples)

    def _encoded(self, prepared: Prepared, rows: slice) -> Any:
        task = prepared.task
        return encode_qdp(prepared.features[rows], task.encoding, task.ansatz.n_qubits, self._engine)


def cuda_problem() -> str | None:
    """Why ``QdpEngine`` can't be used here, or None where it can."""
    import torch

    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return "no CUDA driver"
    return None if torch.cuda.is_available() else "torch finds no CUDA device"


def encode_qdp(features: Any, encoding: str, n_qubits: int, engine: Any | None) -> Any:
    """The states that PennyLane's embeddings make, up to a phase that all amplitudes share, encoded by QDP.

    Args:
        features: a tensor on the CPU, shape ``(rows, columns)``, already checked: a zero row would silently become a
            zero state.
        encoding: ``amplitude``, ``angle``, ``basis`` or ``iqp``.
        n_qubits: of the states.
        engine: a ``QdpEngine``, or None for the reference implementation.

    Returns:
        complex128 on the CPU, shape ``(rows, 2**n_qubits)``.

    Raises:
        UnsupportedError: QDP has no such encoding.
    """
    if encoding not in _CONVENTIONS:
        raise UnsupportedError(f"qumat_qdp has no {encoding!r} encoding; it has {', '.join(_CONVENTIONS)}")
    before, after = _CONVENTIONS[encoding]
    states = _encode(before(features), encoding, n_qubits, engine)
    return after(states, n_qubits).cpu()


def _encode(values: Any, encoding: str, n_qubits: int, engine: Any | None) -> Any:
    if engine is None:
        from qumat_qdp import torch_ref

        return torch_ref.encode(values, n_qubits, encoding)
    import torch

    return torch.from_dlpack(engine.encode(values.contiguous().numpy(), n_qubits, encoding))


def _unchanged(values: Any, *_: Any) -> Any:
    return values


def _indices(features: Any) -> Any:
    """The number that the bits of each row are: feature q is bit q."""
    import torch

    weights = 2.0 ** torch.arange(features.shape[1], dtype=features.dtype)
    return ((features >= 0.5) * weights).sum(1, keepdim=True)


def _half(features: Any) -> Any:
    return features / 2


def _to_rx(states: Any, n_qubits: int) -> Any:
    """RX(x) |0> is S^-1 RY(x) |0>: a factor of -i for each 1 in the index."""
    import torch

    index = torch.arange(1 << n_qubits, device=states.device)
    ones = sum(index >> qubit & 1 for qubit in range(n_qubits))
    phases = torch.tensor([1, -1j, -1, 1j], dtype=states.dtype, device=states.device)
    return states * phases[ones % 4]


def _iqp_phases(features: Any) -> Any:
    """Coefficients of the phase as a polynomial of the bits, which is how QDP takes it: first linear, then in pairs.

    With s = 1 - 2 b the phase - (sum x_i s_i + sum x_i x_j s_i s_j) / 2 is a constant plus the sum of
    x_i (1 + sum over j of x_j, j not i) b_i, less that of 2 x_i x_j b_i b_j.
    """
    import torch

    linear = features * (1 + features.sum(1, keepdim=True) - features)
    pairs = [-2 * features[:, i : i + 1] * features[:, j : j + 1] for i, j in combinations(range(features.shape[1]), 2)]
    return torch.cat([linear, *pairs], dim=1)


def _without_last_layer(states: Any, n_qubits: int) -> Any:
    """Hadamard gates on all qubits once more, which undoes the last layer."""
    import torch

    shape = states.shape
    for qubit in range(n_qubits):
        pairs = states.reshape(shape[0], -1, 2, 1 << qubit)
        low, high = pairs[:, :, 0], pairs[:, :, 1]
        states = torch.stack([low + high, low - high], dim=2)
    return states.reshape(shape) * 2.0 ** (-n_qubits / 2)


_CONVENTIONS: Mapping[str, tuple[Callable[[Any], Any], Callable[[Any, int], Any]]] = {
    "amplitude": (_unchanged, _unchanged),
    "angle": (_half, _to_rx),
    "basis": (_indices, _unchanged),
    "iqp": (_iqp_phases, _without_last_layer),
}
"""Encoding -> what QDP takes for a row of features, and what makes PennyLane's state of what it returns."""
