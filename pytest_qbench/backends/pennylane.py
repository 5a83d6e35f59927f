"""PennyLane's devices: default.qubit and the lightning family (state vectors), default.mixed (density matrices)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, ClassVar

from pytest_qbench.backends.base import (
    Backend,
    Capabilities,
    Description,
    Option,
    UnavailableError,
    UnsupportedError,
)
from pytest_qbench.backends.bit_rows import count_rows
from pytest_qbench.backends.memory import DENSITY
from pytest_qbench.backends.pennylane_scripts import script_parts
from pytest_qbench.circuits.gates import GATES
from pytest_qbench.circuits.program import Program

_GATES = frozenset(GATES) - {"cu", "dcx", "r", "rccx", "xx_minus_yy", "xx_plus_yy"}
"""PennyLane has no operation for the others."""

_UNITARY_QUBITS = 8

_MCM_METHODS = ("auto", "deferred", "tree-traversal", "one-shot")

_MAX_DEFERRED_WIRES = 18
"""Up to so many wires in all, deferring measurements takes less time than following branches."""

_MAX_MIXED_WIRES = 10
"""What PennyLane applies to a density matrix of more wires takes seconds a gate; it is as far as noise is verified."""


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A program for the device.

    ``preprocess`` is what the device has to do to the script when the number of shots is known; None where it is done.
    ``generator`` is the device's source of random numbers, ``columns`` are the classical bits of the columns of
    samples.
    """

    device: Any
    script: Any
    config: Any
    preprocess: Callable[[list[Any]], tuple[Any, Callable[[Any], Any]]] | None
    generator: Any
    columns: tuple[int, ...]
    n_clbits: int


@dataclass(frozen=True, slots=True, eq=False)
class Sampled:
    """What the device returned, and the program it is of."""

    samples: Any
    prepared: Prepared


class PennylaneBackend(Backend):
    """A PennyLane device, without a QNode around it: ``device.execute`` of a ``QuantumScript`` with shots.

    The script goes through the device's preprocessing once. Samples are what is asked for: counts would be made of
    them, shot by shot. Wire ``n - 1 - q`` is qubit q, so that the first wire is the most significant bit.

    Mid-circuit measurements are ``qml.measure`` and conditions ``qml.cond``. With ``deferred`` each measurement and
    reset takes a further wire, with ``tree-traversal`` the device follows every branch that some shot takes, with
    ``one-shot`` it starts anew for each shot. ``auto`` is ``deferred`` while there are few wires, else
    ``tree-traversal``.
    """

    options: ClassVar[Mapping[str, Option]] = {
        "mcm_method": Option(
            "auto", "how measurements in the middle are simulated; the one used is recorded", choices=_MCM_METHODS
        ),
    }
    packages: ClassVar[tuple[str, ...]] = ("pennylane",)
    """The packages whose versions matter, the simulator first."""
    device_kind: ClassVar[str] = "CPU"
    """What rows call the device."""
    gates: ClassVar[frozenset[str]] = _GATES
    """The gates that it is given as they are."""
    state: ClassVar[str] = "statevector"
    """What it keeps."""
    noise: ClassVar[bool] = False
    """Whether it has channels."""
    max_qubits: ClassVar[int | None] = None
    """The most wires that it is given, those of deferred measurements too; None where only memory bounds them."""

    def __init__(self, options: Mapping[str, Any], threads: int) -> None:
        self._options = options
        self._threads = threads
        self._method = self.state
        try:
            import pennylane as qml
        except ImportError as error:
            raise UnavailableError(f"PennyLane can't be imported: {error}", self.install) from error
        try:
            self.open(1, None)
        except (qml.exceptions.DeviceError, ImportError, RuntimeError, ValueError) as error:
            raise UnavailableError(f"PennyLane can't open {self.name}: {error}", self.install) from error

    def open(self, n_wires: int, generator: Any) -> Any:
        """The device, with random numbers from the NumPy ``generator``."""
        import pennylane as qml

        return qml.device(self.name, wires=n_wires, seed=generator)

    def used_threads(self) -> int:
        """The number of CPU threads that the device uses at most."""
        return self._threads

    def capabilities(self) -> Capabilities:
        """PennyLane's gates; the device decomposes those that it doesn't take."""
        return Capabilities(
            gates=self.gates,
            unitary_qubits=_UNITARY_QUBITS,
            dynamic=True,
            noise=self.noise,
            max_qubits=self.max_qubits,
            precisions=self.options["precision"].choices if "precision" in self.options else ("double",),
            devices=(self.device_kind,),
        )

    def describe(self) -> Description:
        """Versions, precision, threads, and how the measurements in the middle of the last circuit were simulated."""
        versions = {package: found for package in self.packages if (found := _version(package))}
        return Description(
            version=next(iter(versions.values())),
            versions=versions,
            device=self.device_kind,
            precision=self._options.get("precision", "double"),
            method=self._method,
            threads=self.used_threads(),
        )

    def prepare(self, program: Program) -> Prepared:
        """Build the script and have the device preprocess it.

        Raises:
            UnsupportedError: it has a measurement, a reset or noise inside a conditional block, a readout error of a
                measurement in the middle, or too many of those for the device to defer.
        """
        import numpy as np
        import pennylane as qml
        from pennylane.devices import ExecutionConfig, MCMConfig

        parts = script_parts(program)
        method = self._options.get("mcm_method", "deferred")
        n_deferred = program.n_qubits + parts.n_collapses
        if self.max_qubits is not None and n_deferred > self.max_qubits:
            raise UnsupportedError(
                f"{parts.n_collapses} measurements or resets in the middle, which take a wire each: {n_deferred} in "
                f"all, at most {self.max_qubits}"
            )
        if method == "auto":
            method = "deferred" if n_deferred <= _MAX_DEFERRED_WIRES else "tree-traversal"
        self._method = f"{self.state} ({method})" if program.is_dynamic else self.state

        generator = np.random.default_rng()
        device = self.open(n_deferred if method == "deferred" else program.n_qubits, generator)
        script = qml.tape.QuantumScript(parts.operations, parts.measurements, shots=1)
        config = device.setup_execution_config(ExecutionConfig(mcm_config=MCMConfig(mcm_method=method)), script)
        preprocess = device.preprocess_transforms(config)
        if not (method == "one-shot" and program.is_dynamic):
            (script,), _ = preprocess([script])
            preprocess = None
        return Prepared(device, script, config, preprocess, generator, parts.columns, program.n_clbits)

    def run(self, prepared: Prepared, shots: int, seed: int) -> Sampled:
        """One execution of the device."""
        import numpy as np

        prepared.generator.bit_generator.state = np.random.PCG64(seed).state
        script = prepared.script.copy(shots=shots)
        if prepared.preprocess is None:
            (samples,) = prepared.device.execute([script], prepared.config)
        else:
            scripts, postprocess = prepared.preprocess([script])
            (samples,) = postprocess(prepared.device.execute(scripts, prepared.config))
        return Sampled(samples, prepared)

    def counts(self, result: Sampled) -> Mapping[str, int]:
        """The rows of the samples, counted."""
        import numpy as np

        columns, n_clbits = result.prepared.columns, result.prepared.n_clbits
        parts = result.samples if isinstance(result.samples, tuple) else (result.samples,)
        samples = np.concatenate([np.reshape(part, (len(part), -1)) for part in parts], axis=1)
        rows = np.zeros((len(samples), n_clbits), np.uint8)
        rows[:, [n_clbits - 1 - clbit for clbit in columns]] = samples[:, : len(columns)]
        return count_rows(rows)


