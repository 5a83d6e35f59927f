"""A circuit with variable parameters as a short list of blocks, and the matrices of these for given parameters.

A block is a matrix on a few qubits that lie either on the last bits of the index into a state or on the first ones,
so that applying it is one matrix product for all states of a batch. Before a block whose qubits are elsewhere the bits
are rearranged, by a copy; nothing is put back, the order is remembered instead. This is for states short enough
that a batch of them stays in the cache, where such a copy costs little beside the product.

The matrix of a block is the product of few factors, each a trigonometric polynomial of some variables that stands for
several gates (see :mod:`~pytest_qbench.engine.batches.gate_tensors`). So a few products of small matrices give the
matrices for many parameter sets at once, and their derivatives too. The variables are called slots, 0, 1, 2, ...; their
values are ``angles``, shape ``(sets, slots)``, one set for all states or one for each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from pytest_qbench.engine.batches.gate_tensors import TrigMatrix, VariableGate
from pytest_qbench.engine.batches.grouping import Group, Grouping, groupings

_WIDTHS = range(2, 7)
"""The numbers of qubits of a block that are tried."""
_TERMS = 16
"""Most terms of a factor: evaluating more would cost more than multiplying by one factor more."""
_PASS = 48
"""What a block costs besides its products (copies and calls), in multiplications per amplitude."""


@dataclass(frozen=True, slots=True)
class Rearrangement:
    """Another order of the bits of an index: split it into ``shape`` and permute these axes.

    ``axes`` counts them from 1, because axis 0 is that of the states in a batch.
    """

    shape: tuple[int, ...]
    axes: tuple[int, ...]

    def apply(self, states: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
        """Write ``states`` in the new order into ``out``; both have shape ``(rows, 2**n)``."""
        source = states.view(-1, *self.shape).permute(0, *self.axes)
        out.view(source.shape).copy_(source)
        return out

    def undo(self, states: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
        """Write ``states`` in the old order into ``out``."""
        target = out.view(-1, *self.shape).permute(0, *self.axes)
        target.copy_(states.view(target.shape))
        return out


class Factor:
    """A :class:`TrigMatrix` on a device."""

    def __init__(self, matrix: TrigMatrix, dtype: torch.dtype, device: torch.device) -> None:
        """Copy it there; ``dtype`` is complex."""
        self.variables = matrix.variables
        self.size = matrix.coefficients.shape[-1]
        flat = matrix.coefficients.reshape(matrix.n_terms, -1)
        self._coefficients = torch.as_tensor(flat, dtype=dtype, device=device)
        self._frequencies = torch.as_tensor(matrix.frequencies.T.copy(), dtype=dtype.to_real(), device=device)
        self._columns = torch.as_tensor(matrix.variables, dtype=torch.int64, device=device)

    def phases(self, angles: torch.Tensor) -> torch.Tensor:
        """The exponentials of the terms, shape ``(sets, terms)``; one set will do where nothing varies."""
        if not self.variables:
            angles = angles[:1]
        turns = angles[:, self._columns] @ self._frequencies
        return torch.polar(torch.ones_like(turns), turns)

    def matrices(self, phases: torch.Tensor) -> torch.Tensor:
        """The matrices with terms weighted by ``phases``, shape ``(..., terms)`` -> ``(..., d, d)``."""
        return (phases @ self._coefficients).view(*phases.shape[:-1], self.size, self.size)

    def derivative_weights(self) -> torch.Tensor:
        """By what each term is multiplied in the derivative for each variable, shape ``(variables, terms)``."""
        return 1j * self._frequencies

    def shift_weights(self, number: int, shifts: Sequence[float]) -> torch.Tensor:
        """The same for adding ``shifts`` to variable ``number``, shape ``(shifts, terms)``."""
        by = torch.tensor(shifts, dtype=self._frequencies.dtype, device=self._frequencies.device)
        turns = by[:, None] * self._frequencies[number]
        return torch.polar(torch.ones_like(turns), turns)


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """One step of a plan.

    Attributes:
        rearrangement: what happens to the states before; None for nothing.
        last: whether its qubits are the last (least significant) bits; else they are the first.
        n_controls: its matrix acts where the so many first bits are all 1, on the bits that follow these.
        factors: their product is its matrix, little-endian in its bits; the first one acts first.
    """

    rearrangement: Rearrangement | None
    last: bool
    n_controls: int
    factors: tuple[Factor, ...]

    @property
    def slots(self) -> tuple[int, ...]:
        """Its variables, in the order of :meth:`derivatives`."""
        return tuple(slot for factor in self.factors for slot in factor.variables)

    def matrices(self, angles: torch.Tensor) -> torch.Tensor:
        """Its matrix for each parameter set, shape ``(sets, d, d)``; a single one where nothing varies."""
        values = [factor.matrices(factor.phases(angles)) for factor in self.factors]
        result = values[0]
        for value in values[1:]:
            result = value @ result
        return result

    def derivatives(self, angles: torch.Tensor) -> torch.Tensor:
        """The derivatives of its matrix for its slots, shape ``(sets, slots, d, d)``."""
        return self.variations(angles, [factor.derivative_weights() for factor in self.factors])

    def variations(self, angles: torch.Tensor, weights: Sequence[torch.Tensor]) -> torch.Tensor:
        """Its matrix with the terms of one factor weighted, for each factor and each row of weights in turn.

        Args:
            angles: shape ``(sets, slots)``.
            weights: shape ``(variations, terms)`` for each factor.

        Returns:
            Shape ``(sets, all variations, d, d)``.
        """
        phases = [factor.phases(angles) for factor in self.factors]
        values = [factor.matrices(phase) for factor, phase in zip(self.factors, phases, strict=True)]
        after: list[torch.Tensor | None] = [None]
        for value in reversed(values[1:]):
            after.append(value if after[-1] is None else after[-1] @ value)
        before: torch.Tensor | None = None
        results = []
        for factor, phase, value, weight, later in zip(
            self.factors, phases, values, weights, reversed(after), strict=True
        ):
            if len(weight):
                varied = factor.matrices(phase[:, None] * weight)
                varied = varied if later is None else later[:, None] @ varied
                results.append(varied if before is None else varied @ before[:, None])
            before = value if before is None else value @ before
        return torch.cat([result.expand(len(angles), -1, -1, -1) for result in results], dim=1)


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Blocks to apply one after another to states in Qiskit's order, and the ``order`` of bits that these leave: bit
    i of the index into a state is that of qubit ``order[i]``."""

    blocks: tuple[Block, ...]
    order: tuple[int, ...]

    @property
    def slots(self) -> tuple[int, ...]:
        """The slots of all blocks in turn."""
        return tuple(slot for block in self.blocks for slot in block.slots)


