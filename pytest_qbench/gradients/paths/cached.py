"""Paths that encode all samples once, into a :class:`StateCache`, and hand over many states at a time.

What they have in common: features, cache, chunks and the split of time. Standard library only at import.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from pytest_qbench.backends.base import Description, UnavailableError
from pytest_qbench.backends.native import NativeBackend
from pytest_qbench.gradients.paths.base import GradientPath, Variants
from pytest_qbench.gradients.task import GradientTask

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pytest_qbench.gradients.state_cache import StateCache

CALL_BYTES = {"cpu": 1 << 26, "cuda": 1 << 30}
"""What the states of one call take as amplitudes, by kind of device: enough that the cost of a call does not count, and
little beside the cache. The engine divides them further."""

WORK_CALLS = 3
"""What computing takes beside the cache, in states of a call: those themselves as amplitudes, and the engine's own."""

LOADED_BYTES = 1 << 26
"""Features that take more stay in their file and are read in chunks, so that not all of them are in memory beside the
states."""


class Circuit(Protocol):
    """A circuit, its parameters and an observable, ready to run. States are in rows, in a tensor or a numpy array."""

    def gradients(self, states: Any) -> Any:
        """The gradients, a tensor of shape ``(rows, parameters)``."""

    def measurements(self, states: Any) -> Callable[[], object]:
        """A call that measures with no gate before, as often as :meth:`gradients` does: ``states`` the first time."""


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A task with what it needs. ``features`` are in memory or a path; ``call_rows`` is the states of a call."""

    task: GradientTask
    circuit: Circuit
    cache: StateCache
    features: NDArray[np.float64] | str
    call_rows: int


class CachedPath(GradientPath):
    """A path that encodes once. Subclasses make a :class:`Circuit` of a task.

    Before a run nothing is encoded; a run encodes all samples and takes the gradients of one call after another, so
    that in memory there are the cache, the features (or a chunk of them), the gradients and a call's states. Where the
    states of all samples do not fit into the memory limit and must not be spilled, that is done for one part of the
    samples after another.
    """

    method: ClassVar[str]
    """What a row says of how it works."""

    def __init__(self, options: Mapping[str, Any], threads: int) -> None:
        # The engine's adapter knows whether torch and its devices are there, and what to say of them.
        self._device: str = options["device"]
        if self._device not in CALL_BYTES:
            raise UnavailableError(f"device={self._device}: gradients are computed on {' or '.join(CALL_BYTES)}")
        self._torch = NativeBackend(options, threads)
        self._prepared: list[Prepared] = []

    @abstractmethod
    def circuit(self, task: GradientTask) -> Circuit:
        """Plan the circuit of ``task``."""

    def describe(self) -> Description:
        """Versions, device and threads of torch."""
        return replace(self._torch.describe(), method=self.method)

    def prepare(self, task: GradientTask) -> Prepared:
        """Plan the circuit, allocate the cache and load the features unless they are large.

        Raises:
            MemoryError: not even the states of one call are within the task's limit.
            UnsupportedError: the path can't do this task.
        """
        from pytest_qbench.gradients.state_cache import StateCache

        call_rows = max(1, CALL_BYTES[self._device] // state_bytes(task))
        cache = StateCache(
            task.ansatz.n_qubits,
            self._cached_rows(task, call_rows),
            task.encoding,
            task.precision,
            task.memory_limit,
            task.spill,
            device=self._device,
        )
        features = _loaded(task.features, task.n_samples)
        prepared = Prepared(task, self.circuit(task), cache, features, min(call_rows, task.n_samples))
        # The first call plans and warms up.
        prepared.circuit.gradients(zero_states(task, 1, self._device))
        self._prepared.append(prepared)
        return prepared

    def run(self, prepared: Prepared) -> Any:
        """Encode all samples, then the gradients of one call after another; a tensor on the device."""
        import torch

        task = prepared.task
        cache = prepared.cache
        dtype = torch.float64 if task.precision == "double" else torch.float32
        result = torch.empty(task.n_samples, task.ansatz.n_parameters, dtype=dtype, device=self._device)
        for first in range(0, task.n_samples, cache.n_samples):
            part = result[first : first + cache.n_samples]
            cache.encode_all(prepared.features, first, len(part))
            for rows, states in cache.chunks(prepared.call_rows):
                part[rows] = prepared.circuit.gradients(states)
        self.synchronize()
        return result

    def _cached_rows(self, task: GradientTask, call_rows: int) -> int:
        """The samples whose states are in memory at a time: all, or as many as fit beside everything else."""
        if task.memory_limit is None or task.spill is not None or self._device != "cpu":
            return task.n_samples
        import psutil

        from pytest_qbench.gradients.state_cache import required_bytes

        gradients = 8 * task.n_samples * task.ansatz.n_parameters
        room: int = task.memory_limit - psutil.Process().memory_info().rss - gradients - WORK_CALLS * CALL_BYTES["cpu"]
        row_bytes = required_bytes(task.ansatz.n_qubits, 1, task.encoding, task.precision)
        return min(task.n_samples, max(call_rows, room // row_bytes))

    def gradients(self, result: Any) -> NDArray[np.float64]:
        """Copy them to the host."""
        gradients: NDArray[np.float64] = result.double().cpu().numpy()
        return gradients

    def variants(self, prepared: Prepared) -> Variants:
        """The stages of one call; a run of more samples than a call takes is so many units.

        To inject is to take states as they are in the cache into the work, ``null`` to measure zero states as many
        times as the gradients measure.
        """
        from pytest_qbench.gradients.state_cache import StateCache

        task = prepared.task
        units = -(-task.n_samples // prepared.call_rows)
        n_rows = -(-task.n_samples // units)
        cache = StateCache(task.ansatz.n_qubits, n_rows, task.encoding, task.precision, device=self._device)
        features = _loaded(task.features, n_rows)
        cache.encode_all(features)
        zero = zero_states(task, n_rows, self._device)

        def encode() -> None:
            cache.encode_all(features)

        def states() -> object:
            return prepared.circuit.gradients(cache.get_all())

        def after(*steps: Callable[[], object]) -> Callable[[], object]:
            def call() -> None:
                for step in steps:
                    step()
                self.synchronize()

            return call

        null, inject = prepared.circuit.measurements(zero), prepared.circuit.measurements(cache.get_all())
        calls = {
            "full": after(encode, states),
            "states": after(states),
            "body": after(lambda: prepared.circuit.gradients(zero)),
            "null": after(null),
            "encode": after(encode, inject),
            "inject": after(inject),
        }
        return Variants(calls, units)

    def synchronize(self) -> None:
        """Wait for the device."""
        self._torch.synchronize()

    def device_peak_bytes(self) -> int | None:
        """The peak of torch's allocations on the device, which are all there are of states."""
        return self._torch.device_peak_bytes()

    def close(self) -> None:
        """Drop the caches."""
        for prepared in self._prepared:
            prepared.cache.clear()
        self._prepared.clear()


def state_bytes(task: GradientTask) -> int:
    """What a state takes as amplitudes."""
    return (16 if task.precision == "double" else 8) << task.ansatz.n_qubits


def zero_states(task: GradientTask, n_rows: int, device: str) -> Any:
    """``n_rows`` states with all qubits 0, a tensor of amplitudes."""
    import torch

    dtype = torch.complex128 if task.precision == "double" else torch.complex64
    states = torch.zeros(n_rows, 1 << task.ansatz.n_qubits, dtype=dtype, device=device)
    states[:, 0] = 1
    return states


def _loaded(path: str, n_samples: int) -> NDArray[np.float64] | str:
    """The features of the first samples, or the path itself where they are large."""
    import numpy as np

    rows = np.load(path, mmap_mode="r")[:n_samples]
    return path if rows.nbytes > LOADED_BYTES else np.array(rows, np.float64)
