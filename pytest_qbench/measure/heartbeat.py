"""The heartbeat: a page of shared memory where the worker says what it is doing and since when.

The worker marks the start of every call, and the supervisor looks only when its own wait runs out, to see how long
the present call has taken. So a round costs no message, and nothing wakes up beside a running simulator to read one.
Both sides use the monotonic clock, which all processes of a machine share. Standard library only.
"""

from __future__ import annotations

import mmap
import os
import struct
import tempfile
import time
from dataclasses import dataclass
from enum import IntEnum

# The time is written before the step it belongs to: a reader that looks in between sees the old step with the new
# time, which can only extend the deadline.
_LAYOUT = struct.Struct("=dQ")
_INDEX_SHIFT = 8


class Phase(IntEnum):
    """What a worker is doing."""

    LAUNCH = 0
    """The interpreter starts; nothing of ours has run yet."""
    START = 1
    LOWER = 2
    PREPARE = 3
    FIRST_CALL = 4
    ROUND = 5
    ANSWER = 6
    IDLE = 7
    SPLIT = 8
    """The stages of a gradient path are told apart by timing."""
    CHECK = 9
    """A gradient path is asked for more, to be verified by."""
    WARM_UP = 10
    """A call before the rounds that was asked for, after the first."""


FIRST_CALL = "first call"
"""How an abort names the phase of the first call."""

_LABELS = {
    Phase.LAUNCH: "start",
    Phase.START: "start",
    Phase.LOWER: "lowering",
    Phase.PREPARE: "prepare",
    Phase.FIRST_CALL: FIRST_CALL,
    Phase.ANSWER: "answer",
    Phase.IDLE: "idle",
    Phase.SPLIT: "the split of time",
    Phase.CHECK: "the check on another observable",
    Phase.WARM_UP: "warm-up call",
}


@dataclass(frozen=True, slots=True)
class Beat:
    """What a worker is doing, and since when by the monotonic clock in seconds; rounds count from 1."""

    phase: Phase
    index: int
    since: float

    @property
    def label(self) -> str:
        """The phase for people: ``prepare``, ``first call``, ``round 3``."""
        return f"round {self.index}" if self.phase is Phase.ROUND else _LABELS[self.phase]


class Heartbeat:
    """One side of the page. The supervisor creates it, the worker opens the descriptor it inherited."""

    def __init__(self, descriptor: int) -> None:
        """Map the page behind ``descriptor``, which may be closed afterwards."""
        self._page = mmap.mmap(descriptor, mmap.PAGESIZE)

    def mark(self, phase: Phase, index: int = 0) -> None:
        """Say that ``phase`` begins now."""
        _LAYOUT.pack_into(self._page, 0, time.monotonic(), index << _INDEX_SHIFT | phase)

    def read(self) -> Beat:
        """The latest mark. A page that was overwritten by a wild write reads as the start of the worker."""
        since, step = _LAYOUT.unpack_from(self._page)
        try:
            phase = Phase(step & ((1 << _INDEX_SHIFT) - 1))
        except ValueError:
            return Beat(Phase.LAUNCH, 0, 0.0)
        return Beat(phase, step >> _INDEX_SHIFT, since)


def create_page() -> int:
    """A new page; returns its descriptor, which the caller closes."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("pytest-qbench-heartbeat")
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.ftruncate(descriptor, mmap.PAGESIZE)
    return descriptor
