"""Measurement, reset and conditionals in the middle, against the exact reference."""

from __future__ import annotations

import math
import random

import pytest
from exact_reference import distribution, random_dynamic

from pytest_qbench import Condition, Instruction, Program
from pytest_qbench.engine import Simulator
from pytest_qbench.engine.running.evolve import BufferPool


def measure(qubit: int, clbit: int) -> Instruction:
    return Instruction("measure", (qubit,), clbits=(clbit,))


def when(clbit: int, *block: Instruction) -> Instruction:
    return Instruction("if_else", condition=Condition((clbit,), frozenset({1})), blocks=(block,))


@pytest.mark.parametrize("precision", ["single", "double"])
@pytest.mark.parametrize("rows", [1, 3, 1 << 16], ids=["one-state", "few-states", "many-states"])
def test_exact_distribution(rows: int, precision: str) -> None:
    """Whatever the number of branches that a batch may hold."""
    for seed in range(60):
        rng = random.Random(seed)
        n_qubits = rng.randint(1, 5)
        program = random_dynamic(seed, n_qubits, rng.randint(2, 14))
        simulator = Simulator(program, precision=precision, batch_bytes=rows * 16 << n_qubits)
        exact = simulator.distribution().as_dict()
        expected = distribution(program)
        tolerance = {"single": 2e-5, "double": 1e-10}[precision]
        assert exact == pytest.approx({key: expected.get(key, 0.0) for key in exact | expected}, abs=tolerance)


def assert_follows(counts: dict[str, float], expected: dict[str, float], shots: int) -> None:
    """No count further than 7 standard deviations (and a bit) from what is expected."""
    assert sum(counts.values()) == shots
    assert counts.keys() <= expected.keys()
    for key, probability in expected.items():
        deviation = math.sqrt(shots * max(0.0, probability * (1 - probability)))
        assert counts.get(key, 0) == pytest.approx(shots * probability, abs=7 * deviation + 7)


@pytest.mark.parametrize("rows", [1, 5, 1 << 16], ids=["one-state", "few-states", "many-states"])
def test_shots_follow_the_distribution(rows: int) -> None:
    for seed in range(20):
        program = random_dynamic(seed, 3, 12)
        counts = Simulator(program, batch_bytes=rows * 16 << 3).run(100_000, seed).as_dict()
        assert_follows(counts, distribution(program), 100_000)


def feedback(rounds: int, *, fresh_bits: bool) -> Program:
    """Rounds of rotation, measurement and correction; each outcome into a bit of its own, or all into bit 0."""
    items: list[Instruction] = []
    for i in range(rounds):
        bit = i + 1 if fresh_bits else 0
        rotations = [Instruction("ry", (q,), (0.3 + q + 0.1 * i,)) for q in (0, 1)]
        items += [*rotations, Instruction("cx", (0, 1)), measure(1, bit), when(bit, Instruction("x", (1,)))]
    return Program(2, rounds + 1 if fresh_bits else 1, (*items, measure(0, 0)))


def largest_batch(monkeypatch: pytest.MonkeyPatch, simulator: Simulator, shots: int) -> int:
    """The most states that one buffer held in a run."""
    sizes = []
    take = BufferPool.take
    with monkeypatch.context() as context:
        context.setattr(BufferPool, "take", lambda pool, size: sizes.append(size) or take(pool, size))
        outcomes = simulator.run(shots, 1)
    assert outcomes.weights.sum() == shots
    return max(sizes) // (1 << simulator.plan.n_qubits)


def test_never_more_branches_than_shots(monkeypatch: pytest.MonkeyPatch) -> None:
    simulator = Simulator(feedback(30, fresh_bits=True))
    assert 20 < largest_batch(monkeypatch, simulator, 50) <= 50


def test_never_more_branches_than_a_batch_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    simulator = Simulator(feedback(30, fresh_bits=True), batch_bytes=64 * 16 << 2)
    assert largest_batch(monkeypatch, simulator, 1000) == 64


def test_branches_that_agree_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each round leaves the corrected qubit in one state; once its bit is overwritten nothing tells branches apart."""
    items: list[Instruction] = [Instruction("ry", (0,), (0.7,))]
    for _ in range(40):
        items += [Instruction("h", (1,)), measure(1, 0), when(0, Instruction("x", (1,)))]
    program = Program(2, 2, (*items, measure(0, 1)))
    assert largest_batch(monkeypatch, Simulator(program), 10_000) == 2


def test_branches_that_differ_by_a_phase_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    items: list[Instruction] = []
    for _ in range(20):
        flip = (Instruction("x", (0,)), Instruction("rz", (0,), (0.4,)))
        items += [Instruction("h", (0,)), measure(0, 0), when(0, *flip)]
    simulator = Simulator(Program(1, 1, tuple(items)))
    assert largest_batch(monkeypatch, simulator, 10_000) == 2
    assert simulator.distribution().as_dict() == pytest.approx({"0": 0.5, "1": 0.5})


def test_branches_with_different_states_stay_apart() -> None:
    """Reset hides the outcome but the partner of the entangled pair keeps it."""
    program = Program(
        2, 1, (Instruction("h", (0,)), Instruction("cx", (0, 1)), Instruction("reset", (0,)), measure(1, 0))
    )
    assert Simulator(program).distribution().as_dict() == pytest.approx({"0": 0.5, "1": 0.5})


def test_conditions_on_many_bits() -> None:
    """On registers of more than 64 bits, on none, and on values that never come."""
    wide = tuple(range(70))
    only_last = Condition(wide, frozenset({1 << 69}))
    set_last = (Instruction("x", (0,)), measure(0, 69))
    hit = Instruction("if_else", condition=only_last, blocks=((Instruction("x", (1,)),),))
    never = Instruction("if_else", condition=Condition((0,), frozenset()), blocks=((Instruction("x", (1,)),),))
    always = Instruction("if_else", condition=Condition((), frozenset({0})), blocks=((Instruction("x", (2,)),),))
    program = Program(3, 72, (hit, *set_last, hit, never, always, measure(1, 70), measure(2, 71)))
    assert Simulator(program).run(5, 0).as_dict() == {"111" + "0" * 69: 5}


def test_block_decides_once() -> None:
    """A block that overwrites the bit it was chosen by runs to its end, and the other block does not."""
    then = (Instruction("x", (0,)), measure(0, 0), Instruction("x", (1,)))
    otherwise = (Instruction("x", (2,)),)
    branch = Instruction("if_else", condition=Condition((0,), frozenset({1})), blocks=(then, otherwise))
    items = (Instruction("x", (0,)), measure(0, 0), branch, measure(1, 1), measure(2, 2))
    assert Simulator(Program(3, 3, items)).run(3, 0).as_dict() == {"010": 3}
