"""From a program to a :class:`~pytest_qbench.engine.steps.Plan`.

Measurements after which nothing happens to their qubit or bit are put off to the end and sampled together; a
static circuit has no others, so that it needs one evolution for any number of shots. What remains is flattened
into operations, and the gates between two of them are fused (``blocks``) and scheduled (``schedule``). Nothing
here needs torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pytest_qbench.circuits.program import IF_ELSE, MEASURE, RESET, Instruction, Program
from pytest_qbench.engine.blocks import Gate, fuse
from pytest_qbench.engine.schedule import Scheduler
from pytest_qbench.engine.steps import Decide, Evolve, Forget, Measure, Operation, Plan, Reset


def compile_program(program: Program) -> Plan:
    """Compile ``program``.

    Raises:
        KeyError: it has a gate that is no standard gate.
        MemoryError: a gate's matrix does not fit.
    """
    instructions, final = _put_off_measurements(_one_by_one(program.instructions))
    compiler = _Compiler(program)
    compiler.visit(instructions)
    layout = compiler.layout()
    return Plan(
        program.n_qubits,
        program.n_clbits,
        compiler.n_bits,
        tuple(compiler.operations),
        {clbit: layout[qubit] for clbit, qubit in final.items()},
        tuple(layout),
    )


def _one_by_one(instructions: Iterable[Instruction]) -> Iterator[Instruction]:
    """Split measurements and resets of several qubits into one per qubit."""
    for item in instructions:
        if item.name == MEASURE:
            for qubit, clbit in zip(item.qubits, item.clbits, strict=True):
                yield Instruction(MEASURE, (qubit,), clbits=(clbit,))
        elif item.name == RESET:
            for qubit in item.qubits:
                yield Instruction(RESET, (qubit,))
        else:
            yield item


def _put_off_measurements(instructions: Iterable[Instruction]) -> tuple[list[Instruction], dict[int, int]]:
    """Take out the measurements that may as well happen at the end.

    Those are the ones whose qubit is used no more (but for being measured again in the same way) and whose
    classical bit is neither read nor written later.

    Returns:
        the other instructions, and the measurements taken out, as classical bit -> qubit.
    """
    kept: list[Instruction] = []
    final: dict[int, int] = {}
    used_qubits: set[int] = set()
    used_clbits: set[int] = set()
    for item in reversed(list(instructions)):
        if item.name == MEASURE and used_qubits.isdisjoint(item.qubits) and used_clbits.isdisjoint(item.clbits):
            final[item.clbits[0]] = item.qubits[0]
            used_clbits.update(item.clbits)
            continue
        kept.append(item)
        for inner in _with_nested(item):
            used_qubits.update(inner.qubits)
            used_clbits.update(inner.clbits)
            if inner.condition is not None:
                used_clbits.update(inner.condition.clbits)
    kept.reverse()
    return kept, final


def _with_nested(item: Instruction) -> Iterator[Instruction]:
    """The instruction and all those in its blocks."""
    yield item
    for block in item.blocks:
        for inner in block:
            yield from _with_nested(inner)


class _Compiler:
    """Flattens instructions into operations."""

    def __init__(self, program: Program) -> None:
        self.operations: list[Operation] = []
        self.n_bits = program.n_clbits
        self._n_clbits = program.n_clbits
        self._scheduler = Scheduler(program.n_qubits)
        self._wires = list(range(program.n_qubits))  # which wire carries each qubit
        self._gates: list[Gate] = []  # seen but not yet scheduled
        self._written: set[int] = set()

    def visit(self, instructions: Iterable[Instruction], guard: int | None = None, depth: int = 0) -> None:
        """Append ``instructions``, which happen where bit ``guard`` is 1, to the operations."""
        for item in _one_by_one(instructions):
            if item.name == "swap" and guard is None:
                a, b = item.qubits  # free: from here on each wire carries the other's qubit
                self._wires[a], self._wires[b] = self._wires[b], self._wires[a]
            elif item.is_gate:
                self._gates.append(Gate.of(item, self._wires))
            else:
                self._flush(guard)
                if item.name == IF_ELSE:
                    self._branch(item, guard, depth)
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
        """Schedule the gates seen since the last operation.

        With a guard only some branches take these steps, so that they must leave the layout as it was.
        """
        if not self._gates:
            return
        before = list(self._scheduler.layout)
        steps = list(self._scheduler.schedule(fuse(self._gates)))
        self._gates.clear()
        if guard is not None:
            steps += self._scheduler.move_to(before)
        self.operations.append(Evolve(tuple(steps), guard))
