"""A circuit with parameters: a program and which of its gate parameters vary. Standard library only."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from pytest_qbench.circuits.program import Instruction, Program

Terms: TypeAlias = tuple[tuple[float, tuple[tuple[int, str], ...]], ...]
"""An observable: a sum of Pauli strings, each a coefficient and its letters as (qubit, ``X``, ``Y`` or ``Z``)."""


@dataclass(frozen=True, slots=True)
class ParameterUse:
    """One parameter of one gate that varies: its value is ``scale * parameters[parameter] + offset``.

    ``instruction`` is an index into the program's instructions, ``param`` into that gate's parameters.
    """

    instruction: int
    param: int
    parameter: int
    scale: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True, slots=True)
class Ansatz:
    """A program of gates only, and the uses of its ``n_parameters`` parameters; one may be used several times."""

    program: Program
    uses: tuple[ParameterUse, ...]
    n_parameters: int

    @property
    def n_qubits(self) -> int:
        """The number of qubits."""
        return self.program.n_qubits

    @property
    def hash(self) -> str:
        """SHA-256 of what it does, as hexadecimal digits."""
        value = [self.program.hash, [_use_to_json(use) for use in self.uses], self.n_parameters]
        return hashlib.sha256(json.dumps(value).encode()).hexdigest()

    def bound(self, parameters: Sequence[float]) -> Program:
        """The program with all parameters set.

        Raises:
            ValueError: there are not ``n_parameters`` of them.
        """
        if len(parameters) != self.n_parameters:
            raise ValueError(f"{len(parameters)} parameters for a circuit that has {self.n_parameters}")
        values: dict[int, dict[int, float]] = {}
        for use in self.uses:
            angle = use.scale * float(parameters[use.parameter]) + use.offset
            values.setdefault(use.instruction, {})[use.param] = angle
        instructions = tuple(
            _with_params(item, values[i]) if i in values else item for i, item in enumerate(self.program.instructions)
        )
        return replace(self.program, instructions=instructions)

    def to_json(self) -> dict[str, Any]:
        """A JSON value that :meth:`from_json` turns back into an equal ansatz."""
        return {
            "program": self.program.to_json(),
            "uses": [_use_to_json(use) for use in self.uses],
            "n_parameters": self.n_parameters,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Ansatz:
        """The inverse of :meth:`to_json`."""
        uses = tuple(ParameterUse(*use) for use in value["uses"])
        return cls(Program.from_json(value["program"]), uses, value["n_parameters"])


def _use_to_json(use: ParameterUse) -> list[Any]:
    return [use.instruction, use.param, use.parameter, use.scale, use.offset]


def _with_params(item: Instruction, values: Mapping[int, float]) -> Instruction:
    return replace(item, params=tuple(values.get(i, old) for i, old in enumerate(item.params)))
