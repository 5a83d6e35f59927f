"""What this process uses: CPU time and memory. Worker side, standard library only.

Linux tells everything through /proc; elsewhere what can't be known is None.
"""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path

from pytest_qbench.measure.messages import Memory

_STATM = Path("/proc/self/statm")
_STATUS = Path("/proc/self/status")
_CLEAR_REFS = Path("/proc/self/clear_refs")
_PAGE = resource.getpagesize()
_RUSAGE_UNIT = 1 if sys.platform == "darwin" else 1024


def cpu_ns() -> int:
    """CPU time of this process with all its threads, and of every child it has waited for, in nanoseconds."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time_ns() + round((children.ru_utime + children.ru_stime) * 1e9)


def rss_bytes() -> int | None:
    """Resident memory of this process in bytes, or None where it can't be told."""
    try:
        return int(_STATM.read_bytes().split()[1]) * _PAGE
    except (OSError, IndexError, ValueError):
        return None


def peak_bytes() -> int:
    """The highest resident memory in bytes since :func:`reset_peak`, or of the process's life without one."""
    try:
        for line in _STATUS.read_bytes().splitlines():
            if line.startswith(b"VmHWM:"):
                return int(line.split()[1]) * 1024
    except (OSError, IndexError, ValueError):
        pass
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _RUSAGE_UNIT


def reset_peak() -> bool:
    """Start the peak anew from the present memory (proc(5), clear_refs); whether that worked."""
    try:
        _CLEAR_REFS.write_text("5")
    except OSError:
        return False
    return True


class MemoryRecorder:
    """Resident memory around one point: made when the point begins, asked when it ends."""

    def __init__(self) -> None:
        self._reset = reset_peak()
        self._peak_before = peak_bytes()
        self._before = rss_bytes()

    def finish(self, device_peak: int | None) -> Memory:
        """The point's memory; ``device_peak`` in bytes is what the backend says of its device."""
        after = rss_bytes()
        before = self._before
        peak: int | None = peak_bytes()
        if not self._reset and peak == self._peak_before:
            peak = None  # the highest of an earlier point hides that of this one
        elif before is not None and after is not None:
            # The kernel's own figures are a few pages behind each other.
            peak = max(peak or 0, before, after)
        delta = None if before is None or after is None else after - before
        return Memory(before, after, delta, peak, device_peak)
