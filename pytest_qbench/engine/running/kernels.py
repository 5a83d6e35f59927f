"""Kernels: steps with their numbers on a device, ready to be applied to a register.

This is the engine's inner loop. A kernel is made once and applied in every run; all that depends on the step alone is
done when it is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache, singledispatch

import numpy as np
import torch
from numpy.typing import NDArray

from pytest_qbench.engine.compiling.steps import Choice, Complex, Dense, Diagonal, Exchange, Move, Scale, Step, Sweep
from pytest_qbench.engine.running.evolve import BufferPool, Kernel, Register
from pytest_qbench.engine.running.workers import MAX_WORKERS, in_parts, side_by_side

_MAX_RUNS = 1 << 15
"""A move looks up where so many runs come from at most; the index must stay small beside the state."""
_MAX_LINEAR = 1 << 19
"""oneDNN's product comes in memory of its own, which the allocator has at hand up to about so many amplitudes."""

Wrap = Callable[["Step", Kernel], Kernel]
"""Puts something around the kernel of a step, to observe it."""


def bound(step: Step, pool: BufferPool, wrap: Wrap | None = None) -> Kernel:
    """The kernel of a step for the device and precision of ``pool``.

    ``wrap`` goes around it, and around those within a sweep.
    """
    kernel = _sweep(step, pool, wrap) if isinstance(step, Sweep) else bind(step, pool)
    return kernel if wrap is None else wrap(step, kernel)


@singledispatch
def bind(step: Step, pool: BufferPool) -> Kernel:
    """The kernel of a step that is no sweep."""
    raise TypeError(f"no kernel for {type(step).__name__}")


@bind.register
def _(step: Dense, pool: BufferPool) -> Kernel:
    k, inner = step.matrix.shape[0], 1 << step.low
    matrix = _tensor(step.matrix, pool)
    transposed, real_part = matrix.T, matrix.real.contiguous()

    def bottom(register: Register) -> None:
        old = register.amplitudes.view(-1, k)
        register.rewrite(lambda new: torch.mm(old, transposed, out=new.view(-1, k)))

    def middle(register: Register) -> None:
        old = register.amplitudes.view(-1, k, inner)
        matrices = matrix.expand(old.shape[0], k, k)
        register.rewrite(lambda new: torch.bmm(matrices, old, out=new.view(-1, k, inner)))

    def bottom_in_single(register: Register) -> None:
        if register.amplitudes.numel() > _MAX_LINEAR:
            bottom(register)
            return
        numbers = torch.view_as_real(register.amplitudes).view(-1, 2 * k)
        register.replace(torch.view_as_complex(_linear(numbers, weights).view(-1, 2)))

    def real_middle(register: Register) -> None:
        # Real and imaginary parts side by side are columns like any others: half of the work.
        old = torch.view_as_real(register.amplitudes).view(-1, k, 2 * inner)
        matrices = real_part.expand(old.shape[0], k, k)
        register.rewrite(lambda new: torch.bmm(matrices, old, out=torch.view_as_real(new).view(-1, k, 2 * inner)))

    if inner == 1 and k > 2 and pool.dtype is torch.complex64 and pool.device.type == "cpu" and has_linear():
        weights = _as_real(matrix)
        return bottom_in_single
    if inner == 1:
        return bottom
    if np.any(step.matrix.imag):
        return middle
    return real_middle


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
        buffer = register.pool.take(first.numel())
        kept = buffer[: first.numel()].view(first.shape)
        kept.copy_(first)
        first.copy_(second)
        second.copy_(kept)
        register.pool.give(buffer)

    return kernel


@bind.register
def _(step: Move, pool: BufferPool) -> Kernel:
    run = step.shape[-1]
    runs_stay = 0 < step.permutation[-1] == len(step.shape) - 1
    indices: dict[int, torch.Tensor] = {}  # one entry: for a state, or for a chunk

    def kernel(register: Register) -> None:
        # Many axes make a strided copy slow; looking up where each run comes from does not depend on them.
        old = register.amplitudes
        n_runs = old.numel() // run
        if runs_stay and register.rows == 1 and n_runs <= _MAX_RUNS:
            if n_runs not in indices:
                indices[n_runs] = torch.from_numpy(_images(step, n_runs)).to(pool.device)
            register.rewrite(lambda new: _look_up(new.view(n_runs, run), old.view(n_runs, run), indices[n_runs]))
        else:
            moved = old.view(step.shape).permute(step.permutation)
            register.rewrite(lambda new: _copy(new.view(moved.shape), moved))

    return kernel


