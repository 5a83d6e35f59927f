"""Which points a case gives, their order and their ids; the circuit_case decorator."""

from dataclasses import replace
from pathlib import Path

import pytest
from qiskit import QuantumCircuit

from pytest_qbench import CircuitCase, circuit_case
from pytest_qbench.backends.registry import installed_backends
from pytest_qbench.measure.messages import RoundPolicy
from pytest_qbench.plan import cold_shots, ladders, plan_instances, plan_points
from pytest_qbench.settings import Settings
from pytest_qbench.specs import parse_specs

SETTINGS = Settings(
    active=True,
    backends=parse_specs(["aer"], installed_backends()),
    suite="standard",
    case_sources=(),
    case_origin="--qbench-cases",
    qubits=None,
    depth=None,
    shots=(1, 1000),
    timeout=30,
    timeout_given=False,
    startup_timeout=60,
    memory_limit=None,
    threads=1,
    seed=42,
    run_dir=Path("reports"),
    jsonl=None,
    strict=False,
    list_cases=False,
    list_backends=False,
    mixed_precision=False,
    policy=RoundPolicy(),
)


def _build(n_qubits: int, depth: int, kind: str) -> QuantumCircuit:
    return QuantumCircuit(n_qubits)


def _build_single() -> QuantumCircuit:
    return QuantumCircuit(3)


@pytest.fixture
def case() -> CircuitCase:
    declare = circuit_case([16, 2, 20], valid=range(2, 25, 2), depth=[3, 1], kind=["a-b"], tags=["core"])
    return declare(_build)


@pytest.fixture
def single() -> CircuitCase:
    return circuit_case(n_qubits=3)(_build_single)


def test_ids_and_order(case: CircuitCase) -> None:
    settings = replace(SETTINGS, backends=parse_specs(["aer", "aer[seed=1]"], installed_backends()))
    assert [point.id for point in plan_points(case, settings)][:8] == [
        "aer-q2-d3-kinda_b-s1",
        "aer-q2-d3-kinda_b-s1000",
        "aer.seed=1-q2-d3-kinda_b-s1",
        "aer.seed=1-q2-d3-kinda_b-s1000",
        "aer-q2-d1-kinda_b-s1",
        "aer-q2-d1-kinda_b-s1000",
        "aer.seed=1-q2-d1-kinda_b-s1",
        "aer.seed=1-q2-d1-kinda_b-s1000",
    ]


@pytest.mark.parametrize(
    ("changes", "sizes"),
    [
        ({}, {2, 16}),
        ({"suite": "full"}, {2, 16, 20}),
        ({"suite": "core"}, {2, 16}),
        ({"qubits": (2, 3, 4, 20, 40)}, {2, 4, 20}),
        ({"qubits": (3, 5)}, set()),
    ],
)
def test_sizes(case: CircuitCase, changes: dict, sizes: set[int]) -> None:
    assert {instance.n_qubits for instance in plan_instances(case, replace(SETTINGS, **changes))} == sizes


def test_core_takes_only_tagged_cases(case: CircuitCase, single: CircuitCase) -> None:
    assert plan_instances(single, SETTINGS)
    assert not plan_instances(single, replace(SETTINGS, suite="core"))


def test_depth_replaces_the_cases_own(case: CircuitCase, single: CircuitCase) -> None:
    instances = plan_instances(case, replace(SETTINGS, depth=(7,), qubits=(2,)))
    assert [instance.params for instance in instances] == [(("depth", 7), ("kind", "a-b"))]
    assert plan_instances(single, replace(SETTINGS, depth=(7,)))


def test_ladders(single: CircuitCase) -> None:
    points = plan_points(single, SETTINGS)
    key = (single.path, "_build_single[aer-q3]")
    assert ladders(points) == {key: (1, 1000)}
    assert ladders(points[1:]) == {key: (1000,)}


def test_a_builder_without_n_qubits_is_called_without(case: CircuitCase, single: CircuitCase) -> None:
    assert single.arguments(3, ()) == {}
    assert case.arguments(4, (("depth", 1), ("kind", "x"))) == {"depth": 1, "kind": "x", "n_qubits": 4}
    assert single().num_qubits == 3


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (lambda: circuit_case(n_qubits=[]), "one or more sizes"),
        (lambda: circuit_case(n_qubits=0), "one or more sizes"),
        (lambda: circuit_case(n_qubits="4"), "one or more sizes"),
        (lambda: circuit_case(n_qubits=2, shots=[1]), "shots=...\\): this name has a meaning of its own"),
        (lambda: circuit_case(n_qubits=2, depth=[1])(lambda n_qubits: None), "has no parameter 'depth'"),
        (lambda: circuit_case(n_qubits=2, depth=[])(lambda n_qubits, depth: None), "no values given"),
    ],
)
def test_wrong_declarations(declare, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        declare()


def test_the_shots_of_the_first_call() -> None:
    assert cold_shots((1, 10, 100, 1000, 10000)) == cold_shots((1000,)) == 1000
    assert cold_shots((1, 10, 100)) == 1
    assert cold_shots([10000, 5000]) == 5000
