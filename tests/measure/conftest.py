"""Fixtures of the measurement tests: supervisors, and a check that no process survives."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator

import psutil
import pytest

from pytest_qbench.measure.messages import WorkerSpec
from pytest_qbench.measure.supervisor import Supervisor

VARIABLE = "QBENCH_TEST_PROCESS"


class Survivors:
    """The processes that a test has started, found by an environment variable that all of them inherit."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self) -> list[str]:
        """What is alive now."""
        alive = []
        for process in psutil.process_iter():
            try:
                if process.environ().get(VARIABLE) == self._token and process.status() != psutil.STATUS_ZOMBIE:
                    alive.append(f"{process.pid} {process.cmdline()}")
            except psutil.Error:
                continue
        return alive

    def within(self, seconds: float) -> list[str]:
        """What is still alive after at most so many seconds."""
        deadline = time.monotonic() + seconds
        while (alive := self()) and time.monotonic() < deadline:
            time.sleep(0.02)
        return alive


@pytest.fixture(autouse=True)
def survivors(monkeypatch: pytest.MonkeyPatch) -> Iterator[Survivors]:
    """Lists what the test has started and is alive; at the end of the test that must be nothing."""
    token = secrets.token_hex(8)
    monkeypatch.setenv(VARIABLE, token)
    found = Survivors(token)
    yield found
    assert found() == []


@pytest.fixture
def supervise() -> Iterator[Callable[..., Supervisor]]:
    """Makes supervisors of backends in ``faulty_backends`` by name, and closes them."""
    supervisors = []

    def make(name: str, options: dict[str, object] | None = None, **fields: object) -> Supervisor:
        spec = WorkerSpec(f"faulty_backends:{name}", options or {}, **fields)
        supervisors.append(Supervisor(spec))
        return supervisors[-1]

    yield make
    for supervisor in supervisors:
        supervisor.close()
