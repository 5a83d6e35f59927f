"""Where a qubit lives in the state vector: the one place that states the convention.

The state of n qubits is a flat array of ``2**n`` amplitudes. Each bit of an amplitude's index belongs to one
qubit. *Position* p is the index bit of weight ``2**p``, so position 0 varies fastest in memory. Where qubit q is at
position q, amplitude 6 = 0b110 is that of qubits 2 and 1 in state 1 and qubit 0 in state 0, which is Qiskit's
little-endian order. Steps may move qubits to other positions; a *layout* is the list that has the current position of
each qubit.

Viewed as an array of n axes of length 2, position p is axis ``n - 1 - p``. No step needs that many axes: positions
that are adjacent and treated alike share one axis, so views stay short whatever n is. The first axis of every
shape here is -1: it takes up the positions above the listed ones and, where a batch of states lies in one buffer
one after another, the batch too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Layout = list[int]
"""The position of each qubit."""

Shape = tuple[int, ...]
Index = tuple[int | slice, ...]


def slice_shape(positions: Iterable[int]) -> Shape:
    """The shape in which each of ``positions`` has an axis (of length 2) of its own.

    The result is ``(-1, 2, gap, 2, gap, ...)``: the listed positions from the highest down, each followed by one
    axis for all positions between it and the next.
    """
    descending = sorted(positions, reverse=True)
    shape = [-1]
    for position, below in zip(descending, [*descending, -1][1:], strict=True):
        shape += [2, 1 << (position - below - 1)]
    return tuple(shape)


def slice_index(bits: dict[int, int]) -> Index:
    """The index that selects, in :func:`slice_shape` of the keys, the amplitudes whose bit at each key is the value.

    Args:
        bits: position -> 0 or 1.
    """
    index: list[int | slice] = [slice(None)]
    for position in sorted(bits, reverse=True):
        index += [bits[position], slice(None)]
    return tuple(index)


def run_shape(positions: Iterable[int]) -> tuple[Shape, tuple[int, ...]]:
    """The shape in which each run of adjacent ``positions`` is one axis, and which axes these are.

    Returns:
        ``(-1, run, gap, run, ...)`` from the highest run down (no gap after a run that ends at position 0), and
        the indices of the run axes.
    """
    descending = sorted(positions, reverse=True)
    shape, axes = [-1], []
    start = 0
    for i, position in enumerate(descending):
        below = descending[i + 1] if i + 1 < len(descending) else -1
        if position - below == 1 and below >= 0:
            continue
        axes.append(len(shape))
        shape.append(1 << (i - start + 1))
        if position - below > 1:
            shape.append(1 << (position - below - 1))
        start = i + 1
    return tuple(shape), tuple(axes)


def move_shape(sources: Sequence[int]) -> tuple[Shape, tuple[int, ...]]:
    """How to permute positions: the view to take of the state and the order to put its axes in.

    Args:
        sources: for each new position, the old position that goes there.

    Returns:
        the shape of the old state, in which positions that stay together share an axis, and the permutation of
        its axes. Both start with the batch axis.
    """
    runs: list[list[int]] = []  # in the new order, highest first; each run descending
    for source in reversed(sources):
        if runs and runs[-1][-1] - 1 == source:
            runs[-1].append(source)
        else:
            runs.append([source])
    by_age = sorted(range(len(runs)), key=lambda i: -runs[i][0])
    old_axis = {run: axis for axis, run in enumerate(by_age)}
    shape = tuple(1 << len(runs[i]) for i in by_age)
    permutation = tuple(old_axis[i] for i in range(len(runs)))
    if permutation[0] == 0:  # the topmost run stays: it joins the batch axis
        return (-1, *shape[1:]), permutation
    return (-1, *shape), (0, *(axis + 1 for axis in permutation))


def is_contiguous(positions: Sequence[int]) -> bool:
    """Whether the positions are adjacent to one another."""
    return max(positions) - min(positions) == len(positions) - 1


def wires_by_position(layout: Layout) -> list[int]:
    """The wires in the order of their positions, from position 0 up."""
    return sorted(range(len(layout)), key=layout.__getitem__)


def layout_of(wires: Sequence[int]) -> Layout:
    """The layout in which ``wires`` have the positions 0, 1, ... (the inverse of :func:`wires_by_position`)."""
    layout = [0] * len(wires)
    for position, wire in enumerate(wires):
        layout[wire] = position
    return layout
