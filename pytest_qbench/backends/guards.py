"""Conditional blocks dissolved into single instructions with a condition each, for simulators whose conditions are on
single gates. Standard library only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pytest_qbench.backends.base import UnsupportedError
from pytest_qbench.circuits.program import IF_ELSE, MEASURE, Condition, Instruction

Guarded = tuple[Condition | None, Instruction]
"""An instruction and the condition under which it is done (None: always). It is no ``if_else``."""


def dissolve(instructions: Iterable[Instruction]) -> Iterator[Guarded]:
    """The instructions in order, those in blocks with all conditions around them as one; what can't happen is left out.

    Raises:
        UnsupportedError: a block holds a measurement, which could change the bits that the rest of it depends on.
    """
    return _dissolve(instructions, None)


def _dissolve(instructions: Iterable[Instruction], guard: Condition | None) -> Iterator[Guarded]:
    for item in instructions:
        if item.name != IF_ELSE:
            if guard is not None and item.name == MEASURE:
                raise UnsupportedError("measurement inside a conditional block")
            yield guard, item
            continue
        assert item.condition is not None
        for block, condition in zip(item.blocks, (item.condition, _negation(item.condition)), strict=False):
            both = condition if guard is None else _conjunction(guard, condition)
            if both.values:
                always = len(both.values) == 1 << len(both.clbits)
                yield from _dissolve(block, None if always else both)


def _negation(condition: Condition) -> Condition:
    return Condition(condition.clbits, frozenset(range(1 << len(condition.clbits))) - condition.values)


def _conjunction(one: Condition, other: Condition) -> Condition:
    clbits = tuple(dict.fromkeys((*one.clbits, *other.clbits)))
    memories = (sum((value >> i & 1) << clbit for i, clbit in enumerate(clbits)) for value in range(1 << len(clbits)))
    values = (value for value, memory in enumerate(memories) if one.holds(memory) and other.holds(memory))
    return Condition(clbits, frozenset(values))
