"""Waiting until processes have come to rest. Supervisor side.

A call of a simulator or a library returns before its threads have stopped: those of OpenMP and of OpenBLAS keep
spinning for several milliseconds, to be ready for more. Where simulators are measured in turn, and counts verified in
between, they would be in the way of the next call.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_LOOK = 0.003
"""Seconds between two looks."""
_BUSY = 0.2
"""Processes that use less than this share of a CPU are at rest."""
_LIMIT = 0.2
"""Seconds to wait at most: what goes on for longer is no after-effect."""


def wait_until_quiet(pids: Iterable[int]) -> None:
    """Return when the processes ``pids`` use (nearly) no CPU time any more, the calling thread aside, or after a while.

    Returns at once where the platform does not tell the CPU time of threads (all but Linux).
    """
    own = str(threading.get_native_id())
    folders = [folder for pid in pids if (folder := Path(f"/proc/{pid}/task")).exists()]
    deadline = time.monotonic() + _LIMIT
    used, start = _cpu_seconds(folders, own), time.monotonic()
    while folders and time.monotonic() < deadline:
        time.sleep(_LOOK)
        now, at = _cpu_seconds(folders, own), time.monotonic()
        if now - used < _BUSY * (at - start):
            return
        used, start = now, at


def _cpu_seconds(folders: Iterable[Path], without: str) -> float:
    """The CPU time so far of all threads in ``folders`` but one."""
    nanoseconds = 0
    for folder in folders:
        with suppress(OSError, ValueError):  # it may end while we look
            for thread in folder.iterdir():
                if thread.name != without:
                    nanoseconds += int((thread / "schedstat").read_text().split()[0])
    return nanoseconds / 1e9
