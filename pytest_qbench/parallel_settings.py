"""What ``--qbench-parallel`` and ``--qbench-retries`` ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_qbench.specs import BackendSpec

AUTO = "auto"


@dataclass(frozen=True, slots=True)
class Parallel:
    """How many points are measured at once (``lanes``), and how often one is repeated after a crash (``retries``).

    ``asked`` is the setting as given where the cores have no room for so many lanes.
    """

    lanes: int = 1
    retries: int = 0
    asked: str = ""


def asked_lanes(
    config: pytest.Config, values: Mapping[str, tuple[Any, str]], parsed: Callable[..., Any], gradients: bool
) -> int | str:
    """``--qbench-parallel`` as given: a number (1 where it is not) or :data:`AUTO`.

    Raises:
        pytest.UsageError: it is neither, or something that it can't be combined with was asked for.
    """
    asked: int | str = parsed("parallel", _number_or_auto, 1)
    if asked == 1:
        return asked
    value, origin = values["parallel"]
    given = f"{origin}={value}"
    if gradients:
        raise pytest.UsageError(
            f"{given}: gradient scenarios are measured one at a time; leave it out, or write --qbench-parallel=1"
        )
    if hasattr(config, "workerinput") or getattr(config.option, "dist", "no") != "no":
        raise pytest.UsageError(
            f"{given} can't be combined with pytest-xdist, whose processes would all take the same cores: "
            "leave out one of -n and --qbench-parallel"
        )
    return asked


def read_parallel(asked: int | str, retries: int, threads: int, backends: Iterable[BackendSpec], cpus: int) -> Parallel:
    """The lanes that there is room for, at most as many as ``asked`` for.

    Args:
        asked: of :func:`asked_lanes`.
        retries: how often a point is repeated after a crash.
        threads: of a simulator whose spec does not say.
        backends: the lanes have room for the one with the most threads.
        cpus: the number of CPUs that this process may use.
    """
    from pytest_qbench.measure.cores import count_cores, count_lanes, own_cpus

    if asked == 1:
        return Parallel(retries=retries)
    most = max((spec.threads or threads for spec in backends), default=threads)
    number = None if asked == AUTO else int(asked)
    lanes = count_lanes(number, most, cpus, count_cores(own_cpus()) or cpus)
    return Parallel(lanes, retries, str(asked) if number is not None and lanes < number else "")


def parse_retries(text: str) -> int:
    """A whole number, 0 and more.

    Raises:
        ValueError: it is none.
    """
    if not text.isdecimal():
        raise ValueError("must be a whole number, 0 or more")
    return int(text)


def _number_or_auto(text: str) -> int | str:
    if text.lower() == AUTO:
        return AUTO
    if not text.isdecimal() or int(text) < 1:
        raise ValueError("write how many points to measure at once, or auto for as many as the cores have room for")
    return int(text)
