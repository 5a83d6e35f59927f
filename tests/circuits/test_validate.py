"""Malformed programs are told apart, with the instruction named."""

import pytest
from qiskit.circuit.random import random_circuit

from pytest_qbench.circuits.convert import from_qiskit
from pytest_qbench.circuits.program import IF_ELSE, MEASURE, RESET, UNITARY, Condition, Instruction, Program
from pytest_qbench.circuits.validate import problems

ONE = Condition((0,), frozenset({1}))


@pytest.mark.parametrize(
    ("instruction", "problem"),
    [
        (Instruction("h", (2,)), "the program has qubits 0 to 1"),
        (Instruction("h", (-1,)), "the program has qubits 0 to 1"),
        (Instruction("cx", (1, 1)), "a qubit is named twice"),
        (Instruction("cx", (1,)), "it takes 2 qubits"),
        (Instruction("rx", (1,)), "it takes 1 parameters"),
        (Instruction("warp", (1,)), "no such gate"),
        (Instruction(MEASURE, (1,), clbits=(3,)), "the program has 2 classical bits"),
        (Instruction(MEASURE, (0, 1), clbits=(0,)), "one qubit and one classical bit"),
        (Instruction(RESET, (0, 1)), "it takes one qubit"),
        (Instruction(UNITARY, (0, 1), matrix=((1, 0), (0, 1))), "a matrix of 4 rows"),
        (Instruction(IF_ELSE, (0,), blocks=((),)), "a condition and one or two blocks"),
        (Instruction("depolarizing", (2,), (0.1,)), "the program has qubits 0 to 1"),
        (Instruction("depolarizing", (1, 1), (0.1,)), "a qubit is named twice"),
        (Instruction("depolarizing", (), (0.1,)), "it takes one or two qubits and no classical bit"),
        (Instruction("depolarizing", (0,)), "it takes 1 parameter"),
        (Instruction("depolarizing", (0,), (1.1,)), "1.1 is no probability: it must be between 0 and 1"),
        (Instruction("amplitude_damping", (0, 1), (0.1,)), "it takes one qubit and no classical bit"),
        (Instruction("amplitude_damping", (0,), (float("nan"),)), "nan is no probability"),
        (Instruction("phase_damping", (0,), (0.1,), (0,)), "it takes one qubit and no classical bit"),
        (Instruction("phase_damping", (0,), (-0.1,)), "-0.1 is no probability"),
        (Instruction("readout_error", (0,), (0.1, 0.1), (0,)), "it takes one classical bit and no qubit"),
        (Instruction("readout_error", (), (0.1, 0.1), (2,)), "the program has 2 classical bits"),
        (Instruction("readout_error", (), (0.1,), (0,)), "it takes 2 parameters"),
        (Instruction("readout_error", (), (0.1, 2), (0,)), "2 is no probability"),
        (
            Instruction(IF_ELSE, (0,), condition=ONE, blocks=((Instruction("h", (9,)),),)),
            "instruction 'h' on qubits [9]",
        ),
    ],
)
def test_problems_are_named(instruction: Instruction, problem: str) -> None:
    found = list(problems(Program(2, 2, (instruction,))))
    assert any(problem in text for text in found), found


@pytest.mark.parametrize("seed", range(5))
def test_what_qiskit_builds_has_none(seed: int) -> None:
    circuit = random_circuit(4, 10, max_operands=4, conditional=True, reset=True, measure=True, seed=seed)
    assert list(problems(from_qiskit(circuit))) == []


def test_channels_have_none() -> None:
    channels = (
        Instruction("depolarizing", (0,), (0.0,)),
        Instruction("depolarizing", (1, 0), (1.0,)),
        Instruction("amplitude_damping", (1,), (0.5,)),
        Instruction("phase_damping", (0,), (1,)),
        Instruction("readout_error", (), (0.1, 0.0), (1,)),
    )
    assert list(problems(Program(2, 2, channels))) == []
