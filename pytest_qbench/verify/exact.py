"""An exact simulator, kept apart from every engine that it judges: plain numpy, complex128, no gate fusion.

A program becomes an *ensemble*: for each value of the classical memory the unnormalised states that go with
it, as columns of one array. A gate acts on all columns at once; a measurement splits each column in two; a
condition sends some columns one way and the others the other way. Columns that share their memory are merged
without approximation: columns V stand for the mixture V V^dagger, and the singular value decomposition
V = U S W^dagger gives the fewest columns U S with the same mixture. Equal states (up to a global phase)
become one, and never are there more columns than dimensions, so that a circuit that measures into the same bits for
hundreds of rounds stays small.

Measurements whose qubit and bit are not used again need no splitting; they read the final probabilities. A
static program therefore is one column from beginning to end.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pytest_qbench.cases import CaseError
from pytest_qbench.circuits.gates import control_form, gate_matrix
from pytest_qbench.circuits.program import IF_ELSE, MEASURE, RESET, UNITARY, Instruction, Program
from pytest_qbench.verify.distribution import Distribution

MAX_QUBITS = 24
"""The largest state: 2**24 complex numbers are 256 MiB."""
MAX_WORK = 6_000_000_000
"""The most amplitude updates (complex multiply-adds) of one reference: some 10 to 25 seconds."""
MAX_DENSE_CLBITS = 26
"""Up to this many classical bits the result is an array of all outcomes."""
MAX_OUTCOMES = 1 << 20
"""Above ``MAX_DENSE_CLBITS``: the most outcomes that are listed one by one."""
MAX_BRANCHES = 1 << 13
"""The most values of the classical memory in the middle of a program."""
MAX_BRANCHED_AMPLITUDES = 1 << 22
"""The largest ensemble with branches, in complex numbers: a few copies of 64 MiB."""

_CALL_WORK = 2_000
"""What one numpy call costs besides its amplitudes, in amplitude updates."""
_NO_WEIGHT = 1e-15
"""A branch of less probability is dropped: it is rounding noise, or nobody will ever see it."""

_MAX_ENTRIES = 64
"""A matrix with more non-zero entries is applied as a matrix product, others entry by entry."""

_State = NDArray[np.complex128]


class ReferenceTooLargeError(CaseError):
    """The exact simulation would take too much memory or time."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(
            f"no reference distribution: {reason}. Give the case an `expected` distribution, make it a "
            "mirror circuit (mirror=True) that must return to all zeros, or use fewer qubits"
        )


@dataclass(frozen=True)
class _Ensemble:
    """States by classical memory.

    ``state`` has one axis of length 2 per qubit (the highest first) and a last one with a column per entry of
    ``memory``.
    """

    state: _State
    memory: tuple[int, ...]


def exact_distribution(program: Program, max_qubits: int = MAX_QUBITS, max_work: float = MAX_WORK) -> Distribution:
    """The exact distribution of ``program``'s classical bits; bits never written are 0.

    Args:
        program: static or dynamic.
        max_qubits: the largest state to hold.
        max_work: the most amplitude updates to spend.

    Raises:
        ReferenceTooLargeError: it is not feasible within these limits.
        CaseError: the program holds an unknown gate, a matrix that is not unitary, or noise (which
            :mod:`pytest_qbench.verify.noisy` simulates).
    """
    if program.is_noisy:
        raise CaseError("no reference distribution: the circuit has noise, and the exact simulator simulates none")
    n_qubits = program.n_qubits
    if n_qubits > max_qubits:
        raise ReferenceTooLargeError(f"{n_qubits} qubits are more than the {max_qubits} of the exact simulator")
    body, final = _split_final_measurements(program.instructions)
    simulator = _Simulator(n_qubits, max_work)
    simulator.check_feasible(body)
    ensemble = simulator.run(body, simulator.initial())
    return read_out(_populations(ensemble.state), ensemble.memory, final, program)


