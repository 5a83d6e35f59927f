"""The exact simulator against Qiskit's, against distributions worked out by hand, and against Aer's counts."""

from __future__ import annotations

import math

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit.library import UnitaryGate, get_standard_gate_name_mapping
from qiskit.quantum_info import Statevector, random_unitary

from pytest_qbench.cases import CaseError
from pytest_qbench.circuits.convert import from_qiskit
from pytest_qbench.circuits.gates import GATES
from pytest_qbench.circuits.program import Condition, Instruction, Program
from pytest_qbench.verify import exact
from pytest_qbench.verify.distribution import Distribution
from pytest_qbench.verify.exact import ReferenceTooLargeError, exact_distribution
from pytest_qbench.verify.goodness import check_counts

FIXED_SIZE = sorted(name for name, gate in GATES.items() if gate.n_qubits is not None)


def all_outcomes(distribution: Distribution) -> np.ndarray:
    values = np.zeros(2**distribution.n_clbits)
    for index, probability in enumerate(distribution.probabilities):
        values[int(distribution.key(index), 2)] = probability
    return values


def as_dict(distribution: Distribution) -> dict[str, float]:
    return {distribution.key(index): float(value) for index, value in enumerate(distribution.probabilities)}


def scrambled(n_qubits: int, rng: np.random.Generator) -> QuantumCircuit:
    """Random single-qubit gates and a chain: every amplitude is different from zero and from every other."""
    circuit = QuantumCircuit(n_qubits)
    for qubit in range(n_qubits):
        circuit.u(*rng.uniform(0, 2 * math.pi, 3), qubit)
    for qubit in range(n_qubits - 1):
        circuit.cx(qubit, qubit + 1)
        circuit.ry(rng.uniform(0, math.pi), qubit)
    return circuit


def add_gate(circuit: QuantumCircuit, name: str, rng: np.random.Generator) -> None:
    """Append the gate to random qubits, with random angles."""
    if name in ("mcx", "mcphase"):
        *controls, target = (int(qubit) for qubit in rng.permutation(circuit.num_qubits))
        if name == "mcx":
            circuit.mcx(controls, target)
        else:
            circuit.mcp(rng.uniform(0, 2 * math.pi), controls, target)
        return
    gate = GATES[name]
    operation = get_standard_gate_name_mapping().get(name)
    if operation is None:
        raise AssertionError(f"Qiskit has no {name}")
    operation = type(operation)(*rng.uniform(0, 2 * math.pi, gate.n_params))
    circuit.append(operation, [int(qubit) for qubit in rng.permutation(circuit.num_qubits)[: gate.n_qubits]])


def assert_like_qiskit(circuit: QuantumCircuit) -> None:
    expected = Statevector(circuit).probabilities()
    measured = circuit.copy()
    measured.measure_all()
    np.testing.assert_allclose(all_outcomes(exact_distribution(from_qiskit(measured))), expected, atol=1e-13)


@pytest.mark.parametrize("name", sorted(GATES))
def test_every_gate_agrees_with_qiskit(name):
    rng = np.random.default_rng(sorted(GATES).index(name))
    for _ in range(3):
        circuit = scrambled(4, rng)
        add_gate(circuit, name, rng)
        circuit.compose(scrambled(4, rng), inplace=True)
        assert_like_qiskit(circuit)


@pytest.mark.parametrize("seed", range(8))
def test_random_circuits_agree_with_qiskit(seed):
    rng = np.random.default_rng(seed)
    circuit = scrambled(6, rng)
    for name in rng.choice(FIXED_SIZE, 40):
        add_gate(circuit, str(name), rng)
    assert_like_qiskit(circuit)


@pytest.mark.parametrize("n_targets", [1, 2, 3, 4, 5])
def test_unitaries_of_any_size_agree_with_qiskit(n_targets):
    rng = np.random.default_rng(n_targets)
    circuit = scrambled(5, rng)
    matrix = random_unitary(2**n_targets, seed=n_targets)
    circuit.append(UnitaryGate(matrix), [int(qubit) for qubit in rng.permutation(5)[:n_targets]])
    circuit.compose(scrambled(5, rng), inplace=True)
    assert_like_qiskit(circuit)


