"""What every adapter is: the :class:`Backend` interface and the values that cross it.

This module is imported in the worker, under whatever interpreter has the simulator: it and every adapter's
module level need the standard library only. An adapter imports its simulator inside its methods.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from pytest_qbench.backends.memory import STATE, estimate_bytes, growth_of
from pytest_qbench.circuits.program import Program


class QbenchBackendError(Exception):
    """Base class of the errors an adapter raises on purpose."""


class UnavailableError(QbenchBackendError):
    """The simulator can't be used here: not installed, no driver, no executable.

    ``install`` is the command that would help, or empty where none would.
    """

    def __init__(self, reason: str, install: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.install = install


class UnsupportedError(QbenchBackendError):
    """The simulator is here but can't run this program; the message names what it lacks."""


@dataclass(frozen=True, slots=True)
class Option:
    """One option that a backend spec may carry: ``aer[method=statevector]``.

    ``parse`` turns the text into the value and raises ``ValueError`` where it can't; ``choices`` restricts it.
    """

    default: Any
    help: str
    parse: Callable[[str], Any] = str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a backend with its options can run.

    ``gates`` are the names it takes as they are; ``unitary_qubits`` is the largest ``unitary`` instruction it
    takes (0: none); ``max_qubits`` is None where only memory bounds it.
    """

    gates: frozenset[str]
    unitary_qubits: int = 0
    dynamic: bool = False
    noise: bool = False
    max_qubits: int | None = None
    precisions: tuple[str, ...] = ("double",)
    devices: tuple[str, ...] = ("CPU",)


@dataclass(frozen=True, slots=True)
class Description:
    """What a backend says of itself once its simulator is imported; it goes into every row and the header.

    ``versions`` names every package that matters, the simulator first. ``threads`` is the number the simulator
    says it uses (None where it can't be told), ``method`` the algorithm.
    """

    version: str
    versions: Mapping[str, str] = field(default_factory=dict)
    device: str = "CPU"
    device_name: str | None = None
    precision: str = "double"
    method: str | None = None
    threads: int | None = None


class Backend(ABC):
    """A simulator behind one interface. One instance lives in a worker and serves one backend spec.

    A timed round is exactly one call of :meth:`run`. It must do all of the simulator's work and wait for it
    (synchronise a device, finish a lazy result); turning the outcome into bit strings is :meth:`counts`, timed
    apart. ``prepare`` is called once per circuit and timed apart too.
    """

    name: ClassVar[str]
    """The name in a backend spec."""
    install: ClassVar[str] = ""
    """The command that installs the simulator, shown where it is missing."""
    options: ClassVar[Mapping[str, Option]] = {}
    """The options that a spec may carry."""
    memory: ClassVar[str] = STATE
    """How the memory grows with the qubits: one of ``STATE``, ``DENSITY`` and ``SMALL`` of
    :mod:`pytest_qbench.backends.memory`. Options ``method`` and ``precision`` of the usual values are understood."""

    @classmethod
    def memory_needed(cls, n_qubits: int, options: Mapping[str, Any]) -> int:
        """Bytes that a worker with ``options`` is going to need for a circuit of ``n_qubits`` qubits, estimated.

        It decides what runs at the same time; to override where the memory grows otherwise.
        """
        return estimate_bytes(n_qubits, str(options.get("precision", "double")), growth_of(cls.memory, options))

    @abstractmethod
    def __init__(self, options: Mapping[str, Any], threads: int) -> None:
        """Import the simulator and keep the parsed ``options`` (every key of ``self.options`` is present).

        ``threads`` is how many CPU threads it may use; adapters pass it on by the simulator's own knob.

        Raises:
            UnavailableError: the simulator can't be used here.
        """

    @abstractmethod
    def capabilities(self) -> Capabilities:
        """What this instance can run."""

    @abstractmethod
    def describe(self) -> Description:
        """Versions, device, precision, method and threads actually used."""

    @abstractmethod
    def prepare(self, program: Program) -> Any:
        """Turn ``program`` (already lowered to this backend's gates) into the simulator's own form.

        Raises:
            UnsupportedError: it can't run this program.
        """

    @abstractmethod
    def run(self, prepared: Any, shots: int, seed: int) -> Any:
        """Run ``prepared`` and return the outcomes of ``shots`` shots in the simulator's own form.

        Two calls with one ``seed`` give the same outcomes where the simulator can do that.

        Raises:
            UnsupportedError: it can't run this program.
            MemoryError: not enough memory for the state.
        """

    @abstractmethod
    def counts(self, result: Any) -> Mapping[str, int]:
        """The outcome of :meth:`run` as bit string -> number of shots; classical bit 0 is rightmost.

        Every key has one character per classical bit, bits never written are 0, and the values sum to the
        shots.
        """

    def synchronize(self) -> None:  # noqa: B027 (most backends have nothing to wait for)
        """Wait for outstanding device work; called before the clock is read."""

    def device_peak_bytes(self) -> int | None:
        """Peak device memory since the last call, in bytes, and reset it; None where there is no device."""
        return None

    def close(self) -> None:  # noqa: B027 (most backends have nothing to release)
        """Release what the instance holds; the worker ends afterwards."""


def parse_bool(text: str) -> bool:
    """``on/off``, ``true/false``, ``yes/no`` or ``1/0`` as a bool.

    Raises:
        ValueError: it is none of these.
    """
    value = text.lower()
    if value in ("on", "true", "yes", "1"):
        return True
    if value in ("off", "false", "no", "0"):
        return False
    raise ValueError(f"{text!r} is neither on nor off")
