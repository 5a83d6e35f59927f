"""``--qbench-noise-model`` and ``--qbench-noise``: which noise a session sweeps, and whole sessions with it."""

from __future__ import annotations

import re

import pytest
from end_to_end import make_cases, register, rows, run_file

from pytest_qbench.circuits.noise import NoiseModel
from pytest_qbench.noise_sweep import noise_sweep, parse_models, parse_strengths

ONE, FIVE = NoiseModel("depolarizing", 0.01), NoiseModel("depolarizing", 0.05)


@pytest.mark.parametrize(
    ("models", "strengths", "noise"),
    [
        ((), (), (None,)),
        ((), (0.01, 0.05), (ONE, FIVE)),
        ((), (0.0, 0.01), (None, ONE)),
        ((), (0.0,), (None,)),
        (("none",), (), (None,)),
        (("none",), (0.0,), (None,)),
        (("none", "depolarizing"), (0.0, 0.01), (None, ONE)),
        (("depolarizing", "none"), (0.01,), (None, ONE)),
        (("readout", "depolarizing"), (0.01,), (NoiseModel("readout", 0.01), ONE)),
        (("phase_damping",), (0.0, 0.5), (None, NoiseModel("phase_damping", 0.5))),
    ],
)
def test_sweeps(models: tuple[str, ...], strengths: tuple[float, ...], noise: tuple[NoiseModel | None, ...]) -> None:
    assert noise_sweep(models, strengths) == noise


def test_a_model_needs_a_strength() -> None:
    with pytest.raises(ValueError, match=re.escape("how strong? Add --qbench-noise=0.01,0.05")):
        noise_sweep(("readout",), ())


def test_values_are_parsed() -> None:
    assert parse_models("Depolarizing, amplitude-damping,none,depolarizing") == (
        "depolarizing",
        "amplitude_damping",
        "none",
    )
    assert parse_strengths("0.05, 1e-2,0,0.050") == (0.0, 0.01, 0.05)


@pytest.mark.parametrize("text", ["", "2", "-0.1", "nan", "much", "0.1,"])
def test_wrong_strengths(text: str) -> None:
    with pytest.raises(ValueError, match="is no strength: write probabilities from 0 to 1"):
        parse_strengths(text)


@pytest.mark.parametrize(("strength", "label"), [(0.01, "noise0.01"), (1.0, "noise1"), (1e-3, "noise0.001")])
def test_labels(strength: float, label: str) -> None:
    assert NoiseModel("depolarizing", strength).label == label
    assert NoiseModel("readout", strength).label == label.replace("noise", "readout")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--qbench-noise=2"], "--qbench-noise=2: '2' is no strength: write probabilities from 0 to 1"),
        (
            ["--qbench-noise-model=depolarising", "--qbench-noise=0.1"],
            "--qbench-noise-model=depolarising: there is no noise 'depolarising' (did you mean 'depolarizing'?);",
        ),
        (["--qbench-noise-model=readout"], "--qbench-noise-model=readout: how strong? Add --qbench-noise=0.01,0.05"),
        (
            ["--qbench-gradients", "--qbench-noise=0.1"],
            "--qbench-noise=0.1: gradient scenarios are measured without noise",
        ),
    ],
)
def test_wrong_values_are_named(pytester: pytest.Pytester, arguments: list[str], message: str) -> None:
    result = pytester.runpytest_inprocess(*arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*{message.replace('[', '[[]')}*"])


CASES = """
from qiskit import QuantumCircuit
from pytest_qbench import circuit_case

@circuit_case(n_qubits=[2, 11], mirror=True)
def back(n_qubits):
    circuit = QuantumCircuit(n_qubits)
    for name in ("h", "x", "x", "h"):
        for qubit in range(n_qubits):
            getattr(circuit, name)(qubit)
    circuit.measure_all()
    return circuit
"""


def test_a_session_with_noise(pytester: pytest.Pytester) -> None:
    """A point per noise with an id, a row and a file of its own; what the case expects holds without noise only."""
    make_cases(pytester, CASES)
    result = pytester.runpytest_subprocess(
        *("--qbench-backend=native", "--qbench-backend=aer", "--qbench-qubits=2", "--qbench-shots=100,1000", "-v"),
        *("--qbench-noise-model=none,depolarizing,readout", "--qbench-noise=0.05,0.1"),
    )
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "*::back[[]native-q2-s100] PASS*",
            "*::back[[]native-q2-noise0.05-s100] PASS*",
            "*::back[[]native-q2-readout0.1-s1000] PASS*",
            "20 points: 20 PASS in *",
        ]
    )
    written = rows(pytester)
    noises = [None] + [
        {"model": model, "strength": strength} for model in ("depolarizing", "readout") for strength in (0.05, 0.1)
    ]
    for backend in ("native", "aer"):
        assert [row["noise"] for row in written if row["backend"] == backend] == noises
    assert len({row["program_hash"] for row in written}) == 5
    assert all(row["correct"] for row in written)
    files = {path.name for path in (pytester.path / "reports" / "latest").glob("native_back_2q*.json")}
    assert files == {
        "native_back_2q.json",
        *(
            f"native_back_2q_{model}{strength}.json"
            for model in ("depolarizing", "readout")
            for strength in (0.05, 0.1)
        ),
    }
    # No mean over circuits with different noise.
    (pair,) = run_file(pytester, "comparison.json")["pairs"]
    assert pair["warm"]["all"]["overall"]["completed"]["geomean"] is None
    assert [entry["noise"] for entry in pair["warm"]["by_noise"]] == noises
    assert all(entry["overall"]["completed"]["geomean"] > 0 for entry in pair["warm"]["by_noise"])
    result.stdout.fnmatch_lines(
        ["back depol 0.05 *", "by shots *", "no noise *", "depol 0.05 *", "cold, readout 0.1 *"]
    )


