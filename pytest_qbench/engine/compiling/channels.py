"""Noise, the compiler's part: gates and channels become groups on few qubits.

In the usual course no channel does anything of note: most shots pass it without an error. So the gates of a group are
fused and applied to all branches as if there were no channels, and the few branches that get an error are mended at
the end of the group: an error E between the gates V and W is, after W V, the operator W E W^-1, a matrix on the qubits
of the group. :class:`~pytest_qbench.engine.compiling.steps.Noise` holds what that takes.

Channels as errors with a probability:

- depolarizing and phase damping are mixtures of Pauli operators, whose probabilities do not depend on the state;
- amplitude damping has no such form. A shot that does not decay takes diag(1, sqrt(1 - gamma)), which is one of the
  gates of the group though not unitary. Whether it decays is decided in two stages: with probability gamma it may,
  whatever the state; only then the probability of the qubit being 1 has to be known, with which it does.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeAlias

import numpy as np

from pytest_qbench.circuits.program import AMPLITUDE_DAMPING, PHASE_DAMPING, UNITARY, Instruction
from pytest_qbench.engine.compiling.blocks import Gate
from pytest_qbench.engine.compiling.steps import Complex, Error, Noise

GROUP_QUBITS = 4
"""Most qubits of a group. More gates fit into a larger one, but its errors are matrices of 4**k entries."""

_GROUP_NORM = 0.25
"""A group takes no more once its damping may leave so little of a state's squared norm: errors are mended by undoing
what came after them, and where later gates had mixed what is left with the rest, that would be inaccurate."""
_LEAST_NORM = 1e-6
"""States are made unit vectors again when damping may have left so little of their squared norms."""


@dataclass(frozen=True, slots=True)
class Channel:
    """A noise channel of the program, on wires."""

    instruction: Instruction
    wires: tuple[int, ...]

    @classmethod
    def of(cls, instruction: Instruction, wires: Sequence[int]) -> Channel:
        """The channel ``instruction``, its qubit q being ``wires[q]``."""
        return cls(instruction, tuple(wires[q] for q in instruction.qubits))

    @property
    def strength(self) -> float:
        """Its parameter."""
        return self.instruction.params[0]

    @property
    def gamma(self) -> float:
        """The part of state 1 that decays; 0 but for amplitude damping."""
        return self.strength if self.instruction.name == AMPLITUDE_DAMPING else 0.0

    def errors(self, bits: tuple[int, ...]) -> tuple[Error, ...]:
        """What it may do to a shot, its qubits being ``bits`` of the index."""
        return _errors(self.instruction.name, self.strength, bits)

    def no_decay(self) -> Iterator[Gate]:
        """What an amplitude damping does to a shot that does not decay, as a gate; nothing for other channels."""
        if self.gamma:
            matrix = ((1 + 0j, 0j), (0j, complex(math.sqrt(1 - self.gamma))))
            yield Gate.of(Instruction(UNITARY, (0,), matrix=matrix), self.wires)


Item: TypeAlias = Gate | Channel


@lru_cache(maxsize=1024)
def _errors(name: str, strength: float, bits: tuple[int, ...]) -> tuple[Error, ...]:
    """What a channel may do to a shot, its qubits being ``bits`` of the index."""
    mask = 1 << bits[0]
    if name == AMPLITUDE_DAMPING:
        return (Error(strength, mask, 0, mask),)
    if name == PHASE_DAMPING:
        return (Error((1 - math.sqrt(1 - strength)) / 2, 0, mask, 0),)
    subsets = [0]
    for bit in bits:
        subsets += [subset | 1 << bit for subset in subsets]
    paulis = itertools.product(subsets, repeat=2)  # by the qubits that are flipped, and those whose sign is
    return tuple(Error(strength / len(subsets) ** 2, flips, signs, 0) for flips, signs in paulis if flips or signs)


@dataclass
class Group:
    """Gates and channels on few wires, in order."""

    wires: set[int] = field(default_factory=set)
    items: list[Item] = field(default_factory=list)
    norm: float = 1.0
    """The least that its damping may leave of the squared norm of a state."""
    normalise: bool = False
    """Whether states are to be made unit vectors after it."""

    def takes(self, item: Item) -> bool:
        """Whether ``item`` may join."""
        return len(self.wires.union(item.wires)) <= GROUP_QUBITS and self.norm >= _GROUP_NORM

    def add(self, item: Item) -> None:
        """Append ``item``."""
        self.wires.update(item.wires)
        self.items.append(item)
        if isinstance(item, Channel):
            self.norm *= 1 - item.gamma

    @property
    def has_channels(self) -> bool:
        """Whether it has any noise."""
        return any(isinstance(item, Channel) for item in self.items)

    def gates(self) -> Iterator[Gate]:
        """Its gates, for a shot without errors."""
        for item in self.items:
            if isinstance(item, Gate):
                yield item
            else:
                yield from item.no_decay()

    def noise(self, layout: Sequence[int], guard: int | None) -> Noise:
        """What its channels do to states that have gone through its gates, ``layout`` being that after these."""
        order = sorted(self.wires, key=lambda wire: layout[wire])
        channels = [item for item in self.items if isinstance(item, Channel)]
        errors = [channel.errors(tuple(order.index(wire) for wire in channel.wires)) for channel in channels]
        positions = tuple(layout[wire] for wire in order)
        return Noise(positions, tuple(errors), self._later(order), self.normalise, guard)

    def _later(self, order: Sequence[int]) -> Complex:
        """For each channel, the product of the gates from there to the end, little-endian in ``order``."""
        k = len(order)
        # Transposed, so that a gate that comes earlier is applied like a gate to states: (W V)^T = V^T W^T.
        product = np.eye(1 << k, dtype=np.complex128).reshape((2,) * k + (-1,))
        products = []
        for item in reversed(self.items):
            if isinstance(item, Channel):
                products.append(product.reshape(1 << k, 1 << k).T)
            for gate in item.no_decay() if isinstance(item, Channel) else (item,):
                size = len(gate.wires)
                axes = [k - 1 - order.index(wire) for wire in reversed(gate.wires)]
                matrix = gate.form.matrix.T.reshape((2,) * (2 * size))
                product = np.moveaxis(np.tensordot(matrix, product, (range(size, 2 * size), axes)), range(size), axes)
        return np.array(products[::-1])


def stages(items: Iterable[Item]) -> Iterator[tuple[list[Gate], Group | None]]:
    """Bring ``items`` into an order of stages: some gates to fuse, and then the noise of a group.

    All gates of a group are among those of its stage or earlier ones. The last stage may be without noise.
    """
    items = list(items)
    if not any(isinstance(item, Channel) for item in items):
        yield [item for item in items if isinstance(item, Gate)], None
        return
    groups = _grouped(items)
    _set_normalise([group for group in groups if group.has_channels])
    gates: list[Gate] = []
    for group in groups:
        gates += group.gates()
        if group.has_channels:
            yield gates, group
            gates = []
    yield gates, None


def _grouped(items: Iterable[Item]) -> list[Group]:
    """Distribute ``items`` to groups; these one after another do what the items do.

    An item joins the earliest group that takes it, from the last one with which it shares a wire on, and preferably
    one that has all of its wires.
    """
    groups: list[Group] = []
    for item in items:
        candidates = []
        for group in reversed(groups):
            if group.takes(item):
                candidates.append(group)
            if not group.wires.isdisjoint(item.wires):
                break
        if not candidates:
            candidates.append(Group())
            groups.append(candidates[0])
        min(reversed(candidates), key=lambda group: len(group.wires.union(item.wires)) - len(group.wires)).add(item)
    return groups


def _set_normalise(groups: Sequence[Group]) -> None:
    """Keep the norms of states from vanishing, and make them 1 in the end, for other operations count on that."""
    norm = 1.0
    for i, group in enumerate(groups):
        norm *= group.norm
        if norm < 1 and (norm < _LEAST_NORM or i == len(groups) - 1):
            group.normalise = True
            norm = 1.0
