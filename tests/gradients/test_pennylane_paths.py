"""The PennyLane paths: gates, embeddings and gradients against small references, and against one another."""

from __future__ import annotations

from dataclasses import replace
from math import pi
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pennylane", reason="PennyLane is not installed")
pytest.importorskip("torch", reason="torch is not installed")

import pennylane as qml
import torch
from pennylane_reference import encoded, expected_gradients, layered, mixed, rows, task

from pytest_qbench.backends.base import UnavailableError, UnsupportedError
from pytest_qbench.circuits.gates import GATES, gate_matrix
from pytest_qbench.circuits.program import Instruction, Program
from pytest_qbench.engine.batches.gate_tensors import shift_rule
from pytest_qbench.gradients.ansatz import Ansatz, ParameterUse, Terms
from pytest_qbench.gradients.observables import OBSERVABLES
from pytest_qbench.gradients.paths.base import GradientPath
from pytest_qbench.gradients.paths.lightning_adjoint import LightningAdjointPath
from pytest_qbench.gradients.paths.pennylane_circuits import builder, embedding, injection
from pytest_qbench.gradients.paths.pennylane_devices import check_device, rows_at_a_time
from pytest_qbench.gradients.paths.pennylane_textbook import PennylanePath
from pytest_qbench.gradients.paths.pennylane_tuned import PennylaneTunedPath
from pytest_qbench.gradients.paths.shift_rules import rule
from pytest_qbench.gradients.task import ENCODINGS

NO_EQUIVALENT = {"r", "dcx", "cu", "rccx", "xx_minus_yy", "xx_plus_yy"}

PATHS: dict[str, tuple[type[GradientPath], str]] = {
    "pennylane/default.qubit": (PennylanePath, "default.qubit"),
    "pennylane/lightning.qubit": (PennylanePath, "lightning.qubit"),
    "pennylane-tuned/default.qubit": (PennylaneTunedPath, "default.qubit"),
    "pennylane-tuned/lightning.qubit": (PennylaneTunedPath, "lightning.qubit"),
    "lightning/adjoint": (LightningAdjointPath, "lightning.qubit"),
}
SHIFT_PATHS = [name for name in PATHS if name != "lightning/adjoint"]


def make_path(label: str, precision: str = "double", **options: Any) -> GradientPath:
    kind, device = PATHS[label]
    if device != "default.qubit":
        pytest.importorskip("pennylane_lightning", reason="pennylane-lightning is not installed")
    return kind({"device": device, "precision": precision, **options}, 1)


def gradients(path: GradientPath, given: Any) -> Any:
    return path.gradients(path.run(path.prepare(given)))


def instruction(name: str) -> Instruction:
    gate = GATES[name]
    n_qubits = gate.n_qubits or 3
    params = tuple(np.random.default_rng(len(name)).uniform(-3, 3, gate.n_params).tolist())
    return Instruction(name, tuple(np.random.default_rng(5).permutation(4)[:n_qubits].tolist()), params)


@pytest.mark.parametrize("name", sorted(set(GATES) - NO_EQUIVALENT))
def test_operations_have_the_matrices_of_the_gates(name: str) -> None:
    gate = instruction(name)
    operation = builder(gate, 4)(*gate.params)
    order = [3 - qubit for qubit in reversed(gate.qubits)]
    np.testing.assert_allclose(qml.matrix(operation, wire_order=order), gate_matrix(gate), atol=1e-14)


@pytest.mark.parametrize("name", sorted(NO_EQUIVALENT))
def test_a_gate_that_pennylane_lacks_is_named(name: str) -> None:
    with pytest.raises(UnsupportedError, match=f"'{name}'"):
        builder(instruction(name), 4)


@pytest.mark.parametrize(
    ("name", "param"), [(name, i) for name in sorted(set(GATES) - NO_EQUIVALENT) for i in range(GATES[name].n_params)]
)
def test_shift_rules_are_those_that_follow_from_the_matrices(name: str, param: int) -> None:
    found, derived = rule(name, param), shift_rule(name, param)
    assert len(found) == len(derived)
    period = 2 * pi if len(found) == 2 else 4 * pi

    def canonical(pairs: Any) -> Any:
        return sorted((shift % period, weight) for shift, weight in pairs)

    np.testing.assert_allclose(canonical(found), canonical(derived), atol=1e-12)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("n_qubits", [1, 3])
def test_embeddings_make_the_states_of_the_encodings(encoding: str, n_qubits: int) -> None:
    embed = embedding(encoding, n_qubits)

    @qml.qnode(qml.device("default.qubit", wires=n_qubits))
    def state(row: Any) -> Any:
        embed(row)
        return qml.state()

    for row in rows(encoding, n_qubits, 4):
        np.testing.assert_allclose(state(row), encoded(row, encoding, n_qubits), atol=1e-14)


