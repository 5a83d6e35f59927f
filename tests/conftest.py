"""What all sessions within the tests have in common."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import psutil
import pytest

_TOKEN = "QBENCH_TEST_SESSION"


@pytest.fixture
def pytester(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Sessions that take the fewest rounds on one thread, and no summary of hypothesis: its import takes a second.

    What a test gives on the command line comes later and wins.
    """
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:hypothesispytest --benchmark-max-time=0.0001 -o qbench_threads=1")
    return pytester


@pytest.fixture
def alive(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """Lists the living processes that this test started, grandchildren too."""
    token = f"{os.getpid()}-{time.monotonic_ns()}"
    monkeypatch.setenv(_TOKEN, token)

    def processes() -> list[str]:
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get(_TOKEN) == token and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(" ".join(process.cmdline()))
            except psutil.Error:
                continue
        return found

    return processes
