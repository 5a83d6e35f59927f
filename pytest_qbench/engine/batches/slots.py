"""Which gate parameters of a program are variables, and how they follow from the parameters of the circuit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch

from pytest_qbench.circuits.program import Program
from pytest_qbench.engine.batches.gate_tensors import VariableGate, shift_rule, variable_gate


@dataclass(frozen=True, slots=True)
class Slot:
    """One parameter of one gate that is a variable: its value is ``scale * parameters[parameter] + offset``.

    Attributes:
        instruction: index into the program's instructions.
        param: which of the gate's parameters.
        parameter: index into the parameters of the circuit. Several slots may share one.
        scale: as above.
        offset: as above.
    """

    instruction: int
    param: int
    parameter: int
    scale: float = 1.0
    offset: float = 0.0


class SlotMap:
    """The linear map from parameters to slots, and its transpose for derivatives."""

    def __init__(
        self,
        program: Program,
        slots: Sequence[Slot],
        n_parameters: int | None,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        """Check the slots.

        Args:
            program: where they are.
            slots: their numbers are their places in this sequence.
            n_parameters: how many parameters there are; None for as many as the slots use.
            dtype: of angles; real.
            device: of everything.

        Raises:
            ValueError: a slot names something that is not there, or what another one names.
        """
        _check(program, slots)
        used = max((slot.parameter + 1 for slot in slots), default=0)
        if n_parameters is not None and n_parameters < used:
            raise ValueError(f"n_parameters is {n_parameters}, but the slots use {used}")
        self.n_parameters = used if n_parameters is None else n_parameters
        self._places = [(program.instructions[slot.instruction].name, slot.param) for slot in slots]
        self._parameter_of = torch.tensor([slot.parameter for slot in slots], dtype=torch.int64, device=device)
        self._scales, self._offsets = (
            torch.tensor(column, dtype=dtype, device=device)
            for column in ([slot.scale for slot in slots], [slot.offset for slot in slots])
        )

    def shift_rules(self) -> list[tuple[tuple[float, float], ...]]:
        """The parameter-shift rule of each slot, for the angle of its gate."""
        return [shift_rule(*place) for place in self._places]

    def angles(self, parameters: torch.Tensor) -> torch.Tensor:
        """Values of the slots, shape ``(sets, parameters)`` -> ``(sets, slots)``."""
        return parameters.detach().to(self._scales.dtype)[:, self._parameter_of] * self._scales + self._offsets

    def derivatives(self, by_slot: torch.Tensor, slots: Iterable[int]) -> torch.Tensor:
        """From derivatives for the given slots to those for all parameters, ``(..., slots)`` -> ``(..., P)``."""
        which = torch.tensor(list(slots), dtype=torch.int64, device=by_slot.device)
        result = torch.zeros(*by_slot.shape[:-1], self.n_parameters, dtype=by_slot.dtype, device=by_slot.device)
        scaled = by_slot * self._scales[which].to(by_slot.dtype)
        return result.index_add_(-1, self._parameter_of[which], scaled)


def variable_gates(program: Program, slots: Sequence[Slot]) -> list[VariableGate]:
    """The gates of a program; the variables are the numbers of the slots.

    Raises:
        KeyError: the program has a gate that is no standard gate.
    """
    variables: dict[int, dict[int, int]] = {}
    for number, slot in enumerate(slots):
        variables.setdefault(slot.instruction, {})[slot.param] = number
    return [
        variable_gate(item, variables.get(index, {})) for index, item in enumerate(program.instructions) if item.is_gate
    ]


def _check(program: Program, slots: Sequence[Slot]) -> None:
    taken: set[tuple[int, int]] = set()
    for slot in slots:
        if not 0 <= slot.instruction < len(program.instructions):
            raise ValueError(f"{slot}: the program has {len(program.instructions)} instructions")
        item = program.instructions[slot.instruction]
        if not 0 <= slot.param < len(item.params):
            raise ValueError(f"{slot}: {item.name!r} has {len(item.params)} parameters")
        if slot.parameter < 0:
            raise ValueError(f"{slot}: parameters count from 0")
        if (slot.instruction, slot.param) in taken:
            raise ValueError(f"{slot}: another slot is at the same place")
        taken.add((slot.instruction, slot.param))
