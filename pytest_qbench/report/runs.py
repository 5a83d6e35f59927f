"""Finding the folder of an earlier run: by its name, by a path, or the newest."""

from __future__ import annotations

import difflib
from pathlib import Path

from pytest_qbench.report.files import ReportError

LATEST = "latest"
"""What the newest run is called, and the link that leads to it."""

_SHOWN = 5


def find_run(run_dir: Path, name: str, base: Path) -> Path:
    """The folder of the run that ``name`` names.

    Args:
        run_dir: the folder that holds the run folders.
        name: a run id below it, a path (relative to ``base``), or ``latest``.
        base: the current directory.

    Raises:
        ReportError: there is no such run; the message names those that come nearest.
    """
    if name == LATEST:
        return _newest(run_dir)
    for path in (run_dir / name, base / name):
        if path.is_dir() and _is_run(path):
            return path.resolve()
    others = run_ids(run_dir)
    if not others:
        raise ReportError(f"no such run: there is none in {run_dir} (--qbench-run-dir names another folder)")
    near = difflib.get_close_matches(name.rstrip("/").rpartition("/")[2], others, n=_SHOWN, cutoff=0.5)
    word = "nearest" if near else "newest"
    shown = ", ".join(near or others[-_SHOWN:][::-1])
    raise ReportError(f"no such run in {run_dir}; the {word}: {shown}")


def run_ids(run_dir: Path) -> list[str]:
    """The names of the runs below ``run_dir``, the oldest first."""
    if not run_dir.is_dir():
        return []
    runs = [path for path in run_dir.iterdir() if path.name != LATEST and _is_run(path)]
    return [path.name for path in sorted(runs, key=lambda path: (_start(path), path.name))]


def _newest(run_dir: Path) -> Path:
    """What ``latest`` leads to, or where it leads nowhere, the run that started last."""
    latest = run_dir / LATEST
    # Where links can't be made it is a text file with the name.
    target = run_dir / latest.read_text(encoding="utf-8").strip() if latest.is_file() else latest
    if target.is_dir() and _is_run(target):
        return target.resolve()
    others = run_ids(run_dir)
    if not others:
        raise ReportError(f"there is no run in {run_dir} (--qbench-run-dir names another folder)")
    return (run_dir / others[-1]).resolve()


def _is_run(path: Path) -> bool:
    return (path / "results.jsonl").is_file()


def _start(path: Path) -> float:
    """When a run started: then its environment was written, and never again."""
    environment = path / "environment.json"
    return environment.stat().st_mtime if environment.exists() else 0.0
