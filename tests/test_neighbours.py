"""pytest-benchmark, pytest-timeout and pytest-xdist beside the plugin."""

import json

import pytest
from end_to_end import make_cases, register, rows

AER = ("--qbench-backend=aer", "--qbench-shots=1,10")


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


def test_autosave_compare_and_groups(pytester: pytest.Pytester) -> None:
    make_cases(pytester)
    pytester.runpytest_subprocess(*AER, "--benchmark-autosave")
    compare = ("--benchmark-compare", "--benchmark-group-by=param:n_qubits")
    result = pytester.runpytest_subprocess(*AER, *compare, "--benchmark-compare-fail=median:100000%")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*benchmark 'n_qubits=2': 4 tests*", "*(0001_*", "*(NOW)*"])


def test_benchmark_only_and_disable(pytester: pytest.Pytester) -> None:
    make_cases(pytester)
    pytester.runpytest_subprocess(*AER, "--benchmark-only").assert_outcomes(passed=4)
    pytester.runpytest_subprocess(*AER, "--benchmark-disable").assert_outcomes(passed=4)
    assert all(len(rounds) == 1 for row in rows(pytester) for rounds in row["rounds_s"].values())
    pytester.runpytest_subprocess(*AER, "-p", "no:benchmark").assert_outcomes(passed=4)


def test_min_rounds_and_max_time_are_followed(pytester: pytest.Pytester) -> None:
    make_cases(pytester)
    pytester.runpytest_subprocess(*AER, "--benchmark-min-rounds=7", "--benchmark-max-time=0.000001")
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
    arguments = ["--qbench-backend=aer,good,crashes,missing", "--qbench-shots=1,10,100"]

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
    shared.stdout.fnmatch_lines(["*quantum simulator benchmarks*"])
