"""Views of the state against plain arithmetic on index bits."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pytest_qbench.engine.compiling.layout import move_shape, run_shape, slice_index, slice_shape

N = 7
some_positions = st.lists(st.integers(0, N - 1), min_size=1, max_size=N, unique=True)


def numbers(batch: int = 1) -> np.ndarray:
    """What lies at each index of ``batch`` states one after another: the index within its state."""
    return np.tile(np.arange(1 << N), batch)


@given(some_positions, st.integers(0, (1 << N) - 1), st.sampled_from([1, 3]))
def test_slice_selects_amplitudes_by_bits(positions: list[int], value: int, batch: int) -> None:
    bits = {position: value >> position & 1 for position in positions}
    selected = numbers(batch).reshape(slice_shape(positions))[slice_index(bits)]
    wanted = [i for i in numbers(batch) if all(i >> position & 1 == bit for position, bit in bits.items())]
    assert sorted(selected.ravel()) == sorted(wanted)


@given(some_positions, st.sampled_from([1, 3]))
def test_runs_are_axes(positions: list[int], batch: int) -> None:
    shape, axes = run_shape(positions)
    view = numbers(batch).reshape(shape)
    # Each listed bit varies along the run axes only, each other bit along the other axes only.
    listed = sum(1 << position for position in positions)
    for axis in range(1, view.ndim):
        varying = np.bitwise_or.reduce(view ^ view.take([0], axis=axis), axis=None)
        assert varying & (~listed if axis in axes else listed) == 0
    assert np.prod([shape[axis] for axis in axes]) == 1 << len(positions)


@given(st.permutations(range(N)), st.sampled_from([1, 3]))
def test_move_sends_each_bit_to_its_place(sources: list[int], batch: int) -> None:
    shape, permutation = move_shape(sources)
    moved = numbers(batch).reshape(shape).transpose(permutation).reshape(batch, -1)
    for new_index, old_index in enumerate(moved[-1]):
        assert all(new_index >> new & 1 == old_index >> old & 1 for new, old in enumerate(sources))


def test_a_move_that_keeps_runs_has_few_axes() -> None:
    shape, permutation = move_shape([0, 1, 2, 5, 6, 3, 4])
    assert shape == (-1, 4, 4, 8)
    assert permutation == (0, 2, 1, 3)
