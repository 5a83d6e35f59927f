"""``results.jsonl``: a row per line, on the disk before the next one begins."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pytest_qbench.report.files import ReportError, dump_line, reason_of
from pytest_qbench.report.rows import identity

_NEEDED_KEYS = ("schema", "run_id", "backend", "node", "instance", "params")
_ROW_START = b'{"schema":'


class JsonlWriter:
    """Appends rows to a file. Each is written in one piece and synchronised, so that a killed run leaves
    whole lines, and at worst a part of one at the end.

    Args:
        path: the file. Its folder is made if needed.
        append: add to what is there (a copy that the user asked for); without it the file must not exist yet.

    Raises:
        ReportError: the file can't be opened, or what is there is not a file of rows.
    """

    def __init__(self, path: Path, *, append: bool = False) -> None:
        self.path = path
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if append and path.is_file():
                _mend_end(path)
            self._fd = os.open(path, flags if append else flags | os.O_EXCL, 0o644)
        except OSError as error:
            raise ReportError(f"cannot write rows to {path}: {reason_of(error)}") from error
        self._is_file = stat.S_ISREG(os.fstat(self._fd).st_mode)

    def write(self, row: Mapping[str, Any]) -> None:
        """Append ``row``.

        Raises:
            ReportError: it could not be written; nothing of it is left in the file.
        """
        self.write_all([row])

    def write_all(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Append several rows in one piece.

        Raises:
            ReportError: they could not be written; nothing of them is left in the file.
        """
        data = "".join(f"{dump_line(row)}\n" for row in rows).encode()
        size = os.fstat(self._fd).st_size
        written = 0
        try:
            while written < len(data):
                written += os.write(self._fd, data[written:])
            if self._is_file:  # a pipe or a terminal can't be synchronised
                os.fsync(self._fd)
        except OSError as error:
            if self._is_file and os.fstat(self._fd).st_size == size + written:
                os.ftruncate(self._fd, size)
            raise ReportError(f"cannot write a row to {self.path}: {reason_of(error)}") from error

    def close(self) -> None:
        """Close the file; closing twice does no harm."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def read_rows(path: Path, *, superseded: bool = False) -> list[dict[str, Any]]:
    """The rows of a JSONL file, in order.

    A last line without its end, as a killed run may leave it, is left out when it is not a whole row. Where
    an instance was run again after its row had been written (plugins that re-run failures), only the last
    row counts, unless ``superseded`` asks for all.

    Raises:
        ReportError: the file can't be read, or a line of it is not a row; the message has the line number.
    """
    try:
        *lines, tail = path.read_bytes().split(b"\n")
    except OSError as error:
        raise ReportError(f"cannot read rows from {path}: {reason_of(error)}") from error
    rows = [_parse(line, path, number) for number, line in enumerate(lines, 1) if line.strip()]
    if tail.strip():
        try:
            rows.append(_parse(tail, path, len(lines) + 1))
        except ReportError:
            if not _is_torn_row(tail):
                raise
    if superseded:
        return rows
    latest = {}
    for row in rows:
        latest[row["run_id"], identity(row["backend"], row["node"], row["instance"], row["params"])] = row
    return list(latest.values())


def _parse(line: bytes, path: Path, number: int) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise ReportError(f"{path}:{number}: not a row of pytest-qbench: {error}") from error
    if not isinstance(row, dict):
        raise ReportError(f"{path}:{number}: not a row of pytest-qbench: not a JSON object")
    missing = [key for key in _NEEDED_KEYS if key not in row]
    if missing:
        raise ReportError(f"{path}:{number}: not a row of pytest-qbench: it has no {', '.join(missing)}")
    return row


def _is_torn_row(tail: bytes) -> bool:
    return tail.startswith(_ROW_START) or _ROW_START.startswith(tail)


def _mend_end(path: Path) -> None:
    """Make sure that a row can follow: cut off a torn one, and refuse a file that holds something else.

    Raises:
        ReportError: the last line is not a row, nor the beginning of one.
    """
    with path.open("rb+") as file:
        *lines, tail = file.read().split(b"\n")
        if tail:
            try:
                _parse(tail, path, len(lines) + 1)
                file.write(b"\n")
            except ReportError:
                if not _is_torn_row(tail):
                    raise
                file.truncate(sum(len(line) + 1 for line in lines))
        else:
            last = next(((n, line) for n, line in reversed([*enumerate(lines, 1)]) if line.strip()), None)
            if last:
                _parse(last[1], path, last[0])
