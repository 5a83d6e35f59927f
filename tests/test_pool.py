"""The parts of a pool, without sessions: lanes, shares of cores, admission, what is shared."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_qbench import Instruction, Program
from pytest_qbench.backends.aer import AerBackend
from pytest_qbench.backends.memory import DENSITY, SMALL, estimate_bytes, state_bytes
from pytest_qbench.backends.stim import StimBackend
from pytest_qbench.cases import CaseError
from pytest_qbench.lane import Lane, Programs, Traffic
from pytest_qbench.measure.admission import MemoryGate, admits
from pytest_qbench.measure.cores import count_cores, count_lanes, own_cpus, pinned, split_cpus
from pytest_qbench.measure.messages import Abort, AbortKind, MeasureRequest, Outcome, Unavailable
from pytest_qbench.pool import Job, OpenGate, Pool
from pytest_qbench.verify import reference
from pytest_qbench.verify.reference import ReferenceCache

GIB = 2**30


def measured(n_qubits: int) -> Program:
    """H on every qubit, all measured."""
    gates = (Instruction("h", (i,)) for i in range(n_qubits))
    measures = (Instruction("measure", (i,), clbits=(i,)) for i in range(n_qubits))
    return Program(n_qubits, n_qubits, (*gates, *measures), "h")


def test_a_state_takes_16_bytes_for_an_amplitude_and_a_density_matrix_for_an_entry() -> None:
    assert state_bytes(30) == 16 * GIB
    assert state_bytes(30, "single") == 8 * GIB
    assert state_bytes(14, growth=DENSITY) == 16 * 4**14
    assert state_bytes(1000, growth=SMALL) == 0
    assert estimate_bytes(30) == 32 * GIB + estimate_bytes(1000, growth=SMALL)


def test_an_adapter_says_what_it_needs() -> None:
    needs = AerBackend.memory_needed
    assert needs(28, {"method": "automatic", "precision": "double"}) == estimate_bytes(28)
    assert needs(12, {"method": "density_matrix"}) == estimate_bytes(12, growth=DENSITY)
    assert needs(60, {"method": "matrix_product_state"}) == StimBackend.memory_needed(60, {}) < GIB


@pytest.mark.parametrize(
    ("needed", "running", "limit", "free", "admitted"),
    [
        (99, [], 10, 10, True),
        (5, [5], 10, 10, True),
        (6, [5], 10, 10, False),
        (5, [5], 10, 4, False),
        (50, [50, 50], None, 60, True),
    ],
)
def test_what_fits_runs_beside_others_and_anything_alone(
    needed: int, running: list[int], limit: int | None, free: int, admitted: bool
) -> None:
    assert admits(needed, running, limit, free) is admitted


def test_the_gate_knows_what_is_free_now() -> None:
    assert MemoryGate(None).admits(1, [1])
    assert not MemoryGate(None).admits(1 << 60, [1])
    assert not MemoryGate(10).admits(6, [5])


def test_shares_of_cores_are_disjoint_and_alike() -> None:
    assert split_cpus([0, 4, 1, 5, 2], 2) == [(0, 4), (1, 5)]
    assert split_cpus([0], 2) == [(), ()]
    assert count_lanes(8, 2, 4, 4) == 2
    assert count_lanes(4, 1, 4, 2) == 4
    assert count_lanes(None, 1, 4, 2) == 2
    assert count_lanes(None, 8, 4, 4) == 1
    assert 1 <= count_cores(own_cpus()) <= len(own_cpus()) or not own_cpus()


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="the platform has no affinity")
def test_a_thread_is_pinned_for_a_while_and_others_are_not() -> None:
    before = os.sched_getaffinity(0)
    one = own_cpus()[:1]
    seen: list[set[int]] = []
    with pinned(one):
        assert os.sched_getaffinity(0) == set(one)
        thread = threading.Thread(target=lambda: seen.append(os.sched_getaffinity(0)))
        thread.start()
        thread.join()
    assert os.sched_getaffinity(0) == before
    assert seen == [set(one)], "what starts meanwhile stays there"
    with pinned(()):
        assert os.sched_getaffinity(0) == before


def test_measurements_at_the_same_time_are_contended() -> None:
    traffic = Traffic()
    with traffic.visit() as alone:
        pass
    with traffic.visit() as first:
        with traffic.visit() as second:
            pass
        with traffic.visit() as third:
            pass
    assert not alone.contended
    assert (first.contended, second.contended, third.contended) == (True, True, True)


def test_an_instance_is_built_once_for_all_lanes_and_one_at_a_time() -> None:
    programs, built, now = Programs(keep=2), [], []

    def build(instance: Any) -> Program:
        now.append(instance)
        assert len(now) == 1
        time.sleep(0.02)
        now.remove(instance)
        built.append(instance)
        if instance == "wrong":
            raise CaseError("wrong")
        return measured(2)

    names = ["a", "b", "a", "b", "wrong", "wrong"]
    for group in (names[:4], names[4:]):
        threads = [threading.Thread(target=programs.get, args=(name, build)) for name in group]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(built) == ["a", "b", "wrong"]
    assert isinstance(programs.get("wrong", build), CaseError)  # type: ignore[arg-type]


def test_a_reference_is_computed_once_by_those_who_want_it(monkeypatch: pytest.MonkeyPatch) -> None:
    computed: list[str] = []
    exact = reference.exact_distribution

    def slow(program: Program) -> Any:
        computed.append(program.hash)
        time.sleep(0.05)
        return exact(program)

    monkeypatch.setattr(reference, "exact_distribution", slow)
    cache = ReferenceCache()
    programs = [measured(n) for n in (2, 3, 4)]
    started = time.monotonic()
    threads = [threading.Thread(target=cache.exact, args=(program,)) for program in programs * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(computed) == sorted(program.hash for program in programs)
    assert time.monotonic() - started < 0.14, "others do not wait"


CRASH = Abort(AbortKind.CRASH, "crash: killed by SIGSEGV")


class Answers:
    """A supervisor that gives one answer after the other."""

    pids: tuple[int, ...] = ()
    place = None

    def __init__(self, *outcomes: Outcome, can_start: bool = True) -> None:
        self.outcomes = list(outcomes)
        self.can_start = can_start

    def measure(self, request: MeasureRequest) -> Outcome:
        return self.outcomes.pop(0)


REQUEST = MeasureRequest(measured(2), 10, 1, 1.0)
TIMEOUT = Abort(AbortKind.TIMEOUT, "timeout: it took long")


@pytest.mark.parametrize(
    ("answers", "retries", "reason", "crashes"),
    [
        (Answers(CRASH, TIMEOUT), 0, CRASH.reason, 0),
        (Answers(CRASH, CRASH, TIMEOUT), 2, TIMEOUT.reason, 2),
        (Answers(TIMEOUT, CRASH), 2, TIMEOUT.reason, 0),
        (Answers(CRASH, TIMEOUT, can_start=False), 2, CRASH.reason, 0),
        (Answers(Unavailable("no")), 2, "no", 0),
    ],
)
def test_only_crashes_are_repeated(answers: Any, retries: int, reason: str, crashes: int) -> None:
    answer = Lane().measure(answers, REQUEST, retries)
    assert answer.outcome.reason == reason  # type: ignore[union-attr]
    assert len(answer.crashes) == crashes
    assert not answer.contended


class Runs:
    """A runner that notes what it is asked, and sleeps as long as a point has shots, in hundredths of a second."""

    def __init__(self) -> None:
        self.lane = Lane()
        self.ran: list[str] = []
        self.closed = 0

    def run(self, point: Any, nodeid: str, ladder: tuple[int, ...], timeout: float | None) -> str:
        self.ran.append(nodeid)
        time.sleep(point.shots / 100)
        if point.shots == 7:
            raise LookupError(nodeid)
        return f"result of {nodeid}"

    def close(self) -> None:
        self.closed += 1


class Refuses:
    """A gate with a fault."""

    def admits(self, needed: int, running: Iterable[int]) -> bool:
        raise RuntimeError("the gate is stuck")


def job(ladder: str, shots: int) -> Job:
    backend = SimpleNamespace(label="toy")
    point: Any = SimpleNamespace(
        shots=shots, ladder_key=("file", ladder), backend=backend, instance=SimpleNamespace(n_qubits=1)
    )
    return Job(point, f"{ladder}-{shots}", (shots,), 5.0)


def ask(pool: Pool, wanted: Job) -> Any:
    return pool.run(wanted.point, wanted.nodeid, wanted.ladder, wanted.timeout)


def make_pool(jobs: list[Job], gate: Any = None, lanes: int = 2) -> tuple[Pool, list[Any]]:
    runners: list[Any] = [Runs() for _ in range(lanes)]
    return Pool(runners, lambda: jobs, gate or OpenGate(), lambda: None), runners


def test_ladders_stay_whole_and_start_in_order() -> None:
    jobs = [job(ladder, shots) for ladder in "abcd" for shots in (1, 2)]
    pool, runners = make_pool(jobs)
    assert [ask(pool, one) for one in jobs] == [f"result of {one.nodeid}" for one in jobs]
    for runner in runners:
        ladders = [nodeid[0] for nodeid in runner.ran]
        assert ladders == sorted(ladders)
        assert all(ladders.count(ladder) == 2 for ladder in set(ladders))
    assert ask(pool, jobs[0]) == "result of a-1", "a second time it is measured anew"
    assert sum(runner.ran.count("a-1") for runner in runners) == 2
    pool.close()
    assert [runner.closed for runner in runners] == [1, 1]
    assert pool.unclaimed() == []
    with pytest.raises(RuntimeError, match="closed"):
        ask(pool, jobs[0])


def test_what_a_runner_raises_reaches_the_one_who_asked() -> None:
    jobs = [job("a", 7), job("a", 1), job("b", 1)]
    pool, _ = make_pool(jobs)
    with pytest.raises(LookupError, match="a-7"):
        ask(pool, jobs[0])
    assert ask(pool, jobs[1]) == "result of a-1"
    pool.close()


def test_what_nobody_asked_for_is_handed_out_at_the_end() -> None:
    jobs = [job("a", 1), job("b", 1), job("c", 30), job("d", 30), job("e", 1)]
    pool, _ = make_pool(jobs)
    ask(pool, jobs[0])
    time.sleep(0.15)
    pool.close()
    assert pool.unclaimed()[0] == "result of b-1"
    assert "result of e-1" not in pool.unclaimed()
    assert pool.unclaimed() == []


def test_a_fault_of_the_pool_keeps_nobody_waiting() -> None:
    jobs = [job("a", 1), job("b", 1)]
    pool, _ = make_pool(jobs, Refuses())
    with pytest.raises(RuntimeError, match="the gate is stuck"):
        ask(pool, jobs[0])
    pool.close()


def test_a_pool_that_never_started_ends_its_runners() -> None:
    pool, runners = make_pool([job("a", 1)])
    pool.close()
    assert [runner.closed for runner in runners] == [1, 1]
