"""The heartbeat page, between real processes."""

import os
import time

import pytest

from pytest_qbench.measure.heartbeat import Heartbeat, Phase, create_page


@pytest.fixture
def page():
    descriptor = create_page()
    yield descriptor
    os.close(descriptor)


def test_a_new_page_says_that_the_worker_is_being_launched(page):
    beat = Heartbeat(page).read()
    assert (beat.phase, beat.index, beat.since) == (Phase.LAUNCH, 0, 0.0)


def test_what_one_process_marks_another_reads(page):
    before = time.monotonic()
    child = os.fork()
    if child == 0:
        Heartbeat(page).mark(Phase.ROUND, 123_456)
        os._exit(0)
    os.waitpid(child, 0)
    beat = Heartbeat(page).read()
    assert (beat.phase, beat.index) == (Phase.ROUND, 123_456)
    assert before <= beat.since <= time.monotonic()


@pytest.mark.parametrize(
    ("phase", "index", "label"),
    [
        (Phase.START, 0, "start"),
        (Phase.PREPARE, 0, "prepare"),
        (Phase.FIRST_CALL, 0, "first call"),
        (Phase.ROUND, 3, "round 3"),
    ],
)
def test_labels(page, phase, index, label):
    heartbeat = Heartbeat(page)
    heartbeat.mark(phase, index)
    assert heartbeat.read().label == label


def test_every_phase_has_a_label(page):
    heartbeat = Heartbeat(page)
    for phase in Phase:
        heartbeat.mark(phase)
        assert heartbeat.read().label


def test_an_overwritten_page_is_still_readable(page):
    heartbeat = Heartbeat(page)
    os.pwrite(page, b"\xff" * 64, 0)
    assert heartbeat.read().phase is Phase.LAUNCH
