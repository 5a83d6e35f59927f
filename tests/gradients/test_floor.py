"""The memory-traffic floor: its arithmetic, and that a copy rate can be measured."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pytest_qbench.gradients.floor import (
    LEAST_BUFFER_BYTES,
    MOST_BUFFER_BYTES,
    floor_seconds,
    measure_copy_rates,
    memory_buffer_bytes,
    state_bytes,
)


def test_a_case_by_hand() -> None:
    """49 passes over 100 states of 12 qubits are 306 MiB to copy: 20 ms where 16 GB are copied in a second."""
    assert state_bytes(12) == 65536
    assert floor_seconds(49, 12, 100, 16e9) == pytest.approx(49 * 100 * 65536 / 16e9)
    assert 0.020 < floor_seconds(49, 12, 100, 16e9) < 0.0201
    assert floor_seconds(49, 12, 100, 16e9, "single") == floor_seconds(49, 12, 100, 32e9)


@given(st.integers(1, 100), st.integers(1, 20), st.integers(1, 10**6), st.floats(1e6, 1e12))
def test_twice_the_work_takes_twice_as_long(passes: int, n_qubits: int, n_samples: int, rate: float) -> None:
    once = floor_seconds(passes, n_qubits, n_samples, rate)
    for twice in (
        floor_seconds(2 * passes, n_qubits, n_samples, rate),
        floor_seconds(passes, n_qubits + 1, n_samples, rate),
        floor_seconds(passes, n_qubits, 2 * n_samples, rate),
        floor_seconds(passes, n_qubits, n_samples, rate / 2),
    ):
        assert twice == pytest.approx(2 * once)


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan")])
def test_a_rate_is_positive(rate: float) -> None:
    with pytest.raises(ValueError, match="copy rate"):
        floor_seconds(1, 1, 1, rate)


def test_no_cache_holds_a_buffer() -> None:
    assert memory_buffer_bytes([]) == LEAST_BUFFER_BYTES
    assert memory_buffer_bytes([32 << 10, 100 << 20, 1 << 20]) == 400 << 20
    assert memory_buffer_bytes([1 << 30]) == MOST_BUFFER_BYTES
    assert memory_buffer_bytes() >= LEAST_BUFFER_BYTES


def test_rates_are_measured() -> None:
    before = torch.get_num_threads()
    rates = measure_copy_rates(1, buffer_bytes=1 << 24)
    assert rates.memory > 0
    assert rates.cache > 0
    assert (rates.threads, rates.memory_buffer) == (1, 1 << 24)
    assert torch.get_num_threads() == before
