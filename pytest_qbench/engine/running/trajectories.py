"""Noise, the part at run time: quantum trajectories of many shots at once.

The method is that of Monte Carlo wave functions (Dalibard, Castin and Molmer, Phys. Rev. Lett. 68, 580, 1992): a noisy
state is a mixture of pure ones, and each shot follows one of these, taking one Kraus operator of each channel by
chance. Here the shots of a branch are divided among the operators together. Those without an error stay what they
are, so that the most frequent course is a single branch however many shots take it; only branches that get an error
are copied and changed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pytest_qbench.engine.running.branches import Branches, Rows, Weighting, Weights

Kinds: TypeAlias = NDArray[np.intp]
"""Which error each of some branches has."""
Progress: TypeAlias = NDArray[np.intp]
"""Through how many channels of a noise operation each of some branches has gone."""

_NO_ERROR = -1


@dataclass(frozen=True, slots=True, eq=False)
class Offspring:
    """What becomes of branches up to the next error of each; no state is computed yet.

    Attributes (one entry per new branch; those without an error come first):
        parents: the row of the branch it comes from.
        errors: the error that it has, or -1.
        weights: its share of the branch's weight.
        progress: through how many channels of the operation it has gone.
    """

    parents: Rows
    errors: Kinds
    weights: Weights
    progress: Progress

    @classmethod
    def of(
        cls, branches: Branches, found: Iterable[tuple[Rows, Kinds, Weights, Progress]], n_channels: int
    ) -> Offspring | None:
        """The offspring with the errors ``found`` (parents, errors, weights, progress), and what is left without; None
        where there is none."""
        found = [columns for columns in found if len(columns[0])]
        if not found:
            return None
        parents, errors, weights, progress = (np.concatenate(column) for column in zip(*found, strict=True))
        left = branches.weights.copy()
        np.subtract.at(left, parents, weights)
        kept = np.flatnonzero(left > 0)
        return cls(
            np.concatenate([kept, parents]),
            np.concatenate([np.full(len(kept), _NO_ERROR), errors]),
            np.concatenate([left[kept], weights]),
            np.concatenate([np.full(len(kept), n_channels), progress]),
        )

    def __len__(self) -> int:
        return len(self.parents)

    def parts(self, limit: int) -> list[Offspring]:
        """In parts of at most ``limit`` branches, the lightest branches first. With more than one, no part but the
        last has more than half of the weight."""
        descending = np.argsort(-self.weights, kind="stable")
        parts = np.array_split(descending, math.ceil(len(self) / limit))  # the first ones may be one longer
        return [self._select(np.sort(part)) for part in reversed(parts)]

    def _select(self, which: NDArray[np.intp]) -> Offspring:
        return Offspring(self.parents[which], self.errors[which], self.weights[which], self.progress[which])


class Channels(Protocol):
    """A noise operation, bound to a device."""

    guard: int | None
    n_channels: int

    def offspring(self, branches: Branches, progress: Progress, weighting: Weighting) -> Offspring | None:
        """What becomes of branches that have gone through ``progress`` channels each; None if there is no error."""

    def strike(self, branches: Branches, rows: Rows, errors: Kinds) -> None:
        """Let ``errors`` happen to the branches in ``rows``."""

    def finish(self, branches: Branches) -> None:
        """What is to be done once all branches have gone through all channels."""


def spread(
    branches: Branches, channels: Channels, weighting: Weighting, limit: int, progress: Progress | None = None
) -> Iterator[tuple[Branches, bool]]:
    """Take ``branches`` (and use them up) through a noise operation.

    Where there come to be more than ``limit``, the lighter ones go ahead: whoever asks for the next batch has to be
    done with the one before.

    Yields:
        the branches that come of it, at most ``limit`` at a time, and whether these are the last.
    """
    if progress is None:
        progress = np.full(len(branches.weights), channels.n_channels)
        progress[branches.guarded(channels.guard)] = 0
    while (offspring := channels.offspring(branches, progress, weighting)) is not None:
        if len(offspring) <= limit:
            progress = _extend(branches, offspring, channels)
            continue
        *lighter, rest = offspring.parts(limit)
        for part in lighter:
            for batch, _ in spread(_copied(branches, part, channels), channels, weighting, limit, part.progress):
                yield batch, False
        parents, branches, progress = branches, _copied(branches, rest, channels), rest.progress
        parents.release()
    channels.finish(branches)
    yield branches, True


def _copied(branches: Branches, offspring: Offspring, channels: Channels) -> Branches:
    """The branches that ``offspring`` stands for."""
    new = branches.copied(offspring.parents, offspring.weights)
    struck = np.flatnonzero(offspring.errors != _NO_ERROR)
    channels.strike(new, struck, offspring.errors[struck])
    return new


def _extend(branches: Branches, offspring: Offspring, channels: Channels) -> Progress:
    """Turn ``branches`` into ``offspring`` and return the progress of each row.

    The first of a branch's offspring takes its place: the one without an error, where there is one.
    """
    _, first = np.unique(offspring.parents, return_index=True)
    others = np.delete(np.arange(len(offspring)), first)
    rows = offspring.parents.copy()
    rows[others] = len(branches.weights) + np.arange(len(others))
    branches.append(offspring.parents[others], offspring.weights[others])
    branches.weights[rows] = offspring.weights
    struck = np.flatnonzero(offspring.errors != _NO_ERROR)
    channels.strike(branches, rows[struck], offspring.errors[struck])
    progress = np.empty_like(offspring.progress)
    progress[rows] = offspring.progress
    return progress
