"""What the terminal shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_samples import DESCRIPTIONS, SHOTS, ladder_of, planned, point, run

from pytest_qbench.report.recorder import Recorder
from pytest_qbench.report.terminal import BackendInfo, header_lines, plan_line, summary_lines
from pytest_qbench.report.text import (
    distinct_labels,
    fit_labels,
    format_duration,
    format_ratio,
    format_seconds,
    in_lines,
    shorten,
    table,
)
from pytest_qbench.results import Status

ENVIRONMENT = {
    "cpu": dict.fromkeys(("model", "machine", "physical", "logical", "usable", "governor")),
    "memory": {"total": 2**30},
    "limits": {"cpus": None, "memory": None},
    "gpus": [],
    "os": {"system": "Linux"},
    "python": {"version": "3.13.1", "implementation": "CPython"},
    "thread_variables": {},
    "git": None,
    "ci": None,
}


def recorded(tmp_path, points, backends=("native", "aer"), plan=None, interrupted=False):
    recorder = Recorder(tmp_path, ENVIRONMENT, backends)
    recorder.plan(planned(points if plan is None else plan))
    for result in points:
        recorder.add(result)
    recorder.finish(interrupted)
    return recorder


def shown(tmp_path, points, backends=("native", "aer"), width=100, **more):
    recorder = recorded(tmp_path, points, backends, **more)
    return summary_lines(recorder.summary, recorder.comparison, Path("reports/run"), width)


def test_lines_with_long_names_fit(tmp_path):
    names = ("native.precision=single.threads=16", "fake_manila@aer.method=matrix_product_state.noise=on")
    description = DESCRIPTIONS["aer"] | {"method": "matrix_product_state", "precision": "single"}
    points = []
    for state, case in zip(Status, "abcdef", strict=True):
        long = {"case": case * 50, "n_qubits": 24, "params": {"repetitions": 12345, "angle": 0.123456789}}
        points += ladder_of(dict.fromkeys(SHOTS, 11.1), backend=names[0], **long)
        bad = {"seconds": None, "status": state, "reason": "why " * 60} if state is not Status.PASS else {}
        points += [point(names[1], shots=shots, description=description, **(long | bad)) for shots in SHOTS]
    plan = points + ladder_of(dict.fromkeys(SHOTS, 1.0), backend=names[1], n_qubits=3)
    recorder = recorded(tmp_path, points, names, plan=plan)
    for width in (80, 100, 120):
        lines = summary_lines(recorder.summary, recorder.comparison, Path("reports/run"), width)
        assert [text for text, _ in lines if len(text) > width] == []


def text_of(lines):
    return "\n".join(text for text, _ in lines)


@pytest.mark.parametrize("backends", [("native",), ("native", "aer"), ("native", "aer", "stim", "quest")])
def test_lines_fit(tmp_path, backends):
    recorder = recorded(tmp_path, list(run(backends, sizes=(2, 12, 24))), backends)
    for width in (20, 80, 100, 120, 200):
        lines = summary_lines(recorder.summary, recorder.comparison, Path("reports/run"), width)
        assert max(len(text) for text, _ in lines) <= max(80, min(width, 120))
        assert all(text == text.rstrip() for text, _ in lines)
        assert all(set(markup) <= {"bold", "red", "green", "yellow"} for _, markup in lines)


def test_a_run_with_two_backends(tmp_path):
    text = text_of(shown(tmp_path, list(run(sizes=(8, 12, 24)))))
    assert text.startswith("660 points: ")
    assert re.search(r"^FAIL +native +simon 12q at 10000 shots", text, re.M)
    assert re.search(r"^ABORT +aer +\d+ instances: no answer within 30 s", text, re.M)
    assert re.search(
        r"^geometric mean of aer / native$\nby shots +1 +10 +100 +1000 +10000 +all +cells +faster$", text, re.M
    )
    assert re.search(r"^ghz_state +24q +\S+ m?s +\S+ m?s +\S+x +\S+x$", text, re.M)
    assert re.search(r"^native +\d+ +330 +\d\d\.\d% +5 +\d+$", text, re.M)
    assert "\nrows, summary and comparison in reports/run/\n" in text


def test_one_backend_has_no_comparison(tmp_path):
    text = text_of(shown(tmp_path, ladder_of({1: 0.5, 10: 0.25}), ("native",)))
    assert "coverage" not in text
    assert re.search(r"^native +static +1 +2 +750 ms +6 +2.29 s$", text, re.M)
    assert re.search(r"^ghz_state 4q +native +10 +250 ms", text, re.M)


def test_the_same_reason_becomes_one_line(tmp_path):
    points = [
        point("stim", case, n_qubits, 1, None, (1,), Status.UNSUPPORTED, reason="gate 'rz' can't be lowered")
        for case in ("qft", "simon")
        for n_qubits in range(2, 17)
    ]
    text = text_of(shown(tmp_path, points, ("stim",)))
    assert text.count("can't be lowered") == 1
    assert "UNSUPPORTED  stim  30 instances: gate 'rz' can't be lowered\n" in text
    assert "qft 2-16q, simon 2-16q" in text


def test_a_single_abort_names_its_shots(tmp_path):
    points = [
        point(shots=1, ladder=(1, 10, 100)),
        point(shots=10, seconds=None, ladder=(1, 10, 100), status=Status.ABORT, reason="killed by SIGSEGV"),
        point(shots=100, seconds=None, ladder=(1, 10, 100), status=Status.ABORT, skipped=True),
    ]
    text = text_of(shown(tmp_path, points, ("native",)))
    assert "ABORT        native  ghz_state 4q at 10 shots and above: killed by SIGSEGV\n" in text
    assert "1 point skipped: fewer shots had ended their ladder already" in text
    assert re.search(r"^FAIL and ABORT once more: pytest --qbench-rerun-failed=\S+$", text, re.M)


def test_many_different_reasons_are_cut_and_counted(tmp_path):
    points = [
        point(n_qubits=n, shots=1, seconds=None, ladder=(1,), status=Status.FAIL, reason=f"reason {n}")
        for n in range(1, 41)
    ]
    text = text_of(shown(tmp_path, points, ("native",)))
    assert len(re.findall(r"reason \d", text)) == 15
    assert "25 more reasons (see summary.json)" in text


def test_an_interrupted_run(tmp_path):
    points = list(run())
    text = text_of(shown(tmp_path, points[:101], width=120, plan=points, interrupted=True))
    assert "1439 not run" in text
    assert "the session was interrupted" in text
    assert re.search(r"^go on with it: pytest --qbench-resume=\S+$", text, re.M)
    assert re.search(r"^INCOMPLETE +native +\S+ \dq at .* shots: not measured: the session was interrupted", text, re.M)


def test_what_a_backend_did_not_complete_stands_where_its_time_would(tmp_path):
    points = ladder_of({1: 0.001}, case="a", n_qubits=2) + ladder_of({1: 2.0}, case="a", n_qubits=3)
    points += ladder_of({1: 0.002}, backend="aer", case="a", n_qubits=2)
    points += [point("aer", "a", 3, 1, None, (1,), Status.ABORT, reason="no answer")]
    text = text_of(shown(tmp_path, points))
    # (2 * 30 / 2) ** .5
    assert re.search(r"^a +3q +2\.00 s +ABORT +>15\.0x +5\.48x$", text, re.M)
    assert re.search(r"^both completed +2\.00x +2\.00x +1 +1:0$", text, re.M)
    assert re.search(r"^aborts at timeout +5\.48x +5\.48x +2 +2:0$", text, re.M)


def test_mixed_precision_and_programs_are_told(tmp_path):
    single = {**DESCRIPTIONS["native"], "precision": "single"}
    points = ladder_of({1: 0.1}, description=single) + ladder_of({1: 0.2}, backend="aer")
    points += ladder_of({1: 0.1}, case="qft", description=single)
    points += ladder_of({1: 0.1}, case="qft", backend="aer", program_hash="another")
    text = text_of(shown(tmp_path, points))
    assert "not like with like: precision single (native) and double (aer)" in text
    assert "1 cell not compared: different programs ran" in text


def test_a_baseline_without_times_is_told(tmp_path):
    absent = [point("native", shots=1, seconds=None, ladder=(1,), status=Status.UNAVAILABLE, reason="absent")]
    text = text_of(shown(tmp_path, [*absent, *ladder_of({1: 0.2}, backend="aer")]))
    assert "no ratios: native, named first, has no times; name a backend first that has some\n" in text
    assert "no ratios" not in text_of(shown(tmp_path, ladder_of({1: 0.1}) + ladder_of({1: 0.2}, backend="aer")))


def test_nothing_ran(tmp_path):
    text = text_of(shown(tmp_path, [], ()))
    assert text.startswith("0 points: none ran in ")


def test_the_header():
    backends = [
        BackendInfo("native", "0.1.0", "CPU", None, "double", "statevector", 2),
        BackendInfo("aer.method=mps", "0.18.2", "CPU", "a processor", "double", None, 1),
        BackendInfo("quest", problem="pyquest is not installed: pip install pyquest"),
    ]
    assert header_lines(backends, "suite standard") == [
        "qbench: suite standard",
        "qbench: native          0.1.0   CPU, double precision, statevector, 2 threads",
        "qbench: aer.method=mps  0.18.2  a processor, double precision, 1 thread",
        "qbench: quest                   pyquest is not installed: pip install pyquest",
    ]
    assert plan_line(750, 150, 21, (1, 10, 1000), 30.0) == (
        "qbench: 750 points = 150 instances of 21 cases, shots 1, 10, 1000, timeout 30 s"
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "-"),
        (0.0, "0.00 ns"),
        (1.234e-9, "1.23 ns"),
        (17.24e-6, "17.2 us"),
        (999.6e-6, "1.00 ms"),
        (0.9994, "999 ms"),
        (0.9996, "1.00 s"),
        (12.34, "12.3 s"),
        (1234.5, "1234 s"),
    ],
)
def test_format_seconds(seconds, text):
    assert format_seconds(seconds) == text


@given(st.floats(min_value=1e-9, max_value=1e5))
def test_a_formatted_time_is_right_to_three_digits(seconds):
    number, unit = format_seconds(seconds).split()
    assert float(number) * {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}[unit] == pytest.approx(seconds, rel=0.0051)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.84, "0.8s"), (9.96, "10s"), (59.7, "1m00s"), (185, "3m05s"), (3599.9, "1h00m"), (7800, "2h10m")],
)
def test_format_duration(seconds, text):
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("value", "bound", "text"),
    [
        (None, "", "-"),
        (3.806, "", "3.81x"),
        (0.0423, "", "0.042x"),
        (54.0, ">", ">54.0x"),
        (1234.5, "<", "<1234x"),
        (0.00999, "", "0.010x"),
        (0.00994, "", "0.0099x"),
        (0.00321, "", "0.0032x"),
        (0.000996, "", "0.0010x"),
        (5.62e-5, "", "0.000056x"),
        (0.0, "", "0.000x"),
    ],
)
def test_format_ratio(value, bound, text):
    assert format_ratio(value, bound) == text


@given(st.text(), st.integers(0, 40))
def test_shortened_text_fits(text, width):
    result = shorten(text, width)
    assert len(result) <= width
    assert len(result.splitlines()) <= 1


def test_labels_are_cut_in_the_middle_so_that_they_can_be_told_apart():
    names = ["aer.method=statevector", "aer.method=stabilizer", "aer.method=matrix_product_state", "aer"]
    labels = distinct_labels(names, 18)
    assert labels["aer.method=statevector"] == "aer.met...tevector"
    assert labels["aer"] == "aer"
    assert len(set(labels.values())) == 4
    assert all(len(label) <= 18 for label in labels.values())
    # What differs in the middle only would be the same twice.
    alike = ["a.method=statevector.precision=single", "a.method=stabilizer.precision=single"]
    assert list(distinct_labels([*alike, "x" * 30], 18).values()) == [*alike, "xxxxxxx...xxxxxxxx"]


def test_labels_are_cut_only_where_the_table_is_too_wide():
    rows = [["path", "median"], ["pennylane-tuned/default.qubit", "1.00 ms"]]
    assert fit_labels(rows, 0, 38) == rows
    ((title, _), (label, median)) = fit_labels(rows, 0, 37)
    assert (title, label, median) == ("path", "pennylane-tu...default.qubit", "1.00 ms")


def test_long_names_go_on_in_further_lines():
    assert in_lines("pennylane-tuned.default.qubit", 11) == ["pennylane-", "tuned.", "default.", "qubit"]
    assert in_lines("stabilizer, statevector (deferred)", 22) == ["stabilizer,", "statevector (deferred)"]
    assert in_lines("", 11) == [""]


@given(st.text("ab -=.", max_size=60), st.integers(1, 20))
def test_nothing_is_lost_in_lines(text, width):
    lines = in_lines(text, width)
    assert all(len(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_labels_of_one_backend_stay_apart(tmp_path):
    names = [f"aer.method={name}" for name in ("statevector", "stabilizer", "matrix_product_state", "density_matrix")]
    points = [made for name in names for made in ladder_of(dict.fromkeys(SHOTS, 0.001), backend=name)]
    text = [line for line, _ in shown(tmp_path, points, names, width=80)]
    totals = [line.split()[0] for line in text if " static " in line]
    assert len(set(totals)) == len(totals) == 4
    # There is room for them in the tables that have few columns.
    for title in ("time / ", "coverage", "slowest"):
        start = next(number for number, line in enumerate(text) if line.startswith(title))
        table_lines = " ".join(text[start : start + 5])
        assert names[2] in table_lines or title == "slowest"
        assert "..." not in table_lines


def test_a_table_is_aligned():
    assert table([("a", "1"), ("bbb", "22")], "<>") == ["a     1", "bbb  22"]
    assert table([], "<>") == []
