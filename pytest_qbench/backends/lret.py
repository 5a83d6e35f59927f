"""LRET, a low-rank simulator of density matrices: the executable ``quantum_sim``, which its users build themselves.

What the adapter expects of an executable:

- ``quantum_sim --version`` exits with status 0; the first number with a dot that it prints is its version.
- ``quantum_sim --input-json FILE --output-json FILE`` reads a circuit, simulates it and writes the results. It exits
  with status 0, or says on standard error why not.
- The input is ``{"circuit": {"num_qubits": n, "operations": [...], "observables": []}, "config": {...}}``. An operation
  has ``name``, ``wires`` and ``params``: one of :mod:`~pytest_qbench.backends.lret_circuits`'s gates, or ``KRAUS`` on
  one or two wires with ``kraus_operators``, each ``{"real": rows, "imag": rows}``, the first wire the most significant
  in a matrix. The configuration has ``shots``, ``epsilon``, ``initial_rank`` and ``num_threads``.
- The output has ``status`` (``"success"``) and ``samples``: a number for each shot, qubit 0 its least significant bit.

It draws its samples with a seed of its own, so that no run repeats itself.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

from pytest_qbench.backends.base import (
    Backend,
    Capabilities,
    Description,
    Option,
    UnavailableError,
    UnsupportedError,
)
from pytest_qbench.backends.lret_circuits import GATE_NAMES, operation
from pytest_qbench.backends.outcomes import bit_strings, has_late_noise, misread, readout_errors
from pytest_qbench.circuits.channels import ON_QUBITS
from pytest_qbench.circuits.program import Instruction, Program

_START_TIMEOUT = 20.0
"""Seconds for ``--version``: a sound build answers within milliseconds."""
_SAID = 500
"""Characters of what the executable said that go into an error."""


def _fraction(text: str) -> float:
    value = float(text)
    if not 0 <= value < 1:
        raise ValueError("must be at least 0 and less than 1")
    return value


class LretBackend(Backend):
    """Any build of LRET. A prepared program is the text of its circuit; each run is a process of its own.

    A pure state has rank 1, noise makes it grow; after each channel LRET drops what is less than ``epsilon`` of the
    trace. ``epsilon`` is part of what the row calls the method.
    """

    name: ClassVar[str] = "lret"
    install: ClassVar[str] = ""
    variable: ClassVar[str] = "LRET_EXECUTABLE"
    """The environment variable with the path of the executable."""
    on_path: ClassVar[bool] = True
    """Whether a ``quantum_sim`` on the PATH will do where no path is given."""
    options: ClassVar[Mapping[str, Option]] = {
        "executable": Option(None, "path of the executable quantum_sim, instead of that in the environment"),
        "epsilon": Option(1e-4, "part of the trace under which an eigenvalue is dropped", _fraction),
    }

    def __init__(self, options: Mapping[str, Any], threads: int) -> None:
        self._executable = self._find(options["executable"])
        self._epsilon: float = options["epsilon"]
        self._threads = threads
        self._version = _version(self._executable)
        self._digest = hashlib.sha256(self._executable.read_bytes()).hexdigest()[:16]
        self._folder = TemporaryDirectory(prefix="pytest-qbench-lret-")
        folder = Path(self._folder.name)
        self._input, self._output = folder / "circuit.json", folder / "result.json"

    def capabilities(self) -> Capabilities:
        """Its gates, any matrix on one or two qubits (as a channel with one operator), and noise."""
        return Capabilities(gates=frozenset(GATE_NAMES), unitary_qubits=2, noise=True)

    def describe(self) -> Description:
        """The version that the executable prints, and what tells apart builds that print the same."""
        return Description(
            version=self._version,
            versions={"quantum_sim": self._version, "executable": str(self._executable), "sha256": self._digest},
            method=f"low-rank, epsilon {self._epsilon:g}",
            threads=self._threads,
        )

    def prepare(self, program: Program) -> Any:
        """Write the circuit as JSON text.

        Raises:
            UnsupportedError: noise comes after the measurement of its qubit.
        """
        if has_late_noise(program):
            raise UnsupportedError("noise after the measurement of its qubit")
        operations = [operation(item) for item in program.instructions if item.is_gate or item.name in ON_QUBITS]
        circuit = {"num_qubits": program.n_qubits, "operations": operations, "observables": []}
        return _Prepared(program, json.dumps(circuit), readout_errors(program))

    def run(self, prepared: Any, shots: int, seed: int) -> Any:
        """Run the executable once.

        Raises:
            RuntimeError: it failed; with what it said.
        """
        config = {"shots": shots, "epsilon": self._epsilon, "initial_rank": 1, "num_threads": self._threads}
        self._input.write_text(f'{{"circuit": {prepared.circuit}, "config": {json.dumps(config)}}}')
        self._output.unlink(missing_ok=True)
        command = [str(self._executable), "--input-json", str(self._input), "--output-json", str(self._output)]
        # Builds that do not read num_threads go by OpenMP's variable.
        environment = os.environ | {"OMP_NUM_THREADS": str(self._threads)}
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", env=environment, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{self._executable.name} {_ending(done)}")
        try:
            return _Result(prepared, self._output.read_text(), seed)
        except FileNotFoundError:
            raise RuntimeError(f"{self._executable.name} exited with status 0 and wrote no output") from None

    def counts(self, result: Any) -> Mapping[str, int]:
        """The samples of the output as bit strings. Readout errors happen here: LRET has none.

        Raises:
            RuntimeError: the output is not what was agreed on.
        """
        try:
            output = json.loads(result.output)
            status, samples = output["status"], output["samples"] or []
            outcomes = Counter(map(int, samples))
        except (ValueError, TypeError, KeyError) as error:
            raise RuntimeError(f"the output of {self._executable.name} can't be read: {error!r}") from error
        if status != "success":
            raise RuntimeError(f"{self._executable.name} ended with status {status!r}")
        program = result.prepared.program
        counts = bit_strings(outcomes, program.measured_qubits, program.n_clbits)
        return misread(counts, result.prepared.errors, result.seed)

    def close(self) -> None:
        """Remove the files."""
        self._folder.cleanup()

    @classmethod
    def _find(cls, given: str | None) -> Path:
        """The executable: as given, from the environment, or on the PATH."""
        said = given or os.environ.get(cls.variable)
        if not said:
            found = shutil.which("quantum_sim") if cls.on_path else None
            if found is None:
                where = ", and no quantum_sim is on the PATH" if cls.on_path else ""
                raise UnavailableError(
                    f"no executable: ${cls.variable} is not set{where}; build LRET, then set it or write "
                    f"{cls.name}[executable=PATH]"
                )
            return Path(found)
        origin = "executable=" if given else f"${cls.variable}: "
        path = Path(said).expanduser().absolute()
        if not path.is_file():
            raise UnavailableError(f"{origin}{said}: there is no such file")
        if not os.access(path, os.X_OK):
            raise UnavailableError(f"{origin}{said}: it is not executable")
        return path


class LretPhase7Backend(LretBackend):
    """The build that ``LRET_PHASE7`` names."""

    name: ClassVar[str] = "lret-phase7"
    variable: ClassVar[str] = "LRET_PHASE7"
    on_path: ClassVar[bool] = False


class LretCirqScalabilityBackend(LretBackend):
    """The build that ``LRET_CIRQ_SCALABILITY`` names."""

    name: ClassVar[str] = "lret-cirq-scalability"
    variable: ClassVar[str] = "LRET_CIRQ_SCALABILITY"
    on_path: ClassVar[bool] = False


class LretPennylaneBackend(LretBackend):
    """The build that ``LRET_PENNYLANE`` names."""

    name: ClassVar[str] = "lret-pennylane"
    variable: ClassVar[str] = "LRET_PENNYLANE"
    on_path: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class _Prepared:
    program: Program
    circuit: str
    errors: Sequence[Instruction]


@dataclass(frozen=True, slots=True)
class _Result:
    prepared: _Prepared
    output: str
    seed: int


def _version(executable: Path) -> str:
    """What ``--version`` prints.

    Raises:
        UnavailableError: it can't be run.
    """
    try:
        done = subprocess.run(
            [executable, "--version"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_START_TIMEOUT,
            check=False,
        )
    except OSError as error:
        raise UnavailableError(f"{executable} can't be run: {error.strerror or error}") from error
    except subprocess.TimeoutExpired as error:
        raise UnavailableError(f"{executable} --version took more than {_START_TIMEOUT:g} s") from error
    if done.returncode != 0:
        raise UnavailableError(f"{executable} --version {_ending(done)}")
    number = re.search(r"\d+(\.\d+)+", done.stdout)
    return number[0] if number else "unknown"


def _ending(done: subprocess.CompletedProcess[str]) -> str:
    """How a process failed, and the last that it said."""
    how = f"was killed by signal {-done.returncode}" if done.returncode < 0 else f"exited with status {done.returncode}"
    said = (done.stderr.strip() or done.stdout.strip()).replace("\n", " ")[-_SAID:]
    return f"{how}: {said}" if said else how
