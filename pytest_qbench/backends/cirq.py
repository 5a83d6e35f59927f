"""Cirq's own simulators: state vector and density matrix."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pytest_qbench.backends.base import Backend, Capabilities, Description, Option, UnavailableError
from pytest_qbench.backends.cirq_circuits import CirqCircuit, to_cirq
from pytest_qbench.circuits.gates import GATES
from pytest_qbench.circuits.program import Program

_UNITARY_QUBITS = 8
"""Cirq multiplies larger matrices too, but slower than the gates that they stand for."""

_EINSUM_AXES = 26
"""From so many axes on (those of the state and the gate) Cirq has NumPy multiply by BLAS, which has threads."""


class CirqBackend(Backend):
    """``cirq.Simulator`` or ``cirq.DensityMatrixSimulator``. A prepared program is a ``cirq.Circuit``.

    A circuit with measurements in the middle, resets or conditions is run shot by shot from the first of them on;
    that is how Cirq does it. So is one with noise, on a state vector, from the first channel on: each shot is a
    trajectory. Cirq leaves qubits that are not entangled with each other in states of their own.
    """

    name: ClassVar[str] = "cirq"
    install: ClassVar[str] = "pip install cirq-core"
    options: ClassVar[Mapping[str, Option]] = {
        "method": Option("statevector", "simulation method", choices=("statevector", "density_matrix")),
        "precision": Option(
            "double", "precision of the state (Cirq's own default is single)", choices=("double", "single")
        ),
    }

    def __init__(self, options: Mapping[str, Any], threads: int) -> None:
        try:
            import cirq
            import numpy as np
        except ImportError as error:
            raise UnavailableError(f"cirq can't be imported: {error}", self.install) from error
        self._method: str = options["method"]
        self._precision: str = options["precision"]
        self._threads = threads
        self._uses_blas = False
        # The simulator draws from this generator, which every call seeds anew.
        self._random = np.random.RandomState()
        make = cirq.Simulator if self._method == "statevector" else cirq.DensityMatrixSimulator
        dtype = np.complex128 if self._precision == "double" else np.complex64
        self._simulator = make(dtype=dtype, seed=self._random)

    def capabilities(self) -> Capabilities:
        """Every standard gate, dynamic circuits and noise; only memory bounds the qubits."""
        return Capabilities(
            gates=frozenset(GATES),
            unitary_qubits=_UNITARY_QUBITS,
            dynamic=True,
            noise=True,
            precisions=("double", "single"),
        )

    def describe(self) -> Description:
        """Versions, and the threads that the program at hand could use: one, but for the largest states."""
        from importlib.metadata import version

        versions = {package: version(package) for package in ("cirq-core", "numpy")}
        return Description(
            version=versions["cirq-core"],
            versions=versions,
            precision=self._precision,
            method=self._method,
            threads=self._threads if self._uses_blas else 1,
        )

    def prepare(self, program: Program) -> CirqCircuit:
        """Build the ``cirq.Circuit``."""
        axes = program.n_qubits * (2 if self._method == "density_matrix" else 1)
        self._uses_blas = axes + 1 >= _EINSUM_AXES
        return to_cirq(program)

    def run(self, prepared: CirqCircuit, shots: int, seed: int) -> tuple[CirqCircuit, Any]:
        """One call of the simulator's ``run``."""
        self._random.seed(seed)
        return prepared, self._simulator.run(prepared.circuit, repetitions=shots)

    def counts(self, result: tuple[CirqCircuit, Any]) -> Mapping[str, int]:
        """Cirq's arrays of bits per measurement key, put where the program's classical bits are."""
        prepared, measured = result
        return prepared.counts(measured)
