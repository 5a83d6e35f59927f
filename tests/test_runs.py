"""Whole runs: what is collected, measured, shown and written."""

import json
import math
import platform
import re
import subprocess

import pytest
from end_to_end import CASES, make_cases, register, results_file, rows, run_file

CONTRACT = [
    "schema",
    "run_id",
    "backend",
    "backend_version",
    "case",
    "n_qubits",
    "params",
    "n_ops",
    "kind",
    "status",
    "correct",
    "aborted",
    "abort_reason",
    "errors",
    "times_s",
    "rounds_s",
    "cpu_times_s",
    "cpu_util",
    "prepare_s",
    "first_call_s",
    "memory",
    "threads",
    "precision",
    "device",
    "noise",
    "seed",
    "env",
]


def test_core_suite_side_by_side(pytester: pytest.Pytester) -> None:
    """The built-in suite in an empty folder, on two simulators."""
    result = pytester.runpytest_subprocess(
        "--qbench-backend=native",
        "--qbench-backend=aer",
        "--qbench-core",
        "--qbench-qubits=2:10",
        "--qbench-shots=10,1000",
        "--benchmark-max-time=0.01",
    )
    assert result.ret == 0
    written = rows(pytester)
    assert {row["case"] for row in written} >= {"bell_state", "ghz_state", "qft", "simple_grovers", "teleportation"}
    assert {row["backend"] for row in written} == {"native", "aer"}
    assert len({(row["backend"], row["case"], row["n_qubits"]) for row in written}) == len(written)
    for row in written:
        assert list(row)[: len(CONTRACT)] == CONTRACT
        assert (row["status"], row["correct"], row["aborted"], row["errors"]) == ("PASS", True, False, [])
        assert list(row["times_s"]) == ["10", "1000"]
        assert all(len(rounds) >= 3 and min(rounds) > 0 for rounds in row["rounds_s"].values())
        assert row["prepare_s"] > 0
        assert row["first_call_s"] > 0
        assert (row["first_call_shots"], row["first_call_abort"]) == (1000, None)
        assert row["memory"]["rss_peak"] >= row["memory"]["rss_before"] > 0
        assert row["backend_version"]
        assert row["kind"] == ("dynamic" if row["case"] == "teleportation" else "static")
    assert len({tuple(row) for row in written}) == 1, "every row has the same keys in the same order"
    sizes = [row["n_qubits"] for row in written]
    assert sizes == sorted(sizes)
    summary = run_file(pytester, "summary.json")
    assert summary["points"]["planned"] == summary["points"]["by_status"]["PASS"] == 2 * len(written)
    comparison = run_file(pytester, "comparison.json")
    assert {entry["fraction"] for entry in comparison["coverage"].values()} == {1}
    (pair,) = comparison["pairs"]
    for reading in ("warm", "cold"):
        overall = pair[reading]["all"]["overall"]["completed"]
        assert (overall["geomean"] > 0, overall["cells"]) == (True, len(pair[reading]["cells"]))
    assert list(pair["warm"]["all"]["shots"]) == ["10", "1000"]
    assert comparison["cold_shots"] == [1000]
    assert list(pair["cold"]["all"]["shots"]) == ["1000"]
    text = result.stdout.str()
    assert re.search(r"qbench: aer +\d+\.\d+\S* +CPU, double precision, automatic, \d+ thread", text)
    assert re.search(r"qbench: native +\d\S* +CPU, double precision, statevector, \d+ thread", text)
    for backend in ("aer", "native"):
        for kind in ("static", "dynamic"):
            assert re.search(rf"^{backend} +{kind} +\d+ +\d+ +[0-9.]+ [mu]?s ", text, re.MULTILINE)
    assert re.search(r"^slowest +backend +shots +median +spent$", text, re.MULTILINE)
    assert re.search(r"^ghz_state +10q +~?[0-9.]+ \ws +~?[0-9.]+ \ws +~?[0-9.]+x +[0-9.]+x$", text, re.MULTILINE)
    assert "geometric mean of aer / native" in text
    assert re.search(r"^cold +- +[0-9.]+x +[0-9.]+x +\d+ +\d+:\d+$", text, re.MULTILINE)
    assert "cold: preparation and first call, at 1000 shots." in text
    assert "quantum simulator benchmarks" in text
    assert "passed" in text.splitlines()[-1]
    assert "\x1b[K" not in text, "no live line where there is no terminal"


