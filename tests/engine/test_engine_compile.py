"""What programs are compiled to."""

from __future__ import annotations

import random

import numpy as np
import pytest
from exact_reference import final_state, random_gate, random_gates
from hypothesis import given
from hypothesis import strategies as st

from pytest_qbench import Condition, Instruction, Program
from pytest_qbench.circuits.gates import gate_matrix
from pytest_qbench.engine import compile_program
from pytest_qbench.engine.compiling.blocks import Block, Gate
from pytest_qbench.engine.compiling.costs import Costs
from pytest_qbench.engine.compiling.frontier import Frontier
from pytest_qbench.engine.compiling.fuse import DENSE_QUBITS, DIAGONAL_QUBITS, Fuser
from pytest_qbench.engine.compiling.matrices import block_matrices
from pytest_qbench.engine.compiling.steps import (
    Choice,
    Decide,
    Dense,
    Diagonal,
    Evolve,
    Exchange,
    Measure,
    Move,
    Reset,
    Scale,
    Sweep,
)

H, X = Instruction("h", (0,)), Instruction("x", (0,))


def measure(qubit: int, clbit: int) -> Instruction:
    return Instruction("measure", (qubit,), clbits=(clbit,))


def commute(a: Gate, b: Gate) -> bool:
    return a.form.diagonal and b.form.diagonal


@given(st.integers(0, 2**32), st.integers(1, 9), st.integers(0, 40), st.integers(0, 3))
def test_blocks_hold_each_gate_once_in_a_valid_order(seed: int, n_qubits: int, n_gates: int, n_parked: int) -> None:
    gates = [Gate.of(item, range(n_qubits)) for item in random_gates(random.Random(seed), n_qubits, n_gates)]
    frontier = Frontier(gates, n_qubits)
    fuser = Fuser(frontier, Costs.of(n_qubits))
    everything = (1 << n_qubits) - 1
    allowed = everything >> n_parked << n_parked
    blocks: list[Block] = []
    while frontier.n_left:
        block = fuser.next_block(allowed)
        if block is None:  # what is left needs a parked wire
            allowed = everything
            continue
        assert block.diagonal or len(block.wires) > DENSE_QUBITS or all(allowed >> wire & 1 for wire in block.wires)
        blocks.append(block)
    fused = [gate for block in blocks for gate in block.gates]
    assert sorted(map(id, fused)) == sorted(map(id, gates))
    order = {id(gate): i for i, gate in enumerate(fused)}
    for i, first in enumerate(gates):  # gates that share a qubit keep their order, but for diagonal ones
        for second in gates[i + 1 :]:
            if first.mask & second.mask and not commute(first, second):
                assert order[id(first)] < order[id(second)]
    for block in blocks:
        limit = DIAGONAL_QUBITS if block.diagonal else DENSE_QUBITS
        assert len(block.wires) <= limit or len(block.gates) == 1


@given(st.integers(0, 2**32))
def test_block_matrix_is_the_product_of_its_gates(seed: int) -> None:
    rng = random.Random(seed)
    gates = (Instruction("ccx", (2, 0, 1)), *random_gates(rng, 3, 6))
    order = rng.sample(range(3), 3)
    (matrix,) = block_matrices([(Block.of([Gate.of(gate, range(3)) for gate in gates]), order)])
    # With order[i] relabelled to i, column c is what becomes of basis state c.
    relabelled = [Instruction(g.name, tuple(map(order.index, g.qubits)), g.params, matrix=g.matrix) for g in gates]
    for column in range(8):
        flips = [Instruction("x", (q,)) for q in range(3) if column >> q & 1]
        expected = final_state(Program(3, 0, (*flips, *relabelled)))
        np.testing.assert_allclose(matrix[:, column], expected, atol=1e-12)


