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
    from pytest_qbench.gradients.ansatz import Ansatz, ParameterUse
    from pytest_qbench.gradients.cases import GradientCase, gradient_case

_HOME = {
    "Ansatz": "gradients.ansatz",
    "Backend": "backends.base",
    "Capabilities": "backends.base",
    "CircuitCase": "cases",
    "Condition": "circuits.program",
    "Description": "backends.base",
    "GradientCase": "gradients.cases",
    "Instruction": "circuits.program",
    "Option": "backends.base",
    "ParameterUse": "gradients.ansatz",
    "Program": "circuits.program",
    "UnavailableError": "backends.base",
    "UnsupportedError": "backends.base",
    "circuit_case": "cases",
    "gradient_case": "gradients.cases",
}

__all__ = [
    "Ansatz",
    "Backend",
    "Capabilities",
    "CircuitCase",
    "Condition",
    "Description",
    "GradientCase",
    "Instruction",
    "Option",
    "ParameterUse",
    "Program",
    "UnavailableError",
    "UnsupportedError",
    "circuit_case",
    "gradient_case",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