def test_controlled_gate_with_a_large_matrix():
    """More than 64 entries behind a control, through the public form: a controlled 3-qubit unitary."""
    matrix = np.eye(16, dtype=complex)
    matrix[1::2, 1::2] = random_unitary(8, seed=3).data
    circuit = scrambled(5, np.random.default_rng(3))
    circuit.append(UnitaryGate(matrix), [2, 0, 4, 1])
    assert_like_qiskit(circuit)


def test_measured_bits_are_where_they_were_put():
    circuit = QuantumCircuit(3, 5)
    circuit.x(0)
    circuit.measure([0, 2], [3, 1])
    assert as_dict(exact_distribution(from_qiskit(circuit))) == {"01000": 1.0}


def test_unmeasured_qubits_are_summed_over():
    circuit = QuantumCircuit(3, 1)
    circuit.ry(2 * math.asin(math.sqrt(0.3)), 1)
    circuit.h([0, 2])
    circuit.measure(1, 0)
    assert as_dict(exact_distribution(from_qiskit(circuit))) == pytest.approx({"0": 0.7, "1": 0.3})


def test_more_classical_bits_than_an_array_can_hold():
    circuit = QuantumCircuit(3, 100)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure([0, 1], [99, 0])
    assert as_dict(exact_distribution(from_qiskit(circuit))) == pytest.approx(
        {"0" * 100: 0.5, "1" + "0" * 98 + "1": 0.5}
    )


def test_teleportation_gives_the_state_away():
    circuit = QuantumCircuit(QuantumRegister(3), ClassicalRegister(1, "z"), ClassicalRegister(1, "x"))
    circuit.add_register(out := ClassicalRegister(1, "out"))
    circuit.ry(2 * math.asin(math.sqrt(0.2)), 0)
    circuit.rz(0.7, 0)
    circuit.h(1)
    circuit.cx(1, 2)
    circuit.cx(0, 1)
    circuit.h(0)
    circuit.measure(0, 0)
    circuit.measure(1, 1)
    with circuit.if_test((circuit.clbits[1], 1)):
        circuit.x(2)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.z(2)
    # Undone, the phase too: the qubit must be 0 whatever was measured.
    circuit.rz(-0.7, 2)
    circuit.ry(-2 * math.asin(math.sqrt(0.2)), 2)
    circuit.measure(2, out[0])
    assert as_dict(exact_distribution(from_qiskit(circuit))) == pytest.approx(
        {"000": 0.25, "001": 0.25, "010": 0.25, "011": 0.25}
    )


