"""Small programs and requests for the measurement tests."""

from __future__ import annotations

from pytest_qbench import Instruction, Program
from pytest_qbench.measure.messages import MeasureRequest, RoundPolicy


def program(n_qubits: int = 3, name: str = "measure_all") -> Program:
    """X on qubit 0 of ``n_qubits``, all measured."""
    measures = (Instruction("measure", (i,), clbits=(i,)) for i in range(n_qubits))
    return Program(n_qubits, n_qubits, (Instruction("x", (0,)), *measures), name)


def request_of(
    shots: int = 10, timeout: float = 20.0, n_qubits: int = 3, policy: RoundPolicy | None = None
) -> MeasureRequest:
    """A small request."""
    return MeasureRequest(program(n_qubits), shots, 7, timeout, policy or RoundPolicy(max_rounds=5))
