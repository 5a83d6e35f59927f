"""What the options of gradient scenarios say."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from pytest_qbench.gradients.task import ENCODINGS, PRECISIONS

DEFAULT_SAMPLES = (50,)
FITS = ("auto", "crop", "pad", "pca")

OWN = (
    "path",
    "layers",
    "samples",
    "encoding",
    "observable",
    "dataset",
    "dataset-samples",
    "fit",
    "precision",
    "spill",
    "gradient-report",
)
"""The settings that only gradient scenarios have."""
NOT_FOR_GRADIENTS = {"backend": "--qbench-path", "shots": "--qbench-samples", "depth": "--qbench-layers"}
"""Settings of circuits that gradient scenarios have no use for, and what to use."""


@dataclass(frozen=True, slots=True)
class GradientSettings:
    """What was asked for; None leaves a choice to the case.

    ``spill`` allows encoded states beyond the memory limit to lie on disk; ``report`` asks for the written report.
    """

    layers: tuple[int, ...] | None = None
    samples: tuple[int, ...] = DEFAULT_SAMPLES
    encodings: tuple[str, ...] | None = None
    observables: tuple[str, ...] | None = None
    dataset: str | None = None
    dataset_samples: int | None = None
    fit: str = "auto"
    precision: str = "double"
    spill: bool = False
    report: bool = False

    @property
    def overrides(self) -> dict[str, Sequence[Any]]:
        """Values that replace those a case declares, by the name of its parameter."""
        asked: dict[str, Sequence[Any] | None] = {
            "layers": self.layers,
            "encoding": self.encodings,
            "observable": self.observables,
            "dataset": None if self.dataset is None else (self.dataset,),
        }
        return {name: values for name, values in asked.items() if values}


def read_gradient_settings(
    values: Mapping[str, tuple[Any, str]],
    parsed: Callable[[str, Callable[[str], Any], Any], Any],
    numbers: Callable[[str], tuple[int, ...]],
) -> GradientSettings | None:
    """The settings of gradient scenarios; None in a session without ``--qbench-gradients``.

    Args:
        values: name -> the value as given, and the option or ini key it came from.
        parsed: parses the named setting, with a default.
        numbers: parses a list of numbers.

    Raises:
        pytest.UsageError: a value is wrong, or an option does not go with the kind of session.
    """
    given = {
        name for name, (value, origin) in values.items() if value is not None and not origin.startswith("ini key ")
    }
    if not values["gradients"][0]:
        for name in OWN:
            if name in given:
                raise pytest.UsageError(f"--qbench-{name} is for gradient scenarios: add --qbench-gradients")
        return None
    for name, instead in NOT_FOR_GRADIENTS.items():
        if name in given:
            raise pytest.UsageError(f"--qbench-{name} does not go with --qbench-gradients; use {instead}")
    dataset_samples = parsed("dataset-samples", _count, None)
    return GradientSettings(
        layers=parsed("layers", numbers, None),
        samples=parsed("samples", numbers, (dataset_samples,) if dataset_samples else DEFAULT_SAMPLES),
        encodings=parsed("encoding", lambda text: _words(text, ENCODINGS), None),
        observables=parsed("observable", lambda text: _words(text), None),
        dataset=parsed("dataset", _dataset, None),
        dataset_samples=dataset_samples,
        fit=parsed("fit", lambda text: _words(text, FITS)[0], "auto"),
        precision=parsed("precision", lambda text: _words(text, PRECISIONS)[0], "double"),
        spill=bool(values["spill"][0]),
        report=bool(values["gradient-report"][0]),
    )


def _words(text: str, choices: Sequence[str] = ()) -> tuple[str, ...]:
    words = tuple(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))
    if not words:
        raise ValueError("names nothing")
    for word in words:
        if choices and word not in choices:
            raise ValueError(f"{word!r} is none of {', '.join(choices)}")
    return words


def _dataset(text: str) -> str:
    from pytest_qbench.gradients.datasets import DatasetError, check_name

    try:
        check_name(text)
    except DatasetError as error:
        raise ValueError(str(error)) from error
    return text


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError("must be at least 1")
    return number
