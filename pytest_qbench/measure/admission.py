"""Whether a point may start beside others, by the memory that they need."""

from __future__ import annotations

from collections.abc import Iterable

import psutil


def admits(needed: int, running: Iterable[int], limit: int | None, free: int) -> bool:
    """Whether a point that needs ``needed`` bytes may start beside ``running``, which need so many bytes each.

    Together they stay within ``limit`` (None: no limit), and what is needed is ``free`` now: those that run may have
    taken theirs or not. What does not fit beside others runs when it is alone.
    """
    others = list(running)
    return not others or (needed <= free and (limit is None or sum(others) + needed <= limit))


class MemoryGate:
    """Lets points in as long as the memory lasts."""

    def __init__(self, limit: int | None) -> None:
        """``limit`` is what all points that run may need together, in bytes (None: what is free)."""
        self._limit = limit

    def admits(self, needed: int, running: Iterable[int]) -> bool:
        """Whether a point that needs ``needed`` bytes may start now beside those that need ``running``."""
        return admits(needed, running, self._limit, psutil.virtual_memory().available)
