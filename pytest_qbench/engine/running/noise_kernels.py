"""The kernels of noise operations: which errors happen to branches, and what they do to these."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from pytest_qbench.engine.compiling.layout import run_shape
from pytest_qbench.engine.compiling.steps import Misread, Noise
from pytest_qbench.engine.running.branches import Branches, Rows, Split, Weighting
from pytest_qbench.engine.running.evolve import BufferPool, Register
from pytest_qbench.engine.running.outcomes import Outcomes
from pytest_qbench.engine.running.trajectories import Kinds, Offspring, Progress

_CHUNK_BYTES = 1 << 22
"""States are changed by errors so many at a time: temporaries stay small and in the cache."""


def misread(outcomes: Outcomes, operations: Sequence[Misread], split: Split) -> Outcomes:
    """Flip bits of ``outcomes`` by chance, dividing their weights. Equal outcomes may come back apart."""
    bits, weights = outcomes.bits, outcomes.weights
    for operation in operations:
        flipped = split(weights, _flip_chances(operation)[bits[:, operation.bit]])
        some = np.flatnonzero(flipped)
        flipped_bits = bits[some]
        flipped_bits[:, operation.bit] ^= 1
        bits, weights = np.concatenate([bits, flipped_bits]), np.concatenate([weights - flipped, flipped[some]])
        if len(weights) > 2 * len(outcomes.weights):
            outcomes = Outcomes.merged([Outcomes(bits, weights)])
            bits, weights = outcomes.bits, outcomes.weights
    some = np.flatnonzero(weights)
    return Outcomes(bits[some], weights[some])


class MisreadKernel:
    """The kernel of a ``Misread`` operation: a noise operation with a single channel."""

    n_channels = 1

    def __init__(self, operation: Misread) -> None:
        self.guard = operation.guard
        self._bit = operation.bit
        self._chances = _flip_chances(operation)

    def offspring(self, branches: Branches, progress: Progress, weighting: Weighting) -> Offspring | None:
        """The branches whose bit flips, and the others."""
        rows = np.flatnonzero(progress == 0)
        flipped = weighting.split(branches.weights[rows], self._chances[branches.memory[rows, self._bit]])
        some = np.flatnonzero(flipped)
        return Offspring.of(branches, [(rows[some], np.zeros_like(some), flipped[some], np.ones_like(some))], 1)

    def strike(self, branches: Branches, rows: Rows, errors: Kinds) -> None:
        """Flip the bit."""
        branches.memory[rows, self._bit] ^= 1

    def finish(self, branches: Branches) -> None:
        """There is nothing to do."""


class NoiseKernel:
    """The kernel of a ``Noise`` operation. Its errors are numbered through all channels."""

    def __init__(self, operation: Noise, pool: BufferPool) -> None:
        """Bring what it takes to the device of ``pool``."""
        errors = [error for channel in operation.channels for error in channel]
        self.guard = operation.guard
        self.n_channels = len(operation.channels)
        self._normalise = operation.normalise
        self._channel = np.repeat(np.arange(self.n_channels), [len(channel) for channel in operation.channels])
        self._any, self._first = _chances(self._channel, np.array([error.chance for error in errors]), self.n_channels)

        # An error acts as later @ (factors * earlier[sources]): it permutes amplitudes and multiplies them.
        index = np.arange(1 << len(operation.positions))
        flips, signs, self._decays = (
            np.array([getattr(error, name) for error in errors])[:, np.newaxis] for name in ("flips", "signs", "decays")
        )
        sources = index ^ flips
        factors = np.where(sources & self._decays == self._decays, 1.0 - 2.0 * _parity(sources & signs), 0.0)
        earlier = np.linalg.inv(operation.later) if self._decays.any() else operation.later.conj().swapaxes(1, 2)
        for error, channel in zip(errors, self._channel, strict=True):
            if error.decays:  # the amplitudes for 1 have been shortened by the channel itself
                earlier[channel, index & error.decays != 0] /= math.sqrt(1 - error.chance)
        self._later, self._earlier, self._factors = (
            torch.from_numpy(array).to(device=pool.device, dtype=pool.dtype)
            for array in (operation.later, earlier, factors[:, :, np.newaxis])
        )
        self._sources = torch.from_numpy(sources).to(pool.device)
        self._is_one = torch.from_numpy(index & self._decays != 0).to(pool.device)

        # The first axis of the view is for the rows, the next for the positions above the listed ones.
        self._shape, runs = run_shape(operation.positions)
        others = [axis for axis in range(len(self._shape)) if axis not in runs]
        self._order = [0, *(axis + 1 for axis in (*runs, *others))]

    def offspring(self, branches: Branches, progress: Progress, weighting: Weighting) -> Offspring | None:
        """The branches that get an error, each the next one after its ``progress``, and the others."""
        found = []
        rows = np.flatnonzero(progress < self.n_channels)
        weights, progress = branches.weights[rows], progress[rows]
        while len(rows):
            struck = weighting.split(weights, self._any[progress])
            some = np.flatnonzero(struck)
            if not len(some):
                break
            index, errors, weights = weighting.share(torch.from_numpy(self._first[progress[some]]), struck[some])
            rows, progress = rows[some][index], self._channel[errors] + 1
            happened = weights.copy()
            decays = np.flatnonzero(self._decays[errors])
            if len(decays):
                ones = self._ones(branches.register, rows[decays], errors[decays])
                happened[decays] = weighting.split(weights[decays], ones)
            hit = np.flatnonzero(happened)
            found.append((rows[hit], errors[hit], happened[hit], progress[hit]))
            # What might have decayed but was spared goes on to the next channels.
            np.subtract(weights, happened, out=weights)
            rest = np.flatnonzero((weights > 0) & (progress < self.n_channels))
            rows, weights, progress = rows[rest], weights[rest], progress[rest]
        return Offspring.of(branches, found, self.n_channels)

    def strike(self, branches: Branches, rows: Rows, errors: Kinds) -> None:
        """Replace states by what they would be if the error had happened in its place; a decay shortens them."""
        inverse = np.argsort(self._order).tolist()
        for where, kinds, channels in self._chunks(branches.register, rows, errors):
            view = self._view(branches.register)
            blocks = self._blocks(view, where)
            matrices = self._earlier[channels[:, np.newaxis], self._sources[kinds]] * self._factors[kinds]
            changed = torch.bmm(torch.bmm(self._later[channels], matrices), blocks)
            view[where] = changed.view(len(where), *[view.shape[axis] for axis in self._order[1:]]).permute(inverse)

    def finish(self, branches: Branches) -> None:
        """Make the states unit vectors where that is due."""
        if self._normalise:
            table = branches.register.table()
            table /= _norms(table, 1)[:, np.newaxis]

    def _ones(self, register: Register, rows: Rows, errors: Kinds) -> NDArray[np.float64]:
        """The probability, for each state, that the qubit of a decay was 1 in its place."""
        probabilities = []
        for where, kinds, channels in self._chunks(register, rows, errors):
            squares = _norms(torch.bmm(self._earlier[channels], self._blocks(self._view(register), where)), 2).square()
            probabilities.append((squares * self._is_one[kinds]).sum(dim=1) / squares.sum(dim=1))
        ones: NDArray[np.float64] = torch.cat(probabilities).cpu().double().numpy()
        return ones

    def _chunks(self, register: Register, rows: Rows, errors: Kinds) -> Iterator[tuple[torch.Tensor, ...]]:
        """Rows, errors and channels of these, some at a time, on the device."""
        row_bytes = register.amplitudes.itemsize * max(register.size, self._later[0].numel())
        size = max(1, _CHUNK_BYTES // row_bytes)
        device = register.amplitudes.device
        for start in range(0, len(rows), size):
            part = slice(start, start + size)
            arrays = (rows[part], errors[part], self._channel[errors[part]])
            yield tuple(torch.from_numpy(array).to(device) for array in arrays)

    def _view(self, register: Register) -> torch.Tensor:
        above = register.size // math.prod(self._shape[1:])
        return register.amplitudes.view(register.rows, above, *self._shape[1:])

    def _blocks(self, view: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        """Some states with the index of the operation's qubits apart, shape ``(rows, 2**k, 2**(n - k))``."""
        return view.permute(self._order).index_select(0, rows).view(len(rows), self._later.shape[1], -1)


