"""The files of a report: valid JSON always, and whole or not there at all."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any


class ReportError(Exception):
    """A report can't be written or read; the message says which file, why, and what to do."""


def reason_of(error: OSError) -> str:
    """What the operating system says of ``error``, without the path and the number."""
    return error.strerror or str(error)


def jsonable(value: Any, where: str = "", lost: list[str] | None = None) -> Any:
    """``value`` as a JSON value: mappings with text keys, lists, finite numbers, text, booleans and None.

    A number that is not finite becomes None and its place is appended to ``lost``. Scalars of other libraries
    are taken by their ``item()``, anything else by its text.
    """
    if value is None or isinstance(value, bool | str):
        return str(value) if isinstance(value, str) else value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        if math.isfinite(value):
            return float(value)
        if lost is not None:
            lost.append(where)
        return None
    if isinstance(value, Mapping):
        return {str(key): jsonable(item, f"{where}.{key}".lstrip("."), lost) for key, item in value.items()}
    if isinstance(value, Sequence | AbstractSet) and not isinstance(value, bytes | bytearray):
        items = sorted(value, key=str) if isinstance(value, AbstractSet) else value
        return [jsonable(item, f"{where}[{index}]", lost) for index, item in enumerate(items)]
    item = getattr(value, "item", None)
    if callable(item) and getattr(value, "ndim", 0) == 0:
        return jsonable(item(), where, lost)
    return str(value)


def dump_line(value: Any) -> str:
    """A JSON value as one line, without the line end.

    Raises:
        ValueError: a number is not finite (see :func:`jsonable`).
    """
    return json.dumps(value, allow_nan=False, separators=(",", ":"))


def write_text(path: Path, text: str) -> None:
    """Write ``path`` whole or leave what was there: a reader never sees a part of it.

    Raises:
        ReportError: it can't be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise ReportError(f"cannot write {path}: {reason_of(error)}") from error


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as indented JSON, atomically; numbers that are not finite become null.

    Raises:
        ReportError: it can't be written.
    """
    write_text(path, json.dumps(jsonable(value), allow_nan=False, indent=1) + "\n")
