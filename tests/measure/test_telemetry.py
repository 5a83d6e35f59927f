"""CPU time and memory of this very process."""

import mmap
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from faulty_backends import MIB, SPIN, spin

from pytest_qbench.measure.telemetry import MemoryRecorder, cpu_ns, peak_bytes, reset_peak, rss_bytes

NOWHERE = Path("/no/such/file")
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def fresh(size: int) -> mmap.mmap:
    """So many bytes of resident memory that no earlier test has left behind."""
    block = mmap.mmap(-1, size)
    for page in range(0, size, mmap.PAGESIZE):
        block[page] = 1
    return block


def test_cpu_time_counts_all_threads():
    threads = [threading.Thread(target=spin, args=(0.05,)) for _ in range(3)]
    start = cpu_ns()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cpu_ns() - start >= 0.15e9


def test_cpu_time_counts_children_that_were_waited_for():
    start = cpu_ns()
    subprocess.run([sys.executable, "-S", "-c", SPIN], check=True)
    assert cpu_ns() - start >= 0.09e9


@on_linux
def test_memory_of_a_point():
    recorder = MemoryRecorder()
    kept = fresh(20 * MIB)
    fresh(60 * MIB).close()
    memory = recorder.finish(123)
    assert None not in (memory.rss_before, memory.rss_after, memory.rss_delta, memory.rss_peak)
    assert memory.rss_delta == memory.rss_after - memory.rss_before
    assert memory.rss_delta >= 15 * MIB
    assert memory.rss_peak - memory.rss_before >= 70 * MIB
    assert memory.device_peak == 123
    kept.close()


@on_linux
def test_the_peak_starts_anew():
    fresh(60 * MIB).close()
    high = peak_bytes()
    assert reset_peak()
    assert peak_bytes() <= high - 50 * MIB
    assert peak_bytes() == pytest.approx(rss_bytes(), abs=5 * MIB)


def test_a_peak_that_can_not_be_reset_is_told_only_if_it_is_new(monkeypatch):
    monkeypatch.setattr("pytest_qbench.measure.telemetry._CLEAR_REFS", NOWHERE)
    fresh(100 * MIB).close()
    recorder = MemoryRecorder()
    assert recorder.finish(None).rss_peak is None
    recorder = MemoryRecorder()
    above = peak_bytes() - rss_bytes() + 100 * MIB
    fresh(above).close()
    assert recorder.finish(None).rss_peak >= above


def test_without_proc_the_rest_is_unknown(monkeypatch):
    for name in ("_STATM", "_STATUS", "_CLEAR_REFS"):
        monkeypatch.setattr(f"pytest_qbench.measure.telemetry.{name}", NOWHERE)
    assert rss_bytes() is None
    assert peak_bytes() > MIB
    memory = MemoryRecorder().finish(None)
    assert (memory.rss_before, memory.rss_after, memory.rss_delta, memory.device_peak) == (None,) * 4
