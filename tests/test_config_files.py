"""``--qbench-config`` through real sessions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from end_to_end import make_cases
from test_config_schema import ORDER

from pytest_qbench.config_file import ConfigFileError, read_config

SIZES = (4, 6, 8, 10, 12, 14, 16, 18, 20)
LABELS = ("lret-phase7", "cirq", "aer", "qsim", "default.qubit", "stim")


def make_config(pytester: pytest.Pytester, content: Any, name: str = "bench.json") -> Path:
    path = pytester.path / name
    path.write_text(content if isinstance(content, str) else json.dumps(content, indent=2))
    return path


def point_ids(result: pytest.RunResult) -> list[str]:
    return [line for line in result.outlines if "::" in line and not line.startswith("qbench: ")]


def collected(pytester: pytest.Pytester, *arguments: str) -> list[str]:
    result = pytester.runpytest("--qbench-config=bench.json", "--collect-only", "-q", *arguments)
    assert result.ret == 0
    return point_ids(result)


def test_the_file_of_the_order_gives_54_runs(pytester: pytest.Pytester) -> None:
    make_config(pytester, ORDER)
    result = pytester.runpytest("--qbench-config=bench.json", "--collect-only", "-q")
    planned = [f"qbench::ghz_state[{label}-q{n}-s1000]" for n in SIZES for label in LABELS]
    assert point_ids(result) == planned
    result.stdout.fnmatch_lines(
        [
            "qbench: GHZ Scalability (bench_20260206_001), of bench.json",
            "qbench: ...",
            "qbench: 54 points = 9 instances of 1 case, shots 1000, timeout 300 s",
        ]
    )


TOML = """
benchmark_id = "toml"
backends = ["stim", "qiskit-aer[method=stabilizer]"]

[parameters]
n_qubits = [2, 3]
circuit_type = ["ghz", "qft"]
shots = [10, 100]

