"""Linear maps on density matrices: gates and channels as matrices that can be multiplied before they are applied.

A density matrix of n qubits is a tensor with 2 n axes of length 2: those of its rows (the highest qubit first), then
those of its columns; a last axis has an entry for each of several matrices. A gate or channel with the Kraus operators
K is the map sum K (x) conj(K) on the row and column axes of its qubits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Tensor = NDArray[np.complex128]


@dataclass(frozen=True)
class DensityMap:
    """A linear map on the density matrix of ``qubits``.

    Rows and columns of ``matrix`` have the row index of the density matrix above the column index, both little-endian
    in ``qubits``.
    """

    qubits: tuple[int, ...]
    matrix: Tensor


def map_of(qubits: tuple[int, ...], operators: Sequence[Tensor]) -> DensityMap:
    """The map with these Kraus operators."""
    size = 4 ** len(qubits)
    matrix = np.zeros((size, size), np.complex128)
    for operator in operators:
        matrix += np.kron(operator, operator.conj())
    return DensityMap(qubits, matrix)


def composed(maps: Sequence[DensityMap], qubits: tuple[int, ...]) -> DensityMap:
    """One map on ``qubits`` that does what ``maps`` do one after the other."""
    if len(maps) == 1 and maps[0].qubits == qubits:
        return maps[0]
    size = 4 ** len(qubits)
    columns = np.eye(size, dtype=np.complex128).reshape((2,) * (2 * len(qubits)) + (size,))
    for each in maps:
        local = DensityMap(tuple(qubits.index(qubit) for qubit in each.qubits), each.matrix)
        columns = act(local, columns, len(qubits))
    return DensityMap(qubits, columns.reshape(size, size))


def act(new: DensityMap, state: Tensor, n_qubits: int) -> Tensor:
    """What ``new`` makes of a state of 2 ``n_qubits`` axes and a last one for the columns."""
    rows = [n_qubits - 1 - qubit for qubit in reversed(new.qubits)]
    axes = [*rows, *(n_qubits + axis for axis in rows)]
    front = np.moveaxis(state, axes, range(len(axes)))
    done = (new.matrix @ front.reshape(len(new.matrix), -1)).reshape(front.shape)
    return np.moveaxis(done, range(len(axes)), axes)
