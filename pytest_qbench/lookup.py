"""One case instance by the name that people see: ``qft-q20``, ``cases/mine.py::pairs[aer-q4-s1000]``."""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Collection, Iterable
from pathlib import Path

from pytest_qbench import sources
from pytest_qbench.cases import CircuitCase
from pytest_qbench.collection import BUILTIN_NODEID
from pytest_qbench.listing import valid_sizes
from pytest_qbench.plan import Instance
from pytest_qbench.report.text import count
from pytest_qbench.sources import SourceError

DEFAULT_MAX_QUBITS = 20
"""Where no size is asked for, it is the largest declared one up to this."""

_NAME = re.compile(r"(?P<case>.+?)(?:\[(?P<point>[^\[\]]*)\]|-(?P<instance>q\d+(?:-[\w.+]+)*))?")
_POINT = re.compile(r"(?:.*?-)??(?P<instance>q\d+(?:-[\w.+]+?)*?)(?:-s\d+)?")
_DEPTH = re.compile(r"d(\d+)")


def find_instance(text: str, n_qubits: int | None = None, depth: int | None = None) -> Instance:
    """The instance that ``text`` names.

    Args:
        text: a case, or a case with the id of an instance (``brickwork-q12-d10``) or of an item
            (``brickwork[native-q12-d10-s100]``; its backend and shots do not count). A case is the name of one in
            the files below ``cases/`` or, where these have none of that name, of a built-in one (``qft``;
            ``qbench::qft`` is always that), ``PATH::NAME``, a file with a single case, or ``mqt:FAMILY``.
        n_qubits: the size, in place of what ``text`` says.
        depth: the same for the parameter ``depth``.

    Raises:
        SourceError: there is no such case or instance, or more than one; the message says what there is.
    """
    name = _NAME.fullmatch(text)
    if name is None:
        raise SourceError(f"{text!r} is not the name of a case")
    named = name["instance"] or ""
    if name["point"] is not None:
        point = _POINT.fullmatch(name["point"])
        if point is None:
            raise SourceError(f"{text!r} names no size; write it as qft[native-q12-s1000] or qft-q12")
        named = point["instance"]
    case = _find_case(name["case"])
    size, *parts = named.split("-") if named else [""]
    if size and n_qubits is None:
        n_qubits = int(size.removeprefix("q"))
    if depth is not None:
        if "depth" not in case.sweeps:
            raise SourceError(f"{case.name} has no depth")
        parts = [part for part in parts if not _DEPTH.fullmatch(part)] + [f"d{depth}"]
    return _choose(case, _size(case, n_qubits), parts)


def _choose(case: CircuitCase, n_qubits: int, parts: Collection[str]) -> Instance:
    """The one instance of that size whose id has all of ``parts``; a depth need not be a declared one."""
    depths = [int(match[1]) for part in parts if (match := _DEPTH.fullmatch(part))]
    overrides = {"depth": depths} if depths and "depth" in case.sweeps else {}
    instances = [Instance(case, n_qubits, params) for params in case.combinations(overrides)]
    chosen = [instance for instance in instances if set(parts) <= set(instance.id.split("-"))]
    if len(chosen) == 1:
        return chosen[0]
    known = ", ".join(f"{case.name}-{instance.id}" for instance in chosen or instances)
    problem = "is more than one instance" if chosen else "is no instance"
    raise SourceError(f"{'-'.join([case.name, f'q{n_qubits}', *parts])} {problem}; choose from {known}")


def _size(case: CircuitCase, wanted: int | None) -> int:
    if wanted is None:
        return max((n for n in case.n_qubits if n <= DEFAULT_MAX_QUBITS), default=min(case.n_qubits))
    if sizes := case.sizes([wanted]):
        return sizes[0]
    raise SourceError(f"{case.name} has no size of {count(wanted, 'qubit')}; it takes {valid_sizes(case)}")


def _find_case(text: str) -> CircuitCase:
    if text.startswith(sources.MQT_PREFIX):
        return sources.mqt_case(text.removeprefix(sources.MQT_PREFIX))
    path, _, name = text.rpartition("::")
    if path and path != BUILTIN_NODEID:
        return _named(name, _cases_of(Path(path)), path)
    if not path and Path(text).suffix in (".py", ".qasm"):
        cases = _cases_of(Path(text))
        if len(cases) != 1:
            names = ", ".join(f"{text}::{case.name}" for case in cases)
            raise SourceError(f"{text} has several cases; choose from {names}" if cases else f"{text} has no case")
        return cases[0]
    builtin = [case for file in sources.case_files(sources.builtin_root()) for case in _cases_of(file)]
    return _named(name, builtin, "the built-in suite") if path else _own_or_built_in(name, builtin)


def _own_or_built_in(name: str, builtin: Iterable[CircuitCase]) -> CircuitCase:
    """The case of that name in the project's own case files, which come first as under pytest, or in the suite."""
    own, broken = _own_cases(Path(sources.DEFAULT_FOLDER))
    found = [label for label, case in own.items() if case.name == name]
    if len(found) > 1:
        raise SourceError(f"{name!r} is more than one case; choose from {', '.join(found)}")
    if found:
        return own[found[0]]
    if not own and not broken:
        return _named(name, builtin, "the built-in suite")
    try:
        return _named(name, [*own.values(), *builtin], f"{sources.DEFAULT_FOLDER}/ and the built-in suite")
    except SourceError as error:
        raise SourceError("; ".join([str(error), *broken])) from error


def _own_cases(folder: Path) -> tuple[dict[str, CircuitCase], list[str]]:
    """``PATH::NAME`` -> case for the files below ``folder``, and what is wrong with files that can't be imported."""
    own: dict[str, CircuitCase] = {}
    broken = []
    is_builtin = folder.resolve() == sources.builtin_root().resolve()
    for path in sources.case_files(folder) if folder.is_dir() and not is_builtin else ():
        try:
            own |= {f"{path}::{case.name}": case for case in _cases_of(path)}
        except SourceError as error:
            broken.append(str(error))
    return own, broken


def _named(name: str, cases: Iterable[CircuitCase], where: str) -> CircuitCase:
    by_name = {case.name: case for case in cases if not case.is_gradient}
    if name in by_name:
        return by_name[name]
    close = difflib.get_close_matches(name, by_name, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(by_name) or 'none'}"
    raise SourceError(f"there is no case {name!r} in {where}; {hint} (that of a file elsewhere: FILE.py::NAME)")


def _cases_of(path: Path) -> list[CircuitCase]:
    """The cases of a file.

    Raises:
        SourceError: it is not there, or can't be imported.
    """
    if not path.is_file():
        raise SourceError(f"{path}: no such file")
    if path.suffix == ".qasm":
        return list(sources.cases_in(sources.qasm_module(path)))
    folder = str(path.parent.absolute())
    if folder not in sys.path:  # a case file may import its neighbours, as it may under pytest
        sys.path.insert(0, folder)
    try:
        return list(sources.cases_in(sources.load_module(path)))
    except Exception as error:  # whatever a user's file raises
        raise SourceError(f"{path} can't be imported: {type(error).__name__}: {error}") from error