[execution]
timeout_per_run = 12.5
warmup_runs = 0
"""


def test_toml_has_the_same_keys(pytester: pytest.Pytester) -> None:
    make_config(pytester, TOML, "bench.toml")
    result = pytester.runpytest("--qbench-config=bench.toml", "--collect-only", "-q")
    assert len(point_ids(result)) == 2 * 2 * 2 * 2
    result.stdout.fnmatch_lines(["*16 points = 4 instances of 2 cases, shots 10, 100, timeout 12.5 s"])


SMALL = {
    "benchmark_id": "small",
    "name": "Small",
    "backends": ["aer", "lret-phase7"],
    "parameters": {"n_qubits": [2, 3], "circuit_type": ["ghz"], "shots": [10]},
    "execution": {"warmup_runs": 1},
    "output_dir": "results/small",
}


def test_a_run_of_a_file(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LRET_PHASE7", raising=False)
    make_config(pytester, SMALL)
    for folder in ("small", "small-2"):
        result = pytester.runpytest_subprocess("--qbench-config=bench.json")
        assert result.ret == 0
        result.stdout.fnmatch_lines(["4 points: 2 PASS, 2 UNAVAILABLE in*", "UNAVAILABLE  lret-phase7  2 instances"])
        path = pytester.path / "results" / folder
        assert (pytester.path / "results" / "latest").resolve() == path
        summary = json.loads((path / "summary.json").read_text())
        assert summary["run_id"] == folder
        assert summary["benchmark"] == {"file": "bench.json", "id": "small", "name": "Small", "description": None}
        rows = [json.loads(line) for line in (path / "results.jsonl").read_text().splitlines()]
        assert {(row["backend"], row["status"]) for row in rows} == {("aer", "PASS"), ("lret-phase7", "UNAVAILABLE")}
    assert not (pytester.path / "reports").exists()


def test_options_override_the_file_key_by_key(pytester: pytest.Pytester) -> None:
    make_config(pytester, {**SMALL, "backends": ["stim"], "execution": {"timeout_per_run": 7}})
    ghz = "qbench::ghz_state[{}-q{}-s{}]"
    assert collected(pytester) == [ghz.format("stim", n, 10) for n in (2, 3)]
    assert collected(pytester, "--qbench-backend=aer") == [ghz.format("aer", n, 10) for n in (2, 3)]
    assert collected(pytester, "--qbench-qubits=5") == [ghz.format("stim", 5, 10)]
    assert collected(pytester, "--qbench-shots=7,8") == [ghz.format("stim", n, s) for n in (2, 3) for s in (7, 8)]
    assert collected(pytester, "--qbench-circuits=bell") == ["qbench::bell_state[stim-q2-s10]"]
    result = pytester.runpytest("--qbench-config=bench.json", "--collect-only", "--qbench-timeout=9")
    result.stdout.fnmatch_lines(["*timeout 9 s"])


def test_the_file_overrides_ini_keys(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nqbench_shots = 99\nqbench_backend = aer\nqbench_threads = 1\n")
    make_config(pytester, {"parameters": {"n_qubits": [2], "circuit_type": ["bell"], "shots": [10]}})
    assert collected(pytester) == ["qbench::bell_state[aer-q2-s10]"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("bench.json", '{\n  "name": "x",\n}', "bench.json:3:1: is not JSON: "),
        ("bench.json", "[1]", "bench.json: the file: must be an object with keys, not [1]"),
        ("bench.json", '{"name": "a", "name": "b"}', "bench.json: the key 'name' is given twice"),
        ("bench.json", '{"parameters": {"noise_strength": [NaN]}}', "bench.json: NaN is not a number of JSON"),
        ("bench.toml", 'name = "x"\nbackends = [\n', "bench.toml: is not TOML: "),
        (
            "bench.toml",
            "[parameters]\nshots = [1979-05-27]\n",
            "bench.toml: parameters.shots[0]: must be a whole number",
        ),
        ("bench.yaml", "name: x", "bench.yaml: a config file is named *.json or *.toml"),
        ("bench.json", {"nonsense": 1}, "bench.json: nonsense: there is no such key"),
        ("bench.json", {"parameters": {"n_qubits": [-4]}}, "bench.json: parameters.n_qubits[0]: must be at least 1"),
        ("bench.json", {"backends": ["qskit"]}, "bench.json: backends: unknown backend 'qskit'"),
        ("bench.json", {"backends": ["aer[metod=x]"]}, "bench.json: backends: backend spec 'aer[metod=x]': aer has no"),
        ("bench.json", {"backends": ["aer", "qiskit"]}, "bench.json: backends: backend specs 'aer' and 'qiskit' have"),
        (
            "bench.json",
            {"parameters": {"circuit_type": ["ghz", "gzh_state"]}},
            "bench.json: parameters.circuit_type: there is no circuit 'gzh_state' (did you mean 'ghz_state'?)",
        ),
        ("bench.json", {"parameters": {"depth": [None, 4]}}, "bench.json: parameters.depth[0]: null, the depths of"),
        (
            "bench.json",
            {"parameters": {"noise_model": [None], "noise_strength": [0.1]}},
            "bench.json: parameters.noise_model: [null] is without noise",
        ),
    ],
)
def test_what_is_wrong_is_a_usage_error_with_file_and_key(
    pytester: pytest.Pytester, name: str, content: Any, message: str
) -> None:
    make_config(pytester, content, name)
    result = pytester.runpytest(f"--qbench-config={name}", "--collect-only")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    output = result.stdout.str() + result.stderr.str()
    assert message in output
    assert "Traceback" not in output


def test_a_file_that_is_not_there(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest("--qbench-config=nowhere.json")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: *nowhere.json: can't be read: No such file or directory"])


def values(tmp_path: Path, content: Any) -> dict[str, Any]:
    path = tmp_path / "bench.json"
    path.write_text(json.dumps(content))
    return {name: value for name, (value, _) in read_config(path).values.items()}


def test_every_key_is_a_setting(tmp_path: Path) -> None:
    assert values(tmp_path, ORDER) == {
        "backend": ["lret-phase7", "cirq", "qiskit-aer", "qsim", "pennylane", "stim"],
        "qubits": "4,6,8,10,12,14,16,18,20",
        "circuits": "ghz",
        "shots": "1000",
        "noise-model": "none",
        "noise": "0",
        "parallel": "4",
        "timeout": "300",
        "retries": "1",
        "warmup": "1",
        "run-dir": "results",
    }
    noisy = {"noise_model": [None, "readout"], "noise_strength": [0.01, 1e-5], "depth": [10, 20.0]}
    assert values(tmp_path, {"parameters": noisy}) == {
        "noise-model": "none,readout",
        "noise": "0.01,1e-05",
        "depth": "10,20",
    }
    assert values(tmp_path, {"execution": {"parallel": False, "max_parallel": 4}}) == {"parallel": "1"}
    assert values(tmp_path, {"execution": {"parallel": True}}) == {"parallel": "auto"}
    assert values(tmp_path, {"execution": {"max_parallel": 4}}) == {}
    assert values(tmp_path, {"benchmark_id": "a", "output_dir": "results"}) == {"run-dir": "results"}
    with pytest.raises(ConfigFileError, match=r"bench\.json: name: must be a text"):
        values(tmp_path, {"name": 1})


def test_own_cases_by_name(pytester: pytest.Pytester) -> None:
    make_cases(pytester)
    make_config(pytester, {"backends": ["stim"], "parameters": {"circuit_type": ["zeros", "bell"], "shots": [10]}})
    result = pytester.runpytest("--qbench-config=bench.json", "--collect-only", "-q")
    result.stdout.fnmatch_lines(["qbench: bell is not in cases/: taken from the built-in suite"])
    assert point_ids(result) == [
        "cases/own.py::zeros[stim-q2-s10]",
        "qbench::bell_state[stim-q2-s10]",
        "cases/own.py::zeros[stim-q3-s10]",
    ]
