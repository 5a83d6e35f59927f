"""Applying steps to states: the torch part of the engine's inner loop.

All states of a batch lie one after another in one flat buffer. Because the first axis of every view is open (see
:mod:`~pytest_qbench.engine.layout`), a step acts on one state and on a batch by the very same calls.

A step works in place where it can. A matrix product and a move can't: they write into a second buffer, which then
becomes the state, while the old one serves the next such step. So two buffers are all that an evolution takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import singledispatch

import torch

from pytest_qbench.engine.steps import Complex, Dense, Diagonal, Exchange, Move, Scale, Step

_ONE_THREAD = 1 << 16
"""Matrix products on fewer amplitudes are faster on one thread than on two, and much faster on a busy machine."""


class BufferPool:
    """Keeps buffers that are not in use, so that runs do not allocate memory again and again.

    Fresh memory is slow (the system clears each page on its first use): at 22 qubits a product into a new buffer
    takes twice as long as one into an old one.
    """

    def __init__(self, dtype: torch.dtype, device: torch.device) -> None:
        self.dtype = dtype
        self.device = device
        self._free: list[torch.Tensor] = []

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
        self._buffer = pool.take(rows * size)
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

    def release(self) -> None:
        """Give the buffer back; the register must not be used any more."""
        self.pool.give(self._buffer)


Kernel = Callable[[Register], None]
"""A step with its numbers on the device, ready to be applied."""


def evolve(register: Register, kernels: Iterable[Kernel]) -> None:
    """Apply ``kernels`` to all states of ``register``."""
    with _threads_for(register):
        for kernel in kernels:
            kernel(register)


@contextmanager
def _threads_for(register: Register) -> Iterator[None]:
    """Keep a short register on one thread: it is done before a second one has woken up."""
    threads = torch.get_num_threads()
    if register.amplitudes.numel() >= _ONE_THREAD or threads == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@singledispatch
def bind(step: Step, pool: BufferPool) -> Kernel:
    """The kernel of a step for the device and precision of ``pool``."""
    raise TypeError(f"no kernel for {type(step).__name__}")


@bind.register
def _(step: Dense, pool: BufferPool) -> Kernel:
    matrix = _tensor(step.matrix, pool)
    k, inner = matrix.shape[0], 1 << step.low
    transposed = matrix.T

    def bottom(register: Register) -> None:
        old = register.amplitudes.view(-1, k)
        register.rewrite(lambda new: torch.mm(old, transposed, out=new.view(-1, k)))

    def middle(register: Register) -> None:
        old = register.amplitudes.view(-1, k, inner)
        matrices = matrix.expand(old.shape[0], k, k)
        register.rewrite(lambda new: torch.bmm(matrices, old, out=new.view(-1, k, inner)))

    return bottom if inner == 1 else middle


@bind.register
def _(step: Diagonal, pool: BufferPool) -> Kernel:
    factors = _tensor(step.factors, pool)

    def kernel(register: Register) -> None:
        register.amplitudes.view(step.shape).mul_(factors)

    return kernel


@bind.register
def _(step: Scale, pool: BufferPool) -> Kernel:
    def kernel(register: Register) -> None:
        register.amplitudes.view(step.shape)[step.index].mul_(step.factor)

    return kernel


@bind.register
def _(step: Exchange, pool: BufferPool) -> Kernel:
    def kernel(register: Register) -> None:
        view = register.amplitudes.view(step.shape)
        first, second = view[step.first], view[step.second]
        buffer = pool.take(first.numel())
        kept = buffer[: first.numel()].view(first.shape)
        kept.copy_(first)
        first.copy_(second)
        second.copy_(kept)
        pool.give(buffer)

    return kernel


@bind.register
def _(step: Move, pool: BufferPool) -> Kernel:
    def kernel(register: Register) -> None:
        moved = register.amplitudes.view(step.shape).permute(step.permutation)
        register.rewrite(lambda new: new.view(moved.shape).copy_(moved))

    return kernel


def _tensor(array: Complex, pool: BufferPool) -> torch.Tensor:
    # The copy is the tensor's own: cached gate matrices are shared and read-only.
    return torch.from_numpy(array.copy()).to(device=pool.device, dtype=pool.dtype)
