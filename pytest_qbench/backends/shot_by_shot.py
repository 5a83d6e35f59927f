"""Dynamic programs on simulators that have no classical bits: one shot after another, the classical bits kept here.

What comes before the first measurement or reset is the same for all shots; it is computed once in each run. Standard
library only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pytest_qbench.circuits.program import IF_ELSE, MEASURE, READOUT_ERROR, RESET, Condition, Instruction, Program

Compile = Callable[[Sequence[Instruction]], Any]
"""Turns consecutive gates, and noise on qubits, into the simulator's own form."""


class Machine(Protocol):
    """What a simulator does for a shot: it holds one state. ``gates`` are what a :data:`Compile` made."""

    def start(self, gates: Any | None) -> None:
        """Make the state that all shots start from, all zeros with ``gates`` applied, and keep it."""

    def again(self) -> None:
        """Go back to the state that all shots start from."""

    def apply(self, gates: Any) -> None:
        """Apply gates to the state."""

    def measure(self, qubit: int) -> int:
        """Measure a qubit and collapse the state."""

    def flip(self, qubit: int) -> None:
        """Apply X."""

    def random(self) -> float:
        """A random number, uniform in [0, 1)."""


class Step(Protocol):
    """A step of a shot."""

    def run(self, machine: Machine, memory: int) -> int:
        """Act on the machine; the classical memory afterwards (bit i is classical bit i)."""


@dataclass(frozen=True, slots=True)
class DynamicProgram:
    """A prepared program: the gates before the first measurement or reset (None: there are none), then the steps."""

    first: Any | None
    steps: tuple[Step, ...]

    def run(self, machine: Machine, shots: int) -> Counter[int]:
        """How many shots left each value in the classical memory."""
        outcomes: Counter[int] = Counter()
        machine.start(self.first)
        for _ in range(shots):
            machine.again()
            memory = 0
            for step in self.steps:
                memory = step.run(machine, memory)
            outcomes[memory] += 1
        return outcomes


def prepare_dynamic(program: Program, compile_gates: Compile) -> DynamicProgram:
    """Prepare ``program``, which is lowered to what the simulator takes."""
    steps = tuple(_steps(program.instructions, compile_gates))
    if steps and isinstance(steps[0], _Apply):
        return DynamicProgram(steps[0].gates, steps[1:])
    return DynamicProgram(None, steps)


def _steps(instructions: Iterable[Instruction], compile_gates: Compile) -> Iterator[Step]:
    row: list[Instruction] = []
    for item in instructions:
        if item.name not in (MEASURE, RESET, IF_ELSE, READOUT_ERROR):
            row.append(item)
            continue
        if row:
            yield _Apply(compile_gates(row))
            row = []
        if item.name == MEASURE:
            for qubit, clbit in zip(item.qubits, item.clbits, strict=True):
                yield _Measure(qubit, clbit)
        elif item.name == RESET:
            yield from map(_Reset, item.qubits)
        elif item.name == READOUT_ERROR:
            yield _Misread(item.clbits[0], *item.params)
        else:
            assert item.condition is not None
            then, otherwise = (tuple(_steps(block, compile_gates)) for block in (*item.blocks, (), ())[:2])
            yield _IfElse(item.condition, then, otherwise)
    if row:
        yield _Apply(compile_gates(row))


@dataclass(frozen=True, slots=True)
class _Apply:
    gates: Any

    def run(self, machine: Machine, memory: int) -> int:
        machine.apply(self.gates)
        return memory


@dataclass(frozen=True, slots=True)
class _Measure:
    qubit: int
    clbit: int

    def run(self, machine: Machine, memory: int) -> int:
        return memory & ~(1 << self.clbit) | machine.measure(self.qubit) << self.clbit


@dataclass(frozen=True, slots=True)
class _Reset:
    qubit: int

    def run(self, machine: Machine, memory: int) -> int:
        if machine.measure(self.qubit):
            machine.flip(self.qubit)
        return memory


@dataclass(frozen=True, slots=True)
class _Misread:
    clbit: int
    one_for_zero: float
    zero_for_one: float

    def run(self, machine: Machine, memory: int) -> int:
        wrong = self.zero_for_one if memory >> self.clbit & 1 else self.one_for_zero
        return memory ^ (machine.random() < wrong) << self.clbit


@dataclass(frozen=True, slots=True)
class _IfElse:
    condition: Condition
    then: tuple[Step, ...]
    otherwise: tuple[Step, ...]

    def run(self, machine: Machine, memory: int) -> int:
        for step in self.then if self.condition.holds(memory) else self.otherwise:
            memory = step.run(machine, memory)
        return memory