def _split_final_measurements(
    instructions: Sequence[Instruction],
) -> tuple[list[Instruction], dict[int, int]]:
    """The instructions without the measurements that nothing follows, and those as qubit -> classical bit."""
    body: list[Instruction] = []
    final: dict[int, int] = {}
    qubits_used: set[int] = set()
    clbits_used: set[int] = set()
    for instruction in reversed(instructions):
        if instruction.name == MEASURE:
            pairs = tuple(zip(instruction.qubits, instruction.clbits, strict=True))
            for qubit, clbit in reversed(pairs):
                if qubit in qubits_used or clbit in clbits_used:
                    body.append(Instruction(MEASURE, (qubit,), clbits=(clbit,)))
                else:
                    final[qubit] = clbit
                qubits_used.add(qubit)
                clbits_used.add(clbit)
            continue
        body.append(instruction)
        for inner in Program(0, 0, (instruction,)).walk():
            qubits_used.update(inner.qubits)
            clbits_used.update(inner.clbits)
            if inner.condition is not None:
                clbits_used.update(inner.condition.clbits)
    body.reverse()
    return body, final


class _Simulator:
    """Runs instructions on ensembles and keeps account of the work."""

    def __init__(self, n_qubits: int, max_work: float) -> None:
        self.n_qubits = n_qubits
        self.max_work = max_work
        self.work = 0.0

    def initial(self) -> _Ensemble:
        state = np.zeros((2,) * self.n_qubits + (1,), dtype=np.complex128)
        state.reshape(-1)[0] = 1
        return _Ensemble(state, (0,))

    def check_feasible(self, instructions: Iterable[Instruction]) -> None:
        """Refuse at once what would be refused after long work: the gates on a single column."""
        size = 2**self.n_qubits
        least = sum(_gate_work(resolve_gate(item), size) for item in instructions if item.is_gate)
        if least > self.max_work:
            raise ReferenceTooLargeError(
                f"{self.n_qubits} qubits with these gates need {least:.1e} amplitude updates, more than "
                f"{self.max_work:.1e}"
            )

    def run(self, instructions: Iterable[Instruction], ensemble: _Ensemble) -> _Ensemble:
        for instruction in instructions:
            if not ensemble.memory:
                break
            if instruction.name == MEASURE:
                for qubit, clbit in zip(instruction.qubits, instruction.clbits, strict=True):
                    ensemble = self._measure(ensemble, qubit, clbit)
            elif instruction.name == RESET:
                for qubit in instruction.qubits:
                    ensemble = self._reset(ensemble, qubit)
            elif instruction.name == IF_ELSE:
                ensemble = self._if_else(ensemble, instruction)
            else:
                self._gate(ensemble.state, instruction)
        return ensemble

    def _axis(self, qubit: int) -> int:
        return self.n_qubits - 1 - qubit

    def _spend(self, work: float) -> None:
        self.work += work
        if self.work > self.max_work:
            raise ReferenceTooLargeError(f"its branches need more than {self.max_work:.1e} amplitude updates")

    def _gate(self, state: _State, instruction: Instruction) -> None:
        gate = resolve_gate(instruction)
        self._spend(_gate_work(gate, state.size))
        controls = [self._axis(qubit) for qubit in gate.controls]
        apply_matrix(state, gate.matrix, controls, [self._axis(qubit) for qubit in gate.targets])

    def _project(self, ensemble: _Ensemble, qubit: int, bit: int) -> _State:
        """A copy of the columns with everything removed where ``qubit`` is not ``bit``."""
        state = ensemble.state.copy()
        state[_at(state, {self._axis(qubit): 1 - bit})] = 0
        return state

    def _measure(self, ensemble: _Ensemble, qubit: int, clbit: int) -> _Ensemble:
        self._check_branches(ensemble)
        others = [memory & ~(1 << clbit) for memory in ensemble.memory]
        state = np.concatenate([self._project(ensemble, qubit, bit) for bit in (0, 1)], axis=-1)
        return self._merge(state, [*others, *(memory | 1 << clbit for memory in others)])

    def _reset(self, ensemble: _Ensemble, qubit: int) -> _Ensemble:
        self._check_branches(ensemble)
        one = np.flip(self._project(ensemble, qubit, 1), self._axis(qubit))
        state = np.concatenate([self._project(ensemble, qubit, 0), one], axis=-1)
        return self._merge(state, [*ensemble.memory, *ensemble.memory])

    def _check_branches(self, ensemble: _Ensemble) -> None:
        if ensemble.state.size > MAX_BRANCHED_AMPLITUDES:
            raise ReferenceTooLargeError(
                f"{len(ensemble.memory)} branches of {self.n_qubits} qubits are more than "
                f"{MAX_BRANCHED_AMPLITUDES} amplitudes"
            )

    def _if_else(self, ensemble: _Ensemble, instruction: Instruction) -> _Ensemble:
        assert instruction.condition is not None
        holds = np.array([instruction.condition.holds(memory) for memory in ensemble.memory])
        results = []
        for block, chosen in zip((*instruction.blocks, (), ())[:2], (holds, ~holds), strict=True):
            columns = np.flatnonzero(chosen)
            part = _Ensemble(ensemble.state[..., columns], tuple(ensemble.memory[column] for column in columns))
            results.append(self.run(block, part))
        state = np.concatenate([result.state for result in results], axis=-1)
        return self._merge(state, [memory for result in results for memory in result.memory])

    def _merge(self, state: _State, memory: Sequence[int]) -> _Ensemble:
        """The fewest columns per value of the memory, and none of no weight."""
        self._spend(4.0 * state.size + _CALL_WORK)
        groups: dict[int, list[int]] = {}
        weights = _populations(state).reshape(-1, len(memory)).sum(axis=0)
        for column, value in enumerate(memory):
            if weights[column] > _NO_WEIGHT:
                groups.setdefault(value, []).append(column)
        if len(groups) > MAX_BRANCHES:
            raise ReferenceTooLargeError(
                f"its mid-circuit measurements give the classical memory more than {MAX_BRANCHES} values"
            )
        merged = [self._mix(state[..., columns]) for columns in groups.values()]
        values = [value for value, part in zip(groups, merged, strict=True) for _ in range(part.shape[-1])]
        return _Ensemble(np.concatenate(merged, axis=-1), tuple(values))

    def _mix(self, columns: _State) -> _State:
        """The fewest columns with the same mixture."""
        rank = columns.shape[-1]
        if rank == 1:
            return columns
        self._spend(columns.size * min(rank, 2**self.n_qubits))
        vectors, values, _ = np.linalg.svd(columns.reshape(-1, rank), full_matrices=False)
        kept = values**2 > _NO_WEIGHT * values[0] ** 2
        mixed: _State = (vectors[:, kept] * values[kept]).reshape((*columns.shape[:-1], -1))
        return mixed


