"""One job per GPU at a time."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from pytest_qbench.backends.base import Description
from pytest_qbench.measure.gpu_turn import gpu_turn, lock_file

ON_GPU = Description("1.0", device="GPU")
ON_CPU = Description("1.0", device="CPU")

WAITS = """
import sys
from pytest_qbench.backends.base import Description
from pytest_qbench.measure.gpu_turn import gpu_turn
print("asks", flush=True)
with gpu_turn(Description("1.0", device="GPU")):
    print("has it", flush=True)
"""


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def test_another_process_waits_until_the_gpu_is_free() -> None:
    with gpu_turn(ON_GPU):
        other = subprocess.Popen([sys.executable, "-c", WAITS], stdout=subprocess.PIPE, text=True)
        assert other.stdout is not None
        assert other.stdout.readline() == "asks\n"
        with pytest.raises(subprocess.TimeoutExpired):
            other.wait(0.3)
    rest, _ = other.communicate(timeout=30)
    assert rest == "has it\n"


def test_no_lock_for_a_cpu(tmp_path: Path) -> None:
    with gpu_turn(ON_CPU), gpu_turn(None):
        assert not list(tmp_path.iterdir())


def test_the_lock_is_released_after_an_error() -> None:
    with pytest.raises(KeyboardInterrupt), gpu_turn(ON_GPU):
        raise KeyboardInterrupt
    with gpu_turn(ON_GPU):
        assert lock_file().exists()


def test_gpus_have_locks_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    first = lock_file()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1,0")
    assert lock_file() != first
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert lock_file() == first


def test_where_no_lock_can_be_made_nobody_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "none"))
    with gpu_turn(ON_GPU):
        pass


def test_lanes_of_one_process_take_turns() -> None:
    inside: list[int] = []
    most: list[int] = []

    def measure() -> None:
        with gpu_turn(ON_GPU):
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.05)
            inside.pop()

    lanes = [threading.Thread(target=measure) for _ in range(3)]
    for lane in lanes:
        lane.start()
    for lane in lanes:
        lane.join()
    assert most == [1, 1, 1]
