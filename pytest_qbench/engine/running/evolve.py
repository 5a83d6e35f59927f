"""States in memory, and their evolution.

All states of a batch lie one after another in one flat buffer. Because the first axis of every view is open (see
:mod:`~pytest_qbench.engine.compiling.layout`), a step acts on one state and on a batch by the very same calls.

A step works in place where it can. A matrix product and a move can't: they write into a second buffer, which then
becomes the state, while the old one serves the next such step. So two buffers are all that an evolution takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property

import torch

from pytest_qbench.engine.running.workers import MAX_WORKERS, threads_for


class BufferPool:
    """Keeps buffers that are not in use, so that runs do not allocate memory again and again.

    Fresh memory is slow (the system clears each page on its first use): at 22 qubits a product into a new buffer
    takes twice as long as one into an old one.
    """

    def __init__(self, dtype: torch.dtype, device: torch.device) -> None:
        self.dtype = dtype
        self.device = device
        self._free: list[torch.Tensor] = []

    @cached_property
    def of_workers(self) -> list[BufferPool]:
        """Pools for buffers of a smaller size, one for each thread that works on chunks."""
        return [BufferPool(self.dtype, self.device) for _ in range(MAX_WORKERS)]

    def take(self, size: int) -> torch.Tensor:
        """A buffer of at least ``size`` amplitudes with any content. Free ones that are too small are dropped."""
        while self._free:
            buffer = self._free.pop()
            if buffer.numel() >= size:
                return buffer
        return torch.empty(size, dtype=self.dtype, device=self.device)

    def give(self, buffer: torch.Tensor) -> None:
        """Return a buffer."""
        self._free.append(buffer)


class Register:
    """A batch of states of n qubits in a buffer of a pool.

    Attributes:
        rows: the number of states.
        size: the amplitudes of one state, ``2**n``.
        amplitudes: all of them, shape ``(rows * size,)``.
    """

    def __init__(self, pool: BufferPool, rows: int, size: int) -> None:
        """Take a buffer for ``rows`` states; their content is undefined."""
        self.pool = pool
        self.rows = rows
        self.size = size
        self._buffer: torch.Tensor | None = pool.take(rows * size)
        self.amplitudes = self._buffer[: rows * size]

    @classmethod
    def zero_state(cls, pool: BufferPool, size: int) -> Register:
        """One state with all qubits 0."""
        register = cls(pool, 1, size)
        register.amplitudes.zero_()
        register.amplitudes[0] = 1
        return register

    def table(self) -> torch.Tensor:
        """The amplitudes as a table of states, shape ``(rows, size)``."""
        return self.amplitudes.view(self.rows, self.size)

    def rewrite(self, write: Callable[[torch.Tensor], object]) -> None:
        """Let ``write`` fill a second buffer of the same shape, which then takes the place of this one's."""
        buffer = self.pool.take(self.amplitudes.numel())
        amplitudes = buffer[: self.amplitudes.numel()]
        write(amplitudes)
        self.release()
        self._buffer, self.amplitudes = buffer, amplitudes

    def append(self, sources: torch.Tensor) -> None:
        """Append copies of the states in the rows ``sources``, in place where the buffer has room for them."""
        rows, size = self.rows + len(sources), self.size
        buffer = self._buffer
        if buffer is None or buffer.numel() < rows * size:
            buffer = self.pool.take(1 << (rows * size - 1).bit_length())  # with room for the next ones
            buffer[: self.amplitudes.numel()].copy_(self.amplitudes)
            self.release()
            self._buffer = buffer
        table = buffer[: rows * size].view(rows, size)
        torch.index_select(table[: self.rows], 0, sources, out=table[self.rows :])
        self.rows, self.amplitudes = rows, table.view(-1)

    def replace(self, amplitudes: torch.Tensor) -> None:
        """Let ``amplitudes`` from elsewhere take the place of this register's, until something is written anew.

        Their memory does not go to the pool: whoever allocates it time and again is served best if it is soon free.
        """
        self.release()
        self._buffer, self.amplitudes = None, amplitudes

    def release(self) -> None:
        """Give the buffer back; the register must not be used any more."""
        if self._buffer is not None:
            self.pool.give(self._buffer)


Kernel = Callable[[Register], None]
"""A step with its numbers on the device, ready to be applied."""


def evolve(register: Register, kernels: Iterable[Kernel]) -> None:
    """Apply ``kernels`` to all states of ``register``."""
    with threads_for(register.amplitudes.numel()):
        for kernel in kernels:
            kernel(register)
