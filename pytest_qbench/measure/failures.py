"""What an exception in the adapter or simulator means. Worker side, standard library only."""

from __future__ import annotations

import re
import traceback
from pathlib import Path
from types import TracebackType

from pytest_qbench.backends.base import UnavailableError, UnsupportedError
from pytest_qbench.measure.messages import Abort, AbortKind, Unavailable, Unsupported

_HERE = str(Path(__file__).parent)
_REASON_LENGTH = 300
_DETAIL_LENGTH = 16_000

# torch, Aer, CUDA, NumPy and C++ each say it their own way, most of them in a RuntimeError.
_OUT_OF_MEMORY = re.compile(
    r"out[ _]?of[ _]?memory|insufficient memory|bad_alloc|memory ?allocation"
    r"|(can't|cannot|could not|failed to|unable to) allocate",
    re.IGNORECASE,
)


def failure_of(error: BaseException, phase: str, install: str = "") -> Abort | Unsupported | Unavailable:
    """The outcome that ``error``, raised by the backend in ``phase``, stands for.

    ``install`` is the command that installs the backend's simulator. While the backend starts, an import that fails
    means that the simulator is not available. Nothing here relies on the exception's own ``__str__`` or ``__repr__``
    to work.
    """
    text = _text(error)
    if isinstance(error, UnsupportedError):
        return Unsupported(text)
    if isinstance(error, UnavailableError):
        return Unavailable(text, error.install)
    if isinstance(error, ImportError) and phase == "start":
        return Unavailable(text, install)
    kind = AbortKind.MEMORY if _is_out_of_memory(error, text) else AbortKind.EXCEPTION
    reason = f"{kind}: {type(error).__name__}" + (f": {text}" if text else "")
    return Abort(kind, reason, _traceback(error), phase)


def _is_out_of_memory(error: BaseException, text: str) -> bool:
    if isinstance(error, MemoryError):
        return True
    names = " ".join(cls.__name__ for cls in type(error).__mro__)
    return isinstance(error, Exception) and _OUT_OF_MEMORY.search(f"{names} {text}") is not None


def _text(error: BaseException) -> str:
    """The first line of what the exception says."""
    try:
        lines = str(error).strip().splitlines()
    except BaseException:
        return "<its __str__ failed>"
    text = lines[0] if lines else ""
    return text if len(text) <= _REASON_LENGTH else f"{text[:_REASON_LENGTH]}..."


def _traceback(error: BaseException) -> str:
    """The formatted traceback from the adapter on, its end if it is long."""
    try:
        text = "".join(traceback.format_exception(type(error), error, _below_us(error.__traceback__)))
    except BaseException:
        # Formatting runs code of the exception's class.
        text = "".join(traceback.format_tb(error.__traceback__)) + type(error).__name__
    return text[-_DETAIL_LENGTH:]


def _below_us(frames: TracebackType | None) -> TracebackType | None:
    """``frames`` without the worker's own at the top, unless there are no others."""
    below = frames
    while below is not None and below.tb_frame.f_code.co_filename.startswith(_HERE):
        below = below.tb_next
    return below or frames
