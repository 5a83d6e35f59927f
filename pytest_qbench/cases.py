"""Cases: circuit families written with :func:`circuit_case`."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from pytest_qbench.markers import Marked

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from qiskit import QuantumCircuit

    from pytest_qbench.circuits.program import Program

    Expected: TypeAlias = Mapping[str, float] | NDArray[np.float64]
    Builder: TypeAlias = Callable[..., QuantumCircuit | Program]

Params: TypeAlias = tuple[tuple[str, Any], ...]
"""The swept parameters of an instance other than its size, in the order the case declares them."""

_RESERVED = frozenset({"backend", "benchmark", "request", "shots"})

# The short name of a swept parameter in an item id; others appear as they are.
_SHORT = {"depth": "d"}

STANDARD_MAX_QUBITS = 16
"""The ``standard`` suite takes the sizes up to this one; ``full`` takes all."""


class CaseError(Exception):
    """A case is wrong: its builder raised or returned something else, or its expectation makes no sense.

    ``fault`` names what a function of the case raised, and where: the same for all points that fail of it.
    """

    def __init__(self, message: str, fault: str = "") -> None:
        super().__init__(message)
        self.fault = fault


@dataclass(eq=False)
class CircuitCase:
    """A circuit family: what :func:`circuit_case` makes of a builder function.

    Calling the case calls its builder.
    """

    is_gradient: ClassVar[bool] = False
    """Whether gradients are measured, and not counts."""
    shots_letter: ClassVar[str] = "s"
    """What stands before the shots in the id of an item."""

    name: str
    builder: Builder
    n_qubits: tuple[int, ...]
    valid: Container[int]
    sweeps: dict[str, tuple[Any, ...]]
    tags: frozenset[str]
    mirror: bool
    path: str
    line: int
    expectation: Callable[..., Any] | None = field(default=None)
    always: bool = False
    """Its declared sizes run whatever sizes are asked for: a file that can't be read has none, and must not vanish."""
    pytestmark: list[Any] = field(default_factory=list)
    """What ``@pytest.mark`` decorators leave, above ``@circuit_case`` or below it."""
    marked: Marked = field(default_factory=Marked)
    """What ``qbench`` markers say of it, once it is collected."""

    @property
    def __name__(self) -> str:
        """The case's name: ``@pytest.mark`` decorates only what has one, as a function has."""
        return self.name

    def __call__(self, *args: Any, **kwargs: Any) -> QuantumCircuit | Program:
        """Build the circuit, exactly as the undecorated function does."""
        return self.builder(*args, **kwargs)

    def expected(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Decorator: ``function`` takes the builder's parameters and returns what the outcome must be.

        That is a mapping of bit strings to probabilities (Qiskit's order, no spaces), or a float array of
        ``2**n_clbits`` probabilities indexed by the bit string read as a number.
        """
        self.expectation = function
        return function

    def sizes(self, wanted: Collection[int] | None, max_qubits: int | None = None) -> list[int]:
        """The sizes to run, ascending: the declared ones, or those of ``wanted`` that are valid."""
        sizes = self.n_qubits if wanted is None or self.always else [n for n in wanted if n in self.valid]
        return sorted({n for n in sizes if max_qubits is None or n <= max_qubits})

    def combinations(self, overrides: Mapping[str, Sequence[Any]]) -> Iterator[Params]:
        """Every combination of the swept parameters, those named in ``overrides`` replaced."""
        names = list(self.sweeps)
        values = [overrides.get(name, self.sweeps[name]) for name in names]
        for combination in itertools.product(*values):
            yield tuple(zip(names, combination, strict=True))

    def instance_id(self, n_qubits: int, params: Params) -> str:
        """One instance in an item id: ``q12`` or ``q14-d20``."""
        return "-".join([f"q{n_qubits}", *(f"{_SHORT.get(name, name)}{_plain(value)}" for name, value in params)])

    def arguments(self, n_qubits: int, params: Params) -> dict[str, Any]:
        """The keyword arguments that the builder and the expectation get."""
        arguments = dict(params)
        if "n_qubits" in inspect.signature(self.builder).parameters:
            arguments["n_qubits"] = n_qubits
        return arguments


def circuit_case(
    n_qubits: int | Iterable[int],
    *,
    valid: Container[int] | None = None,
    tags: Iterable[str] = (),
    mirror: bool = False,
    name: str | None = None,
    **sweeps: Iterable[Any],
) -> Callable[[Builder], CircuitCase]:
    """Make a benchmark case of a function that builds a circuit.

    Args:
        n_qubits: the size or sizes it is measured at.
        valid: the sizes that ``--qbench-qubits`` may ask for (for example ``range(2, 25)``); the declared ones
            unless given.
        tags: words to select by; ``core`` puts it into the core suite.
        mirror: the circuit undoes itself, so that every shot must give all zeros.
        name: the name in item ids, the function's own unless given.
        **sweeps: values of the builder's further parameters, each combination an instance of its own
            (``depth=[10, 20]``).

    Returns:
        a decorator. The decorated function becomes a :class:`CircuitCase`; it takes ``n_qubits`` (or not, for a
        circuit of one size) and the swept parameters and returns a ``QuantumCircuit`` with its measurements, or
        a :class:`~pytest_qbench.Program`.

    Raises:
        TypeError, ValueError: the declaration makes no sense.
    """
    sizes = (n_qubits,) if isinstance(n_qubits, int) else tuple(n_qubits)
    if not sizes or any(not isinstance(n, int) or n < 1 for n in sizes):
        raise ValueError(f"circuit_case(n_qubits={n_qubits!r}): give one or more sizes of at least 1")
    tag_set = frozenset([tags] if isinstance(tags, str) else tags)
    swept = {key: tuple(values) for key, values in sweeps.items()}
    if reserved := _RESERVED & swept.keys():
        raise TypeError(f"circuit_case({min(reserved)}=...): this name has a meaning of its own; choose another")

    def decorate(builder: Builder) -> CircuitCase:
        parameters = inspect.signature(builder).parameters
        accepts_any = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
        for key, values in swept.items():
            if key not in parameters and not accepts_any:
                raise TypeError(f"circuit_case({key}=...): {builder.__name__}() has no parameter {key!r}")
            if not values:
                raise ValueError(f"circuit_case({key}=...): no values given")
        code = getattr(builder, "__code__", None)
        return CircuitCase(
            name=name or builder.__name__,
            builder=builder,
            n_qubits=tuple(sorted(set(sizes))),
            valid=frozenset(sizes) if valid is None else valid,
            sweeps=swept,
            tags=tag_set,
            mirror=mirror,
            path=code.co_filename if code else "",
            line=code.co_firstlineno if code else 0,
            pytestmark=list(getattr(builder, "pytestmark", ())),
        )

    return decorate


def _plain(value: Any) -> str:
    return "".join(character if character.isalnum() or character in "._+" else "_" for character in str(value))