def test_states_are_injected_in_order() -> None:
    inject, state = injection(2), np.array([0.1, 0.5, -0.7, 0.5])

    @qml.qnode(qml.device("default.qubit", wires=2))
    def found() -> Any:
        inject(state)
        return qml.state()

    np.testing.assert_allclose(found(), state)


@pytest.mark.parametrize("observable", ["z0", "zlast", "zsum"])
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("label", PATHS)
def test_gradients_of_the_layered_circuit(label: str, encoding: str, observable: str, tmp_path: Path) -> None:
    given = task(tmp_path, layered(3, 1), encoding, OBSERVABLES[observable](3))
    found = gradients(make_path(label), given)
    assert found.shape == (3, 6)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, expected_gradients(given), atol=1e-10)
    assert abs(found).max() > 1e-3


@pytest.mark.parametrize("label", PATHS)
def test_four_qubits_and_two_layers(label: str, tmp_path: Path) -> None:
    given = task(tmp_path, layered(4, 2), "amplitude", OBSERVABLES["zsum"](4), n_samples=2)
    np.testing.assert_allclose(gradients(make_path(label), given), expected_gradients(given), atol=1e-10)


MIXED: Terms = ((0.5, ((0, "X"), (2, "Z"))), (-1.5, ((1, "Y"),)), (0.25, ()))


@pytest.mark.parametrize("label", SHIFT_PATHS)
def test_gates_and_observables_of_every_kind(label: str, tmp_path: Path) -> None:
    given = task(tmp_path, mixed(), "amplitude", MIXED)
    found = gradients(make_path(label), given)
    np.testing.assert_allclose(found, expected_gradients(given), atol=1e-9)
    assert not found[:, 3].any(), "the parameter without a use"


def test_the_adjoint_method_takes_constant_gates_of_every_kind(tmp_path: Path) -> None:
    ansatz = mixed()
    own = replace(ansatz, uses=tuple(use for use in ansatz.uses if use.instruction in (1, 4)))
    given = task(tmp_path, own, "amplitude", MIXED)
    np.testing.assert_allclose(gradients(make_path("lightning/adjoint"), given), expected_gradients(given), atol=1e-9)


def test_the_adjoint_method_names_a_gate_that_it_can_not_differentiate(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match=r"C\(U3\)"):
        make_path("lightning/adjoint").prepare(task(tmp_path, mixed(), "amplitude", MIXED))


@pytest.mark.parametrize("label", ["pennylane/lightning.qubit", "pennylane-tuned/lightning.qubit", "lightning/adjoint"])
@pytest.mark.parametrize("encoding", ["amplitude", "iqp"])
def test_single_precision(label: str, encoding: str, tmp_path: Path) -> None:
    given = task(tmp_path, layered(3, 1), encoding, OBSERVABLES["zsum"](3), precision="single")
    found = gradients(make_path(label, "single"), given)
    assert found.dtype == np.float64
    error = abs(found - expected_gradients(given)).max()
    assert 1e-9 < error < 1e-5


@pytest.mark.parametrize("label", ["pennylane/default.qubit", "pennylane-tuned/default.qubit"])
def test_default_qubit_has_no_single_precision(label: str, tmp_path: Path) -> None:
    given = task(tmp_path, layered(2, 1), "angle", OBSERVABLES["z0"](2), precision="single")
    with pytest.raises(UnsupportedError, match="single precision"):
        make_path(label, "single").prepare(given)


@pytest.mark.parametrize("label", PATHS)
def test_a_zero_row_is_named(label: str, tmp_path: Path) -> None:
    given = task(tmp_path, layered(2, 1), "amplitude", OBSERVABLES["z0"](2))
    features = np.load(given.features)
    features[1] = 0
    np.save(given.features, features)
    with pytest.raises(ValueError, match="row 1 "):
        make_path(label).prepare(given)


@pytest.mark.parametrize("label", ["pennylane-tuned/default.qubit", "lightning/adjoint"])
def test_encoded_states_stay_within_the_limit(label: str, tmp_path: Path) -> None:
    given = task(tmp_path, layered(2, 1), "angle", OBSERVABLES["z0"](2), n_samples=5)
    assert rows_at_a_time(given, 1 << 20) == (1 << 20) // 64
    limited = replace(given, memory_limit=150)
    assert rows_at_a_time(limited, 1 << 20) == 2
    np.testing.assert_allclose(gradients(make_path(label), limited), expected_gradients(given), atol=1e-10)
    with pytest.raises(MemoryError, match="64 bytes"):
        make_path(label).prepare(replace(given, memory_limit=63))


def test_too_few_samples_are_told(tmp_path: Path) -> None:
    given = task(tmp_path, layered(2, 1), "angle", OBSERVABLES["z0"](2), n_samples=3)
    with pytest.raises(ValueError, match="4 samples, and 5 are wanted"):
        make_path("pennylane-tuned/default.qubit").prepare(replace(given, n_samples=5))


