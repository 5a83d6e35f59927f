"""Static programs against the exact reference: every gate, every precision, many random circuits."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
import pytest
from exact_reference import distribution, final_state, random_gate, random_gates, random_static, random_unitary
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_qbench import Instruction, Program
from pytest_qbench.circuits.gates import GATES
from pytest_qbench.circuits.program import UNITARY
from pytest_qbench.engine import Simulator, compile_program
from pytest_qbench.engine.compiling import costs
from pytest_qbench.engine.compiling.compile import forget_plans
from pytest_qbench.engine.compiling.steps import Evolve, Sweep

TOLERANCE = {"single": 2e-5, "double": 1e-10}


@pytest.fixture(autouse=True)
def fresh_plans() -> Iterator[None]:
    """Plans made under other costs must not be met again."""
    yield
    forget_plans()


def assert_same_state(program: Program, precision: str) -> None:
    state = Simulator(program, precision=precision).statevector()
    assert state.dtype == {"single": np.complex64, "double": np.complex128}[precision]
    np.testing.assert_allclose(state, final_state(program), atol=TOLERANCE[precision])


def plan_for_long_states(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the compiler take the cost of starting a step for nothing, as it is in long states."""
    monkeypatch.setattr(costs, "_CPU_CALL_NS", 0.0)
    forget_plans()


