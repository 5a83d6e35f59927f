"""Dynamic programs run shot by shot, on a machine of bits that knows nothing but X and CX."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from sampled_programs import gate, if_else, measure, reset

from pytest_qbench import Instruction, Program
from pytest_qbench.backends.shot_by_shot import prepare_dynamic

FLIP = gate("x", 1)


class Bits:
    """Qubits that are 0 or 1, as one number; ``log`` is what was asked for."""

    def __init__(self, numbers: Sequence[float] = ()) -> None:
        self.state = self.first = 0
        self.numbers = iter(numbers)
        self.log: list[str] = []

    def start(self, gates: Sequence[Instruction] | None) -> None:
        self.log.append("start")
        self.state = 0
        for item in gates or ():
            self._do(item)
        self.first = self.state

    def again(self) -> None:
        self.log.append("again")
        self.state = self.first

    def apply(self, gates: Sequence[Instruction]) -> None:
        self.log.append(" ".join(item.name for item in gates))
        for item in gates:
            self._do(item)

    def measure(self, qubit: int) -> int:
        return self.state >> qubit & 1

    def flip(self, qubit: int) -> None:
        self.state ^= 1 << qubit

    def random(self) -> float:
        return next(self.numbers)

    def _do(self, item: Instruction) -> None:
        *controls, target = item.qubits
        if all(self.state >> control & 1 for control in controls):
            self.flip(target)


def run(*items: Instruction, shots: int = 1, machine: Bits | None = None) -> dict[int, int]:
    program = Program(3, 4, items)
    return dict(prepare_dynamic(program, list).run(machine or Bits(), shots))


def test_what_comes_before_the_first_measurement_is_done_once() -> None:
    machine = Bits()
    items = (gate("x", 0), gate("cx", 0, 2), measure(0, 0), measure(2, 3), gate("x", 0), measure(0, 1))
    assert run(*items, shots=3, machine=machine) == {0b1001: 3}
    assert machine.log == ["start", "again", "x", "again", "x", "again", "x"]


def test_a_program_that_begins_with_a_measurement() -> None:
    assert run(measure(0, 0), gate("x", 0), measure(0, 1)) == {0b10: 1}
    assert run() == {0: 1}


def test_a_bit_that_is_written_again_is_overwritten() -> None:
    assert run(gate("x", 0), measure(0, 2), measure(1, 2), measure(0, 0)) == {0b001: 1}


def test_reset() -> None:
    items = (gate("x", 0), gate("x", 1), reset(0), reset(2), measure(0, 0), measure(1, 1), measure(2, 2))
    assert run(*items) == {0b010: 1}


@pytest.mark.parametrize("values", [set(), {0, 1, 2, 3}, {2}, {0, 3}])
@pytest.mark.parametrize("memory", range(4))
def test_conditions(values: set[int], memory: int) -> None:
    prepared = [gate("x", qubit) for qubit in range(2) if memory >> qubit & 1]
    items = (*prepared, measure(0, 0), measure(1, 1), if_else((0, 1), values, [gate("x", 2)]), measure(2, 2))
    assert run(*items) == {memory | (memory in values) << 2: 1}


@pytest.mark.parametrize(("first", "last"), [(0, 0b01), (1, 0b1101)])
def test_blocks_hold_anything(first: int, last: int) -> None:
    """Either block; measurements, conditions and gates in it."""
    inner = if_else((2,), {1}, [gate("x", 2), measure(2, 3)])
    items = (
        *([gate("x", 0)] * first),
        measure(0, 0),
        if_else((0,), {1}, [FLIP, measure(1, 2), inner], [gate("x", 0), measure(0, 0)]),
    )
    assert run(*items) == {last: 1}


def test_readout_errors_act_on_the_memory() -> None:
    error = Instruction("readout_error", (), (0.2, 0.6), (0,))
    machine = Bits([0.5, 0.7, 0.1, 0.3])
    assert run(gate("x", 0), measure(0, 0), error, shots=2, machine=machine) == {0: 1, 1: 1}
    assert run(measure(0, 0), error, shots=2, machine=machine) == {0: 1, 1: 1}


def test_gates_are_compiled_once_and_noise_goes_with_them() -> None:
    seen: list[list[str]] = []

    def compile_gates(items: Sequence[Instruction]) -> Any:
        seen.append([item.name for item in items])
        return ()

    noise = Instruction("depolarizing", (0,), (0.1,))
    program = Program(2, 2, (gate("h", 0), noise, measure(0, 0), noise, if_else((0,), {1}, [FLIP]), measure(1, 1)))
    prepare_dynamic(program, compile_gates).run(Bits(), 10)
    assert seen == [["h", "depolarizing"], ["depolarizing"], ["x"]]
