"""qsim, by its interface to Cirq (qsimcirq)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, ClassVar

from pytest_qbench.backends.base import (
    Backend,
    Capabilities,
    Description,
    Option,
    UnavailableError,
    UnsupportedError,
)
from pytest_qbench.backends.cirq_circuits import CirqCircuit, to_cirq
from pytest_qbench.circuits.gates import GATES
from pytest_qbench.circuits.program import IF_ELSE, Program

_UNITARY_QUBITS = 6
"""The largest matrix that qsim takes."""

_AMPLITUDE_BYTES = 8
_GIB = 2**30

_FUSED_GATE_SIZES = range(2, 7)
_FUSED_GATE_SIZE = 3
"""qsim advises 2 or 3 below 22 qubits and 3 or 4 from there on."""


def _fused_gate_size(text: str) -> int:
    size = int(text)
    if size not in _FUSED_GATE_SIZES:
        raise ValueError(f"must be {_FUSED_GATE_SIZES[0]} to {_FUSED_GATE_SIZES[-1]}")
    return size


class QsimBackend(Backend):
    """``qsimcirq.QSimSimulator``. A prepared program is a ``cirq.Circuit``.

    The simulator translates a circuit to its own form in the first call and keeps that. A circuit with measurements in
    the middle or resets is run shot by shot from its beginning; conditions it does not have.
    """

    name: ClassVar[str] = "qsim"
    install: ClassVar[str] = "pip install qsimcirq"
    options: ClassVar[Mapping[str, Option]] = {
        "max_fused_gate_size": Option(
            _FUSED_GATE_SIZE, "the most qubits that gates are fused to, 2 to 6", _fused_gate_size
        ),
        "device": Option("CPU", "CPU or GPU (a qsimcirq that was built for it)", str.upper, choices=("CPU", "GPU")),
    }

    def __init__(self, options: Mapping[str, Any], threads: int) -> None:
        try:
            import numpy as np
            import qsimcirq
        except ImportError as error:
            raise UnavailableError(f"qsimcirq can't be imported: {error}", self.install) from error
        self._device: str = options["device"]
        self._threads = threads
        if self._device == "GPU" and qsimcirq.qsim_gpu is None:
            raise UnavailableError(
                "device=GPU: this qsimcirq is built without GPU support (the wheels on PyPI are), or finds no device"
            )
        # The simulator draws its seeds from this generator, which every call seeds anew.
        self._random = np.random.RandomState()
        self._simulator = qsimcirq.QSimSimulator(
            qsimcirq.QSimOptions(
                max_fused_gate_size=options["max_fused_gate_size"],
                cpu_threads=threads,
                use_gpu=self._device == "GPU",
            ),
            seed=self._random,
            circuit_memoization_size=1,
        )

    def capabilities(self) -> Capabilities:
        """Every standard gate, measurements and resets anywhere, single precision."""
        return Capabilities(
            gates=frozenset(GATES),
            unitary_qubits=_UNITARY_QUBITS,
            dynamic=True,
            precisions=("single",),
            devices=("CPU", "GPU"),
        )

    def describe(self) -> Description:
        """Versions, device and the threads that qsim was given."""
        from importlib.metadata import version

        versions = {package: version(package) for package in ("qsimcirq", "cirq-core")}
        return Description(
            version=versions["qsimcirq"],
            versions=versions,
            device=self._device,
            precision="single",
            method="statevector",
            threads=self._threads,
        )

    def prepare(self, program: Program) -> CirqCircuit:
        """Build the ``cirq.Circuit``; qsim translates it when it is first run.

        Raises:
            UnsupportedError: there are conditions, or nothing is measured.
            MemoryError: the state is larger than the machine's memory; qsim itself would crash.
        """
        if any(item.name == IF_ELSE for item in program.walk()):
            raise UnsupportedError("dynamic circuit with conditions: qsim has no classically controlled gates")
        converted = to_cirq(program)
        if self._device == "CPU":
            _check_memory(len(converted.circuit.all_qubits()))
        return converted

    def run(self, prepared: CirqCircuit, shots: int, seed: int) -> tuple[CirqCircuit, Any]:
        """One call of ``QSimSimulator.run``."""
        self._random.seed(seed)
        return prepared, self._simulator.run(prepared.circuit, repetitions=shots)

    def counts(self, result: tuple[CirqCircuit, Any]) -> Mapping[str, int]:
        """The arrays of bits per measurement key, put where the program's classical bits are."""
        prepared, measured = result
        return prepared.counts(measured)


def _check_memory(n_qubits: int) -> None:
    needed = _AMPLITUDE_BYTES << n_qubits
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if needed > there:
        raise MemoryError(f"the state of {n_qubits} qubits takes {needed / _GIB:,.1f} GiB of {there / _GIB:,.1f} GiB")
