"""Rows of bits as counts, at any width."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_qbench.backends.bit_rows import count_rows


def test_the_first_column_is_leftmost() -> None:
    assert count_rows(np.array([[1, 0, 0], [0, 1, 1], [1, 0, 0]], dtype=np.uint8)) == {"100": 2, "011": 1}


@pytest.mark.parametrize("n_bits", [1, 7, 8, 9, 63, 64, 65, 300])
def test_counts_what_is_there(n_bits: int) -> None:
    rng = np.random.default_rng(n_bits)
    distinct = rng.integers(0, 2, (5, n_bits), dtype=np.uint8)
    rows = distinct[rng.integers(0, 5, 1000)]
    expected: dict[str, int] = {}
    for row in rows:
        key = "".join(map(str, row))
        expected[key] = expected.get(key, 0) + 1
    assert count_rows(rows) == expected
    assert count_rows(rows.astype(bool)) == expected


def test_no_bits_are_one_outcome() -> None:
    assert count_rows(np.zeros((7, 0), dtype=np.uint8)) == {"": 7}
