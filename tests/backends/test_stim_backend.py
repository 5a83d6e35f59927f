"""The adapter of stim: what it can, it does right; what it can't, it names."""

from __future__ import annotations

import math
import random
import sys

import pytest
from sampled_programs import (
    ASYMMETRIC,
    GAPS,
    OVERWRITTEN,
    REPEATED,
    RESETS,
    TELEPORTED,
    assert_exact,
    gate,
    if_else,
    measure,
    random_program,
    reset,
    run,
)

from pytest_qbench import Instruction, Program, UnavailableError, UnsupportedError
from pytest_qbench.backends.stim import StimBackend
from pytest_qbench.circuits.gates import GATES, gate_matrix

stim = pytest.importorskip("stim", reason="stim is not installed")

CLIFFORD = sorted(StimBackend({}, 1).capabilities().gates)

TURNED = {
    "p": math.pi / 2,
    "u1": math.pi / 2,
    "rz": math.pi / 2,
    "cp": math.pi,
    "cu1": math.pi,
    "crz": math.pi,
    "rzz": math.pi / 2,
    "rxx": math.pi / 2,
    "rzx": math.pi / 2,
}
"""Gates with an angle, and the steps at which they lower to Clifford gates."""


def backend() -> StimBackend:
    return StimBackend({}, 1)


def clifford_program(item: Instruction, n_qubits: int) -> Program:
    """The gate between Clifford gates that entangle all qubits, and all measured."""
    rng = random.Random(f"{item}")
    before = [clifford_gate(rng, n_qubits) for _ in range(6 * n_qubits)]
    after = [clifford_gate(rng, n_qubits) for _ in range(6 * n_qubits)]
    return Program(
        n_qubits, n_qubits, (*before, item, *after, *(measure(i, n_qubits - 1 - i) for i in range(n_qubits)))
    )


def clifford_gate(rng: random.Random, n_qubits: int) -> Instruction:
    name = rng.choice(["h", "s", "sx", "sdg", "y", "cx", "cz", "iswap", "dcx", "ecr"])
    return gate(name, *rng.sample(range(n_qubits), GATES[name].n_qubits or 1))


@pytest.mark.parametrize("name", CLIFFORD)
def test_every_gate(name: str) -> None:
    n_qubits = GATES[name].n_qubits or 1
    for order in (range(n_qubits), range(n_qubits, 0, -1)):
        assert_exact(backend(), clifford_program(gate(name, *order), n_qubits + 1))


@pytest.mark.parametrize("name", sorted(TURNED))
def test_gates_with_angles_that_are_clifford(name: str) -> None:
    for turns in range(1, 4):
        item = gate(name, *range(GATES[name].n_qubits or 1), params=[turns * TURNED[name]])
        assert_exact(backend(), clifford_program(item, 3))


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (gate("t", 0), "gate 't'"),
        (gate("ccx", 0, 1, 2), "gate 'ccx'"),
        (gate("ch", 0, 1), "gate 'ch'"),
        (gate("rz", 0, params=[0.1]), "gate 'rz'"),
        (gate("cp", 0, 1, params=[math.pi / 2**12]), "gate 'cp'"),
        (gate("mcx", *range(30)), "gate 'mcx' on 30 qubits"),
        (Instruction("unitary", (0, 1), matrix=gate_matrix(gate("cp", 0, 1, params=[1.0]))), "gate 'unitary'"),
    ],
    ids=["t", "ccx", "ch", "rz", "a small phase", "a large mcx", "unitary"],
)
def test_other_gates_are_named(item: Instruction, message: str) -> None:
    with pytest.raises(UnsupportedError, match=message):
        run(backend(), Program(30, 1, (item, measure(0, 0))))


def test_gates_that_nothing_lowered_are_named_too() -> None:
    with pytest.raises(UnsupportedError, match="gate 't': stim simulates Clifford gates only"):
        backend().prepare(Program(1, 1, (gate("t", 0), measure(0, 0))))


def test_bits_are_where_they_belong() -> None:
    assert run(backend(), ASYMMETRIC) == {"010": 100}
    for program, outcomes in ((GAPS, {"01000", "11010"}), (REPEATED, {"1000", "0111"}), (OVERWRITTEN, {"10", "11"})):
        counts = run(backend(), program)
        assert counts.keys() == outcomes
        assert sum(counts.values()) == 100


@pytest.mark.parametrize("program", [RESETS, TELEPORTED], ids=["resets", "teleported"])
def test_dynamic_programs(program: Program) -> None:
    assert_exact(backend(), program)


@pytest.mark.parametrize("seed", range(20))
def test_random_programs_with_measurements_and_resets(seed: int) -> None:
    assert_exact(backend(), random_program(seed, clifford_gate, conditions=False))


@pytest.mark.parametrize("values", [set(), {0}, {1}, {0, 1}])
def test_conditions_on_one_bit(values: set[int]) -> None:
    for memory in range(2):
        start = [gate("x", 0)] * memory
        items = (
            *start,
            measure(0, 0),
            if_else((0,), values, [gate("x", 1)], [gate("y", 2)]),
            measure(1, 1),
            measure(2, 2),
        )
        taken = "01" if memory in values else "10"
        assert run(backend(), Program(3, 3, items)) == {f"{taken}{memory}": 100}


