"""What runs on a Dask worker: the supervisors of the sessions that measure there. Node side.

A Dask worker keeps one supervisor per session, lane and backend spec, each with its isolated worker process as on the
user's own machine, and does one measurement at a time. What a session has is ended when the session says so, when it
has not been heard of for :data:`IDLE_S` seconds, and with the Dask worker itself, however that ends.

The functions are called by name, so that the package must be installed where the Dask worker runs; what they take and
give are frames of the wire format.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from pytest_qbench import __version__
from pytest_qbench.backends.base import Description
from pytest_qbench.cluster.orders import Order, RemoteSpec, decode_order, encode_reply
from pytest_qbench.cluster.turn import host_turn
from pytest_qbench.measure.codec import Answer, decode_request
from pytest_qbench.measure.cores import own_cpus
from pytest_qbench.measure.messages import Measurement, Started, WorkerSpec
from pytest_qbench.measure.process import CancelledError
from pytest_qbench.measure.quiet import wait_until_quiet
from pytest_qbench.measure.supervisor import Supervisor

RESOURCE = "qbench"
"""The Dask resource of which a worker has one where it may measure."""

IDLE_S = 600.0
AHEAD_S = 0.5
"""Seconds after which an order goes back with what is done: long points are reported one by one."""
_LOOK_S = 30.0
_PATIENCE = 0.1
_BOOT = Path("/proc/sys/kernel/random/boot_id")


class _Guest:
    """What one session has on this Dask worker. Its supervisors serve one thread at a time, under ``turn``."""

    def __init__(self) -> None:
        self.turn = threading.Lock()
        self.used = time.monotonic()
        self._supervisors: dict[tuple[int, str], Supervisor] = {}
        self._stopped = threading.Event()
        self._wakes, self._wake = os.pipe()

    @property
    def is_stopped(self) -> bool:
        return self._stopped.is_set()

    @property
    def pids(self) -> list[int]:
        return [pid for supervisor in list(self._supervisors.values()) for pid in supervisor.pids]

    def supervisor(self, order: Order) -> Supervisor:
        key = (order.lane, order.label)
        if key not in self._supervisors:
            self._supervisors[key] = Supervisor(_worker_spec(order.spec), self._wakes)
        return self._supervisors[key]

    def end(self) -> None:
        """Stop a measurement that runs, and end every worker."""
        self._stopped.set()
        os.write(self._wake, b"x")
        with self.turn:
            for supervisor in self._supervisors.values():
                supervisor.close()
            self._supervisors.clear()
            os.close(self._wake)
            os.close(self._wakes)


_guests: dict[str, _Guest] = {}
_ended: deque[str] = deque(maxlen=1000)
"""Sessions that are over: an order of theirs that comes late starts nothing."""
_lock = threading.Lock()
"""Held to look up or change the two above."""
_measuring = threading.Lock()
"""Held while this Dask worker measures; it may have several threads."""


def facts() -> dict[str, Any]:
    """What this Dask worker is and where: a JSON value, made in some tens of milliseconds."""
    from distributed import get_worker

    from pytest_qbench.report.environment import collect, fingerprint

    environment = collect()
    return {
        "version": __version__,
        "machine": machine(),
        "resources": dict(get_worker().state.total_resources),
        "host": {
            "name": socket.gethostname(),
            "cpu": environment["cpu"]["model"],
            "cores": environment["cpu"]["usable"],
            "memory": environment["memory"]["total"],
            "os": f"{environment['os']['system']} {environment['cpu']['machine']}",
            "fingerprint": fingerprint(environment),
        },
    }


def machine() -> str:
    """What tells one machine from another; containers on one machine share it."""
    try:
        return _BOOT.read_text().strip()
    except OSError:
        return socket.gethostname()


def fulfil(data: bytes) -> bytes:
    """Do an order of a session; the reply has no answers where the session has ended meanwhile."""
    order = decode_order(data)
    guest = _guest(order.session)
    if guest is None:
        return encode_reply((), 0)
    with _turn(guest, order.shared) as has_turn, guest.turn:
        if not has_turn or guest.is_stopped:
            return encode_reply((), 0)
        supervisor = guest.supervisor(order)
        try:
            answers = list(_answers(supervisor, order))
        except CancelledError:
            return encode_reply((), 0)
        finally:
            guest.used = time.monotonic()
    return encode_reply(answers, supervisor.spec.threads)


@contextmanager
def _turn(guest: _Guest, shared: bool) -> Iterator[bool]:
    """Wait for this Dask worker and (unless ``shared``) its host to measure nothing; False if stopped meanwhile."""
    while not _measuring.acquire(timeout=_PATIENCE):
        if guest.is_stopped:
            yield False
            return
    try:
        with host_turn(lambda: guest.is_stopped, shared=shared) as has_turn:
            yield has_turn
    finally:
        _measuring.release()


async def end_session(session: str) -> None:
    """End what ``session`` has here; called beside the tasks, also while one of them measures."""
    with _lock:
        _ended.append(session)
        guest = _guests.pop(session, None)
    if guest is not None:
        await asyncio.to_thread(guest.end)


def _answers(supervisor: Supervisor, order: Order) -> Iterator[Answer]:
    """What the backend says of itself, or to the requests of the order, as far as they are done."""
    if not order.requests:
        said = supervisor.describe()
        yield Started(said, supervisor.capabilities) if isinstance(said, Description) else said
    program = None
    began = time.monotonic()
    for encoded in order.requests:
        request, _ = decode_request(encoded, program)
        program = request.program
        with _lock:
            guests = list(_guests.values())
        # Threads that still spin after the last call, of whichever session, would be in the way of this one.
        wait_until_quiet([pid for guest in guests for pid in guest.pids])
        answer = supervisor.measure(request)
        yield answer
        if not isinstance(answer, Measurement) or time.monotonic() - began > AHEAD_S:
            return


def _guest(session: str) -> _Guest | None:
    """What ``session`` has here, made if need be; None where it is over."""
    with _lock:
        if session in _ended:
            return None
        if session not in _guests:
            if not _guests:
                threading.Thread(target=_see_off, name="pytest-qbench", daemon=True).start()
            _guests[session] = _Guest()
        return _guests[session]


def _see_off() -> None:
    """End what belongs to sessions that are not heard of any more (they were killed, or cut off)."""
    while True:
        time.sleep(min(_LOOK_S, IDLE_S))
        with _lock:
            silent = [
                session
                for session, guest in _guests.items()
                if not guest.turn.locked() and time.monotonic() - guest.used > IDLE_S
            ]
            gone = [_guests.pop(session) for session in silent]
            is_last = not _guests
        for guest in gone:
            guest.end()
        if is_last:
            return


def _worker_spec(spec: RemoteSpec) -> WorkerSpec:
    """``spec`` with what depends on this machine, and on what a job or container leaves of it."""
    from pytest_qbench.report.environment import cgroup_limits

    limits = cgroup_limits()
    free = min(psutil.virtual_memory().available, limits["memory"] or sys.maxsize)
    cpus = min(len(own_cpus()) or os.cpu_count() or 1, max(1, int(limits["cpus"] or sys.maxsize)))
    return WorkerSpec(
        target=spec.target,
        options=spec.options,
        threads=spec.threads or cpus,
        python=spec.python,
        memory_limit=int(free * spec.memory_share) if spec.memory_limit is None else spec.memory_limit,
        startup_timeout=spec.startup_timeout,
    )
