"""Which gates an expectation value depends on.

Going back through a circuit, an observable spreads to the qubits of the gates it meets. A gate that it does not meet
cancels with its inverse, U^dagger U = 1, and so does one that commutes with it. The second kind is found by a simple
rule: on each qubit the observable may be diagonal (made of I and Z only), and a gate that conserves the basis states of
all qubits they share commutes with it. The parameters of all these gates have the gradient zero, exactly.
"""

from __future__ import annotations

from collections.abc import Sequence

from pytest_qbench.engine.batches.gate_tensors import VariableGate


def light_cone(gates: Sequence[VariableGate], support: int, general: int) -> list[int]:
    """The indices, ascending, of the gates that matter to an observable at the end.

    Args:
        gates: in the order of the circuit.
        support: the qubits on which the observable acts, as a bit mask.
        general: those of them on which it is not diagonal.
    """
    kept = []
    for index in reversed(range(len(gates))):
        gate = gates[index]
        mask, conserved = gate.mask, gate.conserved
        shared = mask & support
        if not shared & (general | ~conserved):
            continue
        kept.append(index)
        support |= mask
        # A permutation with phases takes diagonal matrices to diagonal ones.
        if mask & general or not gate.is_monomial:
            general |= mask & ~conserved
    return kept[::-1]
