"""First calls at the shots of the cold reading, and what happens where they fail: the runner with real workers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from measure_requests import program

from pytest_qbench.cases import CircuitCase, circuit_case
from pytest_qbench.measure.messages import RoundPolicy
from pytest_qbench.plan import Instance, Point
from pytest_qbench.results import PointResult, Status
from pytest_qbench.runner import Runner
from pytest_qbench.settings import Settings
from pytest_qbench.specs import BackendSpec

LADDER = (1, 10, 1000, 10000)
DEADLINE = 0.6


def zeros() -> CircuitCase:
    """What every backend of ``faulty_backends`` says that a circuit gives."""

    @circuit_case(n_qubits=3)
    def case() -> Any:
        return program(3)

    case.expected(lambda: {"000": 1.0})
    return case


@pytest.fixture
def runner() -> Iterator[Runner]:
    settings = Settings(
        active=True,
        backends=(),
        suite="standard",
        case_sources=(),
        case_origin="",
        qubits=None,
        depth=None,
        shots=LADDER,
        timeout=20.0,
        timeout_given=True,
        startup_timeout=60.0,
        memory_limit=None,
        threads=1,
        seed=42,
        run_dir=Path("reports"),
        jsonl=None,
        strict=False,
        list_cases=False,
        list_backends=False,
        mixed_precision=False,
        policy=RoundPolicy(max_rounds=3),
    )
    runner = Runner(settings)
    yield runner
    runner.close()


@pytest.fixture
def measure(runner: Runner, tmp_path: Path) -> Callable[..., list[PointResult]]:
    """Measures points of one ladder on a backend that fails at 1000 shots and more; called again, it goes on."""
    instance = Instance(zeros(), 3, ())

    def run(
        fault: str,
        *,
        shots: int = 1000,
        times: int = 99,
        points: Sequence[int] = LADDER,
        ladder: tuple[int, ...] = LADDER,
        timeout: float = 20.0,
        backend: str = "FailsAtMany",
    ) -> list[PointResult]:
        options = {"fault": fault, "shots": shots, "times": times, "file": str(tmp_path / "faults")}
        spec = BackendSpec("bad", "bad", f"faulty_backends:{backend}", tuple(options.items()), "bad")
        return [runner.run(Point(instance, spec, point), f"case[bad-s{point}]", ladder, timeout) for point in points]

    return run


def test_the_first_call_has_1000_shots_and_belongs_to_the_lowest_point(measure: Callable[..., Any]) -> None:
    low, *others = measure("hang", times=0)
    assert [result.status for result in (low, *others)] == [Status.PASS] * 4
    assert (low.first_call_shots, low.first_call_abort) == (1000, None)
    assert low.first_call_s > 0
    assert {(result.prepare_s, result.first_call_s, result.first_call_shots) for result in others} == {(None,) * 3}


def test_without_1000_shots_it_has_the_lowest(measure: Callable[..., Any]) -> None:
    low, high = measure("hang", times=0, points=(10, 100), ladder=(10, 100))
    assert (low.first_call_shots, high.first_call_shots) == (10, None)


@pytest.mark.parametrize(
    ("fault", "reason", "again"),
    [
        ("crash", "crash: killed by SIGSEGV", "crash: killed by SIGSEGV"),
        ("fail", "exception: ValueError: so many shots", "exception: ValueError: so many shots"),
        ("exhaust", "memory: MemoryError: a table of all shots", "memory: MemoryError: a table of all shots"),
        ("lie", "protocol: counts sum to 1001, not to the 1000 shots asked for", "protocol: counts sum to 1001, "),
        (
            "hang",
            f"timeout: first call of 1000 shots took more than {DEADLINE:g} s",
            f"timeout: first call of 1000 shots took more than {DEADLINE:g} s",
        ),
    ],
)
def test_points_of_fewer_shots_survive_a_first_call_that_fails(
    measure: Callable[..., Any], fault: str, reason: str, again: str
) -> None:
    low, next_low, at, above = measure(fault, timeout=DEADLINE)
    assert (low.status, next_low.status) == (Status.PASS, Status.PASS)
    assert (low.first_call_shots, low.first_call_abort) == (1, reason)
    assert low.first_call_s > 0
    assert low.prepare_s is not None
    assert (next_low.first_call_s, next_low.first_call_abort) == (None, None)
    assert (at.status, at.skipped) == (Status.ABORT, False)
    assert at.reason.startswith(again)
    assert (above.status, above.skipped) == (Status.ABORT, True)
    assert above.reason == f"skipped: 1000 shots ended in ABORT ({at.reason})"


def test_the_deadline_of_a_slow_first_call_is_waited_for_once(measure: Callable[..., Any]) -> None:
    low, _, at, _ = measure("hang", timeout=DEADLINE)
    assert low.elapsed_s >= DEADLINE
    assert at.elapsed_s < DEADLINE
    assert at.abort_kind == "timeout"
    assert "in hang" in at.detail, "where the simulator was"
    assert at.description["version"] == "1.0"


def test_a_fresh_worker_does_not_wait_for_it_again(measure: Callable[..., Any], runner: Runner) -> None:
    measure("hang", timeout=DEADLINE, points=(1,))
    runner.close()
    started = time.monotonic()
    (result,) = measure("hang", timeout=20.0, points=(10,), times=0)
    assert (result.status, result.first_call_shots) == (Status.PASS, 1000), "a longer deadline is another matter"
    runner.close()
    (result,) = measure("hang", timeout=DEADLINE, points=(10,))
    assert (result.status, result.first_call_shots, result.first_call_abort) == (Status.PASS, 10, None)
    assert time.monotonic() - started < 20


def test_more_time_gives_the_point_another_chance(measure: Callable[..., Any]) -> None:
    measure("hang", timeout=DEADLINE, times=1, points=(1,))
    (result,) = measure("hang", timeout=20.0, times=1, points=(1000,))
    assert result.status is Status.PASS


def test_what_fails_once_is_no_verdict_on_later_points(measure: Callable[..., Any]) -> None:
    results = measure("crash", times=1)
    assert [result.status for result in results] == [Status.PASS] * 4
    assert results[0].first_call_abort == "crash: killed by SIGSEGV"


def test_a_point_that_fails_with_its_own_shots_too_is_an_abort(measure: Callable[..., Any]) -> None:
    low, *others = measure("fail", shots=1)
    assert low.status is Status.ABORT
    assert low.first_call_abort == low.reason == "exception: ValueError: so many shots"
    assert low.first_call_shots is low.first_call_s is None
    assert all(result.skipped for result in others)


def test_only_a_first_call_is_tried_again(measure: Callable[..., Any], tmp_path: Path) -> None:
    low, *_ = measure("", backend="FailsToPrepare")
    assert (low.status, low.reason) == (Status.ABORT, "exception: ValueError: no such form")
    assert low.first_call_abort is None
    assert (tmp_path / "faults").read_text() == "x"
