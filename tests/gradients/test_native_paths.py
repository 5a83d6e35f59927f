"""The native paths against finite differences of Qiskit's values, and what a run takes and counts."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from cached_tasks import classic, exact_gradient, make_task, unusual

from pytest_qbench.backends.base import UnavailableError
from pytest_qbench.gradients.observables import zlast, zsum
from pytest_qbench.gradients.paths import cached
from pytest_qbench.gradients.paths.cached import CachedPath
from pytest_qbench.gradients.paths.native import NativeAdjointPath, NativeShiftPath, n_shifts
from pytest_qbench.gradients.task import ENCODINGS

PATHS = [NativeShiftPath, NativeAdjointPath]
MIXED = ((0.5, ((0, "Z"), (2, "Z"))), (-0.8, ((1, "X"),)), (0.3, ((1, "Y"), (2, "Y"))))


@pytest.fixture(autouse=True)
def threads_as_before() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def make_path(kind: type[CachedPath], **options: Any) -> CachedPath:
    return kind({"device": "cpu", "precision": "double", **options}, threads=1)


def gradients(path: CachedPath, task: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    return path.gradients(path.run(path.prepare(task)))


@pytest.mark.parametrize("kind", PATHS)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_gradients(kind: type[CachedPath], encoding: str, tmp_path: Path) -> None:
    task = make_task(tmp_path, classic(3, 2), zlast(3), encoding)
    result = gradients(make_path(kind), task)
    assert result.shape == (3, 12)
    assert result.dtype == np.float64
    np.testing.assert_allclose(result[1], exact_gradient(task, 1), atol=1e-7)


@pytest.mark.parametrize("kind", PATHS)
def test_parameters_that_are_shared_scaled_or_unused(kind: type[CachedPath], tmp_path: Path) -> None:
    task = make_task(tmp_path, unusual(), MIXED, "iqp")
    result = gradients(make_path(kind), task)
    np.testing.assert_allclose(result[2], exact_gradient(task, 2), atol=1e-7)
    assert not result[:, 5].any()


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_paths_agree(encoding: str, tmp_path: Path) -> None:
    task = make_task(tmp_path, classic(5, 2), zsum(5), encoding, n_samples=7)
    shift, adjoint = (gradients(make_path(kind), task) for kind in PATHS)
    np.testing.assert_allclose(shift, adjoint, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", PATHS)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_single_precision(kind: type[CachedPath], encoding: str, tmp_path: Path) -> None:
    double = gradients(make_path(kind), make_task(tmp_path, classic(5, 2), zsum(5), encoding))
    path = make_path(kind, precision="single")
    task = make_task(tmp_path, classic(5, 2), zsum(5), encoding, precision="single")
    prepared = path.prepare(task)
    result = path.run(prepared)
    assert result.dtype == torch.float32
    assert prepared.cache.required_bytes == 3 * 32 * (4 if encoding in ("amplitude", "basis") else 8)
    np.testing.assert_allclose(path.gradients(result), double, atol=1e-5)


@pytest.mark.parametrize("kind", PATHS)
def test_many_calls_give_what_one_gives(
    kind: type[CachedPath], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the states are on disk and the features stay in their file."""
    task = make_task(tmp_path, classic(3, 1), zsum(3), n_samples=11)
    expected = gradients(make_path(kind), task)
    monkeypatch.setitem(cached.CALL_BYTES, "cpu", 3 * 8 * 16)
    monkeypatch.setattr(cached, "LOADED_BYTES", 0)
    path = make_path(kind)
    spilled = make_task(tmp_path, classic(3, 1), zsum(3), n_samples=11, memory_limit=0, spill=str(tmp_path))
    prepared = path.prepare(spilled)
    assert prepared.cache.is_spilled
    assert prepared.call_rows == 3
    np.testing.assert_allclose(path.gradients(path.run(prepared)), expected, atol=1e-12)
    path.close()
    assert prepared.cache.disk_bytes == 0


def test_the_memory_limit_holds(tmp_path: Path) -> None:
    task = make_task(tmp_path, classic(3, 1), zsum(3), memory_limit=100)
    with pytest.raises(MemoryError, match="limit"):
        make_path(NativeAdjointPath).prepare(task)


