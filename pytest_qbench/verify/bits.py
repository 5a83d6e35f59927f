"""How often classical bits are 1, and how often two of them differ: sums over outcomes.

All functions return one vector: for n bits, the weight of the outcomes whose bit i is 1 (n entries), then, up to
``MAX_PAIRED_BITS`` bits, that of the outcomes whose bits i and j differ (n (n - 1) / 2 entries, see ``pairs``).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

MAX_PAIRED_BITS = 64
"""Pairs are looked at up to this many bits."""

Bits = NDArray[np.uint8]
"""Outcomes as rows of 0 and 1; column i is classical bit i."""


def bits_of(keys: Sequence[str], n_bits: int) -> Bits:
    """Bit strings of ``n_bits`` characters (classical bit 0 rightmost) as an array."""
    characters = np.frombuffer("".join(keys).encode("ascii"), dtype=np.uint8).reshape(-1, n_bits)
    return (characters - ord("0"))[:, ::-1]


def pairs(n_bits: int) -> list[tuple[int, int]]:
    """The pairs of bits in the order of the vector's second part; none where there are too many bits."""
    if n_bits > MAX_PAIRED_BITS:
        return []
    return [(low, high) for low in range(n_bits) for high in range(low + 1, n_bits)]


def bit_sums(bits: Bits, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """The vector for listed outcomes with these weights (shots, or probabilities)."""
    n_bits = bits.shape[1]
    values = bits.astype(np.float64)
    if n_bits > MAX_PAIRED_BITS:
        sums: NDArray[np.float64] = weights @ values
        return sums
    return _from_joint((values * weights[:, None]).T @ values)


def dense_bit_sums(weights: NDArray[np.float64], n_bits: int) -> NDArray[np.float64]:
    """The vector for all ``2**n_bits`` outcomes, in one pass over them.

    The outcomes are laid out as a table of their high and low bits: pairs within a half need its row or column
    sums only, the others are two matrix products.
    """
    n_low = n_bits // 2
    table = weights.reshape(-1, 2**n_low)
    low, high = _all_bits(n_low), _all_bits(n_bits - n_low)
    mixed = (high.T @ table) @ low
    return _from_joint(
        np.block(
            [
                [(low * table.sum(axis=0)[:, None]).T @ low, mixed.T],
                [mixed, (high * table.sum(axis=1)[:, None]).T @ high],
            ]
        )
    )


def _all_bits(n_bits: int) -> NDArray[np.float64]:
    return (np.arange(2**n_bits)[:, None] >> np.arange(n_bits) & 1).astype(np.float64)


def _from_joint(joint: NDArray[np.float64]) -> NDArray[np.float64]:
    """The vector, of the matrix of weights where bits i and j are both 1."""
    ones = np.diagonal(joint)
    low, high = np.triu_indices(len(joint), 1)
    return np.concatenate([ones, ones[low] + ones[high] - 2 * joint[low, high]])
