"""How many rounds, and which seeds."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from pytest_qbench.measure.messages import RoundPolicy
from pytest_qbench.measure.rounds import needs_another_round, round_seed

policies = st.builds(
    RoundPolicy,
    min_rounds=st.integers(0, 20),
    max_time=st.floats(0, 10),
    max_rounds=st.integers(1, 50),
    single_above=st.floats(0.1, 5),
)


def rounds_of(policy, durations):
    """The rounds that a simulator with calls of these durations gets."""
    taken = []
    endless = itertools.cycle(durations)
    while needs_another_round(policy, taken):
        taken.append(next(endless))
    return taken


@given(policies, st.lists(st.floats(0.001, 6), min_size=1, max_size=5))
def test_rounds_follow_the_policy(policy, durations):
    taken = rounds_of(policy, durations)
    slow = [i for i, duration in enumerate(taken) if duration > policy.single_above]
    assert 1 <= len(taken) <= policy.max_rounds
    assert slow in ([], [len(taken) - 1])
    if not slow and len(taken) < policy.max_rounds:
        assert len(taken) >= policy.min_rounds
        assert sum(taken) >= policy.max_time
    if len(taken) > max(policy.min_rounds, 1):
        assert sum(taken[:-1]) < policy.max_time


def test_the_defaults():
    assert len(rounds_of(RoundPolicy(), [0.01])) == 50
    assert len(rounds_of(RoundPolicy(), [0.0001])) == 100
    assert len(rounds_of(RoundPolicy(), [1.0])) == 3
    assert len(rounds_of(RoundPolicy(), [2.1])) == 1


@given(st.integers(), st.text("0123456789abcdef", min_size=1), st.integers(1, 10**6), st.integers(0, 100))
def test_seeds_are_positive_and_have_31_bits(seed, program_hash, shots, index):
    assert 1 <= round_seed(seed, program_hash, shots, index) <= 2**31 - 1


def test_seeds_differ_in_everything_they_are_derived_from():
    cells = itertools.product((0, 1), ("ab", "ba"), (1, 10, 11), range(30))
    seeds = [round_seed(*cell) for cell in cells]
    assert len(set(seeds)) == len(seeds)


def test_seeds_are_the_same_on_every_machine():
    assert [round_seed(0, "00ff", 1000, index) for index in range(3)] == [2035112907, 1997087717, 539790742]
