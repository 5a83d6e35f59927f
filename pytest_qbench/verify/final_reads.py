"""The measurements at the end of a circuit with noise, and the readout errors on them: they need no branches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from pytest_qbench.circuits.program import MEASURE, READOUT_ERROR, Instruction, Program

Confusion = NDArray[np.float64]
"""``[new, old]``: the probability that a bit which is ``old`` is read as ``new``."""


def along(matrix: Confusion, weights: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """``matrix`` applied to one axis of ``weights``."""
    return np.moveaxis(np.tensordot(matrix, weights, axes=(1, axis)), 0, axis)


def split_final_reads(
    instructions: Sequence[Instruction],
) -> tuple[list[Instruction], dict[int, int], dict[int, Confusion]]:
    """The instructions without the measurements that nothing but readout errors follows.

    Those measurements come as qubit -> classical bit, and their readout errors as qubit -> confusion.
    """
    body: list[Instruction] = []
    final: dict[int, int] = {}
    confusion: dict[int, Confusion] = {}
    used_qubits: set[int] = set()
    used_clbits: set[int] = set()
    late: dict[int, list[Instruction]] = {}
    """Bit -> the readout errors after which nothing uses it, the last one first."""
    for item in reversed(instructions):
        if item.name == READOUT_ERROR and item.clbits[0] not in used_clbits:
            late.setdefault(item.clbits[0], []).append(item)
        elif item.name == MEASURE:
            for qubit, clbit in reversed(tuple(zip(item.qubits, item.clbits, strict=True))):
                errors = late.pop(clbit, [])
                if qubit in used_qubits or clbit in used_clbits:
                    body += [*errors, Instruction(MEASURE, (qubit,), clbits=(clbit,))]
                else:
                    final[qubit] = clbit
                    if errors:
                        confusion[qubit] = _product(errors)
                used_qubits.add(qubit)
                used_clbits.add(clbit)
        else:
            for inner in Program(0, 0, (item,)).walk():
                used_qubits.update(inner.qubits)
                used_clbits.update(inner.clbits, inner.condition.clbits if inner.condition else ())
            for clbit in used_clbits & late.keys():
                body += late.pop(clbit)
            body.append(item)
    for errors in late.values():  # of bits that nothing else writes
        body += errors
    return body[::-1], final, confusion


def _product(errors: Iterable[Instruction]) -> Confusion:
    """The confusion of readout errors, the last one first."""
    product = np.eye(2)
    for error in errors:
        one_for_zero, zero_for_one = error.params
        product = product @ np.array([[1 - one_for_zero, zero_for_one], [one_for_zero, 1 - zero_for_one]])
    return product
