"""Observables by name, and those that users write."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from pytest_qbench.gradients.ansatz import Terms


def z0(n_qubits: int) -> Terms:
    """Z on qubit 0, as in the literature. Few parameters of a shallow circuit can change it."""
    return ((1.0, ((0, "Z"),)),)


def zlast(n_qubits: int) -> Terms:
    """Z on the last qubit, which a ladder of CNOTs connects with all others."""
    return ((1.0, ((n_qubits - 1, "Z"),)),)


def zsum(n_qubits: int) -> Terms:
    """The sum of Z on every qubit."""
    return tuple((1.0, ((qubit, "Z"),)) for qubit in range(n_qubits))


OBSERVABLES: Mapping[str, Callable[[int], Terms]] = {"z0": z0, "zlast": zlast, "zsum": zsum}
"""The observables that every gradient case has."""


def terms_of(strings: Mapping[str, float], n_qubits: int) -> Terms:
    """Pauli strings as in Qiskit (``{"ZIZ": 0.5}``, qubit 0 rightmost) as terms; equal ones add up.

    Raises:
        ValueError: a string has other letters or another length, or a coefficient is no finite real number.
    """
    total: dict[tuple[tuple[int, str], ...], float] = {}
    for text, coefficient in strings.items():
        if len(text) != n_qubits or set(text) - set("IXYZ"):
            raise ValueError(f"{text!r} is no Pauli string on {n_qubits} qubits (letters I, X, Y, Z; qubit 0 last)")
        if isinstance(coefficient, complex) or not math.isfinite(coefficient):
            raise ValueError(f"the coefficient of {text!r} must be a finite real number, not {coefficient}")
        letters = tuple((qubit, letter) for qubit, letter in enumerate(reversed(text)) if letter != "I")
        total[letters] = total.get(letters, 0.0) + float(coefficient)
    if not total:
        raise ValueError("an observable needs at least one Pauli string")
    return tuple((coefficient, letters) for letters, coefficient in total.items())
