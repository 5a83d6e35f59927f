"""Distributions: what users may write, and what the ranking and the bit sums of a distribution are."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_qbench.verify.bits import MAX_PAIRED_BITS, pairs
from pytest_qbench.verify.distribution import Distribution

weights = st.lists(st.floats(0, 1), min_size=1, max_size=64).filter(lambda values: sum(values) > 1e-3)


def as_dict(distribution: Distribution) -> dict[str, float]:
    return {distribution.key(index): float(value) for index, value in enumerate(distribution.probabilities)}


def dense(n_bits: int, seed: int = 0) -> Distribution:
    """A Porter-Thomas distribution kept as an array of all outcomes."""
    values = np.random.default_rng(seed).exponential(size=2**n_bits)
    return Distribution(n_bits, values / values.sum())


def test_mapping_keeps_keys_and_drops_spaces_and_zeros():
    distribution = Distribution.from_expected({"1 01": 0.25, "000": 0.75, "11 1": 0.0}, 3)
    assert as_dict(distribution) == {"000": 0.75, "101": 0.25}
    assert distribution.index(["101", "111", "000"]).tolist() == [1, -1, 0]


def test_array_is_indexed_by_the_bit_string_as_a_number():
    assert as_dict(Distribution.from_expected(np.array([0, 0.25, 0, 0.75]), 2)) == {"01": 0.25, "11": 0.75}
    assert as_dict(Distribution.from_expected([0.5, 0.5], 1)) == {"0": 0.5, "1": 0.5}


def test_many_outcomes_stay_an_array():
    values = np.full(2**13, 0.5**13)
    distribution = Distribution.from_array(values, 13)
    assert distribution.keys is None
    assert distribution.key(5) == "0000000000101"
    assert distribution.index(["0000000000101"]).tolist() == [5]


def test_sum_within_tolerance_is_scaled_and_the_deficit_kept():
    distribution = Distribution.from_expected({"00": 0.333333, "01": 0.333333, "11": 0.333333}, 2)
    assert math.isclose(distribution.probabilities.sum(), 1, rel_tol=1e-15)
    assert distribution.deficit == pytest.approx(1e-6)
    assert Distribution.from_expected({"0": 0.5, "1": 0.5}, 1).deficit == 0


@pytest.mark.parametrize(
    ("expected", "says"),
    [
        ({}, "is empty"),
        ({0: 1.0}, "0 is no bit string"),
        ({"01": 1.0}, "'01' has 2 bits; the circuit has 3 classical"),
        ({"0a1": 1.0}, "'0a1' holds characters other than 0 and 1"),
        ({"001": 0.5, "0 01": 0.5}, "'001' is given twice"),
        ({"000": 1.5, "001": -0.5}, "probability of '001' is -0.5"),
        ({"000": math.nan}, "probability of '000' is nan"),
        ({"000": "much"}, "'much', which is no number"),
        ({"000": 0.5, "001": 0.4}, "sum to 0.9, not to 1"),
        ([0.5, 0.5], "has 2 entries; 3 bits make 2**3"),
        (np.full((2, 4), 0.125), "has 2x4 entries"),
        (np.full(8, 0.2), "sum to 1.6, not to 1"),
        ([1.5, -0.5, 0, 0, 0, 0, 0, 0], "probability of '001' (entry 1) is -0.5"),
        ([math.inf, 0, 0, 0, 0, 0, 0, 0], "probability of '000' (entry 0) is inf"),
        (np.array([1j] * 8), "holds complex numbers"),
        (["a"] * 8, "not one of probabilities"),
        ("000", "a mapping of bit strings to probabilities or an array of probabilities, not str"),
        (None, "not NoneType"),
    ],
)
def test_what_is_no_distribution_is_refused_with_the_reason(expected, says):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (the message is looked at)
        Distribution.from_expected(expected, 3)
    assert says in str(caught.value)


@given(weights)
def test_ranking_is_descending_and_its_tail_sums_what_is_left(values):
    probabilities = np.array(values) / sum(values)
    distribution = Distribution(6, np.pad(probabilities, (0, 64 - len(values))))
    ranking = distribution.ranking
    ranked = distribution.probabilities[ranking.order]
    assert (np.diff(ranked) <= 1e-7 * ranked[:-1] + 1e-40).all()
    assert (ranking.order[ranking.rank] == np.arange(64)).all()
    np.testing.assert_allclose(ranking.tail, [*np.cumsum(ranked[::-1])[::-1], 0], rtol=1e-12)


@given(weights, st.integers(1, 10**6))
def test_bins_are_full_or_halve_what_is_left(values, shots):
    distribution = Distribution(6, np.pad(np.array(values) / sum(values), (0, 64 - len(values))))
    ranking = distribution.ranking
    n_possible = ranking.n_possible(1e-13)
    edges = ranking.bin_edges(n_possible, shots)
    assert edges[0] == 0
    assert edges[-1] == n_possible
    assert (np.diff(edges) > 0).all()
    mass, left = -np.diff(ranking.tail[edges]), ranking.tail[edges[:-1]] - ranking.tail[n_possible]
    assert (mass >= np.minimum(5 / shots, left / 2) * (1 - 1e-9)).all()


def test_ties_are_scattered_and_always_the_same():
    order = Distribution(10, np.full(1024, 2.0**-10)).ranking.order
    assert order[:4].tolist() == Distribution(10, np.full(1024, 2.0**-10 * (1 + 1e-12))).ranking.order[:4].tolist()
    # In the first half of the ranking no bit is 1 much more or less often than by chance.
    ones = (order[:512, None] >> np.arange(10, dtype=np.uint32) & 1).sum(axis=0)
    assert (abs(ones - 256.0) < 60).all()


def test_possible_outcomes_leave_out_no_more_than_the_leakage():
    ranking = Distribution(2, np.array([0.5, 0.5 - 3e-7, 2e-7, 1e-7])).ranking
    assert [ranking.n_possible(leakage) for leakage in (1e-13, 1.5e-7, 4e-7, 2.0)] == [4, 3, 2, 1]


@pytest.mark.parametrize("n_bits", [1, 2, 5, 6])
def test_bit_sums_of_arrays_and_of_keys_agree_with_their_definition(n_bits):
    distribution = dense(n_bits)
    listed = Distribution.from_mapping(as_dict(distribution), n_bits)
    outcomes = as_dict(distribution).items()
    bit = {position: n_bits - 1 - position for position in range(n_bits)}
    by_hand = [sum(p for key, p in outcomes if key[bit[i]] == "1") for i in range(n_bits)]
    by_hand += [sum(p for key, p in outcomes if key[bit[i]] != key[bit[j]]) for i, j in pairs(n_bits)]
    np.testing.assert_allclose(distribution.bit_sums, by_hand, atol=1e-14)
    np.testing.assert_allclose(listed.bit_sums, by_hand, atol=1e-14)


def test_many_bits_are_not_paired():
    width = MAX_PAIRED_BITS + 1
    distribution = Distribution.from_expected({"0" * width: 0.5, "1" * width: 0.5}, width)
    assert distribution.bit_sums.tolist() == [0.5] * width


def test_every_pair_is_listed_once():
    assert sorted(pairs(5)) == sorted(itertools.combinations(range(5), 2))
