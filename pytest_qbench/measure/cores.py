"""Which cores the lanes of a pool get."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

_TOPOLOGY = Path("/sys/devices/system/cpu")


def own_cpus() -> tuple[int, ...]:
    """The CPUs that this process may use, hardware threads of a core side by side; empty where there is no affinity."""
    if not hasattr(os, "sched_getaffinity"):
        return ()
    return tuple(sorted(os.sched_getaffinity(0), key=_place))


def split_cpus(cpus: Sequence[int], lanes: int) -> list[tuple[int, ...]]:
    """Disjoint, equally large shares of ``cpus``; what does not divide stays unused, so that all lanes are alike.

    Empty shares, which mean no pinning, where ``cpus`` are fewer than lanes (or not known).
    """
    share = len(cpus) // lanes
    return [tuple(cpus[index * share : (index + 1) * share]) for index in range(lanes)]


def count_cores(cpus: Iterable[int]) -> int:
    """The cores behind ``cpus``: hardware threads of one core share what it has."""
    return len({_place(cpu)[:2] for cpu in cpus})


def count_lanes(asked: int | None, threads: int, cpus: int, cores: int) -> int:
    """How many lanes there is room for with ``threads`` each; at least one.

    ``asked`` lanes, as long as there is a CPU for every thread; where that is None, as many as get a core for each.
    """
    if asked is None:
        return max(1, cores // threads)
    return max(1, min(asked, cpus // threads))


@contextmanager
def pinned(cpus: Iterable[int]) -> Iterator[None]:
    """Let the calling thread, and with it what it starts meanwhile, run on ``cpus`` only; on all of its own if empty.

    Nothing where the platform has no affinity (all but Linux).
    """
    wanted = set(cpus)
    if not wanted or not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    with suppress(OSError):  # a CPU that was taken away meanwhile
        os.sched_setaffinity(0, wanted)
    try:
        yield
    finally:
        with suppress(OSError):
            os.sched_setaffinity(0, before)


def _place(cpu: int) -> tuple[int, int, int]:
    """Package, core and number of a CPU."""
    folder = _TOPOLOGY / f"cpu{cpu}" / "topology"
    try:
        package, core = (int((folder / name).read_text()) for name in ("physical_package_id", "core_id"))
    except (OSError, ValueError):  # the platform does not tell: a core for each
        return 0, cpu, cpu
    return package, core, cpu
