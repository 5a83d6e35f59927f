"""Noise models: which channels a noisy device has after which instructions.

A :class:`NoiseModel` is a kind of noise and its strength. :func:`with_noise` writes it into a program, so that every
simulator is given the same channels in the same places, and none has a noise model of its own.

The convention, for a strength s:

- ``depolarizing``: after a gate on one qubit, the one-qubit channel with p = s; after a gate on two qubits, the
  two-qubit channel with p = s on both; after a gate on more qubits, a one-qubit channel with p = s on each of them;
- ``amplitude_damping`` (gamma = s) and ``phase_damping`` (lambda = s): after a gate, the channel on each of its qubits,
  in their order;
- ``readout``: after a measurement, on each classical bit that it wrote, a readout error with p(1|0) = p(0|1) = s.

Every gate counts, whatever it does: ``id``, ``swap``, diagonal gates and ``unitary`` too, and those inside conditional
blocks where the block is taken. The gates are those of the program as written: with_noise comes before any rewriting
(fusing, lowering), so that a gate that a simulator does not know still counts as one. Resets, conditions and idle
qubits are without noise. No strength is no noise: the program stays as it is. What the channels do is said at
:class:`~pytest_qbench.circuits.program.Instruction`. Standard library only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from pytest_qbench.circuits.program import (
    AMPLITUDE_DAMPING,
    DEPOLARIZING,
    MEASURE,
    PHASE_DAMPING,
    READOUT_ERROR,
    Instruction,
    Program,
)

READOUT = "readout"
KINDS = (DEPOLARIZING, AMPLITUDE_DAMPING, PHASE_DAMPING, READOUT)
"""The kinds of noise."""


@dataclass(frozen=True, slots=True)
class NoiseModel:
    """Noise of one kind (``name`` is one of :data:`KINDS`) and ``strength`` (a probability) on every gate or
    measurement.

    Raises:
        ValueError: there is no such kind, or the strength is not between 0 and 1.
    """

    name: str
    strength: float

    def __post_init__(self) -> None:
        if self.name not in KINDS:
            raise ValueError(f"there is no noise {self.name!r}; there is {', '.join(KINDS)}")
        if not 0 <= self.strength <= 1:
            raise ValueError(f"the strength of noise must be between 0 and 1, not {self.strength!r}")

    @property
    def label(self) -> str:
        """In an item id: ``noise0.01`` for depolarizing, ``amplitude_damping0.05`` and the like for others."""
        return f"{'noise' if self.name == DEPOLARIZING else self.name}{self.strength:.15g}"

    def to_json(self) -> dict[str, Any]:
        """What rows have: ``{"model": "depolarizing", "strength": 0.01}``."""
        return {"model": self.name, "strength": self.strength}

    def after(self, item: Instruction) -> Iterator[Instruction]:
        """The channels that come after ``item`` (those of the instructions in its blocks are not among them)."""
        if self.name == READOUT:
            if item.name == MEASURE:
                for clbit in item.clbits:
                    yield Instruction(READOUT_ERROR, (), (self.strength, self.strength), (clbit,))
        elif item.is_gate:
            together = self.name == DEPOLARIZING and len(item.qubits) == 2
            for qubits in [item.qubits] if together else [(qubit,) for qubit in item.qubits]:
                yield Instruction(self.name, qubits, (self.strength,))


def with_noise(program: Program, model: NoiseModel) -> Program:
    """``program`` with the channels of ``model`` after its gates and measurements (the convention is above).

    Channels that the program has already stay and get none of their own.
    """
    if not model.strength:
        return program
    instructions = tuple(_noisy(program.instructions, model))
    return Program(program.n_qubits, program.n_clbits, instructions, program.name)


def _noisy(instructions: Iterable[Instruction], model: NoiseModel) -> Iterator[Instruction]:
    for item in instructions:
        if item.blocks:
            yield replace(item, blocks=tuple(tuple(_noisy(block, model)) for block in item.blocks))
        else:
            yield item
        yield from model.after(item)
