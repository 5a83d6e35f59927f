"""What all sessions within the tests have in common."""

from __future__ import annotations

import pytest


@pytest.fixture
def pytester(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Sessions that take the fewest rounds on one thread, and no summary of hypothesis: its import takes a second.

    What a test gives on the command line comes later and wins. The tests may run side by side (``pytest -n 2``); a
    session within one is none of xdist's workers.
    """
    for variable in ("PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT", "PYTEST_XDIST_TESTRUNUID"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:hypothesispytest --benchmark-max-time=0.0001 -o qbench_threads=1")
    return pytester
