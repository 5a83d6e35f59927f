"""What a failed check says: what came, what was expected, and how unlikely that is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pytest_qbench.verify.distribution import Distribution
from pytest_qbench.verify.evidence import Event, Evidence, Observed, two_sided, weigh
from pytest_qbench.verify.xeb import Xeb

_MAX_ROWS = 4
"""Outcomes that are listed, and impossible ones that are named."""
_N_CANDIDATES = 64
"""Of the outcomes that never came, this many of the most probable may be listed."""
_REMARKABLE = 1e-3
"""An outcome or an event with a smaller p-value is worth a line."""
_MANY_OUTCOMES = 64
"""With so many outcomes or more, the cross-entropy is worth a line."""


def failure_message(
    observed: Observed,
    distribution: Distribution,
    evidence: Evidence,
    xeb: Xeb | None,
    level: float,
    precision: str,
) -> str:
    """Lines for people about counts that failed the test at ``level``."""
    p_value = f"p <= {evidence.p_value:.1e}" if evidence.p_value > 0 else "p < 1e-300"
    lines = [
        f"counts of {observed.shots} shots do not follow the expected distribution: {p_value} (level {level:g})",
        *_outcomes(observed, distribution, evidence),
        *_impossible(observed, evidence),
    ]
    if len(distribution) > _MAX_ROWS:
        lines += [_event(event, observed.shots, evidence.n_possible) for event in evidence.events if _telling(event)]
    if xeb is not None and len(distribution) >= _MANY_OUTCOMES:
        lines.append(
            f"linear cross-entropy fidelity {xeb.fidelity:.3f}, expected 1 +- {xeb.error:.3f} (white noise: 0)"
        )
    keys = tuple(key[::-1] for key in observed.keys)
    mirrored = weigh(replace(observed, keys=keys, entries=distribution.index(keys)), distribution, precision)
    if mirrored.p_value > level:
        lines.append(f"read backwards the bit strings would fit (p = {mirrored.p_value:.2g}): wrong bit order?")
    return "\n  ".join(lines)


def _outcomes(observed: Observed, distribution: Distribution, evidence: Evidence) -> list[str]:
    """A table of the possible outcomes whose counts are the least likely."""
    came = observed.entries[evidence.possible]
    entries = np.union1d(came, distribution.ranking.order[:_N_CANDIDATES].astype(np.int64))
    counts = np.zeros(len(entries))
    counts[np.searchsorted(entries, came)] = observed.counts[evidence.possible]
    probabilities = distribution.probabilities[entries]
    p_values = two_sided(counts, observed.shots, probabilities)
    worst = np.lexsort((-np.abs(counts - observed.shots * probabilities), p_values))[:_MAX_ROWS]
    if len(entries) > _MAX_ROWS:
        worst = worst[p_values[worst] < _REMARKABLE]
    if not len(worst):
        return []
    table = [("outcome", "seen", "expected")]
    for at in worst.tolist():
        expectation = _expectation(probabilities[at], observed.shots)
        table.append((distribution.key(int(entries[at])), f"{counts[at]:.0f}", expectation))
    widths = [max(len(row[column]) for row in table) for column in (0, 1)]
    lines = [f"{key:<{widths[0]}}  {seen:>{widths[1]}}  {expected}" for key, seen, expected in table]
    n_others = len(came) - int(np.count_nonzero(counts[worst]))
    return [*lines, f"and {_number(n_others, 'other outcome')} seen"] if n_others else lines


def _impossible(observed: Observed, evidence: Evidence) -> list[str]:
    """The impossible outcomes that came, by name."""
    counts = np.where(evidence.possible, 0, observed.counts)
    order = np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)]
    if not len(order):
        return []
    named = [f"{observed.keys[at]} ({_number(int(counts[at]), 'shot')})" for at in order[:_MAX_ROWS]]
    if len(order) > _MAX_ROWS:
        total = _number(int(counts.sum()), "shot")
        named.append(f"and {_number(len(order) - _MAX_ROWS, 'other')}, {total} in all")
    return [f"impossible, but seen: {', '.join(named)}"]


def _telling(event: Event) -> bool:
    """Whether an event says something, and more than one outcome of the table does."""
    return event.p_value < _REMARKABLE and (event.part == "bits" or event.of[1] - event.of[0] > 1)


def _event(event: Event, shots: int, n_possible: int) -> str:
    if event.part == "bits":
        what = (
            f"classical bit {event.of[0]} is 1"
            if len(event.of) == 1
            else f"classical bits {event.of[0]} and {event.of[1]} differ"
        )
    else:
        first, end = event.of
        if first == 0:
            what = f"the {end} most probable outcomes came"
        elif end == n_possible:
            what = f"the {end - first} least probable outcomes came"
        else:
            what = f"the outcomes ranked {first + 1} to {end} by probability came"
    return f"{what} in {_number(event.seen, 'shot')}, expected {_expectation(event.probability, shots)}"


def _expectation(probability: float, shots: int) -> str:
    """The expected count with its standard deviation."""
    mean = shots * probability
    deviation = (mean * max(0.0, 1 - probability)) ** 0.5
    return " +- ".join(f"{value:.1f}" if value >= 0.05 or value == 0 else f"{value:.1e}" for value in (mean, deviation))


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
