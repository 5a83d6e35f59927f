"""OpenQASM 2 and 3 files as circuits."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

_VERSION = re.compile(r"^\s*OPENQASM\s+(\d+)(?:\.\d+)?\s*;", re.MULTILINE)
_COMMENTS = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)


class QasmError(Exception):
    """A QASM file can't be read. ``line`` is where, counted from 1, or None where the parser does not say."""

    def __init__(self, path: Path, message: str, line: int | None = None) -> None:
        self.path = path
        self.line = line
        self.message = message
        super().__init__(f"{path}:{line}: {message}" if line else f"{path}: {message}")


def load_qasm(path: Path) -> QuantumCircuit:
    """Read an OpenQASM 2 or 3 file; version 3 needs the package ``qiskit-qasm3-import``.

    Raises:
        QasmError: the file can't be read or parsed, or the importer is missing.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise QasmError(path, f"cannot be read: {error}") from error
    circuit = _parse(path, text)
    circuit.name = path.stem
    return circuit


def _parse(path: Path, text: str) -> QuantumCircuit:
    version = _VERSION.search(_COMMENTS.sub("", text))
    if version is None or version[1] == "2":
        from qiskit import qasm2

        try:
            return qasm2.loads(
                text,
                include_path=(path.parent,),
                custom_instructions=qasm2.LEGACY_CUSTOM_INSTRUCTIONS,
                custom_classical=qasm2.LEGACY_CUSTOM_CLASSICAL,
            )
        except qasm2.QASM2ParseError as error:
            raise QasmError(path, *_message_and_line(error)) from error
    if version[1] != "3":
        raise QasmError(path, f"OpenQASM {version[1]} is not known; use version 2 or 3")
    from qiskit import qasm3
    from qiskit.exceptions import MissingOptionalLibraryError

    try:
        return qasm3.loads(text)
    except MissingOptionalLibraryError as error:
        hint = "OpenQASM 3 needs an importer: pip install 'pytest-qbench[qasm3]'"
        raise QasmError(path, hint) from error
    except Exception as error:  # the importer raises its parser's exceptions too, which have no common base
        raise QasmError(path, *_message_and_line(error)) from error


def _message_and_line(error: BaseException) -> tuple[str, int | None]:
    """The parser's message without its own position, and the line it names."""
    text = str(getattr(error, "message", None) or error).strip().strip("'\"")
    found = re.match(r"(?:<input>:|L)?(\d+)[:,]\s?(?:C?\d+[:.]?\s?)?(.*)", text, re.DOTALL)
    if found:
        return found[2].strip(), int(found[1])
    token = _offending_token(error)
    if token is not None:
        return f"syntax error at {token.text!r}", int(token.line)
    return text or type(error).__name__, None


def _offending_token(error: BaseException | None) -> Any:
    """The token that the ANTLR parser of OpenQASM 3 stopped at: it hides in the causes' arguments."""
    while error is not None:
        for candidate in (error, *error.args):
            if getattr(candidate, "offendingToken", None) is not None:
                return candidate.offendingToken
        error = error.__cause__
    return None
