"""Whole sessions of gradient scenarios."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from end_to_end import make_cases, rows, run_file

QUICK = ("--qbench-gradients", "--qbench-qubits=3", "--qbench-samples=4,9")
NATIVE = "--qbench-path=native/shift,native/adjoint"
FEW = ("--qbench-gradients", "--qbench-qubits=3", "--qbench-samples=9", "--qbench-path=native/adjoint")

OWN_CASE = """
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector

from pytest_qbench import gradient_case


@gradient_case(n_qubits=3, encoding="angle", observable="energy")
def mine(n_qubits):
    circuit = QuantumCircuit(n_qubits)
    angles = ParameterVector("a", n_qubits)
    for qubit in range(n_qubits):
        circuit.ry(angles[qubit], qubit)
    circuit.cx(0, 1)
    circuit.cx(1, 2)
    return circuit


@mine.observable
def energy(n_qubits):
    return {"Z" * n_qubits: 1.0, "I" * (n_qubits - 1) + "X": 0.5}
"""


def test_native_paths_beside_each_other(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess(*QUICK, NATIVE, "--qbench-gradient-report")
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(
        ["*native/shift*", "*adjoint instead of parameter-shift*", "plots in reports/*", "report in reports/*.md"]
    )
    written = {row["backend"]: row for row in rows(pytester)}
    assert set(written) == {"native/shift", "native/adjoint"}
    for row in written.values():
        assert (row["kind"], row["status"], row["correct"], row["n_qubits"]) == ("gradient", "PASS", True, 3)
        assert row["instance"].startswith("gradient[native/")
        assert row["params"] == {"layers": 1, "encoding": "amplitude", "observable": "z0", "dataset": "synthetic"}
        assert (row["n_parameters"], row["n_nonzero"], row["encoding"]) == (6, {"4": 1, "9": 1}, "amplitude")
        assert set(row["times_s"]) == set(row["throughput"]) == set(row["evaluations"]) == {"4", "9"}
        assert row["throughput"]["9"] == pytest.approx(9 / row["times_s"]["9"])
        assert len(row["split_s"]["9"]["full"]) >= 5
        assert len(row["dataset"]["sha256"]) == 64
    folder = pytester.path / "reports" / "latest"
    assert "native/adjoint" in (folder / "gradient_report.md").read_text()
    assert "native/adjoint" in (folder / "gradient_report.html").read_text()
    tables = list((folder / "plots").glob("*.csv"))
    assert tables
    assert any("native/shift" in {cell for row in csv.reader(table.open()) for cell in row} for table in tables)
    assert run_file(pytester, "summary.json")["points"]["by_status"]["PASS"] == 4


def test_a_case_of_ones_own_with_every_encoding(pytester: pytest.Pytester) -> None:
    make_cases(pytester, OWN_CASE)
    result = pytester.runpytest_subprocess(*FEW, "--qbench-encoding=amplitude,angle,basis,iqp")
    result.assert_outcomes(passed=4)
    assert {row["case"] for row in rows(pytester)} == {"mine"}
    assert {row["instance"] for row in rows(pytester)} >= {"mine[native/adjoint-iqp-q3-energy]"}
    assert all(row["n_nonzero"]["9"] == 3 for row in rows(pytester) if row["encoding"] == "angle")


def test_data_from_a_file_and_single_precision_in_the_label(pytester: pytest.Pytester) -> None:
    np.save(pytester.path / "mine.npy", np.random.default_rng(0).uniform(0.1, 1, (20, 5)))
    result = pytester.runpytest_subprocess(
        *FEW, "--qbench-dataset=mine.npy", "--qbench-precision=single", "--qbench-observable=zlast"
    )
    result.assert_outcomes(passed=1)
    (row,) = rows(pytester)
    assert (row["backend"], row["precision"]) == ("native/adjoint.precision=single", "single")
    dataset = row["dataset"]
    assert (dataset["name"], dataset["n_available"], dataset["fitted"]) == ("mine.npy", 20, "5 values padded to 8")
    assert row["instance"] == "gradient[native/adjoint.precision=single-amplitude-q3-l1-zlast-mine.npy]"


def test_missing_data_is_not_replaced(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess(*FEW, "--qbench-dataset=none.npy")
    assert result.ret == pytest.ExitCode.TESTS_FAILED  # nothing passed
    (row,) = rows(pytester)
    assert row["status"] == "UNAVAILABLE"
    assert "none.npy" in row["errors"][0]["reason"]
    assert row["dataset"]["name"] == "none.npy"


def test_a_zero_row_is_named(pytester: pytest.Pytester) -> None:
    features = np.ones((9, 8))
    features[6] = 0
    np.save(pytester.path / "mine.npy", features)
    pytester.runpytest_subprocess(*FEW, "--qbench-dataset=mine.npy")
    (row,) = rows(pytester)
    assert row["status"] == "FAIL"
    assert "row 6" in row["errors"][0]["reason"] or "sample 6" in row["errors"][0]["reason"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--qbench-gradients", "--qbench-path=native/ajoint"], "unknown path 'native/ajoint'"),
        (["--qbench-gradients", "--qbench-encoding=angel"], "*--qbench-encoding=angel: 'angel' is none of amplitude*"),
        (["--qbench-gradients", "--qbench-backend=aer"], "*--qbench-backend does not go with --qbench-gradients*"),
        (["--qbench-gradients", "--qbench-shots=10"], "*use --qbench-samples"),
        (["--qbench-layers=2"], "*--qbench-layers is for gradient scenarios: add --qbench-gradients"),
        (["--qbench-gradients", "--qbench-samples=0"], "*--qbench-samples=0*"),
        (["--qbench-gradients", "--qbench-dataset-samples=x"], "must be a whole number"),
        (["--qbench-gradients", "--qbench-dataset=digit"], "=digit: not known (did you mean 'digits'[?]); there are *"),
        (
            ["--qbench-gradients", "--qbench-observable=z0,zlst"],
            "no case has the observable 'zlst' (did you mean 'zlast'[?]); there are z0, zlast, zsum",
        ),
    ],
)
def test_wrong_options(pytester: pytest.Pytester, options: list[str], message: str) -> None:
    result = pytester.runpytest_subprocess(*options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*{message}*"])


def test_an_observable_of_ones_own_is_known_and_a_misspelt_one_refused(pytester: pytest.Pytester) -> None:
    make_cases(pytester, OWN_CASE)
    result = pytester.runpytest_subprocess(
        "--qbench-gradients", NATIVE, "--qbench-observable=energy", "--collect-only", "-q"
    )
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["*mine[[]native/adjoint-*-energy-n50[]]"])
    wrong = pytester.runpytest_subprocess("--qbench-gradients", NATIVE, "--qbench-observable=enegry", "--collect-only")
    assert wrong.ret == pytest.ExitCode.USAGE_ERROR
    wrong.stderr.fnmatch_lines(
        ["*no case has the observable 'enegry' (did you mean 'energy'[?]); there are energy, z0*"]
    )


def test_circuits_and_gradients_keep_apart(pytester: pytest.Pytester) -> None:
    make_cases(pytester, OWN_CASE)
    result = pytester.runpytest_subprocess("--qbench-backend=native", "--collect-only", "-q")
    assert "mine" not in result.stdout.str()
    listed = pytester.runpytest_subprocess("--qbench-gradients", "--qbench-list-cases", NATIVE)
    listed.stdout.fnmatch_lines(["mine *"])
    assert "ghz_state" not in listed.stdout.str()


def test_a_path_that_is_too_slow_is_stopped(pytester: pytest.Pytester) -> None:
    pytest.importorskip("pennylane")
    result = pytester.runpytest_subprocess(
        "--qbench-gradients",
        "--qbench-path=pennylane,native/adjoint",
        "--qbench-qubits=6",
        "--qbench-samples=150,160",
        "--qbench-timeout=1",
    )
    assert result.ret == 0
    written = {row["backend"]: row for row in rows(pytester)}
    assert written["native/adjoint"]["status"] == "PASS"
    slow = written["pennylane/default.qubit"]
    assert (slow["status"], slow["skipped_shots"]) == ("ABORT", [160])
    assert slow["abort_reason"].startswith("timeout: first call")
