"""Sweeps by marker."""

from __future__ import annotations

from typing import Any

import pytest
from end_to_end import make_cases

from pytest_qbench.circuits.noise import NoiseModel
from pytest_qbench.markers import Marked, read_marks

CASES = """
import pytest
from pytest_qbench import Program, circuit_case

pytestmark = pytest.mark.qbench(shots=[30], qubits=[2])


@pytest.mark.qbench(shots=[20, 10], depth=3)
@circuit_case(n_qubits=[2, 4], valid=range(2, 9), depth=[1, 2])
def layers(n_qubits, depth):
    raise NotImplementedError


@circuit_case(n_qubits=[2, 4], valid=range(2, 9))
def plain(n_qubits):
    raise NotImplementedError
"""


def collected(pytester: pytest.Pytester, *arguments: str) -> list[str]:
    result = pytester.runpytest("--collect-only", "-q", "--qbench-backend=stim", *arguments)
    assert result.ret == 0
    return [line.partition("::")[2] for line in result.outlines if "::" in line]


def test_markers_of_a_case_and_of_a_module(pytester: pytest.Pytester) -> None:
    make_cases(pytester, CASES)
    assert collected(pytester) == ["layers[stim-q2-d3-s10]", "layers[stim-q2-d3-s20]", "plain[stim-q2-s30]"]


def test_options_override_markers_and_markers_ini_keys(pytester: pytest.Pytester) -> None:
    make_cases(pytester, CASES)
    pytester.makeini("[pytest]\nqbench_shots = 7\nqbench_qubits = 3\nqbench_depth = 9\n")
    assert collected(pytester) == ["layers[stim-q2-d3-s10]", "layers[stim-q2-d3-s20]", "plain[stim-q2-s30]"]
    assert collected(pytester, "--qbench-shots=5", "--qbench-qubits=6", "--qbench-depth=4") == [
        "layers[stim-q6-d4-s5]",
        "plain[stim-q6-s5]",
    ]


def test_noise_by_marker(pytester: pytest.Pytester) -> None:
    make_cases(pytester, CASES.replace("shots=[30], qubits=[2]", "shots=1, qubits=2, depth=3, noise=[0, 0.1]"))
    plain = [name for name in collected(pytester) if name.startswith("plain")]
    assert plain == ["plain[stim-q2-s1]", "plain[stim-q2-noise0.1-s1]"]
    plain = [name for name in collected(pytester, "--qbench-noise=0.2") if name.startswith("plain")]
    assert plain == ["plain[stim-q2-noise0.2-s1]"]
    marks = [pytest.mark.qbench(noise_model=[None, "readout"], noise=0.3).mark]
    assert read_marks(marks).noise == (None, NoiseModel("readout", 0.3))


@pytest.mark.parametrize(
    ("mark", "message"),
    [
        ("qubits=[0]", "pytest.mark.qbench(qubits=[0]): give one or more whole numbers of at least 1"),
        ("shots='many'", "pytest.mark.qbench(shots='many'): give one or more whole numbers"),
        ("size=[2]", "pytest.mark.qbench(size=...): there is qubits, shots, depth, noise, noise_model"),
        ("[2]", "pytest.mark.qbench takes keywords only: qubits, shots, depth, noise, noise_model"),
        ("qubits=[20]", "pytest.mark.qbench(qubits=[20]): it takes 2:8"),
        ("noise=[2]", "pytest.mark.qbench(noise=[2]): '2' is no strength"),
        (
            "noise_model='depolarising'",
            "pytest.mark.qbench(noise_model='depolarising'): there is no noise",
        ),
        ("noise_model='readout'", "pytest.mark.qbench(noise_model='readout'): how strong?"),
    ],
)
def test_a_wrong_marker_is_an_error_with_its_place(pytester: pytest.Pytester, mark: str, message: str) -> None:
    make_cases(pytester, CASES.replace("shots=[20, 10], depth=3", mark))
    result = pytester.runpytest("--collect-only", "--qbench-backend=stim")
    assert result.ret != 0
    result.stdout.fnmatch_lines([f"*own.py:*: layers: {message}*".replace("[", "[[]")])


def test_a_marker_with_values_on_a_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("import pytest\n@pytest.mark.qbench(shots=[10])\ndef test_it(qbench): pass")
    result = pytester.runpytest("--collect-only", "--qbench-backend=stim")
    result.stdout.fnmatch_lines(["*pytest.mark.qbench with values is for cases; in a test, pytest.mark.parametrize*"])


def test_the_first_mark_that_says_a_thing_counts() -> None:
    def mark(**values: Any) -> pytest.Mark:
        return pytest.mark.qbench(**values).mark

    marks = [
        mark(shots=5),
        pytest.mark.usefixtures("tmp_path").mark,
        mark(shots=[9], qubits=(4, 2, 4)),
        pytest.mark.qbench.mark,
    ]
    assert read_marks(marks) == Marked(qubits=(2, 4), shots=(5,))
