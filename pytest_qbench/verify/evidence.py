"""How unlikely are measured counts under a distribution? A test that holds for any number of shots.

A suite of thousands of items tolerates no false alarm, so an item is judged at a level of 1e-6. No chi-square
p-value is true that far out with a few expected counts per bin; everything here is exact or an upper bound, for
every distribution and every number of shots. Four p-values are combined by Bonferroni:

**Impossible outcomes.** How many shots fell on outcomes that should not occur: an exact binomial tail at the
probability that rounding (``LEAKAGE``) may give them.

**Groups.** The possible outcomes, in order of probability, lie in bins (``ranking``). Halves of all bins, their
halves, and so on down to single bins: the count of each is binomial, with an exact two-sided p-value. Each
depth gets an equal share of the level and divides it among its groups. The large groups compare probable
outcomes with improbable ones (a heavy-output test), the small ones find single outcomes.

**Bits.** How often each classical bit is 1, and how often each two of them differ, are binomial too. A wrong
rotation, a flipped readout or a missing entangling gate shows here long before it shows in single outcomes.

**Likelihood ratios.** For any alternative q fixed beforehand the ratio q(counts)/p(counts) has mean 1 when p is
true, and so has an average over alternatives. By Markov's inequality it exceeds 1/a with probability at most a:
its inverse is a p-value (Wasserman, Ramdas, Balakrishnan, "Universal inference", PNAS 117, 2020; Gruenwald,
de Heide, Koolen, "Safe testing", JRSS B 86, 2024). This finds what is spread over very many outcomes. The
alternatives:

* white noise, (1 - e) p + e/K over the K possible outcomes: a simulator that forgets. No test finds that with
  fewer shots (Neyman and Pearson); the linear cross-entropy needs several times as many;
* Dirichlet distributions about p, for single outcomes and for bins: each probability is off by some factor, and
  outcomes come in clusters.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pytest_qbench.verify.bits import bit_sums, bits_of, pairs
from pytest_qbench.verify.distribution import Distribution

LEAKAGE = {"double": 1e-13, "single": 1e-6}
"""By precision: the probability that rounding may give to all impossible outcomes together.

Amplitudes that should be 0 end near the machine precision times the square root of the number of gates, their
probabilities at the square of that. What is left is sampling: cumulative sums in single precision miss 1 by up
to 1e-6, and the difference falls on some outcome.
"""

_NOISE = (0.01, 0.03, 0.1, 0.3, 1.0)
_N_PARTS = 4

_Floats = NDArray[np.float64]
_Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened more or less often than it should.

    ``of`` is a range of ranks ``(first, end)`` in a group of outcomes, or the classical bits: that one is 1, that
    two differ. ``p_value`` already counts how many events of its part were looked at.
    """

    part: str
    of: tuple[int, ...]
    seen: int
    probability: float
    p_value: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the test found.

    Attributes:
        p_value: the probability that a right simulator gives counts as unlikely as these is at most this.
        parts: the p-value of each part, before they are combined.
        events: the least likely event of each part that looks at events.
        possible: of every outcome seen, whether it may occur.
        n_possible: the number of outcomes that may occur.
        n_bins: the number of bins.
    """

    p_value: float
    parts: Mapping[str, float]
    events: tuple[Event, ...]
    possible: NDArray[np.bool_]
    n_possible: int
    n_bins: int


@dataclass(frozen=True, slots=True)
class Observed:
    """Measured counts: of each outcome its bit string, its entry in the distribution (-1: none), its shots."""

    keys: tuple[str, ...]
    entries: _Ints
    counts: _Ints

    @classmethod
    def of(cls, counts: Mapping[str, int], distribution: Distribution) -> Observed:
        """Counts of bit strings that have the width of ``distribution``'s."""
        keys = tuple(counts)
        return cls(keys, distribution.index(keys), np.fromiter(counts.values(), dtype=np.int64))

    @property
    def shots(self) -> int:
        """The number of shots."""
        return int(self.counts.sum())


def weigh(observed: Observed, distribution: Distribution, precision: str) -> Evidence:
    """Test measured counts against ``distribution``.

    ``precision`` is a key of ``LEAKAGE``; any other counts as single.
    """
    shots = observed.shots
    ranking = distribution.ranking
    leakage = LEAKAGE.get(precision, LEAKAGE["single"]) + distribution.deficit
    n_possible = ranking.n_possible(leakage)
    listed = observed.entries >= 0
    ranks = np.where(listed, ranking.rank[observed.entries], len(distribution)).astype(np.int64)
    possible = ranks < n_possible
    n_impossible = int(observed.counts[~possible].sum())
    edges = ranking.bin_edges(n_possible, shots)
    # Rounding and the lightest outcomes, which are taken for impossible, may each have the leakage.
    parts = {"impossible": _upper_tail(n_impossible, shots, min(1.0, 2 * leakage))}
    events = [_unlikeliest_bits(observed, distribution, leakage)]
    if n_possible > 1 and n_impossible < shots:
        # Given their number, the shots on possible outcomes are multinomial.
        counts, ranks = observed.counts[possible].astype(np.float64), ranks[possible]
        mass = ranking.tail[edges] - ranking.tail[n_possible]
        bins = np.zeros(len(edges) - 1)
        np.add.at(bins, np.searchsorted(edges, ranks, side="right") - 1, counts)
        events.append(_unlikeliest_group(bins, mass / mass[0], edges, leakage))
        probabilities = distribution.probabilities[ranking.order[ranks]] / mass[0]
        log_ratios = np.concatenate(
            [
                _white_noise(counts, probabilities, n_possible),
                _dirichlet(counts, probabilities),
                _dirichlet(bins, -np.diff(mass) / mass[0]),
            ]
        )
        parts["likelihood"] = math.exp(min(0.0, -_log_mean_exp(log_ratios)))
    parts |= {event.part: event.p_value for event in events}
    p_value = min(1.0, _N_PARTS * min(parts.values()))
    return Evidence(p_value, parts, tuple(events), possible, n_possible, len(edges) - 1)


