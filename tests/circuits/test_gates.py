"""Every gate's matrix against Qiskit's."""

import math
import random

import numpy as np
import pytest
from qiskit.circuit.library import get_standard_gate_name_mapping
from qiskit.circuit.library import standard_gates as library
from qiskit.quantum_info import Operator

from pytest_qbench.circuits.gates import GATES, control_form, gate_matrix, is_diagonal
from pytest_qbench.circuits.program import UNITARY, Instruction

# Qiskit's own mapping leaves the deprecated and the variable ones out.
OTHERS = {
    "cu1": lambda p: library.CU1Gate(*p),
    "cu3": lambda p: library.CU3Gate(*p),
    "u1": lambda p: library.U1Gate(*p),
    "u2": lambda p: library.U2Gate(*p),
    "u3": lambda p: library.U3Gate(*p),
    "rccx": lambda p: library.RCCXGate(),
    "mcx": lambda p: library.MCXGate(4),
    "mcphase": lambda p: library.MCPhaseGate(*p, 3),
}


def qiskit_gate(name: str, params: list[float]):
    if name in OTHERS:
        return OTHERS[name](params)
    return type(get_standard_gate_name_mapping()[name])(*params)


@pytest.mark.parametrize("name", sorted(GATES))
def test_matrix_is_qiskits(name: str) -> None:
    generator = random.Random(name)
    for _ in range(3):
        params = [generator.uniform(-2 * math.pi, 2 * math.pi) for _ in range(GATES[name].n_params)]
        gate = qiskit_gate(name, params)
        instruction = Instruction(name, tuple(range(gate.num_qubits)), tuple(params))
        matrix = np.array(gate_matrix(instruction))
        np.testing.assert_allclose(matrix, Operator(gate).data, atol=1e-12)
        assert is_diagonal(instruction) == bool(np.allclose(matrix, np.diag(np.diag(matrix))))


@pytest.mark.parametrize("name", sorted(name for name, gate in GATES.items() if gate.base))
def test_control_form_gives_the_matrix_back(name: str) -> None:
    gate = GATES[name]
    params = tuple(0.1 + 0.3 * i for i in range(gate.n_params))
    instruction = Instruction(name, tuple(range(gate.n_qubits or 5)), params)
    n_controls, base = control_form(instruction)
    small = np.array(gate_matrix(base))
    expected = np.eye(len(small) << n_controls, dtype=complex)
    chosen = [index << n_controls | ((1 << n_controls) - 1) for index in range(len(small))]
    expected[np.ix_(chosen, chosen)] = small
    np.testing.assert_allclose(np.array(gate_matrix(instruction)), expected, atol=1e-14)


def test_unitary_is_its_own_matrix() -> None:
    matrix = ((0j, 1 + 0j), (1 + 0j, 0j))
    assert gate_matrix(Instruction(UNITARY, (0,), matrix=matrix)) == matrix
    assert not is_diagonal(Instruction(UNITARY, (0,), matrix=matrix))
    assert control_form(Instruction(UNITARY, (0,), matrix=matrix)) is None


def test_unknown_gate_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        gate_matrix(Instruction("warp", (0,)))
