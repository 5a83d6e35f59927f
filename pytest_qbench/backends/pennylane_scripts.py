"""Programs in PennyLane's terms: operations, measurements in the middle, and what is sampled in the end."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from pytest_qbench.backends.base import UnsupportedError
from pytest_qbench.backends.guards import Guarded, dissolve
from pytest_qbench.circuits.program import MEASURE, RESET, Condition, Instruction, Program
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
        UnsupportedError: it has a measurement or a reset inside a conditional block.
    """
    import pennylane as qml

    middle, final = _split_final_measurements(program.instructions)
    operations, values = _operations(dissolve(middle), program.n_qubits)
    outcomes = {clbit: value for clbit, value in values.items() if clbit not in final}
    measurements = []
    if outcomes:
        measurements.append(qml.sample(op=list(outcomes.values())))
    if final or not outcomes:
        wires = [program.n_qubits - 1 - qubit for qubit in final.values()]
        measurements.append(qml.sample(wires=wires or range(program.n_qubits)))
    n_collapses = sum(len(item.qubits) for item in middle if item.name in (MEASURE, RESET))
    return ScriptParts(operations, measurements, (*outcomes, *final), n_collapses)


def _split_final_measurements(instructions: Sequence[Instruction]) -> tuple[list[Instruction], dict[int, int]]:
    """The instructions without the measurements whose qubit and bit are not used again, and those as bit -> qubit."""
    rest: list[Instruction] = []
    final: dict[int, int] = {}
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
            if qubit in qubits or clbit in clbits:
                rest.append(Instruction(MEASURE, (qubit,), clbits=(clbit,)))
            else:
                final[clbit] = qubit
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
                for qubit, clbit in zip(item.qubits, item.clbits, strict=True):
                    values[clbit] = qml.measure(n_qubits - 1 - qubit)
            elif item.name == RESET:
                if condition is not None:
                    raise UnsupportedError("reset inside a conditional block")
                for qubit in item.qubits:
                    qml.measure(n_qubits - 1 - qubit, reset=True)
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
