"""pytest-benchmark, pytest-timeout and pytest-xdist beside the plugin."""

import json

import pytest
from end_to_end import CASES, make_cases, register, rows, run_file

AER = ("--qbench-backend=aer", "--qbench-shots=1,10")
GOOD = ("--qbench-backend=good", "--qbench-shots=1,10")


def benchmarks(pytester: pytest.Pytester, path: str = "out.json") -> list[dict]:
    return json.loads((pytester.path / path).read_text())["benchmarks"]


def test_pytest_benchmark_has_exactly_the_rounds_of_the_jsonl(pytester: pytest.Pytester) -> None:
    make_cases(pytester)
    result = pytester.runpytest_subprocess(*AER, "--benchmark-json=out.json")
    assert result.ret == 0
    measured = {
        f"cases/own.py::zeros[aer-q{row['n_qubits']}-s{shots}]": rounds
        for row in rows(pytester)
        for shots, rounds in row["rounds_s"].items()
    }
    stored = {entry["fullname"]: entry for entry in benchmarks(pytester)}
    assert {name: entry["stats"]["data"] for name, entry in stored.items()} == measured
    entry = stored["cases/own.py::zeros[aer-q2-s10]"]
    assert entry["group"] == "zeros"
    assert entry["params"] == {"backend": "aer", "n_qubits": 2, "shots": 10}
    assert entry["extra_info"]["precision"] == "double"
    result.stdout.fnmatch_lines(["*benchmark 'zeros': 4 tests*"])


