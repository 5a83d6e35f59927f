"""Everything a simulator can do to its process: each ends in its verdict, in time, and leaves no process."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
from faulty_backends import MIB
from measure_requests import request_of

from pytest_qbench.measure.messages import Abort, AbortKind, Measurement, RoundPolicy, Unsupported, WorkerSpec
from pytest_qbench.measure.supervisor import Supervisor

FAULTY = request_of(shots=1000, policy=RoundPolicy(max_rounds=5))
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="needs a subreaper")


def abort_of(supervisor, survivors, request=FAULTY):
    """The abort that a request ends in, after the checks that hold for every one of them."""
    outcome = supervisor.measure(request)
    assert survivors() == []
    assert isinstance(outcome, Abort), outcome
    assert outcome.description.version == "1.0"
    again = supervisor.measure(request_of(shots=1))
    assert isinstance(again, Measurement), "a fresh worker goes on"
    assert again.prepare_s is not None
    return outcome


@pytest.mark.parametrize("name", ["HoldsLock", "LoopsInC", "Stopped"])
def test_a_call_that_does_not_end_is_killed_at_the_deadline(supervise, survivors, name):
    supervisor = supervise(name)
    supervisor.describe()
    request = request_of(shots=1000, timeout=0.5)
    start = time.monotonic()
    outcome = supervisor.measure(request)
    elapsed = time.monotonic() - start
    assert survivors() == []
    assert (outcome.kind, outcome.phase) == (AbortKind.TIMEOUT, "round 2")
    assert outcome.reason == "timeout: round 2 of 1000 shots took more than 0.5 s"
    assert 0.5 <= elapsed < 1.5
    assert isinstance(supervisor.measure(request_of(shots=1)), Measurement)


def test_a_timeout_shows_where_the_simulator_was(supervise, survivors):
    abort = abort_of(supervise("HoldsLock"), survivors, request_of(shots=1000, timeout=0.3))
    assert "faulty_backends.py" in abort.detail
    assert "in fault" in abort.detail


def test_the_deadline_is_for_each_call_not_for_all(supervise):
    policy = RoundPolicy(min_rounds=30)
    outcome = supervise("Lazy").measure(request_of(timeout=0.4, policy=policy))
    assert sum(outcome.rounds_s) > 0.4


@pytest.mark.parametrize(
    ("name", "options", "reason"),
    [
        ("Segfault", {}, "crash: killed by SIGSEGV"),
        ("Exits", {"status": 0}, "crash: exited with status 0"),
        ("Exits", {"status": 7}, "crash: exited with status 7"),
    ],
)
def test_a_crash_says_how(supervise, survivors, name, options, reason):
    abort = abort_of(supervise(name, options), survivors)
    assert (abort.kind, abort.reason, abort.phase) == (AbortKind.CRASH, reason, "round 2")


def test_a_crash_shows_what_was_printed_last_and_where_it_was(supervise, survivors):
    abort = abort_of(supervise("Segfault"), survivors)
    assert abort.detail.startswith("about to fail")
    assert "in fault" in abort.detail


def test_a_kill_from_outside_may_be_the_kernels(supervise, survivors):
    abort = abort_of(supervise("KillsItself"), survivors)
    assert abort.kind is AbortKind.CRASH
    assert abort.reason.startswith("crash: killed by SIGKILL")
    assert "out-of-memory killer" in abort.reason


@on_linux
def test_without_its_guardian_the_worker_dies(supervise, survivors):
    abort = abort_of(supervise("KillsGuardian"), survivors)
    assert abort.kind is AbortKind.CRASH
    assert abort.reason.startswith("crash: killed by SIGKILL")


def test_memory_past_the_limit(supervise, survivors):
    abort = abort_of(supervise("EatsMemory", memory_limit=300 * MIB), survivors)
    assert abort.kind is AbortKind.MEMORY
    used, limit = abort.reason.removeprefix("memory: ").split(" used, limit ")
    assert limit == "300 MiB"
    assert 300 <= float(used.removesuffix(" MiB")) < 700


def test_memory_counts_for_all_processes_together(supervise, survivors):
    abort = abort_of(supervise("ChildrenEatMemory", memory_limit=250 * MIB), survivors)
    assert abort.kind is AbortKind.MEMORY


@pytest.mark.parametrize(
    "kind", ["plain", pytest.param("session", marks=on_linux), pytest.param("daemon", marks=on_linux)]
)
@pytest.mark.parametrize("then", ["return", "exit", "hang"])
def test_a_process_left_running_does_not_survive(supervise, survivors, tmp_path, kind, then):
    file = tmp_path / "pid"
    supervisor = supervise("LeavesChild", {"file": str(file), "kind": kind, "then": then})
    supervisor.describe()
    outcome = supervisor.measure(request_of(shots=1000, timeout=0.5, policy=RoundPolicy(max_rounds=2)))
    child = int(file.read_text())
    if then == "return":
        assert isinstance(outcome, Measurement)
        assert psutil.pid_exists(child)
        supervisor.close()
    else:
        assert outcome.kind is (AbortKind.CRASH if then == "exit" else AbortKind.TIMEOUT)
    assert not psutil.pid_exists(child)
    assert survivors() == []


@pytest.mark.parametrize("kind", ["session", "daemon"])
def test_nor_does_it_when_the_guardian_was_killed(supervise, survivors, tmp_path, kind):
    file = tmp_path / "pid"
    supervisor = supervise("LeavesChild", {"file": str(file), "kind": kind, "then": "return"})
    supervisor.measure(request_of(shots=1000, policy=RoundPolicy(max_rounds=2)))
    psutil.Process(int(supervisor.describe().versions["pid"])).parent().kill()
    supervisor.close()
    assert survivors.within(1) == []


def test_garbage_in_the_answers_is_noticed(supervise, survivors):
    abort = abort_of(supervise("WritesToDescriptors"), survivors)
    assert abort.kind is AbortKind.PROTOCOL
    assert abort.reason.startswith("protocol: not a message: b'garbage")


def test_an_import_that_hangs(monkeypatch, survivors, tmp_path):
    (tmp_path / "hanging_adapter.py").write_text("import time\ntime.sleep(60)\n")
    monkeypatch.syspath_prepend(tmp_path)
    supervisor = Supervisor(WorkerSpec("hanging_adapter:Backend", startup_timeout=0.5))
    start = time.monotonic()
    first = supervisor.measure(request_of())
    assert 0.5 <= time.monotonic() - start < 1.5
    assert (first.kind, first.phase) == (AbortKind.TIMEOUT, "start")
    assert first.reason == "timeout: start took more than 0.5 s"
    assert "hanging_adapter.py" in first.detail
    assert survivors() == []
    start = time.monotonic()
    assert supervisor.measure(request_of()) is supervisor.describe() is first
    assert time.monotonic() - start < 0.5


def test_a_start_that_fails_is_not_tried_again(supervise, survivors, tmp_path):
    file = tmp_path / "starts"
    supervisor = supervise("DiesOnStart", {"file": str(file)})
    for _ in range(3):
        outcome = supervisor.measure(request_of())
    assert (outcome.kind, outcome.reason, outcome.phase) == (AbortKind.CRASH, "crash: killed by SIGSEGV", "start")
    assert file.read_text() == "start\n"
    assert survivors() == []


def test_an_exception_at_the_start(supervise, survivors):
    outcome = supervise("BrokenOnStart").describe()
    assert (outcome.kind, outcome.reason) == (AbortKind.EXCEPTION, "exception: ValueError: what nonsense")
    assert outcome.detail.startswith("Traceback")
    assert "measure/session.py" not in outcome.detail
    assert survivors() == []


@pytest.mark.parametrize(
    ("error", "kind", "reason"),
    [
        ("plain", AbortKind.EXCEPTION, "exception: ValueError: bad angle"),
        ("unpicklable", AbortKind.EXCEPTION, "exception: UnpicklableError: lost the handle"),
        ("unspeakable", AbortKind.EXCEPTION, "exception: UnspeakableError: <its __str__ failed>"),
        ("exit", AbortKind.EXCEPTION, "exception: SystemExit: 3"),
        ("interrupt", AbortKind.EXCEPTION, "exception: KeyboardInterrupt"),
        ("torch", AbortKind.MEMORY, "memory: RuntimeError: CUDA out of memory. Tried to allocate 16.00 GiB."),
    ],
)
def test_exceptions_come_as_text(supervise, survivors, error, kind, reason):
    abort = abort_of(supervise("Raises", {"error": error}), survivors)
    assert (abort.kind, abort.reason, abort.phase) == (kind, reason, "round 2")
    assert "in fault" in abort.detail


def test_unsupported_may_come_as_late_as_in_a_round(supervise):
    outcome = supervise("Raises", {"error": "unsupported"}).measure(FAULTY)
    assert isinstance(outcome, Unsupported)
    assert outcome.reason == "no reset in this method"


@pytest.mark.parametrize(
    ("counts", "reason"),
    [
        ({"000": 999}, "protocol: counts sum to 999, not to the 1000 shots asked for"),
        ({"00": 1000}, "protocol: counts have the key '00', not a string of 3 bits"),
        ({"000": 1001, "111": -1}, "protocol: counts['111'] is -1, not a non-negative integer"),
        (["000"], "protocol: counts are a list, not a mapping: ['000']"),
    ],
)
def test_counts_of_every_round_are_checked(supervise, survivors, counts, reason):
    abort = abort_of(supervise("BadCounts", {"counts": counts}), survivors)
    assert (abort.kind, abort.reason, abort.phase) == (AbortKind.PROTOCOL, reason, "round 2")


def test_durations_that_are_none_are_noticed(supervise, survivors):
    abort = abort_of(supervise("StopsTheClock"), survivors)
    assert (abort.kind, abort.reason) == (
        AbortKind.PROTOCOL,
        "protocol: a round (number 2) is nan, not a duration in seconds",
    )


def test_a_worker_that_died_between_two_points_is_replaced(supervise):
    supervisor = supervise("Good")
    os.kill(int(supervisor.describe().versions["pid"]), signal.SIGKILL)
    time.sleep(0.2)
    assert isinstance(supervisor.measure(request_of()), Measurement)


def test_a_keyboard_interrupt_kills_the_worker_and_goes_on(supervise, survivors):
    supervisor = supervise("HoldsLock")
    supervisor.describe()
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        supervisor.measure(FAULTY)
    assert survivors() == []
    assert isinstance(supervisor.measure(request_of(shots=1)), Measurement)


PARENT = """
import os, sys, time
from measure_requests import request_of
from pytest_qbench.measure.messages import WorkerSpec
from pytest_qbench.measure.supervisor import Supervisor

