"""What is said of an exception that a user's own code raised: where, and the part of the traceback that is theirs."""

from __future__ import annotations

import sysconfig
import threading
import traceback
from functools import cache
from pathlib import Path

from pytest_qbench.cases import CaseError, CircuitCase

USER_CODE = threading.RLock()
"""Held while a function of a case runs: they are written for one thread, and points may be measured by several."""

_PACKAGE = Path(__file__).parent
_INSTALLED = {"site-packages", "dist-packages"}


def place(path: str, line: int) -> str:
    """``cases/mine.py:12``; a file elsewhere than below the current directory has its whole path."""
    file = Path(path)
    return f"{file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else path}:{line}"


def traceback_text(error: BaseException) -> str:
    """The formatted traceback of ``error`` and of what it was raised from, the user's frames only.

    Left out are those of this package, of the standard library and of what is installed.
    """
    formatted = traceback.TracebackException.from_exception(error)
    seen: set[int] = set()
    pending: list[traceback.TracebackException | None] = [formatted]
    while pending:
        one = pending.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        one.stack = traceback.StackSummary.from_list([frame for frame in one.stack if _is_users(frame.filename)])
        pending += [one.__cause__, one.__context__, *(getattr(one, "exceptions", None) or ())]
    return "".join(formatted.format()).rstrip()


def syntax_error_text(error: SyntaxError) -> str:
    """``cases/mine.py:6: SyntaxError: '(' was never closed``, and the line with a mark where the parser stopped."""
    where = place(error.filename or "<unknown>", error.lineno or 0)
    # The first line is pytest's and Python's ``File ...``, the last one what is said here first.
    _, *source, _ = "".join(traceback.format_exception_only(error)).splitlines()
    return "\n".join([f"{where}: {type(error).__name__}: {error.msg}", *source])


def case_error(error: Exception, call: str, path: str, line: int) -> CaseError:
    """What to say of an exception that a user's function raised.

    Args:
        error: the exception.
        call: the call that raised it.
        path: the file of the function.
        line: its first line; where a frame in ``path`` is known, that of the innermost one is shown.
    """
    for frame, number in traceback.walk_tb(error.__traceback__):
        line = number if frame.f_code.co_filename == path else line
    where, kind = place(path, line), type(error).__name__
    message = f"{where}: {call} raised {kind}: {error}".split("\n")[0]
    trace = traceback_text(error)
    # Where no frame is the user's, as with a builder that does not take its arguments, there is no more to say.
    return CaseError(f"{message}\n{trace}", fault=f"{kind} at {where}") if "\n" in trace else CaseError(message)


def refuse_none(circuit: object, case: CircuitCase) -> None:
    """Raises CaseError where the builder of ``case`` returned nothing."""
    if circuit is None:
        where = place(case.path, case.line)
        raise CaseError(f"{where}: {case.name}'s builder returned None: did you forget `return`?")


@cache
def _standard_library() -> tuple[Path, ...]:
    return tuple({Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib")})


@cache
def _is_users(filename: str) -> bool:
    path = Path(filename)
    if not path.is_absolute():
        return False  # <frozen importlib._bootstrap>, <string>
    if path.is_relative_to(_PACKAGE):
        return path.is_relative_to(_PACKAGE / "suite")
    if _INSTALLED & set(path.parts):
        return False
    return not any(path.resolve().is_relative_to(folder) for folder in _standard_library())
