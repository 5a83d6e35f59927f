"""The tables of the gradient scenarios, made from rows as they are in ``results.jsonl``."""

from __future__ import annotations

import json
import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_qbench.gradients.attribution import Ratio, attribute
from pytest_qbench.gradients.split import Part
from pytest_qbench.report.gradient_cells import fitting_tables, part_text, path_times, ratio_text
from pytest_qbench.report.gradient_rows import read, split_of
from pytest_qbench.report.gradient_tables import attribution_of, gradient_lines

SECONDS = {
    "pennylane/default.qubit": 90.0,
    "pennylane/lightning.qubit": 43.0,
    "qdp": 86.0,
    "qdp/lightning.qubit": 38.0,
    "pennylane-tuned/default.qubit": 10.6,
    "pennylane-tuned/lightning.qubit": 7.3,
    "lightning/adjoint": 0.66,
    "native/shift": 1.3,
    "native/adjoint": 0.1,
}
STAGE_MS = {"full": 9.4, "states": 9.0, "body": 8.5, "null": 1.5, "encode": 2.4, "inject": 2.0}


def row(label, seconds=1.0, samples=(100,), n_rounds=7, split=None, **more):
    """The row of a path that takes ``seconds`` for 100 samples, as it is read from a file."""
    rng = random.Random(label)
    rounds = {n: [seconds * n / 100 * rng.lognormvariate(0, 0.02) for _ in range(n_rounds)] for n in samples}
    fields = {
        "kind": "gradient",
        "case": "gradient",
        "backend": label,
        "n_qubits": 12,
        "params": {"layers": 2, "encoding": "amplitude", "observable": "z0"},
        "encoding": "amplitude",
        "observable": "z0",
        "dataset": {
            "name": "digits",
            "sha256": "0123456789abcdef" * 4,
            "fitted": "padded from 64",
            "n_available": 1797,
        },
        "times_s": {n: sorted(values)[n_rounds // 2] for n, values in rounds.items()},
        "rounds_s": rounds,
        "point_status": dict.fromkeys(samples, "PASS"),
        "planned_shots": list(samples),
        "status": "PASS",
        "correct": True,
        "errors": [],
        "precision": "double",
        "threads": 2,
        "n_parameters": 48,
        "n_nonzero": dict.fromkeys(samples, 5),
        "evaluations": {n: 96 * n for n in samples},
        "throughput": {n: n / (seconds * n / 100) for n in samples},
        "split_s": {} if split is None else {max(samples): {**split, "units": 96 * max(samples)}},
        "floor_s": dict.fromkeys(samples),
    }
    return json.loads(json.dumps(fields | more))


def split_times(noise=0.0, **changed):
    rng = random.Random(7)
    stages = STAGE_MS | changed
    return {name: [ms * 1e-3 * (1 + rng.gauss(0, noise)) for _ in range(12)] for name, ms in stages.items()}


def rows(samples=(100,), **more):
    return [row(label, seconds, samples, **more) for label, seconds in SECONDS.items()]


def absent(label="pennylane/lightning.gpu", status="UNAVAILABLE", reason="no CUDA driver"):
    errors = [{"shots": [100], "status": status, "kind": None, "reason": reason, "detail": ""}]
    nothing = {key: {} for key in ("times_s", "rounds_s", "n_nonzero", "evaluations", "throughput", "split_s")}
    return row(label) | nothing | {"status": status, "correct": None, "point_status": {"100": status}, "errors": errors}


def text_of(given_rows, width=200):
    return "\n".join(line for line, _ in gradient_lines(given_rows, width))


def table_line(text, start):
    return next(line for line in text.splitlines() if line.startswith(start))


def test_everything_that_must_stand_beside_a_speedup():
    text = text_of([*rows(), absent()])
    line = table_line(text, "native/adjoint ")
    for cell in ("5/48", "double", "9600"):
        assert cell in line
    assert len([part for part in line.split() if part.startswith("(")]) == 2
    assert "over best: than the fastest path that is PennyLane alone, lightning/adjoint" in " ".join(text.split())
    assert table_line(text, "UNAVAILABLE  pennylane/lightning.gpu: no CUDA driver")
    assert "best PennyLane baseline: lightning/adjoint; native/adjoint over it at 100 samples: 6." in text
    assert table_line(text, "encoding once alone, qdp over pennylane/default.qubit: 1.0").count("(") == 1
    assert table_line(text, "encoding once alone, qdp/lightning.qubit over pennylane/lightning.qubit: 1.1")
    for word in ("encoding once", "no QNode", "own fused kernels", "prefix states reused", "adjoint instead of"):
        assert word in text
    assert "data: digits, 1797 rows, padded from 64, SHA-256 0123456789ab" in text


def test_rows_of_other_kinds_make_no_lines():
    assert gradient_lines([], 100) == []
    assert gradient_lines([{"kind": "static", "backend": "aer"}], 100) == []


@pytest.mark.parametrize("width", [80, 100, 120, 200])
@pytest.mark.parametrize("samples", [(100,), (100, 500, 1000, 2000)])
def test_lines_fit(width, samples):
    data = [*rows(samples, split=split_times(0.01)), absent(reason="why " * 60)]
    data += [row("someone/elses.with.a.very.long.name.on.some.device.batch=12", 3.0, samples)]
    lines = gradient_lines(data, width)
    assert max(len(line) for line, _ in lines) <= width
    shown = "\n".join(line for line, _ in lines)
    for title in ("samples/s", "over best", "nonzero", "threads", "evaluations/s", "framework"):
        assert title in shown


def test_paths_are_whole_where_there_is_room_and_distinct_where_there_is_not():
    name = "pennylane-tuned/lightning.qubit.precision="
    data = [row(f"{name}{precision}", 1.0, split=split_times(0.01)) for precision in ("single", "double")]
    wide = [line for line, _ in gradient_lines(data, 200)]
    assert not any("..." in line for line in wide)
    narrow = [line for line, _ in gradient_lines(data, 80)]
    cut = {line.split()[0] for line in narrow if line.startswith("pennylane-") and "..." in line}
    assert cut
    assert {label[-6:] for label in cut} == {"single", "double"}


def test_a_sweep_has_a_line_for_every_number_of_samples():
    data = rows((100, 500))
    aborted = row("slow/path", 10.0) | {
        "status": "ABORT",
        "point_status": {"100": "PASS", "500": "ABORT"},
        "errors": [{"shots": [500], "status": "ABORT", "kind": "timeout", "reason": "too slow", "detail": ""}],
    }
    text = text_of([*data, aborted])
    firsts = [line.split()[:2] for line in text.splitlines() if line.startswith(("native/shift ", "slow/path "))]
    assert firsts[:3] == [["native/shift", "100"], ["slow/path", "100"], ["native/shift", "500"]]
    assert "ABORT  slow/path at 500 samples: too slow" in text
    assert "at 100 samples, 1.0" in table_line(text, "encoding once alone, qdp over")
    # The attribution is where most paths are.
    assert attribution_of(next(iter(read([*data, aborted]).values()))).n_samples == 100


def test_a_wrong_path_counts_for_nothing():
    wrong = row("native/adjoint", 0.1, split=split_times())
    errors = [{"shots": [100], "status": "FAIL", "kind": None, "reason": "off by 1e-2", "detail": ""}]
    wrong |= {"status": "FAIL", "correct": False, "point_status": {"100": "FAIL"}, "errors": errors}
    text = text_of([row("pennylane/default.qubit", 90.0), row("native/shift", 1.0), wrong])
    assert "FAIL  native/adjoint: off by 1e-2" in text
    assert "over native/shift" not in text
    assert "native/adjoint " not in text.replace("FAIL  native/adjoint", "")
    assert {"red": True} in [markup for _, markup in gradient_lines([wrong], 100)]


def test_scenarios_stand_apart():
    other = row("native/adjoint", 0.2, params={"layers": 3, "encoding": "amplitude", "observable": "z0"})
    text = text_of([*rows(), other])
    assert text.count("12 qubits") == 2
    assert "3 layers" in text


def test_nothing_completed():
    text = text_of([absent(), absent("native/shift", "ABORT", "no answer within 30 s")])
    assert "no path completed" in text
    assert "ABORT  native/shift: no answer within 30 s" in text


def test_without_baseline_or_pennylane_that_is_said():
    text = text_of([absent("pennylane/default.qubit"), row("native/adjoint", 0.1), row("native/shift", 1.0)], 100)
    legend = " ".join(text.split())
    assert "No ratio to the baseline: pennylane/default.qubit did not complete." in legend
    assert "No ratio to the best of PennyLane: none of its paths completed." in legend
    assert "best PennyLane baseline: none of its paths completed" in text
    assert "over baseline" not in text
    assert "over best" not in text


def test_paths_that_were_not_chosen_did_not_fail():
    text = text_of([row("native/adjoint", 0.1), row("native/shift", 1.0)], 100)
    legend = " ".join(text.split())
    assert "No ratio to the baseline: pennylane/default.qubit is not among the chosen paths." in legend
    assert "No ratio to the best of PennyLane: none of its paths is among the chosen ones." in legend
    assert "best PennyLane baseline: none of its paths is among the chosen ones" in text
    assert "complete" not in text
    lightning = text_of([row("pennylane/lightning.qubit", 43.0), row("native/shift", 1.0)], 100)
    assert "over best: times faster than the fastest path that is PennyLane alone" in " ".join(lightning.split())
    assert "over baseline" not in lightning
    text = text_of([row("pennylane/default.qubit", 1.0), row("native/shift", 5.0)])
    assert "best PennyLane baseline: pennylane/default.qubit, the fastest path of all at 100 samples" in text


def test_the_split_of_time():
    quiet = row("pennylane/default.qubit", 90.0, split=split_times(1e-4))
    noisy = row("native/shift", 1.3, split=split_times(0.3))
    partial = split_times(1e-4)
    del partial["null"], partial["body"]
    batched = row("pennylane-tuned/default.qubit", 10.0, split=partial)
    lines = text_of([quiet, noisy, batched]).splitlines()
    begin = next(number for number, line in enumerate(lines) if line.startswith("parts of a run"))
    lines = lines[begin : begin + 4]
    (line,) = (line for line in lines if line.startswith("pennylane/default.qubit"))
    assert line.count("±") == 5
    assert "3.84 s" in line
    (line,) = (line for line in lines if line.startswith("native/shift"))
    assert line.count("not resolved") >= 2
    (line,) = (line for line in lines if line.startswith("pennylane-tuned/default.qubit"))
    assert line.count("not measured") == 3


def test_a_split_that_contradicts_the_total_is_named():
    fitting = row("pennylane/default.qubit", 90.0, split=split_times(1e-4))
    apart = row("native/shift", 30.0, split=split_times(1e-4))
    text = " ".join(text_of([fitting, apart], 80).split())
    assert "timed again for this, apart from the rounds behind the total times." in text
    warning = (
        "The two differ by more than 1.5 times, so that the shares are doubtful, for native/shift (90.2 s, in its "
    )
    assert f"{warning}rounds 30." in text
    assert "differ by more than" not in text_of([fitting])


def test_a_cross_check_that_fails_is_named():
    odd = row("qdp", 86.0, split=split_times(1e-4, encode=3.4))
    text = " ".join(text_of([row("pennylane/default.qubit", 90.0, split=split_times(1e-4)), odd]).split())
    assert "The two ways to measure encoding disagree for qdp (by 9.6" in text
    split = split_of(read([odd])[next(iter(read([odd])))][0], 100)
    assert split.units == 9600
    assert split.cross_check.agrees is False


def test_a_negative_part_is_explained():
    bodies = (("pennylane/default.qubit", 8.5), ("native/shift", 9.5))
    usual, odd = (row(label, 90.0, split=split_times(1e-5, body=body)) for label, body in bodies)
    assert "Negative: the two calls" not in " ".join(text_of([usual]).split())
    text = " ".join(text_of([usual, odd]).split())
    assert "Negative: the two calls do not differ by that stage alone." in text
    assert "-4.80 s ±" in text


def test_the_floor():
    text = text_of([row("native/adjoint", 0.1, floor_s={"100": 0.04}), row("native/shift", 1.0)])
    (line,) = (line for line in text.splitlines() if "floor" in line)
    assert line.startswith("native/adjoint over its memory-traffic floor: 2.")
    assert line.endswith("at 100 samples (floor 40.0 ms)")


def test_the_floor_has_an_interval_and_counts_for_nothing_below_the_cost_of_calls():
    def floor_of(floor_s, **more):
        text = text_of([row("native/adjoint", 0.1, floor_s={"100": floor_s}, **more)])
        return next(line for line in text.splitlines() if "over its memory-traffic floor" in line)

    assert re.search(r": 2\.\d\dx \(2\.\d\d-2\.\d\d\) at 100 samples \(floor 40\.0 ms\)$", floor_of(0.04))
    assert "x (3 rounds) at" in floor_of(0.04, n_rounds=3)
    # 9600 units of 1.5 ms: what a run of empty circuits costs.
    split = split_times(1e-4)
    assert "floor 1.69 us, less than the 14.4 s of its calls with empty circuits: no limit" in floor_of(
        1.69e-6, split=split
    )
    assert "less than" not in floor_of(15.0, split=split)


def test_noisy_times_and_their_ratios_are_marked():
    data = [row("pennylane/default.qubit", 90.0), row("native/shift", 1.0), row("native/adjoint", 0.5)]
    data[1]["rounds_s"]["100"] = [0.2, 0.2, 1.0, 1.0, 1.0, 1.9, 1.9]
    data[1]["times_s"]["100"] = 1.0
    text = text_of(data)
    assert "~1.00 s" in table_line(text, "native/shift ")
    assert len(re.findall(r"~[\d.]+x \(", table_line(text, "native/shift "))) == 2
    for calm in ("pennylane/default.qubit ", "native/adjoint "):
        assert "~" not in table_line(text, calm)


def test_few_rounds_are_said():
    text = text_of([row("pennylane/default.qubit", 90.0, n_rounds=1), row("native/shift", 1.0)])
    assert "(1 round)" in table_line(text, "native/shift ")


def test_a_factor_that_may_be_one_is_said_to_be_unresolved():
    text = text_of([row("pennylane/default.qubit", 90.0), row("qdp", 89.999), row("native/shift", 1.0)])
    assert "not resolved: the interval spans 1" in " ".join(text.split())


def test_the_numbers_of_the_table_are_those_of_the_attribution():
    data = rows()
    ((_, results),) = read(data).items()
    found = attribute([path_times(result, 100) for result in results])
    assert found == attribution_of(results)
    assert ratio_text(found.whole) in table_line(text_of(data), "native/adjoint ")


def test_cells():
    assert ratio_text(Ratio(3.806, 3.75, 3.9, 9)) == "3.81x (3.75-3.90)"
    assert ratio_text(Ratio(649.2, 641.0, 660.4, 9)) == "649x (641-660)"
    assert ratio_text(Ratio(3.806, None, None, 3)) == "3.81x (3 rounds)"
    assert part_text(None) == "not measured"
    assert part_text(Part(0.0123, 0.0120, 0.0127)) == "12.3 ms ± 400 us"
    assert part_text(Part(0.0123, -0.0120, 0.0127)) == "not resolved"
    assert part_text(Part(-0.0123, -0.0124, -0.0122)) == "-12.3 ms ± 100 us"
    assert part_text(Part(0.5e-3, 2e-5, 1.5e-3)) == "20.0 us to 1.50 ms"
    assert part_text(Part(-0.5e-3, -1.5e-3, -2e-5)) == "-1.50 ms to -20.0 us"
    assert part_text(Part(0.0123, None, None)) == "12.3 ms (few rounds)"


@settings(max_examples=50)
@given(
    st.lists(st.lists(st.text("abc", max_size=12), min_size=5, max_size=5), min_size=1, max_size=4),
    st.integers(40, 80),
)
def test_columns_that_do_not_fit_follow_in_further_tables(cells, width):
    lines = [line for line, _ in fitting_tables(cells, "<>>><", width, n_keys=2)]
    assert max(map(len, lines)) <= width
    shown = " ".join(lines).split()
    for row_cells in cells:
        for cell in filter(None, row_cells):
            assert cell in shown