def _norms(amplitudes: torch.Tensor, n_axes: int) -> torch.Tensor:
    """The norms over all but the first ``n_axes`` axes (torch takes long over those of complex numbers)."""
    return torch.linalg.vector_norm(torch.view_as_real(amplitudes).flatten(n_axes), dim=n_axes)


def _flip_chances(operation: Misread) -> NDArray[np.float64]:
    return np.array([operation.false_one, operation.false_zero])


def _parity(numbers: NDArray[np.intp]) -> NDArray[np.intp]:
    """1 for numbers with an odd number of ones in their lowest 16 bits, else 0."""
    for shift in (8, 4, 2, 1):
        numbers = numbers ^ numbers >> shift
    return numbers & 1


def _chances(
    channel: NDArray[np.intp], chances: NDArray[np.float64], n_channels: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The probabilities of what happens next.

    Args:
        channel, chances: the channel of each error, and its probability there.

    Returns:
        for each channel, the probability of any error from there on, shape ``(channels + 1,)``; and the probability
        of each error to be the first from there on, shape ``(channels, errors)``.
    """
    logs = np.concatenate([[0.0], np.cumsum(np.log1p(-np.bincount(channel, chances, n_channels)))])
    none_between = np.exp(np.minimum(logs[channel] - logs[:-1, np.newaxis], 0))
    is_ahead = channel >= np.arange(n_channels)[:, np.newaxis]
    return -np.expm1(logs[-1] - logs), np.where(is_ahead, chances * none_between, 0)
