"""Qulacs."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pytest_qbench.backends.base import Backend, Capabilities, Description, Option, UnavailableError
from pytest_qbench.backends.outcomes import bit_strings
from pytest_qbench.backends.shot_by_shot import DynamicProgram, prepare_dynamic
from pytest_qbench.circuits.gates import GATES, control_form, gate_matrix, is_diagonal
from pytest_qbench.circuits.program import Instruction, Program

_UNITARY_QUBITS = 8

_NAMED: Mapping[str, str] = {
    **{"id": "Identity", "x": "X", "y": "Y", "z": "Z", "h": "H", "s": "S", "sdg": "Sdag", "t": "T", "tdg": "Tdag"},
    **{"sx": "sqrtX", "sxdg": "sqrtXdag", "p": "U1", "u1": "U1", "u2": "U2", "u3": "U3", "u": "U3", "swap": "SWAP"},
    **{"rx": "RotX", "ry": "RotY", "rz": "RotZ", "cx": "CNOT", "cz": "CZ"},
}
"""Gates that Qulacs has a function of its own for: of the qubits, then the parameters."""

_FUSION = ("off", "light", "2", "3", "4", "5")


@dataclass(frozen=True, slots=True, eq=False)
class Static:
    """A circuit that is sampled at its end, the state it runs on, and the qubit of each classical bit."""

    circuit: Any
    state: Any
    qubits: Mapping[int, int]
    n_clbits: int

    def run(self, shots: int, seed: int) -> Outcomes:
        """One evolution, one sampling."""
        self.state.set_zero_state()
        self.circuit.update_quantum_state(self.state)
        return Outcomes(self.state.sampling(shots, seed), self.qubits, self.n_clbits)


@dataclass(frozen=True, slots=True, eq=False)
class Dynamic:
    """A program that is run shot by shot, and what it runs on."""

    program: DynamicProgram
    machine: _Machine
    n_clbits: int

    def run(self, shots: int, seed: int) -> Outcomes:
        """One shot after another."""
        self.machine.random = random.Random(seed).random
        counted = self.program.run(self.machine, shots)
        return Outcomes(counted.elements(), {clbit: clbit for clbit in range(self.n_clbits)}, self.n_clbits)


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """A number for each shot, and the bit of it that each classical bit is."""

    numbers: Iterable[int]
    positions: Mapping[int, int]
    n_clbits: int


class QulacsBackend(Backend):
    """Qulacs's state vector. The circuit is fused by Qulacs's own optimizer while it is prepared.

    Dynamic programs run shot by shot, their classical bits kept in Python; what comes before the first measurement
    runs once.
    """

    name: ClassVar[str] = "qulacs"
    install: ClassVar[str] = "pip install qulacs"
    options: ClassVar[Mapping[str, Option]] = {
        "fusion": Option("light", "off, light, or the most qubits that gates are fused to", choices=_FUSION),
    }

    def __init__(self, options: Mapping[str, Any], threads: int) -> None:
        # Read when the library is loaded; it stands above OMP_NUM_THREADS.
        os.environ["QULACS_NUM_THREADS"] = str(threads)
        try:
            import qulacs
        except (ImportError, OSError) as error:
            raise UnavailableError(f"qulacs can't be imported: {error}", self.install) from error
        self._qulacs = qulacs
        self._fusion: str = options["fusion"]
        self._threads = threads

    def capabilities(self) -> Capabilities:
        """Every standard gate, by its matrix where Qulacs has none of that name, and dynamic circuits."""
        return Capabilities(gates=frozenset(GATES), unitary_qubits=_UNITARY_QUBITS, dynamic=True)

    def describe(self) -> Description:
        """Versions, and how gates are fused."""
        from importlib.metadata import version

        versions = {package: version(package) for package in ("qulacs", "numpy")}
        fused = {"off": "", "light": ", light fusion"}.get(self._fusion, f", fusion to {self._fusion} qubits")
        return Description(
            version=versions["qulacs"], versions=versions, method=f"statevector{fused}", threads=self._threads
        )

    def prepare(self, program: Program) -> Static | Dynamic:
        """Build and fuse the circuit, and allocate the state.

        Raises:
            MemoryError: not enough memory for the state.
        """
        n_qubits, n_clbits = program.n_qubits, program.n_clbits

        def compile_gates(gates: Iterable[Instruction]) -> Any:
            return self._circuit(n_qubits, gates)

        if program.is_dynamic:
            machine = _Machine(self._state(n_qubits), self._state(n_qubits))
            return Dynamic(prepare_dynamic(program, compile_gates), machine, n_clbits)
        circuit = compile_gates(item for item in program.instructions if item.is_gate)
        return Static(circuit, self._state(n_qubits), program.measured_qubits, n_clbits)

    def run(self, prepared: Static | Dynamic, shots: int, seed: int) -> Outcomes:
        """Evolve and sample."""
        return prepared.run(shots, seed)

    def counts(self, result: Outcomes) -> Mapping[str, int]:
        """The numbers, counted and as bit strings."""
        return bit_strings(Counter(result.numbers), result.positions, result.n_clbits)

    def _state(self, n_qubits: int) -> Any:
        import numpy as np

        # Qulacs ends the process where it can't allocate a state; NumPy raises MemoryError.
        np.empty(1 << n_qubits, np.complex128)
        return self._qulacs.QuantumState(n_qubits)

    def _circuit(self, n_qubits: int, gates: Iterable[Instruction]) -> Any:
        from qulacs.circuit import QuantumCircuitOptimizer

        circuit = self._qulacs.QuantumCircuit(n_qubits)
        for item in gates:
            circuit.add_gate(_gate(item))
        if self._fusion == "light":
            QuantumCircuitOptimizer().optimize_light(circuit)
        elif self._fusion != "off":
            QuantumCircuitOptimizer().optimize(circuit, int(self._fusion))
        return circuit


class _Machine:
    """A state for a shot, and the one that all shots start from."""

    random: Callable[[], float]

    def __init__(self, state: Any, first: Any) -> None:
        from qulacs import gate

        self._state, self._first = state, first
        qubits = range(state.get_qubit_count())
        self._projections = [(gate.P0(qubit), gate.P1(qubit)) for qubit in qubits]
        self._flips = [gate.X(qubit) for qubit in qubits]

    def start(self, gates: Any | None) -> None:
        self._first.set_zero_state()
        if gates is not None:
            gates.update_quantum_state(self._first)

    def again(self) -> None:
        self._state.load(self._first)

    def apply(self, gates: Any) -> None:
        gates.update_quantum_state(self._state)

    def measure(self, qubit: int) -> int:
        zero: float = self._state.get_zero_probability(qubit)
        outcome = int(self.random() >= zero)
        self._projections[qubit][outcome].update_quantum_state(self._state)
        self._state.normalize(1 - zero if outcome else zero)
        return outcome

    def flip(self, qubit: int) -> None:
        self._flips[qubit].update_quantum_state(self._state)


def _gate(item: Instruction) -> Any:
    """Qulacs's gate: the first qubit is the least significant bit of a matrix, as in a program."""
    import numpy as np
    from qulacs import gate

    if item.name in _NAMED:
        return getattr(gate, _NAMED[item.name])(*item.qubits, *item.params)
    n_controls, base = control_form(item) or (0, item)
    matrix = np.array(gate_matrix(base), complex)
    if n_controls == 0 and is_diagonal(base):
        return gate.DiagonalMatrix(list(base.qubits), np.diagonal(matrix).copy())
    made = gate.DenseMatrix(list(base.qubits), matrix)
    for control in item.qubits[:n_controls]:
        made.add_control_qubit(control, 1)
    return made
