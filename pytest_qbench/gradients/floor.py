"""The memory-traffic floor: how long a gradient would take if only reading and writing its states took time.

The engine tells how many passes an adjoint gradient makes over each state; a pass reads a state and writes one, as a
copy does. So the floor is the number of passes times the bytes of all states, divided by the rate at which this machine
copies. The rate that counts is that of *main memory*, measured on buffers far larger than any cache. Batches that stay
in a cache can be faster than that; the rate there is measured too, and reported apart, but no floor is made of it.

A rate is bytes copied per second: each is read once and written once, so that the traffic is twice as much.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

LEAST_BUFFER_BYTES = 1 << 28
MOST_BUFFER_BYTES = 1 << 30
"""A buffer in main memory is four times the largest cache, but at least and at most so large."""
CACHE_BUFFER_BYTES = 1 << 18
"""A buffer in a cache, for each thread: two of them fit into a core's second-level cache."""
_ROUNDS = 7
_CACHES = Path("/sys/devices/system/cpu/cpu0/cache")


@dataclass(frozen=True, slots=True)
class CopyRates:
    """What was measured; rates in bytes copied per second, the best of several rounds.

    Attributes:
        memory: with buffers much larger than the caches: what a floor is made of.
        cache: with buffers that stay in a core's cache: for comparison only.
        threads: that copied.
        memory_buffer: bytes of one of the two buffers in memory.
        cache_buffer: bytes of one of the two buffers in the cache, all threads together.
    """

    memory: float
    cache: float
    threads: int
    memory_buffer: int
    cache_buffer: int


def state_bytes(n_qubits: int, precision: str = "double") -> int:
    """Bytes of the amplitudes of one state: complex128 or, in ``single`` precision, complex64."""
    return (16 if precision == "double" else 8) << n_qubits


def floor_seconds(passes: float, n_qubits: int, n_samples: int, rate: float, precision: str = "double") -> float:
    """The least time that the memory needs, in seconds.

    Args:
        passes: over each state, see :meth:`pytest_qbench.engine.Parametric.passes`.
        n_qubits: of a state.
        n_samples: how many states.
        rate: bytes copied per second, :attr:`CopyRates.memory`.
        precision: ``double`` or ``single``.

    Raises:
        ValueError: the rate is not positive.
    """
    if not rate > 0:
        raise ValueError(f"a copy rate is a positive number of bytes per second, not {rate}")
    return passes * n_samples * state_bytes(n_qubits, precision) / rate


def measure_copy_rates(threads: int, buffer_bytes: int | None = None) -> CopyRates:
    """Measure how fast this machine copies, with torch, as the engine does.

    Args:
        threads: how many threads copy: as many as the run that is compared with the floor had.
        buffer_bytes: of a buffer in memory; by default :func:`memory_buffer_bytes`.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        large, small = buffer_bytes or memory_buffer_bytes(), threads * CACHE_BUFFER_BYTES
        # In the cache a call takes microseconds: several are timed together.
        return CopyRates(_copy_rate(large, 1), _copy_rate(small, 200), threads, large, small)
    finally:
        torch.set_num_threads(before)


def memory_buffer_bytes(caches: Iterable[int] | None = None) -> int:
    """How large a buffer is that no cache holds: four times the largest, within bounds.

    Args:
        caches: their sizes in bytes; by default those that the system tells.
    """
    largest = max(_cache_sizes() if caches is None else caches, default=0)
    return min(max(4 * largest, LEAST_BUFFER_BYTES), MOST_BUFFER_BYTES)


def _copy_rate(n_bytes: int, repeats: int) -> float:
    import torch

    source = torch.ones(n_bytes // 8, dtype=torch.float64)
    target = torch.zeros_like(source)
    best = float("inf")
    for _ in range(_ROUNDS):
        start = perf_counter()
        for _ in range(repeats):
            target.copy_(source)
        best = min(best, perf_counter() - start)
    return float(repeats * source.nbytes) / best


def _cache_sizes() -> list[int]:
    """The sizes of the first core's caches, in bytes; empty where the system does not tell."""
    sizes = []
    for path in _CACHES.glob("index*/size"):
        text = path.read_text().strip()
        if text.endswith("K") and text[:-1].isdigit():
            sizes.append(int(text[:-1]) << 10)
    return sizes
