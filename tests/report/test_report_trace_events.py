"""What is made of the events of a trace."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_qbench.report.trace_events import (
    CALL,
    call_us,
    in_words,
    kind_of,
    operation_lines,
    operations_of,
    step_lines,
)

START = 4_383_062_956_173.416


def event(name: str, start: float, duration: float, category: str = "cpu_op", **more: Any) -> dict[str, Any]:
    """A complete event as ``torch.profiler`` writes it; ``start`` counts from some time of the machine's."""
    fixed = {"ph": "X", "cat": category, "name": name, "pid": 7, "tid": 7, "ts": START + start, "dur": duration}
    return {**fixed, "args": {}, **more}


def call(duration: float) -> dict[str, Any]:
    return event(CALL, 0, duration, "user_annotation")


def by_name(events: list[dict[str, Any]]) -> dict[str, Any]:
    return {operation.name: operation for operation in operations_of(events)}


def test_own_time_leaves_out_what_is_called():
    events = [
        call(100),
        event("Dense k=5", 10, 40, "user_annotation"),
        event("aten::view", 12, 1),
        event("aten::bmm", 15, 30),
        event("aten::empty", 16, 2),
        event("aten::view", 60, 3),
    ]
    found = by_name(events)
    assert [operation.name for operation in operations_of(events)][:2] == [CALL, "aten::bmm"]
    assert (found["aten::view"].calls, found["aten::view"].self_us) == (2, pytest.approx(4))
    assert (found["aten::bmm"].self_us, found["aten::bmm"].total_us) == (pytest.approx(28), 30)
    assert (found["Dense k=5"].self_us, found["Dense k=5"].total_us) == (pytest.approx(9), 40)
    assert found[CALL].self_us == pytest.approx(57)
    assert found["Dense k=5"].annotated
    assert not found["aten::bmm"].annotated


def test_an_operation_inside_itself_counts_once_in_the_total():
    found = by_name([call(100), event("aten::copy_", 10, 50), event("aten::copy_", 20, 30)])
    copy = found["aten::copy_"]
    assert (copy.calls, copy.self_us, copy.total_us) == (2, pytest.approx(50), 50)


def test_only_the_call_counts():
    events = [
        event("call before", -200, 150, "user_annotation"),
        event("aten::mm", -100, 20),
        call(100),
        event("aten::mm", 10, 20),
        event("aten::mm", 10, 70, tid=8),
        event("aten::mm", 120, 20),
        event("pytest_qbench/engine/running/evolve.py(90): evolve", 5, 90, "python_function"),
        {"ph": "M", "name": "process_name", "pid": 7, "args": {"name": "python"}},
    ]
    found = by_name(events)
    assert found.keys() == {CALL, "aten::mm"}
    assert (found["aten::mm"].calls, found["aten::mm"].self_us) == (1, 20)


def test_a_trace_without_the_call_is_an_error():
    with pytest.raises(ValueError, match="no event 'call'"):
        operations_of([event("aten::mm", 0, 1)])


def test_device_time_goes_to_what_launched_it():
    events = [
        call(100),
        event("Dense k=5", 10, 40, "user_annotation"),
        event("aten::bmm", 15, 30, args={"External id": 3}),
        event("cudaLaunchKernel", 20, 5, "cuda_runtime", args={"correlation": 9}),
        event("gemm", 30, 200, "kernel", pid=0, tid=7, args={"External id": 3, "correlation": 9}),
        event("gemm", 300, 999, "kernel", pid=0, tid=7, args={"External id": 77}),
    ]
    found = by_name(events)
    assert (found["aten::bmm"].self_us, found["aten::bmm"].self_device_us) == (pytest.approx(25), 200)
    assert (found["Dense k=5"].self_device_us, found["Dense k=5"].device_us) == (0, 200)
    assert found[CALL].device_us == 200
    text = [line for line, _ in step_lines(operations_of(events), {"Dense k=5": 1})]
    assert text[0].endswith("device ms")
    assert text[1].split()[-1] == "0.200"
    assert text[-1].split()[-1] == "0.000"


