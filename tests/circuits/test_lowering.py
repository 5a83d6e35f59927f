"""Lowered circuits do the same, up to a global phase, in the gates asked for."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_qbench.backends.base import Capabilities, UnsupportedError
from pytest_qbench.circuits.gates import GATES, gate_matrix
from pytest_qbench.circuits.lowering import lower
from pytest_qbench.circuits.program import IF_ELSE, MEASURE, RESET, UNITARY, Condition, Instruction, Program

GATE_SETS = [
    {"u", "cx"},
    {"rz", "ry", "cx"},
    {"rz", "sx", "x", "cz", "u"},
    {"h", "s", "sdg", "t", "tdg", "rx", "ry", "rz", "cx"},
]


def operator(program: Program) -> np.ndarray:
    """The program's matrix, by plain tensor products."""
    n = program.n_qubits
    total = np.eye(2**n, dtype=complex)
    for instruction in program.instructions:
        k = len(instruction.qubits)
        axes = [n - 1 - qubit for qubit in reversed(instruction.qubits)]
        tensor = np.array(gate_matrix(instruction)).reshape([2] * 2 * k)
        total = np.tensordot(tensor, total.reshape([2] * n + [-1]), (list(range(k, 2 * k)), axes))
        total = np.moveaxis(total, range(k), axes).reshape(2**n, 2**n)
    return total


def overlap(first: Program, second: Program) -> float:
    """1 where both do the same up to a global phase."""
    return abs(np.vdot(operator(first), operator(second))) / 2**first.n_qubits


def one_gate(name: str, params: tuple[float, ...], order: list[int]) -> Program:
    return Program(len(order), 0, (Instruction(name, tuple(order), params),))


@pytest.mark.parametrize("gates", GATE_SETS, ids=lambda gates: "+".join(sorted(gates)))
@pytest.mark.parametrize("name", sorted(GATES))
@settings(max_examples=5, deadline=None)
@given(data=st.data())
def test_every_gate_lowers_to_every_universal_set(name: str, gates: set[str], data: st.DataObject) -> None:
    gate = GATES[name]
    angle = st.floats(-2 * math.pi, 2 * math.pi)
    params = tuple(data.draw(angle) for _ in range(gate.n_params))
    order = data.draw(st.permutations(range(gate.n_qubits or 4)))
    program = one_gate(name, params, order)
    lowered = lower(program, Capabilities(frozenset(gates)))
    assert {instruction.name for instruction in lowered.instructions} <= gates
    assert overlap(program, lowered) == pytest.approx(1, abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_single_qubit_unitaries_become_u(seed: int) -> None:
    entries = np.random.default_rng(seed).normal(size=(2, 2, 2)) @ [1, 1j]
    matrix = np.linalg.qr(entries)[0]
    program = Program(1, 0, (Instruction(UNITARY, (0,), matrix=tuple(map(tuple, matrix.tolist()))),))
    lowered = lower(program, Capabilities(frozenset({"u"})))
    assert [instruction.name for instruction in lowered.instructions] == ["u"]
    assert overlap(program, lowered) == pytest.approx(1, abs=1e-9)


def test_unitary_is_the_fallback() -> None:
    program = one_gate("rzz", (0.3,), [1, 0])
    lowered = lower(program, Capabilities(frozenset({"h"}), unitary_qubits=2))
    assert [instruction.name for instruction in lowered.instructions] == [UNITARY]
    assert overlap(program, lowered) == pytest.approx(1)


def test_what_is_native_stays_the_same_object() -> None:
    program = one_gate("h", (), [0])
    assert lower(program, Capabilities(frozenset({"h"}))) is program


@pytest.mark.parametrize(
    ("instruction", "name"),
    [
        (Instruction("t", (0,)), "gate 't'"),
        (Instruction("mcx", (0, 1, 2, 3)), "gate 'mcx' on 4 qubits"),
        (Instruction(UNITARY, (0, 1), matrix=gate_matrix(Instruction("swap", (0, 1)))), "gate 'unitary' on 2 qubits"),
    ],
)
def test_a_gate_that_cannot_be_lowered_is_named(instruction: Instruction, name: str) -> None:
    with pytest.raises(UnsupportedError) as caught:
        lower(Program(4, 0, (instruction,)), Capabilities(frozenset({"h", "cx"})))
    assert str(caught.value) == name


def test_blocks_of_conditions_are_lowered() -> None:
    inner = (
        Instruction("cz", (0, 1)),
        Instruction(IF_ELSE, (0, 1), (), (0,), None, None, ((Instruction("y", (0,)),),)),
    )
    program = Program(
        2,
        1,
        (
            Instruction(MEASURE, (0,), clbits=(0,)),
            Instruction(IF_ELSE, (0, 1), clbits=(0,), condition=Condition((0,), frozenset({1})), blocks=(inner,)),
        ),
    )
    lowered = lower(program, Capabilities(frozenset({"h", "cx", "z", "x"}), dynamic=True))
    assert {item.name for item in lowered.walk()} == {MEASURE, IF_ELSE, "h", "cx", "z", "x"}
    assert lowered.instructions[1].condition == program.instructions[1].condition


def test_dynamic_circuits_and_sizes_are_refused_by_reason() -> None:
    reset = Program(1, 1, (Instruction("h", (0,)), Instruction(RESET, (0,)), Instruction(MEASURE, (0,), clbits=(0,))))
    with pytest.raises(UnsupportedError, match="dynamic circuit"):
        lower(reset, Capabilities(frozenset({"h"})))
    with pytest.raises(UnsupportedError, match="3 qubits; it takes at most 2"):
        lower(Program(3, 0, ()), Capabilities(frozenset(), max_qubits=2))


def test_noise_is_refused_by_name_or_kept_in_its_place() -> None:
    channel = Instruction("phase_damping", (0,), (0.1,))
    misread = Instruction("readout_error", (), (0.1, 0.1), (0,))
    block = Instruction(IF_ELSE, (0,), condition=Condition((0,), frozenset({1})), blocks=((channel,),))
    items = (Instruction("y", (0,)), channel, Instruction(MEASURE, (0,), clbits=(0,)), misread, block)
    program = Program(1, 1, items)
    with pytest.raises(UnsupportedError, match=r"^noise \(phase_damping, readout_error\)$"):
        lower(program, Capabilities(frozenset({"x", "z"}), dynamic=True))
    lowered = lower(program, Capabilities(frozenset({"x", "z"}), dynamic=True, noise=True))
    assert [item.name for item in lowered.instructions] == ["z", "x", *(item.name for item in items[1:])]
    assert lowered.instructions[-1] == block


@pytest.mark.parametrize(
    ("angle", "turns"), [(0.0, 0), (math.pi / 2, 1), (-math.pi / 2, 3), (3 * math.pi, 2), (0.5, None)]
)
@pytest.mark.parametrize("name", ["p", "u1", "rz"])
def test_quarter_turns_become_s_where_phases_are_not_taken(name: str, angle: float, turns: int | None) -> None:
    program = one_gate(name, (angle,), [0])
    clifford = Capabilities(frozenset({"h", "s", "cx"}))
    if turns is None:
        with pytest.raises(UnsupportedError, match=f"gate '{name}'"):
            lower(program, clifford)
    else:
        lowered = lower(program, clifford)
        assert [instruction.name for instruction in lowered.instructions] == ["s"] * turns
        assert overlap(program, lowered) == pytest.approx(1)
