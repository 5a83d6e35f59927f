"""Starting a worker process: its pipes, its environment, and what becomes of it when its handle is dropped."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import weakref
from contextlib import suppress
from pathlib import Path
from typing import Any

from pytest_qbench.measure import guardian
from pytest_qbench.measure.cores import pinned
from pytest_qbench.measure.heartbeat import Heartbeat, create_page
from pytest_qbench.measure.messages import WorkerSpec

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "RAYON_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
"""Set before the worker starts: the libraries read them when they are imported."""

MARK = "PYTEST_QBENCH_WORKER"
"""Environment variable with a token of its own in every worker and what it starts."""

_OWN_INTERPRETER_ONLY = ("PYTHONPATH", "PYTHONHOME", "__PYVENV_LAUNCHER__")
_SCRIPT = Path(__file__).with_name("worker.py")
_EXIT_PATIENCE = 1.0


class Launch:
    """A started process and the supervisor's ends of its pipes, all of them non-blocking.

    ``requests`` and ``life`` are written to; ``answers``, ``output`` (standard output and error) and ``status`` are
    read from. ``token`` is the value of :data:`MARK` in its environment.
    """

    def __init__(self, spec: WorkerSpec, python: str) -> None:
        """Start a worker for ``spec`` under the interpreter ``python``.

        Raises:
            OSError: it can't be started.
        """
        self.token = secrets.token_hex(8)
        self.open: set[int] = set()
        theirs: dict[str, int] = {}
        try:
            theirs["page"] = create_page()
            self.heartbeat = Heartbeat(theirs["page"])
            self.requests = self._pipe("requests", theirs, writes=True)
            self.answers = self._pipe("answers", theirs)
            self.output = self._pipe("output", theirs)
            self.life = self._pipe("life", theirs, writes=True)
            self.status = self._pipe("status", theirs)
            with pinned(spec.cpus):  # a process starts with the affinity of the thread that starts it
                self.process = _start(spec, python, self.token, **theirs)
        except BaseException:
            for descriptor in list(self.open):
                self.close(descriptor)
            raise
        finally:
            for descriptor in theirs.values():
                os.close(descriptor)
        # The guardian sees the life pipe close when this process ends, however it ends; here it is told earlier, and
        # waited for, when the handle is dropped or the interpreter exits in good order.
        self._finalizer = weakref.finalize(self, _abandon, os.getpid(), self.life, self.open, self.process)

    @property
    def is_open(self) -> bool:
        """Whether :meth:`release` has not been called yet."""
        return self._finalizer.alive

    def kill(self) -> None:
        """Kill the launched process, and what it has started in its process group; only before it was waited for."""
        with suppress(OSError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def close(self, descriptor: int) -> None:
        """Close one of the pipes."""
        self.open.remove(descriptor)
        os.close(descriptor)

    def release(self) -> None:
        """Close all pipes of a process that has ended."""
        for descriptor in list(self.open):
            self.close(descriptor)
        self._finalizer.detach()

    def _pipe(self, name: str, theirs: dict[str, int], *, writes: bool = False) -> int:
        """A new pipe; our end is returned, the worker's goes into ``theirs``."""
        read, write = os.pipe()
        mine, theirs[name] = (write, read) if writes else (read, write)
        self.open.add(mine)
        os.set_blocking(mine, False)
        return mine


def _start(spec: WorkerSpec, python: str, token: str, *, output: int, **inherited: int) -> subprocess.Popen[bytes]:
    """Start worker.py with its ends of the pipes."""
    environment = dict(os.environ)
    if spec.python is not None:
        # Another interpreter must find its own packages, not ours.
        for name in _OWN_INTERPRETER_ONLY:
            environment.pop(name, None)
    environment.update({name: str(spec.threads) for name in THREAD_VARIABLES})
    environment[MARK] = token
    arguments = (inherited[name] for name in ("requests", "answers", "page", "life", "status"))
    return subprocess.Popen(
        # Unbuffered, so that what was printed last is not lost in a crash.
        [python, "-u", str(_SCRIPT), *map(str, arguments), str(os.getpid())],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        env=environment,
        pass_fds=tuple(inherited.values()),
        start_new_session=True,  # a Ctrl-C on the terminal is for pytest alone
    )


def _abandon(owner: int, life: int, descriptors: set[int], process: subprocess.Popen[Any]) -> None:
    """End a worker whose handle is gone. A forked copy of the owner must leave it alone."""
    if os.getpid() != owner:
        return
    with suppress(OSError):
        os.write(life, guardian.KILL)
    for descriptor in descriptors:
        os.close(descriptor)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_EXIT_PATIENCE)