@dataclass
class Node:
    name: str
    before: int
    children: list[Node]
    after: int

    @property
    def duration(self) -> int:
        return self.before + sum(child.duration for child in self.children) + self.after

    def events(self, start: int, category: str = "cpu_op") -> list[dict[str, Any]]:
        found = [event(self.name, start / 1000, self.duration / 1000, category)]
        start += self.before
        for child in self.children:
            found += child.events(start)
            start += child.duration
        return found

    def own(self, into: Counter[str]) -> Counter[str]:
        into[self.name] += self.before + self.after
        for child in self.children:
            child.own(into)
        return into


nanoseconds = st.integers(5, 10**6)  # a call of less than the digits of a large time can tell takes none
trees = st.recursive(
    st.builds(Node, st.sampled_from("abcd"), nanoseconds, st.just([]), nanoseconds),
    lambda children: st.builds(Node, st.sampled_from("abcd"), nanoseconds, st.lists(children, max_size=4), nanoseconds),
    max_leaves=20,
)


@given(st.lists(trees, max_size=4), nanoseconds, st.randoms(use_true_random=False))
def test_own_times_sum_up_to_the_call(children, gap, random):
    root = Node(CALL, gap, children, gap)
    events = root.events(0, "user_annotation")
    random.shuffle(events)
    operations = operations_of(events)
    own = root.own(Counter())
    assert {operation.name: operation.self_us for operation in operations} == {
        name: pytest.approx(value / 1000, abs=0.01) for name, value in own.items()
    }
    assert sum(operation.self_us for operation in operations) == pytest.approx(call_us(operations))
    assert all(operation.total_us <= call_us(operations) * (1 + 1e-9) for operation in operations)
    assert [operation.self_us for operation in operations] == sorted((o.self_us for o in operations), reverse=True)


def test_the_tables():
    events = [
        call(2000),
        event("Move", 0, 200, "user_annotation"),
        event("aten::copy_", 10, 150),
        event("Dense k=5", 200, 1200, "user_annotation"),
        event("aten::bmm", 300, 980),
        event("a" * 80, 1500, 400),
    ]
    operations = operations_of(events)
    assert [line for line, _ in step_lines(operations, {"Dense k=5": 1, "Move": 3})] == [
        "step             in the plan  run  CPU ms  share  mean us",
        "Dense k=5                  1    1   1.200  60.0%   1200.0",
        "Move                       3    1   0.200  10.0%    200.0",
        "everything else                     0.600  30.0%",
    ]
    lines = [line for line, _ in operation_lines(operations, 3)]
    assert lines[0].split() == ["operation", "calls", "self", "CPU", "ms", "share", "mean", "us"]
    assert lines[1].split() == ["1", "aten::bmm", "1", "0.980", "49.0%", "980.0"]
    assert lines[2].split() == ["2", "a" * 45 + "...", "1", "0.400", "20.0%", "400.0"]
    assert lines[3].split() == ["3", "Dense", "k=5", "(Python)", "1", "0.220", "11.0%", "220.0"]
    assert lines[4].split()[1:4] == ["further", "operations", str(sum(one.calls for one in operations[3:]))]
    assert len(lines) == 5
    own = [float(line.split()[-3]) for line in lines[1:]]
    assert sum(own) == pytest.approx(call_us(operations) / 1000, abs=0.003)
    assert len(operation_lines(operations, len(operations))) == 1 + len(operations)


def test_kinds_in_words():
    class Move:
        pass

    class Dense:
        matrix = [[0] * 32] * 32

    assert [kind_of(Move()), kind_of(Dense())] == ["Move", "Dense k=5"]
    assert in_words({"Move": 2, "Dense k=10": 1, "Dense k=9": 3}) == "3 Dense k=9, 1 Dense k=10, 2 Move"
    assert in_words({}) == "none"
