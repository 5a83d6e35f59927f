"""The neutral form: JSON round trips, hashes, static and dynamic."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_qbench.circuits.program import (
    CHANNELS,
    IF_ELSE,
    MEASURE,
    RESET,
    UNITARY,
    Condition,
    Instruction,
    Program,
)

numbers = st.floats(allow_nan=False, allow_infinity=False)
bits = st.lists(st.integers(0, 5), min_size=1, max_size=3, unique=True).map(tuple)
conditions = st.builds(Condition, bits, st.frozensets(st.integers(0, 7)))
matrices = st.tuples(*[st.tuples(*[st.complex_numbers(allow_nan=False, allow_infinity=False)] * 2)] * 2)
gates = st.builds(Instruction, st.sampled_from(["h", "cx", "rx"]), bits, st.lists(numbers, max_size=3).map(tuple))
unitaries = st.builds(lambda q, m: Instruction(UNITARY, (q,), matrix=m), st.integers(0, 5), matrices)
measures = st.builds(lambda q, c: Instruction(MEASURE, (q,), clbits=(c,)), st.integers(0, 5), st.integers(0, 5))
channels = st.builds(
    lambda name, q, p, c: Instruction(name, q, p, c),
    st.sampled_from(sorted(CHANNELS)),
    bits,
    st.lists(numbers, max_size=2).map(tuple),
    bits,
)
leaves = st.one_of(gates, unitaries, measures, channels)
instructions = st.recursive(
    leaves,
    lambda inner: st.builds(
        lambda condition, blocks: Instruction(IF_ELSE, (0,), condition=condition, blocks=blocks),
        conditions,
        st.lists(st.lists(inner, max_size=2).map(tuple), min_size=1, max_size=2).map(tuple),
    ),
    max_leaves=8,
)
programs = st.builds(
    Program, st.just(6), st.just(6), st.lists(instructions, max_size=6).map(tuple), st.text(max_size=5)
)


@given(programs)
def test_json_round_trip(program: Program) -> None:
    copy = Program.from_json(program.to_json())
    assert copy == program
    assert copy.hash == program.hash


def test_hash_ignores_the_name_and_the_last_bits() -> None:
    first = Program(1, 0, (Instruction("rx", (0,), (0.1 + 0.2,)),), "one")
    second = Program(1, 0, (Instruction("rx", (0,), (0.3,)),), "two")
    assert first.hash == second.hash
    assert (
        Program(1, 0, (Instruction("rx", (0,), (0.0,)),)).hash
        == Program(1, 0, (Instruction("rx", (0,), (-1e-17,)),)).hash
    )


@pytest.mark.parametrize(
    "other",
    [
        Program(1, 0, (Instruction("rx", (0,), (0.3000001,)),)),
        Program(1, 0, (Instruction("ry", (0,), (0.3,)),)),
        Program(2, 0, (Instruction("rx", (0,), (0.3,)),)),
        Program(1, 1, (Instruction("rx", (0,), (0.3,)),)),
    ],
)
def test_hash_sees_what_matters(other: Program) -> None:
    assert Program(1, 0, (Instruction("rx", (0,), (0.3,)),)).hash != other.hash


def test_hash_is_the_same_in_another_process_with_another_hash_seed() -> None:
    code = (
        "from pytest_qbench.circuits.program import *;"
        "c=Condition((0,1,2),frozenset({5,1,3}));"
        "print(Program(3,3,(Instruction('if_else',(0,),condition=c,blocks=((),)),)).hash)"
    )
    hashes = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": str(seed)}, check=True, capture_output=True, text=True
        ).stdout
        for seed in (1, 2, 3)
    }
    assert len(hashes) == 1


H = Instruction("h", (0,))
NOISE = Instruction("depolarizing", (0,), (0.1,))
MISREAD = Instruction("readout_error", (), (0.1, 0.2), (0,))
M00 = Instruction(MEASURE, (0,), clbits=(0,))
M10 = Instruction(MEASURE, (1,), clbits=(0,))
M11 = Instruction(MEASURE, (1,), clbits=(1,))


@pytest.mark.parametrize(
    ("steps", "dynamic"),
    [
        ((H, M00, M11), False),
        ((M00, Instruction("h", (1,)), M11), False),  # the other qubit goes on: still one sampling at the end
        ((M00, H), True),
        ((M00, M10), True),  # the second overwrites the first's bit
        ((M00, Instruction(MEASURE, (0,), clbits=(1,))), True),
        ((Instruction(RESET, (0,)),), True),
        ((NOISE, H, NOISE, M00, NOISE, MISREAD, M11), False),  # noise makes no circuit dynamic
        ((M00, MISREAD, H), True),
        ((Instruction(IF_ELSE, (0,), condition=Condition((0,), frozenset({1})), blocks=((H,),)),), True),
    ],
)
def test_is_dynamic(steps: tuple[Instruction, ...], dynamic: bool) -> None:
    program = Program(2, 2, steps)
    assert program.is_dynamic is dynamic
    assert program.kind == ("dynamic" if dynamic else "static")


def test_counts_and_measured_qubits() -> None:
    block = (H, Instruction("x", (1,)))
    program = Program(
        2, 2, (H, Instruction(IF_ELSE, (0, 1), condition=Condition((0,), frozenset({1})), blocks=(block, (H,))), M10)
    )
    assert program.n_ops == 5
    assert program.measured_qubits == {0: 1}
    assert program.has_measurements
    assert not Program(1, 1, (H,)).has_measurements


def test_condition_reads_its_bits_little_endian() -> None:
    condition = Condition((2, 0), frozenset({1}))
    assert condition.holds(0b100)
    assert not condition.holds(0b001)
    assert not condition.holds(0b101)


@pytest.mark.parametrize("name", sorted(CHANNELS))
def test_channels_are_no_gates(name: str) -> None:
    channel = Instruction(name, (0,), (0.1,))
    assert not channel.is_gate
    assert Program(1, 0, (H, channel)).is_noisy
    assert Program(1, 0, (H, channel)).n_ops == 1
    block = Instruction(IF_ELSE, (0,), condition=Condition((0,), frozenset({1})), blocks=((channel,),))
    assert Program(1, 1, (M00, block)).is_noisy
    assert not Program(1, 1, (H, M00)).is_noisy
