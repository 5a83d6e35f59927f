"""Encodings against the circuits that define them, against PennyLane's, and what they refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from cached_tasks import exact_state
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pytest_qbench.gradients.encodings import encode, state_dtype
from pytest_qbench.gradients.task import ENCODINGS

TYPES = {
    "complex128": torch.complex128,
    "complex64": torch.complex64,
    "float64": torch.float64,
    "float32": torch.float32,
}


def features(seed: int, n_rows: int, n_qubits: int, encoding: str) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    if encoding == "amplitude":
        return rng.normal(size=(n_rows, 1 << n_qubits))
    if encoding == "basis":
        return rng.uniform(size=(n_rows, n_qubits))
    return rng.uniform(-7, 7, size=(n_rows, n_qubits))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 3), st.integers(1, 6), st.sampled_from(ENCODINGS), st.booleans())
def test_states_are_those_of_the_circuits(
    seed: int, n_rows: int, n_qubits: int, encoding: str, as_tensor: bool
) -> None:
    rows = features(seed, n_rows, n_qubits, encoding)
    states = encode(torch.tensor(rows) if as_tensor else rows, encoding, n_qubits)
    assert isinstance(states, torch.Tensor if as_tensor else np.ndarray)
    assert str(states.dtype).removeprefix("torch.") == state_dtype(encoding)
    expected = np.array([exact_state(row, encoding) for row in rows])
    np.testing.assert_allclose(np.asarray(states), expected, atol=1e-12)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_states_are_those_of_pennylane(encoding: str) -> None:
    qml: Any = pytest.importorskip("pennylane")
    n_qubits = 3
    significant_first = range(n_qubits)[::-1]
    embeddings = {
        "amplitude": lambda row: qml.AmplitudeEmbedding(row, significant_first, normalize=True, pad_with=0),
        "angle": lambda row: qml.AngleEmbedding(row, range(n_qubits)),
        "basis": lambda row: qml.BasisEmbedding((row >= 0.5).astype(int), range(n_qubits)),
        "iqp": lambda row: qml.IQPEmbedding(row, range(n_qubits)),
    }

    @qml.qnode(qml.device("default.qubit", wires=significant_first))
    def state(row: NDArray[np.float64]) -> Any:
        embeddings[encoding](row)
        return qml.state()

    rows = features(3, 4, n_qubits, encoding)
    if encoding == "amplitude":
        rows = rows[:, :5]
    expected = [np.asarray(state(row)) for row in rows]
    np.testing.assert_allclose(encode(rows, encoding, n_qubits), expected, atol=1e-12)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("as_tensor", [False, True])
@pytest.mark.parametrize("precision", ["double", "single"])
def test_states_go_where_they_are_wanted(encoding: str, as_tensor: bool, precision: str) -> None:
    rows = features(5, 6, 4, encoding)
    name = state_dtype(encoding, precision)
    storage: Any = torch.full((8, 16), 7.0, dtype=TYPES[name]) if as_tensor else np.full((8, 16), 7.0, name)
    out = encode(torch.tensor(rows) if as_tensor else rows, encoding, 4, storage[1:7])
    assert out.shape == (6, 16)
    np.testing.assert_allclose(
        np.asarray(storage[1:7]), encode(rows, encoding, 4), atol=1e-12 if precision == "double" else 1e-6
    )
    assert (storage[0] == 7).all()
    assert (storage[7] == 7).all()


def test_amplitudes_that_are_missing_are_zero() -> None:
    np.testing.assert_array_equal(encode([[3, 4, 0], [0, 0, -2]], "amplitude", 2), [[0.6, 0.8, 0, 0], [0, 0, -1, 0]])


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1.0, 1e160, 1e300])
def test_the_size_of_amplitudes_does_not_matter(scale: float) -> None:
    rows = features(1, 3, 3, "amplitude")
    expected = encode(rows, "amplitude", 3)
    rows[1] *= scale
    np.testing.assert_allclose(encode(rows, "amplitude", 3), expected, rtol=1e-12)


@pytest.mark.parametrize("as_tensor", [False, True])
def test_a_zero_row_is_named(as_tensor: bool) -> None:
    rows = features(1, 5, 2, "amplitude")
    rows[3] = 0
    with pytest.raises(ValueError, match="row 103 of the features is zero"):
        encode(torch.tensor(rows) if as_tensor else rows, "amplitude", 2, first_row=100)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("as_tensor", [False, True])
def test_a_feature_that_is_not_finite_is_named(encoding: str, value: float, as_tensor: bool) -> None:
    rows = features(2, 5, 3, encoding)
    rows[2, 1] = value
    with pytest.raises(ValueError, match="row 12 of the features"):
        encode(torch.tensor(rows) if as_tensor else rows, encoding, 3, first_row=10)


@pytest.mark.parametrize("value", [-0.01, 1.01])
def test_bits_lie_between_0_and_1(value: float) -> None:
    with pytest.raises(ValueError, match=rf"row 1 .* {value} in column 2"):
        encode([[0, 1, 0.5], [0, 1, value]], "basis", 3)


@pytest.mark.parametrize(
    ("encoding", "shape"),
    [("amplitude", (2, 9)), ("amplitude", (2, 0)), ("amplitude", (8,)), ("angle", (2, 2)), ("iqp", (2, 4))],
)
def test_features_of_a_wrong_shape(encoding: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=f"{encoding} encoding on 3 qubits takes features of shape"):
        encode(np.ones(shape), encoding, 3)


def test_other_misuse() -> None:
    with pytest.raises(ValueError, match="no encoding 'phase'; there are amplitude"):
        encode([[1, 0]], "phase", 1)
    with pytest.raises(ValueError, match="no precision 'half'"):
        state_dtype("angle", "half")
    with pytest.raises(ValueError, match="real numbers"):
        encode([[1j, 0]], "amplitude", 1)
    with pytest.raises(ValueError, match=r"go into shape \(1, 2\)"):
        encode([[1, 0]], "amplitude", 1, np.empty((2, 2)))
