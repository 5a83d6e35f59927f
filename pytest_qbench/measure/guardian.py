"""The guardian: a small process between the supervisor and the worker that lets nothing of the worker survive.

At its very start, before anything heavy is imported, the launched process forks. The child becomes the worker, in a
session of its own; the parent stays behind as the guardian. It waits for the first of these:

- the worker ends: the guardian tells the supervisor how;
- the supervisor asks for the kill, or has died itself (``kill -9`` included: its end of the life pipe closes, and on
  Linux its pidfd becomes readable even if a process it forked still holds the pipe open).

Either way it then kills whatever the worker started and left. On Linux it is the subreaper of its descendants
(``PR_SET_CHILD_SUBREAPER``, prctl(2)): a process that forked twice or left the session is handed to the guardian when
its parent ends, so that having no children left proves that nothing has survived. Elsewhere it can only kill the
worker's process group. Should the guardian itself be killed, the worker dies with it (``PR_SET_PDEATHSIG``).

Standard library only, and as little of it as possible.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

KILL = b"k"
"""Sent down the life pipe: kill the worker and all its descendants."""
STACKS = b"s"
"""Sent down the life pipe: have the worker print its threads' stacks (it must have registered for ``SIGUSR1``)."""

SWEEP_TIME = 10.0
"""Seconds after which the guardian gives a descendant up that does not die (one stuck inside the kernel)."""

_PROC = Path("/proc")
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def guard(life: int, status: int, supervisor: int, worker_fds: tuple[int, ...]) -> None:
    """Fork; return in the child, which is the worker. The parent becomes the guardian and never returns.

    Args:
        life: the read end of the life pipe, whose write end the supervisor holds.
        status: the write end of the pipe where the guardian reports the end as ``<wait status> <clean>``, with
            ``clean`` 1 if surely nothing has survived.
        supervisor: the supervisor's process id.
        worker_fds: descriptors that only the worker needs.
    """
    clean = _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    guardian = os.getpid()
    worker = os.fork()
    if worker == 0:
        os.setsid()
        os.close(life)
        os.close(status)
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != guardian:
            os._exit(1)  # the guardian died before the signal was set
        return
    for descriptor in worker_fds:
        os.close(descriptor)
    ward = _Ward(worker)
    _watch(ward, life, supervisor)
    clean = ward.sweep() and clean
    with suppress(OSError):  # the supervisor may be gone
        os.write(status, b"%d %d" % (ward.status, clean))
    os._exit(0)


class _Ward:
    """The worker and its descendants, as the guardian sees them."""

    def __init__(self, worker: int) -> None:
        self.worker = worker
        self.status = -1
        """The worker's wait status once it has ended, else -1."""

    def reap(self) -> bool:
        """Collect every child that has ended; whether any is left."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if pid == self.worker:
                self.status = status

    def sweep(self) -> bool:
        """Kill the worker and all descendants until none is left; whether that succeeded in time."""
        deadline = time.monotonic() + SWEEP_TIME
        pause = 0.001
        if not sys.platform.startswith("linux"):
            _kill(-self.worker)
        while self.reap():
            if time.monotonic() > deadline:
                return False
            if self.status < 0:
                _kill(self.worker)
            # A process that is just being forked is in its parent's group, and a signal to a group is atomic.
            for pid, group in list(_descendants(os.getpid())):
                _kill(pid)
                if group not in (0, os.getpgrp()):
                    _kill(-group)
            time.sleep(pause)
            pause = min(2 * pause, 0.02)
        return True


def _watch(ward: _Ward, life: int, supervisor: int) -> None:
    """Wait until the worker has ended, or must."""
    wake_read, wake_write = os.pipe()
    for descriptor in (wake_read, wake_write):
        os.set_blocking(descriptor, False)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    for signum in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(signum, lambda *_: None)
    poll = select.poll()
    poll.register(life, select.POLLIN)
    poll.register(wake_read, select.POLLIN)
    try:
        pidfd = os.pidfd_open(supervisor)
        poll.register(pidfd, select.POLLIN)
    except ProcessLookupError:
        return  # it has died already
    except (AttributeError, OSError):
        pidfd = None  # no such thing here: the life pipe alone has to tell
    while True:
        ward.reap()
        if ward.status >= 0:
            return
        ready = {descriptor for descriptor, _ in poll.poll()}
        if pidfd in ready:
            return
        if wake_read in ready and signal.SIGTERM in os.read(wake_read, 4096):
            return
        if life in ready:
            if os.read(life, 1) != STACKS:
                return
            os.kill(ward.worker, signal.SIGUSR1)


def _prctl(option: int, value: int) -> bool:
    """``prctl(option, value)``; whether it exists and succeeded."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        import ctypes

        return bool(ctypes.CDLL(None).prctl(option, ctypes.c_ulong(value), 0, 0, 0) == 0)
    except (ImportError, OSError, AttributeError):
        return False


def _kill(pid: int) -> None:
    with suppress(OSError):  # it may have ended already
        os.kill(pid, signal.SIGKILL)


def _descendants(root: int) -> Iterator[tuple[int, int]]:
    """Process id and process group of every living descendant of ``root``, from /proc (nothing without it)."""
    children: dict[int, list[tuple[int, int]]] = {}
    for entry in _PROC.iterdir() if _PROC.is_dir() else ():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_bytes()
            except OSError:
                continue  # it has ended meanwhile
            # proc(5): the name in parentheses may hold anything; state, parent and group follow it.
            parent, group = map(int, stat[stat.rindex(b")") + 1 :].split()[1:3])
            children.setdefault(parent, []).append((int(entry.name), group))
    waiting = [root]
    while waiting:
        for pid, group in children.get(waiting.pop(), ()):
            waiting.append(pid)
            yield pid, group
