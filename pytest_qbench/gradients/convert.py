"""From a Qiskit circuit with parameters to an :class:`~pytest_qbench.gradients.ansatz.Ansatz`.

Gates may be rewritten on the way to a program, so the dependence on parameters is read off the programs: each parameter
is changed in turn, and what changes with it depends on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pytest_qbench.cases import CaseError
from pytest_qbench.circuits.convert import ConversionError, from_qiskit
from pytest_qbench.circuits.program import Program
from pytest_qbench.gradients.ansatz import Ansatz, ParameterUse
from pytest_qbench.report.text import count

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

_STEP = 0.25
_TOLERANCE = 1e-9


def to_ansatz(circuit: Any, name: str, origin: str, n_qubits: int) -> Ansatz:
    """A builder's return value as an ansatz; ``origin`` begins the error messages.

    Raises:
        CaseError: it is no circuit, can't be converted, has no parameters or another size, or a gate depends on its
            parameters in a way that is not linear, or on several.
    """
    if isinstance(circuit, Ansatz):
        ansatz = circuit
    else:
        from qiskit import QuantumCircuit

        if not isinstance(circuit, QuantumCircuit):
            raise CaseError(f"{origin}: {type(circuit).__name__} is neither a QuantumCircuit nor an Ansatz")
        try:
            ansatz = _from_qiskit(circuit, name)
        except ConversionError as error:
            raise CaseError(f"{origin}: {error}") from error
        except ValueError as error:
            raise CaseError(f"{origin}: {error}") from error
    if not ansatz.uses:
        raise CaseError(f"{origin}: the circuit has no parameters: there is nothing to differentiate")
    if any(not item.is_gate for item in ansatz.program.instructions):
        raise CaseError(f"{origin}: the circuit measures, resets or decides in the middle; gradients need gates only")
    if ansatz.n_qubits != n_qubits:
        raise CaseError(f"{origin}: the circuit has {count(ansatz.n_qubits, 'qubit')}; declared: {n_qubits}")
    return ansatz


def _from_qiskit(circuit: QuantumCircuit, name: str) -> Ansatz:
    bare = circuit.remove_final_measurements(inplace=False)
    assert bare is not None
    n_parameters = bare.num_parameters

    def program(values: Sequence[float]) -> Program:
        return from_qiskit(bare.assign_parameters(list(values)), name)

    base = [0.3 + 0.1 * (i % 17) + 0.003 * (i % 31) for i in range(n_parameters)]
    at_base = program(base)
    uses: dict[tuple[int, int], ParameterUse] = {}
    for parameter in range(n_parameters):
        changed = list(base)
        changed[parameter] += _STEP
        for place, before, after in _differences(at_base, program(changed)):
            if place in uses:
                raise ValueError(
                    f"a {at_base.instructions[place[0]].name!r} gate depends on several parameters; use a gate for each"
                )
            scale = (after - before) / _STEP
            uses[place] = ParameterUse(*place, parameter, scale, before - scale * base[parameter])
    ansatz = Ansatz(at_base, tuple(uses[place] for place in sorted(uses)), n_parameters)
    elsewhere = [1.7 * value - 0.9 for value in base]
    if any(_differences(ansatz.bound(elsewhere), program(elsewhere))):
        raise ValueError("a gate depends on a parameter in a way that is not linear")
    return ansatz


def _differences(one: Program, other: Program) -> list[tuple[tuple[int, int], float, float]]:
    """The gate parameters in which two programs differ: (instruction, param), and both values.

    Raises:
        ValueError: the programs differ in anything else.
    """
    if len(one.instructions) != len(other.instructions):
        raise ValueError("the gates of the circuit depend on the values of its parameters")
    found = []
    for index, (a, b) in enumerate(zip(one.instructions, other.instructions, strict=True)):
        if (a.name, a.qubits, a.matrix, len(a.params)) != (b.name, b.qubits, b.matrix, len(b.params)):
            raise ValueError("the gates of the circuit depend on the values of its parameters")
        for param, (x, y) in enumerate(zip(a.params, b.params, strict=True)):
            if abs(x - y) > _TOLERANCE:
                found.append(((index, param), x, y))
    return found
