"""Many backends side by side: a line each; means never over two precisions unless they are asked for."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from report_samples import DESCRIPTIONS, ladder_of
from test_report_comparison import matrix_of

from pytest_qbench.backends.registry import installed_backends
from pytest_qbench.report.case_tables import case_tables
from pytest_qbench.report.comparison import compare
from pytest_qbench.report.rows import build_row
from pytest_qbench.report.side_by_side import side_by_side_lines
from pytest_qbench.report.summary import build_summary
from pytest_qbench.results import PointResult
from pytest_qbench.specs import parse_spec

NAMES = ("aer", "native", "lightning.kokkos", "lightning.qubit", "qsim")
SECONDS = {"aer": 0.004, "native": 0.001, "lightning.kokkos": 0.002, "lightning.qubit": 0.008, "qsim": 0.00052}


def points_of(*names: str) -> list[PointResult]:
    points: list[PointResult] = []
    for case, factor in (("qft", 1), ("ghz", 2)):
        for name in names:
            precision = "single" if name == "qsim" else "double"
            description = {**DESCRIPTIONS["native"], "precision": precision, "method": "statevector"}
            times = {shots: factor * SECONDS[name] * (2 if shots == 10 else 1) for shots in (1, 10)}
            points += ladder_of(times, backend=name, case=case, description=description)
    return points


def lines_of(*names: str, width: int = 100, mixed_precision: bool = False) -> list[str]:
    comparison = compare(matrix_of(points_of(*names), backends=names), mixed_precision=mixed_precision)
    return [text for text, _ in side_by_side_lines(comparison, width)]


def line(lines: list[str], start: str, number: int = 0) -> list[str]:
    return [text for text in lines if text.startswith(start)][number].split()


def test_a_line_per_backend() -> None:
    lines = lines_of(*NAMES)
    assert line(lines, "backend") == ["backend", "precision", "method", "device", "threads", "fastest"]
    assert line(lines, "qsim")[:3] == ["qsim", "single", "statevector"]
    # The fastest everywhere, whatever its precision: that stands beside it.
    assert line(lines, "qsim")[-1] == "4"
    assert line(lines, "time / aer") == ["time", "/", "aer", "1", "10", "all", "cells", "cold"]
    assert line(lines, "native", 1)[:5] == ["native", "0.25x", "0.25x", "0.25x", "4"]
    assert line(lines, "lightning.qubit", 1)[1:4] == ["2.00x", "2.00x", "2.00x"]
    assert not any(text.startswith("geometric mean of") for text in lines)


def test_means_over_two_precisions_are_refused_unless_asked_for() -> None:
    lines = lines_of(*NAMES)
    assert line(lines, "qsim", 1) == ["qsim", "mixed", "mixed", "mixed", "4", "mixed"]
    assert "not averaged, because it is in another precision than aer: qsim." in " ".join(lines)
    assert "--qbench-mixed-precision" in " ".join(lines)
    # What the note suggests can be written so.
    for spec in re.findall(r"\w+\[\S+\]", " ".join(lines)):
        assert parse_spec(spec, installed_backends()).options
    told = lines_of(*NAMES, mixed_precision=True)
    assert line(told, "qsim", 1)[1:4] == ["0.13x", "0.13x", "0.13x"]
    assert "not averaged" not in " ".join(told)


def test_two_backends_of_different_precision() -> None:
    points = points_of("aer", "qsim")
    comparison = compare(matrix_of(points, backends=("aer", "qsim")))
    lines = [text for text, _ in side_by_side_lines(comparison, 100)]
    # Ratios of single cells are what they are; there is no mean.
    assert line(lines, "qft")[-2:] == ["0.13x", "-"]
    assert "not averaged" in " ".join(lines)
    (pair,) = comparison.to_json("run")["pairs"]
    assert pair["averaged"] is False
    assert pair["warm"]["all"]["overall"]["completed"] == {
        "geomean": None,
        "cells": 4,
        "baseline_faster": 0,
        "baseline_slower": 4,
    }
    assert [cell["ratio"] for cell in pair["warm"]["cells"]] == [pytest.approx(0.13)] * 4
    told = compare(matrix_of(points, backends=("aer", "qsim")), mixed_precision=True).to_json("run")["pairs"][0]
    assert told["averaged"] is True
    assert told["warm"]["all"]["overall"]["completed"]["geomean"] == pytest.approx(0.13)


def test_precision_and_method_stand_over_every_column() -> None:
    comparison = compare(matrix_of(points_of(*NAMES), backends=NAMES))
    (first, *_) = case_tables(comparison.pairs, comparison, 80, with_ratios=False)
    texts = [text.split() for text, _ in first[:4]]
    # Labels that are too long go on below, so that what tells them apart is seen.
    assert texts[0] == ["case", "largest", "aer", "native", "lightning.", "lightning.", "qsim"]
    assert texts[1] == ["kokkos", "qubit"]
    assert texts[2] == ["precision", "double", "double", "double", "double", "single"]
    assert texts[3] == ["method", *["statevector"] * 5]


def test_every_line_fits() -> None:
    for width in (80, 100, 120):
        assert [text for text in lines_of(*NAMES, width=width) if len(text) > width] == []


@pytest.mark.parametrize(
    ("threads", "cores", "seconds", "exceeded"),
    [(1, 1.8, 0.1, [10]), (1, 1.1, 0.1, []), (2, 1.8, 0.1, []), (1, 1.8, 1e-3, [])],
    ids=["too many", "about one", "as many as asked for", "too short to tell"],
)
def test_more_cores_than_threads_are_noted(threads: int, cores: float, seconds: float, exceeded: list[int]) -> None:
    points = ladder_of({10: seconds}, threads=threads, cpu_s=(cores * seconds,) * 3)
    row = build_row(points, "run", {})
    assert row["threads_exceeded"] == exceeded
    summary = build_summary(
        [row], matrix_of(points), run_id="run", started=datetime.now(UTC), wall_s=1.0, interrupted=False
    )
    entries = summary["threads_exceeded"]
    assert [(entry["shots"], entry["threads"]) for entry in entries] == [(10, threads)] * len(exceeded)
