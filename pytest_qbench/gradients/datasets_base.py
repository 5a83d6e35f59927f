"""What every reader of a data set hands over, and the two ways in which one fails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

LABELS = frozenset({"label", "labels", "target", "targets", "class", "y"})
"""Columns of these names are what a model would predict; they are no features."""


class DatasetError(Exception):
    """A data set is here but can't be used; the message says what is wrong, where, and what to do."""


class DatasetMissing(Exception):  # noqa: N818 - not a mistake of anyone's: the item is skipped with the reason
    """A data set is not here: its package, its file or its copy in a local cache.

    ``install`` is the command that would help, or empty where none would.
    """

    def __init__(self, reason: str, install: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.install = install


@dataclass(frozen=True, slots=True, eq=False)
class Raw:
    """Samples as a reader found them, before any check.

    Attributes:
        rows: the first samples, one per entry of the first axis; of any type and shape.
        n_available: how many samples there are in all; at least ``len(rows)``.
        source: where they come from: a package with its version, or a file.
        note: what the reader chose or left out, or empty.
        columns: the names of the columns of a table, or empty.
        file: the file they were read from.
    """

    rows: NDArray[Any]
    n_available: int
    source: str
    note: str = ""
    columns: tuple[str, ...] = ()
    file: Path | None = None


def features_of_table(columns: Mapping[str, NDArray[Any]]) -> tuple[NDArray[Any], str, tuple[str, ...]]:
    """The features among the columns of a table: ``(rows, note, names of the columns taken)``.

    A column whose entries are arrays (images, lists of numbers) is the features by itself, the first such one.
    Otherwise all columns of numbers are, in order, without those named in ``LABELS``.

    Raises:
        DatasetError: there is no column of numbers; or the lists in a column have different lengths.
    """
    ragged = [name for name, values in columns.items() if values.dtype == object and _holds_arrays(values)]
    if ragged:
        raise DatasetError(f"the entries of column {ragged[0]!r} have different shapes: make them equal")
    numbers = {name: values for name, values in columns.items() if values.dtype.kind in "biuf" and name not in LABELS}
    arrays = [name for name, values in numbers.items() if values.ndim > 1]
    if arrays:
        return numbers[arrays[0]], f"column {arrays[0]!r}", ()
    if not numbers:
        raise DatasetError(f"no column of numbers besides labels; the columns: {', '.join(columns) or 'none'}")
    left_out = [name for name in columns if name not in numbers]
    note = f"left out: {', '.join(left_out)}" if left_out else ""
    return np.stack([values.astype(np.float64) for values in numbers.values()], axis=1), note, tuple(numbers)


def _holds_arrays(values: NDArray[Any]) -> bool:
    return any(isinstance(value, np.ndarray | list) for value in values)
