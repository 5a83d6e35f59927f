"""The cuStateVec path: its arithmetic on a simulator in plain torch, and the library itself where there is a GPU."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from cached_tasks import classic, exact_gradient, make_task, unusual

from pytest_qbench.backends.base import UnavailableError
from pytest_qbench.gradients.encodings import encode
from pytest_qbench.gradients.observables import zlast, zsum
from pytest_qbench.gradients.paths.custatevec import CustatevecShiftPath
from pytest_qbench.gradients.paths.native import NativeShiftPath
from pytest_qbench.gradients.paths.shifted_gates import ShiftedCircuit, n_shifts
from pytest_qbench.gradients.task import ENCODINGS, GradientTask

OPTIONS = {"device": "cuda", "precision": "double"}
MIXED = ((0.5, ((0, "Z"), (2, "Z"))), (-0.8, ((1, "X"),)), (0.3, ((1, "Y"), (2, "Y"))))


class TorchSimulator:
    """Applies gates as cuStateVec's documentation says, index by index."""

    def apply(
        self,
        states: torch.Tensor,
        targets: Sequence[int],
        controls: Sequence[int],
        matrices: torch.Tensor,
        which: torch.Tensor | None,
    ) -> None:
        size, block = states.shape[1], 1 << len(targets)
        assert states.is_contiguous()
        assert matrices.shape == (len(matrices), block, block)
        assert which is not None or len(matrices) == 1
        mask = sum(1 << control for control in controls)
        bases = [
            index
            for index in range(size)
            if index & mask == mask and not any(index >> target & 1 for target in targets)
        ]
        offsets = [sum((value >> bit & 1) << target for bit, target in enumerate(targets)) for value in range(block)]
        indices = torch.tensor([[base + offset for offset in offsets] for base in bases])
        chosen = matrices[torch.zeros(len(states), dtype=torch.int64) if which is None else which.long()]
        states[:, indices] = torch.einsum("rij,rbj->rbi", chosen, states[:, indices])


def gradients(task: GradientTask) -> torch.Tensor:
    states = encode(np.load(task.features), task.encoding, task.ansatz.n_qubits)
    return ShiftedCircuit(task, "cpu", TorchSimulator()).gradients(states)


@pytest.mark.parametrize("encoding", ["amplitude", "angle"])
def test_gradients(encoding: str, tmp_path: Path) -> None:
    task = make_task(tmp_path, classic(3, 2), zlast(3), encoding)
    result = gradients(task)
    assert result.shape == (3, 12)
    np.testing.assert_allclose(result[1], exact_gradient(task, 1), atol=1e-7)


def test_parameters_that_are_shared_scaled_or_unused(tmp_path: Path) -> None:
    task = make_task(tmp_path, unusual(), MIXED, "iqp")
    np.testing.assert_allclose(gradients(task)[2], exact_gradient(task, 2), atol=1e-7)


def test_single_precision(tmp_path: Path) -> None:
    task = make_task(tmp_path, unusual(), MIXED, "iqp", precision="single")
    result = gradients(task)
    assert result.dtype == torch.float32
    np.testing.assert_allclose(result[0], exact_gradient(task, 0), atol=1e-5)


def test_every_parameter_is_shifted(tmp_path: Path) -> None:
    """Two shifts each, but four of a controlled rotation."""
    assert n_shifts(make_task(tmp_path, classic(4, 2), zlast(4))) == 2 * 16
    assert n_shifts(make_task(tmp_path, unusual(), MIXED)) == 14


def test_measurements_work(tmp_path: Path) -> None:
    task = make_task(tmp_path, unusual(), MIXED, "iqp")
    states = encode(np.load(task.features), task.encoding, 3)
    ShiftedCircuit(task, "cpu", TorchSimulator()).measurements(states)()


def test_what_is_missing_is_named() -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    with pytest.raises(UnavailableError, match="device=cuda"):
        CustatevecShiftPath(OPTIONS, 1)


@pytest.mark.gpu
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("precision", ["double", "single"])
def test_on_a_gpu(encoding: str, precision: str, tmp_path: Path) -> None:
    try:
        path = CustatevecShiftPath({**OPTIONS, "precision": precision}, 1)
    except UnavailableError as error:
        pytest.skip(error.reason)
    task = make_task(tmp_path, classic(5, 2), zsum(5), encoding, precision=precision)
    prepared = path.prepare(task)
    native = NativeShiftPath({"device": "cpu", "precision": precision}, 1)
    expected = native.gradients(native.run(native.prepare(task)))
    rtol, atol = (1e-5, 1e-8) if precision == "double" else (1e-3, 1e-4)
    np.testing.assert_allclose(path.gradients(path.run(prepared)), expected, rtol=rtol, atol=atol)
    assert path.evaluations(task) == 3 * 2 * 20
    for call in path.variants(prepared).calls.values():
        call()
    assert "custatevec" in path.describe().versions
    path.close()


@pytest.mark.gpu
def test_gates_of_all_kinds_on_a_gpu(tmp_path: Path) -> None:
    try:
        path = CustatevecShiftPath(OPTIONS, 1)
    except UnavailableError as error:
        pytest.skip(error.reason)
    task = make_task(tmp_path, unusual(), MIXED, "iqp")
    np.testing.assert_allclose(path.gradients(path.run(path.prepare(task)))[2], exact_gradient(task, 2), atol=1e-7)
    path.close()
