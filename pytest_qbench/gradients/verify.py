"""Whether the gradients that a path gave are right."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pytest_qbench.gradients import reference
from pytest_qbench.gradients.ansatz import Ansatz, Terms

Real = NDArray[np.float64]

TOLERANCES = {"double": (1e-5, 1e-8), "single": (1e-4, 2e-5)}
"""Relative and absolute tolerance by precision. Shift rules subtract values of order 1: in single precision that leaves
errors of about 1e-6, and sums over observables more."""

_AMPLITUDES = 1 << 18
_MAX_SAMPLES = 64
_DIFFERENCE_TOLERANCE = (1e-5, 1e-7)


class ReferenceMismatchError(Exception):
    """The reference disagrees with finite differences: a mistake of the program, not of any path."""


@dataclass(frozen=True)
class Scenario:
    """What the gradients are of; ``features`` has shape ``(rows, features)``."""

    ansatz: Ansatz
    parameters: tuple[float, ...]
    observable: Terms
    encoding: str
    features: Real


@dataclass(frozen=True, slots=True)
class GradientCheck:
    """The verdict: ``problem`` is empty where all is right."""

    problem: str
    detail: str = ""


def sampled_rows(n_samples: int, n_qubits: int, seed: int) -> NDArray[np.intp]:
    """The rows that are compared with the exact reference: first, last, and others drawn by ``seed``; ascending."""
    wanted = max(1, min(n_samples, _MAX_SAMPLES, _AMPLITUDES >> n_qubits))
    others = np.random.default_rng(seed).permutation(n_samples)
    chosen = dict.fromkeys([0, n_samples - 1, *others.tolist()])
    return np.sort(np.array(list(chosen)[:wanted], dtype=np.intp))


class Verifier:
    """Verifies the gradients of one scenario; what it computes for that serves all paths."""

    def __init__(self, scenario: Scenario, n_samples: int, seed: int) -> None:
        self._scenario = scenario
        self._rows = sampled_rows(n_samples, scenario.ansatz.n_qubits, seed)
        self._n_samples = n_samples
        features = scenario.features[self._rows]
        states = reference.encoded(features, scenario.encoding, scenario.ansatz.n_qubits)
        self.exact = reference.gradients(scenario.ansatz, scenario.parameters, scenario.observable, states)
        """The exact gradients of the chosen rows."""
        self._check_reference(states[:, :1], seed)

    def check(self, path: Path, precision: str) -> GradientCheck:
        """Verify the gradients in a ``.npy`` file."""
        shape = (self._n_samples, self._scenario.ansatz.n_parameters)
        try:
            found = np.load(path, mmap_mode="r")
        except (OSError, ValueError) as missing:
            return GradientCheck("the path left no gradients", f"{type(missing).__name__}: {missing}")
        if found.shape != shape:
            return GradientCheck(f"the gradients have the shape {found.shape}, not {shape}")
        if not np.isfinite(found).all():
            row, column = (int(i) for i in np.argwhere(~np.isfinite(found))[0])
            return GradientCheck(f"the gradient of sample {row} for parameter {column} is {found[row, column]}")
        rtol, atol = TOLERANCES[precision]
        error = np.abs(found[self._rows] - self.exact)
        excess = error - (atol + rtol * np.abs(self.exact))
        if (excess <= 0).all():
            return GradientCheck("")
        sample, parameter = np.unravel_index(int(excess.argmax()), excess.shape)
        row = int(self._rows[sample])
        reason = (
            f"wrong gradient: sample {row}, parameter {parameter}: {found[row, parameter]:.9g}, "
            f"exact {self.exact[sample, parameter]:.9g}"
        )
        wrong = int((excess > 0).sum())
        detail = (
            f"{wrong} of {excess.size} derivatives that were compared differ by more than {atol:g} + {rtol:g} x their "
            f"size, the largest difference is {error.max():.3g}"
        )
        return GradientCheck(reason, detail)

    def _check_reference(self, state: NDArray[np.complex128], seed: int) -> None:
        scenario = self._scenario
        n = scenario.ansatz.n_parameters
        which = sorted(np.random.default_rng(seed).permutation(n)[: max(1, min(n, 16))].tolist())
        by_difference = reference.differences(scenario.ansatz, scenario.parameters, scenario.observable, state, which)
        rtol, atol = _DIFFERENCE_TOLERANCE
        if not np.allclose(self.exact[:1, which], by_difference, rtol=rtol, atol=atol):
            raise ReferenceMismatchError("the exact gradient and finite differences disagree")


def count_nonzero(path: Path, precision: str) -> int:
    """How many parameters have a gradient other than zero, within rounding, in at least one sample."""
    threshold = TOLERANCES[precision][1]
    largest = np.abs(np.load(path, mmap_mode="r")).max(axis=0)
    return int((largest > threshold).sum())
