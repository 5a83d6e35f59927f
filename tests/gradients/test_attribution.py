"""Where a speed-up comes from."""

from __future__ import annotations

import json
import math
import random
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_qbench.gradients.attribution import BASELINE, PathTimes, attribute, best_pennylane, speedup
from pytest_qbench.gradients.bootstrap import ratio_of_few
from pytest_qbench.gradients.paths.registry import PATHS
from pytest_qbench.gradients.traits import changes, finest_chain, phrases, single_changes, traits_of

# Seconds at 12 qubits, with roughly the ratios that were published for these methods.
CPU_TIMES = {
    "pennylane/default.qubit": 90.0,
    "pennylane/lightning.qubit": 43.0,
    "qdp": 86.0,
    "qdp/lightning.qubit": 38.0,
    "pennylane-tuned/default.qubit": 10.6,
    "pennylane-tuned/lightning.qubit": 7.3,
    "lightning/adjoint": 0.66,
    "native/shift": 1.3,
    "native/adjoint": 0.1,
}


def path(label, seconds=1.0, n_rounds=7, **more):
    """A path whose rounds lie around ``seconds``, which is their median."""
    rounds = tuple(seconds * (1 + 0.01 * (number - n_rounds // 2)) for number in range(n_rounds))
    fields = {
        "evaluations": 9600,
        "n_samples": 100,
        "precision": "double",
        "threads": 2,
        "n_nonzero": 5,
        "status": "PASS",
    }
    return PathTimes(label, rounds, **(fields | more))


def paths(times=CPU_TIMES, **more):
    return [path(label, seconds, **more) for label, seconds in times.items()]


def test_the_steps_of_all_paths():
    found = attribute(paths())
    assert [(step.before, step.after) for step in found.steps] == [
        ("pennylane/default.qubit", "qdp"),
        ("qdp", "pennylane-tuned/default.qubit"),
        ("pennylane-tuned/default.qubit", "native/shift"),
        ("native/shift", "native/adjoint"),
    ]
    assert [step.changes for step in found.steps] == [
        ("encoding once",),
        ("no QNode", "many samples at once"),
        ("own fused kernels", "gates outside the light cone left out", "prefix states reused"),
        ("adjoint instead of parameter-shift",),
    ]
    assert found.steps[0].ratio.value == pytest.approx(90 / 86)
    assert found.whole.value == pytest.approx(900)
    assert (found.baseline, found.fastest, found.best_pennylane) == (BASELINE, "native/adjoint", "lightning/adjoint")
    assert found.over_best.value == pytest.approx(6.6)


def test_single_changes_beside_the_steps():
    beside = {(step.before, step.after): step.changes for step in attribute(paths()).beside}
    assert beside[("pennylane/lightning.qubit", "qdp/lightning.qubit")] == ("encoding once",)
    assert beside[("qdp/lightning.qubit", "pennylane-tuned/lightning.qubit")] == ("no QNode",)
    assert beside[("pennylane/default.qubit", "pennylane/lightning.qubit")] == (
        "simulator lightning.qubit instead of default.qubit",
    )
    assert beside[("pennylane-tuned/lightning.qubit", "lightning/adjoint")] == ("adjoint instead of parameter-shift",)
    # These are steps already, or more than one thing changes.
    assert ("pennylane/default.qubit", "qdp") not in beside
    assert ("native/shift", "native/adjoint") not in beside
    assert ("pennylane-tuned/default.qubit", "pennylane-tuned/lightning.qubit") not in beside


def test_what_no_path_separates_is_one_step():
    found = attribute(paths({"pennylane/default.qubit": 90.0, "native/adjoint": 0.1}))
    (step,) = found.steps
    assert step.changes == (
        "encoding once",
        "no QNode",
        "many samples at once",
        "own fused kernels",
        "gates outside the light cone left out",
        "adjoint instead of parameter-shift",
    )
    assert step.ratio == found.whole


@settings(max_examples=60, deadline=None)
@given(
    times=st.dictionaries(st.sampled_from(sorted(CPU_TIMES)), st.floats(1e-3, 1e3), min_size=1),
    seed=st.integers(0, 2**32),
    data=st.data(),
)
def test_factors_multiply_to_the_whole_in_any_order_of_paths(times, seed, data):
    given_paths = paths(times)
    found = attribute(given_paths, seed)
    assert attribute(data.draw(st.permutations(given_paths)), seed) == found
    assert {label for step in (*found.steps, *found.beside) for label in (step.before, step.after)} <= set(times)
    assert found.fastest == min(times, key=lambda label: (path(label, times[label]).median_s, label))
    assert (found.whole is None) == (not found.steps)
    if found.steps:
        assert (found.steps[0].before, found.steps[-1].after) == (found.baseline, found.fastest)
        assert found.product == pytest.approx(found.whole.value)
        assert found.product == pytest.approx(math.prod(step.ratio.value for step in found.steps))
    for step in found.beside:
        assert len(step.changes) == 1


@given(labels=st.sets(st.sampled_from(sorted(PATHS)), min_size=2), data=st.data())
def test_no_step_changes_back_what_another_changed(labels, data):
    traits = {label: traits_of(label, "double", 1) for label in labels}
    start, goal = data.draw(st.permutations(sorted(labels)))[:2]
    chain = finest_chain(traits, start, goal)
    assert (chain[0], chain[-1]) == (start, goal)
    for before, after in pairwise(chain):
        for name, (_, new) in changes(traits[before], traits[after]).items():
            assert new == traits[goal][name] or name == "method"
    for before, after in single_changes(traits):
        assert len(changes(traits[before], traits[after])) == 1


def test_every_path_of_the_registry_is_known_and_no_two_are_alike():
    traits = {label: traits_of(label, "double", 1) for label in PATHS}
    assert {value["implementation"] for value in traits.values()} == {"own"}
    assert all(changes(traits[one], traits[other]) for one in traits for other in traits if one != other)


def test_options_of_a_label_are_traits():
    plain = traits_of("native/adjoint", "double", 2)
    assert phrases(plain, traits_of("native/adjoint.precision=single", "single", 2)) == (
        "precision single instead of double",
    )
    assert phrases(plain, traits_of("native/adjoint.batch=4", "double", 2)) == ("options batch=4 instead of none",)
    assert phrases(plain, traits_of("native/adjoint", "double", 1)) == ("threads 1 instead of 2",)
    assert phrases(plain, traits_of("native/adjoint", None, None)) == ("nothing that is known",)


def test_precision_and_threads_are_named_where_they_change():
    shift, adjoint = path("native/shift", 4.0), path("native/adjoint", 1.0, precision="single", threads=4)
    found = attribute([path(BASELINE, 10.0), shift, adjoint])
    assert found.steps[-1].changes == (
        "adjoint instead of parameter-shift",
        "precision single instead of double",
        "threads 4 instead of 2",
    )


def test_only_paths_that_passed_take_part():
    wrong = path("native/adjoint", 0.001, status="FAIL")
    absent = PathTimes("qdp", (), None, 100, None, None, None, "UNAVAILABLE", "not installed")
    found = attribute([path(BASELINE, 10.0), path("native/shift", 1.0), wrong, absent])
    assert (found.fastest, [step.after for step in found.steps]) == ("native/shift", ["native/shift"])


def test_without_the_textbook_on_default_qubit_another_device_is_the_baseline():
    found = attribute([path("pennylane/lightning.qubit", 5.0), path("native/shift", 1.0)])
    assert found.baseline == "pennylane/lightning.qubit"
    found = attribute([path("native/adjoint", 0.5), path("native/shift", 1.0)])
    assert (found.baseline, found.best_pennylane, found.whole, found.steps) == (None, None, None, ())
    assert [step.changes for step in found.beside] == [("adjoint instead of parameter-shift",)]


def test_a_path_of_someone_else_is_not_explained():
    found = attribute([path(BASELINE, 10.0), path("qdp", 9.0), path("mine/fast", 1.0)])
    assert [(step.after, step.changes) for step in found.steps] == [("mine/fast", ("another implementation",))]
    assert [step.after for step in found.beside] == ["qdp"]


def test_nothing_passed():
    found = attribute([PathTimes("qdp", (), None, 100, None, None, None, "ABORT", "timeout")])
    assert (found.fastest, found.steps, found.beside, found.product) == (None, (), (), None)


def test_the_best_pennylane_path_is_the_fastest_that_is_nothing_but_pennylane():
    assert best_pennylane(paths()).path == "lightning/adjoint"
    assert best_pennylane(paths({"pennylane-tuned/default.qubit": 10.6, "qdp": 1.0})).path == (
        "pennylane-tuned/default.qubit"
    )
    assert best_pennylane([path("native/shift"), path("pennylane/default.qubit", status="FAIL")]) is None
    only = attribute(paths({"pennylane/default.qubit": 2.0}))
    assert (only.over_best, only.best_pennylane) == (None, BASELINE)


def test_intervals_cover_the_true_ratio():
    rng = random.Random(4)
    covered = resolved = 0
    for number in range(100):
        times = {"qdp": 1.0, BASELINE: 1.2}
        noisy = {
            label: replace(path(label), rounds_s=tuple(seconds * rng.lognormvariate(0, 0.05) for _ in range(10)))
            for label, seconds in times.items()
        }
        ratio = speedup(noisy[BASELINE], noisy["qdp"], seed=number)
        covered += ratio.low <= 1.2 <= ratio.high
        resolved += ratio.resolved
    assert covered >= 86
    assert resolved >= 80


def test_a_factor_does_not_depend_on_what_else_was_measured():
    few, many = attribute(paths({label: CPU_TIMES[label] for label in (BASELINE, "qdp")})), attribute(paths())
    assert few.steps[0] == many.steps[0]
    assert few.steps[0].ratio == speedup(path(BASELINE, 90.0), path("qdp", 86.0))


def test_few_rounds_have_no_interval():
    ratio = speedup(path("qdp", 3.0, n_rounds=1), path("native/shift", 1.0))
    assert (ratio.value, ratio.low, ratio.high, ratio.rounds, ratio.resolved) == (3.0, None, None, 1, False)


def test_what_can_not_be_compared():
    with pytest.raises(ValueError, match="qdp ran 10 samples"):
        speedup(path("qdp", n_samples=10), path("native/shift"))
    with pytest.raises(ValueError, match="qdp was not timed"):
        speedup(path("native/shift"), PathTimes("qdp", (), None, 100, None, None, None, "ABORT"))
    with pytest.raises(ValueError, match="each path once"):
        attribute([path("qdp"), path("qdp")])
    with pytest.raises(ValueError, match="one number of samples"):
        attribute([path("qdp"), path("native/shift", n_samples=7)])
    with pytest.raises(ValueError, match="one number of samples"):
        attribute([])
    with pytest.raises(ValueError, match="positive"):
        PathTimes("qdp", (1.0, 0.0), None, 1, None, None, None, "PASS")


def test_an_attribution_as_json():
    value = attribute(paths()).to_json()
    assert json.loads(json.dumps(value)) == json.loads(json.dumps(value, sort_keys=True))
    assert value["steps"][0]["ratio"].keys() == {"value", "low", "high", "rounds", "of_evaluations", "resolved"}
    assert value["whole"]["resolved"] is True
    assert json.loads(json.dumps(path("qdp").to_json()))["path"] == "qdp"


def test_few_rounds_have_welchs_interval() -> None:
    """Of log-normal times with a true ratio of 2 about 95% of the intervals from three rounds hold it."""
    rng = np.random.default_rng(7)
    held = 0
    for _ in range(400):
        slow, fast = np.exp(rng.normal(np.log(2), 0.1, 3)), np.exp(rng.normal(0, 0.05, 3))
        low, high = ratio_of_few(slow.tolist(), fast.tolist())
        assert low is not None
        assert high is not None
        held += low <= 2 <= high
    assert 0.92 <= held / 400 <= 0.99
    assert ratio_of_few([1.0], [2.0, 2.1]) == (None, None)
    assert ratio_of_few([4.0, 4.0], [2.0, 2.0]) == pytest.approx((2.0, 2.0))


def test_a_single_round_has_the_interval_of_its_evaluations() -> None:
    rng = np.random.default_rng(3)

    def path(label: str, seconds: float, scatter: float) -> PathTimes:
        calls = {name: (seconds / 100 * rng.lognormal(0, scatter, 40)).tolist() for name in ("full", "states")}
        split = {**calls, "units": 100, "encode_units": 10}
        return PathTimes(label, (seconds,), 100, 10, "double", 2, 5, "PASS", split=split)

    ratio = speedup(path("pennylane/default.qubit", 60.0, 0.1), path("qdp", 50.0, 0.1))
    assert ratio.value == pytest.approx(1.2)
    assert ratio.of_evaluations
    assert ratio.low is not None
    assert ratio.high is not None
    assert 1.05 < ratio.low < 1.2 < ratio.high < 1.4
    bare = replace(path("qdp", 50.0, 0.1), split=None)
    assert speedup(path("pennylane/default.qubit", 60.0, 0.1), bare).low is None