def test_nothing_but_benchmarks_without_a_path(pytester: pytest.Pytester) -> None:
    make_cases(pytester)
    pytester.makepyfile(
        test_mine="""
        from qiskit import QuantumCircuit

        def test_ordinary():
            raise AssertionError("must not run")

        def test_measured(qbench):
            circuit = QuantumCircuit(1)
            circuit.measure_all()
            qbench(circuit, expected={"0": 1.0}, shots=10)
        """
    )
    result = pytester.runpytest_subprocess("--qbench-backend=aer", "--qbench-shots=10", "-v")
    result.assert_outcomes(passed=3, deselected=1)
    result.stdout.fnmatch_lines(
        ["cases/own.py::zeros[[]aer-q2-s10[]] PASS*", "*zeros[[]aer-q3-s10[]] PASS*", "*test_measured[[]aer[]] PASS*"]
    )
    assert [row["case"] for row in rows(pytester)] == ["zeros", "zeros", "test_measured"]


def test_with_paths_pytests_own_rules_hold(pytester: pytest.Pytester) -> None:
    path = make_cases(pytester)
    pytester.makepyfile(test_mine="def test_ordinary(): pass")
    result = pytester.runpytest_subprocess("--qbench-backend=aer", "--qbench-shots=1", "test_mine.py", str(path))
    result.assert_outcomes(passed=3)


def test_a_case_file_by_name_runs_on_native(pytester: pytest.Pytester) -> None:
    path = make_cases(pytester)
    result = pytester.runpytest_subprocess(str(path), "-v", "-k", "q2 and s100]")
    result.assert_outcomes(passed=1, deselected=9)
    result.stdout.fnmatch_lines(["*::zeros[[]native-q2-s100[]] PASS*"])


def test_an_ordinary_run_is_left_alone(pytester: pytest.Pytester) -> None:
    make_cases(pytester)
    pytester.makepyfile(test_mine="def test_ordinary(): pass")
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=1)
    assert "qbench:" not in result.stdout.str()
    assert not (pytester.path / "reports").exists()


