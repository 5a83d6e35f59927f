"""A worker's process tree seen from outside: the memory it uses, and what is left of it. Supervisor side."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress

import psutil

_POLL = 0.025
"""Seconds between two looks, at the least."""
_EFFORT = 0.05
"""The share of the time that looking may take: on a machine with thousands of processes, finding the descendants of
one is slow."""
_SWEEP_TIME = 2.0
_SWEEP_PAUSE = 0.01


class MemoryGauge:
    """The resident memory of all descendants of one process, looked at again and again at a small, bounded cost."""

    def __init__(self, root: int, limit: int) -> None:
        """Watch the descendants of process ``root`` (not itself), to use at most ``limit`` bytes together."""
        self._root = root
        self._limit = limit
        self._processes: list[psutil.Process] = []
        self._next_search = 0.0
        self._next_look = 0.0

    @property
    def next_look(self) -> float:
        """When to look again, by the monotonic clock."""
        return self._next_look

    def excess(self) -> int | None:
        """The bytes in use if they are above the limit, else None; None too if it is not yet time to look."""
        start = time.monotonic()
        if start < self._next_look:
            return None
        if start >= self._next_search:
            with suppress(psutil.Error):
                self._processes = psutil.Process(self._root).children(recursive=True)
            self._next_search = _after(start)
            start = time.monotonic()
        used = sum(map(_rss, self._processes))
        if used > self._limit and len(self._processes) > 1:
            # Pages that forked processes share count once for each in their resident memory.
            used = sum(map(_proportional, self._processes))
        self._next_look = _after(start)
        return used if used > self._limit else None


def kill_marked(variable: str, value: str) -> None:
    """Kill every process that was started with the environment variable ``variable`` set to ``value``.

    For where the guardian could not do it: it was killed itself, or the platform has no subreaper. Returns when none
    is left, after two seconds at the latest.
    """
    deadline = time.monotonic() + _SWEEP_TIME
    while (marked := list(_marked(variable, value))) and time.monotonic() < deadline:
        for process in marked:
            with suppress(psutil.Error):
                process.kill()
        time.sleep(_SWEEP_PAUSE)


def _marked(variable: str, value: str) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get(variable) == value and process.status() != psutil.STATUS_ZOMBIE:
                yield process


def _after(start: float) -> float:
    """When to do again what was begun at ``start`` and has just ended."""
    now = time.monotonic()
    return now + max(_POLL, (now - start) / _EFFORT)


def _rss(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def _proportional(process: psutil.Process) -> int:
    """Memory of ``process`` with shared pages divided among those who share them, where that can be told."""
    try:
        info = process.memory_full_info()
    except psutil.Error:
        return _rss(process)
    return int(getattr(info, "pss", info.uss))
