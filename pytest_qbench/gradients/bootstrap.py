"""Intervals of medians by the bootstrap: the percentile method of B. Efron, Ann. Statist. 7, 1 (1979).

A statistic is computed once from the medians of the rounds, and once per resample from medians of rounds drawn with
replacement; the interval is what the middle 95% of the resamples span. Standard library at import, for a worker
imports this package; the functions need NumPy.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Draws: TypeAlias = NDArray[np.float64]

RESAMPLES = 2000

COVERAGE = 0.95
"""The share of the resamples that an interval spans."""

MIN_ROUNDS = 5
"""Fewer rounds have no bootstrap interval: the true median lies outside the range of n values with probability
2^(1-n), which is 6% for 5 of them and 12% for 4, so nothing within that range could be a 95% interval."""


def paired_medians(rounds: Mapping[str, Sequence[float]], seed: int) -> dict[str, Draws]:
    """Resampled medians of things that were measured together, round by round.

    A resample takes the same rounds of everything, so what disturbed a whole round cancels in differences.

    Args:
        rounds: name -> one value per round, equally many for all, at least one.
        seed: of the resampling.

    Returns:
        name -> its median in each resample, shape ``(RESAMPLES,)``.
    """
    import numpy as np

    n_rounds = len(next(iter(rounds.values())))
    chosen = np.random.default_rng(seed).integers(n_rounds, size=(RESAMPLES, n_rounds))
    return {name: np.median(np.asarray(values, dtype=np.float64)[chosen], axis=1) for name, values in rounds.items()}


def independent_medians(rounds: Mapping[str, Sequence[float]], seed: int) -> dict[str, Draws]:
    """Resampled medians of things that were measured apart, each with as many rounds as it has (at least one).

    What is drawn for a name depends on that name and ``seed`` only, not on what else there is. Returns as
    :func:`paired_medians`.
    """
    draws: dict[str, Draws] = {}
    for name, values in rounds.items():
        own_seed = int.from_bytes(hashlib.sha256(f"{seed} {name}".encode()).digest()[:8], "big")
        draws |= paired_medians({name: values}, own_seed)
    return draws


def interval(draws: Draws, n_rounds: int) -> tuple[float, float] | tuple[None, None]:
    """The middle 95% of ``draws``; two None where ``n_rounds``, the fewest behind them, are below MIN_ROUNDS."""
    import numpy as np

    if n_rounds < MIN_ROUNDS:
        return None, None
    tail = (1 - COVERAGE) / 2
    low, high = np.quantile(draws, [tail, 1 - tail])
    return float(low), float(high)


def ratio_of_few(numerator: Sequence[float], denominator: Sequence[float]) -> tuple[float, float] | tuple[None, None]:
    """A 95% interval of the ratio of two times from few rounds: Welch's, of the difference of their logarithms.

    B. L. Welch, Biometrika 34, 28 (1947). It takes times for log-normal, which the bootstrap does not, and is wide
    where rounds are few. Two None where one of them has a single round.
    """
    import numpy as np
    from scipy.stats import t

    if min(len(numerator), len(denominator)) < 2:
        return None, None
    logs = [np.log(np.asarray(values, dtype=np.float64)) for values in (numerator, denominator)]
    parts = [float(values.var(ddof=1)) / len(values) for values in logs]
    error = sum(parts)
    difference = float(logs[0].mean() - logs[1].mean())
    if error == 0:
        return float(np.exp(difference)), float(np.exp(difference))
    freedom = error**2 / sum(part**2 / (len(values) - 1) for part, values in zip(parts, logs, strict=True))
    margin = float(t.ppf((1 + COVERAGE) / 2, freedom)) * error**0.5
    return float(np.exp(difference - margin)), float(np.exp(difference + margin))
