"""Sweeps by marker: ``@pytest.mark.qbench(shots=[100, 1000])`` on a case, or as ``pytestmark`` on all of a module."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_qbench.circuits.noise import NoiseModel

NAME = "qbench"
"""The marker, which every point has too."""

NOISE_MODEL = "noise_model"


@dataclass(frozen=True, slots=True)
class Marked:
    """What markers say of a case, ascending; None where they say nothing. Options and config files override it."""

    qubits: tuple[int, ...] | None = None
    shots: tuple[int, ...] | None = None
    depth: tuple[int, ...] | None = None
    noise: tuple[NoiseModel | None, ...] | None = None
    """Of ``noise=[0, 0.01]`` and ``noise_model=[...]``; None among them is without noise."""


def read_marks(marks: Iterable[Any]) -> Marked:
    """What the ``qbench`` marks among ``marks`` say; of two that say the same thing the first one counts.

    Raises:
        ValueError: one says what can't be.
    """
    said: dict[str, Any] = {}
    known = [*(field.name for field in fields(Marked)), NOISE_MODEL]
    for mark in marks:
        if mark.name != NAME:
            continue
        if mark.args:
            raise ValueError(f"pytest.mark.qbench takes keywords only: {', '.join(known)}")
        for key, values in mark.kwargs.items():
            if key not in known:
                raise ValueError(f"pytest.mark.qbench({key}=...): there is {', '.join(known)}")
            said.setdefault(key, values)
    models, strengths = said.pop(NOISE_MODEL, None), said.pop("noise", None)
    noise = None if models is None and strengths is None else _noise(models, strengths)
    return Marked(**{key: _numbers(key, values) for key, values in said.items()}, noise=noise)


def _numbers(key: str, values: Any) -> tuple[int, ...]:
    listed = (values,) if isinstance(values, int) else tuple(values) if isinstance(values, Iterable) else ()
    if not listed or any(not isinstance(value, int) or isinstance(value, bool) or value < 1 for value in listed):
        raise ValueError(f"pytest.mark.qbench({key}={values!r}): give one or more whole numbers of at least 1")
    return tuple(sorted(set(listed)))


def _noise(models: Any, strengths: Any) -> tuple[NoiseModel | None, ...]:
    """The noise of a marker, which reads as that of the options does."""
    from pytest_qbench.noise_sweep import noise_sweep, parse_models, parse_strengths

    try:
        return noise_sweep(
            () if models is None else parse_models(_listed(models)),
            () if strengths is None else parse_strengths(_listed(strengths)),
        )
    except ValueError as error:
        said = {NOISE_MODEL: models, "noise": strengths}
        given = ", ".join(f"{key}={value!r}" for key, value in said.items() if value is not None)
        raise ValueError(f"pytest.mark.qbench({given}): {error}") from error


def _listed(values: Any) -> str:
    """One value or several as an option would have them."""
    several = values if isinstance(values, Iterable) and not isinstance(values, str) else [values]
    return ",".join("none" if value is None else str(value) for value in several)
