"""What a run gives back: which classical memories came out, and how often or how probably."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """Distinct outcomes and the weight of each.

    Attributes:
        bits: shape ``(outcomes, n_clbits)``, 0 or 1; column i is classical bit i.
        weights: shape ``(outcomes,)``: shots (integers), or probabilities (floats).
    """

    bits: NDArray[np.uint8]
    weights: NDArray[np.int64 | np.float64]

    @classmethod
    def merged(cls, parts: Sequence[Outcomes]) -> Outcomes:
        """The union of ``parts``, each outcome once."""
        bits = np.concatenate([part.bits for part in parts])
        weights = np.concatenate([part.weights for part in parts])
        _, first, inverse = np.unique(row_keys(bits), return_index=True, return_inverse=True)
        merged = np.zeros(len(first), weights.dtype)
        np.add.at(merged, inverse, weights)
        return cls(bits[first], merged)

    def as_dict(self) -> dict[str, float]:
        """Bit string -> weight, classical bit 0 rightmost. The weights are ``int`` where they are shots."""
        n_outcomes, n_clbits = self.bits.shape
        text = (self.bits[:, ::-1] + ord("0")).tobytes().decode("ascii")
        keys = (text[i * n_clbits : (i + 1) * n_clbits] for i in range(n_outcomes))
        return dict(zip(keys, self.weights.tolist(), strict=True))


def row_keys(bits: NDArray[np.uint8]) -> NDArray[np.void]:
    """One comparable and sortable value per row of an array of zeros and ones, equal where the rows are."""
    packed = np.ascontiguousarray(np.packbits(bits, axis=1)) if bits.shape[1] else np.zeros((len(bits), 1), np.uint8)
    return packed.view(np.dtype((np.void, packed.shape[1]))).ravel()
