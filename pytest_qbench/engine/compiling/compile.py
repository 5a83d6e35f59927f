"""From a program to a :class:`~pytest_qbench.engine.compiling.steps.Plan`.

Measurements after which nothing happens to their qubit or bit are put off to the end and sampled together; a
static circuit has no others, so that it needs one evolution for any number of shots. What remains is flattened
into operations, and the gates between two of them are fused (``fuse``) and scheduled (``schedule``). Nothing
here needs torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

from pytest_qbench.circuits.program import (
    AMPLITUDE_DAMPING,
    CHANNELS,
    IF_ELSE,
    MEASURE,
    READOUT_ERROR,
    RESET,
    Instruction,
    Program,
)
from pytest_qbench.engine.compiling.blocks import Gate
from pytest_qbench.engine.compiling.channels import Channel, stages
from pytest_qbench.engine.compiling.costs import Costs
from pytest_qbench.engine.compiling.schedule import Scheduler
from pytest_qbench.engine.compiling.steps import Decide, Evolve, Forget, Measure, Misread, Operation, Plan, Reset

_LARGE_MATRIX = 64
"""Programs with matrices of more rows are compiled each time: a plan of theirs may take much memory."""


def compile_program(program: Program, device: str = "cpu", precision: str = "double") -> Plan:
    """Compile ``program`` into what is fastest on a ``device`` (``cpu``, ``cuda``, ``mps``) in a ``precision``.

    The plan gives the same result on any. Plans of the latest programs are kept, by what the programs do, unless they
    hold large matrices.

    Raises:
        KeyError: it has a gate that is no standard gate.
        MemoryError: a gate's matrix does not fit.
    """
    if any(item.matrix is not None and len(item.matrix) > _LARGE_MATRIX for item in program.walk()):
        return _compile.__wrapped__(program, device, precision)
    return _compile(program, device, precision)


def forget_plans() -> None:
    """Forget the plans that are kept."""
    _compile.cache_clear()


@lru_cache(maxsize=16)
def _compile(program: Program, device: str, precision: str) -> Plan:
    instructions, final, misread = _put_off_measurements(_one_by_one(program.instructions))
    compiler = _Compiler(program, Costs.of(program.n_qubits, device=device, single=precision == "single"))
    compiler.visit(instructions)
    layout = compiler.layout()
    return Plan(
        program.n_qubits,
        program.n_clbits,
        compiler.n_bits,
        tuple(compiler.operations),
        {clbit: layout[qubit] for clbit, qubit in final.items()},
        tuple(_misread(item) for item in misread),
        tuple(layout),
    )


def _one_by_one(instructions: Iterable[Instruction]) -> Iterator[Instruction]:
    """Split measurements and resets of several qubits into one per qubit, and put trivial noise in simpler words."""
    for item in instructions:
        if item.name == MEASURE:
            for qubit, clbit in zip(item.qubits, item.clbits, strict=True):
                yield Instruction(MEASURE, (qubit,), clbits=(clbit,))
        elif item.name == RESET:
            for qubit in item.qubits:
                yield Instruction(RESET, (qubit,))
        elif item.name == AMPLITUDE_DAMPING and item.params == (1.0,):
            yield Instruction(RESET, item.qubits)
        elif item.name in CHANNELS and not any(item.params):
            continue
        else:
            yield item


def _put_off_measurements(
    instructions: Iterable[Instruction],
) -> tuple[list[Instruction], dict[int, int], list[Instruction]]:
    """Take out the measurements and readout errors that may as well happen at the end.

    Those are the ones whose qubit is used no more (but for being measured again in the same way) and whose
    classical bit is neither read nor written later. Noise on qubits that nothing follows is dropped.

    Returns:
        the other instructions, the measurements taken out, as classical bit -> qubit, and the readout errors.
    """
    kept: list[Instruction] = []
    final: dict[int, int] = {}
    misread: list[Instruction] = []
    used_qubits: set[int] = set()
    used_clbits: set[int] = set()
    for item in reversed(list(instructions)):
        if item.name == MEASURE and used_qubits.isdisjoint(item.qubits) and used_clbits.isdisjoint(item.clbits):
            final[item.clbits[0]] = item.qubits[0]
            used_clbits.update(item.clbits)
            continue
        if item.name == READOUT_ERROR and used_clbits.isdisjoint(item.clbits):
            misread.append(item)
            continue
        if item.name in CHANNELS and not item.clbits and used_qubits.union(final.values()).isdisjoint(item.qubits):
            continue
        kept.append(item)
        for inner in _with_nested(item):
            used_qubits.update(inner.qubits)
            used_clbits.update(inner.clbits)
            if inner.condition is not None:
                used_clbits.update(inner.condition.clbits)
    return kept[::-1], final, misread[::-1]


def _misread(item: Instruction, guard: int | None = None) -> Misread:
    false_one, false_zero = item.params
    return Misread(item.clbits[0], false_one, false_zero, guard)


def _with_nested(item: Instruction) -> Iterator[Instruction]:
    """The instruction and all those in its blocks."""
    yield item
    for block in item.blocks:
        for inner in block:
            yield from _with_nested(inner)


class _Compiler:
    """Flattens instructions into operations."""

    def __init__(self, program: Program, costs: Costs) -> None:
        self.operations: list[Operation] = []
        self.n_bits = program.n_clbits
        self._n_clbits = program.n_clbits
        self._scheduler = Scheduler(costs)
        self._wires = list(range(program.n_qubits))  # which wire carries each qubit
        self._gates: list[Gate | Channel] = []  # seen but not yet scheduled
        self._written: set[int] = set()

    def visit(self, instructions: Iterable[Instruction], guard: int | None = None, depth: int = 0) -> None:
        """Append ``instructions``, which happen where bit ``guard`` is 1, to the operations."""
        for item in _one_by_one(instructions):
            if item.name == "swap" and guard is None:
                a, b = item.qubits  # free: from here on each wire carries the other's qubit
                self._wires[a], self._wires[b] = self._wires[b], self._wires[a]
            elif item.is_gate:
                self._gates.append(Gate.of(item, self._wires))
            elif item.name in CHANNELS and item.qubits:
                self._gates.append(Channel.of(item, self._wires))
            else:
                self._flush(guard)
                if item.name == IF_ELSE:
                    self._branch(item, guard, depth)
                elif item.name == READOUT_ERROR:
                    self.operations.append(_misread(item, guard))
                else:
                    self._project(item, guard)
        self._flush(guard)

    def layout(self) -> list[int]:
        """The position of each qubit now."""
        return [self._scheduler.layout[wire] for wire in self._wires]

    def _project(self, item: Instruction, guard: int | None) -> None:
        position = self.layout()[item.qubits[0]]
        if item.name == RESET:
            self.operations.append(Reset(position, guard))
        else:
            bit = item.clbits[0]
            self.operations.append(Measure(position, bit, bit in self._written, guard))
            self._written.add(bit)

    def _branch(self, item: Instruction, guard: int | None, depth: int) -> None:
        assert item.condition is not None
        then_bit = self._n_clbits + 2 * depth
        bits = (then_bit, then_bit + 1)
        self.n_bits = max(self.n_bits, then_bit + 2)
        self.operations.append(Decide(item.condition, *bits, guard))
        for bit, block in zip(bits, item.blocks, strict=False):
            self.visit(block, bit, depth + 1)
        self.operations.append(Forget(bits))

    def _flush(self, guard: int | None) -> None:
        """Schedule the gates and channels seen since the last operation."""
        items, self._gates = self._gates, []
        for gates, noisy in stages(items):
            if gates:
                self._schedule(gates, guard)
            if noisy is not None:
                self._scheduler.touch()
                self.operations.append(noisy.noise(self._scheduler.layout, guard))

    def _schedule(self, gates: list[Gate], guard: int | None) -> None:
        """Schedule ``gates``.

        With a guard only some branches take these steps, so that they must leave the layout as it was.
        """
        before = list(self._scheduler.layout)
        steps = self._scheduler.schedule(gates)
        if guard is not None:
            steps += self._scheduler.move_to(before)
        self.operations.append(Evolve(tuple(steps), guard))
