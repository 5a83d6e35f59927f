"""Quantum-simulator benchmarks as pytest items.

Importing this package imports neither pytest, numpy nor a simulator; each public name is imported when it is
first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from pytest_qbench.backends.base import (
        Backend,
        Capabilities,
        Description,
        Option,
        UnavailableError,
        UnsupportedError,
    )
    from pytest_qbench.cases import CircuitCase, circuit_case
    from pytest_qbench.circuits.program import Condition, Instruction, Program

_HOME = {
    "Backend": "backends.base",
    "Capabilities": "backends.base",
    "CircuitCase": "cases",
    "Condition": "circuits.program",
    "Description": "backends.base",
    "Instruction": "circuits.program",
    "Option": "backends.base",
    "Program": "circuits.program",
    "UnavailableError": "backends.base",
    "UnsupportedError": "backends.base",
    "circuit_case": "cases",
}

__all__ = [
    "Backend",
    "Capabilities",
    "CircuitCase",
    "Condition",
    "Description",
    "Instruction",
    "Option",
    "Program",
    "UnavailableError",
    "UnsupportedError",
    "circuit_case",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