def test_samples_that_do_not_fit_are_done_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = make_task(tmp_path, classic(8, 1), zsum(8), n_samples=3000)
    path = make_path(NativeAdjointPath)
    expected = gradients(path, whole)
    monkeypatch.setitem(cached.CALL_BYTES, "cpu", 1 << 16)
    limit = psutil.Process().memory_info().rss + (3 << 20)  # the states of all take 6 MiB, gradients 0.4
    prepared = path.prepare(replace(whole, memory_limit=limit))
    assert prepared.cache.n_samples < 3000
    np.testing.assert_allclose(path.gradients(path.run(prepared)), expected, atol=1e-12)


def test_evaluations(tmp_path: Path) -> None:
    """Of the classic circuit with Z on the last qubit, RZ on the last qubit and the last RZ of all are out of sight:
    what is counted is what has a gradient."""
    task = make_task(tmp_path, classic(4, 2), zlast(4), n_samples=5)
    shift = make_path(NativeShiftPath)
    seen = np.count_nonzero(np.abs(gradients(shift, task)).max(axis=0) > 1e-12)
    assert shift.evaluations(task) == 5 * 2 * seen
    assert make_path(NativeAdjointPath).evaluations(task) == 10
    # Two shifts each, but four of the controlled rotation.
    assert n_shifts(make_task(tmp_path, unusual(), MIXED)) == 14


@pytest.mark.parametrize("kind", PATHS)
def test_variants(kind: type[CachedPath], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every call works, and the units make up a run."""
    monkeypatch.setitem(cached.CALL_BYTES, "cpu", 4 * 8 * 16)
    path = make_path(kind)
    variants = path.variants(path.prepare(make_task(tmp_path, classic(3, 2), zsum(3), n_samples=10)))
    assert variants.units == 3
    assert set(variants.calls) == {"full", "states", "body", "null", "encode", "inject"}
    for call in variants.calls.values():
        call()


def test_passes(tmp_path: Path) -> None:
    """For each state the traffic grows with the circuit and not with the number of samples."""
    path = NativeAdjointPath({"device": "cpu", "precision": "double"}, threads=1)
    passes = [
        path.passes(path.prepare(make_task(tmp_path, classic(6, n_layers), zlast(6), n_samples=n_samples)))
        for n_layers, n_samples in ((1, 3), (3, 3), (3, 9))
    ]
    # A state is measured in two passes at least.
    assert 2 < passes[0] < passes[1] == passes[2]


def test_description() -> None:
    path = make_path(NativeAdjointPath, precision="single")
    described = path.describe()
    assert (described.device, described.precision, described.threads) == ("CPU", "single", 1)
    assert described.method == "adjoint, batched"
    assert "torch" in described.versions
    assert path.device_peak_bytes() is None


@pytest.mark.parametrize("kind", PATHS)
def test_a_missing_device_is_named(kind: type[CachedPath]) -> None:
    with pytest.raises(UnavailableError, match="device=mps: gradients are computed on cpu or cuda"):
        make_path(kind, device="mps")
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    with pytest.raises(UnavailableError, match="device=cuda"):
        make_path(kind, device="cuda")


def test_importing_the_paths_imports_no_simulator() -> None:
    """The registry imports them under any interpreter, to say what is missing."""
    code = (
        "import sys, pytest_qbench.gradients.paths.native, pytest_qbench.gradients.paths.custatevec\n"
        "print(sorted({'torch', 'numpy', 'cuquantum'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.gpu
@pytest.mark.parametrize("kind", PATHS)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_on_a_gpu(kind: type[CachedPath], encoding: str, tmp_path: Path) -> None:
    if not torch.cuda.is_available():
        pytest.skip("torch finds no CUDA device")
    task = make_task(tmp_path, classic(5, 2), zsum(5), encoding)
    path = make_path(kind, device="cuda")
    np.testing.assert_allclose(gradients(path, task), gradients(make_path(kind), task), rtol=1e-5, atol=1e-8)
    assert path.describe().device == "GPU"
    assert path.device_peak_bytes()
