"""QuantumCircuit -> Program, compared with what Qiskit itself says the circuit does."""

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Gate, Parameter
from qiskit.circuit.classical import expr
from qiskit.circuit.library import MCXGate, RC3XGate, UnitaryGate, XGate, get_standard_gate_name_mapping
from qiskit.circuit.random import random_circuit
from qiskit.quantum_info import Operator

from pytest_qbench.circuits.convert import ConversionError, from_qiskit
from pytest_qbench.circuits.gates import GATES, gate_matrix
from pytest_qbench.circuits.program import IF_ELSE, MEASURE, RESET, Condition, Program


def operator(program: Program) -> np.ndarray:
    rebuilt = QuantumCircuit(program.n_qubits)
    for instruction in program.instructions:
        rebuilt.append(UnitaryGate(np.array(gate_matrix(instruction))), instruction.qubits)
    return Operator(rebuilt).data


def assert_same(circuit: QuantumCircuit) -> Program:
    program = from_qiskit(circuit)
    overlap = np.vdot(operator(program), Operator(circuit).data) / 2**circuit.num_qubits
    assert abs(overlap) == pytest.approx(1, abs=1e-9)
    return program


@pytest.mark.parametrize("seed", range(8))
def test_random_circuits_keep_their_meaning(seed: int) -> None:
    assert_same(random_circuit(4, 8, max_operands=4, seed=seed))


@pytest.mark.parametrize("name", sorted(GATES.keys() & get_standard_gate_name_mapping().keys()))
def test_standard_gates_keep_their_names(name: str) -> None:
    gate = get_standard_gate_name_mapping()[name]
    gate = type(gate)(*[0.1 * (i + 1) for i in range(len(gate.params))])
    circuit = QuantumCircuit(gate.num_qubits)
    circuit.append(gate, range(gate.num_qubits))
    assert [item.name for item in from_qiskit(circuit).instructions] == [name]


def test_other_gates_are_replaced_by_their_definitions() -> None:
    circuit = QuantumCircuit(6)
    circuit.append(XGate().control(3, ctrl_state=2), [0, 1, 2, 3])
    circuit.append(MCXGate(5), range(6))
    circuit.append(RC3XGate(), range(4))
    inner = QuantumCircuit(2, name="mine")
    inner.h(0)
    inner.cx(0, 1)
    circuit.append(inner.to_gate().control(1), [4, 1, 5])
    circuit.append(inner.to_gate().power(0.5), [2, 3])
    program = assert_same(circuit)
    assert {item.name for item in program.instructions} <= {*GATES, "unitary"}


def test_a_gate_that_only_has_the_name_is_no_standard_gate() -> None:
    class Liar(Gate):
        def __init__(self) -> None:
            super().__init__("h", 1, [])

        def _define(self) -> None:
            self.definition = QuantumCircuit(1)
            self.definition.x(0)

    circuit = QuantumCircuit(1)
    circuit.append(Liar(), [0])
    assert [item.name for item in from_qiskit(circuit).instructions] == ["x"]


def test_measurements_barriers_and_registers() -> None:
    circuit = QuantumCircuit(QuantumRegister(1, "a"), QuantumRegister(2, "b"), ClassicalRegister(2, "c"))
    circuit.barrier()
    circuit.measure(2, 0)
    circuit.delay(10, 0)
    program = from_qiskit(circuit)
    assert [(item.name, item.qubits, item.clbits) for item in program.instructions] == [(MEASURE, (2,), (0,))]


def test_resets_of_untouched_qubits_are_dropped() -> None:
    circuit = QuantumCircuit(2, 2)
    circuit.reset([0, 1])
    circuit.initialize([0, 1], 0)
    circuit.measure([0, 1], [0, 1])
    assert not from_qiskit(circuit).is_dynamic
    circuit.reset(0)
    assert from_qiskit(circuit).instructions[-1].name == RESET


