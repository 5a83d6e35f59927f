"""The live status line and the time left."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_samples import planned, point, run

from pytest_qbench.report.progress import EtaEstimator, status_line
from pytest_qbench.results import Status


def test_the_status_line():
    line = status_line(
        312, 750, {"PASS": 300, "ABORT": 12, "FAIL": 0}, "cases/a.py::qft[aer-q18-s1000]", 130.2, 185, 100
    )
    assert line == "312/750  41%  300 PASS  12 ABORT  2m10s, about 3m05s left  cases/a.py::qft[aer-q18-s1000]"


def test_the_clock_of_a_long_point():
    def line(running, width=100):
        return status_line(1, 2, {"PASS": 1}, "a::qft[aer-q18-s1000]", 61, None, width, running)

    assert line(0.9) == line(0)
    assert line(75) == "1/2  50%  1 PASS  1m01s  a::qft[aer-q18-s1000] 1m15s"
    assert line(75, 45) == "1/2  50%  1 PASS  1m01s  a::qft[aer-... 1m15s"


def test_the_id_gives_way_first():
    line = status_line(1, 2, {"PASS": 1}, "x" * 200, 1, 1, 60)
    assert len(line) == 60
    assert line.endswith("xxx...")
    assert line.startswith("1/2  50%  1 PASS  1.0s, about 1.0s left  x")


def test_before_anything_is_known():
    assert status_line(0, 0, {}, "", 0, None, 80) == "0/0  0.0s"


@given(
    st.integers(0, 10**6),
    st.integers(0, 10**6),
    st.dictionaries(st.sampled_from([status.value for status in Status]), st.integers(0, 10**6)),
    st.text(),
    st.floats(0, 1e7),
    st.none() | st.floats(0, 1e7),
    st.integers(0, 200),
    st.floats(0, 1e7),
)
def test_it_is_one_line_that_fits(done, planned_points, counts, current, elapsed, eta, width, running):
    line = status_line(done, planned_points, counts, current, elapsed, eta, width, running)
    assert len(line) <= width
    assert len(line.splitlines()) <= 1


def test_no_estimate_before_the_first_point():
    estimator = EtaEstimator()
    estimator.plan(planned([point()]))
    assert estimator.seconds_left() is None


def test_neighbours_of_the_same_size_come_first():
    estimator = EtaEstimator()
    estimator.plan(planned([point(shots=shots) for shots in (1, 10, 100)]))
    estimator.add(point(shots=1, elapsed_s=2.0))
    assert estimator.seconds_left() == pytest.approx(4.0)
    assert estimator.seconds_left(parallel=2) == pytest.approx(2.0)
    estimator.add(point(shots=10, elapsed_s=4.0))
    assert estimator.seconds_left() == pytest.approx(3.0)
    estimator.add(point(shots=100, elapsed_s=4.0))
    assert estimator.seconds_left() == 0.0


def test_a_larger_state_doubles_per_qubit_up_to_the_timeout():
    def left(n_qubits, timeout_s):
        estimator = EtaEstimator()
        estimator.plan(planned([point(n_qubits=n_qubits)]))
        estimator.add(point(n_qubits=18, shots=1, elapsed_s=1.0, timeout_s=timeout_s))
        return estimator.seconds_left()

    assert left(20, None) == pytest.approx(4.0)
    assert left(28, None) == pytest.approx(1024.0)
    assert left(28, 30.0) == pytest.approx(60.0)
    assert left(16, None) == pytest.approx(0.25)
    assert left(4, None) == pytest.approx(0.25), "small states cost no less than their calls"


def test_the_mean_where_there_is_no_neighbour():
    estimator = EtaEstimator()
    estimator.plan(planned([point("native", "qft"), point("aer", "qft")]))
    estimator.add(point("native", "ghz_state", elapsed_s=1.0))
    assert estimator.seconds_left() == pytest.approx(2.0)
    estimator.add(point("aer", "ghz_state", elapsed_s=5.0))
    assert estimator.seconds_left() == pytest.approx(6.0)


def test_points_that_were_skipped_say_nothing():
    estimator = EtaEstimator()
    estimator.plan(planned([point(shots=shots) for shots in (1, 10, 100)]))
    estimator.add(point(shots=1, elapsed_s=30.0))
    estimator.add(point(shots=10, seconds=None, skipped=True, status=Status.ABORT, elapsed_s=0.0))
    assert estimator.seconds_left() == pytest.approx(30.0)


def test_it_counts_down_to_zero_in_any_order():
    points = list(run())
    random.Random(5).shuffle(points)
    estimator = EtaEstimator()
    estimator.plan(planned(points))
    for result in points[:-1]:
        estimator.add(result)
    assert estimator.seconds_left() > 0
    estimator.add(points[-1])
    estimator.add(points[-1])
    assert estimator.seconds_left() == 0.0


def test_the_estimate_of_one_point():
    estimator = EtaEstimator()
    (small, large, other) = planned([point(n_qubits=4), point(n_qubits=18), point("aer", "qft")])
    estimator.plan([small, large, other])
    assert estimator.estimate(small) is None
    estimator.add(point(n_qubits=4, elapsed_s=2.0))
    assert [estimator.estimate(one) for one in (small, large, other)] == pytest.approx([2.0, 8.0, 2.0])


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xyz"), st.integers(2, 20), st.floats(0, 9)), max_size=40)
)
def test_asking_after_every_point_is_the_same_as_asking_once(cells):
    """What is kept between two questions is never outdated."""
    points = [point(backend, case, size, elapsed_s=seconds) for backend, case, size, seconds in cells]
    asked, silent = EtaEstimator(), EtaEstimator()
    for estimator in (asked, silent):
        estimator.plan(planned(points))
    for result in points[: len(points) // 2]:
        asked.add(result)
        asked.seconds_left()
        silent.add(result)
    assert asked.seconds_left() == silent.seconds_left()


def test_a_plan_of_very_many_points_is_asked_quickly():
    """Every item asks once: with a walk over all cells this took minutes."""
    estimator = EtaEstimator()
    points = [point(f"b{b}", f"c{c}", n) for b in range(5) for c in range(20) for n in range(2, 22)]
    plan = planned(points)
    for _ in range(50):
        estimator.plan(plan)
    started = time.process_time()
    for result in points:
        estimator.add(result)
        estimator.seconds_left()
    assert (time.process_time() - started) / len(points) < 1e-3
