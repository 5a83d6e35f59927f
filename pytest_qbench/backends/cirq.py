"""Cirq's own simulators: state vector and density matrix."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pytest_qbench.backends.base import Backend, Capabilities, Description, Option, UnavailableError
from pytest_qbench.backends.cirq_circuits import CirqCircuit, to_cirq
from pytest_qbench.circuits.channels import ON_QUBITS
from pytest_qbench.circuits.gates import GATES
from pytest_qbench.circuits.program import Program

_UNITARY_QUBITS = 8
"""Cirq multiplies larger matrices too, but slower than the gates that they stand for."""

_EINSUM_AXES = 26
"""From so many axes on (those of the state and the gate) Cirq has NumPy multiply by BLAS, which has threads."""

_DENSITY_QUBITS = 12
"""A density matrix of so many qubits takes 256 MiB."""


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A circuit, and the simulator that it is for."""

    converted: CirqCircuit
    simulator: Any


class CirqBackend(Backend):
    """``cirq.Simulator`` or ``cirq.DensityMatrixSimulator``.

    A circuit with measurements in the middle, resets or conditions is run shot by shot from the first of them on;
    that is how Cirq does it. So is one with noise, on a state vector, from the first channel on: each shot is a
    trajectory, which takes it milliseconds and more. So noise has a density matrix where that fits and the method is
    not chosen. Cirq leaves qubits that are not entangled with each other in states of their own.
    """

    name: ClassVar[str] = "cirq"
    install: ClassVar[str] = "pip install cirq-core"
    options: ClassVar[Mapping[str, Option]] = {
        "method": Option(
            "automatic",
            "simulation method; automatic is a state vector, and a density matrix for noise up to "
            f"{_DENSITY_QUBITS} qubits",
            choices=("automatic", "statevector", "density_matrix"),
        ),
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
        self._used = self._method
        self._precision: str = options["precision"]
        self._threads = threads
        self._uses_blas = False
        # The simulator draws from this generator, which every call seeds anew.
        self._random = np.random.RandomState()
        dtype = np.complex128 if self._precision == "double" else np.complex64
        kinds = {"statevector": cirq.Simulator, "density_matrix": cirq.DensityMatrixSimulator}
        self._simulators = {name: kind(dtype=dtype, seed=self._random) for name, kind in kinds.items()}

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
            method=self._used,
            threads=self._threads if self._uses_blas else 1,
        )

    def prepare(self, program: Program) -> Prepared:
        """Build the ``cirq.Circuit``."""
        self._used = self._method_for(program)
        axes = program.n_qubits * (2 if self._used == "density_matrix" else 1)
        self._uses_blas = axes + 1 >= _EINSUM_AXES
        return Prepared(to_cirq(program), self._simulators[self._used])

    def _method_for(self, program: Program) -> str:
        if self._method != "automatic":
            return self._method
        has_channels = any(item.name in ON_QUBITS for item in program.walk())
        return "density_matrix" if has_channels and program.n_qubits <= _DENSITY_QUBITS else "statevector"

    def run(self, prepared: Prepared, shots: int, seed: int) -> tuple[CirqCircuit, Any]:
        """One call of the simulator's ``run``."""
        self._random.seed(seed)
        return prepared.converted, prepared.simulator.run(prepared.converted.circuit, repetitions=shots)

    def counts(self, result: tuple[CirqCircuit, Any]) -> Mapping[str, int]:
        """Cirq's arrays of bits per measurement key, put where the program's classical bits are."""
        converted, measured = result
        return converted.counts(measured)
