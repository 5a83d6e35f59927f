"""Ratios, geometric means and coverage."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_samples import DESCRIPTIONS, ladder_of, planned, point, run

from pytest_qbench.report.cells import CaseKey, Cell, Matrix, State
from pytest_qbench.report.comparison import PairCell, aggregate, compare, geometric_mean, ratio_of
from pytest_qbench.report.files import dump_line
from pytest_qbench.report.rows import build_row
from pytest_qbench.results import Status

TIMEOUT = 30.0


def matrix_of(points, plan=None, backends=("native", "aer")):
    ladders = {}
    for result in points:
        ladders.setdefault(result.instance, []).append(result)
    rows = [build_row(ladder, "run", {}) for ladder in ladders.values()]
    return Matrix(rows, planned(points if plan is None else plan), backends)


def both(times, other_times, **more):
    return ladder_of(times, backend="native", **more) + ladder_of(other_times, backend="aer", **more)


def done(seconds):
    return Cell(State.COMPLETED, seconds, TIMEOUT)


ABORTED = Cell(State.ABORTED, timeout_s=TIMEOUT)
WRONG = Cell(State.WRONG, timeout_s=TIMEOUT)


def pair_cell(baseline, other, number=0, shots=1):
    return PairCell(CaseKey("n", "c", number, "{}", "null"), shots, "static", baseline, other)


# Times within the timeout; the ratio of an aborted cell is clamped only beyond it.
times = st.floats(min_value=1e-6, max_value=TIMEOUT)
completed = times.map(done)
cells = st.one_of(
    completed,
    st.sampled_from([ABORTED, WRONG, *(Cell(state) for state in State if state is not State.COMPLETED)]),
)
pairs = st.lists(st.builds(pair_cell, cells, cells))
completed_pairs = st.lists(st.builds(pair_cell, completed, completed), min_size=1)


@given(st.lists(st.floats(min_value=1e-6, max_value=1e6), min_size=1))
def test_the_geometric_mean_lies_within_and_is_multiplicative(values):
    mean = geometric_mean(values)
    assert min(values) * (1 - 1e-9) <= mean <= max(values) * (1 + 1e-9)
    assert geometric_mean(3 * value for value in values) == pytest.approx(3 * mean)
    assert geometric_mean(1 / value for value in values) == pytest.approx(1 / mean)
    assert geometric_mean(values * 2) == pytest.approx(mean)


def test_the_geometric_mean_of_nothing():
    assert geometric_mean([]) is None
    assert geometric_mean([2.0, 8.0]) == pytest.approx(4.0)


@given(cells, cells)
def test_a_ratio_is_the_inverse_of_its_mirror_image(left, right):
    ratio, mirrored = ratio_of(left, right), ratio_of(right, left)
    if ratio is None:
        assert mirrored is None
    else:
        assert ratio.value * mirrored.value == pytest.approx(1)
        assert {ratio.bound, mirrored.bound} in ({""}, {"<", ">"})


@given(times)
def test_to_abort_is_never_to_win(seconds):
    for lost in (ABORTED, WRONG):
        ratio = ratio_of(done(seconds), lost)
        assert ratio.bound == ">"
        assert ratio.value == pytest.approx(max(TIMEOUT / seconds, 1))
        assert ratio_of(done(2 * TIMEOUT), lost).value == 1.0


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (ABORTED, WRONG),
        (done(1.0), Cell(State.UNSUPPORTED, timeout_s=TIMEOUT)),
        (done(1.0), Cell(State.UNAVAILABLE, timeout_s=TIMEOUT)),
        (done(1.0), Cell(State.MISSING)),
        (done(1.0), Cell(State.ABORTED)),
    ],
)
def test_what_can_not_be_compared(left, right):
    assert ratio_of(left, right) is None
    assert ratio_of(right, left) is None


@given(pairs)
def test_every_cell_is_counted_once(items):
    total = aggregate(items)
    assert total.aborts_at_timeout.cells + total.both_aborted + total.not_compared == len(items)
    assert total.completed.cells == sum(
        item.baseline.seconds is not None and item.other.seconds is not None for item in items
    )
    for mean in (total.completed, total.aborts_at_timeout):
        assert (mean.geomean is None) == (mean.cells == 0)
        assert mean.baseline_faster + mean.baseline_slower <= mean.cells


@given(completed_pairs, st.floats(min_value=0.01, max_value=100))
def test_a_backend_that_takes_k_times_as_long_has_k_times_the_mean(items, factor):
    slower = [pair_cell(item.baseline, done(item.other.seconds * factor)) for item in items]
    before, after = aggregate(items).completed.geomean, aggregate(slower).completed.geomean
    assert after == pytest.approx(factor * before)


@given(completed_pairs, st.data())
def test_aborting_where_one_completed_never_improves_the_mean(items, data):
    index = data.draw(st.integers(0, len(items) - 1))
    worse = [*items]
    worse[index] = pair_cell(items[index].baseline, data.draw(st.sampled_from([ABORTED, WRONG])))
    before, after = aggregate(items).aborts_at_timeout, aggregate(worse).aborts_at_timeout
    assert after.geomean >= before.geomean * (1 - 1e-9)
    assert after.cells == before.cells


@given(pairs)
def test_the_mirrored_comparison_says_the_same(items):
    mirrored = [pair_cell(item.other, item.baseline) for item in items]
    one, two = aggregate(items), aggregate(mirrored)
    assert (one.both_aborted, one.not_compared) == (two.both_aborted, two.not_compared)
    for left, right in ((one.completed, two.completed), (one.aborts_at_timeout, two.aborts_at_timeout)):
        assert left.cells == right.cells
        if left.geomean is not None:
            assert math.log(left.geomean) == pytest.approx(-math.log(right.geomean), abs=1e-9)


def test_two_backends_by_hand():
    comparison = compare(matrix_of(both({1: 0.001, 10: 0.002}, {1: 0.004, 10: 0.002})))
    (pair,) = comparison.pairs
    assert (pair.baseline, pair.other) == ("native", "aer")
    report = comparison.to_json("run")["pairs"][0]
    assert report["warm"]["all"]["shots"]["1"]["completed"]["geomean"] == pytest.approx(4)
    assert report["warm"]["all"]["shots"]["10"]["completed"]["geomean"] == pytest.approx(1)
    assert report["warm"]["all"]["overall"]["completed"] == {
        "geomean": pytest.approx(2),
        "cells": 2,
        "baseline_faster": 1,
        "baseline_slower": 0,
    }
    # Preparation 2 ms and a first call of three times the median.
    assert report["cold"]["all"]["overall"]["completed"]["geomean"] == pytest.approx(0.014 / 0.005)
    assert report["warm"]["dynamic"]["overall"]["completed"]["geomean"] is None
    assert report["differences"] == {}


def test_the_baseline_is_the_first_named_whatever_arrives_first():
    points = both({1: 0.001}, {1: 0.002})
    assert compare(matrix_of(points[::-1])).backends == ("native", "aer")
    assert compare(matrix_of(points, backends=("aer", "native"))).pairs[0].baseline == "aer"


def test_static_and_dynamic_are_apart():
    points = both({1: 0.001}, {1: 0.002}, kind="static") + both({1: 0.001}, {1: 0.008}, case="teleport", kind="dynamic")
    warm = compare(matrix_of(points)).to_json("run")["pairs"][0]["warm"]
    assert warm["static"]["overall"]["completed"]["geomean"] == pytest.approx(2)
    assert warm["dynamic"]["overall"]["completed"]["geomean"] == pytest.approx(8)
    assert warm["all"]["overall"]["completed"]["geomean"] == pytest.approx(4)


def test_an_aborted_ladder_counts_at_the_timeout():
    points = [
        *ladder_of({1: 0.1, 10: 0.3, 100: 3.0}),
        point("aer", shots=1, seconds=0.2, ladder=(1, 10, 100)),
        point("aer", shots=10, seconds=None, ladder=(1, 10, 100), status=Status.ABORT, reason="no answer"),
        point("aer", shots=100, seconds=None, ladder=(1, 10, 100), status=Status.ABORT, skipped=True),
    ]
    comparison = compare(matrix_of(points))
    total = aggregate(comparison.pairs[0].warm)
    assert total.completed.geomean == pytest.approx(2)
    assert total.aborts_at_timeout.geomean == pytest.approx((2 * 100 * 10) ** (1 / 3))
    assert comparison.coverage["aer"]["aborted"] == 2
    assert comparison.coverage["aer"]["fraction"] == pytest.approx(1 / 3)
    bounds = [cell["bound"] for cell in comparison.to_json("run")["pairs"][0]["warm"]["cells"]]
    assert bounds == ["", ">", ">"]
    # The first call was made before anything aborted.
    assert aggregate(comparison.pairs[0].cold).completed.cells == 1


def test_a_ladder_that_is_wrong_anywhere_is_never_fast():
    points = [
        *ladder_of({1: 0.1, 10: 0.1}),
        point("aer", shots=1, seconds=1e-6, ladder=(1, 10)),
        point("aer", shots=10, seconds=1e-6, ladder=(1, 10), status=Status.FAIL, reason="wrong"),
    ]
    comparison = compare(matrix_of(points))
    total = aggregate(comparison.pairs[0].warm)
    assert total.completed.cells == 0
    assert total.aborts_at_timeout.geomean == pytest.approx(300)
    assert comparison.coverage["aer"]["wrong"] == 2
    assert aggregate(comparison.pairs[0].cold).completed.cells == 0


def test_unsupported_and_unavailable_are_no_aborts():
    points = [
        *ladder_of({1: 0.1}),
        *ladder_of({1: 0.1}, n_qubits=5),
        point("aer", shots=1, seconds=None, ladder=(1,), status=Status.UNSUPPORTED),
        point("aer", n_qubits=5, shots=1, seconds=None, ladder=(1,), status=Status.UNAVAILABLE),
    ]
    comparison = compare(matrix_of(points))
    coverage = comparison.coverage["aer"]
    assert (coverage["unsupported"], coverage["unavailable"], coverage["aborted"]) == (1, 1, 0)
    assert aggregate(comparison.pairs[0].warm).not_compared == 2


def test_what_was_planned_and_never_ran_is_missing():
    ran = both({1: 0.1}, {1: 0.2})
    plan = ran + both({1: 0.1}, {1: 0.2}, n_qubits=24)
    comparison = compare(matrix_of(ran, plan))
    assert comparison.coverage["aer"] == {
        "planned": 2,
        "completed": 1,
        "wrong": 0,
        "aborted": 0,
        "unsupported": 0,
        "unavailable": 0,
        "missing": 1,
        "fraction": 0.5,
    }
    states = [cell["state"] for cell in comparison.to_json("run")["pairs"][0]["warm"]["cells"]]
    assert states == ["completed", "missing"]


def test_a_backend_that_vanished_altogether_still_shows():
    plan = both({1: 0.1}, {1: 0.2})
    comparison = compare(matrix_of(plan[:1], plan))
    assert comparison.backends == ("native", "aer")
    assert comparison.coverage["aer"]["missing"] == 1


def test_different_programs_are_not_compared():
    points = ladder_of({1: 0.1}, program_hash="one") + ladder_of({1: 0.2}, backend="aer", program_hash="two")
    (pair,) = compare(matrix_of(points)).pairs
    assert pair.different_programs == 1
    assert aggregate(pair.warm).not_compared == 1


def test_mixed_precision_is_told():
    single = {**DESCRIPTIONS["native"], "precision": "single"}
    points = ladder_of({1: 0.1}, description=single) + ladder_of({1: 0.2}, backend="aer")
    (pair,) = compare(matrix_of(points)).pairs
    assert pair.differences == {"precision": {"native": ["single"], "aer": ["double"]}}


def test_first_calls_at_different_shots_are_not_compared():
    points = [
        *ladder_of({1: 0.1, 10: 0.1}),
        point("aer", shots=1, ladder=(1, 10), prepare_s=None, first_call_s=None, first_call_shots=None),
        point("aer", shots=10, ladder=(1, 10), prepare_s=0.1, first_call_s=0.1, first_call_shots=10),
    ]
    total = aggregate(compare(matrix_of(points)).pairs[0].cold)
    assert (total.completed.cells, total.not_compared) == (0, 2)


def test_the_cold_reading_is_one_at_1000_shots():
    times = {1: 0.001, 1000: 0.002}
    report = compare(matrix_of(both(times, times) + both({1: 0.001, 10: 0.1}, {1: 0.001, 10: 0.1}, case="qft")))
    (pair,) = report.to_json("run")["pairs"]
    assert [(cell["case"], cell["shots"]) for cell in pair["cold"]["cells"]] == [("ghz_state", 1000), ("qft", 1)]
    assert report.to_json("run")["cold_shots"] == [1, 1000]


def test_a_first_call_that_was_given_up_counts_as_aborted_at_its_shots():
    given_up = {"first_call_shots": 1, "first_call_abort": "timeout: first call of 1000 shots took more than 30 s"}
    points = [
        *ladder_of({1: 0.1, 1000: 0.1}),
        point("aer", shots=1, ladder=(1, 1000), **given_up),
        point("aer", shots=1000, ladder=(1, 1000), seconds=None, status=Status.ABORT, reason="timeout"),
    ]
    (pair,) = compare(matrix_of(points)).pairs
    (cell,) = pair.cold
    assert (cell.shots, cell.other.state) == (1000, State.ABORTED)
    assert cell.ratio.value == pytest.approx(TIMEOUT / (0.002 + 0.3))
    assert cell.ratio.bound == ">"


def test_a_first_call_that_was_never_made_is_missing_where_it_was_due():
    plan = both({1: 0.1, 1000: 0.2}, {1: 0.1, 1000: 0.2})
    (pair,) = compare(matrix_of(plan[:2], plan)).pairs
    assert [(cell.shots, cell.other.state) for cell in pair.cold] == [(1000, State.MISSING)]


def test_instances_that_look_alike_are_kept_apart():
    """A parametrised test whose parameters the record does not know."""
    points = [
        point(
            backend,
            shots=1,
            seconds=seconds,
            ladder=(1,),
            instance=f"test_x[{backend}-{number}]",
            program_hash=str(number),
        )
        for backend, seconds in (("native", 0.1), ("aer", 0.3))
        for number in (1, 2)
    ]
    total = aggregate(compare(matrix_of(points)).pairs[0].warm)
    assert (total.completed.cells, total.completed.geomean) == (2, pytest.approx(3))


def test_one_backend_has_coverage_and_no_pairs():
    report = compare(matrix_of(ladder_of({1: 0.1}), backends=())).to_json("run")
    assert report["pairs"] == []
    assert report["coverage"]["native"]["fraction"] == 1.0


def test_nothing_at_all():
    assert compare(Matrix([])).to_json("run")["baseline"] is None


def test_a_whole_run_is_valid_json():
    report = compare(matrix_of(list(run(("native", "aer", "stim", "quest"))), backends=("native",))).to_json("run")
    assert json.loads(dump_line(report)) == report
    assert [pair["backend"] for pair in report["pairs"]] == ["aer", "stim", "quest"]
    for coverage in report["coverage"].values():
        assert coverage["planned"] == sum(coverage[state.value] for state in State) == 770


def on(machine, **more):
    return {"name": machine, "fingerprint": more.get("kind", machine)}


def test_machines_that_are_not_alike_are_not_compared():
    points = ladder_of({1: 0.1}, host=on("a")) + ladder_of({1: 0.2}, backend="aer", host=on("b"))
    (pair,) = compare(matrix_of(points)).pairs
    assert (pair.different_hardware, pair.different_programs) == (1, 0)
    assert aggregate(pair.warm).not_compared == 1
    (pair,) = compare(matrix_of(points), mixed_hosts=True).pairs
    assert pair.different_hardware == 0
    assert aggregate(pair.warm).completed.geomean == pytest.approx(2)


def test_two_machines_of_one_kind_are_compared():
    points = ladder_of({1: 0.1}, host=on("a", kind="x")) + ladder_of({1: 0.2}, backend="aer", host=on("b", kind="x"))
    (pair,) = compare(matrix_of(points)).pairs
    assert pair.different_hardware == 0


def test_a_point_that_moved_to_another_machine_is_left_out():
    points = [
        *ladder_of({1: 0.1, 10: 0.1}, host=on("a")),
        point("aer", shots=1, ladder=(1, 10), seconds=0.2, host=on("a")),
        point("aer", shots=10, ladder=(1, 10), seconds=0.2, host=on("b")),
    ]
    rows = [build_row(points[:2], "run", {}), build_row(points[2:], "run", {})]
    assert rows[1]["host"] == on("a")
    assert rows[1]["moved"] == {"10": on("b")}
    (pair,) = compare(matrix_of(points)).pairs
    assert [cell.same_hardware for cell in pair.warm] == [True, False]


def test_a_backend_that_never_ran_has_no_machine():
    absent = point("aer", shots=1, ladder=(1,), seconds=None, status=Status.UNAVAILABLE)
    (pair,) = compare(matrix_of([*ladder_of({1: 0.1}, host=on("a")), absent])).pairs
    assert pair.different_hardware == 0
