"""Gradient cases: their declaration, instances, observables and errors."""

from __future__ import annotations

import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter

from pytest_qbench import GradientCase, gradient_case
from pytest_qbench.cases import CaseError
from pytest_qbench.gradients.paths.registry import DEFAULT_PATHS, PATHS, parse_paths
from pytest_qbench.gradients.scenarios import build_ansatz
from pytest_qbench.plan import Instance, Point
from pytest_qbench.specs import SpecError


@gradient_case(n_qubits=[2, 3], layers=[1, 2], encoding=["angle", "iqp"], observable="energy")
def rotations(n_qubits: int, layers: int) -> QuantumCircuit:
    """A parameter for each layer."""
    circuit = QuantumCircuit(n_qubits)
    for layer in range(layers):
        circuit.rx(Parameter(f"a{layer}"), layer % n_qubits)
    return circuit


@rotations.observable
def energy(n_qubits: int) -> dict[str, float]:
    return {"Z" * n_qubits: 1.0, "X" + "I" * (n_qubits - 1): 0.5}


@rotations.observable
def broken(n_qubits: int) -> dict[str, float]:
    return {"ZQ": 1.0}


def instances(case: GradientCase, n_qubits: int = 2, **overrides: list) -> list[Instance]:
    return [Instance(case, n_qubits, params) for params in case.combinations(overrides)]


def test_ids_name_what_is_not_usual() -> None:
    assert [instance.id for instance in instances(rotations)] == [
        "angle-q2-l1-energy",
        "iqp-q2-l1-energy",
        "angle-q2-l2-energy",
        "iqp-q2-l2-energy",
    ]
    (spec,) = parse_paths(["qdp"], "double")
    (instance,) = instances(rotations, 3, layers=[2], encoding=["amplitude"], observable=["z0"], dataset=["a/d.npz"])
    assert Point(instance, spec, 100).id == "qdp-amplitude-q3-l2-d.npz-n100"
    assert Point(instance, spec, 100).parameters["samples"] == 100


def test_the_builder_gets_what_it_takes() -> None:
    (instance,) = instances(rotations, 3, layers=[2], encoding=["iqp"])
    assert build_ansatz(rotations, instance).n_parameters == 2


def test_own_observables_and_those_of_all() -> None:
    assert rotations.terms("energy", 2) == ((1.0, ((0, "Z"), (1, "Z"))), (0.5, ((1, "X"),)))
    assert rotations.terms("zlast", 3) == ((1.0, ((2, "Z"),)),)
    with pytest.raises(CaseError, match="has no observable 'zfirst'; it has energy, broken, z0, zlast, zsum"):
        rotations.terms("zfirst", 2)
    with pytest.raises(CaseError, match=r"test_gradient_cases.py:\d+: broken\(2\): ValueError: 'ZQ' is no Pauli"):
        rotations.terms("broken", 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"encoding": "angel"}, "encoding='angel'"),
        ({"observable": []}, "no observable"),
        ({"depth": [1]}, "no parameter 'depth'"),
    ],
)
def test_wrong_declarations(arguments: dict, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        gradient_case(n_qubits=2, **arguments)(lambda n_qubits: None)


def test_a_builder_that_raises_is_named() -> None:
    @gradient_case(n_qubits=2)
    def raises(n_qubits: int) -> QuantumCircuit:
        raise RuntimeError("no such thing")

    with pytest.raises(CaseError, match=r"raises\(n_qubits=2\) raised RuntimeError: no such thing"):
        build_ansatz(raises, instances(raises)[0])


def test_paths_by_label() -> None:
    assert [spec.label for spec in parse_paths((), "double")] == list(DEFAULT_PATHS)
    assert set(DEFAULT_PATHS) <= set(PATHS)
    specs = parse_paths(["pennylane,native/shift", "qdp/default.qubit"], "single")
    assert [spec.label for spec in specs] == [
        "pennylane/default.qubit.precision=single",
        "native/shift.precision=single",
        "qdp.precision=single",
    ]
    assert dict(specs[0].options) == {"device": "default.qubit", "precision": "single"}
    with pytest.raises(SpecError, match=r"unknown path 'native/adjont' \(did you mean 'native/adjoint'"):
        parse_paths(["native/adjont"], "double")
