"""Calls before the rounds that were asked for."""

from __future__ import annotations

from typing import Any

import pytest
from measure_requests import request_of

from pytest_qbench.measure.messages import Abort, RoundPolicy
from pytest_qbench.measure.rounds import round_seed


@pytest.mark.parametrize(("warmup", "calls"), [(0, 0), (1, 0), (3, 2)])
def test_the_first_call_counts_as_one(supervise: Any, warmup: int, calls: int) -> None:
    supervisor = supervise("Good")
    request = request_of(policy=RoundPolicy(max_rounds=2, warmup=warmup))
    measured = supervisor.measure(request)
    assert len(measured.rounds_s) == 2
    seeds = [int(seed) for seed in measured.description.versions["seeds"].split()]
    indices = [0, *range(-1, -calls - 1, -1), 1, 2]
    assert seeds == [round_seed(7, request.program.hash, 10, index) for index in indices]


def test_a_program_that_is_prepared_already_has_no_first_call(supervise: Any) -> None:
    supervisor = supervise("Good")
    policy = RoundPolicy(max_rounds=2, warmup=2)
    for _ in range(2):
        measured = supervisor.measure(request_of(policy=policy))
    assert measured.first_call_s is None
    assert len(measured.description.versions["seeds"].split()) == (1 + 1 + 2) + (2 + 2)


def test_a_long_first_call_is_no_round_where_more_calls_are_asked_for(supervise: Any) -> None:
    alone = RoundPolicy(max_rounds=1, first_alone_above=0.2, warmup=1)
    measured = supervise("Compiles").measure(request_of(policy=alone))
    assert measured.rounds_s == (measured.first_call_s,)
    warmed = RoundPolicy(max_rounds=1, first_alone_above=0.2, warmup=2)
    measured = supervise("Compiles").measure(request_of(policy=warmed))
    assert measured.first_call_s > 0.2 > measured.rounds_s[0]


def test_the_deadline_holds_for_a_warm_up_call(supervise: Any) -> None:
    policy = RoundPolicy(max_rounds=2, warmup=3)
    outcome = supervise("LoopsInC").measure(request_of(timeout=0.5, policy=policy))
    assert isinstance(outcome, Abort)
    assert outcome.phase == "warm-up call"
