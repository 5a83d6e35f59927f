"""Which rounds are noisy, and what the terminal and the record say of them."""

from __future__ import annotations

import statistics
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_samples import planned, point

from pytest_qbench.report.cells import Matrix
from pytest_qbench.report.comparison import compare
from pytest_qbench.report.gradient_summary import gradient_summary_lines
from pytest_qbench.report.rows import build_row
from pytest_qbench.report.spread import is_noisy
from pytest_qbench.report.summary import build_summary
from pytest_qbench.report.terminal import summary_lines
from pytest_qbench.results import PointResult, Status

seconds = st.floats(min_value=1e-6, max_value=100.0)
many = st.lists(seconds, min_size=2, max_size=60)


@given(many, st.integers(min_value=-10, max_value=10), st.randoms())
def test_neither_the_unit_nor_the_order_counts(rounds: list[float], exponent: int, random) -> None:
    scaled = [2.0**exponent * value for value in rounds]
    random.shuffle(scaled)
    assert is_noisy(scaled) == is_noisy(rounds)


@given(seconds, st.lists(st.floats(min_value=1.0, max_value=1.49), min_size=2, max_size=60))
def test_rounds_within_half_of_the_fastest_are_calm(fastest: float, factors: list[float]) -> None:
    assert is_noisy([fastest * factor for factor in factors]) is False


@given(many, st.floats(min_value=2.01, max_value=100.0))
def test_a_median_far_above_the_fastest_round_is_noisy(rounds: list[float], factor: float) -> None:
    assert is_noisy([*rounds, statistics.median([*rounds, max(rounds)]) / factor / 2]) is True


@given(st.lists(seconds, min_size=20, max_size=60), st.integers(min_value=0, max_value=4))
def test_a_few_interruptions_of_calm_rounds_are_no_noise(rounds: list[float], outliers: int) -> None:
    calm = [1.0 + value / 1000 for value in rounds]
    assert is_noisy(calm + [50.0] * outliers) is False


@pytest.mark.parametrize(
    ("rounds", "noisy"),
    [((), None), ((1.0,), None), ((1.0, 1.9), False), ((1.0, 4.0), True), ((1.0, 1.0, 2.1), True), ((1.0,) * 3, False)],
)
def test_examples(rounds: tuple[float, ...], noisy: bool | None) -> None:
    assert is_noisy(rounds) is noisy


def shown(points: list[PointResult]) -> tuple[str, dict, dict]:
    """The terminal's section, ``summary.json`` and ``comparison.json``."""
    rows = [build_row([result], "run", {}) for result in points]
    matrix = Matrix(rows, planned(points), ("native", "aer"))
    comparison = compare(matrix)
    started = datetime(2026, 1, 31, tzinfo=UTC)
    summary = build_summary(rows, matrix, run_id="run", started=started, wall_s=1.0, interrupted=False)
    lines = summary_lines(summary, comparison, Path("reports/run"), 100)
    return "\n".join(line for line, _ in lines), summary, comparison.to_json("run")


def alone(backend: str, *rounds_s: float, **more) -> PointResult:
    return point(backend, shots=1, ladder=(1,), seconds=0.001, rounds_s=rounds_s, **more)


def test_noisy_points_are_marked_in_every_table() -> None:
    text, summary, comparison = shown([alone("native", 0.010, 0.010, 0.011), alone("aer", 0.010, 0.030, 0.080)])
    assert "ghz_state 4q  aer          1  ~30.0 ms" in text
    assert "ghz_state 4q  native       1   10.0 ms" in text
    (row,) = [line for line in text.splitlines() if line.startswith("ghz_state  4q")]
    assert row.split() == ["ghz_state", "4q", "10.0", "ms", "~30.0", "ms", "~3.00x", "3.00x"]
    assert "~: noisy, as 1 of 2 timed points: " in text
    assert "--benchmark-max-time=5" in text
    (cell,) = comparison["pairs"][0]["warm"]["cells"]
    assert (cell["baseline_noisy"], cell["noisy"]) == (False, True)
    assert {cell["noisy"] for cell in comparison["pairs"][0]["cold"]["cells"]} == {None}
    assert (summary["points"]["timed"], summary["points"]["noisy"], summary["points"]["single_round"]) == (2, 1, 0)


def test_gradient_sessions_count_noise_and_skip_samples() -> None:
    _, summary, _ = shown([alone("native", 0.010, 0.030, 0.080)])
    summary["points"]["skipped"] = 2
    lines = gradient_summary_lines(summary, [], Path("reports/run"), 100, None, None)
    text = "\n".join(line for line, _ in lines)
    assert "~: noisy, as 1 of 1 timed point: " in text
    assert "2 points skipped: fewer samples had ended their ladder already" in text


def test_calm_points_need_no_legend_and_single_rounds_do() -> None:
    text, *_ = shown([alone("native", 0.010, 0.011), alone("aer", 0.030, 0.031)])
    assert "~" not in text
    assert "single round" not in text
    text, summary, comparison = shown([alone("native", 0.010), alone("aer", 0.030, 0.031)])
    assert "a single round at 1 of 2 timed points: " in text
    assert summary["points"]["single_round"] == 1
    assert comparison["pairs"][0]["warm"]["cells"][0]["baseline_noisy"] is None


def test_the_times_of_a_wrong_result_count_for_nothing() -> None:
    wrong = alone("aer", 5.0, 5.0, 50.0, status=Status.FAIL, reason="wrong", elapsed_s=9.0)
    text, summary, _ = shown([alone("native", 0.010, 0.011), wrong])
    assert [spot["backend"] for spot in summary["hot_spots"]["slowest"]] == ["native"]
    assert summary["hot_spots"]["slowest_ladder"]["backend"] == "native"
    assert summary["hot_spots"]["most_time"][0]["status"] == "FAIL", "the time was spent all the same"
    assert summary["totals"]["static"]["medians_s"] == pytest.approx(0.0105)
    assert summary["backends"]["aer"]["totals"]["static"]["points"] == 0
    assert summary["points"]["noisy"] == 0
    assert "5.00 s" not in text
