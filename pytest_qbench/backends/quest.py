"""QuEST, through pyquest.

pyquest's wheels are built for numpy 1 and can't be imported beside numpy 2: ``python -m pytest_qbench env quest`` makes
an environment of its own, which ``quest[python=PATH]`` then uses.
"""

from __future__ import annotations

import ctypes
import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from pytest_qbench.backends.base import Backend, Capabilities, Description, Option, UnavailableError
from pytest_qbench.backends.outcomes import bit_strings, has_late_noise, misread, readout_errors
from pytest_qbench.backends.shot_by_shot import DynamicProgram, prepare_dynamic
from pytest_qbench.circuits.gates import GATES, control_form, gate_matrix
from pytest_qbench.circuits.program import (
    AMPLITUDE_DAMPING,
    DEPOLARIZING,
    PHASE_DAMPING,
    Instruction,
    Program,
)

_ANY = math.inf
_FIXED = {
    "x": ("X", 1),
    "y": ("Y", 1),
    "z": ("Z", _ANY),
    "h": ("H", 0),
    "s": ("S", 0),
    "t": ("T", 0),
    "swap": ("Swap", 0),
}
"""pyquest's class of a gate without parameters, and how many controls it takes."""
_ANGLED = {"rx": ("Rx", 1), "ry": ("Ry", 1), "rz": ("Rz", 1), "p": ("Phase", _ANY), "u1": ("Phase", _ANY)}
"""The same of gates with an angle. All others go by their matrix, with any number of controls."""

_UNITARY_QUBITS = 8
_PRECISIONS = {1: "single", 2: "double", 4: "quad"}
"""By pyquest's number; it is settled when QuEST is built."""


class QuestBackend(Backend):
    """QuEST's state vector, or its density matrix.

    Shots are drawn from the probabilities of the measured qubits, which QuEST sums up in one pass. A dynamic program
    runs shot by shot, and QuEST draws the outcomes of its measurements.
    """

    name: ClassVar[str] = "quest"
    install: ClassVar[str] = "python -m pytest_qbench env quest"
    options: ClassVar[Mapping[str, Option]] = {
        "method": Option("statevector", "form of the state", choices=("statevector", "density_matrix")),
    }

    def __init__(self, options: Mapping[str, Any], threads: int) -> None:
        # QuEST has no knob for its threads but OMP_NUM_THREADS, which the worker was started with.
        del threads
        try:
            import pyquest

            self._operators = _Operators()
            self._seed = _seeding(pyquest)
        except Exception as error:  # a ValueError beside numpy 2
            raise UnavailableError(f"pyquest can't be used: {error}", self.install) from error
        self._pyquest = pyquest
        self._method: str = options["method"]

    def capabilities(self) -> Capabilities:
        """Every standard gate and dynamic circuits; noise on a density matrix."""
        return Capabilities(
            gates=frozenset(GATES),
            unitary_qubits=_UNITARY_QUBITS,
            dynamic=True,
            noise=self._method == "density_matrix",
            precisions=(self._precision,),
            devices=(self._device,),
        )

    def describe(self) -> Description:
        """Versions, and what QuEST says of its precision, device and threads."""
        from importlib.metadata import version

        versions = {"pyquest": version("pyquest"), "numpy": version("numpy")}
        return Description(
            version=versions["pyquest"],
            versions=versions,
            device=self._device,
            precision=self._precision,
            method=self._method,
            threads=self._pyquest.env.num_threads,
        )

    def prepare(self, program: Program) -> Any:
        """Make the register and the operators."""
        if program.is_dynamic or has_late_noise(program):
            machine = _Machine(self._register(program), self._register(program))
            return _Dynamic(program, machine, prepare_dynamic(program, self._operators.circuit), self._seed)
        return _Static(program, self._register(program), self._operators.circuit(program.instructions))

    def run(self, prepared: Any, shots: int, seed: int) -> Any:
        """Evolve and draw; the outcomes as numbers."""
        return prepared.run(shots, seed)

    def counts(self, result: Any) -> Mapping[str, int]:
        """The outcomes as bit strings. Readout errors of a static program happen here: they are no work of QuEST."""
        return misread(bit_strings(result.outcomes, result.positions, result.n_clbits), result.errors, result.seed)

    def _register(self, program: Program) -> Any:
        return self._pyquest.Register(program.n_qubits, density_matrix=self._method == "density_matrix")

    @property
    def _precision(self) -> str:
        return _PRECISIONS[self._pyquest.env.precision]

    @property
    def _device(self) -> str:
        return "GPU" if self._pyquest.env.cuda else "CPU"


