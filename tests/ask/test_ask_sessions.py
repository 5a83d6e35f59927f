"""``--qbench-ask`` through real sessions."""

from __future__ import annotations

import shlex

import pytest
from end_to_end import make_cases, rows


def lines_of(result: pytest.RunResult, start: str) -> list[str]:
    return [line.removeprefix(start) for line in result.outlines if line.startswith(start)]


def point_ids(result: pytest.RunResult) -> list[str]:
    return [line for line in result.outlines if "::" in line and not line.startswith("qbench: ")]


SHORT = [
    "compare Cirq and Qiskit on random circuits 4 to 16 qubits",
    "compare GPU vs CPU on Qiskit Aer",
    "sweep circuit types: ghz, qft, random",
    "scalability test from 4 to 24 qubits",
]
"""Sentences that name no simulator that takes long to be asked for."""


@pytest.mark.parametrize("sentence", SHORT)
def test_a_sentence_shows_its_plan_and_is_the_same_as_its_command_line(
    pytester: pytest.Pytester, sentence: str
) -> None:
    asked = pytester.runpytest("--collect-only", "-q", f"--qbench-ask={sentence}")
    assert asked.ret == 0
    assert lines_of(asked, "qbench: asked for: ") == [sentence]
    (command,) = lines_of(asked, "qbench: the same as: ")
    program, *words = shlex.split(command)
    assert program == "pytest"
    written = pytester.runpytest(*words)
    assert written.ret == 0
    assert point_ids(written) == point_ids(asked) != []


def test_a_sentence_is_measured(pytester: pytest.Pytester) -> None:
    sentence = "compare Qiskit Aer and native on GHZ 3 and 4 qubits with 10 shots"
    result = pytester.runpytest_subprocess("--qbench-ask", sentence, "-v")
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(
        [
            f"qbench: asked for: {sentence}",
            "qbench: the plan: backend aer; backend native; circuits ghz; qubits 3,4; shots 10",
            "qbench: the same as: pytest --qbench-backend=aer --qbench-backend=native --qbench-circuits=ghz "
            "--qbench-qubits=3,4 --qbench-shots=10 *-v",
            "qbench: 4 points = 2 instances of 1 case, shots 10*",
        ]
    )
    assert {row["case"] for row in rows(pytester)} == {"ghz_state"}


def test_the_command_line_overrides_the_sentence(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest(
        "--collect-only", "-q", "--qbench-ask=stim on ghz 10 qubits with 10 shots", "--qbench-qubits", "3"
    )
    result.stdout.fnmatch_lines(["qbench: the command line overrides --qbench-qubits"])
    assert point_ids(result) == ["qbench::ghz_state[stim-q3-s10]"]


def test_own_cases_are_named_by_words_with_underscores(pytester: pytest.Pytester) -> None:
    make_cases(pytester, name="own.py")
    path = pytester.path / "cases" / "own.py"
    path.write_text(path.read_text().replace("zeros", "my_zeros"))
    result = pytester.runpytest("--collect-only", "-q", "--qbench-ask=stim on my_zeros with 10 shots")
    assert point_ids(result) == ["cases/own.py::my_zeros[stim-q2-s10]", "cases/own.py::my_zeros[stim-q3-s10]"]


def test_a_sentence_that_is_not_understood(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest("--qbench-ask", "compare Cirk and Qiskit")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        [
            "ERROR: --qbench-ask: 'Cirk' is not understood (did you mean 'cirq'?): compare >>Cirk<< and Qiskit",
            "These forms are understood, together and in any order*",
            "  simulators *",
        ]
    )
    result = pytester.runpytest("--qbench-ask=ghz", "--qbench-ask=qft")
    result.stderr.fnmatch_lines(["ERROR: --qbench-ask is given 2 times; one sentence says it all"])


def test_a_sentence_in_the_settings_of_a_project(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\naddopts = --qbench-ask 'stim on bell with 10 shots'\n")
    result = pytester.runpytest("--collect-only", "-q")
    result.stdout.fnmatch_lines(
        [
            "qbench: the same as: pytest --qbench-backend=stim --qbench-circuits=bell --qbench-shots=10 *-q*",
            "qbench::bell_state[[]stim-q2-s10[]]",
        ]
    )


def test_without_a_sentence(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest("--collect-only", "--qbench-ask")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--qbench-ask: expected *"])
