"""Programs as Cirq circuits, for the simulators that take those: Cirq's own, and qsim.

Cirq is imported inside the functions: without it, this module can still be.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_qbench.backends.base import UnsupportedError
from pytest_qbench.backends.bit_rows import count_rows
from pytest_qbench.backends.readout import is_misread, with_readout_in_measurements
from pytest_qbench.circuits.channels import ON_QUBITS, pauli_error
from pytest_qbench.circuits.gates import control_form, gate_matrix
from pytest_qbench.circuits.program import (
    AMPLITUDE_DAMPING,
    DEPOLARIZING,
    IF_ELSE,
    MEASURE,
    RESET,
    Condition,
    Instruction,
    Program,
)

_FINAL = "final"
"""The key of the measurement that ends a circuit; those before it are called by their place, ``"0"``, ``"1"``, ..."""


@dataclass(frozen=True)
class CirqCircuit:
    """A circuit, and where its measurements go.

    ``readout`` tells for each measurement key the classical bits of its columns; what a later measurement overwrites
    is not in it.
    """

    circuit: Any
    n_clbits: int
    readout: Mapping[str, tuple[int, ...]]

    def counts(self, result: Any) -> dict[str, int]:
        """The counts of a ``cirq.Result`` of this circuit."""
        import numpy as np

        records = result.records
        shots = next(iter(records.values())).shape[0]
        rows = np.zeros((shots, self.n_clbits), dtype=np.uint8)
        for key, clbits in self.readout.items():
            rows[:, [self.n_clbits - 1 - clbit for clbit in clbits]] = records[key][:, 0, :]
        return count_rows(rows)


def to_cirq(program: Program) -> CirqCircuit:
    """Turn ``program`` into a Cirq circuit.

    What nothing follows is measured by one measurement of several qubits at the end, as Cirq's users write it; every
    other measurement has a key of its own, so that Cirq keeps each of them.

    Raises:
        UnsupportedError: there is nothing to measure.
    """
    import cirq

    body, final = _split_final_measurements(with_readout_in_measurements(program).instructions)
    converter = _Converter(cirq.LineQubit.range(program.n_qubits))
    converter.add_all(body)
    readout: dict[str, tuple[int, ...]] = {
        str(key): (clbit,) for clbit, key in converter.written.items() if clbit not in final
    }
    # Ascending, which spares the simulator a transposition of the probabilities.
    by_qubit = sorted(final.values(), key=lambda item: item.qubits)
    if by_qubit:
        qubits = [converter.qubits[item.qubits[0]] for item in by_qubit]
        confusion = {(place,): _confusion(item) for place, item in enumerate(by_qubit) if is_misread(item)}
        converter.operations.append(cirq.measure(*qubits, key=_FINAL, confusion_map=confusion))
        readout[_FINAL] = tuple(item.clbits[0] for item in by_qubit)
    if not readout:
        raise UnsupportedError("the circuit measures nothing; Cirq samples only circuits with measurements")
    return CirqCircuit(cirq.Circuit(converter.operations), program.n_clbits, readout)


def _split_final_measurements(
    instructions: Sequence[Instruction],
) -> tuple[list[Instruction], dict[int, Instruction]]:
    """The instructions without the measurements that nothing follows, and those by their classical bit."""
    body: list[Instruction] = []
    final: dict[int, Instruction] = {}
    qubits: set[int] = set()
    clbits: set[int] = set()
    for item in reversed(instructions):
        if item.name == MEASURE and qubits.isdisjoint(item.qubits) and clbits.isdisjoint(item.clbits):
            final[item.clbits[0]] = item
        else:
            body.append(item)
        for inner in Program(0, 0, (item,)).walk():
            qubits.update(inner.qubits)
            clbits.update(inner.clbits)
            if inner.condition is not None:
                clbits.update(inner.condition.clbits)
    body.reverse()
    return body, final


class _Converter:
    """Collects operations; ``written`` is the key of the latest measurement into each classical bit."""

    def __init__(self, qubits: Sequence[Any]) -> None:
        self.qubits = qubits
        self.operations: list[Any] = []
        self.written: dict[int, Any] = {}
        self._n_measurements = 0

    def add_all(self, instructions: Sequence[Instruction], controls: tuple[Any, ...] = ()) -> None:
        """Add ``instructions``, to be done where all conditions ``controls`` hold."""

        for item in instructions:
            if item.name == IF_ELSE:
                self._add_if_else(item, controls)
            elif item.name == MEASURE:
                self._add_measurement(item, controls)
            else:
                operation = self._operation(item)
                self.operations.append(operation.with_classical_controls(*controls) if controls else operation)

    def _operation(self, item: Instruction) -> Any:
        import cirq

        if item.name == RESET:
            return cirq.reset(self.qubits[item.qubits[0]])
        return (channel_operation if item.name in ON_QUBITS else gate_operation)(item, self.qubits)

    def _add_measurement(self, item: Instruction, controls: tuple[Any, ...]) -> None:
        import cirq

        key = cirq.MeasurementKey(str(self._n_measurements))
        self._n_measurements += 1
        qubit, clbit = self.qubits[item.qubits[0]], item.clbits[0]
        if controls:
            from pytest_qbench.backends.cirq_conditions import ConditionalMeasurement

            before, confusion = self.written.get(clbit), item.params if is_misread(item) else ()
            self.operations.append(ConditionalMeasurement(qubit, key, before, controls, confusion))
        else:
            confusion_map = {(0,): _confusion(item)} if is_misread(item) else None
            self.operations.append(cirq.measure(qubit, key=key, confusion_map=confusion_map))
        self.written[clbit] = key

    def _add_if_else(self, item: Instruction, controls: tuple[Any, ...]) -> None:
        assert item.condition is not None
        # Both before either block, which may write to the bits.
        conditions = [self._condition(item.condition, negated) for negated in (False, True)]
        for block, condition in zip(item.blocks, conditions, strict=False):
            if condition is True:
                self.add_all(block, controls)
            elif condition is not False:
                self.add_all(block, (*controls, condition))

    def _condition(self, condition: Condition, negated: bool) -> Any:
        """The condition for Cirq; a bool where it does not depend on any measurement so far."""
        from pytest_qbench.backends.cirq_conditions import MeasuredValues

        # Cirq knows no bits, only measurements: a bit that none has written is 0.
        known = [position for position, clbit in enumerate(condition.clbits) if clbit in self.written]
        mask = sum(1 << position for position in known)
        values = frozenset(
            sum((value >> position & 1) << index for index, position in enumerate(known))
            for value in condition.values
            if not value & ~mask
        )
        if not known:
            return (0 in values) != negated
        return MeasuredValues(tuple(self.written[condition.clbits[position]] for position in known), values, negated)


def gate_operation(item: Instruction, qubits: Sequence[Any]) -> Any:
    """A gate as a Cirq operation: by Cirq's own gate where it has one, else by its matrix."""
    import cirq
    import numpy as np

    make = _own_gates().get(item.name)
    if make is not None:
        return make(*item.params).on(*(qubits[qubit] for qubit in item.qubits))
    form = control_form(item)
    if form is not None:
        n_controls, base = form
        return gate_operation(base, qubits).controlled_by(*(qubits[qubit] for qubit in item.qubits[:n_controls]))
    gate = cirq.MatrixGate(np.array(gate_matrix(item), dtype=np.complex128), unitary_check=False)
    return gate.on(*(qubits[qubit] for qubit in reversed(item.qubits)))  # Cirq's matrices are big-endian


