"""From rows of features to states: amplitude, angle, basis and IQP encoding.

States are in Qiskit's order: qubit 0 is the least significant bit of the index of an amplitude. With wire q as qubit q
they are those of PennyLane's ``AmplitudeEmbedding`` (with ``normalize=True, pad_with=0`` and the wires reversed,
because its first wire is the most significant bit), ``AngleEmbedding``, ``BasisEmbedding`` and ``IQPEmbedding``, the
last two with their defaults.

Nothing is done amplitude by amplitude that can be done qubit by qubit: an angle-encoded state is a tensor product, and
the phases of an IQP state are doubled up, one qubit after another. The functions take numpy arrays and torch tensors
alike, so that states can be made on the device where they are needed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from pytest_qbench.gradients.task import ENCODINGS, PRECISIONS

Array: TypeAlias = Any
"""A numpy array or a torch tensor."""

_REAL = frozenset({"amplitude", "basis"})
"""The encodings whose states have no imaginary part."""

_LEAST, _MOST = 1e-290, 1e290
"""Between these a sum of squares has lost nothing to underflow or overflow."""


def state_dtype(encoding: str, precision: str = "double") -> str:
    """The name of the smallest type that holds the states: real where they are real.

    Args:
        encoding: one of :data:`~pytest_qbench.gradients.task.ENCODINGS`.
        precision: ``double`` or ``single``.

    Raises:
        ValueError: there is no such encoding or precision.
    """
    _check_name("encoding", encoding, ENCODINGS)
    _check_name("precision", precision, PRECISIONS)
    if encoding in _REAL:
        return "float64" if precision == "double" else "float32"
    return "complex128" if precision == "double" else "complex64"


def encode(features: Array, encoding: str, n_qubits: int, out: Array = None, *, first_row: int = 0) -> Array:
    """The state for each row of features.

    Args:
        features: real, shape ``(rows, columns)``: one column for each qubit or, with amplitude encoding, at most
            ``2**n_qubits`` (the amplitudes that are missing are 0).
        encoding: ``amplitude``: x / abs(x). ``angle``: RX(x_q) on qubit q. ``basis``: qubit q is 1 where x_q, between
            0 and 1, is at least 0.5. ``iqp``: H on each qubit, RZ(x_q) on each, RZZ(x_i x_j) on each pair (Havlicek et
            al., Nature 567, 209 (2019)).
        n_qubits: of the states.
        out: where to write them, shape ``(rows, 2**n_qubits)``, on the features' device, of the kind and of a type that
            :func:`state_dtype` names, or complex; by default a new array in double precision.
        first_row: the number of the first row, for messages about rows.

    Returns:
        ``out``.

    Raises:
        ValueError: a shape is wrong, a feature is not finite or, with basis encoding, not between 0 and 1, or a row is
            zero where it should be normalized; the message names the row.
    """
    write = _ENCODERS[_check_name("encoding", encoding, ENCODINGS)]
    xp, rows = _as_real_rows(features)
    size = 1 << n_qubits
    least, most = (1, size) if encoding == "amplitude" else (n_qubits, n_qubits)
    if rows.ndim != 2 or not least <= rows.shape[1] <= most:
        wanted = f"{n_qubits}" if least == most else f"1 to {size}"
        raise ValueError(
            f"{encoding} encoding on {n_qubits} qubits takes features of shape (rows, {wanted}), "
            f"not {tuple(features.shape)}"
        )
    if out is None:
        out = _empty(xp, rows, size, state_dtype(encoding))
    elif tuple(out.shape) != (len(rows), size):
        raise ValueError(f"the states of {len(rows)} rows go into shape ({len(rows)}, {size}), not {tuple(out.shape)}")
    write(xp, rows, out, first_row)
    return out


def _amplitude(xp: Any, rows: Array, out: Array, first_row: int) -> None:
    """Normalize the rows. A sum of squares within bounds also tells that all features are finite."""
    squares = xp.einsum("ij,ij->i", rows, rows)
    doubtful = xp.where(~((squares > _LEAST) & (squares < _MOST)))[0]
    width = rows.shape[1]
    if len(doubtful):
        odd = rows[doubtful]
        _check_finite(xp, odd, [first_row + int(row) for row in doubtful])
        largest = xp.amax(abs(odd), 1)
        zero = xp.where(largest == 0)[0]
        if len(zero):
            row = first_row + int(doubtful[int(zero[0])])
            raise ValueError(f"row {row} of the features is zero: it can't be normalized to a state")
        # Nearly too large or too small to be squared.
        rows = rows * 1.0
        rows[doubtful] = odd / largest[:, None]
        squares = xp.einsum("ij,ij->i", rows, rows)
    norms = xp.sqrt(squares)[:, None]
    if out.dtype == rows.dtype:
        xp.divide(rows, norms, out=out[:, :width])
    else:
        out[:, :width] = rows / norms
    out[:, width:] = 0


def _angle(xp: Any, rows: Array, out: Array, first_row: int) -> None:
    """The tensor product of cos(x/2) |0> - i sin(x/2) |1>."""
    _check_finite(xp, rows, range(first_row, first_row + len(rows)))
    factors = xp.stack([xp.cos(rows / 2) + 0j, -1j * xp.sin(rows / 2)], -1)
    n_qubits = factors.shape[1]
    if n_qubits == 1:
        out[:] = xp.asarray(factors[:, 0], dtype=out.dtype)
        return
    halves = (_product(factors[:, : n_qubits // 2]), _product(factors[:, n_qubits // 2 :]))
    low, high = (xp.asarray(half, dtype=out.dtype) for half in halves)
    shape = (len(rows), high.shape[1], low.shape[1])
    xp.multiply(high[:, :, None], low[:, None, :], out=out.reshape(shape))


def _basis(xp: Any, rows: Array, out: Array, first_row: int) -> None:
    """One amplitude is 1."""
    wrong = xp.where(~((rows >= 0) & (rows <= 1)))
    if len(wrong[0]):
        row, column = int(wrong[0][0]), int(wrong[1][0])
        raise ValueError(
            f"row {first_row + row} of the features has {float(rows[row, column])} in column {column}: basis encoding "
            "reads numbers between 0 and 1 as bits"
        )
    index = sum((rows[:, qubit] >= 0.5) * (1 << qubit) for qubit in range(rows.shape[1]))
    out[:] = 0
    out[xp.arange(len(rows)), index] = 1


def _iqp(xp: Any, rows: Array, out: Array, first_row: int) -> None:
    """The phase of the amplitude with spins s (1 for bit 0, -1 for bit 1) is - (sum x_q s_q + sum x_i x_j s_i s_j) / 2.
    Qubit q turns each amplitude of the qubits before it by - x_q (1 + sum over j < q of x_j s_j) / 2 for its bit 0, and
    by the opposite for its bit 1."""
    _check_finite(xp, rows, range(first_row, first_row + len(rows)))
    n_qubits = rows.shape[1]
    out[:, 0] = 2.0 ** (-n_qubits / 2)
    for qubit in range(n_qubits):
        angles = rows[:, qubit : qubit + 1]
        turns = xp.exp(-0.5j * angles)
        if qubit:
            pairs = xp.exp(-0.5j * (angles * rows[:, :qubit]))
            turns = turns * _product(xp.stack([pairs, pairs.conj()], -1))
        turns = xp.asarray(turns, dtype=out.dtype)
        half = 1 << qubit
        before, after = out[:, :half], out[:, half : 2 * half]
        xp.multiply(before, turns.conj(), out=after)
        xp.multiply(before, turns, out=before)


_ENCODERS: dict[str, Callable[[Any, Array, Array, int], None]] = {
    "amplitude": _amplitude,
    "angle": _angle,
    "basis": _basis,
    "iqp": _iqp,
}


def _product(factors: Array) -> Array:
    """The tensor products of vectors, shape ``(rows, qubits, 2)`` -> ``(rows, 2**qubits)``; qubit 0 is the first."""
    n_qubits = factors.shape[1]
    if n_qubits == 1:
        return factors[:, 0]
    low, high = _product(factors[:, : n_qubits // 2]), _product(factors[:, n_qubits // 2 :])
    return (high[:, :, None] * low[:, None, :]).reshape(len(factors), -1)


def _as_real_rows(features: Array) -> tuple[Any, Array]:
    """The module that works on the features, and the features in double precision."""
    torch = sys.modules.get("torch")  # who has a tensor has imported it
    if torch is not None and isinstance(features, torch.Tensor):
        if features.is_complex():
            raise ValueError("features must be real numbers")
        return torch, features.to(torch.float64)
    if np.iscomplexobj(features):
        raise ValueError("features must be real numbers")
    return np, np.asarray(features, np.float64)


def _empty(xp: Any, rows: Array, size: int, dtype: str) -> Array:
    """A new array for the states of ``rows``, beside them."""
    where = {} if xp is np else {"device": rows.device}
    return xp.empty((len(rows), size), dtype=getattr(xp, dtype), **where)


def _check_finite(xp: Any, rows: Array, numbers: Any) -> None:
    wrong = xp.where(~xp.isfinite(rows).all(1))[0]
    if len(wrong):
        raise ValueError(f"row {numbers[int(wrong[0])]} of the features has a value that is not finite")


def _check_name(what: str, name: str, known: tuple[str, ...]) -> str:
    if name not in known:
        raise ValueError(f"there is no {what} {name!r}; there are {', '.join(known)}")
    return name
