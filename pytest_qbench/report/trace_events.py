"""From the events of a trace to what took the time.

A trace is what ``torch.profiler`` exports: a list of events in Chrome's format, each with a category, a start and a
duration in microseconds. Times are those of the calling thread: what further threads do for an operation passes
within its time, and so does the wait for a device.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pytest_qbench.report.text import Line, count, titled_table

CALL = "call"
"""The annotation around the traced call."""

_HOST = frozenset({"cpu_op", "user_annotation", "cuda_runtime", "cuda_driver", "mtia_runtime"})
_DEVICE = frozenset({"kernel", "gpu_memcpy", "gpu_memset"})
_ANNOTATION = "user_annotation"
# Times have a nanosecond's digits but are large: a child may seem to end this much after its parent.
_SLACK_US = 0.002
_NAME_WIDTH = 48


@dataclass(slots=True)
class Operation:
    """All calls of one operation. Times in microseconds, over all calls.

    ``self_us`` leaves out the operations called in turn, ``total_us`` does not, and ``step_us`` leaves out those that
    are annotated; ``self_device_us`` and ``device_us`` are the first two for the device. ``annotated``: it is no
    operation of torch, but a part of the call that was given a name.
    """

    name: str
    annotated: bool = False
    calls: int = 0
    self_us: float = 0.0
    total_us: float = 0.0
    step_us: float = 0.0
    self_device_us: float = 0.0
    device_us: float = 0.0


@dataclass(slots=True)
class _Span:
    """An event of the traced call, while the tree is built."""

    name: str
    end: float
    duration: float
    parents: tuple[_Span, ...]
    operation: Operation
    children_us: float = field(default=0.0)


def operations_of(events: Iterable[Mapping[str, Any]]) -> list[Operation]:
    """The operations of the traced call, by their own time, the longest first; :data:`CALL` itself is one of them.

    Their own times sum up to the duration of the call. Python functions (a trace with stacks has them) do not count
    as operations: their time is that of the operation around them.

    Raises:
        ValueError: the events hold no traced call.
    """
    events = [event for event in events if event.get("ph") == "X"]
    call = next((event for event in events if event["name"] == CALL and event.get("cat") == _ANNOTATION), None)
    if call is None:
        raise ValueError(f"the trace has no event {CALL!r}")
    end = call["ts"] + call["dur"]
    host = [
        event
        for event in events
        if event.get("cat") in _HOST
        and (event["pid"], event["tid"]) == (call["pid"], call["tid"])
        and call["ts"] <= event["ts"]
        and event["ts"] + event["dur"] <= end + _SLACK_US
    ]
    operations: dict[str, Operation] = {}
    by_id: dict[Any, _Span] = {}
    stack: list[_Span] = []
    spans: list[_Span] = []
    for event in sorted(host, key=lambda event: (event["ts"], -event["dur"], event is not call)):
        while stack and event["ts"] >= stack[-1].end - _SLACK_US:
            stack.pop()
        operation = operations.setdefault(event["name"], Operation(event["name"], event["cat"] == _ANNOTATION))
        span = _Span(event["name"], event["ts"] + event["dur"], event["dur"], tuple(stack), operation)
        if stack:
            stack[-1].children_us += span.duration
        stack.append(span)
        spans.append(span)
        if (number := event.get("args", {}).get("External id")) is not None:
            by_id[number] = span
    for span in spans:
        span.operation.calls += 1
        span.operation.self_us += span.duration - span.children_us
        if _is_outermost(span):
            span.operation.total_us += span.duration
        if span.operation.annotated:
            span.operation.step_us += span.duration
            if around := next((parent for parent in reversed(span.parents) if parent.operation.annotated), None):
                around.operation.step_us -= span.duration
    for event in events:
        owner = by_id.get(event.get("args", {}).get("External id")) if event.get("cat") in _DEVICE else None
        if owner is not None:
            owner.operation.self_device_us += event["dur"]
            for operation in {id(span.operation): span.operation for span in (*owner.parents, owner)}.values():
                operation.device_us += event["dur"]
    return sorted(operations.values(), key=lambda operation: -operation.self_us)


def _is_outermost(span: _Span) -> bool:
    """Whether no operation of the same name is around it: its time would count twice."""
    return all(parent.name != span.name for parent in span.parents)


def call_us(operations: Iterable[Operation]) -> float:
    """The duration of the traced call in microseconds."""
    return next(operation.total_us for operation in operations if operation.name == CALL)


def step_lines(operations: Sequence[Operation], planned: Mapping[str, int]) -> list[Line]:
    """The time of each kind of step with all that it calls but further steps, and that of what is no step.

    Args:
        operations: of the call.
        planned: kind of step -> how many the plan has.
    """
    whole, device = call_us(operations), _device_us(operations)
    steps = sorted(
        (operation for operation in operations if operation.annotated and operation.name != CALL),
        key=lambda operation: -operation.step_us,
    )
    rows = [["step", "in the plan", "run", "CPU ms", "share", "mean us", *(["device ms"] if device else [])]]
    for step in steps:
        rows.append([step.name, str(planned.get(step.name, 0)), *_numbers(step.calls, step.step_us, whole)])
        rows[-1] += [_ms(step.device_us)] if device else []
    rest = whole - sum(step.step_us for step in steps)
    rows.append(["everything else", "", "", _ms(rest), _share(rest, whole), ""])
    rows[-1] += [_ms(device - sum(step.device_us for step in steps))] if device else []
    return titled_table(rows, "<" + ">" * (len(rows[0]) - 1))


def operation_lines(operations: Sequence[Operation], top: int) -> list[Line]:
    """The ``top`` operations by their own time, and the further ones together.

    The own time of a step or of the call is what it spends outside of torch.
    """
    whole, device = call_us(operations), _device_us(operations)
    rows = [["", "operation", "calls", "self CPU ms", "share", "mean us", *(["device ms"] if device else [])]]
    for rank, operation in enumerate(operations[:top], 1):
        name = f"{operation.name} (Python)" if operation.annotated else operation.name
        name = name if len(name) <= _NAME_WIDTH else f"{name[: _NAME_WIDTH - 3]}..."
        rows.append([str(rank), name, *_numbers(operation.calls, operation.self_us, whole)])
        rows[-1] += [_ms(operation.self_device_us)] if device else []
    if further := operations[top:]:
        rest = sum(operation.self_us for operation in further)
        calls = sum(operation.calls for operation in further)
        rows.append(["", count(len(further), "further operation"), *_numbers(calls, rest, whole)])
        rows[-1] += [_ms(_device_us(further))] if device else []
    return titled_table(rows, "><" + ">" * (len(rows[0]) - 2))


def in_words(counts: Mapping[str, int]) -> str:
    """``12 Dense k=5, 3 Move``: the numbers of things by kind, kinds in natural order; ``none`` without any."""

    def natural(kind: str) -> list[tuple[int, str]]:
        return [(int(part) if part.isdecimal() else 0, part) for part in re.split(r"(\d+)", kind)]

    return ", ".join(f"{counts[kind]} {kind}" for kind in sorted(counts, key=natural)) or "none"


def kinds_of(items: Iterable[object]) -> Counter[str]:
    """How many of ``items`` there are of each kind."""
    return Counter(kind_of(item) for item in items)


def kind_of(item: object) -> str:
    """The name of its type and, where it holds a matrix on k qubits, k: ``Move``, ``Dense k=5``."""
    matrix = getattr(item, "matrix", None)
    name = type(item).__name__
    return name if matrix is None else f"{name} k={len(matrix).bit_length() - 1}"


def _device_us(operations: Iterable[Operation]) -> float:
    return sum(operation.self_device_us for operation in operations)


def _numbers(calls: int, microseconds: float, whole: float) -> list[str]:
    return [str(calls), _ms(microseconds), _share(microseconds, whole), f"{microseconds / calls:.1f}"]


def _ms(microseconds: float) -> str:
    return f"{microseconds / 1000:.3f}"


def _share(part: float, whole: float) -> str:
    return f"{100 * part / whole:.1f}%"
