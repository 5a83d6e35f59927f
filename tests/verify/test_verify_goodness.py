"""The test of counts: never a false alarm, exact where it says exact, and sharp against what goes wrong."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_qbench.verify import evidence
from pytest_qbench.verify.distribution import Distribution
from pytest_qbench.verify.evidence import Observed, two_sided, weigh
from pytest_qbench.verify.goodness import LEVEL, check_counts
from pytest_qbench.verify.xeb import linear_xeb


def porter_thomas(n_bits: int, seed: int = 1) -> Distribution:
    return of(np.random.default_rng(seed).exponential(size=2**n_bits))


def of(weights) -> Distribution:
    weights = np.asarray(weights, dtype=float)
    return Distribution.from_array(weights / weights.sum(), len(weights).bit_length() - 1)


def uniform(n_bits: int) -> Distribution:
    return of(np.ones(2**n_bits))


SHAPES = {
    "certain": Distribution.certain("0101"),
    "ghz24": Distribution.from_expected({"0" * 24: 0.5, "1" * 24: 0.5}, 24),
    "coin": of([0.5, 0.5]),
    "rare": of([0.999, 0.001]),
    "thirds": Distribution.from_expected({"001": 0.333333, "010": 0.333333, "100": 0.333333}, 3),
    "uniform4": uniform(4),
    "uniform10": uniform(10),
    "geometric": of(0.5 ** np.arange(64)),
    "porter-thomas5": porter_thomas(5),
    "porter-thomas9": porter_thomas(9),
    "porter-thomas13": porter_thomas(13),
    "wide": Distribution.from_mapping({format(3**k % 2**80, "080b"): k + 1.0 for k in range(40)}, 80),
}


def entries(distribution: Distribution) -> np.ndarray:
    """All probabilities of a distribution, indexed by the bit string."""
    values = np.zeros(2**distribution.n_clbits)
    for index, probability in enumerate(distribution.probabilities):
        values[int(distribution.key(index), 2)] = probability
    return values


def draw(weights, shots: int, rng: np.random.Generator) -> dict[str, int]:
    """Counts of ``shots`` shots of outcomes with these weights, one per bit string."""
    weights = np.asarray(weights, dtype=float)
    width = len(weights).bit_length() - 1
    drawn = rng.multinomial(shots, weights / weights.sum())
    return {format(outcome, f"0{width}b"): int(drawn[outcome]) for outcome in np.flatnonzero(drawn)}


def right_counts(distribution: Distribution, shots: int, rng: np.random.Generator) -> dict[str, int]:
    drawn = rng.multinomial(shots, distribution.probabilities)
    return {distribution.key(int(index)): int(drawn[index]) for index in np.flatnonzero(drawn)}


def fails(counts: dict[str, int], distribution: Distribution, precision: str = "double") -> bool:
    return not check_counts(counts, distribution, sum(counts.values()), precision=precision).passed


# No false alarms


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("shots", [1, 10, 100, 1000, 10000])
def test_right_counts_pass_and_are_calibrated(name, shots):
    """Over all parameters some 3000 samples; one false alarm in them would have a probability of 0.3%."""
    distribution = SHAPES[name]
    n_samples = 60 if len(distribution) * shots < 1e6 else 30
    rng = np.random.default_rng([shots, len(name)])
    samples = [right_counts(distribution, shots, rng) for _ in range(n_samples)]
    p_values = np.array([check_counts(sample, distribution, shots).p_value for sample in samples])
    assert p_values.min() > LEVEL
    for level in (0.05, 0.2):
        slack = 5 * math.sqrt(n_samples * level * (1 - level))
        assert np.count_nonzero(p_values <= level) <= n_samples * level + slack


@pytest.mark.parametrize(
    ("weights", "shots"), [((0.5, 0.5), 14), ((0.9, 0.1), 20), ((0.7, 0.2, 0.07, 0.03), 9), ((1, 1, 1, 1), 9)]
)
def test_the_level_is_exact_over_every_possible_sample(weights, shots):
    """The probability of all samples with p <= a is at most a, for every a: no sampling, no approximation."""
    distribution = of(weights)
    probabilities = entries(distribution)
    results = []
    for sample in compositions(shots, len(weights)):
        chance = math.factorial(shots) * math.prod(
            p**count / math.factorial(count) for p, count in zip(probabilities, sample, strict=True)
        )
        counts = {format(i, f"0{distribution.n_clbits}b"): count for i, count in enumerate(sample)}
        results.append((check_counts(counts, distribution, shots).p_value, chance))
    results.sort()
    p_values, chances = np.array(results).T
    assert chances.sum() == pytest.approx(1)
    assert (np.cumsum(chances) <= p_values * (1 + 1e-9) + 1e-12).all()


def compositions(total: int, parts: int):
    """All ways to write ``total`` as an ordered sum of ``parts`` numbers of at least 0."""
    for bars in itertools.combinations(range(total + parts - 1), parts - 1):
        edges = (-1, *bars, total + parts - 1)
        yield tuple(high - low - 1 for low, high in itertools.pairwise(edges))


@pytest.mark.parametrize("shots", [1, 2, 5, 8])
def test_every_likelihood_ratio_has_mean_one(shots):
    probabilities = np.array([0.55, 0.3, 0.1, 0.05])
    totals = 0.0
    for sample in compositions(shots, 4):
        counts = np.array(sample, dtype=float)
        chance = math.factorial(shots) * np.prod(probabilities**counts / [math.factorial(c) for c in sample])
        log_ratios = np.concatenate(
            [evidence._dirichlet(counts, probabilities), evidence._white_noise(counts, probabilities, 4)]
        )
        totals = totals + chance * np.exp(log_ratios)
    np.testing.assert_allclose(totals, 1, rtol=1e-9)


@given(st.integers(1, 30), st.data(), st.integers(1, 99))
def test_binomial_tails_are_exact(shots, data, percent):
    seen = data.draw(st.integers(0, shots))
    p = Fraction(percent, 100)
    chances = [math.comb(shots, k) * p**k * (1 - p) ** (shots - k) for k in range(shots + 1)]
    exact = min(Fraction(1), 2 * min(sum(chances[: seen + 1]), sum(chances[seen:])))
    assert float(two_sided(np.array([float(seen)]), shots, np.array([float(p)]))[0]) == pytest.approx(float(exact))


def test_binomial_tails_are_accurate_far_out():
    far = two_sided(np.array([1000.0, 0.0, 700.0]), 1000, np.array([0.5, 0.5, 1e-3]))
    assert far[0] == pytest.approx(2 * 0.5**1000, rel=1e-9)
    assert far[1] == pytest.approx(2 * 0.5**1000, rel=1e-9)
    assert far[2] == 0 or far[2] < 1e-300


def test_rounding_of_single_precision_is_tolerated():
    counts = {"00": 5000, "11": 4999, "10": 1}
    distribution = of([0.5, 0, 0, 0.5])
    assert fails(counts, distribution)
    assert not fails(counts, distribution, "single")
    assert fails({"00": 5000, "11": 4995, "10": 5}, distribution, "single")


def test_probability_that_the_user_rounded_away_is_tolerated():
    rounded = Distribution.from_expected({"00": 0.4999995, "11": 0.5}, 2)
    assert not fails({"00": 5000, "11": 4999, "10": 1}, rounded)
    assert fails({"00": 5000, "11": 4995, "10": 5}, rounded)


# Power


RNG_SEEDS = range(5)


@pytest.mark.parametrize("seed", RNG_SEEDS)
def test_five_percent_on_the_wrong_outcome_fail(seed):
    rng = np.random.default_rng(seed)
    assert fails(draw([0.55, 0, 0, 0.45], 10000, rng), of([0.5, 0, 0, 0.5]))
    distribution = porter_thomas(8)
    wrong = 0.95 * entries(distribution)
    wrong[77] += 0.05
    assert fails(draw(wrong, 10000, rng), distribution)


@pytest.mark.parametrize("seed", RNG_SEEDS)
def test_depolarised_counts_fail(seed):
    rng = np.random.default_rng(seed)
    distribution = porter_thomas(14)
    right = entries(distribution)
    assert fails(draw(0.5 * right + 0.5 / len(right), 400, rng), distribution)
    assert fails(draw(0.92 * right + 0.08 / len(right), 10000, rng), distribution)
    assert fails(draw(np.ones(len(right)), 100, rng), distribution)


@pytest.mark.parametrize("shots", [5, 100, 10000])
def test_all_zeros_instead_of_a_dense_distribution_fail(shots):
    assert fails({"0" * 14: shots}, porter_thomas(14))
    assert fails({"0" * 10: shots}, uniform(10))


@pytest.mark.parametrize("seed", RNG_SEEDS)
def test_reversed_bits_fail_and_are_recognised(seed):
    rng = np.random.default_rng(seed)
    distribution = porter_thomas(7)
    counts = {key[::-1]: count for key, count in draw(entries(distribution), 1000, rng).items()}
    check = check_counts(counts, distribution, 1000)
    assert not check.passed
    assert "read backwards the bit strings would fit" in check.message
    swapped = check_counts({"100": 100}, Distribution.certain("001"), 100)
    assert "read backwards" in swapped.message


def test_one_impossible_outcome_fails():
    assert fails({"00": 5000, "11": 4999, "01": 1}, of([0.5, 0, 0, 0.5]))
    assert fails({"0" * 24: 99999, "1" + "0" * 23: 1}, Distribution.certain("0" * 24))
    assert fails({"1": 1}, Distribution.certain("0"))


@pytest.mark.parametrize("seed", RNG_SEEDS)
def test_a_bias_of_one_bit_fails_where_no_outcome_shows_it(seed):
    biased = np.repeat([1.1, 0.9], 2**13)
    check = check_counts(draw(biased, 10000, np.random.default_rng(seed)), uniform(14), 10000)
    assert not check.passed
    assert "classical bit 13 is 1 in 4" in check.message


@pytest.mark.parametrize("seed", RNG_SEEDS)
def test_a_lost_correlation_fails_where_single_bits_are_right(seed):
    """Bits 2 and 9 should agree 3 times of 4 and do not."""
    outcomes = np.arange(2**12)
    agree = np.where((outcomes >> 2 & 1) == (outcomes >> 9 & 1), 3.0, 1.0)
    check = check_counts(draw(np.ones(2**12), 1000, np.random.default_rng(seed)), of(agree), 1000)
    assert not check.passed
    assert "classical bits 2 and 9 differ in" in check.message


@pytest.mark.parametrize("repeats", [2, 10])
def test_repeated_samples_fail(repeats):
    """A simulator that draws fewer shots than asked and repeats them."""
    rng = np.random.default_rng(repeats)
    for distribution in (uniform(14), porter_thomas(14)):
        once = right_counts(distribution, 2000 // repeats, rng)
        assert fails({key: count * repeats for key, count in once.items()}, distribution)


@pytest.mark.parametrize("seed", RNG_SEEDS)
def test_many_slightly_wrong_probabilities_fail(seed):
    rng = np.random.default_rng(seed)
    off = np.exp(0.35 * rng.normal(size=256))
    assert fails(draw(off * entries(porter_thomas(8)), 10000, rng), porter_thomas(8))


@pytest.mark.parametrize("seed", RNG_SEEDS)
def test_one_light_outcome_that_is_too_heavy_fails_at_few_shots(seed):
    distribution = of([0.997, *[0.003 / 31] * 31])
    counts = draw([0.8, *[0.2 / 31] * 31], 100, np.random.default_rng(seed))
    assert fails(counts, distribution)


# Messages


def test_message_compares_seen_with_expected():
    check = check_counts({"00": 5400, "11": 4600}, of([0.5, 0, 0, 0.5]), 10000)
    assert not check.passed
    assert check.message.splitlines() == [
        f"counts of 10000 shots do not follow the expected distribution: p <= {check.p_value:.1e} (level 1e-06)",
        "  outcome  seen  expected",
        "  00       5400  5000.0 +- 50.0",
        "  11       4600  5000.0 +- 50.0",
    ]


def test_message_names_impossible_outcomes_of_any_width():
    zeros = "0" * 24
    wrong = {"1" + zeros[1:]: 500, **{format(value, "024b"): 3 for value in range(1, 9)}}
    check = check_counts({zeros: 9476, **wrong}, Distribution.certain(zeros), 10000)
    lines = check.message.splitlines()
    assert "p < 1e-300" in lines[0]
    assert lines[2].split() == [zeros, "9476", "10000.0", "+-", "0.0"]
    assert "impossible, but seen: 1" + zeros[1:] + " (500 shots), " + "0" * 23 + "1 (3 shots)" in lines[3]
    assert lines[3].endswith("and 5 others, 524 shots in all")


def test_message_on_dense_distributions_tells_groups_and_fidelity():
    distribution = porter_thomas(14)
    counts = draw(np.ones(2**14), 10000, np.random.default_rng(0))
    check = check_counts(counts, distribution, 10000)
    assert 4 <= len(check.message.splitlines()) <= 10
    assert "most probable outcomes came in" in check.message
    assert "linear cross-entropy fidelity" in check.message
    assert "other outcomes seen" in check.message


def test_message_tells_what_never_came():
    check = check_counts({"0": 1000}, of([0.9, 0.1]), 1000)
    assert "  1           0  100.0 +- 9.5" in check.message


@pytest.mark.parametrize(
    ("counts", "says"),
    [
        ({"00": 9}, "sum to 9, not to the 10 shots"),
        ({"000": 10}, "'000' has 3 characters; the circuit has 2 classical bits"),
        ({"0 0": 10}, "'0 0' is no bit string"),
        ({0: 10}, "0 is no bit string"),
        ({"00": -1, "01": 11}, "'00' has -1 shots"),
        ({"00": 10.0}, "'00' has 10.0 shots"),
        ({}, "sum to 0, not to the 10 shots"),
    ],
)
def test_malformed_counts_fail_with_the_reason(counts, says):
    check = check_counts(counts, of([0.5, 0, 0, 0.5]), 10)
    assert not check.passed
    assert check.p_value == 0
    assert says in check.message


def test_numpy_counts_and_zeros_among_them_are_fine():
    assert check_counts({"00": np.int64(6), "11": np.int64(4), "01": 0}, of([0.5, 0, 0, 0.5]), 10).passed


# Cross-entropy


@pytest.mark.parametrize(("noise", "fidelity"), [(0.0, 1.0), (0.3, 0.7), (1.0, 0.0)])
def test_cross_entropy_estimates_the_fidelity(noise, fidelity):
    distribution = porter_thomas(10)
    right = entries(distribution)
    counts = draw((1 - noise) * right + noise / len(right), 20000, np.random.default_rng(3))
    xeb = linear_xeb(Observed.of(counts, distribution), distribution)
    assert xeb is not None
    assert xeb.fidelity == pytest.approx(fidelity, abs=6 * xeb.error)


def test_error_of_the_cross_entropy_is_its_standard_deviation():
    distribution = porter_thomas(8)
    rng = np.random.default_rng(4)
    samples = [
        linear_xeb(Observed.of(right_counts(distribution, 500, rng), distribution), distribution) for _ in range(400)
    ]
    spread = np.std([sample.fidelity for sample in samples])
    assert spread == pytest.approx(samples[0].error, rel=0.2)


def test_uniform_distributions_have_no_cross_entropy():
    assert check_counts(right_counts(uniform(8), 100, np.random.default_rng(0)), uniform(8), 100).xeb is None


def test_parts_say_which_of_them_found_it():
    distribution = of([0.5, 0, 0, 0.5])
    parts = weigh(Observed.of({"00": 50, "11": 49, "01": 1}, distribution), distribution, "double").parts
    assert set(parts) == {"impossible", "bits", "groups", "likelihood"}
    assert parts["impossible"] < 1e-10 < 0.1 < min(parts["groups"], parts["likelihood"])
