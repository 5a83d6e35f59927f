"""Steps that multiply or exchange amplitudes where they are: diagonal gates, and permutations such as cx and swap.

These work on any positions. In a state that is worked on in chunks, positions from ``n_chunk`` on are bits of the
index of a chunk: what a gate does then differs from chunk to chunk, which is a
:class:`~pytest_qbench.engine.compiling.steps.Choice`.
"""

from __future__ import annotations

from collections.abc import Sequence

from pytest_qbench.engine.compiling.blocks import Block, Gate
from pytest_qbench.engine.compiling.layout import Layout, run_shape, slice_index, slice_shape, wires_by_position
from pytest_qbench.engine.compiling.steps import Choice, Diagonal, Exchange, Scale, Step

MIN_RUN = 6
"""Positions below which element-wise steps get slow, because their inner loops are short."""
_FEW = 5
"""A slice that is fixed in so many bits is short enough not to care."""


def diagonal_step(block: Block, layout: Layout, n_chunk: int) -> Step | Choice:
    """A diagonal block in its cheapest form."""
    phase = block.gates[0].form.phase if len(block.gates) == 1 else None
    positions = sorted(layout[wire] for wire in block.wires)
    inside = [position for position in positions if position < n_chunk]
    outside = [position - n_chunk for position in positions if position >= n_chunk]
    if phase is not None and (not inside or min(inside) >= MIN_RUN or len(inside) >= _FEW):
        return _where_all(outside, Scale(slice_shape(inside), slice_index(dict.fromkeys(inside, 1)), phase))
    by_position = wires_by_position(layout)
    if inside and inside[0] < MIN_RUN:
        # Spell out the factors for all low positions, whether they depend on them or not: longer inner loops.
        inside = sorted({*inside, *range(min(MIN_RUN, n_chunk))})
    order = [by_position[p] for p in inside] + [by_position[n_chunk + p] for p in outside]
    shape, run_axes = run_shape(inside)
    factors_shape = [size if axis in run_axes else 1 for axis, size in enumerate(shape)]
    factors = block.factors(order).reshape(1 << len(outside), *factors_shape)
    steps = tuple(Diagonal(shape, part) for part in factors)
    return Choice(tuple(outside), steps) if outside else steps[0]


def exchange_step(gate: Gate, layout: Layout, n_chunk: int) -> Step | Choice:
    """A gate that exchanges two slices of the state; no :class:`Choice` where a target is outside of the chunks."""
    assert gate.form.exchange is not None
    n_controls, values = gate.form.exchange
    positions = [layout[wire] for wire in gate.wires]
    controls, targets = positions[:n_controls], positions[n_controls:]
    outside = [position - n_chunk for position in controls if position >= n_chunk]
    if max(targets) >= n_chunk:
        outside = []
    inside = [p for p in controls if not outside or p < n_chunk]
    first, second = (
        slice_index(dict.fromkeys(inside, 1) | {p: value >> i & 1 for i, p in enumerate(targets)}) for value in values
    )
    return _where_all(outside, Exchange(slice_shape([*inside, *targets]), first, second))


def _where_all(bits: Sequence[int], step: Step) -> Step | Choice:
    """The step for those chunks that have 1 in all ``bits`` of their index."""
    if not bits:
        return step
    return Choice(tuple(bits), (*[None] * ((1 << len(bits)) - 1), step))
