"""Readout errors on simulators that have them as a part of the measurement. Standard library only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pytest_qbench.backends.base import UnsupportedError
from pytest_qbench.circuits.program import IF_ELSE, MEASURE, READOUT_ERROR, Instruction, Program


def with_readout_in_measurements(program: Program) -> Program:
    """``program`` with every readout error in the measurement before it.

    Such a measurement is of one qubit and has two parameters: p(1|0) and p(0|1). Others have none.

    Raises:
        UnsupportedError: a readout error is on a bit that was not measured before it in the same block, or was read
            in between.
    """
    if not program.is_noisy:
        return program
    return replace(program, instructions=tuple(_attached(program.instructions)))


def _attached(instructions: Sequence[Instruction]) -> list[Instruction]:
    done: list[Instruction] = []
    latest: dict[int, int] = {}
    """Classical bit -> where the measurement is that wrote it; a bit that a condition has read since has none."""
    for item in instructions:
        if item.name == READOUT_ERROR:
            (clbit,) = item.clbits
            if clbit not in latest:
                raise UnsupportedError("a readout error that does not follow the measurement of its bit")
            place = latest[clbit]
            done[place] = replace(done[place], params=_one_after_the_other(done[place].params, item.params))
        elif item.name == MEASURE:
            for qubit, clbit in zip(item.qubits, item.clbits, strict=True):
                latest[clbit] = len(done)
                done.append(Instruction(MEASURE, (qubit,), (), (clbit,)))
        elif item.name == IF_ELSE:
            for inner in Program(0, 0, (item,)).walk():
                for clbit in (*inner.clbits, *(inner.condition.clbits if inner.condition else ())):
                    latest.pop(clbit, None)
            done.append(replace(item, blocks=tuple(tuple(_attached(block)) for block in item.blocks)))
        else:
            done.append(item)
    return done


def _one_after_the_other(first: tuple[float, ...], second: tuple[float, ...]) -> tuple[float, float]:
    """p(1|0) and p(0|1) of two readout errors together; no parameters are no error."""
    (a, b), (c, d) = first or (0.0, 0.0), second
    return (1 - a) * c + a * (1 - d), (1 - b) * d + b * (1 - c)


def is_misread(item: Instruction) -> bool:
    """Whether a measurement has a readout error."""
    return any(item.params)
