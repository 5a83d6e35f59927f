"""What all sessions within the tests have in common."""

from __future__ import annotations

import pytest


@pytest.fixture
def pytester(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Sessions that take the fewest rounds on one thread, and no summary of hypothesis: its import takes a second.

    What a test gives on the command line comes later and wins.
    """
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:hypothesispytest --benchmark-max-time=0.0001 -o qbench_threads=1")
    return pytester
