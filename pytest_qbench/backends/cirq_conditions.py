"""What Cirq leaves to its users: conditions on several measurements, and measurements under conditions.

This module imports Cirq; it is imported itself when a program needs it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cirq
import numpy as np


@dataclass(frozen=True)
class MeasuredValues(cirq.Condition):  # type: ignore[misc]  # Cirq's types are not looked at
    """The bits measured under the keys ``measured``, the first the least significant, read one of ``values``.

    With ``negated``: they read none of them.
    """

    measured: tuple[cirq.MeasurementKey, ...]
    values: frozenset[int]
    negated: bool

    @property
    def keys(self) -> tuple[cirq.MeasurementKey, ...]:
        """The keys that must have been measured before."""
        return self.measured

    def replace_key(self, current: cirq.MeasurementKey, replacement: cirq.MeasurementKey) -> MeasuredValues:
        """The same on another key."""
        keys = tuple(replacement if key == current else key for key in self.measured)
        return MeasuredValues(keys, self.values, self.negated)

    def resolve(self, classical_data: cirq.ClassicalDataStoreReader) -> bool:
        """Whether it holds."""
        value = sum(classical_data.get_int(key) << position for position, key in enumerate(self.measured))
        return (value in self.values) != self.negated

    @property
    def qasm(self) -> str:
        """None that OpenQASM 2 has."""
        raise ValueError("a condition on several measurements has no QASM form")


@dataclass(frozen=True)
class ConditionalMeasurement(cirq.Operation):  # type: ignore[misc]  # as above
    """Measure ``qubit`` where all ``conditions`` hold; elsewhere, copy the measurement ``before`` (None: a 0).

    So ``key`` has one record in each shot, whatever the conditions.
    """

    qubit: cirq.Qid
    key: cirq.MeasurementKey
    before: cirq.MeasurementKey | None
    conditions: tuple[cirq.Condition, ...]
    misread: tuple[float, ...] = ()
    """p(1|0) and p(0|1) of its readout error, if it has one."""

    @property
    def qubits(self) -> tuple[cirq.Qid, ...]:
        """The one qubit."""
        return (self.qubit,)

    def with_qubits(self, *new_qubits: cirq.Qid) -> ConditionalMeasurement:
        """The same on another qubit."""
        (qubit,) = new_qubits
        return ConditionalMeasurement(qubit, self.key, self.before, self.conditions, self.misread)

    def _measurement_key_obj_(self) -> cirq.MeasurementKey:
        return self.key

    def _control_keys_(self) -> frozenset[cirq.MeasurementKey]:
        keys = {key for condition in self.conditions for key in condition.keys}
        return frozenset(keys if self.before is None else keys | {self.before})

    def _act_on_(self, sim_state: Any) -> bool:
        data = sim_state.classical_data
        if all(condition.resolve(data) for condition in self.conditions):
            confusion_map = None
            if self.misread:
                one_for_zero, zero_for_one = self.misread
                rows = [[1 - one_for_zero, one_for_zero], [zero_for_one, 1 - zero_for_one]]
                confusion_map = {(0,): np.array(rows)}
            cirq.act_on(cirq.measure(self.qubit, key=self.key, confusion_map=confusion_map), sim_state)
        else:
            bit = 0 if self.before is None else data.get_int(self.before)
            data.record_measurement(self.key, (bit,), (self.qubit,))
        return True
