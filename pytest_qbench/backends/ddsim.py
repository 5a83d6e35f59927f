"""MQT DDSIM: decision diagrams."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pytest_qbench.backends.base import (
    Backend,
    Capabilities,
    Description,
    Option,
    UnavailableError,
    UnsupportedError,
)
from pytest_qbench.backends.guards import dissolve
from pytest_qbench.circuits.gates import GATES, control_form
from pytest_qbench.circuits.program import MEASURE, RESET, UNITARY, Condition, Instruction, Program

_RENAMED: Mapping[str, str] = {"id": "i", "u1": "p", "u3": "u"}
"""Gates that MQT has by another name; the others have the same one."""

_UNITARY_QUBITS = 5
"""Qiskit's synthesis of larger matrices takes hundreds of gates."""

_MAX_SPAN = 8
"""A condition is written out for all values of the bits from its lowest to its highest."""


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A program as MQT's ``QuantumComputation``; without measurements its outcomes are those of the qubits."""

    circuit: Any
    n_clbits: int
    has_measurements: bool


class DdsimBackend(Backend):
    """DDSIM's ``CircuitSimulator``. What a circuit costs depends on its structure, not only on its size.

    Dynamic circuits are simulated from the beginning for each shot; it uses one thread. Each run has a simulator of its
    own: that is where the seed goes, and diagrams of an earlier run would be results that are already known.
    """

    name: ClassVar[str] = "ddsim"
    install: ClassVar[str] = "pip install mqt.ddsim"
    options: ClassVar[Mapping[str, Option]] = {}

    def __init__(self, options: Mapping[str, Any], threads: int) -> None:
        try:
            import mqt.core.ir.operations
            import mqt.ddsim  # now, so that the first circuit does not pay for it
        except (ImportError, OSError) as error:
            raise UnavailableError(f"mqt.ddsim can't be imported: {error}", self.install) from error
        types = mqt.core.ir.operations.OpType
        plain = {name: _RENAMED.get(name, name) for name, gate in GATES.items() if gate.base is None}
        self._types = {name: getattr(types, type_) for name, type_ in plain.items() if hasattr(types, type_)}

    def capabilities(self) -> Capabilities:
        """The gates that MQT's operations stand for, with any number of controls; matrices are synthesised."""
        controlled = (name for name, gate in GATES.items() if gate.base in self._types and name != "cu")
        return Capabilities(
            gates=frozenset(self._types) | frozenset(controlled), unitary_qubits=_UNITARY_QUBITS, dynamic=True
        )

    def describe(self) -> Description:
        """Versions."""
        from importlib.metadata import version

        versions = {"mqt.ddsim": version("mqt.ddsim"), "mqt.core": version("mqt.core")}
        return Description(version=versions["mqt.ddsim"], versions=versions, method="decision diagram", threads=1)

    def prepare(self, program: Program) -> Prepared:
        """Build the ``QuantumComputation``.

        Raises:
            UnsupportedError: a conditional block holds more than gates, or a condition depends on classical bits that
                are far apart.
        """
        from mqt.core.ir import QuantumComputation

        circuit = QuantumComputation(program.n_qubits, program.n_clbits)
        items = [
            (condition, item) for condition, whole in dissolve(program.instructions) for item in _synthesised(whole)
        ]
        if not program.is_dynamic:
            # A measurement before gates, on other qubits even, would have every shot simulated by itself.
            items.sort(key=lambda item: item[1].name == MEASURE)
        for condition, item in items:
            if item.name == MEASURE:
                circuit.measure(item.qubits, item.clbits)
            elif item.name == RESET:
                if condition is not None:
                    raise UnsupportedError("reset inside a conditional block")
                circuit.reset(item.qubits)
            elif condition is None:
                circuit.append(self._operation(item))
            else:
                for conditional in _conditionals(self._operation(item), condition):
                    circuit.append(conditional)
        if program.is_dynamic:
            # A gate after a measurement is what it takes for dynamic; qubits and bits measured twice it would not see.
            circuit.i(0)
        return Prepared(circuit, program.n_clbits, program.has_measurements)

    def run(self, prepared: Prepared, shots: int, seed: int) -> tuple[Prepared, Mapping[str, int]]:
        """A new simulator, and its counts."""
        from mqt.ddsim import CircuitSimulator

        return prepared, CircuitSimulator(prepared.circuit, seed=seed).simulate(shots)

    def counts(self, result: tuple[Prepared, Mapping[str, int]]) -> Mapping[str, int]:
        """Its counts have the classical bits in the same order; without measurements they are of the qubits."""
        prepared, counts = result
        return counts if prepared.has_measurements else {"0" * prepared.n_clbits: sum(counts.values())}

    def _operation(self, item: Instruction) -> Any:
        from mqt.core.ir.operations import Control, StandardOperation

        n_controls, base = control_form(item) or (0, item)
        controls = {Control(qubit) for qubit in item.qubits[:n_controls]}
        return StandardOperation(controls, base.qubits, self._types[base.name], base.params)


def _synthesised(item: Instruction) -> Iterator[Instruction]:
    """A ``unitary`` as the gates of Qiskit's synthesis, as DDSIM's provider for Qiskit has them; others as they are.

    It has no operation for a matrix. Qiskit comes with it.
    """
    if item.name != UNITARY:
        yield item
        return
    from qiskit import QuantumCircuit, transpile
    from qiskit.circuit.library import UnitaryGate

    circuit = QuantumCircuit(len(item.qubits))
    circuit.append(UnitaryGate(item.matrix), circuit.qubits)
    for step in transpile(circuit, basis_gates=["u", "cx"], optimization_level=1).data:
        qubits = tuple(item.qubits[circuit.find_bit(qubit).index] for qubit in step.qubits)
        yield Instruction(step.operation.name, qubits, tuple(map(float, step.operation.params)))


def _conditionals(operation: Any, condition: Condition) -> Iterator[Any]:
    """The operation once for each value that the bits from the condition's lowest to its highest may have."""
    from mqt.core.ir.operations import IfElseOperation
    from mqt.core.ir.registers import ClassicalRegister

    low, high = min(condition.clbits), max(condition.clbits)
    if high - low >= _MAX_SPAN:
        raise UnsupportedError(f"condition on classical bits as far apart as {low} and {high}")
    register = ClassicalRegister(low, high - low + 1, "condition")
    for value in range(1 << (high - low + 1)):
        if condition.holds(value << low):
            yield IfElseOperation(operation, None, register, value)