def _images(step: Move, n_runs: int) -> NDArray[np.intp]:
    """For each run of a moved state of ``n_runs`` runs, the run that goes there."""
    runs = np.arange(n_runs).reshape(step.shape[:-1])
    return np.ascontiguousarray(runs.transpose(step.permutation[:-1])).ravel()


def _sweep(step: Sweep, pool: BufferPool, wrap: Wrap | None) -> Kernel:
    size = 1 << step.n_bits
    choices = [_choice(inner, pool, wrap) for inner in step.steps]

    def kernel(register: Register) -> None:
        side_by_side(enumerate(register.amplitudes.view(-1, size)), work)

    def work(chunks: Iterable[tuple[int, torch.Tensor]], worker: int) -> None:
        chunk = Register(pool.of_workers[worker], 1, size)
        for index, amplitudes in chunks:
            chunk.amplitudes.copy_(amplitudes)
            for choose in choices:
                if (chosen := choose(index)) is not None:
                    chosen(chunk)
            amplitudes.copy_(chunk.amplitudes)
        chunk.release()

    return kernel


def _choice(step: Step | Choice, pool: BufferPool, wrap: Wrap | None) -> Callable[[int], Kernel | None]:
    """What tells the kernel for the chunk of a given index."""
    if not isinstance(step, Choice):
        kernel = bound(step, pool, wrap)
        return lambda index: kernel
    kernels = [None if inner is None else bound(inner, pool, wrap) for inner in step.steps]
    bits = step.bits
    return lambda index: kernels[sum((index >> bit & 1) << i for i, bit in enumerate(bits))]


def _look_up(target: torch.Tensor, source: torch.Tensor, index: torch.Tensor) -> None:
    """Row i of ``target`` becomes row ``index[i]`` of ``source``."""

    def part(rows: slice) -> None:
        torch.index_select(source, 0, index[rows], out=target[rows])

    in_parts(len(index), target.numel(), part, target.device)


def _copy(target: torch.Tensor, source: torch.Tensor) -> None:
    """Copy ``source`` to ``target``, in parts along the first axis that is long enough for all threads, if any is."""
    sizes = source.shape[:-1] or source.shape
    axis = next((axis for axis, size in enumerate(sizes) if size >= MAX_WORKERS), sizes.index(max(sizes)))

    def part(some: slice) -> None:
        length = some.stop - some.start
        target.narrow(axis, some.start, length).copy_(source.narrow(axis, some.start, length))

    in_parts(source.shape[axis], source.numel(), part, source.device)


def _linear(rows: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Each row times the transposed ``weights``, float32, by oneDNN.

    It uses the widest vectors of any CPU, where the BLAS that torch is built with may not: it was 2.3 times faster
    on one with AVX-512 that is not Intel's. Torch has no public name for it.
    """
    product: torch.Tensor = torch.ops.mkldnn._linear_pointwise(rows, weights, None, "none", [], "")
    return product


@lru_cache(maxsize=1)
def has_linear() -> bool:
    """Whether this torch has :func:`_linear`, and it computes what is expected."""
    rows, weights = torch.linspace(-1, 1, 1024).view(64, 16), torch.linspace(-1, 2, 256).view(16, 16)
    try:
        return bool(torch.allclose(_linear(rows, weights), rows @ weights.T, atol=1e-5))
    except (AttributeError, RuntimeError, TypeError):
        return False


def _as_real(matrix: torch.Tensor) -> torch.Tensor:
    """The matrix that does to (real, imaginary) pairs what ``matrix`` does to complex numbers."""
    real, imag = matrix.real, matrix.imag
    pairs = torch.stack([torch.stack([real, -imag], -1), torch.stack([imag, real], -1)], 1)
    return pairs.reshape(2 * matrix.shape[0], 2 * matrix.shape[1]).contiguous()


def _tensor(array: Complex, pool: BufferPool) -> torch.Tensor:
    # The copy is the tensor's own: cached gate matrices are shared and read-only.
    return torch.from_numpy(array.copy()).to(device=pool.device, dtype=pool.dtype)