name, options, forks = {arguments!r}
supervisor = Supervisor(WorkerSpec("faulty_backends:" + name, options))
supervisor.describe()
if forks and os.fork() == 0:
    time.sleep(60)  # holds copies of all pipes
print("ready", flush=True)
supervisor.measure(request_of(shots=1000))
"""


def parent_of(name, options, *, forks=False):
    """A process that measures with the backend ``name``, once it has begun."""
    here = Path(__file__).parent
    path = os.pathsep.join([str(here), str(here.parent.parent)])
    environment = {**os.environ, "PYTHONPATH": path}
    code = PARENT.format(arguments=(name, json.loads(json.dumps(options)), forks))
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env=environment)
    assert parent.stdout.readline() == b"ready\n"
    parent.stdout.close()
    return parent


@pytest.mark.parametrize("kind", ["plain", pytest.param("daemon", marks=on_linux)])
def test_when_its_parent_is_killed_a_worker_dies_with_its_children(survivors, tmp_path, kind):
    file = tmp_path / "pid"
    parent = parent_of("LeavesChild", {"file": str(file), "kind": kind, "then": "hang"})
    while not (file.exists() and file.read_text()):
        time.sleep(0.01)
    assert psutil.pid_exists(int(file.read_text()))
    parent.kill()
    parent.wait()
    assert survivors.within(5) == []


@on_linux
def test_a_fork_of_the_parent_does_not_keep_the_worker_alive(survivors):
    parent = parent_of("HoldsLock", {}, forks=True)
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 5
    while len(survivors()) > 1 and time.monotonic() < deadline:
        time.sleep(0.02)
    (fork,) = survivors()
    assert "worker.py" not in fork
    os.kill(int(fork.split()[0]), signal.SIGKILL)
    assert survivors.within(5) == []


def test_the_end_of_the_interpreter_ends_the_worker(survivors):
    parent = parent_of("Good", {})
    assert parent.wait(30) == 0
    assert survivors() == []