class DefaultQubitBackend(PennylaneBackend):
    """default.qubit, in Python with NumPy. It has double precision only."""

    name: ClassVar[str] = "default.qubit"
    install: ClassVar[str] = "pip install pennylane"
    # It would make a matrix of 2**n rows of a phase with controls, but has a kernel of its own for X with controls.
    gates: ClassVar[frozenset[str]] = _GATES - {"mcphase"}


class DefaultMixedBackend(PennylaneBackend):
    """default.mixed, in Python with NumPy: density matrices, and noise. It has double precision only.

    It has no other way than to defer measurements in the middle.
    """

    name: ClassVar[str] = "default.mixed"
    install: ClassVar[str] = "pip install pennylane"
    options: ClassVar[Mapping[str, Option]] = {}
    gates: ClassVar[frozenset[str]] = DefaultQubitBackend.gates
    state: ClassVar[str] = "density_matrix"
    memory: ClassVar[str] = DENSITY
    noise: ClassVar[bool] = True
    max_qubits: ClassVar[int | None] = _MAX_MIXED_WIRES


class _LightningBackend(PennylaneBackend):
    """What the lightning devices have in common: the precision can be chosen."""

    # They would take 15 gates for ccz.
    gates: ClassVar[frozenset[str]] = _GATES - {"ccz"}
    options: ClassVar[Mapping[str, Option]] = {
        **PennylaneBackend.options,
        "precision": Option("double", "precision of the state", choices=("double", "single")),
    }

    def open(self, n_wires: int, generator: Any) -> Any:
        """The device, with states of the chosen precision."""
        import numpy as np
        import pennylane as qml

        c_dtype = np.complex128 if self._options["precision"] == "double" else np.complex64
        return qml.device(self.name, wires=n_wires, seed=generator, c_dtype=c_dtype, **self.arguments())

    def arguments(self) -> Mapping[str, Any]:
        """Further arguments of the device."""
        return {}


class LightningQubitBackend(_LightningBackend):
    """lightning.qubit, in C++. It applies gates and samples in one thread."""

    name: ClassVar[str] = "lightning.qubit"
    install: ClassVar[str] = "pip install pennylane-lightning"
    packages: ClassVar[tuple[str, ...]] = ("pennylane-lightning", "pennylane")

    def used_threads(self) -> int:
        """Always one: the wheels on PyPI have no OpenMP in the kernels of gates."""
        return 1


class LightningGpuBackend(_LightningBackend):
    """lightning.gpu, with NVIDIA's cuStateVec."""

    name: ClassVar[str] = "lightning.gpu"
    install: ClassVar[str] = "pip install pennylane-lightning-gpu"
    packages: ClassVar[tuple[str, ...]] = ("pennylane-lightning-gpu", "pennylane-lightning", "pennylane")
    device_kind: ClassVar[str] = "GPU"


class LightningKokkosBackend(_LightningBackend):
    """lightning.kokkos, with Kokkos's OpenMP threads in the wheels that PyPI has."""

    name: ClassVar[str] = "lightning.kokkos"
    install: ClassVar[str] = "pip install pennylane-lightning-kokkos"
    packages: ClassVar[tuple[str, ...]] = ("pennylane-lightning-kokkos", "pennylane-lightning", "pennylane")

    def arguments(self) -> Mapping[str, Any]:
        """Kokkos's own number of threads."""
        from pennylane_lightning.lightning_kokkos_ops import InitializationSettings

        return {"kokkos_args": InitializationSettings().set_num_threads(self._threads)}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
