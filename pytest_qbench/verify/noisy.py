"""The exact distribution of circuits with noise: density matrices in plain numpy, complex128, apart from every engine.

There is one density matrix for each value of the classical memory, and it is not normalised: its trace is the
probability of that value. Gates and channels are maps of :mod:`~pytest_qbench.verify.density_maps`; those on the same
one or two qubits are multiplied before they are applied, which loses nothing. Gates on more than three qubits are
applied to the rows and, conjugated, to the columns.

Measurements whose qubit and bit are not used again need no branches: they read the diagonal at the end, and their
readout errors act on what is read. So do those of a circuit that has no other noise: its state is pure, and the
simulator of :mod:`~pytest_qbench.verify.exact` finds it for more qubits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from pytest_qbench.circuits.channels import ON_QUBITS, kraus_operators
from pytest_qbench.circuits.gates import gate_matrix
from pytest_qbench.circuits.program import (
    IF_ELSE,
    MEASURE,
    READOUT_ERROR,
    Instruction,
    Program,
)
from pytest_qbench.verify.density_maps import DensityMap, Tensor, act, composed, map_of
from pytest_qbench.verify.distribution import Distribution
from pytest_qbench.verify.exact import (
    MAX_BRANCHES,
    MAX_DENSE_CLBITS,
    ReferenceTooLargeError,
    apply_matrix,
    exact_distribution,
    read_out,
    resolve_gate,
)
from pytest_qbench.verify.final_reads import Confusion, along, split_final_reads

MAX_QUBITS = 10
"""The largest density matrix: 4**10 complex numbers are 16 MiB."""
MAX_WORK = 3e10
"""The most complex multiply-adds of one reference: some 10 to 30 seconds."""
MAX_ENTRIES = 1 << 23
"""The most complex numbers of all density matrices together: a few copies of 128 MiB."""

_FUSED = 2
"""Maps are multiplied up to so many qubits."""
_AS_MAP = 3
"""Gates on more qubits are applied to rows and columns one after the other."""
_NO_WEIGHT = 1e-15
"""A branch of less probability is dropped."""


class UnverifiableError(Exception):
    """The circuit has noise, and its exact distribution is out of reach; the message says why."""


def noisy_distribution(program: Program, max_qubits: int = MAX_QUBITS, max_work: float = MAX_WORK) -> Distribution:
    """The exact distribution of the classical bits of ``program``, which has noise; bits never written are 0.

    Args:
        program: static or dynamic.
        max_qubits: the largest density matrix to hold.
        max_work: the most complex multiply-adds to spend.

    Raises:
        UnverifiableError: it is not feasible within these limits.
        CaseError: the program holds an unknown gate or a matrix that is not unitary.
    """
    body, final, confusion = split_final_reads(program.instructions)
    clean = Program(program.n_qubits, program.n_clbits, tuple(body))
    if not clean.is_noisy and program.n_clbits <= MAX_DENSE_CLBITS:
        return _misread(clean, final, confusion)
    if program.n_qubits > max_qubits:
        raise UnverifiableError(
            f"a circuit with noise is verified up to {max_qubits} qubits; this one has {program.n_qubits}"
        )
    simulator = _Simulator(program.n_qubits, max_work)
    populations, memory = simulator.run_all(body)
    for qubit, matrix in confusion.items():
        populations = along(matrix, populations, program.n_qubits - 1 - qubit)
    return read_out(populations, memory, final, program)


def _misread(clean: Program, final: Mapping[int, int], confusion: Mapping[int, Confusion]) -> Distribution:
    """The distribution of a circuit whose only noise is in reading its final measurements."""
    reads = tuple(Instruction(MEASURE, (qubit,), clbits=(clbit,)) for qubit, clbit in final.items())
    program = Program(clean.n_qubits, clean.n_clbits, clean.instructions + reads)
    try:
        exact = exact_distribution(program)
    except ReferenceTooLargeError as error:
        raise UnverifiableError(f"no exact distribution: {error.reason}") from error
    n_clbits = program.n_clbits
    dense = exact.probabilities
    if exact.keys is not None:
        dense = np.zeros(1 << n_clbits)
        dense[[int(key, 2) for key in exact.keys]] = exact.probabilities
    weights = dense.reshape((2,) * n_clbits)
    for qubit, matrix in confusion.items():
        weights = along(matrix, weights, n_clbits - 1 - final[qubit])
    return Distribution.from_array(np.ascontiguousarray(weights).reshape(-1), n_clbits)


class _Simulator:
    """Runs instructions on density matrices and keeps account of the work.

    ``waiting`` are maps on different qubits that are not applied yet.
    """

    def __init__(self, n_qubits: int, max_work: float) -> None:
        self.n_qubits = n_qubits
        self.max_work = max_work
        self.work = 0.0
        self.waiting: list[DensityMap] = []
        self.state = np.zeros((2,) * (2 * n_qubits) + (1,), dtype=np.complex128)
        self.state.reshape(-1)[0] = 1
        self.memory = [0]

    def run_all(self, instructions: Iterable[Instruction]) -> tuple[NDArray[np.float64], list[int]]:
        """The probabilities of the qubits' values (an axis per qubit) by memory, and the values of the memory."""
        self._run(instructions)
        size = 1 << self.n_qubits
        matrices = self.state.reshape(size, size, -1)
        diagonal = np.diagonal(matrices).real.T  # numpy puts the diagonal's axis last
        return diagonal.reshape((2,) * self.n_qubits + (-1,)), self.memory

    def _run(self, instructions: Iterable[Instruction]) -> None:
        for item in instructions:
            if not self.memory:
                break
            if item.is_gate or item.name in ON_QUBITS:
                self._evolve(item)
            elif item.name == READOUT_ERROR:
                self._misread(item)
            else:
                self._apply_waiting()
                if item.name == IF_ELSE:
                    self._if_else(item)
                else:
                    step = self._measure if item.name == MEASURE else self._reset
                    for place in range(len(item.qubits)):
                        step(item, place)
        self._apply_waiting()

    def _evolve(self, item: Instruction) -> None:
        """Take a gate or a channel: it waits, multiplied with what waits on its qubits, unless that gets too large."""
        if item.is_gate:
            gate = resolve_gate(item)
            if len(item.qubits) > _AS_MAP:
                self._apply_waiting()
                self._spend(2.0 * self.state.size * np.count_nonzero(gate.matrix) / len(gate.matrix))
                for shift, matrix in ((0, gate.matrix), (self.n_qubits, gate.matrix.conj())):
                    axes = [[shift + self._axis(qubit) for qubit in own] for own in (gate.controls, gate.targets)]
                    apply_matrix(self.state, matrix, *axes)
                return
            new = map_of(item.qubits, [np.array(gate_matrix(item), dtype=np.complex128)])
        else:
            new = map_of(item.qubits, [np.array(operator, dtype=np.complex128) for operator in kraus_operators(item)])
        touched = [other for other in self.waiting if not set(other.qubits).isdisjoint(new.qubits)]
        self.waiting = [other for other in self.waiting if other not in touched]
        qubits, absorbed = new.qubits, []
        for other in touched:
            union = tuple(dict.fromkeys((*qubits, *other.qubits)))
            if len(union) <= max(_FUSED, len(new.qubits)):
                qubits = union
                absorbed.append(other)
            else:
                self._apply(other)
        self.waiting.append(composed([*absorbed, new], qubits))

    def _apply_waiting(self) -> None:
        for waiting in self.waiting:
            self._apply(waiting)
        self.waiting = []

    def _apply(self, new: DensityMap) -> None:
        self._spend(float(self.state.size) * len(new.matrix))
        self.state = act(new, self.state, self.n_qubits)

    def _axis(self, qubit: int) -> int:
        return self.n_qubits - 1 - qubit

    def _spend(self, work: float) -> None:
        self.work += work
        if self.work > self.max_work:
            raise UnverifiableError(f"its exact density matrix takes more than {self.max_work:.0e} multiply-adds")

    def _block(self, qubit: int, bit: int) -> tuple[int | slice, ...]:
        """The index of the part of the state in which ``qubit`` is ``bit`` in rows and columns."""
        axes = (self._axis(qubit), self.n_qubits + self._axis(qubit))
        return tuple(bit if axis in axes else slice(None) for axis in range(2 * self.n_qubits))

    def _measure(self, item: Instruction, place: int) -> None:
        self._check_size(2)
        qubit, clbit = item.qubits[place], item.clbits[place]
        parts = []
        for bit in (0, 1):
            part = np.zeros_like(self.state)
            part[self._block(qubit, bit)] = self.state[self._block(qubit, bit)]
            parts.append(part)
        others = [memory & ~(1 << clbit) for memory in self.memory]
        self._merge(np.concatenate(parts, axis=-1), [*others, *(memory | 1 << clbit for memory in others)])

    def _reset(self, item: Instruction, place: int) -> None:
        zero, one = (self._block(item.qubits[place], bit) for bit in (0, 1))
        state = np.zeros_like(self.state)
        state[zero] = self.state[zero] + self.state[one]
        self.state = state

    def _misread(self, item: Instruction) -> None:
        """A readout error: each memory goes on as it is, and with the bit flipped."""
        self._apply_waiting()
        self._check_size(2)
        (clbit,) = item.clbits
        chances = np.array([item.params[memory >> clbit & 1] for memory in self.memory])
        state = np.concatenate([self.state * (1 - chances), self.state * chances], axis=-1)
        self._merge(state, [*self.memory, *(memory ^ 1 << clbit for memory in self.memory)])

    def _if_else(self, item: Instruction) -> None:
        assert item.condition is not None
        state, memory = self.state, self.memory
        holds = np.array([item.condition.holds(value) for value in memory])
        states, memories = [], []
        for block, chosen in zip((*item.blocks, (), ())[:2], (holds, ~holds), strict=True):
            columns = np.flatnonzero(chosen)
            self.state, self.memory = state[..., columns], [memory[column] for column in columns]
            self._run(block)
            states.append(self.state)
            memories += self.memory
        self._merge(np.concatenate(states, axis=-1), memories)

    def _check_size(self, factor: int) -> None:
        if self.state.size * factor > MAX_ENTRIES:
            raise UnverifiableError(
                f"{len(self.memory) * factor} branches with exact density matrices of {self.n_qubits} qubits are too "
                "many"
            )

    def _merge(self, state: Tensor, memory: Sequence[int]) -> None:
        """One matrix per value of the memory, and none of no weight."""
        self._spend(2.0 * state.size)
        size = 1 << self.n_qubits
        weights = np.trace(state.reshape(size, size, -1)).real
        groups: dict[int, list[int]] = {}
        for column, value in enumerate(memory):
            if weights[column] > _NO_WEIGHT:
                groups.setdefault(value, []).append(column)
        if len(groups) > MAX_BRANCHES:
            raise UnverifiableError(f"the classical memory takes more than {MAX_BRANCHES} values")
        self.memory = list(groups)
        self.state = np.stack([state[..., columns].sum(axis=-1) for columns in groups.values()], axis=-1)
