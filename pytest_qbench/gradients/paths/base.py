"""What every path to gradients has in common. Standard library only."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from pytest_qbench.backends.base import Description
from pytest_qbench.gradients.task import GradientTask

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Variants:
    """Calls that differ by one stage of the work; ``units`` of ``full`` make up one run.

    ``calls`` may have: ``full`` (encode, inject, circuit, measure), ``states`` (encoded beforehand: inject, circuit,
    measure), ``body`` (from the zero state: circuit, measure), ``null`` (from the zero state: measure), and for the
    cross-check ``encode`` (encode, inject, measure) and ``inject`` (encoded beforehand: inject, measure).
    """

    calls: Mapping[str, Callable[[], object]]
    units: int
    encode_units: int | None = None
    """How many times a run encodes, where that is not once in each unit."""


class GradientPath(ABC):
    """A way to compute gradients, behind one interface. One instance lives in a worker and serves one path spec.

    A timed round is exactly one call of :meth:`run`: from features to the gradients of all samples, encoding included.
    """

    name: ClassVar[str]
    """What is before the slash in a label, or the whole label."""
    install: ClassVar[str] = ""
    """The command that installs what it needs."""

    @abstractmethod
    def __init__(self, options: Mapping[str, Any], threads: int) -> None:
        """Import what is needed.

        Args:
            options: ``device``, where the path has a choice of devices, and ``precision``.
            threads: how many CPU threads it may use.

        Raises:
            UnavailableError: it can't be used here.
        """

    @abstractmethod
    def describe(self) -> Description:
        """Versions, device, precision, method and threads actually used."""

    @abstractmethod
    def prepare(self, task: GradientTask) -> Any:
        """Make devices, plans and buffers, and load the features; encode nothing.

        Raises:
            UnsupportedError: it can't do this task.
        """

    @abstractmethod
    def run(self, prepared: Any) -> Any:
        """Encode the features, compute the gradients of all samples, wait for them, and return them in any form."""

    @abstractmethod
    def gradients(self, result: Any) -> NDArray[np.float64]:
        """What :meth:`run` returned, shape ``(samples, parameters)``."""

    @abstractmethod
    def evaluations(self, task: GradientTask) -> int:
        """How many circuit evaluations a run makes. An adjoint pass counts as two: forth and back."""

    def variants(self, prepared: Any) -> Variants | None:
        """Calls that tell apart where the time goes; None where that can't be told."""
        return None

    def floor_s(self, prepared: Any) -> float | None:
        """The least seconds that the memory needs for a run, its traffic at the measured copy rate; None if unknown."""
        return None

    def synchronize(self) -> None:  # noqa: B027 (most paths have nothing to wait for)
        """Wait for outstanding device work; called before the clock is read."""

    def device_peak_bytes(self) -> int | None:
        """Peak device memory since the last call, in bytes, and reset it; None where there is no device."""
        return None

    def close(self) -> None:  # noqa: B027 (most paths have nothing to release)
        """Release what the instance holds; the worker ends afterwards."""
