"""The arithmetic of benchmarks/batched_report.py, and that docs/batched_execution.md shows the committed run."""

import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture
def report(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import batched_report

    yield batched_report
    del sys.modules["batched_report"]


def entry(sweep: str, variant: str, seconds: list[float], work: int = 1) -> dict:
    return {"sweep": sweep, "variant": variant, "n_qubits": 2, "size": work, "work": work, "seconds": seconds}


def test_a_speedup_is_the_median_ratio_of_rounds_for_equal_work(report) -> None:
    slow, fast = entry("x", "slow", [1.0, 8.0, 3.0]), entry("x", "fast", [1.0, 2.0, 4.0], work=10)
    assert report.speedup(fast, slow) == 10.0  # of 10, 40 and 7.5; the ratio of the medians is 15
    assert report.speedup(slow, slow) == 1.0
    assert report.median_us(fast) == 2e5


def test_the_spread_is_that_of_the_middle_half(report) -> None:
    steady, wild = entry("x", "a", [2.0, 2.0, 2.0, 2.0, 9.0]), entry("x", "b", [1.0, 2.0, 4.0, 5.0, 6.0])
    assert report.spread([steady]) == 0.0
    assert report.spread([wild]) == 0.75
    assert report.spread([steady, wild, wild]) == 0.75


def test_a_table_has_a_gap_where_nothing_was_measured(report) -> None:
    entries = [entry("x", "a", [1.0]), entry("x", "a", [2.0], 2), entry("x", "b", [4.0])]
    text = report.pivot(
        "batch",
        entries,
        lambda item: item["size"],
        lambda item: item["variant"],
        lambda item, first: item["work"] * "x",
    )
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]
    assert rows == [["batch", "a", "b"], ["---", "---:", "---:"], ["1", "x", "x"], ["2", "xx", ""]]


def test_the_best_of_a_sweep_counts_all_evaluations_of_a_gradient(report) -> None:
    entries = [
        entry("shifts", "tape per shift", [9.0], 8) | {"size": 2},  # 4 evaluations for each of 2 samples
        entry("broadcast", "adapted", [0.1], 1),
        entry("broadcast", "adapted", [0.2], 4),
        entry("broadcast", "as found", [0.1], 4),
        entry("lightning evaluations", "x", [0.3]),
        entry("lightning adjoint", "x", [0.3]),
        entry("native states", "shift", [0.3]),
        entry("native states", "adjoint", [0.3], 30),
    ]
    microseconds = {item["variant"]: round(report.median_us(item)) for item in report.best(entries)}
    assert microseconds == {
        "default.qubit, shift": 200_000,
        "lightning.qubit, shift": 1_200_000,
        "lightning.qubit, adjoint": 300_000,
        "native, shift": 300_000,
        "native, adjoint": 10_000,
    }


def test_the_page_shows_the_committed_run(report) -> None:
    results = json.loads((ROOT / "benchmarks" / "results" / "batched_execution.json").read_text())
    measured = set(report.tables(results).splitlines())
    page = (ROOT / "docs" / "batched_execution.md").read_text().splitlines()
    shown = [line for line in page if line.startswith("|")]
    assert shown
    assert [line for line in shown if line not in measured] == []
