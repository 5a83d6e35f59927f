"""One measurement at a time on a host, whichever Dask worker or session asks for it. Node side."""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_FIRST_LOOK = 0.001
_LONGEST_LOOK = 0.05
"""Seconds between two looks at a lock that somebody has."""


@contextmanager
def host_turn(is_stopped: Callable[[], bool], *, shared: bool = False) -> Iterator[bool]:
    """Wait until nobody else measures on this host, and keep it so until the end of the block.

    Gives False where ``is_stopped`` came true meanwhile: there is no turn then. With ``shared`` there is no waiting.
    The lock is the kernel's: it ends with the process that holds it. Where no lock file can be made there is no waiting
    either: a measurement that may be disturbed is better than none.
    """
    descriptor = -1
    if not shared:
        with suppress(OSError):
            descriptor = os.open(host_lock(), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor < 0 or _take(descriptor, is_stopped)
    finally:
        if descriptor >= 0:
            os.close(descriptor)


def host_lock() -> Path:
    """The file that stands for this host."""
    return Path(tempfile.gettempdir()) / f"pytest-qbench-{os.getuid()}-host.lock"


def _take(descriptor: int, is_stopped: Callable[[], bool]) -> bool:
    pause = _FIRST_LOOK
    while not is_stopped():
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # not the call that waits: it could not be stopped
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_LOOK)
        except OSError:  # a file system without locks
            return True
        else:
            return True
    return False