def test_autosave_compare_and_groups(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    make_cases(pytester)
    register(pytester, monkeypatch, good="Good")
    pytester.runpytest_subprocess(*GOOD, "--benchmark-autosave")
    compare = ("--benchmark-compare", "--benchmark-group-by=param:n_qubits")
    result = pytester.runpytest_subprocess(*GOOD, *compare, "--benchmark-compare-fail=median:100000%")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*benchmark 'n_qubits=2': 4 tests*", "*(0001_*", "*(NOW)*"])


def test_benchmark_only_and_disable(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    make_cases(pytester)
    register(pytester, monkeypatch, good="Good")
    pytester.runpytest_subprocess(*GOOD, "--benchmark-only").assert_outcomes(passed=4)
    pytester.runpytest_subprocess(*GOOD, "--benchmark-disable").assert_outcomes(passed=4)
    assert all(len(rounds) == 1 for row in rows(pytester) for rounds in row["rounds_s"].values())
    monkeypatch.delenv("PYTEST_ADDOPTS")  # it has an option of pytest-benchmark
    pytester.runpytest_subprocess(*GOOD, "-k", "q2", "-p", "no:benchmark").assert_outcomes(passed=2)


def test_min_rounds_and_max_time_are_followed(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    make_cases(pytester)
    register(pytester, monkeypatch, good="Good")
    pytester.runpytest_subprocess(*GOOD, "--benchmark-min-rounds=7", "--benchmark-max-time=0.000001")
    assert all(len(rounds) == 7 for row in rows(pytester) for rounds in row["rounds_s"].values())


def test_a_wrong_or_aborted_point_is_not_stored(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    make_cases(pytester)
    register(pytester, monkeypatch, good="Good", crashes="Segfault")
    result = pytester.runpytest_subprocess(
        "--qbench-backend=good,crashes", "--qbench-shots=1,10", "--benchmark-json=out.json", "-W", "error"
    )
    assert result.ret == 0
    names = {entry["name"] for entry in benchmarks(pytester)}
    assert "zeros[crashes-q2-s1]" in names
    assert "zeros[crashes-q2-s10]" not in names


HANGS = ("--qbench-backend=good,stuck", "--qbench-shots=1,10", "-k", "q2")


@pytest.mark.parametrize("way", ["option", "ini", "marker"])
def test_pytest_timeout_sets_the_deadline(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    """Also while the simulator is inside native code with the interpreter lock held."""
    make_cases(pytester)
    register(pytester, monkeypatch, good="Good", stuck="HoldsLock")
    arguments = list(HANGS)
    if way == "option":
        arguments.append("--timeout=1")
    elif way == "ini":
        pytester.makeini("[pytest]\ntimeout = 1\n")
    else:
        conftest = pytester.path / "conftest.py"
        mark = (
            "\nimport pytest\ndef pytest_collection_modifyitems(items):\n    for item in items:"
            "\n        item.add_marker(pytest.mark.timeout(1))\n"
        )
        conftest.write_text(conftest.read_text() + mark)
    result = pytester.runpytest_subprocess(*arguments)
    assert result.ret == 0
    stuck = next(row for row in rows(pytester) if row["backend"] == "stuck")
    assert stuck["status"] == "ABORT"
    assert "took more than 1 s" in stuck["abort_reason"]
    assert "1 aborted" in result.stdout.str() or "aborted" in result.stdout.str()


def test_the_shorter_of_two_deadlines_holds(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    make_cases(pytester)
    register(pytester, monkeypatch, good="Good", stuck="HoldsLock")
    pytester.runpytest_subprocess(*HANGS, "--timeout=60", "--qbench-timeout=1")
    stuck = next(row for row in rows(pytester) if row["backend"] == "stuck")
    assert "took more than 1 s" in stuck["abort_reason"]


def test_xdist_gives_the_same_rows_each_once(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    make_cases(pytester)
    register(pytester, monkeypatch, good="Good", crashes="Segfault", missing="NotInstalled")
    arguments = ["--qbench-backend=aer,good,crashes,missing", "--qbench-shots=1,10"]

    def verdicts() -> list[tuple]:
        return sorted(
            (row["backend"], row["case"], row["n_qubits"], row["status"], tuple(row["times_s"]))
            for row in rows(pytester)
        )

    alone = pytester.runpytest_subprocess(*arguments)
    expected = verdicts()
    assert len(expected) == len(set(expected)) == 8
    shared = pytester.runpytest_subprocess(*arguments, "-n", "2")
    assert verdicts() == expected
    assert shared.ret == alone.ret == 0
    without_warnings = {key: value for key, value in shared.parseoutcomes().items() if "warning" not in key}
    assert without_warnings == alone.parseoutcomes()
    shared.stdout.fnmatch_lines(["qbench: aer *CPU*", "qbench: *xdist*distorted", "*quantum simulator benchmarks*"])


ALWAYS_WRONG = CASES.replace('"0" * n_qubits', '"1" * n_qubits').replace("[2, 3]", "range(1, 9)")


def test_xdist_counts_what_was_not_run(pytester: pytest.Pytester) -> None:
    make_cases(pytester, ALWAYS_WRONG)
    result = pytester.runpytest_subprocess("--qbench-backend=aer", "--qbench-shots=1", "-n", "2", "-x")
    assert result.ret != 0
    points = run_file(pytester, "summary.json")["points"]
    assert points["planned"] == 8
    assert points["missing"] == 8 - points["by_status"]["FAIL"] > 0


def test_xdist_keeps_the_record_of_a_case_file_by_name(pytester: pytest.Pytester) -> None:
    """The controller collects nothing: without an option only the results tell it that there are points."""
    path = make_cases(pytester)
    result = pytester.runpytest_subprocess(str(path), "-n", "2", "-k", "q2 and (s1] or s10])")
    result.assert_outcomes(passed=2)
    assert [list(row["times_s"]) for row in rows(pytester)] == [["1", "10"]]


def test_xdist_finds_an_unwritable_place_first(pytester: pytest.Pytester) -> None:
    make_cases(pytester)
    (pytester.path / "blocked").write_text("a file, not a folder")
    result = pytester.runpytest_subprocess(*AER, "-n", "2", "--qbench-run-dir=blocked/here")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "cannot write reports" in result.stderr.str()
    assert "passed" not in result.stdout.str()


@pytest.mark.parametrize("option", ["--fixtures-per-test", "--setup-plan"])
def test_what_measures_nothing_leaves_no_record(pytester: pytest.Pytester, option: str) -> None:
    make_cases(pytester)
    pytester.runpytest_subprocess(*AER, option)
    assert not (pytester.path / "reports").exists()


def test_junit_has_the_verdict_and_a_cache_that_cannot_be_written_does_not_matter(pytester: pytest.Pytester) -> None:
    make_cases(pytester)
    (pytester.path / "blocked").write_text("a file, not a folder")
    result = pytester.runpytest_subprocess(*AER, "-o", "cache_dir=blocked/here", "--junitxml=out.xml", "-k", "q2")
    assert result.parseoutcomes()["passed"] == 2
    assert '<property name="qbench_status" value="PASS" />' in (pytester.path / "out.xml").read_text()
