"""Waiting for spinning threads, with real processes."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pytest_qbench.measure import quiet

pytestmark = pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="the CPU time of threads is not told")

SPIN = """
import sys, time
print("spinning", flush=True)
end = time.monotonic() + float(sys.argv[1])
while time.monotonic() < end:
    pass
print("resting", flush=True)
time.sleep(60)
"""


@contextmanager
def spinning(seconds: float) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen([sys.executable, "-c", SPIN, str(seconds)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "spinning\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def test_it_waits_until_a_process_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quiet, "_LOOK", 0.05)  # long enough for a busy machine to let it run
    monkeypatch.setattr(quiet, "_LIMIT", 30.0)
    with spinning(0.3) as process:
        quiet.wait_until_quiet([os.getpid(), process.pid])
        assert select.select([process.stdout], [], [], 0)[0]


def test_it_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quiet, "_LIMIT", 0.01)
    with spinning(50) as process:
        quiet.wait_until_quiet([process.pid])
        assert not select.select([process.stdout], [], [], 0)[0]


def test_a_process_that_is_gone_is_at_rest() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert quiet._cpu_seconds([Path(f"/proc/{process.pid}/task")], "") == 0
    quiet.wait_until_quiet([process.pid])