def two_sided(seen: _Floats, shots: float, probability: _Floats, leakage: float = 0.0) -> _Floats:
    """Exact two-sided binomial p-values: twice the smaller tail, at most 1.

    The true probabilities may be off by ``leakage``. The tails are incomplete beta functions (NIST Digital
    Library of Mathematical Functions, 8.17.5).
    """
    from scipy.special import betainc

    some = np.maximum(seen, 1)
    upper = np.where(seen > 0, betainc(some, shots - some + 1, np.clip(probability + leakage, 0, 1)), 1.0)
    some = np.maximum(shots - seen, 1)
    lower = np.where(seen < shots, betainc(some, shots - some + 1, np.clip(1 - probability + leakage, 0, 1)), 1.0)
    tails: _Floats = np.minimum(1.0, 2 * np.minimum(upper, lower))
    return tails


def _upper_tail(seen: int, shots: int, probability: float) -> float:
    """The probability that at least ``seen`` of ``shots`` shots fall on something of ``probability``."""
    if seen == 0:
        return 1.0
    from scipy.special import betainc

    return float(betainc(seen, shots - seen + 1, probability))


def _unlikeliest_group(bins: _Floats, mass: _Floats, edges: _Ints, leakage: float) -> Event:
    """The least likely group of consecutive bins; ``mass[b]`` is the probability of bin b and all after it."""
    cumulative = np.concatenate([[0.0], np.cumsum(bins)])
    depths = (len(bins) - 1).bit_length()
    bounds = np.array([0, len(bins)])
    least = Event("groups", (), 0, 0.0, 1.0)
    for _ in range(depths):
        bounds = np.unique(np.concatenate([bounds, (bounds[:-1] + bounds[1:]) // 2]))
        low, high = bounds[:-1], bounds[1:]
        seen = cumulative[high] - cumulative[low]
        inside = mass[low] - mass[high]
        # Two halves of everything are one event.
        n_events = len(seen) if len(seen) > 2 else 1
        p_values = two_sided(seen, cumulative[-1], inside, leakage) * n_events * depths
        at = int(np.argmin(p_values))
        if p_values[at] < least.p_value:
            ranks = (int(edges[low[at]]), int(edges[high[at]]))
            least = Event("groups", ranks, int(seen[at]), float(inside[at]), float(p_values[at]))
    return least


def _unlikeliest_bits(observed: Observed, distribution: Distribution, leakage: float) -> Event:
    """The least likely number of shots in which one bit is 1, or two bits differ."""
    n_bits, shots, probabilities = distribution.n_clbits, observed.shots, distribution.bit_sums
    seen = bit_sums(bits_of(observed.keys, n_bits), observed.counts.astype(np.float64))
    members = [(bit,) for bit in range(n_bits)] + pairs(n_bits)
    n_pairs = len(members) - n_bits
    # Single bits share one half of the level, pairs the other.
    n_events = np.repeat([2 * n_bits, 2 * n_pairs] if n_pairs else [n_bits, 0], [n_bits, n_pairs])
    p_values = two_sided(seen, shots, probabilities, leakage) * n_events
    at = int(np.argmin(p_values))
    return Event("bits", members[at], round(seen[at]), float(probabilities[at]), float(min(1.0, p_values[at])))


def _white_noise(counts: _Floats, probabilities: _Floats, n_possible: int) -> _Floats:
    """Logarithms of the likelihood ratios of p mixed with a uniform distribution."""
    noise = np.array(_NOISE)[:, None]
    ratios: _Floats = np.log1p(noise * (1 / (n_possible * probabilities) - 1)) @ counts
    return ratios


def _dirichlet(counts: _Floats, probabilities: _Floats) -> _Floats:
    """Logarithms of the likelihood ratios of Dirichlet-multinomial distributions with mean p.

    Their concentrations are such that the variance of a light outcome's count is 1 + t times the multinomial
    one, with t from 1/16 in steps of 4 to the number of shots.
    """
    from scipy.special import gammaln

    seen = counts > 0
    counts, probabilities = counts[seen], probabilities[seen]
    shots = counts.sum()
    concentration = shots / 4.0 ** np.arange(-2, math.log(shots, 4) + 1)
    prior = concentration[:, None] * probabilities
    ratios: _Floats = gammaln(concentration) - gammaln(concentration + shots)
    ratios += (gammaln(prior + counts) - gammaln(prior) - counts * np.log(probabilities)).sum(axis=1)
    return ratios


def _log_mean_exp(values: _Floats) -> float:
    largest = values.max()
    return float(largest + np.log(np.mean(np.exp(values - largest))))
