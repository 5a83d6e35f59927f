"""How ``batched_execution.py`` times a call, and looks at the memory that it takes."""

from __future__ import annotations

import ctypes
import multiprocessing
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Call = Callable[[], object]
FORK = multiprocessing.get_context("fork")


@dataclass(frozen=True, slots=True, eq=False)
class Setting:
    """One thing to time.

    ``size`` is what a sweep varies, ``work`` how many circuit evaluations or gradients a call makes. ``start`` makes
    the call. ``forks``: it is timed in a child process, so that what other settings did to malloc does not count.
    """

    sweep: str
    variant: str
    n_qubits: int
    size: int
    work: int
    start: Callable[[], Call]
    forks: bool = False

    def seconds(self, least: float) -> float:
        """The duration of a warm call, repeated for at least so many seconds."""
        return in_child(lambda: seconds(self.start, least)) if self.forks else seconds(self.start, least)

    def memory(self) -> dict[str, int | None]:
        """``peak_bytes`` of a call beside the states it is given, and ``page_faults`` of a warm one."""
        return in_child(lambda: memory(self.start)) if self.forks else memory(self.start)


def seconds(start: Callable[[], Call], least: float) -> float:
    """See :meth:`Setting.seconds`."""
    call = start()
    call()
    begin, n_calls = time.perf_counter(), 0
    while True:
        call()
        n_calls += 1
        taken = time.perf_counter() - begin
        if taken >= least:
            return taken / n_calls


def memory(start: Callable[[], Call]) -> dict[str, int | None]:
    """See :meth:`Setting.memory`; None where the system (not Linux with glibc) does not tell."""
    call = start()
    call()
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    call()
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults
    call = start()  # with buffers that are not there yet
    try:
        ctypes.CDLL("libc.so.6").malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")
    except (AttributeError, OSError):
        return {"peak_bytes": None, "page_faults": faults}
    before = _status_bytes("VmRSS")
    call()
    return {"peak_bytes": max(0, _status_bytes("VmHWM") - before), "page_faults": faults}


def in_child(function: Callable[[], Any]) -> Any:
    """What ``function`` returns in a fork of this process."""
    reader, writer = FORK.Pipe(duplex=False)
    child = FORK.Process(target=lambda: writer.send(function()))
    child.start()
    writer.close()
    result = reader.recv()
    child.join()
    return result


def refusal(call: Call) -> str:
    """The error that ``call`` raises, or that it raises none."""
    try:
        call()
    except Exception as error:  # whatever a library raises is the finding
        return f"{type(error).__name__}: {error}"
    return "no error"


def _status_bytes(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(field))
