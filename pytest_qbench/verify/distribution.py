"""What a circuit's outcome must be: a probability for every bit string."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pytest_qbench.verify.bits import bit_sums, bits_of, dense_bit_sums
from pytest_qbench.verify.ranking import Ranking, rank_outcomes

if TYPE_CHECKING:
    from pytest_qbench.cases import Expected

SUM_TOLERANCE = 1e-6
"""How far from 1 the sum of a user's probabilities may be."""

_NEGLIGIBLE = 1e-22
"""A computed probability below this is rounding noise of an exact zero: 2**26 of them still sum to 1e-14."""

_MAX_SPARSE = 4096
"""A computed distribution with at most this many outcomes is kept as a list of them."""


@dataclass(frozen=True, eq=False)
class Distribution:
    """Probabilities of the outcomes of ``n_clbits`` classical bits; they sum to 1.

    Attributes:
        n_clbits: the width of a bit string; classical bit 0 is its rightmost character.
        probabilities: one per entry of ``keys``, or ``2**n_clbits`` indexed by the bit string as a number.
        keys: the possible outcomes in ascending order, every other being impossible; None for all of them.
        deficit: how much probability the source left unassigned before it was scaled to 1.
    """

    n_clbits: int
    probabilities: NDArray[np.float64]
    keys: tuple[str, ...] | None = None
    deficit: float = 0.0

    @classmethod
    def from_expected(cls, expected: Expected, n_clbits: int) -> Distribution:
        """What a user wrote: a mapping of bit strings to probabilities, or an array of all of them.

        Bit strings may have spaces between registers, as Qiskit prints them. Outcomes that a mapping leaves
        out are impossible.

        Raises:
            ValueError: it is no distribution over ``n_clbits`` bits; the message says why.
        """
        if isinstance(expected, Mapping):
            return _from_mapping(expected, n_clbits)
        return _from_sequence(expected, n_clbits)

    @classmethod
    def certain(cls, key: str) -> Distribution:
        """The distribution with ``key`` as its only outcome."""
        return cls(len(key), np.ones(1), (key,))

    @classmethod
    def from_array(cls, probabilities: NDArray[np.float64], n_clbits: int, deficit: float = 0.0) -> Distribution:
        """Computed probabilities of all ``2**n_clbits`` outcomes, scaled to sum 1."""
        possible = np.flatnonzero(probabilities > _NEGLIGIBLE)
        if len(possible) <= _MAX_SPARSE:
            keys = tuple(_bits(int(outcome), n_clbits) for outcome in possible)
            chosen = probabilities[possible]
            return cls(n_clbits, chosen / chosen.sum(), keys, deficit)
        return cls(n_clbits, np.maximum(probabilities, 0.0) / probabilities.sum(), None, deficit)

    @classmethod
    def from_mapping(cls, probabilities: Mapping[str, float], n_clbits: int, deficit: float = 0.0) -> Distribution:
        """Valid probabilities of some bit strings, scaled to sum 1; zeros are left out."""
        items = sorted((key, value) for key, value in probabilities.items() if value > 0)
        values = np.array([value for _, value in items], dtype=np.float64)
        return cls(n_clbits, values / values.sum(), tuple(key for key, _ in items), deficit)

    def __len__(self) -> int:
        """The number of listed outcomes: entries of ``probabilities``."""
        return len(self.probabilities)

    def key(self, index: int) -> str:
        """The bit string of entry ``index`` of ``probabilities``."""
        return _bits(index, self.n_clbits) if self.keys is None else self.keys[index]

    def index(self, keys: Iterable[str]) -> NDArray[np.int64]:
        """The entries of ``probabilities`` for bit strings of the right width; -1 where there is none."""
        if self.keys is None:
            found = (int(key, 2) if key else 0 for key in keys)
        else:
            positions = self._positions
            found = (positions.get(key, -1) for key in keys)
        return np.fromiter(found, dtype=np.int64)

    @cached_property
    def ranking(self) -> Ranking:
        """The entries of ``probabilities``, the most probable first."""
        return rank_outcomes(self.probabilities)

    @cached_property
    def bit_sums(self) -> NDArray[np.float64]:
        """The probability of each bit being 1 and of each two bits differing, in the order of ``bits.pairs``."""
        if self.keys is None:
            return dense_bit_sums(self.probabilities, self.n_clbits)
        return bit_sums(bits_of(self.keys, self.n_clbits), self.probabilities)

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {key: position for position, key in enumerate(self.keys or ())}


def _bits(outcome: int, width: int) -> str:
    return format(outcome, f"0{width}b") if width else ""


def _from_mapping(expected: Mapping[Any, Any], n_clbits: int) -> Distribution:
    if not expected:
        raise ValueError("the expected distribution is empty; give at least one outcome")
    found: dict[str, float] = {}
    for raw, value in expected.items():
        if not isinstance(raw, str):
            raise ValueError(f"expected outcome {raw!r} is no bit string; write it as text, such as '010'")
        key = raw.replace(" ", "")
        if not set(key) <= {"0", "1"}:
            raise ValueError(f"expected outcome {raw!r} holds characters other than 0 and 1")
        if len(key) != n_clbits:
            raise ValueError(f"expected outcome {raw!r} has {_n_bits(len(key))}; the circuit has {n_clbits} classical")
        if key in found:
            raise ValueError(f"expected outcome {key!r} is given twice")
        found[key] = _probability(value, repr(raw))
    return Distribution.from_mapping(found, n_clbits, _deficit(math.fsum(found.values())))


def _from_sequence(expected: Any, n_clbits: int) -> Distribution:
    if isinstance(expected, str | bytes) or not isinstance(expected, np.ndarray | Sequence):
        raise ValueError(
            "an expected distribution is a mapping of bit strings to probabilities or an array of "
            f"probabilities, not {type(expected).__name__}"
        )
    try:
        array = np.asarray(expected)
        if np.iscomplexobj(array):
            raise ValueError("it holds complex numbers")
        array = array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"the expected array is not one of probabilities: {error}") from None
    if array.ndim != 1 or n_clbits > 48 or len(array) != 1 << n_clbits:
        shape = "x".join(str(size) for size in array.shape) or "no"
        raise ValueError(
            f"the expected array has {shape} entries; {_n_bits(n_clbits)} make 2**{n_clbits} probabilities"
        )
    bad = np.flatnonzero(~(np.isfinite(array) & (array >= -_ROUNDING)))
    if len(bad):
        _probability(float(array[bad[0]]), f"{_bits(int(bad[0]), n_clbits)!r} (entry {bad[0]})")
    return Distribution.from_array(np.maximum(array, 0.0), n_clbits, _deficit(float(array.sum())))


_ROUNDING = 1e-12
"""A user's computed probability may be this much below 0."""


def _probability(value: Any, where: str) -> float:
    """``value`` as a probability.

    Raises:
        ValueError: it is none; the message names the outcome ``where``.
    """
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"the probability of {where} is {value!r}, which is no number") from None
    if not math.isfinite(number) or number < -_ROUNDING:
        raise ValueError(f"the probability of {where} is {number:g}; it must be a number from 0 to 1")
    return max(number, 0.0)


def _deficit(total: float) -> float:
    """What is missing to 1.

    Raises:
        ValueError: the probabilities sum to something else than 1.
    """
    # Rounded, so that three times 0.333333 is within.
    if not round(abs(total - 1), 9) <= SUM_TOLERANCE:
        raise ValueError(f"the expected probabilities sum to {total:.9g}, not to 1")
    return max(0.0, 1 - total)


def _n_bits(count: int) -> str:
    return "1 bit" if count == 1 else f"{count} bits"
