"""Gradient cases: circuits with parameters, written with :func:`gradient_case`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from pytest_qbench.cases import CaseError, CircuitCase, Params, circuit_case
from pytest_qbench.gradients.ansatz import Terms
from pytest_qbench.gradients.observables import OBSERVABLES, terms_of
from pytest_qbench.gradients.task import ENCODINGS

DEFAULT_DATASET = "synthetic"
_SHOWN = {"layers": "l"}


@dataclass(eq=False)
class GradientCase(CircuitCase):
    """A family of circuits with parameters: what :func:`gradient_case` makes of a builder function."""

    is_gradient: ClassVar[bool] = True
    shots_letter: ClassVar[str] = "n"

    own_observables: dict[str, Callable[[int], Mapping[str, float]]] = field(default_factory=dict)

    def observable(self, function: Callable[[int], Mapping[str, float]]) -> Callable[[int], Mapping[str, float]]:
        """Decorator: ``function`` takes ``n_qubits`` and returns Pauli strings with coefficients, as in Qiskit.

        Its name becomes a name for ``--qbench-observable``.
        """
        self.own_observables[function.__name__] = function
        return function

    @property
    def observables(self) -> tuple[str, ...]:
        """The names of the observables that it has: its own, and those of every case."""
        return (*self.own_observables, *OBSERVABLES)

    def terms(self, name: str, n_qubits: int) -> Terms:
        """The observable of that name.

        Raises:
            CaseError: there is none, or the case's own function gives nonsense.
        """
        if name in self.own_observables:
            function = self.own_observables[name]
            try:
                return terms_of(function(n_qubits), n_qubits)
            except Exception as error:  # whatever a user's function raises
                code = function.__code__
                where = f"{code.co_filename}:{code.co_firstlineno}: {name}({n_qubits})"
                raise CaseError(f"{where}: {type(error).__name__}: {error}") from error
        if name in OBSERVABLES:
            return OBSERVABLES[name](n_qubits)
        known = ", ".join(self.observables)
        raise CaseError(f"{self.name} has no observable {name!r}; it has {known} ({self.path}:{self.line})")

    def arguments(self, n_qubits: int, params: Params) -> dict[str, Any]:
        """The keyword arguments that the builder gets: neither encoding, observable nor data set concern it."""
        parameters = inspect.signature(self.builder).parameters
        any_name = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
        own = {"n_qubits": n_qubits, **{k: v for k, v in params if k not in ("encoding", "observable", "dataset")}}
        return {key: value for key, value in own.items() if any_name or key in parameters}

    def instance_id(self, n_qubits: int, params: Params) -> str:
        """``amplitude-q12-l2``, with the observable and the data set where they are not the usual ones."""
        values = dict(params)
        parts = [str(values.pop("encoding")), f"q{n_qubits}"]
        observable, dataset = values.pop("observable"), values.pop("dataset")
        parts += [f"{_SHOWN.get(key, key)}{value}" for key, value in values.items()]
        if observable != "z0":
            parts.append(str(observable))
        if dataset != DEFAULT_DATASET:
            parts.append(_short(str(dataset)))
        return "-".join(parts)


def gradient_case(
    n_qubits: int | Iterable[int],
    *,
    layers: int | Iterable[int] = (),
    encoding: str | Iterable[str] = ("amplitude",),
    observable: str | Iterable[str] = ("z0",),
    valid: Container[int] | None = None,
    tags: Iterable[str] = (),
    name: str | None = None,
    **sweeps: Iterable[Any],
) -> Callable[[Callable[..., Any]], GradientCase]:
    """Make a gradient case of a function that builds a circuit with parameters.

    Args:
        n_qubits: the size or sizes it is measured at unless ``--qbench-qubits`` says otherwise.
        layers: the same for the builder's parameter ``layers``, where it has one.
        encoding: how features become states, ``amplitude``, ``angle``, ``basis`` or ``iqp``, one or several.
        observable: ``z0``, ``zlast``, ``zsum`` or one that the case defines with ``@case.observable``.
        valid: the sizes that may be asked for; all from 1 to 30 unless given.
        tags: words to select by.
        name: the name in item ids, the function's own unless given.
        **sweeps: values of the builder's further parameters, each combination an instance of its own.

    Returns:
        a decorator. The decorated function takes ``n_qubits`` and the swept parameters and returns a Qiskit circuit
        with ``Parameter`` objects, which is applied after the encoding; parameters are numbered in the order of
        ``circuit.parameters``.

    Raises:
        TypeError, ValueError: the declaration makes no sense.
    """
    encodings, observables = _texts(encoding), _texts(observable)
    for word in encodings:
        if word not in ENCODINGS:
            raise ValueError(f"gradient_case(encoding={word!r}): choose from {', '.join(ENCODINGS)}")
    if not observables:
        raise ValueError("gradient_case(observable=...): no observable given")
    layer_counts = (layers,) if isinstance(layers, int) else tuple(layers)

    def decorate(builder: Callable[..., Any]) -> GradientCase:
        own: dict[str, Any] = {**({"layers": layer_counts} if layer_counts else {}), **sweeps}
        sizes = range(1, 31) if valid is None else valid
        made = circuit_case(n_qubits, valid=sizes, tags=tags, name=name, **own)(builder)
        case = GradientCase(**vars(made))
        case.sweeps = {**case.sweeps, "encoding": encodings, "observable": observables, "dataset": (DEFAULT_DATASET,)}
        return case

    return decorate


def _texts(value: str | Iterable[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _short(dataset: str) -> str:
    """A data set in an id: the name of a file without its folders."""
    name = dataset.rsplit("/", 1)[-1]
    return "".join(character if character.isalnum() or character in "._+" else "_" for character in name)