def _populations(state: _State) -> NDArray[np.float64]:
    """The squared magnitudes of ``state``."""
    populations: NDArray[np.float64] = state.real**2
    populations += state.imag**2
    return populations


@dataclass(frozen=True)
class Gate:
    """``matrix`` on the qubits ``targets`` where all ``controls`` are 1."""

    controls: tuple[int, ...]
    targets: tuple[int, ...]
    matrix: NDArray[np.complex128]


def resolve_gate(instruction: Instruction) -> Gate:
    """A gate with its controls apart.

    Raises:
        CaseError: it is unknown, or its matrix is not of its size or not unitary.
    """
    form = control_form(instruction)
    n_controls, base = form if form is not None else (0, instruction)
    try:
        matrix = np.array(gate_matrix(base), dtype=np.complex128)
    except KeyError:
        raise CaseError(f"the program holds {base.name!r}, which is no known gate") from None
    except TypeError as error:
        raise CaseError(f"the program's {base.name!r} has wrong parameters: {error}") from None
    size = 2 ** len(base.qubits)
    if matrix.shape != (size, size):
        raise CaseError(f"the program's {base.name!r} on {len(base.qubits)} qubits has a {matrix.shape} matrix")
    if instruction.name == UNITARY and not np.allclose(matrix @ matrix.conj().T, np.eye(size), atol=1e-6):
        raise CaseError(f"the program's 'unitary' on qubits {instruction.qubits} has a matrix that is not unitary")
    return Gate(instruction.qubits[:n_controls], base.qubits, matrix)


def _gate_work(gate: Gate, amplitudes: int) -> float:
    """The amplitude updates of a gate on so many amplitudes, the cost of the numpy calls included."""
    per_amplitude = float(np.count_nonzero(gate.matrix)) / len(gate.matrix)
    return amplitudes * per_amplitude * 0.5 ** len(gate.controls) + _CALL_WORK


