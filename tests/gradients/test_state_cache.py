"""The state cache: what it holds, what it takes, and what it leaves behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pytest_qbench.gradients.encodings import encode
from pytest_qbench.gradients.state_cache import StateCache, required_bytes
from pytest_qbench.gradients.task import ENCODINGS

ROWS = np.random.default_rng(1).uniform(size=(23, 4))


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("chunk", [None, 1, 5, 100])
@pytest.mark.parametrize("spilled", [False, True])
def test_it_holds_what_is_encoded(encoding: str, chunk: int | None, spilled: bool, tmp_path: Path) -> None:
    limits = {"memory_limit": 0, "spill": tmp_path} if spilled else {}
    with StateCache(4, len(ROWS), encoding, chunk=chunk, **limits) as cache:  # type: ignore[arg-type]
        expected = encode(ROWS, encoding, 4)
        assert cache.encode_all(ROWS) is cache
        np.testing.assert_array_equal(cache.get_all(), expected)
        np.testing.assert_array_equal(cache.get_state(7), expected[7])
        np.testing.assert_array_equal(cache.get_states([3, 1]), expected[[3, 1]])
        for rows, states in cache.chunks(4):
            np.testing.assert_array_equal(states, expected[rows])
        # What was given back to the system is still there.
        np.testing.assert_array_equal(cache.get_states(slice(2, 9)), expected[2:9])


@pytest.mark.parametrize(
    ("encoding", "precision", "n_bytes"),
    [("amplitude", "double", 8), ("amplitude", "single", 4), ("angle", "double", 16), ("iqp", "single", 8)],
)
def test_the_memory_is_known_beforehand(encoding: str, precision: str, n_bytes: int) -> None:
    assert required_bytes(4, 23, encoding, precision) == 23 * 16 * n_bytes
    cache = StateCache(4, 23, encoding, precision)
    assert cache.memory_bytes == cache.required_bytes == 23 * 16 * n_bytes
    assert cache.encode_all(ROWS if encoding != "amplitude" else ROWS + 1).get_all().nbytes == cache.memory_bytes
    cache.clear()
    assert cache.memory_bytes == 0


def test_rows_and_slices_are_views() -> None:
    cache = StateCache(4, len(ROWS), "angle").encode_all(ROWS)
    assert np.shares_memory(cache.get_all(), cache.get_all())
    assert np.shares_memory(cache.get_state(3), cache.get_all())
    assert np.shares_memory(cache.get_states(slice(2, 9)), cache.get_all())
    assert not np.shares_memory(cache.get_states([2, 3]), cache.get_all())


def test_samples_can_be_encoded_a_part_at_a_time() -> None:
    cache = StateCache(4, 8, "iqp", chunk=3)
    parts = []
    for first in range(0, 20, 8):
        cache.encode_all(ROWS, first, min(8, 20 - first))
        parts += [states.copy() for _, states in cache.chunks(5)]
    np.testing.assert_array_equal(np.concatenate(parts), encode(ROWS[:20], "iqp", 4))
    with pytest.raises(ValueError, match=r"features of \d+ samples, and \d+ are wanted"):
        cache.encode_all(ROWS, len(ROWS) - 1)


def test_a_file_is_read_like_an_array(tmp_path: Path) -> None:
    np.save(tmp_path / "features.npy", ROWS)
    cache = StateCache(4, 20, "iqp", chunk=3).encode_all(tmp_path / "features.npy")
    np.testing.assert_array_equal(cache.get_all(), encode(ROWS[:20], "iqp", 4))


def test_above_the_limit_it_is_refused_before_anything_is_allocated() -> None:
    with pytest.raises(
        MemoryError, match=r"100000 samples on 30 qubits take 1600000.00 GiB .* limit is 1.00 GiB.*spill"
    ):
        StateCache(30, 100_000, "angle", memory_limit=1 << 30)
    StateCache(4, 23, "amplitude", memory_limit=23 * 16 * 8)
    with pytest.raises(MemoryError):
        StateCache(4, 23, "amplitude", memory_limit=23 * 16 * 8 - 1)


def test_a_spilled_cache_leaves_nothing_behind(tmp_path: Path) -> None:
    with StateCache(4, len(ROWS), "angle", memory_limit=0, spill=tmp_path) as cache:
        cache.encode_all(ROWS)
        assert cache.is_spilled
        assert (cache.memory_bytes, cache.disk_bytes) == (0, len(ROWS) * 16 * 16)
    assert cache.disk_bytes == 0
    assert not list(tmp_path.iterdir())


def test_a_disk_without_room_is_named(tmp_path: Path) -> None:
    with pytest.raises(MemoryError, match=f"on disk, and {tmp_path} has"):
        StateCache(40, 10**6, "angle", memory_limit=0, spill=tmp_path)


def test_an_empty_cache_says_so_and_can_be_filled_again() -> None:
    cache = StateCache(4, len(ROWS), "angle")
    with pytest.raises(RuntimeError, match="encode_all"):
        cache.get_state(0)
    cache.encode_all(ROWS).clear()
    with pytest.raises(RuntimeError, match="encode_all"):
        cache.get_all()
    np.testing.assert_array_equal(cache.encode_all(ROWS).get_all(), encode(ROWS, "angle", 4))


def test_rows_that_can_not_be_encoded() -> None:
    cache = StateCache(4, len(ROWS), "amplitude", chunk=5)
    with pytest.raises(ValueError, match="features of 22 samples, and 23 are wanted"):
        cache.encode_all(ROWS[:22])
    zero = ROWS.copy()
    zero[17] = 0
    with pytest.raises(ValueError, match="row 17 of the features is zero"):
        cache.encode_all(zero)
    with pytest.raises(RuntimeError, match="encode_all"):
        cache.get_all()
    with pytest.raises(ValueError, match="at least 1 qubit"):
        StateCache(4, 0, "amplitude")


SPILLING = """
import resource, sys
from pytest_qbench.gradients.state_cache import StateCache
cache = StateCache(10, 16_000, "amplitude", memory_limit=1, spill=sys.argv[2])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
cache.encode_all(sys.argv[1])
total = sum(float(states.sum()) for _, states in cache.chunks(500))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, total)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere pages can't be given back, and peaks count otherwise")
def test_spilling_keeps_neither_states_nor_features_in_memory(tmp_path: Path) -> None:
    """125 MiB of features go to 125 MiB of states, in a process that grows by a fraction of that."""
    path = tmp_path / "features.npy"
    features = np.lib.format.open_memmap(path, "w+", np.float64, (16_000, 1024))
    features[:] = 1.0
    del features
    command = [sys.executable, "-c", SPILLING, str(path), str(tmp_path)]
    grown, total = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert float(total) == pytest.approx(16_000 * 32)
    assert int(grown) << 10 < 40 << 20
