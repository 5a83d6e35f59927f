"""Encoded states of all samples, kept in one preallocated array: encode once, evaluate many times.

Where the states are real (amplitude and basis encoding) real numbers are stored: half the memory, and nothing lost. A
cache that would take more memory than it may is refused before anything is allocated, unless it may spill to disk.
"""

from __future__ import annotations

import mmap
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from pytest_qbench.gradients.encodings import Array, encode, state_dtype

CHUNK_BYTES = 1 << 22
"""What the states that are encoded at a time take by default: little beside the cache, and enough for the cost of calls
not to count."""


def required_bytes(n_qubits: int, n_samples: int, encoding: str, precision: str = "double") -> int:
    """What the states of ``n_samples`` samples take: 4 to 16 bytes for each amplitude.

    Raises:
        ValueError: there is no such encoding or precision.
    """
    return n_samples * np.dtype(state_dtype(encoding, precision)).itemsize << n_qubits


class StateCache:
    """The states of ``n_samples`` samples, row by row, in Qiskit's order.

    Rows and slices are views, without a copy; they hold until the next :meth:`encode_all`. The cache is a context
    manager that clears it at the end.
    """

    def __init__(
        self,
        n_qubits: int,
        n_samples: int,
        encoding: str,
        precision: str = "double",
        memory_limit: int | None = None,
        spill: str | os.PathLike[str] | None = None,
        chunk: int | None = None,
        device: str = "cpu",
    ) -> None:
        """Allocate the storage.

        Args:
            n_qubits: of each state.
            n_samples: how many states.
            encoding: see :func:`~pytest_qbench.gradients.encodings.encode`.
            precision: ``double`` or ``single``.
            memory_limit: bytes that the states may take in memory; None for no limit.
            spill: a folder for a temporary file where they take more; None where that is not allowed. The file has no
                name or is removed when it is closed, so that nothing is left behind even by a process that is killed.
            chunk: how many samples are encoded at a time; by default as many as :data:`CHUNK_BYTES` hold.
            device: ``cpu`` for a numpy array; a CUDA device, as torch names it, for a tensor there. States on disk
                are a numpy array on any device.

        Raises:
            MemoryError: the states take more than the limit and must not be spilled, or the disk has no room for them.
            ValueError: there is no such encoding or precision, or a number is below 1.
        """
        if min(n_qubits, n_samples, chunk or 1) < 1:
            raise ValueError("a state cache takes at least 1 qubit, 1 sample and 1 sample in a chunk")
        self.n_qubits = n_qubits
        self.n_samples = n_samples
        self.encoding = encoding
        self.precision = precision
        self.required_bytes = required_bytes(n_qubits, n_samples, encoding, precision)
        self._dtype = state_dtype(encoding, precision)
        row_bytes = self.required_bytes // n_samples
        self.chunk = chunk or max(1, CHUNK_BYTES // row_bytes)
        self._device = device
        self._spill: Path | None = None
        if memory_limit is not None and self.required_bytes > memory_limit:
            if spill is None:
                raise MemoryError(
                    f"the states of {n_samples} samples on {n_qubits} qubits take {_size(self.required_bytes)} "
                    f"({self._dtype}), and the limit is {_size(memory_limit)}: raise it, take fewer samples or single "
                    "precision, or allow spilling to disk"
                )
            self._spill = Path(spill)
        self._map: mmap.mmap | None = None
        self._states: Array = None
        self._n_encoded = 0
        self._allocate()

    @property
    def is_spilled(self) -> bool:
        """Whether the states are on disk."""
        return self._spill is not None

    @property
    def memory_bytes(self) -> int:
        """The memory that the storage takes now: 0 where it is on disk or cleared."""
        return 0 if self._states is None or self.is_spilled else self.required_bytes

    @property
    def disk_bytes(self) -> int:
        """The disk space that the storage takes now."""
        return self.required_bytes if self._states is not None and self.is_spilled else 0

    def encode_all(
        self, features: Array | str | os.PathLike[str], first: int = 0, n_rows: int | None = None
    ) -> StateCache:
        """Encode ``n_samples`` rows, chunk by chunk.

        Args:
            features: shape ``(first + n_rows or more, columns)``, or the path of a .npy file of which only a chunk is
                in memory at a time.
            first: the row to begin with: samples that do not fit may be encoded a part at a time.
            n_rows: how many rows, ``n_samples`` at most, which is the default.

        Returns:
            The cache itself.

        Raises:
            ValueError: there are fewer rows, or :func:`~pytest_qbench.gradients.encodings.encode` refuses some.
        """
        if self._states is None:
            self._allocate()
        self._n_encoded = 0
        wanted = self.n_samples if n_rows is None else n_rows
        for begin in range(0, wanted, self.chunk):
            end = min(begin + self.chunk, wanted)
            # Opened anew for each chunk: the pages of a closed map are given back.
            source = np.load(features, mmap_mode="r") if isinstance(features, str | os.PathLike) else features
            if len(source) < first + wanted:
                raise ValueError(f"there are features of {len(source)} samples, and {first + wanted} are wanted")
            out = self._states[begin:end]
            rows = source[first + begin : first + end]
            rows = rows if isinstance(out, np.ndarray) else self._on_device(rows)
            encode(rows, self.encoding, self.n_qubits, out, first_row=first + begin)
            self._forget(begin, end)
        self._n_encoded = wanted
        return self

    def get_state(self, index: int) -> Array:
        """One state, shape ``(2**n_qubits,)``: a view.

        Raises:
            IndexError: there is no such sample.
            RuntimeError: nothing is encoded.
        """
        return self.get_all()[index]

    def get_states(self, which: slice | Sequence[int]) -> Array:
        """Several states, shape ``(number, 2**n_qubits)``: a view for a slice, a copy for a list of indices.

        Raises:
            IndexError: there is no such sample.
            RuntimeError: nothing is encoded.
        """
        return self.get_all()[which]

    def get_all(self) -> Array:
        """All states that were encoded, shape ``(n_samples, 2**n_qubits)``: the storage itself.

        Raises:
            RuntimeError: nothing is encoded.
        """
        if not self._n_encoded:
            raise RuntimeError("the state cache is empty: call encode_all first")
        return self._states[: self._n_encoded]

    def chunks(self, n_rows: int) -> Iterator[tuple[slice, Array]]:
        """All states in turn, ``n_rows`` at a time, with the slice of samples; spilled ones stay in memory no longer
        than their turn.

        Raises:
            RuntimeError: nothing is encoded.
        """
        for begin in range(0, max(self._n_encoded, 1), n_rows):
            rows = slice(begin, min(begin + n_rows, self._n_encoded))
            yield rows, self.get_states(rows)
            self._forget(rows.start, rows.stop)

    def clear(self) -> None:
        """Drop the states and give the storage back, once no view of it is left; :meth:`encode_all` allocates anew."""
        self._n_encoded = 0
        self._states = self._map = None

    def __enter__(self) -> StateCache:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear()

    def _allocate(self) -> None:
        shape = (self.n_samples, 1 << self.n_qubits)
        if self._spill is not None:
            self._map = _mapped_file(self._spill, self.required_bytes)
            self._states = np.ndarray(shape, self._dtype, buffer=self._map)
        elif self._device == "cpu":
            self._states = np.empty(shape, self._dtype)
        else:
            import torch

            self._states = torch.empty(shape, dtype=getattr(torch, self._dtype), device=self._device)

    def _on_device(self, rows: Array) -> Any:
        import torch

        return torch.as_tensor(np.array(rows) if isinstance(rows, np.memmap) else rows, device=self._device)

    def _forget(self, begin: int, end: int) -> None:
        """Let the pages of spilled samples go; they stay in the file."""
        if self._map is None or not hasattr(mmap, "MADV_DONTNEED"):
            return
        row_bytes = self.required_bytes // self.n_samples
        start = -(-begin * row_bytes // mmap.PAGESIZE) * mmap.PAGESIZE
        stop = end * row_bytes // mmap.PAGESIZE * mmap.PAGESIZE
        if stop > start:
            self._map.madvise(mmap.MADV_DONTNEED, start, stop - start)


def _mapped_file(folder: Path, size: int) -> mmap.mmap:
    """A new temporary file of ``size`` bytes, mapped into memory; it is gone when the map is."""
    free = shutil.disk_usage(folder).free
    if size > free:
        # A map of a file that the disk can't hold ends in a signal, not in an error.
        raise MemoryError(f"the state cache takes {_size(size)} on disk, and {folder} has {_size(free)} free")
    with tempfile.TemporaryFile(dir=folder) as file:
        file.truncate(size)
        return mmap.mmap(file.fileno(), size)


def _size(size: int) -> str:
    return f"{size / 2**30:.2f} GiB" if size >= 2**30 else f"{size / 2**20:.1f} MiB"