@pytest.mark.parametrize("values", [{1, 2}, {0, 3}, {1, 3}, {2, 3}, {0, 2}])
def test_conditions_that_are_parities_of_several_bits(values: set[int]) -> None:
    items = (
        *(gate("h", 0), gate("h", 1), measure(0, 0), measure(1, 1)),
        if_else((0, 1), values, [gate("x", 2)], [gate("h", 3), gate("p", 3, params=[math.pi]), gate("h", 3)]),
        *(measure(2, 2), measure(3, 3)),
    )
    assert_exact(backend(), Program(4, 4, items))


def test_conditions_on_a_phase() -> None:
    """Z and Y under a condition, seen in another basis."""
    items = (
        *(gate("h", 0), measure(0, 0), gate("h", 1), gate("h", 2)),
        if_else((0,), {1}, [gate("z", 1), gate("y", 2)]),
        *(gate("h", 1), gate("h", 2), measure(1, 1), measure(2, 2)),
    )
    counts = run(backend(), Program(3, 3, items))
    assert counts.keys() == {"000", "111"}


def test_conditions_inside_conditions() -> None:
    """Both on the same bit: the inner one decides nothing, or always the other way."""
    same, other = (if_else((0,), {value}, [gate("x", 1 + value)]) for value in (1, 0))
    items = (gate("h", 0), measure(0, 0), if_else((0,), {1}, [same, other]), measure(1, 1), measure(2, 2))
    assert run(backend(), Program(3, 3, items)).keys() == {"000", "101"}


def test_gates_under_a_condition_that_are_pauli_gates_together() -> None:
    """H Z H is X, two S are Z, and a swapped Y stays one."""
    block = [
        *(gate("h", 1), gate("z", 1), gate("h", 1), gate("s", 2), gate("s", 2)),
        *(gate("swap", 1, 3), gate("y", 3), gate("swap", 1, 3)),
    ]
    items = (
        *(gate("h", 0), measure(0, 0), gate("h", 2), if_else((0,), {1}, block), gate("h", 2)),
        *(measure(1, 1), measure(2, 2), measure(3, 3)),
    )
    assert_exact(backend(), Program(4, 4, items))


def test_conditions_on_bits_that_nothing_has_written() -> None:
    """Such a bit is 0; a block that is always taken may hold anything, and does not change which one is."""
    items = (
        if_else((1,), {0}, [gate("h", 0), measure(0, 1), reset(0)], [gate("x", 2), measure(2, 1)]),
        if_else((0, 1), {2}, [gate("x", 3)]),
        *(measure(2, 2), measure(3, 3), measure(0, 0)),
    )
    assert run(backend(), Program(4, 4, items)).keys() == {"0000", "1010"}


@pytest.mark.parametrize(
    ("clbits", "values", "block", "message"),
    [
        ((0,), {1}, gate("h", 1), "gates 'h' under a condition"),
        ((0,), {1}, gate("cx", 1, 2), "gates 'cx' under a condition"),
        ((0,), {1}, gate("t", 1), "gate 't'"),
        ((0,), {1}, measure(1, 1), "measure under a condition"),
        ((0,), {1}, reset(1), "reset under a condition"),
        ((0, 1), {3}, gate("x", 1), "not their parity"),
        (tuple(range(13)), {1}, gate("x", 1), "condition on 13 bits"),
    ],
    ids=["h", "cx", "t", "measure", "reset", "and", "wide"],
)
def test_conditions_that_stim_has_not(
    clbits: tuple[int, ...], values: set[int], block: Instruction, message: str
) -> None:
    items = (gate("h", 0), *(measure(0, clbit) for clbit in range(13)), if_else(clbits, values, [block]), measure(1, 1))
    with pytest.raises(UnsupportedError, match=message):
        run(backend(), Program(3, 13, items))


def test_a_wide_register() -> None:
    n_qubits = 300
    items = (gate("h", 0), *(gate("cx", 0, qubit) for qubit in range(1, n_qubits)), gate("x", 7))
    program = Program(n_qubits, n_qubits, (*items, *(measure(i, i) for i in range(n_qubits))))
    flipped = 1 << 7
    expected = {format(value ^ flipped, f"0{n_qubits}b") for value in (0, (1 << n_qubits) - 1)}
    counts = run(backend(), program, shots=1000)
    assert counts.keys() == expected
    assert sum(counts.values()) == 1000


def test_nothing_to_measure() -> None:
    assert run(backend(), Program(1, 2, (gate("h", 0),))) == {"00": 100}


def test_seeds() -> None:
    simulator = backend()
    uniform = Program(8, 8, (*(gate("h", i) for i in range(8)), *(measure(i, i) for i in range(8))))
    first = run(simulator, uniform, seed=5)
    assert first == run(simulator, uniform, seed=5)
    assert first != run(simulator, uniform, seed=6)


def test_describes_itself() -> None:
    described = StimBackend({}, threads=2).describe()
    assert described.version == described.versions["stim"] == stim.__version__
    assert (described.device, described.method, described.threads) == ("CPU", "stabilizer", 1)


def test_without_stim_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "stim", None)  # makes the import fail
    with pytest.raises(UnavailableError, match="stim can't be imported") as caught:
        backend()
    assert caught.value.install == "pip install stim"
