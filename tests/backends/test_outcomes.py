"""Outcomes by number as bit strings, and readout errors applied to them."""

from __future__ import annotations

import pytest
from sampled_programs import gate, measure

from pytest_qbench import Instruction, Program
from pytest_qbench.backends.outcomes import bit_strings, has_late_noise, misread, readout_errors


def readout_error(clbit: int, one_for_zero: float, zero_for_one: float) -> Instruction:
    return Instruction("readout_error", (), (one_for_zero, zero_for_one), (clbit,))


def test_bits_are_read_from_their_positions() -> None:
    """Classical bit 0 is bit 2 of a number, classical bit 3 is bit 0; the others are 0."""
    assert bit_strings({0b100: 3, 0b001: 2}, {0: 2, 3: 0}, 4) == {"0001": 3, "1000": 2}


def test_numbers_that_read_the_same_are_counted_together() -> None:
    assert bit_strings({0b00: 3, 0b10: 4, 0b11: 1}, {0: 0}, 1) == {"0": 7, "1": 1}


def test_no_bits_and_many() -> None:
    assert bit_strings({0: 5, 1: 2}, {}, 0) == {"": 7}
    assert bit_strings({1 << 99: 1}, {99: 99}, 100) == {"1" + "0" * 99: 1}


def test_without_errors_the_counts_stay() -> None:
    assert misread({"01": 3}, (), 1) == {"01": 3}


def test_certain_errors_act_in_their_order() -> None:
    assert misread({"01": 3, "11": 2}, [readout_error(0, 0.0, 1.0)], 1) == {"00": 3, "10": 2}
    both = [readout_error(1, 1.0, 0.0), readout_error(1, 0.0, 1.0)]
    assert misread({"01": 3}, both, 1) == {"01": 3}


def test_errors_have_their_probabilities_and_the_seed_decides() -> None:
    counts = {"0": 10_000, "1": 10_000}
    errors = [readout_error(0, 0.1, 0.3)]
    result = misread(counts, errors, 5)
    assert sum(result.values()) == 20_000
    assert result["1"] == pytest.approx(8000, abs=275)  # five standard deviations
    assert result == misread(counts, errors, 5) != misread(counts, errors, 6)


def test_readout_errors_of_a_program() -> None:
    error = readout_error(0, 0.1, 0.1)
    assert readout_errors(Program(1, 1, (gate("x", 0), measure(0, 0), error))) == (error,)


@pytest.mark.parametrize(
    ("items", "late"),
    [
        ([Instruction("depolarizing", (0,), (0.1,)), measure(0, 0)], False),
        ([measure(0, 0), Instruction("depolarizing", (1,), (0.1,)), measure(1, 1)], False),
        ([measure(0, 0), readout_error(0, 0.1, 0.1)], False),
        ([measure(0, 0), Instruction("depolarizing", (1, 0), (0.1,)), measure(1, 1)], True),
    ],
)
def test_late_noise(items: list[Instruction], late: bool) -> None:
    assert has_late_noise(Program(2, 2, tuple(items))) is late
