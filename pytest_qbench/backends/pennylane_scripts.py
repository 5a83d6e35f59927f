"""Programs in PennyLane's terms: operations, measurements in the middle, and what is sampled in the end."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from pytest_qbench.backends.base import UnsupportedError
from pytest_qbench.backends.guards import Guarded, dissolve
from pytest_qbench.backends.readout import is_misread, with_readout_in_measurements
from pytest_qbench.circuits.channels import ON_QUBITS, kraus_operators, pauli_error
from pytest_qbench.circuits.program import (
    AMPLITUDE_DAMPING,
    DEPOLARIZING,
    MEASURE,
    RESET,
    Condition,
    Instruction,
    Program,
)
from pytest_qbench.gradients.paths.pennylane_circuits import builder


@dataclass(frozen=True, slots=True, eq=False)
class ScriptParts:
    """What a ``QuantumScript`` is made of.

    ``columns`` are the classical bits that the columns of all samples belong to; there may be more columns.
    ``n_collapses`` is the number of measurements and resets among the operations.
    """

    operations: list[Any]
    measurements: list[Any]
    columns: tuple[int, ...]
    n_collapses: int


def script_parts(program: Program) -> ScriptParts:
    """``program`` for PennyLane. Wire ``n - 1 - q`` is qubit q; measurements that nothing follows become samples.

    Raises:
        UnsupportedError: it has a measurement, a reset or noise inside a conditional block, or a readout error of a
            measurement that something follows.
    """
    import pennylane as qml

    program = with_readout_in_measurements(program)
    middle, final = _split_final_measurements(program.instructions)
    operations, values = _operations(dissolve(middle), program.n_qubits)
    operations += [_misreading(item, program.n_qubits) for item in final.values() if is_misread(item)]
    outcomes = {clbit: value for clbit, value in values.items() if clbit not in final}
    measurements = []
    if outcomes:
        measurements.append(qml.sample(op=list(outcomes.values())))
    if final or not outcomes:
        wires = [program.n_qubits - 1 - qubit for item in final.values() for qubit in item.qubits]
        measurements.append(qml.sample(wires=wires or range(program.n_qubits)))
    n_collapses = sum(len(item.qubits) for item in middle if item.name in (MEASURE, RESET))
    return ScriptParts(operations, measurements, (*outcomes, *final), n_collapses)


def _split_final_measurements(
    instructions: Sequence[Instruction],
) -> tuple[list[Instruction], dict[int, Instruction]]:
    """The instructions without the measurements whose qubit and bit are not used again, and those by their bit."""
    rest: list[Instruction] = []
    final: dict[int, Instruction] = {}
    qubits: set[int] = set()
    clbits: set[int] = set()
    for instruction in reversed(instructions):
        if instruction.name != MEASURE:
            rest.append(instruction)
            for inner in Program(0, 0, (instruction,)).walk():
                qubits.update(inner.qubits)
                clbits.update(inner.clbits, inner.condition.clbits if inner.condition else ())
            continue
        for qubit, clbit in reversed(tuple(zip(instruction.qubits, instruction.clbits, strict=True))):
            single = Instruction(MEASURE, (qubit,), instruction.params, (clbit,))
            if qubit in qubits or clbit in clbits:
                rest.append(single)
            else:
                final[clbit] = single
            qubits.add(qubit)
            clbits.add(clbit)
    return rest[::-1], final


def _operations(instructions: Iterable[Guarded], n_qubits: int) -> tuple[list[Any], dict[int, Any]]:
    """The operations, and the measured value that each classical bit has in the end."""
    import pennylane as qml

    values: dict[int, Any] = {}
    with qml.queuing.AnnotatedQueue() as queue:
        for condition, item in instructions:
            if item.name == MEASURE:
                if is_misread(item):
                    raise UnsupportedError("a readout error of a measurement that something follows")
                for qubit, clbit in zip(item.qubits, item.clbits, strict=True):
                    values[clbit] = qml.measure(n_qubits - 1 - qubit)
            elif item.name == RESET:
                if condition is not None:
                    raise UnsupportedError("reset inside a conditional block")
                for qubit in item.qubits:
                    qml.measure(n_qubits - 1 - qubit, reset=True)
            elif item.name in ON_QUBITS:
                if condition is not None:
                    raise UnsupportedError("noise inside a conditional block")
                _channel(item, n_qubits)
            else:
                _apply(_gate(item, n_qubits), condition, values)
    return qml.tape.QuantumScript.from_queue(queue).operations, values


def _gate(item: Instruction, n_qubits: int) -> Callable[[], Any]:
    """A function that makes the operation of a gate."""
    import pennylane as qml

    if item.name in ("u", "u2", "u3"):
        theta, phi, lam = item.params if item.name != "u2" else (math.pi / 2, *item.params)
        # U3 up to a global phase, and the one of them that lightning has a kernel for.
        return partial(qml.Rot, lam, theta, phi, wires=n_qubits - 1 - item.qubits[0])
    return partial(builder(item, n_qubits), *item.params)


def _apply(gate: Callable[[], Any], condition: Condition | None, values: Mapping[int, Any]) -> None:
    """Queue a gate, under a condition on the values measured so far: a bit that was never written is 0."""
    import pennylane as qml
    from pennylane.ops import MeasurementValue

    if condition is None:
        gate()
        return
    written = [clbit for clbit in condition.clbits if clbit in values]

    def holds(*bits: Any) -> bool:
        return condition.holds(sum(int(bit) << clbit for clbit, bit in zip(written, bits, strict=True)))

    if written:
        measurements = [measurement for clbit in written for measurement in values[clbit].measurements]
        qml.cond(MeasurementValue(measurements, holds), gate)()
    elif holds():
        gate()


def _channel(item: Instruction, n_qubits: int) -> Any:
    """Queue the operation of a channel on qubits. PennyLane's depolarizing is on one qubit, and has the probability of
    any Pauli gate but the identity."""
    import numpy as np
    import pennylane as qml

    wires = [n_qubits - 1 - qubit for qubit in item.qubits]
    if len(wires) > 1:
        # Its first wire is the most significant bit of a matrix.
        return qml.QubitChannel([np.array(operator) for operator in kraus_operators(item)], wires=wires[::-1])
    if item.name == DEPOLARIZING:
        return qml.DepolarizingChannel(pauli_error(item), wires=wires)
    return (qml.AmplitudeDamping if item.name == AMPLITUDE_DAMPING else qml.PhaseDamping)(*item.params, wires=wires)


def _misreading(measurement: Instruction, n_qubits: int) -> Any:
    """The readout error of a measurement at the end, as a channel before it: flips with the probabilities of its
    values."""
    import numpy as np
    import pennylane as qml

    one_for_zero, zero_for_one = measurement.params
    wires = [n_qubits - 1 - qubit for qubit in measurement.qubits]
    if one_for_zero == zero_for_one:
        return qml.BitFlip(one_for_zero, wires=wires)
    weights = ((1 - one_for_zero, zero_for_one), (one_for_zero, 1 - zero_for_one))
    entries = [(read, true) for read in range(2) for true in range(2)]
    operators = [np.zeros((2, 2)) for _ in entries]
    for operator, (read, true) in zip(operators, entries, strict=True):
        operator[read, true] = math.sqrt(weights[read][true])
    return qml.QubitChannel(operators, wires=wires)
