"""What a path is asked to do: the gradients of one scenario. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from pytest_qbench.gradients.ansatz import Ansatz, Terms

ENCODINGS = ("amplitude", "angle", "basis", "iqp")
PRECISIONS = ("double", "single")


@dataclass(frozen=True, slots=True)
class GradientTask:
    """Gradients of an expectation value for all parameters, for each of ``n_samples`` rows of features.

    Attributes:
        ansatz: the circuit after the encoding.
        parameters: the values at which to differentiate.
        observable: what is measured.
        encoding: how a row becomes a state, one of :data:`ENCODINGS`.
        features: a ``.npy`` file, float64, shape ``(rows, 2**n)`` for amplitude encoding and ``(rows, n)`` else.
        n_samples: so many rows, from the first.
        precision: of the states: ``double`` or ``single``.
        seed: for a path that draws at random.
        memory_limit: bytes that encoded states may take; None for no limit.
        spill: a folder for encoded states that take more; None where that is not allowed.
    """

    ansatz: Ansatz
    parameters: tuple[float, ...]
    observable: Terms
    encoding: str
    features: str
    n_samples: int
    precision: str = "double"
    seed: int = 42
    memory_limit: int | None = None
    spill: str | None = None

    def to_json(self) -> dict[str, Any]:
        """A JSON value that :meth:`from_json` turns back into an equal task."""
        value = {field.name: getattr(self, field.name) for field in fields(self)}
        return {**value, "ansatz": self.ansatz.to_json()}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> GradientTask:
        """The inverse of :meth:`to_json`."""
        observable = tuple(
            (coefficient, tuple((qubit, letter) for qubit, letter in letters))
            for coefficient, letters in value["observable"]
        )
        return cls(
            **{
                **value,
                "ansatz": Ansatz.from_json(value["ansatz"]),
                "parameters": tuple(value["parameters"]),
                "observable": observable,
            }
        )
