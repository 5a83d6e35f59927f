"""One job per GPU at a time, also among the workers of xdist and of sessions side by side."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pytest_qbench.backends.base import Description

GPU = "GPU"
"""What a description calls a CUDA device."""


@contextmanager
def gpu_turn(description: Description | None) -> Iterator[None]:
    """Wait until no other session of this user measures on the same GPU, and keep it until the end of the block.

    Nothing where ``description`` has no GPU. The lock is the kernel's: it ends with the process that holds it. Where no
    lock file can be made, there is no waiting: a measurement that may be disturbed is better than none.
    """
    if description is None or description.device != GPU:
        yield
        return
    descriptor = -1
    with suppress(OSError):
        descriptor = os.open(lock_file(), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield
    finally:
        if descriptor >= 0:
            os.close(descriptor)


def lock_file() -> Path:
    """The file that stands for the first GPU which this process may use: the one that simulators take."""
    first = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")[0].strip() or "0"
    safe = "".join(letter if letter.isalnum() else "-" for letter in first)
    return Path(tempfile.gettempdir()) / f"pytest-qbench-{os.getuid()}-gpu-{safe}.lock"
