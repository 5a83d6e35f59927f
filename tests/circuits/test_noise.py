"""Where noise models put their channels."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_qbench.circuits.noise import KINDS, NoiseModel, with_noise
from pytest_qbench.circuits.program import (
    CHANNELS,
    IF_ELSE,
    MEASURE,
    READOUT_ERROR,
    RESET,
    UNITARY,
    Condition,
    Instruction,
    Program,
)
from pytest_qbench.circuits.validate import problems

H, CX, SWAP = Instruction("h", (1,)), Instruction("cx", (2, 0)), Instruction("swap", (0, 1))
CCX, WIDE = Instruction("ccx", (2, 0, 1)), Instruction(UNITARY, (1, 2), matrix=((1,) * 4,) * 4)
MEASURED = Instruction(MEASURE, (2,), clbits=(0,))
BOTH_MEASURED = Instruction(MEASURE, (0, 1), clbits=(2, 1))
RESTORED = Instruction(RESET, (1,))
GATES = (H, CX, SWAP, CCX, WIDE)


def after(item: Instruction, kind: str) -> tuple[Instruction, ...]:
    """The channels that come after ``item``."""
    first, *others = with_noise(Program(3, 3, (item,)), NoiseModel(kind, 0.25)).instructions
    assert first == item
    return tuple(others)


@pytest.mark.parametrize(
    ("gate", "qubits"),
    [(H, [(1,)]), (CX, [(2, 0)]), (SWAP, [(0, 1)]), (CCX, [(2,), (0,), (1,)]), (WIDE, [(1, 2)])],
)
def test_depolarizing_is_on_both_qubits_of_a_gate_or_on_each(gate: Instruction, qubits: list[tuple[int, ...]]) -> None:
    assert after(gate, "depolarizing") == tuple(Instruction("depolarizing", own, (0.25,)) for own in qubits)


@pytest.mark.parametrize("kind", ["amplitude_damping", "phase_damping"])
@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.name)
def test_damping_is_on_each_qubit_of_a_gate(gate: Instruction, kind: str) -> None:
    assert after(gate, kind) == tuple(Instruction(kind, (qubit,), (0.25,)) for qubit in gate.qubits)


def test_readout_errors_follow_measurements() -> None:
    assert after(MEASURED, "readout") == (Instruction(READOUT_ERROR, (), (0.25, 0.25), (0,)),)
    assert [item.clbits for item in after(BOTH_MEASURED, "readout")] == [(2,), (1,)]
    assert not any(after(gate, "readout") for gate in GATES)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "readout"])
def test_measurements_and_resets_have_no_gate_noise(kind: str) -> None:
    assert not after(MEASURED, kind)
    assert not after(RESTORED, kind)
    assert not after(RESTORED, "readout")


@pytest.mark.parametrize("kind", KINDS)
def test_blocks_are_noisy_inside(kind: str) -> None:
    inner = Instruction(IF_ELSE, condition=Condition((0,), frozenset({1})), blocks=((CX, MEASURED), ()))
    outer = Instruction(IF_ELSE, (1,), condition=Condition((1,), frozenset({0})), blocks=((H, inner),))
    (noisy,) = with_noise(Program(3, 3, (outer,)), NoiseModel(kind, 0.5)).instructions
    assert (noisy.name, noisy.qubits, noisy.condition) == (outer.name, outer.qubits, outer.condition)
    walked = [item.name for item in Program(3, 3, (noisy,)).walk() if item.name != IF_ELSE]
    channel = READOUT_ERROR if kind == "readout" else kind
    expected = {
        "readout": ["h", "cx", "measure", channel],
        "depolarizing": ["h", channel, "cx", channel, "measure"],
    }.get(kind, ["h", channel, "cx", channel, channel, "measure"])
    assert walked == expected


def test_models_add_up() -> None:
    program = Program(3, 3, (H, CX, MEASURED))
    for kind in KINDS:
        program = with_noise(program, NoiseModel(kind, 0.1))
    assert [item.name for item in program.instructions] == [
        *("h", "phase_damping", "amplitude_damping", "depolarizing", "cx", "phase_damping", "phase_damping"),
        *("amplitude_damping", "amplitude_damping", "depolarizing", "measure", "readout_error"),
    ]


@given(
    st.lists(st.sampled_from([*GATES, MEASURED, RESTORED]), max_size=8),
    st.sampled_from(KINDS),
    st.floats(0, 1, allow_subnormal=False),
)
def test_a_noisy_program_is_the_program_and_its_channels(items: list[Instruction], kind: str, strength: float) -> None:
    program = Program(3, 3, tuple(items), "mine")
    noisy = with_noise(program, NoiseModel(kind, strength))
    assert (noisy.n_qubits, noisy.n_clbits, noisy.name) == (3, 3, "mine")
    assert [item for item in noisy.instructions if item.name not in CHANNELS] == items
    assert noisy.kind == program.kind
    assert noisy.n_ops == program.n_ops
    assert not list(problems(noisy))
    assert Program.from_json(noisy.to_json()) == noisy
    assert (noisy.hash == program.hash) == (not noisy.is_noisy)


@pytest.mark.parametrize("strength", [-0.1, 1.5, float("nan")])
def test_a_strength_is_a_probability(strength: float) -> None:
    with pytest.raises(ValueError, match=re.escape(f"must be between 0 and 1, not {strength!r}")):
        NoiseModel("depolarizing", strength)


def test_an_unknown_kind_is_named_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"no noise 'thermal'; there is depolarizing, .*, readout"):
        NoiseModel("thermal", 0.1)
