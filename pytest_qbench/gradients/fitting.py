"""From the features of a data set to as many as an encoding takes: 2**n values, or one for each of n qubits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from pytest_qbench.gradients.datasets import DatasetError, Features
from pytest_qbench.gradients.task import ENCODINGS

METHODS = ("auto", "crop", "pad", "pca")
"""What to do with too many features: ``auto`` is ``pca``; ``pad`` does nothing, so that too many are an error. Too few
are padded with zeros in any case."""


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """Features that an encoding takes as they are.

    Attributes:
        features: shape (samples, 2**n) with amplitude encoding, else (samples, n).
        how: what was done, in a few words, such as ``64 values padded to 256``.
    """

    features: Features
    how: str


def fit(features: Features, encoding: str, n_qubits: int, method: str = "auto") -> Fitted:
    """Fit rows of features to an encoding.

    The number of columns is changed first, see :func:`_crop` and :func:`_project`. Then, column by column:

    - ``angle`` and ``iqp``: the least value becomes 0 and the greatest pi;
    - ``basis``: values from the middle between the least and the greatest on become 1, others 0; features that are all
      0 or 1 already stay as they are.

    A column without variation becomes 0, and so are columns that are added. Amplitude encoding takes values as they are
    and normalizes the rows itself. Nothing is random. ``pca`` and the scaling depend on all rows: fit the greatest
    number of samples once, and take fewer from the result.

    Args:
        features: shape (samples, columns), finite. They are not changed, but may be returned as they are.
        encoding: ``amplitude``, ``angle``, ``basis`` or ``iqp``.
        n_qubits: at least 1.
        method: one of ``METHODS``.

    Raises:
        DatasetError: there are too many features and the method is ``pad``, or a row is zero in amplitude encoding.
        ValueError: there is no such encoding or method, or no qubit.
    """
    if encoding not in ENCODINGS:
        raise ValueError(f"there is no encoding {encoding!r}; there are {', '.join(ENCODINGS)}")
    if method not in METHODS:
        raise ValueError(f"there is no way {method!r} to fit features; there are {', '.join(METHODS)}")
    if n_qubits < 1:
        raise ValueError(f"{n_qubits} qubits can't encode anything; take at least 1")
    amplitude = encoding == "amplitude"
    wanted = 2**n_qubits if amplitude else n_qubits
    n_columns = features.shape[1]
    how = _count(n_columns)
    if n_columns > wanted:
        if method == "pad":
            raise DatasetError(
                f"{how} per sample, and {encoding} encoding on {_count(n_qubits, 'qubit')} takes {wanted}: "
                "padding can't make them fewer; take crop or pca, or more qubits"
            )
        features, done = _crop(features, wanted) if method == "crop" else _project(features, wanted, not amplitude)
        how = f"{how} {done}"
    scaled, done = _SCALINGS[encoding](features)
    if scaled.shape[1] < wanted:
        scaled = np.pad(scaled, ((0, 0), (0, wanted - scaled.shape[1])))
        how = f"{how}, padded to {wanted}" if n_columns > wanted else f"{how} padded to {wanted}"
    if amplitude:
        _refuse_zero_rows(scaled, how)
    return Fitted(scaled, f"{how}, {done}" if done else how)


def _count(number: int, what: str = "value") -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _crop(features: Features, wanted: int) -> tuple[Features, str]:
    """The values in the middle of each row: of a flattened image its middle lines, where the first are often blank."""
    first = (features.shape[1] - wanted) // 2
    taken = np.ascontiguousarray(features[:, first : first + wanted])
    return taken, f"cropped to the middle {wanted}"


def _project(features: Features, wanted: int, centred: bool) -> tuple[Features, str]:
    """The coordinates of the rows along their principal axes, those of the greatest variance first.

    Amplitude encoding keeps the direction of a row, and the overlap of two states is that of their rows; so there the
    rows are not centred: the axes are those that keep most of the rows themselves, and their overlaps, where taking off
    the mean would change all of them (and leave nothing of a single row). Axes beyond the rank of the rows would be
    noise and are left out, so that the result may have fewer columns than ``wanted``.

    An axis has two directions. The one taken is that in which its largest component is positive.
    """
    rows = features - features.mean(axis=0) if centred else features
    # R of the QR decomposition has the same singular values and axes, and is small where there are many rows.
    core = np.linalg.qr(rows, mode="r") if len(rows) > rows.shape[1] else rows
    _, lengths, axes = np.linalg.svd(core, full_matrices=False)
    tolerance = lengths[0] * max(rows.shape) * np.finfo(np.float64).eps
    axes = axes[: max(1, min(wanted, int((lengths > tolerance).sum())))]
    largest = np.abs(axes).argmax(axis=1)
    axes *= np.sign(axes[np.arange(len(axes)), largest])[:, None]
    kind = "PCA" if centred else "PCA, not centred"
    return np.ascontiguousarray(rows @ axes.T), f"projected to {len(axes)} ({kind})"


def _unscaled(features: Features) -> tuple[Features, str]:
    return features, ""


def _to_angles(features: Features) -> tuple[Features, str]:
    least, span = _range(features)
    # A column without variation is divided by 1: all its differences are 0.
    return (features - least) / np.where(span > 0, span, 1.0) * np.pi, "scaled to [0, pi]"


def _to_bits(features: Features) -> tuple[Features, str]:
    if np.isin(features, (0.0, 1.0)).all():
        return features, "bits as they are"
    least, span = _range(features)
    bits: Features = ((span > 0) & (features - least >= span / 2)).astype(np.float64)
    return bits, "1 from the middle of a column's range on"


def _range(features: Features) -> tuple[Features, Features]:
    """The least value of each column, and how far the greatest is above it."""
    least: Features = features.min(axis=0)
    return least, features.max(axis=0) - least


_SCALINGS: Mapping[str, Callable[[Features], tuple[Features, str]]] = {
    "amplitude": _unscaled,
    "angle": _to_angles,
    "basis": _to_bits,
    "iqp": _to_angles,
}


def _refuse_zero_rows(features: Features, how: str) -> None:
    zero = np.flatnonzero(~features.any(axis=1))
    if len(zero):
        more = f" and {len(zero) - 1} more" if len(zero) > 1 else ""
        raise DatasetError(
            f"row {zero[0]} (counted from 0){more} is zero ({how}), and amplitude encoding has no state for that: "
            "remove such samples, or fit the features in another way"
        )
