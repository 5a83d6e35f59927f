"""The standard suite as a whole: its size, its core, that everything builds, and builds the same everywhere."""

from __future__ import annotations

import json
import math

import pytest
from suite_instances import CASES, HASHES, instances, program_hashes

from pytest_qbench.cases import STANDARD_MAX_QUBITS
from pytest_qbench.circuits.convert import from_qiskit

FULL = instances()
BY_NAME = {case.name: case for case in CASES}


def test_names_are_unique():
    assert len(BY_NAME) == len(CASES)


def test_number_and_sizes_of_instances():
    standard = [instance for instance in FULL if instance.n_qubits <= STANDARD_MAX_QUBITS]
    assert len(FULL) >= 150
    assert 100 <= len(standard) <= 115
    assert {min(i.n_qubits for i in FULL), max(i.n_qubits for i in FULL)} == {2, 24}


def test_the_families_that_a_suite_of_this_kind_must_have():
    families = """bell_state ghz_state w_state graph_state teleportation qft phase_estimation bernstein_vazirani
        deutsch_jozsa simon simple_grovers real_grovers qaoa quantum_volume random_universal reversible_mix
        clifford_scrambler brickwork diagonal_mesh phase_ladder toffoli_oracle adaptive_feedback
        adaptive_feedback_long"""
    assert BY_NAME.keys() >= set(families.split())


def test_core_is_exactly_the_six():
    core = {case.name for case in CASES if "core" in case.tags}
    assert core == {"bell_state", "simple_grovers", "real_grovers", "ghz_state", "qft", "teleportation"}
    assert 13 in BY_NAME["real_grovers"].n_qubits


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_declared_sizes_are_valid_ones(case):
    assert set(case.n_qubits) <= set(case.valid)


@pytest.mark.parametrize("case", [case for case in CASES if len(case.n_qubits) >= 4], ids=lambda case: case.name)
def test_scalable_families_take_any_range_of_sizes(case):
    wanted = range(4, 17, 2) if case.name != "swap_test" else range(3, 17, 2)
    missing = set(wanted) - set(case.sizes(wanted))
    assert missing <= ({4, 6} if case.name == "real_grovers" else set())


@pytest.mark.parametrize("case", [case for case in CASES if case.path.endswith(".py")], ids=lambda case: case.name)
def test_every_case_is_explained(case):
    summary, _, explanation = (case.builder.__doc__ or "").partition("\n\n")
    assert summary.endswith(".")
    assert len(explanation.split()) >= 15


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_valid_size_builds_with_measurements_and_a_proper_expectation(case):
    for instance in [i for i in instances(range(2, 25)) if i.case is case]:
        circuit = instance.circuit()
        assert circuit.num_qubits == instance.n_qubits, instance
        assert "measure" in circuit.count_ops(), instance
        expected = instance.expected
        if expected is not None:
            assert {len(outcome) for outcome in expected} == {circuit.num_clbits}, instance
            assert math.isclose(math.fsum(expected.values()), 1, abs_tol=1e-12), instance
            assert min(expected.values()) > 0, instance
            assert set(expected) != {"0" * circuit.num_clbits}, f"{instance}: a simulator that does nothing passes"


def test_references_are_computed_at_feasible_sizes_only():
    computed = {str(i.case.name): i.n_qubits for i in FULL if i.expected is None}
    assert max(computed.values()) <= 16


def test_dynamic_cases_are_those_meant_to_be():
    dynamic = {i.case.name for i in FULL if i.program().is_dynamic}
    assert dynamic == {
        "teleportation",
        "adaptive_feedback",
        "adaptive_feedback_long",
        "qubit_reuse",
        "repetition_code",
    }


def test_instances_differ_from_one_another():
    hashes = list(program_hashes().values())
    assert len(set(hashes)) == len(hashes)


def test_programs_are_those_of_every_other_machine():
    """Else results would not compare. ``suite_instances.py`` says how to accept a change made on purpose."""
    golden = json.loads(HASHES.read_text())
    found = program_hashes()
    changed = [name for name in golden.keys() & found.keys() if golden[name] != found[name]]
    assert not changed
    assert golden.keys() == found.keys()


def test_a_depth_given_on_the_command_line_makes_another_program():
    shallow, deep = (
        next(i for i in instances([6], depth=[depth]) if i.case.name == "random_universal") for depth in (2, 4)
    )
    assert from_qiskit(shallow.circuit()).n_ops < from_qiskit(deep.circuit()).n_ops
