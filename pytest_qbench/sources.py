"""Where cases come from: Python case files, QASM files, the built-in suite, MQT Bench."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Callable, Container, Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from pytest_qbench.cases import CaseError, CircuitCase, circuit_case

MQT_PREFIX = "mqt:"
BUILTIN = "builtin"
DEFAULT_FOLDER = "cases"
_MQT_SIZES = (4, 8, 12, 16)
_MQT_RANGE = range(2, 31)
_MQT_SEEDED = frozenset({"graphstate"})
_MQT_SEED = 10  # some MQT families draw at random unless seeded (graphstate among them)


class SourceError(Exception):
    """A source of cases can't be had; the message says why and what to do."""


def builtin_root() -> Path:
    """The folder of the standard suite: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).parent
    installed = package / "suite"
    return installed if installed.is_dir() else package.parent / DEFAULT_FOLDER


def case_files(root: Path) -> list[Path]:
    """Every case file below a folder (or the file itself): ``*.py`` and ``*.qasm``, ``_``-prefixed ones left out."""
    if root.is_file():
        return [root] if is_case_file(root) else []
    return sorted(path for path in root.rglob("*") if path.is_file() and is_case_file(path))


def is_case_file(path: Path) -> bool:
    """Whether the name is that of a case file."""
    hidden = path.name.startswith(("_", ".")) or path.name == "conftest.py" or "__pycache__" in path.parts
    return path.suffix in (".py", ".qasm") and not hidden


def load_module(path: Path) -> ModuleType:
    """Import a case file under a name of its own, so that it shadows no other module."""
    name = "_qbench_suite_" + re.sub(r"\W", "_", str(path.resolve().with_suffix("")))
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def qasm_module(path: Path) -> ModuleType:
    """A module with one case: the circuit of a QASM file. A broken file gives a case that says so when it runs."""
    from pytest_qbench.circuits.qasm import QasmError, load_qasm

    try:
        circuit: Any = load_qasm(path)
    except QasmError as error:
        message = str(error)

        def broken() -> Any:
            raise CaseError(message)

        case = _qasm_case(path, broken, 1)
        case.n_qubits, case.always = (0,), True
        return _module_of(case)
    return _module_of(_qasm_case(path, lambda: circuit, max(1, circuit.num_qubits)))


def _qasm_case(path: Path, builder: Any, n_qubits: int) -> CircuitCase:
    case = circuit_case(n_qubits, name=path.stem)(builder)
    case.path, case.line = str(path), 1
    return case


def mqt_case(family: str) -> CircuitCase:
    """A family of MQT Bench as a case.

    Raises:
        SourceError: ``mqt.bench`` is not installed or has no such family.
    """
    try:
        from mqt.bench import BenchmarkLevel, get_benchmark
        from mqt.bench.benchmarks import get_available_benchmark_names
    except ImportError as error:
        raise SourceError(
            f"{MQT_PREFIX}{family} needs MQT Bench ({error}): pip install 'pytest-qbench[mqt]'"
        ) from error
    families = sorted(get_available_benchmark_names())
    if family not in families:
        raise SourceError(f"MQT Bench has no family {family!r}; it has {', '.join(families)}")

    @cache
    def build(n_qubits: int) -> Any:
        options = {"seed": _MQT_SEED} if family in _MQT_SEEDED else {}
        circuit = get_benchmark(family, BenchmarkLevel.INDEP, n_qubits, random_parameters=False, **options)
        if circuit.parameters:
            import numpy as np

            values = np.random.default_rng(_MQT_SEED).uniform(0, 2 * np.pi, len(circuit.parameters))
            circuit = circuit.assign_parameters(values)
        if not circuit.clbits:
            circuit.measure_all()
        return circuit

    valid = _BuildableSizes(build)
    sizes = [n for n in _MQT_SIZES if n in valid] or [n for n in _MQT_RANGE if n in valid]
    if not sizes:
        raise SourceError(f"MQT Bench builds {family!r} at no size from {_MQT_RANGE[0]} to {_MQT_RANGE[-1]} qubits")

    def builder(n_qubits: int) -> Any:
        return build(n_qubits)

    builder.__doc__ = f"The family {family!r} of MQT Bench."
    return circuit_case(sizes, valid=valid, name=f"mqt_{family}")(builder)


class _BuildableSizes(Container[int]):
    """The sizes that a family can be built at. MQT Bench tells only by trying."""

    def __init__(self, build: Callable[[int], Any]) -> None:
        self._build = build

    def __contains__(self, n_qubits: object) -> bool:
        try:
            return isinstance(n_qubits, int) and n_qubits in _MQT_RANGE and self._build(n_qubits).num_qubits == n_qubits
        except ValueError:
            return False


def mqt_module(family: str) -> ModuleType:
    """A module with one family of MQT Bench as its case."""
    return _module_of(mqt_case(family))


def _module_of(case: CircuitCase) -> ModuleType:
    module = ModuleType(f"_qbench_{case.name}", case.builder.__doc__)
    setattr(module, case.name, case)
    return module


def cases_in(module: ModuleType) -> Iterator[CircuitCase]:
    """The cases that a module holds, in order."""
    for value in vars(module).values():
        if isinstance(value, CircuitCase):
            yield value


def builtin_case_names() -> frozenset[str]:
    """The names of the circuits of the built-in suite; imports it."""
    modules = (load_module(path) for path in case_files(builtin_root()) if path.suffix == ".py")
    qasm = {path.stem for path in case_files(builtin_root()) if path.suffix == ".qasm"}
    return frozenset(qasm | {case.name for module in modules for case in cases_in(module) if not case.is_gradient})
