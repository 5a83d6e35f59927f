"""Features fitted to encodings."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_qbench.gradients.datasets import DatasetError, Features
from pytest_qbench.gradients.fitting import METHODS, fit
from pytest_qbench.gradients.task import ENCODINGS


def rows(n_samples: int, n_columns: int, seed: int = 0) -> Features:
    return np.random.default_rng(seed).uniform(0.1, 1.0, (n_samples, n_columns))


@settings(max_examples=80, deadline=None)
@given(
    st.integers(1, 12),
    st.integers(1, 40),
    st.integers(1, 5),
    st.sampled_from(ENCODINGS),
    st.sampled_from(["auto", "crop", "pca"]),
    st.integers(0, 2**32),
)
def test_shapes_and_determinism(
    n_samples: int, n_columns: int, n_qubits: int, encoding: str, method: str, seed: int
) -> None:
    features = rows(n_samples, n_columns, seed)
    before = features.copy()
    fitted = fit(features, encoding, n_qubits, method)
    assert fitted.features.shape == (n_samples, 2**n_qubits if encoding == "amplitude" else n_qubits)
    assert fitted.features.dtype == np.float64
    assert fitted.features.flags.c_contiguous
    assert np.isfinite(fitted.features).all()
    again = fit(before, encoding, n_qubits, method)
    np.testing.assert_array_equal(fitted.features, again.features)
    assert fitted.how == again.how
    np.testing.assert_array_equal(features, before)
    if encoding in ("angle", "iqp"):
        assert fitted.features.min() >= 0
        assert fitted.features.max() <= np.pi
    if encoding == "basis":
        assert set(np.unique(fitted.features)) <= {0.0, 1.0}


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 12), st.integers(9, 40), st.integers(1, 8), st.integers(0, 2**32))
def test_a_projection_keeps_overlaps_of_rows_of_its_rank(n_samples: int, n_columns: int, rank: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    features = rng.uniform(0.1, 1, (n_samples, rank)) @ rng.uniform(0.1, 1, (rank, n_columns))
    fitted = fit(features, "amplitude", 3).features
    np.testing.assert_allclose(fitted @ fitted.T, features @ features.T, rtol=1e-9)


@pytest.mark.parametrize("n_samples", [8, 60])
def test_the_projection_is_the_best_of_its_rank(n_samples: int) -> None:
    """By the theorem of Eckart and Young the squares that are lost are those of the singular values left out."""
    features = rows(n_samples, 20)
    fitted = fit(features, "amplitude", 2).features
    lengths = np.linalg.svd(features, compute_uv=False)
    assert (features**2).sum() - (fitted**2).sum() == pytest.approx((lengths[4:] ** 2).sum())
    np.testing.assert_allclose((fitted**2).sum(axis=0), lengths[:4] ** 2)


def test_the_sign_of_an_axis_does_not_depend_on_the_order_of_rows() -> None:
    features = rows(30, 20)
    np.testing.assert_allclose(
        fit(features[::-1], "amplitude", 2).features, fit(features, "amplitude", 2).features[::-1], atol=1e-12
    )


def test_columns_for_angles_are_centred_and_ordered_by_variance() -> None:
    spread = np.array([0.01, 5.0, 0.01, 2.0])
    features = 100 + rows(200, 4) * spread
    fitted = fit(features, "angle", 2)
    for column, source in ((0, 1), (1, 3)):
        assert abs(np.corrcoef(fitted.features[:, column], features[:, source])[0, 1]) > 0.99
    assert fitted.how == "4 values projected to 2 (PCA), scaled to [0, pi]"


@pytest.mark.parametrize(
    ("n_columns", "encoding", "n_qubits", "method", "how"),
    [
        (64, "amplitude", 8, "auto", "64 values padded to 256"),
        (64, "amplitude", 8, "crop", "64 values padded to 256"),
        (64, "amplitude", 6, "pad", "64 values"),
        (1, "amplitude", 1, "auto", "1 value padded to 2"),
        (64, "amplitude", 3, "crop", "64 values cropped to the middle 8"),
        (64, "amplitude", 3, "auto", "64 values projected to 8 (PCA, not centred)"),
        (64, "amplitude", 5, "pca", "64 values projected to 20 (PCA, not centred), padded to 32"),
        (3, "iqp", 5, "auto", "3 values padded to 5, scaled to [0, pi]"),
        (64, "basis", 5, "crop", "64 values cropped to the middle 5, 1 from the middle of a column's range on"),
    ],
)
def test_what_the_row_says(n_columns: int, encoding: str, n_qubits: int, method: str, how: str) -> None:
    assert fit(rows(20, n_columns), encoding, n_qubits, method).how == how


def test_padding_leaves_the_values() -> None:
    features = rows(3, 5)
    fitted = fit(features, "amplitude", 3).features
    np.testing.assert_array_equal(fitted[:, :5], features)
    assert not fitted[:, 5:].any()


def test_features_that_fit_are_not_copied() -> None:
    features = rows(3, 8)
    assert fit(features, "amplitude", 3).features is features


def test_cropping_takes_the_middle() -> None:
    features = np.arange(1.0, 21.0).reshape(2, 10)
    np.testing.assert_array_equal(fit(features, "amplitude", 2, "crop").features, features[:, 3:7])


def test_angles_span_half_a_turn() -> None:
    features = np.array([[-1.0, 7.0], [0.0, 7.0], [3.0, 7.0]])
    fitted = fit(features, "angle", 3).features
    np.testing.assert_allclose(fitted, [[0, 0, 0], [np.pi / 4, 0, 0], [np.pi, 0, 0]])


def test_bits() -> None:
    features = np.array([[-1.0, 7.0], [0.5, 7.0], [1.0, 7.0], [3.0, 7.0]])
    np.testing.assert_array_equal(fit(features, "basis", 2).features, [[0, 0], [0, 0], [1, 0], [1, 0]])


def test_bits_stay_bits() -> None:
    features = np.array([[1.0, 0.0, 1.0], [1.0, 1.0, 0.0]])
    fitted = fit(features, "basis", 3)
    np.testing.assert_array_equal(fitted.features, features)
    assert fitted.how == "3 values, bits as they are"


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_one_sample_is_enough(encoding: str) -> None:
    assert fit(rows(1, 50), encoding, 3).features.shape == (1, 8 if encoding == "amplitude" else 3)


def test_a_zero_row_is_named() -> None:
    features = rows(6, 8)
    features[[2, 4]] = 0
    with pytest.raises(DatasetError, match=r"row 2 \(counted from 0\) and 1 more is zero \(8 values\)"):
        fit(features, "amplitude", 3)
    assert fit(features, "angle", 8).features.shape == (6, 8)


def test_a_row_that_became_zero_is_named() -> None:
    features = rows(6, 10)
    features[1, 3:7] = 0
    with pytest.raises(DatasetError, match=r"row 1 .* is zero \(10 values cropped to the middle 4\)"):
        fit(features, "amplitude", 2, "crop")


def test_padding_can_not_shorten() -> None:
    with pytest.raises(DatasetError, match="64 values per sample, and angle encoding on 4 qubits takes 4: padding"):
        fit(rows(3, 64), "angle", 4, "pad")


def test_names_are_checked() -> None:
    with pytest.raises(ValueError, match="no encoding 'amplitudes'; there are amplitude, angle"):
        fit(rows(3, 4), "amplitudes", 2)
    with pytest.raises(ValueError, match=f"no way 'fill' to fit features; there are {', '.join(METHODS)}"):
        fit(rows(3, 4), "amplitude", 2, "fill")
    with pytest.raises(ValueError, match="0 qubits"):
        fit(rows(3, 4), "amplitude", 0)
