"""From points to a row."""

from __future__ import annotations

import json
import math
import re
import statistics
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_samples import SHOTS, ladder_of, point, run

from pytest_qbench.report.files import dump_line, jsonable
from pytest_qbench.report.rows import PRECEDENCE, ROW_KEYS, build_row, node_of, worst
from pytest_qbench.results import Status

# As the design lists them.
CONTRACT = re.findall(
    r"\w+",
    """
    schema, run_id, backend, backend_version, case, n_qubits, params, n_ops, kind, status, correct, aborted,
    abort_reason, errors, times_s, rounds_s, cpu_times_s, cpu_util, prepare_s, first_call_s,
    memory, threads, precision, device, noise, seed, env
    """,
)
ENV = {"fingerprint": "0123456789ab"}


def row_of(points, **more):
    return build_row(points, "run", ENV, **more)


def test_the_keys_of_the_contract_come_first_and_in_order():
    assert list(ROW_KEYS[: len(CONTRACT)]) == CONTRACT


def test_every_row_has_the_same_keys_in_the_same_order():
    ladders = {}
    for result in run(("native", "aer", "stim", "quest")):
        ladders.setdefault(result.instance, []).append(result)
    rows = [row_of(points) for points in ladders.values()]
    assert {row["status"] for row in rows} == {status.value for status in Status if status is not Status.UNVERIFIED}
    assert {tuple(row) for row in rows} == {ROW_KEYS}
    assert {tuple(row["memory"]) for row in rows} == {
        ("rss_before", "rss_after", "rss_delta", "rss_peak", "device_peak")
    }
    for row in rows:
        assert json.loads(dump_line(row)) == row


def test_a_complete_ladder():
    times = dict(zip(SHOTS, (0.001, 0.002, 0.003, 0.004, 0.05), strict=True))
    row = row_of(ladder_of(times, params={"depth": 20}))
    assert row["status"] == "PASS"
    assert row["correct"] is True
    assert row["aborted"] is False
    assert row["abort_reason"] is None
    assert row["errors"] == []
    assert row["times_s"] == {str(shots): seconds for shots, seconds in times.items()}
    assert row["cpu_util"]["10"] == pytest.approx(1.5)
    assert (row["first_call_shots"], row["first_call_abort"]) == (1000, None)
    assert (row["backend_version"], row["precision"], row["device"]) == ("0.1.0", "double", "CPU")
    assert row["memory"]["rss_peak"] == 120_010_000
    assert row["memory"]["rss_delta"] == row["memory"]["rss_after"] - row["memory"]["rss_before"]
    assert row["planned_shots"] == list(SHOTS)
    assert row["missing_shots"] == row["skipped_shots"] == []
    assert row["nodeids"]["10"] == "cases/circuits/ghz_state.py::ghz_state[native-q4-depth20-s10]"
    assert row["node"] == "cases/circuits/ghz_state.py::ghz_state"


def test_a_ladder_that_aborts_keeps_the_times_of_its_lower_shots():
    points = [
        point(shots=1, ladder=(1, 10, 100)),
        point(
            shots=10, ladder=(1, 10, 100), seconds=None, status=Status.ABORT, reason="no answer", abort_kind="timeout"
        ),
        point(shots=100, ladder=(1, 10, 100), seconds=None, status=Status.ABORT, reason="not run", skipped=True),
    ]
    row = row_of(points)
    assert row["status"] == "ABORT"
    assert row["correct"] is True
    assert row["aborted"] is True
    assert row["abort_reason"] == "no answer"
    assert list(row["times_s"]) == ["1"]
    assert row["skipped_shots"] == [100]
    assert row["point_status"] == {"1": "PASS", "10": "ABORT", "100": "ABORT"}
    assert [(error["shots"], error["kind"]) for error in row["errors"]] == [([10], "timeout")]


def test_one_wrong_point_makes_the_row_wrong():
    points = [
        point(shots=1, ladder=(1, 10)),
        point(shots=10, ladder=(1, 10), status=Status.FAIL, reason="wrong distribution", detail="x" * 9000 + "end"),
    ]
    row = row_of(points)
    assert (row["status"], row["correct"]) == ("FAIL", False)
    assert row["errors"][0]["detail"].endswith("end")
    assert len(row["errors"][0]["detail"]) < 9000


def test_nothing_completed_is_neither_right_nor_wrong():
    points = [
        point(
            shots=shots, ladder=(1, 10), seconds=None, status=Status.UNAVAILABLE, reason="not installed", description={}
        )
        for shots in (1, 10)
    ]
    row = row_of(points)
    assert (row["status"], row["correct"], row["aborted"]) == ("UNAVAILABLE", None, False)
    assert row["backend_version"] is row["precision"] is row["prepare_s"] is None
    assert [(error["shots"], error["reason"]) for error in row["errors"]] == [([1, 10], "not installed")]


