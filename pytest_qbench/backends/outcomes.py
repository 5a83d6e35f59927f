"""What adapters share that get outcomes as numbers: bit strings, readout errors. Standard library only."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping

from pytest_qbench.circuits.program import CHANNELS, MEASURE, READOUT_ERROR, Instruction, Program


def bit_strings(outcomes: Mapping[int, int], positions: Mapping[int, int], n_clbits: int) -> dict[str, int]:
    """Counts by number as counts by bit string, classical bit 0 rightmost.

    Classical bit ``c`` is bit ``positions[c]`` of a number, and 0 where it has no position. Numbers that differ only
    in bits that no classical bit has are counted together.
    """
    sources = [positions.get(clbit) for clbit in reversed(range(n_clbits))]
    counts: dict[str, int] = {}
    for outcome, count in outcomes.items():
        key = "".join("0" if bit is None else "01"[outcome >> bit & 1] for bit in sources)
        counts[key] = counts.get(key, 0) + count
    return counts


def has_late_noise(program: Program) -> bool:
    """Whether noise comes after the measurement of its qubit: then measuring all at the end is not the same."""
    measured: set[int] = set()
    for item in program.instructions:
        if item.name == MEASURE:
            measured.update(item.qubits)
        elif item.name in CHANNELS and not measured.isdisjoint(item.qubits):
            return True
    return False


def readout_errors(program: Program) -> tuple[Instruction, ...]:
    """The readout errors of a static program, in their order: they may be left until all is measured."""
    return tuple(item for item in program.instructions if item.name == READOUT_ERROR)


def misread(counts: Mapping[str, int], errors: Iterable[Instruction], seed: int) -> dict[str, int]:
    """``counts`` after ``readout_error`` instructions, which act on every shot by itself."""
    steps = [(-1 - error.clbits[0], {"0": error.params[0], "1": error.params[1]}) for error in errors]
    if not steps:
        return dict(counts)
    draw = random.Random(seed).random
    result: dict[str, int] = {}
    for key, count in counts.items():
        for _ in range(count):
            bits = list(key)
            for position, wrong in steps:
                if draw() < wrong[bits[position]]:
                    bits[position] = "1" if bits[position] == "0" else "0"
            text = "".join(bits)
            result[text] = result.get(text, 0) + 1
    return result
