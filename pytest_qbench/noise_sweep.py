"""The noise that a session sweeps: ``--qbench-noise-model`` and ``--qbench-noise``."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from pytest_qbench.circuits.noise import KINDS, NoiseModel
from pytest_qbench.circuits.program import DEPOLARIZING

NONE = "none"
"""The model of the circuits as they are: beside others, it adds the points without noise."""


def read_noise(
    values: Mapping[str, tuple[Any, str]],
    parsed: Callable[[str, Callable[[str], Any], Any], Any],
    gradients: bool,
) -> tuple[NoiseModel | None, ...]:
    """The noise of a session.

    Args:
        values: the raw value of every option, and where it comes from.
        parsed: gives the value of an option as a parser makes it, or a default.
        gradients: whether the session is one of gradients.

    Raises:
        pytest.UsageError: a value is wrong, strengths are missing, or noise is asked for in a session of gradients.
    """
    if gradients:
        for name in ("noise-model", "noise"):
            value, origin = values[name]
            if value and origin.startswith("--"):  # an ini key is for the sessions of circuits
                raise pytest.UsageError(f"{origin}={value}: gradient scenarios are measured without noise")
        return (None,)
    models, strengths = parsed("noise-model", parse_models, ()), parsed("noise", parse_strengths, ())
    try:
        return noise_sweep(models, strengths)
    except ValueError as error:
        value, origin = values["noise-model"]
        raise pytest.UsageError(f"{origin}={value}: {error}") from error


def parse_models(text: str) -> tuple[str, ...]:
    """``depolarizing,amplitude_damping`` or ``none``, each once, in their order.

    Raises:
        ValueError: there is no such noise; the message says which there is.
    """
    models = []
    for part in text.split(","):
        name = part.strip().lower().replace("-", "_").replace(" ", "_")
        if name not in (*KINDS, NONE):
            close = difflib.get_close_matches(name, (*KINDS, NONE), n=1)
            hint = f" (did you mean {close[0]!r}?)" if close else ""
            raise ValueError(f"there is no noise {part.strip()!r}{hint}; choose from {', '.join((*KINDS, NONE))}")
        models.append(name)
    return tuple(dict.fromkeys(models))


def parse_strengths(text: str) -> tuple[float, ...]:
    """``0,0.01,0.05``, ascending, each once.

    Raises:
        ValueError: one is no probability.
    """
    strengths = set()
    for part in text.split(","):
        try:
            strength = float(part)
        except ValueError:
            strength = math.nan
        if not 0 <= strength <= 1:
            raise ValueError(f"{part.strip()!r} is no strength: write probabilities from 0 to 1, such as 0.01,0.05")
        strengths.add(strength)
    return tuple(sorted(strengths))


def noise_sweep(models: Sequence[str], strengths: Sequence[float]) -> tuple[NoiseModel | None, ...]:
    """Every model at every strength, the points without noise first and once, where a strength is 0.

    Strengths without a model are of depolarizing.

    Raises:
        ValueError: there are models and no strengths.
    """
    kinds = [model for model in models if model != NONE]
    if kinds and not strengths:
        raise ValueError(f"how strong? Add --qbench-noise=0.01,0.05 (the strengths of {', '.join(kinds)})")
    if not models:
        kinds = [DEPOLARIZING]
    noisy = [NoiseModel(kind, strength) for kind in kinds for strength in strengths if strength]
    without = NONE in models or not noisy or 0 in strengths
    return (None, *noisy) if without else tuple(noisy)
