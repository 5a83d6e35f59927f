"""The split of time: its arithmetic on times with known differences, and the measuring."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_qbench.gradients.bootstrap import MIN_ROUNDS
from pytest_qbench.gradients.paths.base import Variants
from pytest_qbench.gradients.split import STAGES, VARIANTS, resolve, round_order, time_variants

SECONDS = st.floats(1e-6, 1e-1)


def variant_times(encode, inject, circuit, framework, disturbances):
    """What each variant takes if its stages take so long; a disturbance makes all calls of its round slower."""
    sums = {
        "full": encode + inject + circuit + framework,
        "states": inject + circuit + framework,
        "body": circuit + framework,
        "null": framework,
        "encode": encode + inject + framework,
        "inject": inject + framework,
    }
    return {name: [seconds + more for more in disturbances] for name, seconds in sums.items()}


@given(
    stages=st.tuples(SECONDS, SECONDS, SECONDS, SECONDS),
    disturbances=st.lists(st.floats(0, 1e-2), min_size=MIN_ROUNDS, max_size=20),
    units=st.integers(1, 10_000),
)
def test_known_differences_are_recovered_whatever_disturbs_whole_rounds(stages, disturbances, units):
    split = resolve(variant_times(*stages, disturbances), units)
    for name, seconds in zip(STAGES[:3], stages, strict=False):
        part = split.stages()[name]
        assert part.seconds == pytest.approx(units * seconds, rel=1e-9, abs=1e-15 * units)
        assert part.low == pytest.approx(units * seconds, rel=1e-9, abs=1e-15 * units) == part.high
        assert part.resolved
    assert split.framework.low >= units * stages[3] * (1 - 1e-9)
    assert split.cross_check.encode.seconds == pytest.approx(units * stages[0], rel=1e-9)
    assert split.rounds == len(disturbances)


@given(
    times=st.lists(st.lists(SECONDS, min_size=7, max_size=7), min_size=6, max_size=6),
    units=st.integers(1, 100),
    order=st.permutations(VARIANTS),
)
def test_the_stages_add_up_and_the_order_of_variants_does_not_matter(times, units, order):
    named = dict(zip(VARIANTS, times, strict=True))
    split = resolve(named, units)
    assert sum(part.seconds for part in split.stages().values()) == pytest.approx(split.full.seconds, abs=1e-12 * units)
    assert resolve({name: named[name] for name in order}, units) == split
    for part in (split.full, *split.stages().values()):
        assert part.low <= part.high
        assert part.resolved == (part.low > 0 or part.high < 0)


def test_the_order_of_rounds_hardly_matters():
    rng = random.Random(3)
    times = variant_times(1e-3, 1e-4, 2e-3, 5e-4, [0.0] * 12)
    times = {name: [rng.gauss(value, 1e-4) for value in values] for name, values in times.items()}
    places = list(range(12))
    rng.shuffle(places)
    split, shuffled = (
        resolve(times, 1),
        resolve({name: [values[i] for i in places] for name, values in times.items()}, 1),
    )
    for name in STAGES:
        one, other = split.stages()[name], shuffled.stages()[name]
        assert one.seconds == other.seconds
        assert abs(one.low - other.low) < one.high - one.low
        assert abs(one.high - other.high) < one.high - one.low


@pytest.mark.parametrize("n_rounds", [MIN_ROUNDS, 15])
def test_intervals_cover_the_truth(n_rounds):
    """Of 95% intervals some miss, but neither many nor all are so wide that they can't."""
    rng = random.Random(n_rounds)
    covered = resolved = 0
    for _ in range(120):
        drift = [rng.expovariate(1e3) for _ in range(n_rounds)]
        times = variant_times(4e-4, 1e-4, 1e-3, 1e-4, drift)
        times = {name: [value + rng.gauss(0, 1e-4) for value in times[name]] for name in ("full", "states")}
        part = resolve(times, 1).encode
        covered += part.low <= 4e-4 <= part.high
        resolved += part.resolved
    assert covered >= 100
    assert resolved >= 60


def test_a_difference_within_the_noise_is_not_resolved():
    rng = random.Random(1)
    names = ("full", "states")
    parts = [resolve({name: [rng.gauss(1, 0.1) for _ in range(11)] for name in names}, 1).encode for _ in range(100)]
    assert sum(part.resolved for part in parts) <= 12
    assert not resolve({name: [1.0] * 11 for name in names}, 1).encode.resolved


def test_too_few_rounds_have_no_interval():
    split = resolve(variant_times(1.0, 1.0, 1.0, 1.0, [0.0] * (MIN_ROUNDS - 1)), 2)
    assert split.encode.seconds == 2
    assert (split.encode.low, split.encode.high, split.encode.resolved) == (None, None, False)
    assert split.cross_check.agrees is None