def make_plan(
    gates: Sequence[VariableGate], n_qubits: int, *, per_state: bool, dtype: torch.dtype, device: torch.device
) -> Plan:
    """Plan the blocks of a circuit.

    Args:
        gates: in order; their variables are slots.
        n_qubits: of the circuit.
        per_state: whether each state will have parameters of its own, so that making the matrices counts.
        dtype: complex type of the factors.
        device: where they shall be.
    """
    masks = [gate.mask for gate in gates]
    candidates = (
        (_cost(grouping, gates, n_qubits, per_state), grouping)
        for width in sorted({min(width, n_qubits) for width in _WIDTHS})
        for grouping in groupings(masks, n_qubits, width)
    )
    _, best = min(candidates, key=lambda candidate: candidate[0])
    order = list(range(n_qubits))
    blocks = [_block(group, gates, order, dtype, device) for group in best]
    return Plan(tuple(blocks), tuple(order))


def _cost(grouping: Grouping, gates: Sequence[VariableGate], n_qubits: int, per_state: bool) -> float:
    """An estimate of the work of a gradient, in multiplications per state."""
    total = 0.0
    for group in grouping:
        n_slots = sum(len(gates[gate].matrix.variables) for gate in group.gates)
        size = 1 << group.qubits.bit_count()
        if len(group.gates) == 1:
            size >>= gates[group.gates[0]].n_controls
        total += (3 * size + _PASS) * (1 << n_qubits) + n_slots * size**2
        if per_state:
            n_factors = 1 + n_slots // 4
            total += 2 * (n_factors + n_slots) * size**3 + (n_factors + n_slots) * _TERMS * size**2
    return total