def test_the_plugin_imports_nothing_heavy_when_unused(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_modules():
            heavy = {"numpy", "scipy", "qiskit", "qiskit_aer", "torch", "psutil", "pytest_qbench.active"}
            assert not heavy & set(sys.modules)
        """
    )
    pytester.runpytest_subprocess("-p", "no:hypothesispytest").assert_outcomes(passed=1)


def test_selection_by_k_and_m_and_qubits(pytester: pytest.Pytester) -> None:
    arguments = ["--qbench-backend=aer", "--collect-only", "-q", "--qbench-qubits=4:16:2", "--qbench-shots=1000"]
    result = pytester.runpytest_subprocess(*arguments, "-k", "qft or real_grovers")
    collected = [line for line in result.outlines if "::" in line]
    sizes = [int(re.search(r"-q(\d+)", line)[1]) for line in collected]
    assert sizes == sorted(sizes)
    assert {line.split("[")[0] for line in collected} == {"qbench::qft", "qbench::real_grovers"}
    assert not (pytester.path / "reports").exists()
    result = pytester.runpytest_subprocess(*arguments, "-m", "core")
    assert "qbench::ghz_state[aer-q4-s1000]" in result.outlines
    assert not any("quantum_volume" in line for line in result.outlines)


def test_sizes_that_suit_no_case_are_named(pytester: pytest.Pytester) -> None:
    make_cases(pytester)
    result = pytester.runpytest_subprocess("--qbench-backend=aer", "--qbench-qubits=7", "--collect-only")
    result.stdout.fnmatch_lines(["qbench: no size of --qbench-qubits=7 suits zeros (takes 2,3)"])
    result = pytester.runpytest_subprocess("--qbench-backend=aer", "--qbench-depth=7", "--collect-only")
    result.stdout.fnmatch_lines(["qbench: no chosen case takes a depth: --qbench-depth=7 changes nothing"])


def test_list_cases(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess("--qbench-backend=aer", "--qbench-list-cases", "--qbench-core")
    result.stdout.fnmatch_lines(["case *qubits *instances *tags*", "bell_state *2 *1 *core*", "6 cases,*"])
    assert not (pytester.path / "reports").exists()


def test_nested_functions_of_the_rounds(pytester: pytest.Pytester) -> None:
    """Medians and utilisation in the row follow from its rounds; counts were verified."""
    make_cases(pytester)
    pytester.runpytest_subprocess("--qbench-backend=aer", "--qbench-shots=1,10", "--qbench-threads=1")
    for row in rows(pytester):
        for shots, rounds in row["rounds_s"].items():
            ordered = sorted(rounds)
            middle = len(ordered) // 2
            median = ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
            assert math.isclose(row["times_s"][shots], median)
            assert row["cpu_util"][shots] > 0
        assert row["threads"] == 1


def test_jsonl_copy_run_dir_and_seed(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    make_cases(pytester)
    register(pytester, monkeypatch, good="Good")
    arguments = ["--qbench-backend=good", "--qbench-shots=1", "--qbench-run-dir=out", "--qbench-jsonl=all.jsonl"]
    for seed in (1, 2):
        assert pytester.runpytest_subprocess(*arguments, f"--qbench-seed={seed}").ret == 0
    lines = [json.loads(line) for line in (pytester.path / "all.jsonl").read_text().splitlines()]
    assert [line["seed"] for line in lines] == [1, 1, 2, 2]
    assert len({line["run_id"] for line in lines}) == 2
    assert len([path for path in (pytester.path / "out").iterdir() if path.is_dir() and not path.is_symlink()]) == 2


def test_an_unwritable_place_is_found_before_anything_is_measured(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_cases(pytester)
    (pytester.path / "blocked").write_text("a file, not a folder")
    register(pytester, monkeypatch, traced="own_backends:Traced")
    pytester.makepyfile(
        own_backends="""
        from pathlib import Path
        from faulty_backends import Good

        class Traced(Good):
            def run(self, prepared, shots, seed):
                Path("measured").touch()
                return super().run(prepared, shots, seed)
        """
    )
    for option in ("--qbench-run-dir", "--qbench-jsonl"):
        result = pytester.runpytest_subprocess("--qbench-backend=traced", f"{option}=blocked/here")
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        output = result.stdout.str() + result.stderr.str()
        assert "blocked" in output
        assert "Traceback" not in output
        assert not (pytester.path / "measured").exists()
    pytester.runpytest_subprocess("--qbench-backend=traced", "--qbench-run-dir=here", "--qbench-jsonl=rows.jsonl")
    assert (pytester.path / "measured").exists(), "it would have been measured"


def test_exit_status_when_no_point_passes(pytester: pytest.Pytester) -> None:
    make_cases(
        pytester,
        """
from qiskit import QuantumCircuit
from pytest_qbench import circuit_case

@circuit_case(n_qubits=1)
def magic():
    circuit = QuantumCircuit(1)
    circuit.h(0)
    circuit.t(0)
    circuit.measure_all()
    return circuit
""",
    )
    arguments = ["--qbench-backend=aer[method=stabilizer]", "--qbench-shots=1,10", "-v"]
    result = pytester.runpytest_subprocess(*arguments)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*magic[[]aer.method=stabilizer-q1-s1[]] UNSUPPORTED*", "*2 unsupported*"])
    (row,) = rows(pytester)
    assert (row["status"], row["correct"]) == ("UNSUPPORTED", None)
    assert "gate 't'" in row["errors"][0]["reason"]
    both = pytester.runpytest_subprocess(*arguments, "--qbench-backend=aer")
    assert both.ret == 0
    strict = pytester.runpytest_subprocess(*arguments, "--qbench-backend=aer", "--qbench-strict")
    assert strict.ret == pytest.ExitCode.TESTS_FAILED


def test_runs_leave_their_files_behind(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    make_cases(pytester)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for command in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "first"]):
        subprocess.run([*git, *command], cwd=pytester.path, check=True)
    commit = subprocess.run([*git, "rev-parse", "HEAD"], cwd=pytester.path, check=True, capture_output=True, text=True)
    pytester.runpytest_subprocess("--qbench-backend=aer", "--qbench-shots=1")
    folder = results_file(pytester).parent.resolve()
    names = {path.name for path in folder.iterdir()}
    assert names >= {"results.jsonl", "summary.json", "comparison.json", "environment.json"}
    assert {"aer_zeros_2q.json", "aer_zeros_3q.json"} <= names
    environment = run_file(pytester, "environment.json")
    assert environment["packages"].keys() >= {"pytest-qbench", "pytest", "qiskit", "qiskit-aer", "numpy"}
    assert environment["thread_variables"]["OMP_NUM_THREADS"] == "3"
    assert environment["git"] == {"commit": commit.stdout.strip(), "dirty": False}
    assert environment["cpu"]["model"]
    assert environment["memory"]["total"] > 0
    assert environment["os"]["kernel"] == platform.release()
    assert environment["python"]["version"] == platform.python_version()
    (env,) = {json.dumps(row["env"]) for row in rows(pytester)}
    assert json.loads(env)["commit"] == commit.stdout[:12]


def test_ids_of_the_built_in_suite_can_be_given_back(pytester: pytest.Pytester) -> None:
    arguments = ["--qbench-backend=aer", "--qbench-shots=1,10", "--collect-only", "-q"]
    result = pytester.runpytest_subprocess(*arguments, "qbench::bell_state[aer-q2-s10]", "qbench::simple_grovers")
    assert [line for line in result.outlines if "::" in line] == [
        "qbench::bell_state[aer-q2-s10]",
        "qbench::simple_grovers[aer-q2-s1]",
        "qbench::simple_grovers[aer-q2-s10]",
        "qbench::simple_grovers[aer-q3-s1]",
        "qbench::simple_grovers[aer-q3-s10]",
    ]
    result = pytester.runpytest_subprocess("qbench::bell_state[native-q2-s10]")
    result.assert_outcomes(passed=1)
    result = pytester.runpytest_subprocess(*arguments, "qbench::bell_state[aer-q99-s1]")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*qbench::bell_state[[]aer-q99-s1[]]: no such item with the backends*"])


def test_paths_of_options_and_of_ini_keys(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    make_cases(pytester)
    register(pytester, monkeypatch, good="Good")
    below = pytester.mkdir("below")
    pytester.makeini("[pytest]\nqbench_run_dir = from_ini\nqbench_jsonl = rows.jsonl\n")
    arguments = ["--qbench-backend=good", "--qbench-shots=1", "-k", "q2"]
    monkeypatch.chdir(below)
    assert pytester.runpytest_subprocess(*arguments, f"--rootdir={pytester.path}").ret == 0
    assert (pytester.path / "from_ini" / "latest").exists()
    assert (pytester.path / "rows.jsonl").exists()
    assert pytester.runpytest_subprocess(*arguments, f"--rootdir={pytester.path}", "--qbench-run-dir=here").ret == 0
    assert (below / "here" / "latest").exists()


def test_a_selection_of_nothing_is_explained(pytester: pytest.Pytester) -> None:
    make_cases(pytester)
    builtin = "--qbench-cases=builtin takes the built-in suite"
    reasons = {
        ("--qbench-backend=aer", "-k", "nonsense"): f"1 deselected by -k, -m or the like ({builtin})",
        ("--qbench-core", "--qbench-cases=cases"): f"1 not tagged 'core', which the core suite wants ({builtin})",
        ("--qbench-core", "--qbench-cases=cases", "--qbench-list-cases"): "1 not tagged 'core', *",
        ("--qbench-gradients", "--qbench-cases=cases"): "1 for circuits; --qbench-gradients wants gradient cases *",
        ("--qbench-backend=aer", "--qbench-qubits=17"): "1 of no size of --qbench-qubits=17 *",
    }
    for arguments, reason in reasons.items():
        result = pytester.runpytest_subprocess(*arguments)
        assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
        result.stdout.fnmatch_lines([f"qbench: nothing to measure: 1 case found in cases/: {reason}"])
    result = pytester.runpytest_subprocess("--qbench-cases=builtin", "-k", "nonsense")
    result.stdout.fnmatch_lines(["qbench: nothing to measure: 33 cases found in the built-in suite: 33 deselected *"])


def test_the_built_in_suite_where_no_own_case_is_what_was_asked_for(pytester: pytest.Pytester) -> None:
    make_cases(pytester)
    asked = {
        "--qbench-core": ("nothing in cases/ (1 case) is tagged 'core'", "6 cases, 17 instances, 85 points"),
        "--qbench-gradients": ("nothing in cases/ (1 case) is of gradients", "1 case, 1 instance, * points"),
    }
    for option, (why, total) in asked.items():
        result = pytester.runpytest_subprocess(option, "--qbench-list-cases")
        result.stdout.fnmatch_lines([f"qbench: {why}: the built-in suite instead", total])
    for option in ("--qbench-suite=standard", "--qbench-backend=aer"):
        result = pytester.runpytest_subprocess(option, "--qbench-list-cases")
        result.stdout.fnmatch_lines(["1 case, 2 instances, 10 points"])
    make_cases(pytester, CASES.replace("2, 3]", '2], tags=["core"]'), "tagged.py")
    result = pytester.runpytest_subprocess("--qbench-core", "--qbench-list-cases")
    result.stdout.fnmatch_lines(["1 case, 1 instance, 5 points"])
    result.stdout.no_fnmatch_line("*instead*")


def test_the_header_names_the_deadline_that_holds(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    make_cases(pytester)
    register(pytester, monkeypatch, good="Good")
    arguments = ["--qbench-backend=good", "--qbench-shots=1", "-k", "q2"]
    pytester.runpytest_subprocess(*arguments, "--timeout=20").stdout.fnmatch_lines(["qbench: *timeout 20 s"])
    both = pytester.runpytest_subprocess(*arguments, "--timeout=20", "--qbench-timeout=9")
    both.stdout.fnmatch_lines(["qbench: *timeout 9 s"])


def test_the_summary_stays_where_a_later_part_of_the_terminal_fails(pytester: pytest.Pytester) -> None:
    make_cases(pytester)
    result = pytester.runpytest_subprocess(
        "--qbench-backend=aer", "--qbench-shots=1", "--benchmark-compare", "--benchmark-compare-fail=median:10%"
    )
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stdout.fnmatch_lines(["2 points: 2 PASS*", "rows, summary and comparison in *"])