def test_reset_of_half_a_bell_pair_leaves_the_other_mixed():
    circuit = QuantumCircuit(2, 2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.reset(0)
    # The other qubit is in no superposition any more: h gives a fair coin instead of undoing one.
    circuit.h(1)
    circuit.measure([0, 1], [0, 1])
    assert as_dict(exact_distribution(from_qiskit(circuit))) == pytest.approx({"00": 0.5, "10": 0.5})


def test_a_measurement_between_two_hadamards_destroys_the_superposition():
    circuit = QuantumCircuit(1, 2)
    circuit.h(0)
    circuit.measure(0, 0)
    circuit.h(0)
    circuit.measure(0, 1)
    assert as_dict(exact_distribution(from_qiskit(circuit))) == pytest.approx(
        dict.fromkeys(("00", "01", "10", "11"), 0.25)
    )


def test_overwritten_bits_merge_into_mixtures():
    """Measuring into one bit again and again: outcomes are forgotten but the last."""
    circuit = QuantumCircuit(1, 1)
    for _ in range(400):
        circuit.ry(0.6, 0)
        circuit.measure(0, 0)
    # A two-state Markov chain that flips with probability sin(0.3)**2.
    stay = 1 - 2 * math.sin(0.3) ** 2
    one = (1 - stay**400) / 2
    assert as_dict(exact_distribution(from_qiskit(circuit))) == pytest.approx({"0": 1 - one, "1": one})


def test_else_block_and_nested_conditions():
    circuit = QuantumCircuit(4, 4)
    circuit.ry(2 * math.asin(math.sqrt(0.2)), 0)
    circuit.ry(2 * math.asin(math.sqrt(0.6)), 1)
    circuit.measure([0, 1], [0, 1])
    with circuit.if_test((circuit.clbits[0], 1)) as otherwise, circuit.if_test((circuit.clbits[1], 1)):
        circuit.x(2)
    with otherwise:
        circuit.x(3)
    circuit.measure([2, 3], [2, 3])
    assert as_dict(exact_distribution(from_qiskit(circuit))) == pytest.approx(
        {"0111": 0.12, "0001": 0.08, "1010": 0.48, "1000": 0.32}
    )


def test_measurements_inside_blocks():
    flip = Instruction("x", (1,))
    read = Instruction("measure", (1,), clbits=(1,))
    program = Program(
        2,
        3,
        (
            Instruction("ry", (0,), (2 * math.asin(math.sqrt(0.3)),)),
            Instruction("measure", (0,), clbits=(0,)),
            Instruction("if_else", condition=Condition((0,), frozenset({1})), blocks=((flip, read), ())),
            Instruction(
                "if_else", condition=Condition((0, 1), frozenset({0})), blocks=((Instruction("reset", (0,)),),)
            ),
            Instruction("measure", (0,), clbits=(2,)),
        ),
    )
    assert as_dict(exact_distribution(program)) == pytest.approx({"000": 0.7, "111": 0.3})


def random_dynamic(seed: int, n_qubits: int, rounds: int, fresh: bool) -> tuple[Program, list[int]]:
    """A random program of measurements, resets and conditions on 3 classical bits.

    With ``fresh`` every measurement has a bit of its own; the second value says which ones hold the 3 bits' last
    values.
    """
    rng = np.random.default_rng(seed)
    holders = [0, 1, 2]
    n_clbits = 3
    steps: list[Instruction] = []
    for _ in range(rounds):
        for qubit in range(n_qubits):
            steps.append(Instruction("u", (qubit,), tuple(rng.uniform(0, 2 * math.pi, 3))))
            steps.append(Instruction("cx", (qubit, (qubit + 1) % n_qubits)))
        qubit, bit, conditioned, wanted = (int(value) for value in rng.integers([n_qubits, 3, 3, 2]))
        if fresh:
            holders[bit] = n_clbits
            n_clbits += 1
        steps.append(Instruction("measure", (qubit,), clbits=(holders[bit],)))
        condition = Condition((holders[conditioned], holders[bit]), frozenset({wanted, 3}))
        blocks = ((Instruction("h", (qubit,)),), (Instruction("reset", ((qubit + 1) % n_qubits,)),))
        steps.append(Instruction("if_else", condition=condition, blocks=blocks))
    return Program(n_qubits, n_clbits, tuple(steps)), holders


@pytest.mark.parametrize("seed", range(6))
def test_merging_branches_changes_nothing(seed):
    """Reused bits, whose branches merge, against fresh bits, whose branches don't."""
    reused, _ = random_dynamic(seed, 3, 7, fresh=False)
    fresh, holders = random_dynamic(seed, 3, 7, fresh=True)
    marginal = np.zeros(8)
    for outcome, probability in enumerate(all_outcomes(exact_distribution(fresh))):
        marginal[sum((outcome >> holder & 1) << bit for bit, holder in enumerate(holders))] += probability
    np.testing.assert_allclose(all_outcomes(exact_distribution(reused)), marginal, atol=1e-12)


@pytest.mark.parametrize("rounds", [50, 120])
def test_long_feedback_on_five_qubits_is_feasible(rounds):
    program, _ = random_dynamic(1, 5, rounds, fresh=False)
    assert exact_distribution(program).probabilities.sum() == pytest.approx(1)


def test_counts_of_aer_follow_the_exact_distributions_of_dynamic_circuits():
    from qiskit_aer import AerSimulator

    simulator = AerSimulator(seed_simulator=7, max_parallel_threads=1)
    for seed in range(3):
        rng = np.random.default_rng(seed)
        circuit = QuantumCircuit(4, 4)
        for _ in range(6):
            for qubit in range(4):
                circuit.u(*rng.uniform(0, 2 * math.pi, 3), qubit)
                circuit.cx(qubit, (qubit + 1) % 4)
            measured, bit, reset = (int(value) for value in rng.integers(4, size=3))
            circuit.measure(measured, bit)
            with circuit.if_test((circuit.clbits[bit], 1)) as otherwise:
                circuit.ry(0.8, (measured + 1) % 4)
            with otherwise:
                circuit.reset(reset)
        circuit.measure([0, 1], [2, 3])
        result = simulator.run(circuit, shots=4000).result()
        assert result.success
        check = check_counts(result.get_counts(), exact_distribution(from_qiskit(circuit)), 4000, level=1e-9)
        assert check.passed, check.message


def test_too_many_qubits_are_refused_with_advice():
    program = Program(25, 1, (Instruction("h", (0,)), Instruction("measure", (0,), clbits=(0,))))
    with pytest.raises(ReferenceTooLargeError, match=r"25 qubits are more than the 24.*`expected`.*mirror=True"):
        exact_distribution(program)


def test_too_much_work_is_refused_before_it_begins():
    gates = tuple(Instruction("h", (qubit % 24,)) for qubit in range(2000))
    with pytest.raises(ReferenceTooLargeError, match="amplitude updates"):
        exact_distribution(Program(24, 1, (*gates, Instruction("measure", (0,), clbits=(0,)))))


def test_work_of_branches_is_counted():
    program, _ = random_dynamic(1, 5, 50, fresh=False)
    with pytest.raises(ReferenceTooLargeError, match="branches need more than"):
        exact_distribution(program, max_work=2e6)


def test_too_many_values_of_the_classical_memory_are_refused():
    program, _ = random_dynamic(1, 3, 30, fresh=True)
    with pytest.raises(ReferenceTooLargeError, match="classical memory more than 8192 values"):
        exact_distribution(program)


def test_too_much_memory_for_branches_is_refused(monkeypatch):
    monkeypatch.setattr(exact, "MAX_BRANCHED_AMPLITUDES", 1 << 12)
    steps: list[Instruction] = []
    for clbit in range(8):
        steps += [Instruction("h", (0,)), Instruction("measure", (0,), clbits=(clbit,))]
    with pytest.raises(ReferenceTooLargeError, match="32 branches of 8 qubits are more than 4096"):
        exact_distribution(Program(8, 8, tuple(steps)))


def test_too_many_outcomes_of_a_wide_memory_are_refused():
    steps = [Instruction("h", (qubit,)) for qubit in range(21)]
    steps += [Instruction("measure", (qubit,), clbits=(qubit + 20,)) for qubit in range(21)]
    with pytest.raises(ReferenceTooLargeError, match="41 classical bits take more than"):
        exact_distribution(Program(21, 41, tuple(steps)))


@pytest.mark.parametrize(
    ("gate", "says"),
    [
        (Instruction("frobnicate", (0,)), "'frobnicate', which is no known gate"),
        (Instruction("rx", (0,)), "'rx' has wrong parameters"),
        (Instruction("unitary", (0, 1), matrix=((1, 0), (0, 1))), "has a (2, 2) matrix"),
        (Instruction("unitary", (0,), matrix=((1, 0), (0, 2))), "a matrix that is not unitary"),
    ],
)
def test_gates_that_make_no_sense_are_named(gate, says):
    with pytest.raises(CaseError) as caught:
        exact_distribution(Program(2, 1, (gate, Instruction("measure", (0,), clbits=(0,)))))
    assert says in str(caught.value)


def test_noise_is_refused():
    noisy = Program(1, 1, (Instruction("depolarizing", (0,), (0.1,)), Instruction("measure", (0,), clbits=(0,))))
    with pytest.raises(CaseError, match="the circuit has noise"):
        exact_distribution(noisy)
