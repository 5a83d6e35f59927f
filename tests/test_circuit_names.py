"""``--qbench-circuits``: cases by name or common name, whatever the suite."""

from __future__ import annotations

import pytest
from end_to_end import make_cases

from pytest_qbench.circuit_names import ALIASES, names, nearest, parse_circuits, unmatched
from pytest_qbench.sources import builtin_case_names


def collected(pytester: pytest.Pytester, *arguments: str) -> list[str]:
    result = pytester.runpytest("--collect-only", "-q", "--qbench-backend=stim", "--qbench-shots=10", *arguments)
    assert result.ret == 0
    return [line for line in result.outlines if "::" in line]


def test_every_common_name_means_a_case_of_the_suite() -> None:
    assert set(ALIASES.values()) <= builtin_case_names()
    assert not ALIASES.keys() & builtin_case_names()


def test_names() -> None:
    assert parse_circuits(" ghz, qft,,ghz") == ("ghz", "qft")
    with pytest.raises(ValueError, match="names no circuit"):
        parse_circuits(" , ")
    assert names("GHZ", "ghz_state")
    assert names("Quantum Volume", "quantum_volume")
    assert names("ghz-state", "ghz_state")
    assert not names("ghz", "my_ghz_state")
    assert unmatched(["ghz", "own", "oops"], {"ghz_state", "own"}) == ["oops"]
    assert nearest("qtf", {"qft"}) == " (did you mean 'qft'?)"
    assert nearest("zzz", {"qft"}) == ""


def test_they_choose_from_the_suite(pytester: pytest.Pytester) -> None:
    chosen = collected(pytester, "--qbench-circuits=bell,W", "--qbench-core")
    assert chosen[:2] == ["qbench::bell_state[stim-q2-s10]", "qbench::w_state[stim-q4-s10]"]
    assert {line.partition("[")[0] for line in chosen} == {"qbench::bell_state", "qbench::w_state"}


def test_own_cases_go_first_and_the_suite_has_the_rest(pytester: pytest.Pytester) -> None:
    make_cases(pytester)
    path = pytester.path / "cases" / "own.py"
    path.write_text(path.read_text().replace("zeros", "bell_state"))
    pytester.makepyfile(test_other="def test_measures(qbench): pass")
    assert collected(pytester, "--qbench-circuits=bell,ghz", "--qbench-qubits=2") == [
        "cases/own.py::bell_state[stim-q2-s10]",
        "qbench::ghz_state[stim-q2-s10]",
    ]
    assert collected(pytester, "--qbench-circuits=bell", "--qbench-qubits=2", "--qbench-cases=builtin") == [
        "qbench::bell_state[stim-q2-s10]"
    ]


@pytest.mark.parametrize(
    ("word", "hint"),
    [("gzh_state", " (did you mean 'ghz_state'?)"), ("nothing-like-it", "; there is adaptive_feedback, ")],
)
def test_a_circuit_that_is_not_there(pytester: pytest.Pytester, word: str, hint: str) -> None:
    result = pytester.runpytest("--collect-only", f"--qbench-circuits=ghz,{word}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: --qbench-circuits: there is no circuit {word!r}{hint}*"])


def test_a_circuit_of_no_size_that_is_asked_for(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest("--collect-only", "--qbench-circuits=bell,ghz", "--qbench-qubits=5")
    result.stdout.fnmatch_lines(["qbench: no size of --qbench-qubits=5 suits bell_state (takes 2)"])
