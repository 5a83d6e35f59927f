"""Observables: real combinations of Pauli strings, evaluated without ever building their matrices.

All strings with X or Y on the same qubits share one flip of the state's bits, and together they are one vector of
factors for it, so that an observable costs one pass over the state for each set of such qubits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from typing import TypeAlias

import torch

Letters: TypeAlias = tuple[tuple[int, str], ...]
"""A Pauli string: (qubit, ``"X"``, ``"Y"`` or ``"Z"``), by ascending qubit. Identities are left out."""


@dataclass(frozen=True)
class PauliSum:
    """A sum of Pauli strings with real coefficients: a Hermitian operator.

    ``terms`` has each string once. Build one with :meth:`from_strings` or :meth:`from_terms`.
    """

    terms: tuple[tuple[float, Letters], ...]

    @classmethod
    def from_strings(cls, strings: Mapping[str, float]) -> PauliSum:
        """From strings as in Qiskit, such as ``{"ZIIZ": 0.5, "IXXI": 1.0}``: qubit 0 is rightmost.

        Raises:
            ValueError: a string has other letters than I, X, Y, Z, or a coefficient is no finite real number.
        """
        return cls.from_terms((coefficient, dict(enumerate(reversed(text)))) for text, coefficient in strings.items())

    @classmethod
    def from_terms(cls, terms: Iterable[tuple[float, Mapping[int, str]]]) -> PauliSum:
        """From pairs of a coefficient and a Pauli string, such as ``(0.5, {0: "Z", 3: "Z"})``. Equal strings add up.

        Raises:
            ValueError: as :meth:`from_strings`, or a qubit is negative.
        """
        total: dict[Letters, float] = {}
        for coefficient, letters in terms:
            if isinstance(coefficient, complex) or not isfinite(coefficient):
                raise ValueError(f"the coefficient of a Pauli string must be a finite real number, not {coefficient}")
            for qubit, letter in letters.items():
                if letter not in ("I", "X", "Y", "Z"):
                    raise ValueError(f"{letter!r} in a Pauli string: the letters are I, X, Y and Z")
                if qubit < 0:
                    raise ValueError(f"a Pauli string names qubit {qubit}: qubits count from 0")
            key = tuple(sorted((qubit, letter) for qubit, letter in letters.items() if letter != "I"))
            total[key] = total.get(key, 0.0) + float(coefficient)
        return cls(tuple((coefficient, key) for key, coefficient in sorted(total.items())))

    @cached_property
    def support(self) -> int:
        """The qubits on which it acts, as a bit mask."""
        return self._qubits_with("XYZ")

    @cached_property
    def general(self) -> int:
        """The qubits on which it is not diagonal, as a bit mask."""
        return self._qubits_with("XY")

    def _qubits_with(self, letters: str) -> int:
        mask = 0
        for _, string in self.terms:
            for qubit, letter in string:
                if letter in letters:
                    mask |= 1 << qubit
        return mask


class BoundObservable:
    """An observable as an operator on states in memory, shape ``(rows, 2**n)``."""

    def __init__(self, observable: PauliSum, order: Sequence[int], dtype: torch.dtype, device: torch.device) -> None:
        """Compute its factors.

        Args:
            observable: acts on qubits below ``len(order)``.
            order: which qubit each bit of the index into a state is, bit 0 first.
            dtype: of the states: complex64 or complex128.
            device: where they are.
        """
        n = len(order)
        bit_of = {qubit: bit for bit, qubit in enumerate(order)}
        by_flip: dict[int, torch.Tensor] = {}
        for coefficient, string in observable.terms:
            flip = sum(1 << bit_of[qubit] for qubit, letter in string if letter in "XY")
            signs = [bit_of[qubit] for qubit, letter in string if letter in "YZ"]
            # Y has the rows (0, -i) and (i, 0): row b holds -i (-1)^b.
            phase = (-1j) ** sum(letter == "Y" for _, letter in string)
            factors = by_flip.setdefault(flip, torch.zeros((2,) * n, dtype=dtype, device=device))
            factors += coefficient * phase * _signs(signs, n, factors)
        diagonal = by_flip.pop(0, None)
        self._signed: torch.Tensor | None = None
        if diagonal is not None:
            flat = diagonal.real.reshape(-1, 1)
            self._signed = torch.cat([flat, -flat], dim=1)
        self._flips = [(_flip_shape(flip, n), factors.reshape(-1)) for flip, factors in by_flip.items()]

    def conjugate_applied(self, states: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
        """Write the complex conjugate of O psi for each row psi of ``states`` into ``out``."""
        parts = torch.view_as_real(out)
        if self._flips:
            out.zero_()
            for (shape, axes), factors in self._flips:
                flipped = states.view(-1, *shape).flip(axes).view(states.shape)
                out.addcmul_(flipped, factors)
            torch.conj_physical(out, out=out)
            if self._signed is not None:
                parts.addcmul_(torch.view_as_real(states), self._signed)
        elif self._signed is not None:
            torch.mul(torch.view_as_real(states), self._signed, out=parts)
        else:
            out.zero_()
        return out


def _signs(bits: Sequence[int], n: int, like: torch.Tensor) -> torch.Tensor:
    """(-1) to the number of ones among ``bits`` of the index; shape broadcasts to ``(2,) * n``."""
    pair = torch.tensor([1.0, -1.0], dtype=like.real.dtype, device=like.device)
    result = torch.ones((1,) * n, dtype=pair.dtype, device=like.device)
    for bit in bits:
        result = result * pair.view([2 if axis == n - 1 - bit else 1 for axis in range(n)])
    return result


def _flip_shape(flip: int, n: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The shape in which the bits of ``flip`` have axes of their own, and these axes, counted behind the rows."""
    shape: list[int] = []
    axes: list[int] = []
    for bit in reversed(range(n)):
        if flip >> bit & 1:
            axes.append(len(shape) + 1)
            shape.append(2)
        elif shape and len(shape) not in axes:
            shape[-1] *= 2
        else:
            shape.append(2)
    return tuple(shape), tuple(axes)
