"""The neutral instruction form that every adapter reads.

A :class:`Program` says what a circuit does without any simulator's types, and is made of nothing but the
standard library, so that a worker under any Python interpreter can read it.

Conventions follow Qiskit: qubit 0 and classical bit 0 are the least significant (rightmost in a bit string),
and a gate's matrix is little-endian in its own qubits (``qubits[0]`` is the least significant index bit).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

Matrix = tuple[tuple[complex, ...], ...]
"""A square matrix as nested rows; ``2**k`` rows for a gate on k qubits."""

MEASURE = "measure"
RESET = "reset"
IF_ELSE = "if_else"
UNITARY = "unitary"
DEPOLARIZING = "depolarizing"
AMPLITUDE_DAMPING = "amplitude_damping"
PHASE_DAMPING = "phase_damping"
READOUT_ERROR = "readout_error"
CHANNELS = frozenset({DEPOLARIZING, AMPLITUDE_DAMPING, PHASE_DAMPING, READOUT_ERROR})
"""Instructions that are noise: what a device does to its qubits and outcomes besides what it was told to."""
NON_GATES = frozenset({MEASURE, RESET, IF_ELSE}) | CHANNELS
"""Instructions that are not unitary gates."""


@dataclass(frozen=True, slots=True)
class Condition:
    """True when the listed classical bits, read as a number, take one of ``values``.

    ``clbits[0]`` is the least significant bit of that number. Any boolean expression over few classical bits
    has this form, so adapters need to know only one kind of condition.
    """

    clbits: tuple[int, ...]
    values: frozenset[int]

    def holds(self, memory: int) -> bool:
        """Whether the condition holds for the classical memory ``memory`` (bit i is classical bit i)."""
        value = 0
        for position, clbit in enumerate(self.clbits):
            value |= (memory >> clbit & 1) << position
        return value in self.values


@dataclass(frozen=True, slots=True)
class Instruction:
    """One step of a program.

    ``name`` is Qiskit's name of a standard gate (``circuits.gates.GATES``), or one of ``unitary`` (with
    ``matrix``), ``measure`` (qubit i into clbit i), ``reset`` and ``if_else`` (with ``condition`` and
    ``blocks``: what to do when it holds, and what otherwise; either may be empty), or a noise channel:

    - ``depolarizing`` with probability p, on k = 1 or 2 qubits: rho -> (1 - p) rho + p I / 2**k, so that p = 1 leaves
      nothing of the state;
    - ``amplitude_damping`` with gamma, on one qubit: the Kraus operators diag(1, sqrt(1 - gamma)) and
      sqrt(gamma) |0><1|;
    - ``phase_damping`` with lambda, on one qubit: the Kraus operators diag(1, sqrt(1 - lambda)) and
      diag(0, sqrt(lambda));
    - ``readout_error`` with p(1|0) and p(0|1), on one classical bit: a bit that is 0 becomes 1 with probability
      p(1|0), one that is 1 becomes 0 with probability p(0|1). It comes after the measurement that writes the bit.
    """

    name: str
    qubits: tuple[int, ...] = ()
    params: tuple[float, ...] = ()
    clbits: tuple[int, ...] = ()
    matrix: Matrix | None = None
    condition: Condition | None = None
    blocks: tuple[tuple[Instruction, ...], ...] = ()

    @property
    def is_gate(self) -> bool:
        """Whether this is a unitary gate."""
        return self.name not in NON_GATES

    def to_json(self) -> list[Any]:
        """A JSON value that :meth:`from_json` turns back into an equal instruction."""
        value: list[Any] = [self.name, list(self.qubits), list(self.params), list(self.clbits)]
        extra: dict[str, Any] = {}
        if self.matrix is not None:
            extra["matrix"] = [[[entry.real, entry.imag] for entry in row] for row in self.matrix]
        if self.condition is not None:
            extra["condition"] = [list(self.condition.clbits), sorted(self.condition.values)]
        if self.blocks:
            extra["blocks"] = [[inner.to_json() for inner in block] for block in self.blocks]
        if extra:
            value.append(extra)
        return value

    @classmethod
    def from_json(cls, value: list[Any]) -> Instruction:
        """The inverse of :meth:`to_json`."""
        name, qubits, params, clbits, *rest = value
        extra = rest[0] if rest else {}
        matrix = condition = None
        if "matrix" in extra:
            matrix = tuple(tuple(complex(re, im) for re, im in row) for row in extra["matrix"])
        if "condition" in extra:
            condition = Condition(tuple(extra["condition"][0]), frozenset(extra["condition"][1]))
        blocks = tuple(tuple(cls.from_json(inner) for inner in block) for block in extra.get("blocks", ()))
        return cls(name, tuple(qubits), tuple(params), tuple(clbits), matrix, condition, blocks)


@dataclass(frozen=True)
class Program:
    """A circuit: so many qubits and classical bits, and the instructions in order."""

    n_qubits: int
    n_clbits: int
    instructions: tuple[Instruction, ...]
    name: str = field(default="program", compare=False)

    @cached_property
    def is_dynamic(self) -> bool:
        """Whether a run needs more than one evolution and one sampling at the end.

        So it is when a qubit is reset, something depends on a classical bit, or a qubit or classical bit is
        used again after the qubit was measured. Noise is no use: a circuit is as dynamic with it as without.
        """
        measured: set[int] = set()
        written: set[int] = set()
        for instruction in self.instructions:
            if instruction.name in CHANNELS:
                continue
            if instruction.name in (RESET, IF_ELSE) or not measured.isdisjoint(instruction.qubits):
                return True
            if instruction.name == MEASURE:
                if not written.isdisjoint(instruction.clbits):
                    return True
                measured.update(instruction.qubits)
                written.update(instruction.clbits)
        return False

    @property
    def kind(self) -> str:
        """``"dynamic"`` or ``"static"``, as in the JSONL row."""
        return "dynamic" if self.is_dynamic else "static"

    @cached_property
    def measured_qubits(self) -> dict[int, int]:
        """Of a static program: classical bit -> the qubit measured into it."""
        return {
            clbit: qubit
            for instruction in self.instructions
            if instruction.name == MEASURE
            for qubit, clbit in zip(instruction.qubits, instruction.clbits, strict=True)
        }

    @cached_property
    def n_ops(self) -> int:
        """The number of instructions, those inside blocks included; noise is none."""
        return sum(1 for instruction in self.walk() if instruction.name != IF_ELSE and instruction.name not in CHANNELS)

    @cached_property
    def has_measurements(self) -> bool:
        """Whether anything is measured at all."""
        return any(instruction.name == MEASURE for instruction in self.walk())

    @cached_property
    def is_noisy(self) -> bool:
        """Whether it has a noise channel anywhere."""
        return any(instruction.name in CHANNELS for instruction in self.walk())

    def walk(self) -> Iterator[Instruction]:
        """All instructions, those inside blocks after the one that holds them."""
        return _walk(self.instructions)

    @cached_property
    def hash(self) -> str:
        """SHA-256 of what the program does, equal on every machine (its name does not count).

        Parameters and matrix entries count to 12 significant digits: the last bits of a sine differ between
        C libraries.
        """
        digest = hashlib.sha256(f"{self.n_qubits} {self.n_clbits}\n".encode())
        for instruction in self.instructions:
            digest.update(json.dumps(_canonical(instruction.to_json()), separators=(",", ":")).encode())
        return digest.hexdigest()

    def to_json(self) -> dict[str, Any]:
        """A JSON value that :meth:`from_json` turns back into an equal program."""
        return {
            "name": self.name,
            "n_qubits": self.n_qubits,
            "n_clbits": self.n_clbits,
            "instructions": [instruction.to_json() for instruction in self.instructions],
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Program:
        """The inverse of :meth:`to_json`."""
        instructions = tuple(Instruction.from_json(item) for item in value["instructions"])
        return cls(value["n_qubits"], value["n_clbits"], instructions, value["name"])


def _walk(instructions: Iterable[Instruction]) -> Iterator[Instruction]:
    for instruction in instructions:
        yield instruction
        for block in instruction.blocks:
            yield from _walk(block)


def _canonical(value: Any) -> Any:
    """``value`` with every float rounded to 12 significant digits, as text, and no negative zero."""
    if isinstance(value, float):
        # Absolute noise counts too: sin(pi) is 1.2e-16 on one machine and 0 on another.
        return f"{(0.0 if abs(value) < 1e-13 else value):.11e}"
    if isinstance(value, list):
        return [_canonical(item) for item in value]
    if isinstance(value, dict):
        return {key: _canonical(value[key]) for key in sorted(value)}
    return value
