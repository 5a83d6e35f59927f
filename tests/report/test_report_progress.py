"""The live status line and the time left."""

from __future__ import annotations

import random

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
)
def test_it_is_one_line_that_fits(done, planned_points, counts, current, elapsed, eta, width):
    line = status_line(done, planned_points, counts, current, elapsed, eta, width)
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