@given(st.integers(0, 2**32))
def test_factors_of_a_diagonal_block(seed: int) -> None:
    """Phases on one, two and more qubits, and a damping, which is none."""
    rng = random.Random(seed)
    names = ["rz", "p", "cp", "rzz", "crz", "ccz", "mcphase", "id"]
    gates = [random_gate(rng, 4, rng.choice(names)) for _ in range(8)]
    gates.append(Instruction("unitary", (rng.randrange(4),), matrix=((1, 0), (0, 0.5))))
    order = rng.sample(range(4), 4)
    factors = Block.of([Gate.of(gate, range(4)) for gate in gates]).factors(order)
    expected = np.ones(16, complex)
    for gate in gates:
        diagonal = np.diag(np.array(gate_matrix(gate)))
        for number in range(16):
            expected[number] *= diagonal[sum((number >> order.index(q) & 1) << i for i, q in enumerate(gate.qubits))]
    np.testing.assert_allclose(factors, expected, atol=1e-12)


def test_plans_are_kept_by_what_a_program_does() -> None:
    def program(angle: float, name: str) -> Program:
        return Program(2, 0, (Instruction("rx", (0,), (angle,)), Instruction("cx", (0, 1))), name)

    assert compile_program(program(0.5, "a")) is compile_program(program(0.5, "b"))
    assert compile_program(program(0.5, "a")) is not compile_program(program(0.25, "a"))


@pytest.mark.parametrize(
    ("instructions", "n_sampled", "kinds"),
    [
        pytest.param([H, measure(0, 0), measure(1, 1)], 2, [Evolve], id="static"),
        pytest.param([H, measure(0, 0), measure(0, 1)], 2, [Evolve], id="measured-twice"),
        pytest.param([H, measure(0, 0), X], 0, [Evolve, Measure, Evolve], id="qubit-used-later"),
        pytest.param([H, measure(0, 0), measure(1, 0)], 1, [Evolve, Measure], id="bit-overwritten"),
        pytest.param([H, measure(0, 0), Instruction("reset", (0,))], 0, [Evolve, Measure, Reset], id="reset-later"),
        pytest.param(
            [H, measure(0, 0), Instruction("if_else", condition=Condition((0,), frozenset({1})), blocks=((),))],
            0,
            [Evolve, Measure, Decide],
            id="bit-read-later",
        ),
        pytest.param(
            [
                measure(0, 0),
                Instruction("if_else", condition=Condition((1,), frozenset({1})), blocks=((), (measure(1, 0),))),
            ],
            0,
            [Measure, Decide, Measure],
            id="bit-overwritten-in-a-block",
        ),
    ],
)
def test_which_measurements_wait_for_the_end(
    instructions: list[Instruction], n_sampled: int, kinds: list[type]
) -> None:
    plan = compile_program(Program(2, 2, tuple(instructions)))
    assert len(plan.sampled) == n_sampled
    assert [type(operation) for operation in plan.operations if type(operation).__name__ != "Forget"] == kinds
    assert plan.is_unitary == (kinds == [Evolve])


def test_swaps_cost_nothing() -> None:
    plan = compile_program(Program(3, 1, (Instruction("swap", (0, 2)), measure(2, 0))))
    assert plan.operations == ()
    assert plan.sampled == {0: 0}
    assert plan.layout == (2, 1, 0)


def steps_of(n_qubits: int, *instructions: Instruction) -> list[object]:
    (operation,) = compile_program(Program(n_qubits, 0, instructions)).operations
    assert isinstance(operation, Evolve)
    return [inner for step in operation.steps for inner in (step.steps if isinstance(step, Sweep) else (step,))]


def test_gates_take_their_cheapest_form() -> None:
    wide = tuple(range(12))
    assert [type(step) for step in steps_of(12, Instruction("mcx", wide))] == [Exchange]
    assert [type(step) for step in steps_of(12, Instruction("mcphase", wide, (0.3,)))] == [Scale]
    diagonal = [Instruction("rzz", (q, q + 1), (0.1 * q,)) for q in range(7)]
    assert [type(step) for step in steps_of(12, *diagonal)] == [Diagonal]
    few = [Instruction("ry", (q,), (0.3,)) for q in range(DENSE_QUBITS)]
    assert [type(step) for step in steps_of(12, *few)] == [Dense]


def test_a_long_state_is_not_passed_over_by_matrices_for_permutations() -> None:
    chain = [Instruction("cx", (q, q + 1)) for q in range(21)]
    assert {type(step) for step in steps_of(22, *chain)} <= {Exchange, Choice, Move}
    assert [type(step) for step in steps_of(5, *chain[:4])] == [Dense]
