"""Conditional blocks dissolved into instructions with conditions."""

from __future__ import annotations

import pytest
from sampled_programs import gate, if_else, measure, reset

from pytest_qbench import Condition, Instruction, UnsupportedError
from pytest_qbench.backends.guards import dissolve

X, Y, Z, H = (gate(name, 0) for name in "xyzh")


def done(*items: Instruction, memory: int) -> list[Instruction]:
    """What is done when the classical memory has this value."""
    return [item for guard, item in dissolve(items) if guard is None or guard.holds(memory)]


def test_what_is_in_no_block_has_no_condition() -> None:
    items = (X, measure(0, 0), reset(0))
    assert list(dissolve(items)) == [(None, item) for item in items]


def test_then_and_else() -> None:
    block = if_else((2, 0), {1, 2}, [X, Y], [Z])
    assert done(H, block, H, memory=0b000) == [H, Z, H]
    assert done(H, block, H, memory=0b001) == [H, X, Y, H]  # bit 0 is the upper one of the condition
    assert done(H, block, H, memory=0b100) == [H, X, Y, H]
    assert done(H, block, H, memory=0b101) == [H, Z, H]


def test_conditions_inside_conditions_become_one() -> None:
    inner = if_else((1, 0), {0b01}, [X], [Y])
    block = if_else((0,), {0}, [inner, Z], [H])
    assert [done(block, memory=memory) for memory in range(4)] == [[Y, Z], [H], [X, Z], [H]]
    assert all(guard is not None and len(guard.clbits) <= 2 for guard, _ in dissolve([block]))


@pytest.mark.parametrize(("values", "expected"), [({0, 1, 2, 3}, [(None, X)]), (set(), [(None, Y)])])
def test_a_condition_that_is_certain_is_none(values: set[int], expected: list[tuple[None, Instruction]]) -> None:
    assert list(dissolve([if_else((0, 3), values, [X], [Y])])) == expected


def test_what_contradicts_itself_is_left_out() -> None:
    block = if_else((0,), {1}, [if_else((0,), {0}, [X], [Y])])
    assert list(dissolve([block])) == [(Condition((0,), frozenset({1})), Y)]


def test_a_measurement_in_a_block_is_unsupported_but_a_reset_is_not() -> None:
    assert done(if_else((0,), {1}, [reset(1)]), memory=1) == [reset(1)]
    with pytest.raises(UnsupportedError, match="measurement inside a conditional block"):
        list(dissolve([if_else((0,), {1}, [if_else((1,), {1}, [], [measure(0, 2)])])]))