@pytest.mark.parametrize("precision", ["single", "double"])
@pytest.mark.parametrize("name", [*GATES, UNITARY])
@pytest.mark.parametrize("fused", [True, False])
def test_every_gate(name: str, precision: str, fused: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """On random qubits of a random state, as part of a block and in the form it has by itself."""
    if not fused:
        plan_for_long_states(monkeypatch)
    rng = random.Random(name)
    for n_qubits in (4, 7):
        for _ in range(3):
            start = random_unitary(rng, range(3))
            spread = [Instruction("h", (q,)) for q in range(3, n_qubits)]
            gates = [random_gate(rng, n_qubits, name) for _ in range(3)]
            assert_same_state(Program(n_qubits, 0, (start, *spread, *gates)), precision)


@pytest.mark.parametrize("precision", ["single", "double"])
@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("n_qubits", range(1, 9))
def test_random_circuits(n_qubits: int, apart: bool, precision: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """``apart``: choose the form of each block as if the state were long."""
    if apart:
        plan_for_long_states(monkeypatch)
    for seed in range(10):
        program = random_static(1000 * n_qubits + seed, n_qubits, 30)
        gates = tuple(item for item in program.instructions if item.is_gate)
        assert_same_state(Program(n_qubits, 0, gates), precision)
        exact = Simulator(program, precision=precision).distribution().as_dict()
        expected = distribution(program)
        assert exact == pytest.approx(
            {key: expected.get(key, 0.0) for key in exact | expected}, abs=TOLERANCE[precision]
        )


@pytest.mark.parametrize("precision", ["single", "double"])
@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("n_qubits", [9, 10, 12, 15])
def test_random_circuits_on_more_qubits(
    n_qubits: int, apart: bool, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where qubits are parked, and moves, padded diagonals and slices are chosen for their cost."""
    if apart:
        plan_for_long_states(monkeypatch)
    for seed in range(3):
        assert_same_state(Program(n_qubits, 0, random_gates(random.Random(seed), n_qubits, 80)), precision)


@pytest.mark.parametrize("precision", ["single", "double"])
@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("n_qubits", [11, 13, 16])
def test_states_that_are_worked_on_in_chunks(
    n_qubits: int, apart: bool, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As states of more than 20 qubits are, here in chunks of 10 qubits."""
    monkeypatch.setattr(costs, "_CPU_CACHE_BYTES", 0)
    monkeypatch.setattr(costs, "_CPU_CHUNK_BYTES", (8 if precision == "single" else 16) << 10)
    if apart:
        plan_for_long_states(monkeypatch)
    for seed in range(4):
        gates = random_gates(random.Random(seed), n_qubits, 80)
        wide = (
            Instruction("mcphase", tuple(range(n_qubits - 11, n_qubits)), (0.7,)),
            Instruction("mcx", (*range(1, 10), 0)),
            Instruction("mcx", (*range(9), n_qubits - 1)),
            random_unitary(random.Random(seed), random.Random(seed).sample(range(n_qubits), 6)),
        )
        program = Program(n_qubits, 0, (*gates[:40], *wide, *gates[40:]))
        (operation,) = compile_program(program, precision=precision).operations
        assert isinstance(operation, Evolve)
        assert any(isinstance(step, Sweep) for step in operation.steps)
        assert_same_state(program, precision)


@pytest.mark.parametrize("precision", ["single", "double"])
def test_the_first_block_may_be_taken_apart(precision: str) -> None:
    """Its first gate ends the freedom to choose the layout."""
    gates = (Instruction("x", (0,)), Instruction("h", (0,)), Instruction("mcx", (1, 2, 3, 4, 0)))
    assert_same_state(Program(16, 0, gates), precision)


@pytest.mark.parametrize("n_unitary", [6, 7, 8])
def test_unitaries_wider_than_a_block(n_unitary: int) -> None:
    rng = random.Random(n_unitary)
    gates = [random_gate(rng, 9), random_unitary(rng, rng.sample(range(9), n_unitary)), random_gate(rng, 9)]
    assert_same_state(Program(9, 0, tuple(gates)), "double")


def test_many_controls() -> None:
    rng = random.Random(0)
    layer = [Instruction("ry", (q,), (1.0 + q / 10,)) for q in range(10)]
    for controls in range(1, 10):
        wires = tuple(rng.sample(range(10), controls + 1))
        gates = (Instruction("mcx", wires), Instruction("mcphase", wires[::-1], (0.7,)))
        assert_same_state(Program(10, 0, (*layer, *gates, *layer)), "double")


def inverse(gate: Instruction) -> Instruction:
    """The adjoint of a gate, as a ``unitary``."""
    from pytest_qbench.circuits.gates import gate_matrix

    matrix = np.array(gate_matrix(gate)).conj().T
    return Instruction(UNITARY, gate.qubits, matrix=tuple(tuple(complex(entry) for entry in row) for row in matrix))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 6), st.integers(0, 30), st.sampled_from(["single", "double"]))
def test_norm_and_inverse(seed: int, n_qubits: int, n_gates: int, precision: str) -> None:
    gates = random_gates(random.Random(seed), n_qubits, n_gates)
    forward = Simulator(Program(n_qubits, 0, gates), precision=precision).statevector()
    assert np.linalg.norm(forward) == pytest.approx(1, abs=TOLERANCE[precision])
    there_and_back = Program(n_qubits, 0, (*gates, *map(inverse, reversed(gates))))
    state = Simulator(there_and_back, precision=precision).statevector()
    assert abs(state[0]) == pytest.approx(1, abs=TOLERANCE[precision])


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 6), st.integers(0, 30))
def test_relabelled_qubits_permute_the_state(seed: int, n_qubits: int, n_gates: int) -> None:
    rng = random.Random(seed)
    gates = random_gates(rng, n_qubits, n_gates)
    label = rng.sample(range(n_qubits), n_qubits)
    relabelled = tuple(
        Instruction(gate.name, tuple(label[q] for q in gate.qubits), gate.params, matrix=gate.matrix) for gate in gates
    )
    state = Simulator(Program(n_qubits, 0, gates)).statevector()
    permuted = Simulator(Program(n_qubits, 0, relabelled)).statevector()
    index = [sum((i >> q & 1) << label[q] for q in range(n_qubits)) for i in range(1 << n_qubits)]
    np.testing.assert_allclose(permuted[index], state, atol=1e-10)