def _block(
    group: Group, gates: Sequence[VariableGate], order: list[int], dtype: torch.dtype, device: torch.device
) -> Block:
    """The block of a group; ``order`` becomes that of the bits after it."""
    only = gates[group.gates[0]] if len(group.gates) == 1 else None
    controls = set(only.qubits[: only.n_controls]) if only is not None else set()
    inside = {qubit for qubit in order if group.qubits >> qubit & 1}
    wires, last, new_order = _placed(inside - controls, controls, order)
    rearranged = rearrangement(order, new_order)
    order[:] = new_order
    factors: list[TrigMatrix] = []
    for gate in group.gates:
        matrix = _on_wires(gates[gate], wires, with_controls=not controls)
        if factors and factors[-1].n_terms * matrix.n_terms <= _TERMS:
            factors[-1] = factors[-1].then(matrix)
        else:
            factors.append(matrix)
    return Block(rearranged, last, len(controls), tuple(Factor(factor, dtype, device) for factor in factors))


def _on_wires(gate: VariableGate, wires: Sequence[int], *, with_controls: bool) -> TrigMatrix:
    """The matrix of a gate, little-endian in ``wires``."""
    matrix, qubits = gate.matrix, gate.qubits[gate.n_controls :]
    if gate.n_controls and with_controls:
        matrix, qubits = matrix.controlled(gate.n_controls), gate.qubits
    return matrix.embedded([wires.index(qubit) for qubit in qubits], len(wires))


def _placed(targets: set[int], controls: set[int], order: Sequence[int]) -> tuple[list[int], bool, list[int]]:
    """Where to bring the qubits of a block: these in order, whether to the last bits, and the order of all qubits."""
    n, k = len(order), len(targets)
    wires = [qubit for qubit in order if qubit in targets]
    if controls:
        others = [qubit for qubit in order if qubit not in targets and qubit not in controls]
        return wires, False, [*others, *wires, *(qubit for qubit in order if qubit in controls)]
    if wires == list(order[:k]):
        return wires, True, list(order)
    if wires == list(order[n - k :]):
        return wires, False, list(order)
    others = [qubit for qubit in order if qubit not in targets]
    places = [bit for bit, qubit in enumerate(order) if qubit in targets]
    # To leave the last bits alone makes for long runs in memory. A window is moved fast either way, and the product
    # is faster on the last bits.
    if places[0] == 0 or places[-1] - places[0] == k - 1:
        return wires, True, [*wires, *others]
    return wires, False, [*others, *wires]


def rearrangement(old: Sequence[int], new: Sequence[int]) -> Rearrangement | None:
    """From one order of the qubits to another, with bits that stay together in one axis; None if they are equal."""
    places = [old.index(qubit) for qubit in new]
    if places == list(range(len(old))):
        return None
    starts = [i for i, place in enumerate(places) if i == 0 or place != places[i - 1] + 1]
    runs = [(places[start], end - start) for start, end in zip(starts, [*starts[1:], len(places)], strict=True)]
    by_place = sorted(runs, reverse=True)
    shape = tuple(1 << length for _, length in by_place)
    return Rearrangement(shape, tuple(1 + by_place.index(run) for run in reversed(runs)))
