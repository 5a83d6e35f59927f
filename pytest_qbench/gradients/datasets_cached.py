"""Data sets of torchvision and of Hugging Face, from what lies on this disk. Nothing is ever downloaded.

They are read in a process of their own: the flags that keep the libraries offline are read when these are imported,
which may have happened here already, and torch stays out of pytest's process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pytest_qbench.gradients.datasets_base import DatasetError, DatasetMissing, Raw, features_of_table

FOLDER_VARIABLE = "QBENCH_DATA"
"""The environment variable with torchvision's folder; ``data`` unless set."""

_OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_DATASETS_DISABLE_PROGRESS_BARS": "1"}
_TIMEOUT_S = 300


def read_cached(library: str, name: str, n_samples: int, base: Path) -> Raw:
    """The first ``n_samples`` samples, or fewer, of the training part of a data set that was downloaded before.

    ``library`` is one of ``CACHED``; ``name`` is a class of ``torchvision.datasets``, or a repository of the Hugging
    Face hub with an optional configuration (``owner/name:configuration``).

    Raises:
        DatasetMissing: the library or the data set is not here.
        DatasetError: the data set holds no usable features.
    """
    root = Path(os.environ.get(FOLDER_VARIABLE) or "data").expanduser()
    with tempfile.TemporaryDirectory(prefix="qbench-") as folder:
        file = Path(folder) / "features.npy"
        command = [sys.executable, "-P", "-m", __name__, library, name, str(n_samples), str(base / root), str(file)]
        try:
            done = subprocess.run(
                command,
                cwd=folder,
                env={**os.environ, **_OFFLINE},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=_TIMEOUT_S,
            )
        except subprocess.TimeoutExpired:
            raise DatasetError(f"{library} did not read it within {_TIMEOUT_S} s") from None
        answer = _last_line(done.stdout)
        if not answer.startswith("{"):
            raise DatasetError(f"{library} failed with exit status {done.returncode}: {_last_line(done.stderr)}")
        told = json.loads(answer)
        if "missing" in told:
            raise DatasetMissing(told["missing"], told["install"])
        if "error" in told:
            raise DatasetError(told["error"])
        return Raw(np.load(file), told["n_available"], told["source"], told["note"], tuple(told["columns"]))


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or [""])[-1]


def _torchvision(name: str, n_samples: int, root: Path) -> Raw:
    import inspect

    try:
        import torchvision
        from torchvision import datasets
    except (ImportError, RuntimeError, OSError) as error:  # the latter two: it was built for another torch
        raise DatasetMissing(f"needs torchvision ({error})", "pip install torchvision") from error
    kind = getattr(datasets, name, None)
    if not (isinstance(kind, type) and issubclass(kind, datasets.VisionDataset)):
        raise DatasetError(f"torchvision {torchvision.__version__} has no data set {name!r} (mind the capitals)")
    parameters = inspect.signature(kind).parameters
    part = {"train": True} if "train" in parameters else {"split": "train"} if "split" in parameters else {}
    offline = {"download": False} if "download" in parameters else {}
    try:
        samples: Any = kind(root=str(root), **part, **offline)
    except (RuntimeError, OSError) as error:
        install = f'python -c "import torchvision as t; t.datasets.{name}({str(root)!r}, download=True)"'
        raise DatasetMissing(f"not in {root} (set {FOLDER_VARIABLE} for another folder): {error}", install) from error
    n_available = len(samples)
    try:
        rows = np.stack([np.asarray(samples[index][0]) for index in range(min(n_samples, n_available))])
    except ValueError as error:
        raise DatasetError(f"its samples are no arrays of one shape: {error}") from error
    note = "training part" if part else ""
    return Raw(rows, n_available, f"torchvision {torchvision.__version__}", note)


def _hugging_face(name: str, n_samples: int, _root: Path) -> Raw:
    try:
        import datasets
    except ImportError as error:
        raise DatasetMissing(f"needs Hugging Face's datasets ({error})", "pip install datasets") from error
    repository, _, configuration = name.partition(":")
    try:
        parts = datasets.load_dataset(repository, configuration or None)
    except (OSError, ValueError) as error:
        arguments = ", ".join(repr(text) for text in (repository, configuration) if text)
        install = f'python -c "import datasets; datasets.load_dataset({arguments})"'
        raise DatasetMissing(f"not in the local cache of Hugging Face: {error}", install) from error
    part = "train" if "train" in parts else next(iter(parts))
    samples = parts[part]
    labels = [column for column, kind in samples.features.items() if isinstance(kind, datasets.ClassLabel)]
    # Without a dtype the format rounds floats to single precision.
    few = samples.select(range(min(n_samples, len(samples)))).remove_columns(labels)
    rows, note, columns = features_of_table(few.with_format("numpy", dtype=np.float64)[:])
    note = ", ".join(filter(None, (f"part {part!r}", note)))
    return Raw(rows, len(samples), f"Hugging Face datasets {datasets.__version__}", note, columns)


CACHED: Mapping[str, Callable[[str, int, Path], Raw]] = {"torchvision": _torchvision, "hf": _hugging_face}
"""The libraries, by the word before the colon."""


def _main(library: str, name: str, n_samples: str, root: str, file: str) -> None:
    """The process's own side: the features go to ``file``, what is to be said of them to the last line of stdout."""
    told: dict[str, Any]
    try:
        raw = CACHED[library](name, int(n_samples), Path(root))
        np.save(file, raw.rows)
        told = {"n_available": raw.n_available, "source": raw.source, "note": raw.note, "columns": raw.columns}
    except DatasetMissing as missing:
        told = {"missing": missing.reason, "install": missing.install}
    except DatasetError as error:
        told = {"error": str(error)}
    print(json.dumps(told))


if __name__ == "__main__":
    _main(*sys.argv[1:])
