"""NVIDIA's cuStateVec: a state vector on a GPU, one library call for each gate.

The state is a torch tensor, handed over by pointer; the library has no memory of its own.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from pytest_qbench.backends.base import Backend, Capabilities, Description, Option, UnavailableError
from pytest_qbench.backends.native import NativeBackend
from pytest_qbench.backends.outcomes import bit_strings
from pytest_qbench.backends.shot_by_shot import DynamicProgram, prepare_dynamic
from pytest_qbench.circuits.gates import GATES, control_form, gate_matrix
from pytest_qbench.circuits.program import Instruction, Matrix, Program

if TYPE_CHECKING:
    import torch

# Values of cudaDataType_t and custatevecComputeType_t; where the bindings keep these enums depends on their version.
_CUDA_C_32F, _CUDA_C_64F = 4, 5
_COMPUTE_32F, _COMPUTE_64F = 1 << 2, 1 << 4

_UNITARY_QUBITS = 8


class CustatevecBackend(Backend):
    """cuStateVec, gate by gate and without fusion: what the library itself takes for a circuit.

    Shots are drawn by its sampler, from random numbers made with the seed. A dynamic program runs shot by shot.
    """

    name: ClassVar[str] = "custatevec"
    install: ClassVar[str] = "pip install 'pytest-qbench[native]' cuquantum-python-cu12"
    options: ClassVar[Mapping[str, Option]] = {
        "precision": Option("double", "precision of the state", choices=("double", "single")),
    }

    def __init__(self, options: Mapping[str, Any], threads: int) -> None:
        try:
            # The device first: without a driver the library must not be touched.
            self._torch = NativeBackend({"device": "cuda", "precision": options["precision"]}, threads)
        except UnavailableError as error:
            raise UnavailableError(f"cuStateVec runs on NVIDIA GPUs: {error.reason}", error.install) from error
        try:
            import cuquantum
            from cuquantum.bindings import custatevec

            # The bindings load the library at the first call.
            handle: int = custatevec.create()
        except Exception as error:  # what the bindings raise for a library that is missing depends on the version
            raise UnavailableError(f"cuStateVec can't be used: {error}", self.install) from error
        self._version: str = cuquantum.__version__
        self._library = _Library(custatevec, handle, options["precision"] == "double")

    def capabilities(self) -> Capabilities:
        """Every standard gate, controls as controls; dynamic circuits; as many qubits as fit into the GPU's memory."""
        return Capabilities(
            gates=frozenset(GATES),
            unitary_qubits=_UNITARY_QUBITS,
            dynamic=True,
            precisions=("double", "single"),
            devices=("GPU",),
        )

    def describe(self) -> Description:
        """Versions of the bindings, the library and torch; the device."""
        base = self._torch.describe()
        versions = {
            "cuquantum": self._version,
            "custatevec": str(self._library.bindings.get_version()),
            "torch": base.versions["torch"],
        }
        return replace(base, version=self._version, versions=versions)

    def prepare(self, program: Program) -> Any:
        """Allocate the state and put all matrices on the device."""
        if not program.is_dynamic:
            return _Static(program, State(self._library, program.n_qubits))
        state, first = (State(self._library, program.n_qubits) for _ in range(2))
        return _Dynamic(program, _Machine(state, first))

    def run(self, prepared: Any, shots: int, seed: int) -> Any:
        """Evolve and draw; the outcomes are on the host, so that no work is left to wait for."""
        return prepared.run(shots, seed)

    def counts(self, result: Any) -> Mapping[str, int]:
        """The outcomes as bit strings."""
        return bit_strings(result.outcomes, result.positions, result.n_clbits)

    def synchronize(self) -> None:
        """Wait for the device."""
        self._torch.synchronize()

    def device_peak_bytes(self) -> int | None:
        """The peak of torch's allocations: the state, the matrices and the library's workspace."""
        return self._torch.device_peak_bytes()

    def close(self) -> None:
        """Drop the library's handle."""
        self._library.bindings.destroy(self._library.handle)


@dataclass(frozen=True, slots=True)
class PlannedGate:
    """``matrix`` on ``targets`` (the first is the least significant) where all ``controls`` are 1."""

    targets: tuple[int, ...]
    controls: tuple[int, ...]
    matrix: Matrix


def plan_gates(instructions: Sequence[Instruction]) -> list[PlannedGate]:
    """The gates among ``instructions`` (the rest is left out), with controls apart from what they control."""
    gates = []
    for item in instructions:
        if item.is_gate and item.name != "id":
            n_controls, base = control_form(item) or (0, item)
            gates.append(PlannedGate(base.qubits, item.qubits[:n_controls], gate_matrix(base)))
    return gates


class _Library:
    """The bindings with a handle and a precision."""

    def __init__(self, bindings: Any, handle: int, double: bool) -> None:
        import torch

        self.bindings, self.handle = bindings, handle
        self.dtype = torch.complex128 if double else torch.complex64
        self.data_type = _CUDA_C_64F if double else _CUDA_C_32F
        self.compute_type = _COMPUTE_64F if double else _COMPUTE_32F
        self.row_layout = int(bindings.MatrixLayout.ROW)
        self.workspace = torch.empty(0, dtype=torch.uint8, device="cuda")
        bindings.set_stream(handle, torch.cuda.current_stream().cuda_stream)

    def reserve(self, size: int) -> None:
        """Make room for a workspace of so many bytes."""
        if size > len(self.workspace):
            self.workspace = self.workspace.new_empty(size)


@dataclass(frozen=True, slots=True)
class _Gates:
    """Planned gates with the pointers of their matrices, which ``memory`` keeps."""

    gates: Sequence[tuple[PlannedGate, int]]
    memory: torch.Tensor


