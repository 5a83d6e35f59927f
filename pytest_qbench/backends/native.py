"""The project's own state-vector simulator (:mod:`pytest_qbench.engine`), on PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pytest_qbench.backends.base import (
    Backend,
    Capabilities,
    Description,
    Option,
    UnavailableError,
    UnsupportedError,
)
from pytest_qbench.circuits.gates import GATES
from pytest_qbench.circuits.program import Program

_DEVICES = {"cpu": "CPU", "cuda": "GPU", "mps": "MPS"}
"""The devices by torch's names, and what rows call them."""

_UNITARY_QUBITS = 12
"""A matrix on more qubits takes more than 0.25 GiB; as a gate it would only be a way to run out of memory."""


def _device(text: str) -> str:
    """A device by torch's name or, as other simulators spell it, ``CPU`` and ``GPU``."""
    name = text.lower()
    return "cuda" if name == "gpu" else name


class NativeBackend(Backend):
    """The native engine. A prepared program is an :class:`~pytest_qbench.engine.Simulator`."""

    name: ClassVar[str] = "native"
    install: ClassVar[str] = "pip install 'pytest-qbench[native]'"
    options: ClassVar[Mapping[str, Option]] = {
        "device": Option("cpu", "cpu, cuda (or gpu) or mps", _device, choices=tuple(_DEVICES)),
        "precision": Option("double", "precision of the state", choices=("double", "single")),
    }

    def __init__(self, options: Mapping[str, Any], threads: int) -> None:
        try:
            import torch

            import pytest_qbench.engine  # noqa: F401  # now, so that the first circuit does not pay for it
        except (ImportError, OSError) as error:  # OSError: a shared library of torch is missing or broken
            raise UnavailableError(f"torch can't be imported: {error}", self.install) from error
        self._device = torch.device(options["device"])
        self._precision: str = options["precision"]
        if self._device.type == "cuda" and not torch.cuda.is_available():
            built = torch.version.cuda is not None or torch.version.hip is not None
            reason = "torch finds no CUDA device" if built else "this torch is built without CUDA"
            raise UnavailableError(f"device=cuda: {reason}")
        if self._device.type == "mps" and not torch.backends.mps.is_available():
            raise UnavailableError("device=mps: torch finds no Metal device (it takes macOS on Apple silicon)")
        torch.set_num_threads(threads)

    def capabilities(self) -> Capabilities:
        """Every standard gate, dynamic circuits, noise, and as many qubits as fit into memory."""
        return Capabilities(
            gates=frozenset(GATES),
            unitary_qubits=_UNITARY_QUBITS,
            dynamic=True,
            noise=True,
            precisions=("double", "single"),
            devices=tuple(_DEVICES.values()),
        )

    def describe(self) -> Description:
        """Versions, device, and the number of CPU threads that torch may use."""
        import torch

        from pytest_qbench import __version__

        on_gpu = self._device.type == "cuda"
        return Description(
            version=__version__,
            versions={"pytest-qbench": __version__, "torch": str(torch.__version__)},
            device=_DEVICES[self._device.type],
            device_name=torch.cuda.get_device_name(self._device) if on_gpu else None,
            precision=self._precision,
            method="statevector",
            threads=torch.get_num_threads(),
        )

    def prepare(self, program: Program) -> Any:
        """Compile ``program``."""
        from pytest_qbench.engine import Simulator

        if self._device.type == "mps" and self._precision == "double":
            raise UnsupportedError("Metal has no double precision: use native[device=mps,precision=single]")
        return Simulator(program, device=self._device, precision=self._precision)

    def run(self, prepared: Any, shots: int, seed: int) -> Any:
        """Evolve and sample. The outcomes are on the host, so that no device work is left to wait for."""
        return prepared.run(shots, seed)

    def counts(self, result: Any) -> Mapping[str, int]:
        """The outcomes as bit strings."""
        counts: dict[str, int] = result.as_dict()
        return counts

    def synchronize(self) -> None:
        """Wait for the device."""
        import torch

        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        elif self._device.type == "mps":
            torch.mps.synchronize()

    def device_peak_bytes(self) -> int | None:
        """The peak of torch's CUDA allocations; Metal keeps no such record."""
        import torch

        if self._device.type != "cuda":
            return None
        peak: int = torch.cuda.max_memory_allocated(self._device)
        torch.cuda.reset_peak_memory_stats(self._device)
        return peak
