"""The instances of the standard suite, for its tests.

Run as a script it writes ``program_hashes.json`` anew: ``python tests/cases/suite_instances.py``. Do so only when
a circuit was changed on purpose: results of the case before and after can't be compared any more.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_qbench import CircuitCase, Program, sources
from pytest_qbench.circuits.convert import from_qiskit

HASHES = Path(__file__).with_name("program_hashes.json")


@dataclass(frozen=True)
class Instance:
    """A case at one size with one choice of its other parameters."""

    case: CircuitCase
    n_qubits: int
    params: tuple[tuple[str, Any], ...]

    @property
    def arguments(self) -> dict[str, Any]:
        return self.case.arguments(self.n_qubits, self.params)

    @property
    def expected(self) -> dict[str, float] | None:
        return self.case.expectation(**self.arguments) if self.case.expectation else None

    def circuit(self) -> Any:
        return self.case(**self.arguments)

    def program(self) -> Program:
        return from_qiskit(self.circuit())

    def __str__(self) -> str:
        return "-".join([self.case.name, f"q{self.n_qubits}", *(f"{name}{value}" for name, value in self.params)])


def _load() -> list[CircuitCase]:
    root = Path(__file__).parents[2] / "cases"
    cases: list[CircuitCase] = []
    for path in sources.case_files(root / "circuits"):
        cases.extend(sources.cases_in(sources.load_module(path)))
    for path in sources.case_files(root / "qasm"):
        cases.extend(sources.cases_in(sources.qasm_module(path)))
    return cases


CASES = _load()


def instances(sizes: Collection[int] | None = None, **overrides: Collection[Any]) -> list[Instance]:
    """The full suite, or what of it is valid at ``sizes`` and with other values of swept parameters."""
    chosen = {name: list(values) for name, values in overrides.items()}
    return [
        Instance(case, n_qubits, params)
        for case in CASES
        for n_qubits in case.sizes(sizes)
        for params in case.combinations(chosen)
    ]


def program_hashes() -> dict[str, str]:
    """The hash of every program of the full suite."""
    return {str(instance): instance.program().hash for instance in instances()}


if __name__ == "__main__":
    HASHES.write_text(json.dumps(program_hashes(), indent=1) + "\n")