class State:
    """A state vector on the device."""

    def __init__(self, library: _Library, n_qubits: int) -> None:
        import torch

        self._library, self._n_qubits = library, n_qubits
        self.amplitudes = torch.empty(1 << n_qubits, dtype=library.dtype, device="cuda")
        self._vector = (self.amplitudes.data_ptr(), library.data_type, n_qubits)
        self._bit = torch.empty(1, dtype=torch.int32)

    def upload(self, instructions: Sequence[Instruction]) -> _Gates:
        """Put the matrices of gates on the device, and make room for the largest workspace that they need."""
        import torch

        library = self._library
        planned = plan_gates(instructions)
        entries = [entry for gate in planned for row in gate.matrix for entry in row]
        memory = torch.tensor(entries, dtype=library.dtype).cuda()
        pointer, gates = memory.data_ptr(), []
        for gate in planned:
            library.reserve(
                library.bindings.apply_matrix_get_workspace_size(
                    library.handle, library.data_type, self._n_qubits, pointer, library.data_type, library.row_layout,
                    0, len(gate.targets), len(gate.controls), library.compute_type,
                )
            )  # fmt: skip
            gates.append((gate, pointer))
            pointer += len(gate.matrix) ** 2 * memory.element_size()
        return _Gates(gates, memory)

    def clear(self) -> None:
        """All zeros."""
        bindings = self._library.bindings
        bindings.initialize_state_vector(self._library.handle, *self._vector, int(bindings.StateVectorType.ZERO))

    def apply(self, gates: _Gates) -> None:
        """Apply gates in place."""
        library = self._library
        apply_matrix, workspace = library.bindings.apply_matrix, library.workspace
        for gate, pointer in gates.gates:
            apply_matrix(
                library.handle, *self._vector, pointer, library.data_type, library.row_layout,
                0,  # not the adjoint
                list(gate.targets), len(gate.targets), list(gate.controls),
                0,  # all controls 1
                len(gate.controls), library.compute_type, workspace.data_ptr(), len(workspace),
            )  # fmt: skip

    def sample(self, qubits: Sequence[int], shots: int, seed: int) -> Counter[int]:
        """Draw shots of ``qubits``, the first the least significant."""
        import torch

        library, bindings = self._library, self._library.bindings
        drawn = torch.rand(shots, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
        outcomes = torch.empty(shots, dtype=torch.int64)
        sampler, needed = bindings.sampler_create(library.handle, *self._vector, shots)
        try:
            library.reserve(needed)
            workspace = library.workspace
            bindings.sampler_preprocess(library.handle, sampler, workspace.data_ptr(), len(workspace))
            bindings.sampler_sample(
                library.handle, sampler, outcomes.data_ptr(), list(qubits), len(qubits), drawn.data_ptr(), shots,
                int(bindings.SamplerOutput.ASCENDING_ORDER),
            )  # fmt: skip
        finally:
            bindings.sampler_destroy(sampler)
        return Counter(outcomes.tolist())

    def measure(self, qubit: int, drawn: float) -> int:
        """Measure ``qubit`` with the random number ``drawn`` and collapse the state."""
        library, bindings = self._library, self._library.bindings
        collapse = int(bindings.Collapse.NORMALIZE_AND_ZERO)
        bindings.batch_measure(library.handle, *self._vector, self._bit.data_ptr(), [qubit], 1, drawn, collapse)
        return int(self._bit.item())


@dataclass(frozen=True, slots=True)
class _Outcomes:
    outcomes: Mapping[int, int]
    positions: Mapping[int, int]
    n_clbits: int


class _Static:
    """A circuit that is sampled at its end."""

    def __init__(self, program: Program, state: State) -> None:
        self._program, self._state = program, state
        self._gates = state.upload(program.instructions)

    def run(self, shots: int, seed: int) -> _Outcomes:
        measured = self._program.measured_qubits
        self._state.clear()
        self._state.apply(self._gates)
        outcomes: Mapping[int, int] = {0: shots}
        if measured:
            outcomes = self._state.sample(list(measured.values()), shots, seed)
        positions = {clbit: position for position, clbit in enumerate(measured)}
        return _Outcomes(outcomes, positions, self._program.n_clbits)


class _Dynamic:
    """A program that is run shot by shot."""

    def __init__(self, program: Program, machine: _Machine) -> None:
        self._program, self._machine = program, machine
        self._steps: DynamicProgram = prepare_dynamic(program, machine.upload)

    def run(self, shots: int, seed: int) -> _Outcomes:
        self._machine.random = random.Random(seed).random
        n_clbits = self._program.n_clbits
        outcomes = self._steps.run(self._machine, shots)
        return _Outcomes(outcomes, {clbit: clbit for clbit in range(n_clbits)}, n_clbits)


class _Machine:
    """The state of a shot, and the state that all shots start from."""

    random: Callable[[], float]

    def __init__(self, state: State, first: State) -> None:
        self._state, self._first = state, first
        self._flips: dict[int, _Gates] = {}

    def upload(self, instructions: Sequence[Instruction]) -> _Gates:
        """Gates for either state."""
        return self._state.upload(instructions)

    def start(self, gates: Any | None) -> None:
        self._first.clear()
        if gates is not None:
            self._first.apply(gates)

    def again(self) -> None:
        self._state.amplitudes.copy_(self._first.amplitudes)

    def apply(self, gates: Any) -> None:
        self._state.apply(gates)

    def measure(self, qubit: int) -> int:
        return self._state.measure(qubit, self.random())

    def flip(self, qubit: int) -> None:
        if qubit not in self._flips:
            self._flips[qubit] = self._state.upload([Instruction("x", (qubit,))])
        self._state.apply(self._flips[qubit])
