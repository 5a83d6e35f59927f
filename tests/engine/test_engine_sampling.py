"""Drawing outcomes, and what they look like."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pytest_qbench import Instruction, Program
from pytest_qbench.engine import Outcomes, Simulator
from pytest_qbench.engine.running.outcomes import row_keys
from pytest_qbench.engine.running.sampling import draw, marginals, spell

tables = st.integers(1, 4).flatmap(
    lambda rows: st.lists(
        st.lists(st.sampled_from([0.0, 1e-300, 1e-9, 0.25, 1.0, 3.0]), min_size=8, max_size=8).filter(
            lambda row: sum(row) > 1e-10
        ),
        min_size=rows,
        max_size=rows,
    )
)


@given(tables, st.lists(st.integers(0, 500), min_size=4, max_size=4), st.integers(0, 2**32))
def test_draws_come_from_their_row_and_are_possible(table: list[list[float]], shots: list[int], seed: int) -> None:
    weights = np.array(table)
    wanted = np.array(shots[: len(table)])
    rows, outcomes, counts = draw(torch.tensor(table, dtype=torch.float64), wanted, np.random.default_rng(seed))
    np.testing.assert_array_equal(np.bincount(rows, counts, len(table)), wanted)
    assert (weights[rows, outcomes] > 0).all()
    assert len(set(zip(rows, outcomes, strict=True))) == len(rows)


def test_draws_follow_the_weights() -> None:
    weights = np.array([[1.0, 2.0, 0.0, 5.0], [8.0, 0.0, 4.0, 4.0]])
    shots = np.array([80_000, 160_000])
    rows, outcomes, counts = draw(torch.tensor(weights), shots, np.random.default_rng(5))
    drawn = np.zeros((2, 4))
    drawn[rows, outcomes] = counts
    expected = shots[:, np.newaxis] * weights / weights.sum(axis=1, keepdims=True)
    assert (np.abs(drawn - expected) <= 6 * np.sqrt(expected)).all()


@pytest.mark.parametrize("shots", [31, 32_000], ids=["few for the outcomes", "many"])
def test_draws_of_one_row_follow_the_weights(shots: int) -> None:
    weights = np.array([[1.0, 2.0, 0.0, 5.0, 8.0, 0.0, 4.0, 4.0, 0.0]])
    total = np.zeros(9)
    for seed in range(200):
        _, outcomes, counts = draw(torch.tensor(weights), np.array([shots]), np.random.default_rng(seed))
        total[outcomes] += counts
    expected = 200 * shots * weights[0] / weights.sum()
    assert total.sum() == 200 * shots
    assert (np.abs(total - expected) <= 6 * np.sqrt(expected)).all()


def test_single_precision_states_are_sampled_to_the_end() -> None:
    """2**20 equal terms: summed in single precision the later ones would be off or lost."""
    n = 20
    layer = tuple(Instruction("h", (q,)) for q in range(n))
    measured = tuple(Instruction("measure", (q,), clbits=(q,)) for q in range(n))
    outcomes = Simulator(Program(n, n, layer + measured), precision="single").run(1_000_000, 7)
    ones = outcomes.weights @ outcomes.bits.astype(np.int64)
    assert (np.abs(ones - 500_000) < 6 * 500).all()
    # 10**6 draws from 2**20 equal cells leave a fraction exp(-10**6 / 2**20) of them empty.
    assert len(outcomes.weights) / 2**20 == pytest.approx(1 - np.exp(-1e6 / 2**20), abs=0.01)


@given(st.integers(0, 63), st.integers(1, 3))
def test_marginals_sum_over_the_other_positions(subset: int, rows: int) -> None:
    squares = np.random.default_rng(subset).random((rows, 64))
    positions = [position for position in range(6) if subset >> position & 1]
    expected = np.zeros((rows, 1 << len(positions)))
    for index in range(64):
        expected[:, sum((index >> p & 1) << i for i, p in enumerate(positions))] += squares[:, index]
    np.testing.assert_allclose(marginals(torch.tensor(squares), positions), expected)
    room = torch.empty(rows * 64, dtype=torch.float64)
    np.testing.assert_allclose(marginals(torch.tensor(squares), positions, room), expected)


def test_spell_gives_the_bits_of_numbers() -> None:
    assert spell(np.array([5, 2**40 + 1]), 3).tolist() == [[1, 0, 1], [1, 0, 0]]
    assert spell(np.array([2**40]), 41)[0].nonzero()[0].tolist() == [40]
    assert spell(np.array([0, 0]), 0).shape == (2, 0)


def test_bit_strings_have_bit_0_on_the_right() -> None:
    outcomes = Outcomes(np.array([[1, 0, 0], [1, 1, 0]], np.uint8), np.array([3, 4]))
    assert outcomes.as_dict() == {"001": 3, "011": 4}


@given(st.lists(st.lists(st.integers(0, 1), min_size=70, max_size=70), min_size=1, max_size=20))
def test_merged_outcomes_are_distinct_and_complete(rows: list[list[int]]) -> None:
    bits = np.array(rows, np.uint8)
    weights = np.arange(1, len(rows) + 1)
    merged = Outcomes.merged([Outcomes(bits, weights), Outcomes(bits[:1], weights[:1])])
    expected: dict[str, int] = {}
    for row, weight in [*zip(rows, weights, strict=True), (rows[0], 1)]:
        key = "".join(map(str, reversed(row)))
        expected[key] = expected.get(key, 0) + int(weight)
    assert merged.as_dict() == expected


@given(st.integers(0, 20), st.integers(0, 2**32))
def test_row_keys_are_equal_where_rows_are(width: int, seed: int) -> None:
    bits = np.random.default_rng(seed).integers(0, 2, (12, width), np.uint8)
    keys = row_keys(bits)
    assert (keys[:, np.newaxis] == keys).tolist() == [[bool((a == b).all()) for b in bits] for a in bits]
