"""Gradients by NVIDIA's cuStateVec: the parameter-shift rule with all samples and all shifts of a gate in one batch.

States are torch tensors on the GPU, handed over by pointer; nothing goes through the host but the small matrices.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from pytest_qbench.backends.base import Description, UnavailableError
from pytest_qbench.gradients.paths.cached import CachedPath, Circuit
from pytest_qbench.gradients.paths.shifted_gates import ShiftedCircuit, n_shifts
from pytest_qbench.gradients.task import GradientTask

if TYPE_CHECKING:
    import torch

# Values of cudaDataType_t and custatevecComputeType_t; where Python's bindings keep these enums depends on the version.
_CUDA_C_32F, _CUDA_C_64F = 4, 5
_COMPUTE_32F, _COMPUTE_64F = 1 << 2, 1 << 4


class CustatevecShiftPath(CachedPath):
    """The parameter-shift rule on a GPU, gate by gate: each gate is one call for the states of all samples and shifts.

    Every parameter is shifted, whether or not the observable can see it.
    """

    name: ClassVar[str] = "custatevec/shift"
    install: ClassVar[str] = "pip install cuquantum-python-cu12"
    method: ClassVar[str] = "parameter-shift, batched"

    def __init__(self, options: Mapping[str, Any], threads: int) -> None:
        # The device first: without a driver cuStateVec's library must not be touched.
        super().__init__({**options, "device": "cuda"}, threads)
        try:
            import cuquantum
            from cuquantum.bindings import custatevec

            # The bindings load the library at the first call.
            self._handle: int = custatevec.create()
        except Exception as error:  # what the bindings raise for a library that is missing depends on the version
            raise UnavailableError(f"cuStateVec can't be used: {error}", self.install) from error
        self._custatevec = custatevec
        self._version: str = cuquantum.__version__

    def circuit(self, task: GradientTask) -> Circuit:
        """Look up its gates."""
        return ShiftedCircuit(task, self._device, Custatevec(self._custatevec, self._handle, task))

    def evaluations(self, task: GradientTask) -> int:
        """For each sample two (up to four for some gates) for each gate parameter that varies."""
        return task.n_samples * n_shifts(task)

    def describe(self) -> Description:
        """Versions of the bindings, the library and torch."""
        base = super().describe()
        versions = {
            "cuquantum": self._version,
            "custatevec": str(self._custatevec.get_version()),
            "torch": base.versions["torch"],
        }
        return replace(base, version=self._version, versions=versions)

    def close(self) -> None:
        """Drop the caches and the library's handle."""
        super().close()
        self._custatevec.destroy(self._handle)


class Custatevec:
    """Applies gates by ``custatevecApplyMatrixBatched``."""

    def __init__(self, custatevec: Any, handle: int, task: GradientTask) -> None:
        """Keep the bindings' module and its handle."""
        self._lib = custatevec
        self._handle = handle
        self._n_qubits = task.ansatz.n_qubits
        double = task.precision == "double"
        self._data_type = _CUDA_C_64F if double else _CUDA_C_32F
        self._compute_type = _COMPUTE_64F if double else _COMPUTE_32F
        self._workspace: torch.Tensor | None = None

    def apply(
        self,
        states: torch.Tensor,
        targets: Sequence[int],
        controls: Sequence[int],
        matrices: torch.Tensor,
        which: torch.Tensor | None,
    ) -> None:
        """See :class:`~pytest_qbench.gradients.paths.shifted_gates.Simulator`."""
        import torch

        # Work is queued behind torch's, and torch's behind it.
        self._lib.set_stream(self._handle, torch.cuda.current_stream(states.device).cuda_stream)
        kinds = self._lib.MatrixMapType
        batch = (
            self._data_type,
            self._n_qubits,
            len(states),
            states.shape[1],
            int(kinds.BROADCAST if which is None else kinds.MATRIX_INDEXED),
            0 if which is None else which.data_ptr(),
            matrices.data_ptr(),
            self._data_type,
            int(self._lib.MatrixLayout.ROW),
            0,  # not the adjoint
            len(matrices),
        )
        needed = self._lib.apply_matrix_batched_get_workspace_size(
            self._handle, *batch, len(targets), len(controls), self._compute_type
        )
        if needed and (self._workspace is None or len(self._workspace) < needed):
            self._workspace = torch.empty(needed, dtype=torch.uint8, device=states.device)
        self._lib.apply_matrix_batched(
            self._handle,
            states.data_ptr(),
            *batch,
            list(targets),
            len(targets),
            list(controls),
            0,  # all controls 1
            len(controls),
            self._compute_type,
            0 if self._workspace is None else self._workspace.data_ptr(),
            0 if self._workspace is None else len(self._workspace),
        )