@pytest.mark.parametrize(
    ("missing", "unknown"),
    [
        ({"null"}, {"circuit", "framework"}),
        ({"states"}, {"encode", "inject"}),
        ({"full"}, {"encode"}),
        ({"body", "null"}, {"inject", "circuit", "framework"}),
        ({"inject"}, set()),
        (set(VARIANTS), set(STAGES)),
    ],
)
def test_a_stage_without_its_variants_is_not_measured(missing, unknown):
    times = variant_times(1.0, 1.0, 1.0, 1.0, [0.0] * 6)
    split = resolve({name: [] if name in missing else values for name, values in times.items()}, 1)
    assert {name for name, part in split.stages().items() if part is None} == unknown
    assert (split.cross_check is None) == bool(missing & {"full", "states", "encode", "inject"})


def test_the_cross_check_says_whether_the_two_ways_agree():
    rng = random.Random(2)
    times = variant_times(1e-3, 1e-4, 1e-3, 1e-4, [0.0] * 20)
    times = {name: [value + rng.gauss(0, 1e-6) for value in values] for name, values in times.items()}
    assert resolve(times, 1).cross_check.agrees
    times["encode"] = [value + 1e-4 for value in times["encode"]]
    check = resolve(times, 3).cross_check
    assert not check.agrees
    assert check.difference.seconds == pytest.approx(-3e-4, rel=0.1)
    assert check.encode.seconds == pytest.approx(3.3e-3, rel=0.1)


def test_a_split_as_json():
    value = resolve(variant_times(1.0, 1.0, 1.0, 1.0, [0.0] * 6), 3).to_json()
    assert json.loads(json.dumps(value)) == value
    assert value["encode"] == {"seconds": 3.0, "low": 3.0, "high": 3.0, "resolved": True}
    assert value["cross_check"]["agrees"] is True
    assert (value["units"], value["rounds"]) == (3, 6)
    assert resolve({}, 1).to_json()["encode"] is None


@pytest.mark.parametrize(
    ("times", "units", "message"),
    [
        ({"full": [1.0, 2.0], "states": [1.0]}, 1, "full 2, states 1"),
        ({"full": [1.0]}, 0, "not 0"),
        ({"full": [1.0, float("nan")]}, 1, "finite"),
    ],
)
def test_what_can_not_be_split(times, units, message):
    with pytest.raises(ValueError, match=message):
        resolve(times, units)


@given(st.integers(1, 6))
def test_every_variant_is_in_every_place_equally_often(n_names):
    names = VARIANTS[:n_names]
    orders = [round_order(names, number) for number in range(2 * n_names)]
    assert all(sorted(order) == sorted(names) for order in orders)
    assert set(Counter((name, order.index(name)) for order in orders for name in names).values()) == {2}


def recording(names, log):
    return Variants({name: (lambda name=name: log.append(name)) for name in names}, units=1)


@settings(max_examples=20)
@given(
    names=st.lists(st.sampled_from(VARIANTS), min_size=1, unique=True),
    min_rounds=st.integers(1, 9),
)
def test_without_a_budget_there_are_the_least_rounds_after_a_warm_up(names, min_rounds):
    log = []
    times = time_variants(recording(names, log), lambda: log.append("wait"), 0.0, min_rounds)
    assert {name: len(values) for name, values in times.items()} == dict.fromkeys(names, min_rounds)
    assert log[1::2] == ["wait"] * len(names) * (min_rounds + 1)
    rounds = [log[begin : begin + 2 * len(names) : 2] for begin in range(0, len(log), 2 * len(names))]
    assert rounds == [names, *(round_order(names, number) for number in range(min_rounds))]
    assert all(seconds >= 0 for values in times.values() for seconds in values)


def test_rounds_end_with_the_budget_or_the_largest_number():
    def wait():
        time.sleep(0.002)

    calls = Variants({"full": wait, "states": wait}, units=1)
    times = time_variants(calls, lambda: None, 0.06, min_rounds=1)
    assert len(times["full"]) == len(times["states"]) < 15
    assert len(time_variants(recording(["full"], []), lambda: None, 60.0, max_rounds=7)["full"]) == 7


def test_measured_stages_are_told_apart():
    calls = Variants({"full": lambda: time.sleep(0.005), "states": lambda: None}, units=4)
    split = resolve(time_variants(calls, lambda: None, 0.0), calls.units)
    assert split.encode.resolved
    assert split.encode.low >= 4 * 0.004
    assert split.inject is None


def test_only_known_variants_are_timed():
    with pytest.raises(ValueError, match="not state"):
        time_variants(recording(["full", "state"], []), lambda: None, 0.0)
    with pytest.raises(ValueError, match="not none"):
        time_variants(Variants({}, units=1), lambda: None, 0.0)


def test_the_worker_side_needs_the_standard_library_only():
    code = "import sys, pytest_qbench.gradients.split; assert not {'numpy', 'torch', 'pytest'} & set(sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_encoding_may_happen_less_often_than_evaluations() -> None:
    times = {"full": [5.0] * 6, "states": [3.0] * 6, "body": [2.0] * 6, "null": [1.0] * 6}
    split = resolve(times, 10, encode_units=2)
    parts = {name: part.seconds for name, part in split.stages().items() if part}
    assert parts == {"encode": 4.0, "inject": 10.0, "circuit": 10.0, "framework": 10.0}
    assert split.full is not None
    assert split.full.seconds == sum(parts.values())