def test_if_else_with_blocks_on_other_bits() -> None:
    body = QuantumCircuit(1, 1)
    body.x(0)
    body.measure(0, 0)
    circuit = QuantumCircuit(3, 3)
    circuit.if_else((circuit.clbits[1], 1), body, None, [2], [0])
    (item,) = from_qiskit(circuit).instructions
    assert item.name == IF_ELSE
    assert item.condition == Condition((1,), frozenset({1}))
    assert [(inner.name, inner.qubits, inner.clbits) for inner in item.blocks[0]] == [
        ("x", (2,), ()),
        (MEASURE, (2,), (0,)),
    ]


def conditions(circuit: QuantumCircuit) -> list[Condition]:
    return [item.condition for item in from_qiskit(circuit).walk() if item.name == IF_ELSE]


def test_conditions_become_truth_tables() -> None:
    a, b = ClassicalRegister(2, "a"), ClassicalRegister(2, "b")
    tests = [
        ((a, 2), lambda x, y: x == 2),
        (expr.equal(a, b), lambda x, y: x == y),
        (expr.less(a, b), lambda x, y: x < y),
        (expr.logic_and(a[0], expr.logic_not(b[1])), lambda x, y: x & 1 and not y >> 1),
        (expr.bit_xor(a[0], b[0]), lambda x, y: (x ^ y) & 1),
        (expr.equal(expr.bit_not(a), 1), lambda x, y: ~x & 3 == 1),
        (expr.not_equal(expr.bit_or(a, b), 0), lambda x, y: x | y != 0),
        (expr.equal(expr.shift_left(a, 1), 2), lambda x, y: (x << 1) & 3 == 2),
    ]
    for condition, meaning in tests:
        circuit = QuantumCircuit(QuantumRegister(1), a, b)
        with circuit.if_test(condition):
            circuit.x(0)
        (table,) = conditions(circuit)
        for memory in range(16):
            assert table.holds(memory) == bool(meaning(memory & 3, memory >> 2)), (condition, memory)


def test_switch_evaluates_its_target_once() -> None:
    circuit = QuantumCircuit(1, 2)
    with circuit.switch(circuit.cregs[0]) as case:
        with case(0, 1):
            circuit.measure(0, 1)
        with case(case.DEFAULT):
            circuit.x(0)
    program = from_qiskit(circuit)
    outer = program.instructions[0]
    assert outer.condition == Condition((0, 1), frozenset({0, 1}))
    assert [item.name for item in outer.blocks[0]] == [MEASURE]
    (rest,) = outer.blocks[1]
    assert rest.condition == Condition((0, 1), frozenset({2, 3}))
    assert [item.name for item in rest.blocks[0]] == ["x"]


def test_for_loops_are_unrolled() -> None:
    angle = Parameter("a")
    circuit = QuantumCircuit(1)
    with circuit.for_loop(range(3), angle) as _:
        circuit.rx(angle, 0)
    assert [item.params for item in from_qiskit(circuit).instructions] == [(0.0,), (1.0,), (2.0,)]


def test_what_has_no_counterpart_is_named() -> None:
    circuit = QuantumCircuit(1, 1)
    with circuit.while_loop((circuit.clbits[0], 0)):
        circuit.measure(0, 0)
    with pytest.raises(ConversionError, match="while_loop"):
        from_qiskit(circuit)
    circuit = QuantumCircuit(1)
    circuit.rx(Parameter("theta"), 0)
    with pytest.raises(ConversionError, match="unbound parameters \\(theta\\)"):
        from_qiskit(circuit)
    circuit = QuantumCircuit(2)
    circuit.append(Gate("opaque", 2, []), [0, 1])
    with pytest.raises(ConversionError, match="'opaque'"):
        from_qiskit(circuit)
    circuit = QuantumCircuit(1, 17)
    with circuit.if_test((circuit.cregs[0], 3)):
        circuit.x(0)
    with pytest.raises(ConversionError, match="17 classical bits"):
        from_qiskit(circuit)