def test_a_circuit_that_could_not_be_built_says_nothing_of_the_backend():
    row = row_of([point(shots=1, ladder=(1,), seconds=None, status=Status.FAIL, reason="the builder raised")])
    assert (row["status"], row["correct"]) == ("FAIL", None)


def test_a_first_call_that_was_given_up_is_told_beside_the_one_that_counts():
    points = [
        point(shots=1, ladder=(1, 1000), first_call_shots=1, first_call_abort="timeout: first call of 1000 shots"),
        point(shots=1000, ladder=(1, 1000), seconds=None, status=Status.ABORT, reason="timeout"),
    ]
    row = row_of(points)
    assert row["first_call_s"] == points[0].first_call_s
    assert (row["first_call_shots"], row["first_call_abort"]) == (1, "timeout: first call of 1000 shots")


def test_a_row_of_nothing_but_skipped_points_still_has_its_reason():
    row = row_of([point(shots=9, ladder=(9,), seconds=None, status=Status.ABORT, skipped=True, reason="skipped: why")])
    assert row["abort_reason"] == row["errors"][0]["reason"] == "skipped: why"


def test_missing_points_are_named():
    row = row_of([point(shots=10, ladder=(1, 10, 100))], missing_reason="the session was interrupted")
    assert row["missing_shots"] == [1, 100]
    assert row["errors"][0]["reason"] == "not measured: the session was interrupted"


def test_numbers_that_are_not_finite_become_null_and_are_named():
    row = row_of(
        [point(shots=1, ladder=(1,), cpu_s=(math.inf, 1.0, math.inf), p_value=math.nan, params={"angle": math.nan})]
    )
    assert row["params"] == {"angle": None}
    assert row["cpu_times_s"] == row["cpu_util"] == row["p_values"] == {"1": None}
    reason = row["errors"][0]["reason"]
    assert all(name in reason for name in ("params.angle", "cpu_times_s.1", "cpu_util.1", "p_values.1"))
    dump_line(row)


def test_no_points_is_an_error():
    with pytest.raises(ValueError, match="at least one point"):
        row_of([])


def test_the_order_of_the_points_does_not_matter():
    points = ladder_of({1: 0.1, 10: 0.2, 100: 0.4})
    rows = [row_of(order) for order in permutations(points)]
    assert all(row == rows[0] for row in rows)


@pytest.mark.parametrize(
    ("nodeid", "node"),
    [
        ("cases/a.py::ghz[aer-q2-s1]", "cases/a.py::ghz"),
        ("dir[1]/a.py::Test::test_x[a::b-q2]", "dir[1]/a.py::Test::test_x"),
        ("qbench::ghz", "qbench::ghz"),
    ],
)
def test_node_of(nodeid, node):
    assert node_of(nodeid) == node


@given(st.lists(st.sampled_from(Status), min_size=1))
def test_the_worst_status_wins(statuses):
    result = worst(statuses)
    assert result in statuses
    assert all(PRECEDENCE.index(result) <= PRECEDENCE.index(status) for status in statuses)
    assert worst([*statuses, result]) == worst(reversed(statuses)) == result


def test_the_precedence_covers_every_status():
    assert set(PRECEDENCE) == set(Status)
    assert PRECEDENCE[0] is Status.FAIL
    assert PRECEDENCE[-1] is Status.PASS


@given(st.lists(st.floats(min_value=1e-9, max_value=1e4), min_size=1, max_size=30))
def test_times_are_medians_within_the_rounds(rounds):
    row = row_of([point(shots=7, ladder=(7,), rounds_s=tuple(rounds), cpu_s=tuple(rounds))])
    assert row["times_s"]["7"] == statistics.median(rounds)
    assert min(rounds) <= row["times_s"]["7"] <= max(rounds)
    assert row["rounds_s"]["7"] == rounds
    assert row["cpu_util"]["7"] == 1.0


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner) | st.tuples(inner),
    )
)
def test_whatever_goes_in_valid_json_comes_out(value):
    lost = []
    clean = jsonable(value, lost=lost)
    assert json.loads(dump_line(clean), parse_constant=pytest.fail) == clean
    lost.clear()
    assert jsonable(clean, lost=lost) == clean
    assert lost == []


def test_scalars_of_other_libraries():
    import numpy as np

    assert jsonable({"a": np.int64(3), "b": np.float32(0.5), "c": {2, 1}, "d": np.float64("nan")}) == {
        "a": 3,
        "b": 0.5,
        "c": [1, 2],
        "d": None,
    }
