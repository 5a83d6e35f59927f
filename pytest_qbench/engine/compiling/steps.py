"""What a compiled program is made of: plain data, no simulator.

Two levels. *Steps* are unitary and act on the amplitudes of one state or of many at once. *Operations* act on
branches: a state together with a classical memory and the number of shots that share them. A
:class:`Plan` is a list of operations and the bits to sample in the end; :mod:`~pytest_qbench.engine.running` runs it.

Every position here is one of :mod:`~pytest_qbench.engine.compiling.layout`, already resolved: a step need not know
which qubit is where.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from pytest_qbench.circuits.program import Condition
from pytest_qbench.engine.compiling.layout import Index, Shape

Complex: TypeAlias = NDArray[np.complex128]


@dataclass(frozen=True, slots=True, eq=False)
class Dense:
    """Multiply by a matrix on the k adjacent positions ``low .. low + k - 1``, as one matrix product.

    ``matrix`` has shape ``(2**k, 2**k)`` and is little-endian in these positions.
    """

    low: int
    matrix: Complex


@dataclass(frozen=True, slots=True, eq=False)
class Diagonal:
    """Multiply each amplitude by a factor that depends on some of its bits.

    ``factors`` broadcasts against the state viewed in ``shape``.
    """

    shape: Shape
    factors: Complex


@dataclass(frozen=True, slots=True)
class Scale:
    """Multiply one slice of the state, ``index`` of the view in ``shape``, by ``factor`` (a controlled phase)."""

    shape: Shape
    index: Index
    factor: complex


@dataclass(frozen=True, slots=True)
class Exchange:
    """Exchange two slices of the state: x and swap with any number of controls."""

    shape: Shape
    first: Index
    second: Index


@dataclass(frozen=True, slots=True)
class Move:
    """Permute positions: view the state in ``shape`` and put the axes in the order ``permutation``."""

    shape: Shape
    permutation: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several steps (None: nothing), by the bits ``bits`` of the index of a chunk; only within a sweep.

    The choice is the number that the bits spell, ``bits[0]`` being the least significant.
    """

    bits: tuple[int, ...]
    steps: tuple[Step | None, ...]


@dataclass(frozen=True, slots=True)
class Sweep:
    """Apply all ``steps`` to one chunk of ``2**n_bits`` amplitudes after another, while it is in a cache."""

    n_bits: int
    steps: tuple[Step | Choice, ...]


Step: TypeAlias = Dense | Diagonal | Scale | Exchange | Move | Sweep


def span(step: Step) -> int:
    """The length of the pieces that a step makes of pieces of the same length, in amplitudes."""
    match step:
        case Dense():
            return len(step.matrix) << step.low
        case Sweep():
            return 1 << step.n_bits
        case _:
            return math.prod(step.shape[1:])


@dataclass(frozen=True, slots=True)
class Evolve:
    """Apply ``steps`` to the branches (those whose ``guard`` bit is 1, where there is a guard)."""

    steps: tuple[Step, ...]
    guard: int | None = None


@dataclass(frozen=True, slots=True)
class Measure:
    """Measure the qubit at ``position`` into bit ``bit`` of the memory, splitting branches by the outcome.

    ``overwrites``: the bit may hold an earlier outcome, which is lost; branches that differed in nothing else
    become one.
    """

    position: int
    bit: int
    overwrites: bool
    guard: int | None = None


@dataclass(frozen=True, slots=True)
class Reset:
    """Measure the qubit at ``position``, forget the outcome and leave the qubit in state 0."""

    position: int
    guard: int | None = None


@dataclass(frozen=True, slots=True)
class Error:
    """What a noise channel does to a shot now and then; masks are bits of the index of some few qubits.

    Attributes:
        chance: its probability. An error that is a decay happens with this probability times that of the qubit
            being 1.
        flips: the qubits on which it has an X.
        signs: the qubits on which it has a Z (before X, where it has both).
        decays: the qubit that it projects to 1 beforehand; 0 for a Pauli error.
    """

    chance: float
    flips: int
    signs: int
    decays: int


@dataclass(frozen=True, slots=True, eq=False)
class Noise:
    """Split off the branches that have had an error among the last gates.

    Attributes:
        positions: those of the qubits concerned, ascending; indices and matrices are little-endian in them.
        channels: what may happen at each of the channels, in order of time; at most one error at each.
        later: for each channel the product of the gates after it, shape ``(channels, 2**k, 2**k)``; invertible.
        normalise: whether to make the states unit vectors again, which damping has shortened.
        guard: where there is one, it concerns branches whose bit is 1.
    """

    positions: tuple[int, ...]
    channels: tuple[tuple[Error, ...], ...]
    later: Complex
    normalise: bool
    guard: int | None = None


@dataclass(frozen=True, slots=True)
class Misread:
    """Flip ``bit`` of the memory by chance: with probability ``false_one`` where it is 0, ``false_zero`` where 1."""

    bit: int
    false_one: float
    false_zero: float
    guard: int | None = None


@dataclass(frozen=True, slots=True)
class Decide:
    """Set bit ``then_bit`` where the condition holds and ``else_bit`` where it does not (with a guard: and it is 1).

    Conditionals become these two hidden bits of the memory, which guard the operations of the two blocks. So a
    program with nested blocks is a flat list, and branches that took different blocks stay together.
    """

    condition: Condition
    then_bit: int
    else_bit: int
    guard: int | None = None


@dataclass(frozen=True, slots=True)
class Forget:
    """Clear hidden bits that guard nothing any more, so that they don't keep branches apart."""

    bits: tuple[int, ...]


Operation: TypeAlias = Evolve | Measure | Reset | Noise | Misread | Decide | Forget


@dataclass(frozen=True, slots=True)
class Plan:
    """A compiled program, for any device and precision.

    Attributes:
        n_qubits: the qubits; the state has ``2**n_qubits`` amplitudes.
        n_clbits: the classical bits of the program, the first bits of the memory.
        n_bits: bits of the memory, hidden ones included.
        operations: what to do, in order, starting from all zeros.
        sampled: the measurements after which nothing happens: bit of the memory -> position. They are taken
            together, without splitting branches.
        misread: the readout errors after which nothing looks at their bit, in order; they come after sampling.
        layout: the position of each of the program's qubits in the end.
    """

    n_qubits: int
    n_clbits: int
    n_bits: int
    operations: tuple[Operation, ...]
    sampled: dict[int, int]
    misread: tuple[Misread, ...]
    layout: tuple[int, ...]

    @property
    def is_unitary(self) -> bool:
        """Whether it only evolves and, in the end, samples: all shots then share one state."""
        return all(isinstance(operation, Evolve) for operation in self.operations)