def test_above_ten_qubits_a_point_is_not_verified(pytester: pytest.Pytester) -> None:
    """It says so, in the session and in its row; its times count. Readout errors alone are verified."""
    make_cases(pytester, CASES)
    arguments = ("--qbench-backend=native", "--qbench-qubits=11", "--qbench-shots=100", "-rA", "-v")
    noise = ("--qbench-noise-model=depolarizing,readout", "--qbench-noise=0.1")
    result = pytester.runpytest_subprocess(*arguments, *noise)
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "*::back[[]native-q11-noise0.1-s100] UNVERIFIED*",
            "2 points: 1 PASS, 1 UNVERIFIED in *",
            "UNVERIFIED * back 11q depolarizing=0.1",
        ]
    )
    noisy, misread = rows(pytester)
    reason = "a circuit with noise is verified up to 10 qubits; this one has 11"
    assert (noisy["status"], noisy["correct"], misread["status"]) == ("UNVERIFIED", None, "PASS")
    assert [(error["status"], error["reason"]) for error in noisy["errors"]] == [("UNVERIFIED", reason)]
    assert noisy["times_s"]["100"] > 0
    assert run_file(pytester, "summary.json")["points"]["by_status"]["UNVERIFIED"] == 1
    strict = pytester.runpytest_subprocess(*arguments, *noise, "--qbench-strict")
    assert strict.ret == 1
    strict.stdout.fnmatch_lines(["*::back[[]native-q11-noise0.1-s100] UNVERIFIED*", f"UNVERIFIED: {reason}*"])


def test_a_backend_with_other_noise_fails(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """With half or twice the strength, with noise after the gates that its gates were lowered to, and without any."""
    pytester.makepyfile(
        wrong="""
        from dataclasses import replace
        from pytest_qbench.backends.native import NativeBackend
        from pytest_qbench.circuits.noise import NoiseModel, with_noise
        from pytest_qbench.circuits.program import CHANNELS

        class Wrong(NativeBackend):
            name = "wrong"
            factor = 0.0

            def prepare(self, program):
                items = [
                    replace(item, params=tuple(self.factor * value for value in item.params))
                    if item.name in CHANNELS else item
                    for item in program.instructions
                ]
                return super().prepare(replace(program, instructions=tuple(items)))

        class Half(Wrong):
            name, factor = "half", 0.5

        class Twice(Wrong):
            name, factor = "twice", 2.0

        class Lowered(NativeBackend):
            name = "lowered"

            def capabilities(self):
                can = super().capabilities()
                return replace(can, gates=frozenset({"u", "cx"}), unitary_qubits=0)

            def prepare(self, program):
                strengths = {item.params[0] for item in program.instructions if item.name == "depolarizing"}
                plain = tuple(item for item in program.instructions if item.name not in CHANNELS)
                return super().prepare(
                    with_noise(replace(program, instructions=plain), NoiseModel("depolarizing", *strengths))
                )
        """
    )
    names = {"without": "Wrong", "half": "Half", "twice": "Twice", "lowered": "Lowered"}
    register(pytester, monkeypatch, **{name: f"wrong:{kind}" for name, kind in names.items()})
    make_cases(pytester, CASES.replace('("h", "x", "x", "h")', '("h", "x", "y", "t", "tdg", "y", "x", "h")'))
    backends = [f"--qbench-backend={name}" for name in ["native", *names]]
    make = "circuit.measure_all()"
    swapped = "circuit.swap(0, 1)\n    circuit.swap(0, 1)\n    circuit.swap(0, 1)\n    circuit.swap(0, 1)\n    " + make
    path = pytester.path / "cases" / "own.py"
    path.write_text(path.read_text().replace(make, swapped))
    result = pytester.runpytest_subprocess(
        *backends, "--qbench-qubits=2", "--qbench-shots=10000", "--qbench-noise=0.05", "-v"
    )
    assert result.ret == 1
    statuses = {row["backend"]: row["status"] for row in rows(pytester)}
    assert statuses == {"native": "PASS", **dict.fromkeys(names, "FAIL")}


def test_a_backend_without_noise_is_unsupported(pytester: pytest.Pytester) -> None:
    make_cases(pytester, CASES)
    result = pytester.runpytest_subprocess(
        *("--qbench-backend=native", "--qbench-backend=qulacs", "--qbench-qubits=2", "--qbench-shots=100"),
        "--qbench-noise=0.1",
    )
    assert result.ret == 0
    status = {row["backend"]: (row["status"], row["errors"]) for row in rows(pytester)}
    assert status["native"] == ("PASS", [])
    if status["qulacs"][0] != "UNAVAILABLE":
        assert status["qulacs"][0] == "UNSUPPORTED"
        assert status["qulacs"][1][0]["reason"] == "noise (depolarizing)"
