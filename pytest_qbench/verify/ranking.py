"""A distribution's outcomes in order of probability, and consecutive bins of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MIN_EXPECTED = 5.0
"""A bin is full when this many shots are expected in it."""
MAX_BINS = 4096
"""Bins hold at least ``1 / MAX_BINS`` of the probability, or half of what is left."""


@dataclass(frozen=True, eq=False)
class Ranking:
    """The outcomes of a distribution, the most probable first.

    Attributes:
        order: the entries of the array of probabilities, by rank.
        rank: the rank of every entry.
        tail: ``tail[r]`` is the probability of all outcomes of rank r and more; its last element is 0.
    """

    order: NDArray[np.uint32]
    rank: NDArray[np.uint32]
    tail: NDArray[np.float64]

    def n_possible(self, leakage: float) -> int:
        """How many outcomes count as possible: all but the last ones with at most ``leakage`` together."""
        return max(1, int(np.searchsorted(-self.tail, -leakage, side="left")))

    def bin_edges(self, n_possible: int, shots: int) -> NDArray[np.int64]:
        """Ranks at which bins begin, and ``n_possible`` at the end.

        Going down the ranks, a bin is closed when ``MIN_EXPECTED`` shots are expected in it, or when it holds
        half of the probability that is left: probable outcomes have a bin of their own, the many light ones
        share bins, and the lightest are still told from the light.
        """
        # Ascending from the lightest possible outcome, so that the masses of light bins are accurate.
        mass = (self.tail[: n_possible + 1] - self.tail[n_possible])[::-1]
        full = max(MIN_EXPECTED / shots, 1 / MAX_BINS)
        edges = [0]
        while edges[-1] < n_possible:
            left = mass[n_possible - edges[-1]]
            remaining = int(np.searchsorted(mass, left - min(full, left / 2), side="right")) - 1
            edges.append(max(edges[-1] + 1, n_possible - remaining))
        return np.array(edges, dtype=np.int64)


def rank_outcomes(probabilities: NDArray[np.float64]) -> Ranking:
    """Rank outcomes by probability.

    Probabilities that agree in single precision are ties, ordered by a fixed hash of the outcome: bins of a
    uniform distribution are scattered over its bit strings, and the same on every machine.
    """
    entries = np.arange(len(probabilities), dtype=np.uint32)
    # The bits of non-negative floats sort like the floats. One integer key sorts ten times faster than two keys.
    weight = probabilities.astype(np.float32).view(np.uint32)
    order = np.argsort((~weight).astype(np.uint64) << np.uint64(32) | _scramble(entries)).astype(np.uint32)
    rank = np.empty_like(order)
    rank[order] = entries
    tail = np.zeros(len(probabilities) + 1)
    np.cumsum(probabilities[order][::-1], out=tail[:-1][::-1])
    return Ranking(order, rank, tail)


def _scramble(values: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """A fixed bijection of 32-bit integers that leaves no pattern: the finaliser of MurmurHash3 (Appleby)."""
    values = values ^ (values >> np.uint32(16))
    values = values * np.uint32(0x85EBCA6B)
    values = values ^ (values >> np.uint32(13))
    values = values * np.uint32(0xC2B2AE35)
    return values ^ (values >> np.uint32(16))