@pytest.mark.parametrize("batch", [1, 2, 5, 8])
@pytest.mark.parametrize("device", ["default.qubit", "lightning.qubit"])
def test_the_size_of_batches_changes_nothing(batch: int, device: str, tmp_path: Path) -> None:
    given = task(tmp_path, layered(3, 1), "iqp", OBSERVABLES["zsum"](3), n_samples=5)
    found = gradients(make_path(f"pennylane-tuned/{device}", batch=batch), given)
    np.testing.assert_allclose(found, expected_gradients(given), atol=1e-10)


def test_one_sample_and_one_parameter(tmp_path: Path) -> None:
    ansatz = Ansatz(Program(1, 0, (Instruction("rx", (0,), (0.0,)),)), (ParameterUse(0, 0, 0),), 1)
    given = task(tmp_path, ansatz, "angle", OBSERVABLES["z0"](1), n_samples=1)
    for label in PATHS:
        np.testing.assert_allclose(gradients(make_path(label), given), expected_gradients(given), atol=1e-10)


def test_evaluations(tmp_path: Path) -> None:
    given = task(tmp_path, mixed(), "amplitude", MIXED)
    for label in SHIFT_PATHS:  # crx and the first angle of cu3 take four
        assert make_path(label).evaluations(given) == 3 * (2 * 4 + 4 * 2)
    assert make_path("lightning/adjoint").evaluations(given) == 3 * 2


def numbers(result: object) -> Any:
    return np.asarray(result, dtype=np.float64).ravel()


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("label", PATHS)
def test_variants_differ_by_one_stage_only(label: str, encoding: str, tmp_path: Path) -> None:
    given = task(tmp_path, layered(2, 1), encoding, OBSERVABLES["zlast"](2))
    path = make_path(label)
    variants = path.variants(path.prepare(given))
    assert variants is not None
    found = {name: numbers(call()) for name, call in variants.calls.items()}
    np.testing.assert_allclose(found["full"], found["states"], atol=1e-6)
    np.testing.assert_allclose(found["encode"], found["inject"], atol=1e-6)
    if label == "pennylane-tuned/default.qubit":
        assert variants.units == 1
        assert not {"body", "null"} & set(found)
        return
    assert variants.units == (path.evaluations(given) if label.startswith("pennylane/") else 3)
    assert abs(found["body"] - found["states"]).max() > 1e-3
    expected = 0.0 if label == "pennylane-tuned/lightning.qubit" else 1.0  # derivatives, or the value of Z in |0>
    np.testing.assert_allclose(found["null"], expected, atol=1e-6)


def test_the_null_variant_has_all_qubits(tmp_path: Path) -> None:
    prepared = make_path("pennylane/default.qubit").prepare(
        task(tmp_path, layered(3, 1), "angle", OBSERVABLES["z0"](3))
    )
    tape = qml.workflow.construct_tape(prepared.make(None, False))(prepared.features[0], prepared.angles)
    assert tape.num_wires == 3


def test_the_default_type_of_torch_is_left_alone(tmp_path: Path) -> None:
    before = torch.get_default_dtype()
    gradients(make_path("pennylane/lightning.qubit"), task(tmp_path, layered(2, 1), "angle", OBSERVABLES["z0"](2)))
    assert torch.get_default_dtype() is before


@pytest.mark.parametrize("label", PATHS)
def test_descriptions(label: str) -> None:
    description = make_path(label).describe()
    assert description.version == description.versions["pennylane"]
    assert (description.device, description.precision, description.threads) == ("CPU", "double", 1)
    assert ("torch" in description.versions) == label.startswith("pennylane/")
    assert ("pennylane-lightning" in description.versions) == ("lightning" in label)


def test_a_device_that_is_not_there_says_why() -> None:
    try:
        qml.device("lightning.gpu", wires=1)
    except Exception:
        with pytest.raises(UnavailableError, match=r"lightning\.gpu") as caught:
            check_device("lightning.gpu")
        assert caught.value.install == "pip install pennylane-lightning-gpu"
    else:
        pytest.skip("lightning.gpu is there")


def test_an_unknown_device_is_refused() -> None:
    with pytest.raises(UnavailableError, match=r"default\.mixed"):
        check_device("default.mixed")


@pytest.mark.gpu
@pytest.mark.parametrize("kind", [PennylanePath, PennylaneTunedPath])
def test_lightning_gpu(kind: type[GradientPath], tmp_path: Path) -> None:
    try:
        path = kind({"device": "lightning.gpu", "precision": "double"}, 1)
    except UnavailableError as error:
        pytest.skip(error.reason)
    given = task(tmp_path, layered(3, 1), "amplitude", OBSERVABLES["zsum"](3))
    np.testing.assert_allclose(gradients(path, given), expected_gradients(given), atol=1e-10)
