"""Circuits with parameters: setting them, JSON, and what Qiskit's circuits become."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterVector
from qiskit.quantum_info import Statevector

from pytest_qbench import Ansatz, Instruction, ParameterUse, Program
from pytest_qbench.cases import CaseError
from pytest_qbench.gradients import reference
from pytest_qbench.gradients.convert import to_ansatz
from pytest_qbench.gradients.task import GradientTask

ANGLES = st.floats(-6, 6)


def convert(circuit: object, n_qubits: int) -> Ansatz:
    return to_ansatz(circuit, "mine", "mine.py:3: mine()", n_qubits)


def many_gates() -> QuantumCircuit:
    """Gates with one and several parameters, used twice, scaled, shifted and negated."""
    a, b = Parameter("a"), Parameter("b")
    c = ParameterVector("c", 2)
    circuit = QuantumCircuit(3)
    circuit.ry(a, 0)
    circuit.u(b, 0.3, c[0], 1)
    circuit.crx(2 * a + 0.5, 0, 2)
    circuit.rzz(-c[1], 1, 2)
    circuit.cx(2, 0)
    circuit.p(a / 3, 1)
    return circuit


@given(st.lists(ANGLES, min_size=4, max_size=4))
@settings(max_examples=25, deadline=None)
def test_a_converted_circuit_does_what_qiskits_does(values: list[float]) -> None:
    circuit = many_gates()
    ansatz = convert(circuit, 3)
    start = np.zeros((8, 1), np.complex128)
    start[0] = 1
    state = reference.evolved(ansatz, values, start)[:, 0]
    expected = Statevector(circuit.assign_parameters(values)).data
    assert abs(np.vdot(state, expected)) == pytest.approx(1, abs=1e-9)


def test_uses_have_scale_and_offset() -> None:
    ansatz = convert(many_gates(), 3)
    assert ansatz.n_parameters == 4
    crx = next(use for use in ansatz.uses if ansatz.program.instructions[use.instruction].name == "crx")
    assert (crx.parameter, round(crx.scale, 9), round(crx.offset, 9)) == (0, 2.0, 0.5)
    assert sum(use.parameter == 0 for use in ansatz.uses) == 3


def test_final_measurements_are_left_out() -> None:
    circuit = many_gates()
    circuit.measure_all()
    assert convert(circuit, 3).hash == convert(many_gates(), 3).hash


def two_in_one() -> QuantumCircuit:
    a, b = Parameter("a"), Parameter("b")
    circuit = QuantumCircuit(1)
    circuit.rx(a + b, 0)
    return circuit


def squared() -> QuantumCircuit:
    a = Parameter("a")
    circuit = QuantumCircuit(1)
    circuit.rx(a * a, 0)
    return circuit


def resets() -> QuantumCircuit:
    circuit = QuantumCircuit(1)
    circuit.rx(Parameter("a"), 0)
    circuit.reset(0)
    return circuit


@pytest.mark.parametrize(
    ("circuit", "message"),
    [
        (two_in_one(), "depends on several parameters"),
        (squared(), "not linear"),
        (resets(), "gates only"),
        (QuantumCircuit(1), "has no parameters"),
        ("h q[0]", "neither a QuantumCircuit nor an Ansatz"),
        (many_gates(), "the circuit has 3 qubits; declared: 1"),
    ],
)
def test_what_has_no_gradient_says_why(circuit: object, message: str) -> None:
    with pytest.raises(CaseError, match=r"^mine\.py:3: mine") as error:
        convert(circuit, 1)
    assert message in str(error.value)


def test_binding_sets_the_parameters() -> None:
    program = Program(1, 0, (Instruction("rx", (0,), (0.0,)), Instruction("rz", (0,), (0.7,))))
    ansatz = Ansatz(program, (ParameterUse(0, 0, 1, scale=2.0, offset=-1.0),), 2)
    assert ansatz.bound([9.0, 3.0]).instructions[0].params == (5.0,)
    assert ansatz.bound([9.0, 3.0]).instructions[1].params == (0.7,)
    with pytest.raises(ValueError, match="1 parameters for a circuit that has 2"):
        ansatz.bound([1.0])


def test_a_task_survives_json() -> None:
    ansatz = convert(many_gates(), 3)
    observable = ((0.5, ((0, "Z"), (2, "X"))), (1.0, ()))
    task = GradientTask(ansatz, (0.1, 0.2, 0.3, 0.4), observable, "angle", "features.npy", 7, "single", 1, 10**6, "tmp")
    assert GradientTask.from_json(json.loads(json.dumps(task.to_json()))) == task
