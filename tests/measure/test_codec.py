"""Requests and answers over JSON."""

import json
import math
from dataclasses import replace

import pytest
from measure_requests import program, request_of

from pytest_qbench import Capabilities, Description
from pytest_qbench.measure.checks import ProtocolError
from pytest_qbench.measure.codec import decode_answer, decode_request, encode_answer, encode_request
from pytest_qbench.measure.messages import (
    Abort,
    AbortKind,
    Measurement,
    Memory,
    RoundPolicy,
    Started,
    Unavailable,
    Unsupported,
)

DESCRIPTION = Description("1.2", {"simulator": "1.2"}, device="GPU", device_name="H200", threads=2)
MEASUREMENT = Measurement(
    counts={"00": 3, "11": 7},
    rounds_s=(0.1, 0.2),
    cpu_s=(0.0, 0.1),
    counts_s=(0.0, 1e-6),
    prepare_s=0.01,
    first_call_s=None,
    memory=Memory(1, 2, 1, 3, None),
    description=DESCRIPTION,
)


def through_json(value):
    return json.loads(json.dumps(value))


@pytest.mark.parametrize(
    "answer",
    [
        Started(DESCRIPTION),
        Started(DESCRIPTION, Capabilities(frozenset({"x", "h"}), 2, True, False, 20, ("single",), ("GPU",))),
        MEASUREMENT,
        Abort(AbortKind.CRASH, "crash: killed by SIGSEGV", "tail", "round 3", DESCRIPTION),
        Abort(AbortKind.TIMEOUT, "timeout"),
        Unsupported("gate 'x'", DESCRIPTION),
        Unsupported("gate 'x'"),
        Unavailable("no driver", "pip install it"),
    ],
    ids=lambda answer: type(answer).__name__,
)
def test_answers_come_back_equal(answer):
    assert decode_answer(through_json(encode_answer(answer))) == answer


def test_a_request_comes_back_equal():
    request = request_of(shots=100, timeout=math.inf, policy=RoundPolicy(1, 2.0, 3, 4.0))
    request = replace(request, instance="qft[aer-q3]", first_shots=1000)
    decoded, program_hash = decode_request(through_json(encode_request(request, with_program=True)), None)
    assert decoded == request
    assert program_hash == request.program.hash


def test_a_request_without_its_program_means_the_one_before():
    known = program(4)
    message = through_json(encode_request(request_of(), with_program=False))
    assert message["program"] is None
    assert decode_request(message, known)[0].program is known


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rounds_s": [0.1, math.nan]}, r"a round \(number 2\) is nan"),
        ({"rounds_s": [-0.1, 0.1]}, r"a round \(number 1\) is -0.1"),
        ({"rounds_s": [0.0, 0.1]}, "a round .* is 0.0"),
        ({"rounds_s": []}, "0 rounds"),
        ({"cpu_s": [0.1]}, "2 rounds, 1 CPU times"),
        ({"cpu_s": [0.1, math.inf]}, "CPU time .* is inf"),
        ({"counts_s": [0.1, "?"]}, "conversion of counts .* is '?'"),
        ({"prepare_s": math.nan}, "prepare is nan"),
        ({"first_call_s": 0.0}, "the first call is 0.0"),
        ({"memory": {"rss": 1}}, "malformed"),
        ({"memory": None}, "malformed"),
        ({"description": {}}, "malformed"),
        ({"surprise": 1}, "malformed"),
        ({"type": "Verdict"}, "malformed"),
    ],
)
def test_a_measurement_that_can_not_be_is_refused(change, message):
    value = json.loads(json.dumps(encode_answer(MEASUREMENT) | change))
    with pytest.raises(ProtocolError, match=message):
        decode_answer(value)


@pytest.mark.parametrize(
    "value", [None, 3, "text", [], {}, {"type": []}, {"type": "Abort", "kind": "odd", "description": None}]
)
def test_anything_else_is_refused(value):
    with pytest.raises(ProtocolError, match="malformed"):
        decode_answer(value)
