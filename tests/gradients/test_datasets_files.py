"""Data sets in files, written for the test."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import numpy as np
import pytest

from pytest_qbench.gradients.datasets import Dataset, DatasetError, DatasetMissing, fingerprint, load

FEATURES = np.random.default_rng(0).uniform(-1, 1, (10, 6))
IMAGES = np.random.default_rng(0).integers(0, 256, (10, 3, 4), dtype=np.uint8)
IDX_CODES = {"u1": 8, "i1": 9, "i2": 11, "i4": 12, "f4": 13, "f8": 14}


def load_here(name: str, base: Path, n_samples: int = 4) -> Dataset:
    return load(name, n_samples=n_samples, seed=0, base=base)


def idx(array: np.ndarray) -> bytes:
    header = bytes([0, 0, IDX_CODES[array.dtype.str[1:]], array.ndim])
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return header + sizes + array.astype(array.dtype.newbyteorder(">")).tobytes()


def test_npy(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", FEATURES)
    loaded = load_here("x.npy", tmp_path)
    np.testing.assert_array_equal(loaded.features, FEATURES[:4])
    assert loaded.n_available == 10
    assert loaded.sha256 == fingerprint(FEATURES[:4])
    assert loaded.file_sha256 == hashlib.sha256((tmp_path / "x.npy").read_bytes()).hexdigest()
    assert loaded.source == str(tmp_path / "x.npy")


def test_the_fingerprint_does_not_depend_on_the_format(tmp_path: Path) -> None:
    values = FEATURES.astype(np.float32)
    np.save(tmp_path / "c.npy", values)
    np.save(tmp_path / "f.npy", np.asfortranarray(values.astype(np.float64)))
    np.savez_compressed(tmp_path / "x.npz", values)
    (tmp_path / "x.idx").write_bytes(idx(values))
    loaded = [load_here(name, tmp_path) for name in ("c.npy", "f.npy", "x.npz", "x.idx")]
    assert {dataset.sha256 for dataset in loaded} == {fingerprint(values[:4].astype(np.float64))}
    assert len({dataset.file_sha256 for dataset in loaded}) == 4


def test_paths_are_relative_to_the_base_or_absolute(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    np.save(tmp_path / "in" / "x.npy", FEATURES)
    assert load_here("in/x.npy", tmp_path).sha256 == load_here(str(tmp_path / "in" / "x.npy"), Path("elsewhere")).sha256


def test_images_are_flattened(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", IMAGES)
    loaded = load_here("x.npy", tmp_path)
    np.testing.assert_array_equal(loaded.features, IMAGES[:4].reshape(4, 12))
    assert loaded.note == "3x4 flattened"


def test_npz(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", labels=np.arange(10), images=IMAGES, table=FEATURES)
    first = load_here("x.npz", tmp_path)
    np.testing.assert_array_equal(first.features, IMAGES[:4].reshape(4, 12))
    assert first.note == "array 'images', not labels, table, 3x4 flattened"
    named = load_here("x.npz:table", tmp_path)
    np.testing.assert_array_equal(named.features, FEATURES[:4])
    with pytest.raises(DatasetError, match="no array 'tabel'; it has labels, images, table"):
        load_here("x.npz:tabel", tmp_path)
    with pytest.raises(DatasetError, match="one value per sample"):
        load_here("x.npz:labels", tmp_path)


def test_npz_without_a_table(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", a=np.arange(10), b=np.arange(10))
    with pytest.raises(DatasetError, match="no two-dimensional array among a, b"):
        load_here("x.npz", tmp_path)
    np.savez(tmp_path / "empty.npz")
    with pytest.raises(DatasetError, match="no two-dimensional array among none"):
        load_here("empty.npz", tmp_path)
    np.savez(tmp_path / "number.npz", a=np.float64(1))
    with pytest.raises(DatasetError, match="single number"):
        load_here("number.npz", tmp_path)


@pytest.mark.parametrize("kind", IDX_CODES)
@pytest.mark.parametrize("name", ["train-images-idx3-ubyte", "images.idx", "t10k-images.idx3-ubyte.gz", "x.idx.gz"])
def test_idx(tmp_path: Path, kind: str, name: str) -> None:
    values = IMAGES.astype(kind)
    data = idx(values)
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    loaded = load_here(name, tmp_path)
    np.testing.assert_array_equal(loaded.features, values[:4].reshape(4, 12))
    assert loaded.n_available == 10


def test_broken_idx(tmp_path: Path) -> None:
    file = tmp_path / "x.idx"
    data = idx(IMAGES)
    file.write_bytes(data[:40])
    with pytest.raises(DatasetError, match="ends too early: 24 of 48 bytes of its first 4 samples"):
        load_here("x.idx", tmp_path)
    for begin in (b"\x01" + data[1:], b"\0\0\x07" + data[3:], data[:3] + b"\0"):
        file.write_bytes(begin)
        with pytest.raises(DatasetError, match="does not begin like an IDX file"):
            load_here("x.idx", tmp_path)
    file.write_bytes(data[:7])
    with pytest.raises(DatasetError, match=r"x\.idx can't be read"):
        load_here("x.idx", tmp_path)
    (tmp_path / "x.idx.gz").write_bytes(gzip.compress(data)[:-20])
    with pytest.raises(DatasetError, match="can't be read"):
        load_here("x.idx.gz", tmp_path, 10)


@pytest.mark.parametrize("name", ["x.npy", "x.npz", "x.idx", "x.idx.gz", "x.parquet"])
@pytest.mark.parametrize("content", [b"", b"not what the name says" * 10])
def test_files_that_are_something_else(tmp_path: Path, name: str, content: bytes) -> None:
    if name == "x.parquet":
        pytest.importorskip("pyarrow", reason="needs pyarrow: pip install pyarrow")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DatasetError, match=f"data set {name}: .*{name}"):
        load_here(name, tmp_path)


def test_objects_are_not_unpickled(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([{"a": 1}, None]), allow_pickle=True)
    with pytest.raises(DatasetError, match=r"x\.npy can't be read"):
        load_here("x.npy", tmp_path)


def test_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(DatasetMissing, match=r"data set no\.npy: there is no file .*no\.npy"):
        load_here("no.npy", tmp_path)
    (tmp_path / "x.csv").write_text("1,2")
    with pytest.raises(DatasetError, match=r"has the unknown suffix '\.csv': the formats are \.npz, \.npy"):
        load_here("./x.csv", tmp_path)
    (tmp_path / "folder.npy").mkdir()
    with pytest.raises(DatasetError, match="is a folder"):
        load_here("folder.npy", tmp_path)


def parquet(path: Path, **columns: object) -> None:
    arrow = pytest.importorskip("pyarrow", reason="needs pyarrow: pip install pyarrow")
    writer = pytest.importorskip("pyarrow.parquet")
    writer.write_table(arrow.table(columns), path, row_group_size=3)


def test_parquet_of_columns(tmp_path: Path) -> None:
    parquet(tmp_path / "x.parquet", a=FEATURES[:, 0], name=["n"] * 10, b=np.arange(10), label=np.arange(10))
    loaded = load_here("x.parquet", tmp_path)
    np.testing.assert_array_equal(loaded.features, np.stack([FEATURES[:4, 0], np.arange(4)], axis=1))
    assert loaded.n_available == 10
    assert loaded.note == "left out: name, label"


def test_parquet_of_lists(tmp_path: Path) -> None:
    parquet(tmp_path / "x.parquet", label=np.arange(10), x=FEATURES.tolist())
    loaded = load_here("x.parquet", tmp_path, 8)
    np.testing.assert_array_equal(loaded.features, FEATURES[:8])
    assert loaded.note == "column 'x'"
    parquet(tmp_path / "images.parquet", x=IMAGES.tolist())
    images = load_here("images.parquet", tmp_path)
    np.testing.assert_array_equal(images.features, IMAGES[:4].reshape(4, 12))
    assert images.note == "column 'x', 3x4 flattened"


def test_parquet_of_pandas(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas", reason="needs pandas: pip install pandas")
    pytest.importorskip("pyarrow", reason="needs pyarrow: pip install pyarrow")
    frame = pandas.DataFrame({"a": np.arange(10), "b": FEATURES[:, 1]}, index=np.arange(10) * 7)
    frame.to_parquet(tmp_path / "x.parquet")
    loaded = load_here("x.parquet", tmp_path)
    np.testing.assert_array_equal(loaded.features, frame.to_numpy()[:4])


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"a": [1.0, 2.0, None, 4.0], "b": [1, 2, 3, 4]}, r"nan in row 2, column 'a'"),
        ({"a": [1.0, 2.0, 3.0, 4.0], "b": [1, None, 3, 4]}, r"nan in row 1, column 'b'"),
        ({"x": [[1.0], [1.0, 2.0], [3.0], [4.0]]}, "entries of column 'x' have different shapes"),
        ({"x": [[1.0], None, [3.0], [4.0]]}, "entries of column 'x' have different shapes"),
        ({"x": [[[1], [2, 3]], [[1], [2]], [[3], [4]], [[5], [6]]]}, "entries of column 'x' have different shapes"),
        ({"x": [[1.0, 2.0], [None, 3.0], [3.0, 4.0], [4.0, 5.0]]}, "nan in row 1, column 0"),
        ({"name": ["a"] * 4, "label": [1, 2, 3, 4]}, "no column of numbers besides labels; the columns: name, label"),
        ({"a": [1.0, 2.0, 3.0]}, "4 samples were asked for, it has 3"),
        ({"a": np.zeros(0)}, "has no rows"),
    ],
)
def test_bad_parquet(tmp_path: Path, columns: dict[str, object], message: str) -> None:
    parquet(tmp_path / "x.parquet", **columns)
    with pytest.raises(DatasetError, match=f"data set x.parquet: .*{message}"):
        load_here("x.parquet", tmp_path)
