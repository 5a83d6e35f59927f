"""Counting outcomes that a simulator gives as an array with a row per shot and a column per bit."""

from __future__ import annotations

from collections import Counter
from typing import Any


def count_rows(rows: Any) -> dict[str, int]:
    """Bit string -> number of rows that read so; the first column is the leftmost character.

    Args:
        rows: a NumPy array of zeros and ones (or booleans), shots x bits. The number of bits is not limited.
    """
    import numpy as np

    shots, n_bits = rows.shape
    if n_bits == 0:
        return {"": shots}
    packed = np.packbits(rows, axis=1)
    width = packed.shape[1]
    data = packed.tobytes()
    # Only outcomes that differ become text: there are far fewer of them than shots.
    found = Counter(data[start : start + width] for start in range(0, len(data), width))
    padding = 8 * width - n_bits
    return {format(int.from_bytes(key) >> padding, f"0{n_bits}b"): count for key, count in found.items()}
