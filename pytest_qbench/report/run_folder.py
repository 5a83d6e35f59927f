"""The folder of one run: ``reports/<run_id>/`` and the pointer ``reports/latest``."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from pytest_qbench.report.files import ReportError, reason_of, write_json, write_text
from pytest_qbench.report.rows import identity
from pytest_qbench.results import PointResult

_ATTEMPTS = 20
_NAME_LENGTH = 120


class RunFolder:
    """Where one run puts what it writes. Make one with :meth:`create`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._names: dict[str, str] = {}
        self._taken = {"summary", "comparison", "environment"}

    @classmethod
    def create(cls, base: Path, *, latest: bool = True) -> RunFolder:
        """Make ``base/<run_id>/`` and, unless ``latest`` is False, point ``base/latest`` at it.

        The run id is the local time and a random suffix (``20260131-235959-3fa9``). Runs that start at the
        same moment get folders of their own: the folder must be new, else another suffix is tried.

        Raises:
            ReportError: nothing can be written there.
        """
        for _ in range(_ATTEMPTS):
            run_id = f"{datetime.now():%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
            path = base / run_id
            try:
                base.mkdir(parents=True, exist_ok=True)
                path.mkdir()
                # On a full disk or over a quota a folder can be made, but no file written into it.
                write_text(path / "environment.json", "{}\n")
            except FileExistsError as error:
                if not base.is_dir():
                    raise _unwritable(base, "it is not a directory") from error
                continue
            except OSError as error:
                raise _unwritable(base, reason_of(error)) from error
            except ReportError as error:
                with contextlib.suppress(OSError):
                    path.rmdir()
                raise _unwritable(base, str(error)) from error
            if latest:
                _point_latest_at(base, run_id)
            return cls(path)
        raise _unwritable(base, f"no free folder name in {_ATTEMPTS} tries")

    @property
    def run_id(self) -> str:
        """The name of the run."""
        return self.path.name

    @property
    def results(self) -> Path:
        """The JSONL file of the run."""
        return self.path / "results.jsonl"

    @property
    def plots(self) -> Path:
        """The folder for plots, made when it is first asked for."""
        path = self.path / "plots"
        try:
            path.mkdir(exist_ok=True)
        except OSError as error:
            raise ReportError(f"cannot make {path}: {reason_of(error)}") from error
        return path

    def write_json(self, name: str, value: Any) -> None:
        """Write ``<name>.json`` atomically, in place of an older one.

        Raises:
            ReportError: it can't be written.
        """
        write_json(self.path / f"{name}.json", value)

    def write_instance(self, row: Mapping[str, Any], points: Sequence[PointResult]) -> Path:
        """Write the file of one backend and case instance: its row, and its points with all detail.

        Raises:
            ReportError: it can't be written.
        """
        name = self.instance_name(row)
        ordered = sorted(points, key=lambda point: point.shots)
        self.write_json(name, {"row": row, "points": [point.to_json() for point in ordered]})
        return self.path / f"{name}.json"

    def instance_name(self, row: Mapping[str, Any]) -> str:
        """``<backend>_<case>_<n>q``, with the parameters and the noise where there are any.

        Characters that file systems or shells dislike become ``-``. Two instances never share a name, not
        even where capitals do not count: the second one gets a suffix made from what it is.
        """
        owner = identity(row["backend"], row["node"], row["instance"], row["params"])
        if owner in self._names:
            return self._names[owner]
        parts = [row["backend"], row["case"], f"{row['n_qubits']}q"]
        parts += [f"{key}{_plain(value)}" for key, value in row["params"].items()]
        if isinstance(row["noise"], Mapping):
            parts.append(f"{row['noise']['model']}{_plain(row['noise']['strength'])}")
        elif row["noise"] is not None:
            parts.append(f"noise{_plain(row['noise'])}")
        name = _safe("_".join(parts)).lstrip(".-") or "instance"
        if len(name) > _NAME_LENGTH or name.lower() in self._taken:
            name = f"{name[:_NAME_LENGTH]}_{hashlib.sha256(owner.encode()).hexdigest()[:8]}"
        self._taken.add(name.lower())
        self._names[owner] = name
        return name

    def trace(self, case: str, n_qubits: int, shots: int) -> Path:
        """The file for the trace of a call: ``trace_<case>_<n>q_<shots>.json``."""
        return self.path / f"trace_{_safe(case)[:_NAME_LENGTH]}_{n_qubits}q_{shots}.json"


def _safe(text: str) -> str:
    """``text`` with a ``-`` for what file systems or shells dislike."""
    return re.sub(r"[^A-Za-z0-9._=+-]+", "-", text)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", "="))


def _unwritable(base: Path, reason: str) -> ReportError:
    return ReportError(f"cannot write reports to {base}: {reason}; use --qbench-run-dir=DIR")


def _point_latest_at(base: Path, run_id: str) -> None:
    """Make ``base/latest`` a link to the run, or a text file with its name where links can't be made.

    It is a convenience: where neither works (a folder of that name is in the way), the run goes on without.
    """
    latest = base / "latest"
    temporary = base / f".latest-{run_id}"
    try:
        temporary.symlink_to(run_id, target_is_directory=True)
        temporary.replace(latest)
    except (OSError, NotImplementedError):
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        with contextlib.suppress(ReportError):
            write_text(latest, f"{run_id}\n")
