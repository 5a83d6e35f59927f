"""The check of measured counts against what they must be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral

from pytest_qbench.verify.distribution import Distribution
from pytest_qbench.verify.evidence import Observed, weigh
from pytest_qbench.verify.explain import failure_message
from pytest_qbench.verify.xeb import Xeb, linear_xeb

LEVEL = 1e-6
"""The probability with which a right simulator may fail a check."""


@dataclass(frozen=True, slots=True)
class Check:
    """The result of a check.

    Attributes:
        passed: whether the counts may come from the expected distribution.
        p_value: the probability that a right simulator gives counts as unlikely as these is at most this; 0
            where the counts are malformed.
        message: several lines on what is wrong; empty when passed.
        n_bins: the number of bins that outcomes were pooled into.
        xeb: the linear cross-entropy fidelity; None where it has no meaning (a uniform distribution).
    """

    passed: bool
    p_value: float
    message: str = ""
    n_bins: int = 0
    xeb: Xeb | None = None


def check_counts(
    counts: Mapping[str, int],
    distribution: Distribution,
    shots: int,
    level: float = LEVEL,
    precision: str = "double",
) -> Check:
    """Check the ``counts`` of ``shots`` shots against ``distribution``.

    A right simulator fails with a probability of at most ``level``, whatever the distribution and the number of
    shots (see :mod:`pytest_qbench.verify.evidence`).

    Args:
        counts: bit string -> number of shots, one character per classical bit.
        distribution: what the counts must follow.
        shots: the number of shots asked for.
        level: the level of the test.
        precision: ``"double"`` or ``"single"``, which widens what counts as rounding.
    """
    problem = _malformed(counts, distribution.n_clbits, shots)
    if problem:
        return Check(False, 0.0, problem)
    observed = Observed.of({key: count for key, count in counts.items() if count}, distribution)
    evidence = weigh(observed, distribution, precision)
    xeb = linear_xeb(observed, distribution)
    passed = evidence.p_value > level
    message = "" if passed else failure_message(observed, distribution, evidence, xeb, level, precision)
    return Check(passed, evidence.p_value, message, evidence.n_bins, xeb)


def _malformed(counts: Mapping[str, int], n_clbits: int, shots: int) -> str:
    """What is wrong with the form of ``counts``, empty if nothing."""
    for key, count in counts.items():
        if not isinstance(key, str) or not set(key) <= {"0", "1"}:
            return f"outcome {key!r} is no bit string of 0 and 1"
        if len(key) != n_clbits:
            return f"outcome {key!r} has {len(key)} characters; the circuit has {n_clbits} classical bits"
        if not isinstance(count, Integral) or count < 0:
            return f"outcome {key!r} has {count!r} shots; a count must be a whole number of at least 0"
    total = sum(counts.values())
    if total != shots:
        return f"the counts sum to {total}, not to the {shots} shots asked for"
    return "" if total else "there are no counts to check"
