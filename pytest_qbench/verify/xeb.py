"""The linear cross-entropy benchmark, the field's usual figure for circuits with many outcomes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pytest_qbench.verify.distribution import Distribution
from pytest_qbench.verify.evidence import Observed

_FLAT = 1e-9
"""A distribution whose collision probability exceeds the uniform one by less tells nothing from white noise."""


@dataclass(frozen=True, slots=True)
class Xeb:
    """The linear cross-entropy fidelity: 1 for the expected distribution, 0 for white noise.

    ``error`` is the standard error of ``fidelity`` when the counts follow the expected distribution.
    """

    fidelity: float
    error: float


def linear_xeb(observed: Observed, distribution: Distribution) -> Xeb | None:
    """Estimate the fidelity; None for a distribution that is uniform.

    F = (mean p(x) - 1/D) / (sum p^2 - 1/D) over the measured x, with D = 2**n_clbits (Arute et al., Nature 574,
    505, 2019, with the exact normalisation); the variance of p(x) is sum p^3 - (sum p^2)^2.
    """
    probabilities = distribution.probabilities
    uniform = 0.5**distribution.n_clbits
    collision = float(probabilities @ probabilities)
    contrast = collision - uniform
    if contrast <= _FLAT * uniform:
        return None
    hit = np.where(observed.entries >= 0, probabilities[observed.entries], 0.0)
    mean = float(hit @ observed.counts) / observed.shots
    variance = max(0.0, float(probabilities**2 @ probabilities) - collision**2)
    return Xeb((mean - uniform) / contrast, (variance / observed.shots) ** 0.5 / contrast)
