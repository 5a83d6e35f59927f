"""Is a program well formed? For programs that were written by hand."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_qbench.circuits.gates import GATES
from pytest_qbench.circuits.program import (
    CHANNELS,
    DEPOLARIZING,
    IF_ELSE,
    MEASURE,
    READOUT_ERROR,
    RESET,
    UNITARY,
    Instruction,
    Program,
)


def problems(program: Program) -> Iterable[str]:
    """What is wrong with a program, instruction by instruction; nothing where it is well formed.

    Qubits and classical bits must exist and each be named once, gates be known and have as many qubits and
    parameters as they take, matrices fit their qubits, probabilities of noise be between 0 and 1.
    """
    for instruction in program.walk():
        for problem in (*_bits(instruction, program), *_shape(instruction)):
            yield f"instruction {instruction.name!r} on qubits {list(instruction.qubits)}: {problem}"


def _bits(item: Instruction, program: Program) -> Iterable[str]:
    clbits = (*item.clbits, *(item.condition.clbits if item.condition else ()))
    if not all(0 <= qubit < program.n_qubits for qubit in item.qubits):
        yield f"the program has qubits 0 to {program.n_qubits - 1}"
    if not all(0 <= clbit < program.n_clbits for clbit in clbits):
        yield f"the program has {program.n_clbits} classical bits"
    if len(set(item.qubits)) < len(item.qubits):
        yield "a qubit is named twice"


def _shape(item: Instruction) -> Iterable[str]:
    if item.name == MEASURE:
        if (len(item.qubits), len(item.clbits)) != (1, 1):
            yield "it takes one qubit and one classical bit"
    elif item.name == RESET:
        if len(item.qubits) != 1:
            yield "it takes one qubit"
    elif item.name == IF_ELSE:
        if item.condition is None or len(item.blocks) not in (1, 2):
            yield "it takes a condition and one or two blocks"
    elif item.name == UNITARY:
        size = 1 << len(item.qubits)
        if item.matrix is None or [len(row) for row in item.matrix] != [size] * size:
            yield f"it takes a matrix of {size} rows and columns"
    elif item.name in CHANNELS:
        yield from _channel(item)
    elif item.name not in GATES:
        yield "no such gate"
    else:
        gate = GATES[item.name]
        if gate.n_qubits not in (None, len(item.qubits)):
            yield f"it takes {gate.n_qubits} qubits"
        if gate.n_params != len(item.params):
            yield f"it takes {gate.n_params} parameters"


def _channel(item: Instruction) -> Iterable[str]:
    n_params = 1
    if item.name == READOUT_ERROR:
        n_params = 2
        if item.qubits or len(item.clbits) != 1:
            yield "it takes one classical bit and no qubit"
    elif item.name == DEPOLARIZING:
        if len(item.qubits) not in (1, 2) or item.clbits:
            yield "it takes one or two qubits and no classical bit"
    elif len(item.qubits) != 1 or item.clbits:
        yield "it takes one qubit and no classical bit"
    if len(item.params) != n_params:
        yield f"it takes {n_params} parameters" if n_params > 1 else "it takes 1 parameter"
    for param in item.params:
        if not 0 <= param <= 1:
            yield f"{param!r} is no probability: it must be between 0 and 1"
