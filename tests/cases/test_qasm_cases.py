"""The QASM files of the standard suite do what their comments say."""

from __future__ import annotations

import itertools
import math

import pytest
from suite_instances import CASES
from test_case_expectations import ideal_probabilities

CIRCUITS = {case.name: case() for case in CASES if case.path.endswith(".qasm")}


def test_full_adder_adds_and_permutes_its_bits():
    ones = (0.5, math.sin(math.pi / 6) ** 2, math.sin(math.pi / 5) ** 2)
    expected = {}
    for a, b, carry in itertools.product((0, 1), repeat=3):
        total = a + b + carry
        # q[0] = a -> c[2], q[1] = b -> c[0], q[2] = sum -> c[3], q[3] = carry out -> c[1]
        outcome = f"{total & 1}{a}{total >> 1}{b}"
        expected[outcome] = math.prod(p if bit else 1 - p for p, bit in zip(ones, (a, b, carry), strict=True))
    assert ideal_probabilities(CIRCUITS["full_adder"]) == pytest.approx(expected, abs=1e-12)


def test_order_finding_gives_the_multiples_of_a_quarter():
    expected = {"0000": 0.25, "0100": 0.25, "1000": 0.25, "1100": 0.25}
    assert ideal_probabilities(CIRCUITS["order_finding_15"]) == pytest.approx(expected, abs=1e-12)


def test_shor_code_corrects_its_error():
    probabilities = ideal_probabilities(CIRCUITS["shor_code"])
    logical_one = sum(p for outcome, p in probabilities.items() if outcome[-1] == "1")
    assert logical_one == pytest.approx(math.sin(math.pi / 5) ** 2, abs=1e-12)
    assert len({outcome[:-1] for outcome in probabilities}) == 4
