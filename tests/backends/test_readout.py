"""Readout errors as a part of the measurement before them."""

from __future__ import annotations

import pytest
from sampled_programs import gate, if_else, measure

from pytest_qbench import Instruction, Program, UnsupportedError
from pytest_qbench.backends.readout import is_misread, with_readout_in_measurements


def readout_error(clbit: int, *params: float) -> Instruction:
    return Instruction("readout_error", (), params, (clbit,))


def params_of(*items: Instruction) -> list[tuple[float, ...]]:
    """The parameters of the measurements."""
    program = with_readout_in_measurements(Program(3, 3, items))
    assert not any(item.name == "readout_error" for item in program.walk())
    return [item.params for item in program.walk() if item.name == "measure"]


def test_a_program_without_noise_stays_as_it_is() -> None:
    program = Program(2, 2, (gate("h", 0), Instruction("measure", (0, 1), clbits=(0, 1))))
    assert with_readout_in_measurements(program) is program


def test_errors_go_into_the_measurement_of_their_bit() -> None:
    both = Instruction("measure", (2, 0), clbits=(1, 0))
    assert params_of(both, measure(1, 2), readout_error(1, 0.1, 0.2)) == [(0.1, 0.2), (), ()]
    assert params_of(measure(0, 1), gate("x", 1), measure(1, 0), readout_error(1, 0.1, 0.2)) == [(0.1, 0.2), ()]


def test_a_bit_measured_again_has_errors_of_its_own() -> None:
    items = (measure(0, 1), readout_error(1, 0.1, 0.1), measure(2, 1), readout_error(1, 0.3, 0.4))
    assert params_of(*items) == [(0.1, 0.1), (0.3, 0.4)]


def test_errors_one_after_the_other_are_one() -> None:
    (found,) = params_of(measure(0, 0), readout_error(0, 0.1, 0.2), readout_error(0, 0.3, 0.4))
    # 0 read as 1: not flipped and then flipped, or flipped and then not flipped back; and so for 1.
    assert found == pytest.approx((0.9 * 0.3 + 0.1 * 0.6, 0.8 * 0.4 + 0.2 * 0.7))


def test_blocks() -> None:
    block = [measure(1, 1), readout_error(1, 0.1, 0.2)]
    assert params_of(measure(0, 0), readout_error(0, 0.3, 0.3), if_else((0,), {1}, block)) == [(0.3, 0.3), (0.1, 0.2)]


@pytest.mark.parametrize(
    "items",
    [
        (readout_error(0, 0.1, 0.1),),
        (measure(0, 1), readout_error(0, 0.1, 0.1)),
        (measure(0, 0), if_else((0,), {1}, [gate("x", 1)]), readout_error(0, 0.1, 0.1)),
        (measure(0, 0), if_else((1,), {1}, [measure(1, 0)]), readout_error(0, 0.1, 0.1)),
        (measure(0, 0), if_else((1,), {1}, [readout_error(0, 0.1, 0.1)])),
    ],
    ids=["no measurement", "another bit", "read before", "written in a block", "in another block"],
)
def test_what_is_no_part_of_a_measurement_is_unsupported(items: tuple[Instruction, ...]) -> None:
    with pytest.raises(UnsupportedError, match="does not follow the measurement of its bit"):
        with_readout_in_measurements(Program(2, 2, items))


def test_whether_a_measurement_has_an_error() -> None:
    assert not is_misread(measure(0, 0))
    assert not is_misread(Instruction("measure", (0,), (0.0, 0.0), (0,)))
    assert is_misread(Instruction("measure", (0,), (0.0, 0.1), (0,)))