def _at(state: _State, bits: dict[int, int]) -> tuple[int | slice, ...]:
    """The index of the part of ``state`` where axis a has the value ``bits[a]``."""
    return tuple(bits.get(axis, slice(None)) for axis in range(state.ndim))


def apply_matrix(
    state: _State, matrix: NDArray[np.complex128], controls: Sequence[int], targets: Sequence[int]
) -> None:
    """Apply ``matrix`` in place to the axes ``targets`` (little-endian) where all ``controls`` are 1."""
    ones = dict.fromkeys(controls, 1)
    if np.count_nonzero(matrix) > _MAX_ENTRIES:
        active = state[_at(state, ones)]
        # The controls' axes are gone: the targets' move up.
        axes = [axis - sum(control < axis for control in controls) for axis in reversed(targets)]
        front = np.moveaxis(active, axes, range(len(axes)))
        front[...] = (matrix @ front.reshape(len(matrix), -1)).reshape(front.shape)
        return
    parts = [
        state[_at(state, ones | {axis: value >> bit & 1 for bit, axis in enumerate(targets)})]
        for value in range(len(matrix))
    ]
    # Rows of the identity cost nothing, so that permutations and phases move only what they change.
    updated: dict[int, _State] = {}
    for index, row in enumerate(matrix):
        first, *rest = np.flatnonzero(row).tolist()
        if rest or first != index:
            updated[index] = row[first] * parts[first]
            for column in rest:
                updated[index] += row[column] * parts[column]
    for index, part in enumerate(parts):
        if index in updated:
            part[...] = updated[index]
        elif matrix[index, index] != 1:
            part *= matrix[index, index]


def read_out(
    populations: NDArray[np.float64], values: Sequence[int], final: dict[int, int], program: Program
) -> Distribution:
    """The distribution of the classical bits: those in memory, and the final measurements qubit -> bit.

    Args:
        populations: probabilities, with an axis per qubit (the highest first) and a last one with an entry per memory.
        values: of the classical memory, one per entry of the last axis.
        final: qubit -> the classical bit that it is measured into at the end.
        program: what was simulated.
    """
    n_qubits, n_clbits = program.n_qubits, program.n_clbits
    # What the bits of final measurements held before is overwritten.
    kept = ~sum(1 << clbit for clbit in final.values())
    memory = [value & kept for value in values]
    unread = tuple(n_qubits - 1 - qubit for qubit in range(n_qubits) if qubit not in final)
    weights = populations.sum(axis=unread).reshape(-1, len(memory))
    # The remaining axes run from the highest measured qubit to the lowest.
    clbits = [final[qubit] for qubit in sorted(final, reverse=True)]
    if n_clbits <= MAX_DENSE_CLBITS:
        offsets = np.zeros(1, dtype=np.int64)
        for clbit in clbits:
            offsets = np.add.outer(offsets, np.array([0, 1 << clbit])).ravel()
        outcomes = np.add.outer(offsets, np.array(memory, dtype=np.int64))
        summed = np.bincount(outcomes.ravel(), weights.ravel(), minlength=1 << n_clbits)
        return Distribution.from_array(summed.astype(np.float64, copy=False), n_clbits)
    return _list_outcomes(weights, memory, clbits, n_clbits)


def _list_outcomes(
    weights: NDArray[np.float64], memory: Sequence[int], clbits: Sequence[int], n_clbits: int
) -> Distribution:
    rows, columns = np.nonzero(weights > _NO_WEIGHT)
    if len(rows) > MAX_OUTCOMES:
        raise ReferenceTooLargeError(f"{n_clbits} classical bits take more than {MAX_OUTCOMES} different values")
    found: dict[str, float] = {}
    for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
        outcome = memory[column]
        for position, clbit in enumerate(reversed(clbits)):
            outcome |= (row >> position & 1) << clbit
        key = format(outcome, f"0{n_clbits}b")
        found[key] = found.get(key, 0.0) + float(weights[row, column])
    return Distribution.from_mapping(found, n_clbits)