def channel_operation(item: Instruction, qubits: Sequence[Any]) -> Any:
    """Noise as a Cirq operation. Cirq's depolarizing has the probability of any Pauli string but the identity."""
    import cirq

    (strength,) = item.params
    own = [qubits[qubit] for qubit in item.qubits]
    if item.name == DEPOLARIZING:
        return cirq.depolarize(pauli_error(item), n_qubits=len(own)).on(*own)
    return (cirq.amplitude_damp if item.name == AMPLITUDE_DAMPING else cirq.phase_damp)(strength).on(*own)


def _confusion(item: Instruction) -> Any:
    """A measurement's readout error as Cirq has it: a row per true value."""
    import numpy as np

    one_for_zero, zero_for_one = item.params
    return np.array([[1 - one_for_zero, one_for_zero], [zero_for_one, 1 - zero_for_one]])


@functools.cache
def _own_gates() -> Mapping[str, Callable[..., Any]]:
    """Cirq's gate for each of ours that it has, equal even in the global phase (they may be controlled)."""
    import cirq

    def fixed(gate: Any) -> Callable[[], Any]:
        return lambda: gate

    def turns(gate: Any, shift: float = 0.0) -> Callable[[float], Any]:
        return lambda angle: gate(exponent=angle / math.pi, global_shift=shift)

    return {
        "id": fixed(cirq.I),
        "x": fixed(cirq.X),
        "y": fixed(cirq.Y),
        "z": fixed(cirq.Z),
        "h": fixed(cirq.H),
        "s": fixed(cirq.S),
        "sdg": fixed(cirq.S**-1),
        "t": fixed(cirq.T),
        "tdg": fixed(cirq.T**-1),
        "sx": fixed(cirq.X**0.5),
        "sxdg": fixed(cirq.X**-0.5),
        "p": turns(cirq.ZPowGate),
        "u1": turns(cirq.ZPowGate),
        "rx": turns(cirq.XPowGate, -0.5),
        "ry": turns(cirq.YPowGate, -0.5),
        "rz": turns(cirq.ZPowGate, -0.5),
        "swap": fixed(cirq.SWAP),
        "iswap": fixed(cirq.ISWAP),
        "rxx": turns(cirq.XXPowGate, -0.5),
        "ryy": turns(cirq.YYPowGate, -0.5),
        "rzz": turns(cirq.ZZPowGate, -0.5),
        "cx": fixed(cirq.CX),
        "cz": fixed(cirq.CZ),
        "cp": turns(cirq.CZPowGate),
        "cu1": turns(cirq.CZPowGate),
        "ccx": fixed(cirq.CCX),
        "ccz": fixed(cirq.CCZ),
        "cswap": fixed(cirq.CSWAP),
    }