class _Operators:
    """Makes pyquest's operators of instructions."""

    def __init__(self) -> None:
        import numpy
        from pyquest import Circuit, decoherence, unitaries

        self._array = numpy.array
        self._circuit, self._decoherence, self._unitaries = Circuit, decoherence, unitaries

    def circuit(self, instructions: Sequence[Instruction]) -> Any:
        """The gates and the noise on qubits among ``instructions`` as a ``Circuit``."""
        channels = self._channels()
        operators = []
        for item in instructions:
            if item.name in channels:
                operators.append(channels[item.name](item.qubits, item.params[0]))
            elif item.is_gate and item.name != "id":
                operators.append(self._gate(item))
        return self._circuit(operators)

    def _gate(self, item: Instruction) -> Any:
        n_controls, base = control_form(item) or (0, item)
        controls = {"controls": list(item.qubits[:n_controls])} if n_controls else {}
        targets = list(base.qubits) if len(base.qubits) > 1 else base.qubits[0]
        name, most_controls = _FIXED.get(base.name) or _ANGLED.get(base.name, ("U", -1))
        if n_controls <= most_controls:
            return getattr(self._unitaries, name)(targets, *base.params, **controls)
        return self._unitaries.U(targets, self._array(gate_matrix(base)), **controls)

    def _channels(self) -> Mapping[str, Callable[[tuple[int, ...], float], Any]]:
        """QuEST's depolarizing leaves out the identity: a state is lost at 3/4 (15/16); its dephasing applies Z."""
        noise = self._decoherence
        return {
            DEPOLARIZING: lambda qubits, p: noise.Depolarising(list(qubits), p * (1 - 0.25 ** len(qubits))),
            AMPLITUDE_DAMPING: lambda qubits, gamma: noise.Damping(qubits[0], gamma),
            PHASE_DAMPING: lambda qubits, lam: noise.Dephasing(list(qubits), (1 - math.sqrt(1 - lam)) / 2),
        }


@dataclass(frozen=True, slots=True)
class _Outcomes:
    """Outcomes by number, where classical bits are in these, and the readout errors still to happen."""

    outcomes: Mapping[int, int]
    positions: Mapping[int, int]
    n_clbits: int
    errors: Sequence[Instruction]
    seed: int


class _Static:
    """A circuit that is sampled at its end."""

    def __init__(self, program: Program, register: Any, circuit: Any) -> None:
        from pyquest.initialisations import ZeroState

        self._program, self._register, self._circuit = program, register, circuit
        self._zero = ZeroState()
        self._qubits = list(program.measured_qubits.values())
        self._positions = {clbit: position for position, clbit in enumerate(program.measured_qubits)}
        self._errors = readout_errors(program)

    def run(self, shots: int, seed: int) -> _Outcomes:
        self._register.apply_operator(self._zero)
        self._register.apply_circuit(self._circuit)
        return _Outcomes(self._draw(shots, seed), self._positions, self._program.n_clbits, self._errors, seed)

    def _draw(self, shots: int, seed: int) -> Mapping[int, int]:
        import numpy as np

        if not self._qubits:
            return {0: shots}
        cumulative = np.cumsum(self._register.prob_of_all_outcomes(self._qubits))
        drawn = np.random.default_rng(seed).random(shots) * cumulative[-1]
        values, counts = np.unique(np.searchsorted(cumulative, drawn, side="right"), return_counts=True)
        return dict(zip(values.tolist(), counts.tolist(), strict=True))


class _Dynamic:
    """A program that is run shot by shot."""

    def __init__(
        self, program: Program, machine: _Machine, steps: DynamicProgram, set_seed: Callable[[int], None]
    ) -> None:
        self._program, self._machine, self._steps, self._set_seed = program, machine, steps, set_seed

    def run(self, shots: int, seed: int) -> _Outcomes:
        self._set_seed(seed)
        self._machine.random = random.Random(seed).random
        n_clbits = self._program.n_clbits
        outcomes = self._steps.run(self._machine, shots)
        return _Outcomes(outcomes, {clbit: clbit for clbit in range(n_clbits)}, n_clbits, (), seed)


class _Machine:
    """A register for the state of a shot, and one for the state that all shots start from."""

    random: Callable[[], float]

    def __init__(self, register: Any, first: Any) -> None:
        from pyquest.gates import M
        from pyquest.initialisations import ZeroState
        from pyquest.unitaries import X

        self._register, self._first = register, first
        self._zero = ZeroState()
        qubits = range(register.num_qubits)
        self._measure = [M(qubit) for qubit in qubits]
        self._flip = [X(qubit) for qubit in qubits]

    def start(self, gates: Any | None) -> None:
        self._first.apply_operator(self._zero)
        if gates is not None:
            self._first.apply_circuit(gates)

    def again(self) -> None:
        self._register.copy_from(self._first)

    def apply(self, gates: Any) -> None:
        self._register.apply_circuit(gates)

    def measure(self, qubit: int) -> int:
        outcome: int = self._register.apply_operator(self._measure[qubit])[0]
        return outcome

    def flip(self, qubit: int) -> None:
        self._register.apply_operator(self._flip[qubit])


def _seeding(pyquest: Any) -> Callable[[int], None]:
    """Sets the seed of QuEST's measurements: a function of QuEST's own interface that pyquest has no name for.

    Raises:
        OSError: pyquest has no library of QuEST beside it.
        AttributeError: that library has no such function.
    """
    paths = sorted(Path(pyquest.__file__).parent.glob("libQuEST.*"))
    if not paths:
        raise OSError("there is no libQuEST beside it")
    set_seed = ctypes.CDLL(str(paths[0])).seedQuEST
    set_seed.argtypes, set_seed.restype = (ctypes.c_void_p, ctypes.POINTER(ctypes.c_ulong), ctypes.c_int), None
    pointer_of = ctypes.pythonapi.PyCapsule_GetPointer
    pointer_of.argtypes, pointer_of.restype = (ctypes.py_object, ctypes.c_char_p), ctypes.c_void_p
    environment = pointer_of(pyquest.env.env_capsule, None)

    def seed(value: int) -> None:
        set_seed(environment, (ctypes.c_ulong * 1)(value), 1)

    return seed
