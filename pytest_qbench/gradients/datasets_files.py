"""Data sets in files: .npz, .npy, .parquet, and IDX, the format of MNIST, plain or compressed.

Only the samples that are asked for are read, where the format allows it.
"""

from __future__ import annotations

import gzip
import math
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_qbench.gradients.datasets_base import DatasetError, DatasetMissing, Raw, features_of_table

FORMATS = ".npz, .npy, .parquet, IDX (such as train-images-idx3-ubyte or images.idx, also .gz)"

_IDX_NAME = re.compile(r"[.-]idx\d*(-\w+)?(\.gz)?$")
_IDX_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_UNREADABLE = (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error, struct.error)
"""What the readers raise for a file that is not what its name says."""

_Reader = Callable[[Path, str, int], Raw]


def looks_like_file(name: str) -> bool:
    """Whether the name of a data set is meant as that of a file: it has a folder or a known suffix."""
    path, _ = _split_name(name)
    return "/" in name or "\\" in name or _reader(path) is not None


def read_file(name: str, n_samples: int, base: Path) -> Raw:
    """The first ``n_samples`` samples of a file, or fewer where it has fewer.

    ``name`` is the path, relative to ``base``; ``data.npz:images`` names an array in an .npz file.

    Raises:
        DatasetMissing: there is no such file, or no package that reads it.
        DatasetError: the file can't be read, or is of a format that isn't known.
    """
    path, array = _split_name(name)
    path = base / path.expanduser()
    if not path.exists():
        raise DatasetMissing(f"there is no file {path}")
    reader = _reader(path)
    if reader is None or path.is_dir():
        what = "is a folder" if path.is_dir() else f"has the unknown suffix {path.suffix!r}"
        raise DatasetError(f"{path} {what}: the formats are {FORMATS}")
    try:
        return reader(path, array, n_samples)
    except _UNREADABLE as error:
        raise DatasetError(f"{path} can't be read: {error}; is it complete, and of the format of its name?") from error


def _split_name(name: str) -> tuple[Path, str]:
    """The path, and the name of an array in it or nothing."""
    path, colon, array = name.rpartition(":")
    return (Path(path), array) if colon and path.lower().endswith(".npz") else (Path(name), "")


def _reader(path: Path) -> _Reader | None:
    name = path.name.lower()
    return _idx if _IDX_NAME.search(name) else _READERS.get(Path(name).suffix)


def _npy(path: Path, _array: str, n_samples: int) -> Raw:
    mapped = np.load(path, mmap_mode="r", allow_pickle=False)
    if mapped.ndim == 0:
        raise DatasetError(f"{path} holds a single number: a data set has a row of features for each sample")
    return Raw(np.array(mapped[:n_samples]), len(mapped), str(path), file=path)


def _npz(path: Path, array: str, n_samples: int) -> Raw:
    with np.load(path, allow_pickle=False) as archive:
        names = list(archive.files)
        if array and array not in names:
            raise DatasetError(f"{path} has no array {array!r}; it has {', '.join(names) or 'none'}")
        candidates = [array] if array else names
        chosen = next((name for name in candidates if len(candidates) == 1 or archive[name].ndim >= 2), None)
        if chosen is None:
            raise DatasetError(f"{path} has no two-dimensional array among {', '.join(names) or 'none'}")
        rows = archive[chosen]
    if rows.ndim == 0:
        raise DatasetError(f"array {chosen!r} of {path} is a single number: a data set has a row for each sample")
    others = [name for name in names if name != chosen]
    note = f"array {chosen!r}" + (f", not {', '.join(others)}" if others else "")
    return Raw(np.array(rows[:n_samples]), len(rows), str(path), note, file=path)


def _idx(path: Path, _array: str, n_samples: int) -> Raw:
    """The IDX format: two zero bytes, the type, the number of dimensions, each size as a big-endian 32-bit number, and
    the values in C order, big-endian as well (http://yann.lecun.com/exdb/mnist/)."""
    with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
        zeros, code, n_dimensions = struct.unpack(">HBB", file.read(4))
        if zeros != 0 or code not in _IDX_TYPES or n_dimensions == 0:
            raise DatasetError(f"{path} does not begin like an IDX file")
        sizes = struct.unpack(f">{n_dimensions}I", file.read(4 * n_dimensions))
        kind = np.dtype(_IDX_TYPES[code])
        shape = (min(n_samples, sizes[0]), *sizes[1:])
        wanted = math.prod(shape) * kind.itemsize
        data = file.read(wanted)
    if len(data) < wanted:
        raise DatasetError(f"{path} ends too early: {len(data)} of {wanted} bytes of its first {shape[0]} samples")
    return Raw(np.frombuffer(data, kind).reshape(shape), sizes[0], str(path), file=path)


def _parquet(path: Path, _array: str, n_samples: int) -> Raw:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise DatasetMissing(f"{path} needs pyarrow to be read ({error})", "pip install pyarrow") from error
    with parquet.ParquetFile(path) as file:
        n_available = file.metadata.num_rows
        if n_available == 0:
            raise DatasetError(f"{path} has no rows")
        batches, n_read = [], 0
        for batch in file.iter_batches(batch_size=n_samples):
            batches.append(batch)
            n_read += batch.num_rows
            if n_read >= n_samples:
                break
        table = pyarrow.Table.from_batches(batches, file.schema_arrow).slice(0, n_samples)
    names = [name for name in table.column_names if not name.startswith("__index_level_")]
    try:
        rows, note, columns = features_of_table({name: _column(table[name]) for name in names})
    except DatasetError as error:
        raise DatasetError(f"{path}: {error}") from None
    return Raw(rows, n_available, str(path), note, columns, path)


def _column(column: Any) -> NDArray[Any]:
    """A column as an array; a column of equally long lists, also nested ones, with one more dimension per level.

    Lists of different lengths stay objects. A missing number is NaN.
    """
    from pyarrow import compute, types

    values, shape = column.combine_chunks(), [len(column)]
    while types.is_list(values.type) or types.is_large_list(values.type) or types.is_fixed_size_list(values.type):
        lengths = compute.unique(compute.list_value_length(values)).to_pylist()
        if len(lengths) != 1 or lengths[0] is None:
            break
        shape.append(lengths[0])
        values = compute.list_flatten(values)
    flat: NDArray[Any] = values.to_numpy(zero_copy_only=False)
    return flat.reshape(shape) if len(flat) == math.prod(shape) else flat


_READERS: Mapping[str, _Reader] = {".npy": _npy, ".npz": _npz, ".parquet": _parquet, ".idx": _idx}
