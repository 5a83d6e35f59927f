"""Requests and outcomes as JSON values, and back. Standard library only.

The supervisor does not trust a worker: :func:`decode_outcome` checks everything it reads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, TypeVar

from pytest_qbench.backends.base import Capabilities, Description
from pytest_qbench.circuits.program import Program
from pytest_qbench.gradients.task import GradientTask
from pytest_qbench.measure.checks import ProtocolError, check_seconds
from pytest_qbench.measure.messages import (
    Abort,
    AbortKind,
    GradientMeasurement,
    GradientRequest,
    Measurement,
    MeasureRequest,
    Memory,
    Outcome,
    RoundPolicy,
    SplitRequest,
    SplitTimes,
    Started,
    Unavailable,
    Unsupported,
)

Answer = Outcome | GradientMeasurement | SplitTimes | Started
"""What a worker answers: that it has started, then outcomes."""

_T = TypeVar("_T")


def encode_request(request: MeasureRequest, *, with_program: bool) -> dict[str, Any]:
    """A request for the worker; without the program where the worker has it from the request before."""
    return {
        "program": request.program.to_json() if with_program else None,
        "program_hash": request.program.hash,
        "shots": request.shots,
        "seed": request.seed,
        "timeout": request.timeout,
        "policy": asdict(request.policy),
        "instance": request.instance,
        "first_shots": request.first_shots,
    }


def decode_request(value: Mapping[str, Any], known: Program | None) -> tuple[MeasureRequest, str]:
    """The request and its program's hash; ``known`` is the program of the request before."""
    program = known if value["program"] is None else Program.from_json(value["program"])
    assert program is not None
    policy = RoundPolicy(**value["policy"])
    fields = {key: value[key] for key in ("shots", "seed", "timeout", "instance", "first_shots")}
    return MeasureRequest(program, policy=policy, **fields), value["program_hash"]


def encode_gradient_request(request: GradientRequest | SplitRequest) -> dict[str, Any]:
    """A request of gradients, or of where their time goes, for the worker."""
    if isinstance(request, SplitRequest):
        return asdict(request)
    fields = {key: getattr(request, key) for key in ("timeout", "output", "check_observable", "check_output")}
    return {"task": request.task.to_json(), "policy": asdict(request.policy), **fields}


def decode_gradient_request(value: Mapping[str, Any]) -> GradientRequest | SplitRequest:
    """The inverse of :func:`encode_gradient_request`."""
    fields = dict(value)
    if "task" not in fields:
        return SplitRequest(**fields)
    terms = tuple((c, tuple((q, letter) for q, letter in letters)) for c, letters in fields.pop("check_observable"))
    return GradientRequest(
        task=GradientTask.from_json(fields.pop("task")),
        policy=RoundPolicy(**fields.pop("policy")),
        check_observable=terms,
        **fields,
    )


def encode_answer(answer: Answer) -> dict[str, Any]:
    """An answer for the supervisor."""
    value = {"type": type(answer).__name__, **asdict(answer)}
    if isinstance(answer, Started) and answer.capabilities is not None:
        value["capabilities"]["gates"] = sorted(answer.capabilities.gates)
    return value


def decode_answer(value: Any) -> Answer:
    """The inverse of :func:`encode_answer`.

    Raises:
        ProtocolError: ``value`` is not an answer, or says what can't be (a NaN duration, ...).
    """
    try:
        fields = dict(value)
        return _DECODERS[fields.pop("type")](fields)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ProtocolError(f"the worker's answer is malformed ({type(error).__name__}: {error})") from None


def _started(fields: dict[str, Any]) -> Started:
    return Started(Description(**fields["description"]), _optional(fields["capabilities"], _capabilities))


def _capabilities(value: Mapping[str, Any]) -> Capabilities:
    fields = dict(value)
    gates = frozenset(fields.pop("gates"))
    precisions, devices = tuple(fields.pop("precisions")), tuple(fields.pop("devices"))
    return Capabilities(gates, precisions=precisions, devices=devices, **fields)


def _measurement(fields: dict[str, Any]) -> Measurement:
    rounds_s = _durations(fields.pop("rounds_s"), "a round")
    cpu_s = _durations(fields.pop("cpu_s"), "a round's CPU time", zero=True)
    counts_s = _durations(fields.pop("counts_s"), "a conversion of counts", zero=True)
    if not rounds_s or not len(rounds_s) == len(cpu_s) == len(counts_s):
        raise ProtocolError(f"{len(rounds_s)} rounds, {len(cpu_s)} CPU times, {len(counts_s)} conversions")
    return Measurement(
        rounds_s=rounds_s,
        cpu_s=cpu_s,
        counts_s=counts_s,
        prepare_s=_optional(fields.pop("prepare_s"), lambda value: check_seconds(value, "prepare", zero=True)),
        first_call_s=_optional(fields.pop("first_call_s"), lambda value: check_seconds(value, "the first call")),
        memory=Memory(**fields.pop("memory")),
        description=Description(**fields.pop("description")),
        **fields,
    )


def _gradient_measurement(fields: dict[str, Any]) -> GradientMeasurement:
    rounds_s = _durations(fields.pop("rounds_s"), "a round")
    cpu_s = _durations(fields.pop("cpu_s"), "a round's CPU time", zero=True)
    if not rounds_s or len(rounds_s) != len(cpu_s):
        raise ProtocolError(f"{len(rounds_s)} rounds, {len(cpu_s)} CPU times")
    return GradientMeasurement(
        rounds_s=rounds_s,
        cpu_s=cpu_s,
        prepare_s=check_seconds(fields.pop("prepare_s"), "prepare", zero=True),
        first_call_s=check_seconds(fields.pop("first_call_s"), "the first call"),
        evaluations=int(fields.pop("evaluations")),
        memory=Memory(**fields.pop("memory")),
        description=Description(**fields.pop("description")),
        **fields,
    )


def _split_times(fields: dict[str, Any]) -> SplitTimes:
    return SplitTimes(
        times={
            str(name): _durations(values, f"the variant {name}", zero=True)
            for name, values in fields.pop("times").items()
        },
        units=_optional(fields.pop("units"), int),
        encode_units=_optional(fields.pop("encode_units"), int),
        floor_s=_optional(fields.pop("floor_s"), lambda value: check_seconds(value, "the floor")),
        **fields,
    )


def _durations(values: Any, what: str, *, zero: bool = False) -> tuple[float, ...]:
    return tuple(check_seconds(value, f"{what} (number {i})", zero=zero) for i, value in enumerate(values, 1))


def _optional(value: Any, decode: Callable[[Any], _T]) -> _T | None:
    return None if value is None else decode(value)


def _abort(fields: dict[str, Any]) -> Abort:
    description = _optional(fields.pop("description"), lambda value: Description(**value))
    return Abort(AbortKind(fields.pop("kind")), description=description, **fields)


def _unsupported(fields: dict[str, Any]) -> Unsupported:
    return Unsupported(fields["reason"], _optional(fields["description"], lambda value: Description(**value)))


_DECODERS: Mapping[str, Callable[[dict[str, Any]], Answer]] = {
    "Started": _started,
    "Measurement": _measurement,
    "GradientMeasurement": _gradient_measurement,
    "SplitTimes": _split_times,
    "Abort": _abort,
    "Unsupported": _unsupported,
    "Unavailable": lambda fields: Unavailable(**fields),
}
