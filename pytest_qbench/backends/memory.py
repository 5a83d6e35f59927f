"""How much memory a simulator is going to need for a circuit: estimates, made before anything runs. Pure functions.

Standard library only, as everything that adapters import.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

STATE = "state"
"""Memory that grows as a state vector: 16 bytes for each of 2^n amplitudes."""
DENSITY = "density"
"""Memory that grows as a density matrix: 16 bytes for each of 4^n entries."""
SMALL = "small"
"""Memory that does not grow exponentially: stabilizers, matrix product states."""

_METHODS = {
    "density_matrix": DENSITY,
    "stabilizer": SMALL,
    "extended_stabilizer": SMALL,
    "matrix_product_state": SMALL,
    "tensor_network": SMALL,
}
_BYTES = {"double": 16, "single": 8}
_STATES = 2
"""States that a simulator holds at once: most keep a second one, or as much for the probabilities."""
_PROCESS = 256 * 2**20
"""What a worker needs for itself, with its libraries."""

MANY_QUBITS = 25
"""Above so many qubits a state takes a GiB and more: worth a warning."""


def growth_of(declared: str, options: Mapping[str, Any]) -> str:
    """How the memory of a backend with ``options`` grows; ``declared`` is what its adapter says."""
    return _METHODS.get(str(options.get("method")), declared)


def state_bytes(n_qubits: int, precision: str = "double", growth: str = STATE) -> int:
    """Bytes of one state of ``n_qubits`` qubits."""
    if growth == SMALL:
        return 0
    return _BYTES.get(precision, _BYTES["double"]) << (2 * n_qubits if growth == DENSITY else n_qubits)


def estimate_bytes(n_qubits: int, precision: str = "double", growth: str = STATE) -> int:
    """Bytes that a worker is going to need for a circuit of ``n_qubits`` qubits: two states and the process itself."""
    return _PROCESS + _STATES * state_bytes(n_qubits, precision, growth)
