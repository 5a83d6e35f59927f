"""The QDP path: states as those of PennyLane's embeddings, encoded once, and the gradients that follow from them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pennylane", reason="PennyLane is not installed")
pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("qumat_qdp", reason="qumat-qdp is not installed")

import pennylane as qml
import torch
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st
from pennylane_reference import encoded, expected_gradients, layered, rows, task

from pytest_qbench.backends.base import UnsupportedError
from pytest_qbench.gradients.observables import OBSERVABLES
from pytest_qbench.gradients.paths import qdp
from pytest_qbench.gradients.paths.pennylane_textbook import PennylanePath
from pytest_qbench.gradients.paths.qdp import QdpPath, cuda_problem, encode_qdp
from pytest_qbench.gradients.task import ENCODINGS

DEVICES = ["default.qubit", "lightning.qubit"]


def make_path(device: str = "default.qubit", precision: str = "double") -> QdpPath:
    if device != "default.qubit":
        pytest.importorskip("pennylane_lightning", reason="pennylane-lightning is not installed")
    return QdpPath({"device": device, "precision": precision}, 1)


def assert_same_states(found: Any, features: Any, encoding: str, n_qubits: int) -> None:
    """Equal up to a phase of each state."""
    assert found.dtype == np.complex128
    for state, row in zip(found, features, strict=True):
        expected = encoded(row, encoding, n_qubits)
        overlap = np.vdot(expected, state)
        assert abs(overlap) == pytest.approx(1, abs=1e-12)
        np.testing.assert_allclose(state, overlap * expected, atol=1e-12)


@pytest.mark.parametrize("encoding", ENCODINGS)
@settings(deadline=None, max_examples=20)
@drawn(n_qubits=st.integers(1, 5), n_samples=st.integers(1, 4), seed=st.integers(0, 2**32 - 1))
def test_states_are_those_of_the_embeddings(encoding: str, n_qubits: int, n_samples: int, seed: int) -> None:
    features = rows(encoding, n_qubits, n_samples, seed)
    found = encode_qdp(torch.from_numpy(features), encoding, n_qubits, None).numpy()
    assert_same_states(found, features, encoding, n_qubits)


def test_an_encoding_that_qdp_lacks_is_named() -> None:
    with pytest.raises(UnsupportedError, match="'displacement'"):
        encode_qdp(torch.ones(1, 2, dtype=torch.float64), "displacement", 1, None)


@pytest.mark.parametrize("observable", ["z0", "zlast", "zsum"])
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("device", DEVICES)
def test_gradients(device: str, encoding: str, observable: str, tmp_path: Path) -> None:
    given = task(tmp_path, layered(3, 1), encoding, OBSERVABLES[observable](3))
    path = make_path(device)
    found = path.gradients(path.run(path.prepare(given)))
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, expected_gradients(given), atol=1e-10)


def test_single_precision(tmp_path: Path) -> None:
    given = task(tmp_path, layered(3, 1), "angle", OBSERVABLES["zsum"](3), precision="single")
    path = make_path("lightning.qubit", "single")
    error = abs(path.gradients(path.run(path.prepare(given))) - expected_gradients(given)).max()
    assert 1e-9 < error < 1e-5


def test_every_sample_is_encoded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    original = encode_qdp

    def recorded(features: Any, *rest: Any) -> Any:
        sizes.append(len(features))
        return original(features, *rest)

    monkeypatch.setattr(qdp, "encode_qdp", recorded)
    given = replace(task(tmp_path, layered(2, 1), "amplitude", OBSERVABLES["z0"](2), n_samples=5), memory_limit=150)
    path = make_path()
    found = path.gradients(path.run(path.prepare(given)))
    assert sizes == [2, 2, 1], "two states of 64 bytes are within the limit"
    np.testing.assert_allclose(found, expected_gradients(given), atol=1e-10)


def test_a_zero_row_is_named(tmp_path: Path) -> None:
    given = task(tmp_path, layered(2, 1), "amplitude", OBSERVABLES["z0"](2))
    features = np.load(given.features)
    features[2] = 0
    np.save(given.features, features)
    with pytest.raises(ValueError, match="row 2 "):
        make_path().prepare(given)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_variants_differ_by_one_stage_only(encoding: str, tmp_path: Path) -> None:
    given = task(tmp_path, layered(2, 1), encoding, OBSERVABLES["zlast"](2))
    path = make_path()
    prepared = path.prepare(given)
    variants = path.variants(prepared)
    # Three samples are encoded once each, and evaluated twice for each of four parameters.
    assert (variants.units, variants.encode_units) == (24, 3)
    found = {name: np.asarray(call()) for name, call in variants.calls.items()}
    textbook = PennylanePath({"device": "default.qubit", "precision": "double"}, 1)
    same = textbook.variants(textbook.prepare(given)).calls["full"]()
    np.testing.assert_allclose(found["full"], np.asarray(same), atol=1e-10)
    np.testing.assert_allclose(found["states"], found["full"], atol=1e-10)
    np.testing.assert_allclose(found["encode"], found["inject"], atol=1e-10)
    assert abs(found["body"] - found["states"]).max() > 1e-3


def test_the_circuits_are_those_of_the_textbook_path_but_for_the_start(tmp_path: Path) -> None:
    given = task(tmp_path, layered(2, 1), "iqp", OBSERVABLES["zsum"](2))
    tapes = []
    for path in (make_path(), PennylanePath({"device": "default.qubit", "precision": "double"}, 1)):
        prepared = path.prepare(given)
        qnode = prepared.make(path.start(given), True)
        assert (qnode.interface, qnode.diff_method) == ("torch", "parameter-shift")
        tapes.append(qml.workflow.construct_tape(qnode)(next(path.rows(prepared)), prepared.angles))
    assert [tape[0].name for tape in tapes] == ["StatePrep", "IQPEmbedding"]
    for injected, embedded in zip(tapes[0].circuit[1:], tapes[1].circuit[1:], strict=True):
        assert qml.equal(injected, embedded)


def test_the_description_says_what_encodes() -> None:
    description = make_path().describe()
    assert {"qumat-qdp", "torch", "pennylane"} <= set(description.versions)
    assert description.method is not None
    reason = cuda_problem()
    assert (reason or "QdpEngine on CUDA") in description.method


@pytest.mark.gpu
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_engine_makes_the_same_states(encoding: str) -> None:
    if reason := cuda_problem():
        pytest.skip(reason)
    from qumat_qdp import QdpEngine

    features = rows(encoding, 5, 7)
    found = encode_qdp(torch.from_numpy(features), encoding, 5, QdpEngine(0, precision="float64")).numpy()
    assert_same_states(found, features, encoding, 5)
