"""The Kraus operators of the channels: complete, and the same channels as those of Aer's noise library."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from qiskit.quantum_info import Kraus, SuperOp
from qiskit_aer.noise import amplitude_damping_error, depolarizing_error, pauli_error, phase_damping_error

from pytest_qbench import Instruction
from pytest_qbench.circuits import channels
from pytest_qbench.circuits.channels import ON_QUBITS, kraus_operators
from pytest_qbench.circuits.program import CHANNELS, READOUT_ERROR

STRENGTHS = st.floats(0, 1, allow_subnormal=False)
KINDS = [("depolarizing", 1), ("depolarizing", 2), ("amplitude_damping", 1), ("phase_damping", 1)]


def operators(channel: Instruction) -> list[NDArray[np.complex128]]:
    return [np.array(operator, complex) for operator in kraus_operators(channel)]


def channel_of(name: str, n_qubits: int, strength: float) -> Instruction:
    return Instruction(name, tuple(range(n_qubits)), (strength,))


@given(st.sampled_from(KINDS), STRENGTHS)
def test_the_operators_are_complete(kind: tuple[str, int], strength: float) -> None:
    """The sum of K^dagger K is the identity: no probability is lost or made."""
    name, n_qubits = kind
    total = sum(operator.conj().T @ operator for operator in operators(channel_of(name, n_qubits, strength)))
    np.testing.assert_allclose(total, np.eye(1 << n_qubits), atol=1e-14)


@given(st.sampled_from(KINDS), STRENGTHS)
def test_the_channels_are_those_of_aer(kind: tuple[str, int], strength: float) -> None:
    name, n_qubits = kind
    theirs = {
        "depolarizing": lambda: depolarizing_error(strength, n_qubits),
        "amplitude_damping": lambda: amplitude_damping_error(strength),
        "phase_damping": lambda: phase_damping_error(strength),
    }[name]()
    ours = SuperOp(Kraus(operators(channel_of(name, n_qubits, strength))))
    # Aer drops operators of less weight than 1e-8.
    np.testing.assert_allclose(ours.data, SuperOp(theirs).data, atol=2e-7)


@given(STRENGTHS)
def test_phase_damping_is_a_phase_flip(strength: float) -> None:
    channel = channel_of("phase_damping", 1, strength)
    flip = channels.pauli_error(channel)
    flips = SuperOp(pauli_error([("Z", flip), ("I", 1 - flip)]))
    np.testing.assert_allclose(SuperOp(Kraus(operators(channel))).data, flips.data, atol=1e-7)


@given(st.sampled_from([1, 2]), STRENGTHS)
def test_depolarizing_is_any_pauli_string(n_qubits: int, strength: float) -> None:
    """All with the same probability, but the identity."""
    channel = channel_of("depolarizing", n_qubits, strength)
    weights = [float(np.linalg.norm(operator) ** 2) / 2**n_qubits for operator in operators(channel)]
    assert sum(weights[1:]) == pytest.approx(channels.pauli_error(channel), abs=1e-12)
    assert weights[1:] == pytest.approx([strength / 4**n_qubits] * (4**n_qubits - 1), abs=1e-12)


def test_full_strength_leaves_nothing() -> None:
    assert channels.pauli_error(channel_of("depolarizing", 1, 1.0)) == 3 / 4
    assert channels.pauli_error(channel_of("depolarizing", 2, 1.0)) == 15 / 16
    assert channels.pauli_error(channel_of("phase_damping", 1, 1.0)) == 1 / 2


def test_what_is_no_such_channel_is_refused() -> None:
    assert CHANNELS - {READOUT_ERROR} == ON_QUBITS
    with pytest.raises(KeyError):
        kraus_operators(Instruction(READOUT_ERROR, (), (0.1, 0.1), (0,)))
    with pytest.raises(KeyError):
        channels.pauli_error(channel_of("amplitude_damping", 1, 0.1))
