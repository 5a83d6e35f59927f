"""The node side, called without a cluster: orders in, replies out."""

from __future__ import annotations

import asyncio
import multiprocessing
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from local_cluster import FAULTY

from pytest_qbench import Instruction, Program
from pytest_qbench.cluster import node
from pytest_qbench.cluster.orders import Order, RemoteSpec, Reply, decode_reply, encode_order
from pytest_qbench.cluster.turn import host_turn
from pytest_qbench.measure.checks import ProtocolError
from pytest_qbench.measure.codec import encode_request
from pytest_qbench.measure.messages import Measurement, MeasureRequest, RoundPolicy, Started
from pytest_qbench.measure.wire import encode


@pytest.fixture(autouse=True)
def _own_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A host lock of the test's own, and no session left behind."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setattr(sys, "path", [str(FAULTY), *sys.path])
    yield
    for session in list(node._guests):
        end(session)


def end(session: str) -> None:
    asyncio.run(node.end_session(session))


def order(session: str, backend: str = "Good", lane: int = 0, requests: int = 1, **spec: Any) -> bytes:
    program = Program(1, 1, (Instruction("measure", (0,), clbits=(0,)),))
    measure = MeasureRequest(program, 10, 7, 20.0, RoundPolicy(max_rounds=3))
    requests = [encode_request(measure, with_program=number == 0) for number in range(requests)]
    return encode_order(Order(session, lane, backend, RemoteSpec(f"faulty_backends:{backend}", **spec), requests))


def fulfil(*arguments: Any, **more: Any) -> Reply:
    return decode_reply(node.fulfil(order(*arguments, **more)))


def test_an_order_is_fulfilled_by_a_worker_that_stays() -> None:
    first, second = fulfil("stays", threads=3), fulfil("stays", threads=3)
    assert isinstance(first.answers[0], Measurement)
    assert isinstance(second.answers[0], Measurement)
    assert first.answers[0].counts == {"0": 10}
    assert first.threads == 3
    pids = {answer.description.versions["pid"] for answer in (first.answers[0], second.answers[0])}
    assert len(pids) == 1
    about = fulfil("stays", requests=0, threads=3)
    assert isinstance(about.answers[0], Started)
    assert about.answers[0].description.versions["pid"] in pids


def test_the_requests_of_a_ladder_are_done_in_one_go(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = fulfil("ladder", requests=4).answers
    assert [type(answer) for answer in answers] == [Measurement] * 4
    assert answers[-1].description.versions["prepares"] == "1"  # type: ignore[union-attr]
    assert len(fulfil("ladder", "Segfault", requests=4).answers) == 1, "up to the first that is no measurement"
    monkeypatch.setattr(node, "AHEAD_S", 0.0)
    assert len(fulfil("ladder", requests=4).answers) == 1, "and as long as they take no time"


def test_lanes_have_workers_of_their_own() -> None:
    answers = [fulfil("lanes", lane=lane).answers[0] for lane in (0, 1)]
    assert len({answer.description.versions["pid"] for answer in answers}) == 2  # type: ignore[union-attr]


def test_what_a_backend_does_is_its_verdict() -> None:
    assert fulfil("bad", "Segfault").answers[0].kind == "crash"  # type: ignore[union-attr]
    assert fulfil("bad", "NotInstalled").answers[0].install == "pip install good-simulator"  # type: ignore[union-attr]


def test_a_session_that_is_over_starts_nothing() -> None:
    fulfil("over")
    end("over")
    assert "over" not in node._guests
    assert fulfil("over").answers == ()
    assert "over" not in node._guests


def test_the_end_of_a_session_stops_what_is_measured() -> None:
    replies: list[Reply] = []
    thread = threading.Thread(target=lambda: replies.append(fulfil("stopped", "Stopped")))
    thread.start()
    time.sleep(1.5)
    assert thread.is_alive()
    end("stopped")
    thread.join(5)
    assert [reply.answers for reply in replies] == [()]


def test_a_session_that_fell_silent_is_seen_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node, "IDLE_S", 0.3)
    assert fulfil("silent").answers
    deadline = time.monotonic() + 10
    while "silent" in node._guests and time.monotonic() < deadline:
        time.sleep(0.05)
    assert "silent" not in node._guests
    assert fulfil("silent").answers, "it may come back"


def test_memory_and_threads_are_those_of_the_node() -> None:
    import psutil

    spec = node._worker_spec(RemoteSpec("m:C", memory_share=0.5))
    assert spec.memory_limit is not None
    assert abs(spec.memory_limit / psutil.virtual_memory().available - 0.5) < 0.1
    assert spec.threads >= 1
    assert node._worker_spec(RemoteSpec("m:C", memory_limit=10**9, threads=5)).memory_limit == 10**9


@pytest.mark.parametrize("data", [b"", b"nonsense", encode({"answers": [{"type": "Nothing"}], "threads": 1})])
def test_a_reply_that_is_none_is_noticed(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode_reply(data)


def _hold(path: str, taken: Any, release: Any) -> None:
    import tempfile

    tempfile.tempdir = path
    with host_turn(lambda: False) as has_turn:
        assert has_turn
        taken.set()
        release.wait(30)


def test_two_processes_on_a_host_measure_one_after_the_other(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    taken, release = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(str(tmp_path), taken, release))
    other.start()
    assert taken.wait(30)
    with host_turn(lambda: True) as has_turn:
        assert not has_turn, "whoever is stopped waits no longer"
    with host_turn(lambda: False, shared=True) as has_turn:
        assert has_turn
    threading.Timer(0.3, release.set).start()
    started = time.monotonic()
    with host_turn(lambda: False) as has_turn:
        assert has_turn
        assert time.monotonic() - started > 0.2
    other.join()


def test_where_no_lock_can_be_made_nobody_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    with host_turn(lambda: False) as has_turn:
        assert has_turn
