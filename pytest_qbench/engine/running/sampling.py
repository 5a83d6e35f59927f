"""From amplitudes to outcomes.

All shots are drawn at once by inversion: the probabilities are summed up to a cumulative distribution, and each
shot is a uniform number looked up in it. That is exact for any distribution, and once the sum is there a shot costs
next to nothing. Where there are more shots than outcomes, it is cheaper to draw how often each outcome comes. Sums
are taken in double precision whatever the precision of the state: in single precision the tail of a sum over
2**24 terms would vanish.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray

from pytest_qbench.engine.compiling.layout import run_shape
from pytest_qbench.engine.running.evolve import Register
from pytest_qbench.engine.running.workers import in_parts

_CHUNK = {"cpu": 1 << 16, "cuda": 1 << 24}
"""Amplitudes squared at a time: few enough for temporaries to stay in a cache, or to be small."""

_MANY = 4
"""With so many shots per outcome their numbers are drawn: a binomial number costs about as much as so many lookups."""


@contextmanager
def squared_magnitudes(register: Register) -> Iterator[torch.Tensor]:
    """The squared magnitudes of the amplitudes, float64 of shape ``(rows, size)``.

    They lie in a buffer of the pool, which takes it back at the end of the ``with`` block. Metal has no double
    precision, so that there they are computed on the host.
    """
    n = register.amplitudes.numel()
    if register.pool.device.type == "mps":
        amplitudes, buffer = register.amplitudes.cpu(), None
        squares = torch.empty(n, dtype=torch.float64)
    else:
        amplitudes, buffer = register.amplitudes, register.pool.take(n)
        squares = buffer.view(torch.float64)[:n]
    parts = torch.view_as_real(amplitudes)
    chunk = _CHUNK.get(squares.device.type, n)

    def square(some: slice) -> None:
        for start in range(some.start, some.stop, chunk):
            end = min(start + chunk, some.stop)
            real, imag = parts[start:end].double().unbind(-1)
            torch.add(real.square(), imag.square(), out=squares[start:end])

    in_parts(n, n, square, squares.device)
    yield squares.view(register.rows, register.size)
    if buffer is not None:
        register.pool.give(buffer)


def marginals(squares: torch.Tensor, positions: Collection[int], room: torch.Tensor | None = None) -> torch.Tensor:
    """Sum ``squares`` (shape ``(rows, 2**n)``) over all positions but the given ones.

    Args:
        room: a float64 buffer for the sums, which are as large as ``squares`` at the worst; allocated where there is
            none.

    Returns:
        shape ``(rows, 2**len(positions))``, little-endian in ascending positions; ``squares`` itself where there
        is nothing to sum over.
    """
    rows, size = squares.shape
    others = set(range(size.bit_length() - 1)).difference(positions)
    if not others:
        return squares
    shape, axes = run_shape(others)
    shape = (rows, size // math.prod(shape[1:]), *shape[1:])  # the batch and the open axis told apart
    axes = tuple(axis + 1 for axis in axes)
    if room is None:
        return squares.view(shape).sum(axes).reshape(rows, -1)
    sums = room[: rows << len(positions)]
    torch.sum(squares.view(shape), axes, out=sums.view([n for axis, n in enumerate(shape) if axis not in axes]))
    return sums.view(rows, -1)


def draw(
    weights: torch.Tensor, shots: NDArray[np.int64 | np.float64], rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Draw ``shots[r]`` outcomes from each row r of ``weights``, with replacement.

    Args:
        weights: float64, shape ``(rows, outcomes)``, not necessarily normalised; overwritten.
        shots: shape ``(rows,)``, how many to draw from each row; whole numbers.
        rng: where the randomness comes from. It is the host's for every device, so that a seed means the same on all.

    Returns:
        for each distinct pair that came out: its row, its outcome, and how often it came. Ascending.
    """
    rows, n_outcomes = weights.shape
    if rows == 1 and shots[0] >= _MANY * n_outcomes:
        shares = weights[0].cpu().numpy()
        # What is left over by rounding goes to the last outcome: that must be a possible one.
        possible = np.flatnonzero(shares)
        shares = shares[possible]
        drawn = rng.multinomial(int(shots[0]), shares / shares.sum())
        came = np.flatnonzero(drawn)
        return np.zeros(len(came), np.int64), possible[came], drawn[came]
    # One sum over all rows: the row r is its part from starts[r] to ends[r].
    sums = weights.reshape(-1).cumsum_(0)
    ends = sums[n_outcomes - 1 :: n_outcomes].cpu().numpy()
    starts = np.concatenate([[0.0], ends[:-1]])
    values = rng.random(int(shots.sum()))
    row = np.repeat(np.arange(rows), shots.astype(np.intp)) if rows > 1 else 0
    values += row
    values.sort()  # row by row, so that neighbours look up neighbouring memory
    values -= row
    values *= (ends - starts)[row]
    values += starts[row]
    np.minimum(values, np.nextafter(ends, 0)[row], out=values)
    del row
    # The first sum above the value: an outcome of weight zero adds nothing, so that it is never the first.
    found = torch.searchsorted(sums, torch.from_numpy(values).to(sums.device), right=True)
    index, counts = torch.unique_consecutive(found, return_counts=True)
    outcome_row, outcome = np.divmod(index.cpu().numpy(), n_outcomes)
    return outcome_row, outcome, counts.cpu().numpy()


def spell(outcomes: NDArray[np.int64], n_bits: int) -> NDArray[np.uint8]:
    """The lowest ``n_bits`` bits of each number, shape ``(outcomes, n_bits)``; column 0 is the lowest."""
    as_bytes = np.ascontiguousarray(outcomes, dtype="<i8").view(np.uint8).reshape(-1, 8)
    return np.unpackbits(as_bytes, axis=1, count=n_bits, bitorder="little")
