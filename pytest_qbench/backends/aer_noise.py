"""Noise as Qiskit Aer has it: errors in their places in the circuit, and a noise model of the readout errors.

A noise model that names gates would not do: it acts on the gates that Aer is given, and those are what a program's
gates were lowered to. An error that stands in the circuit stays where it is, also where Aer fuses gates.
"""

from __future__ import annotations

import functools
from typing import Any

from pytest_qbench.backends.base import UnsupportedError
from pytest_qbench.backends.readout import is_misread
from pytest_qbench.circuits.program import AMPLITUDE_DAMPING, DEPOLARIZING, MEASURE, Instruction, Program


def channel(item: Instruction) -> Any:
    """A channel on qubits as an instruction of a ``QuantumCircuit``."""
    return _error(item.name, len(item.qubits), item.params[0]).to_instruction()


@functools.cache  # Aer tells errors apart by their identity
def _error(name: str, n_qubits: int, strength: float) -> Any:
    from qiskit_aer import noise

    if name == DEPOLARIZING:
        return noise.depolarizing_error(strength, n_qubits)
    return (noise.amplitude_damping_error if name == AMPLITUDE_DAMPING else noise.phase_damping_error)(strength)


def readout_model(program: Program) -> Any | None:
    """The readout errors as a ``NoiseModel``; None where there are none.

    Args:
        program: with its readout errors in the measurements
            (:func:`~pytest_qbench.backends.readout.with_readout_in_measurements`).

    Raises:
        UnsupportedError: a qubit is measured with different errors; Aer has one for each qubit.
    """
    from qiskit_aer.noise import NoiseModel, ReadoutError

    measurements = [item for item in program.walk() if item.name == MEASURE]
    if not any(map(is_misread, measurements)):
        return None
    errors: dict[int, tuple[float, ...]] = {}
    for item in measurements:
        own = item.params if is_misread(item) else (0.0, 0.0)
        if errors.setdefault(item.qubits[0], own) != own:
            raise UnsupportedError("measurements of one qubit with different readout errors")
    model = NoiseModel()
    for qubit, (one_for_zero, zero_for_one) in errors.items():
        rows = [[1 - one_for_zero, one_for_zero], [zero_for_one, 1 - zero_for_one]]
        model.add_readout_error(ReadoutError(rows), [qubit])
    return model
