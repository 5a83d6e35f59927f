"""stim: stabilizer circuits, that is Clifford gates, measurements, resets, and Pauli gates that depend on outcomes or
happen by chance (noise)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, ClassVar

from pytest_qbench.backends.base import Backend, Capabilities, Description, UnavailableError, UnsupportedError
from pytest_qbench.backends.bit_rows import count_rows
from pytest_qbench.backends.readout import with_readout_in_measurements
from pytest_qbench.circuits.channels import ON_QUBITS, pauli_error
from pytest_qbench.circuits.program import (
    DEPOLARIZING,
    IF_ELSE,
    MEASURE,
    PHASE_DAMPING,
    RESET,
    Condition,
    Instruction,
    Program,
)

_GATES: Mapping[str, tuple[tuple[str, tuple[int, ...]], ...]] = {
    "id": (("I", (0,)),),
    "x": (("X", (0,)),),
    "y": (("Y", (0,)),),
    "z": (("Z", (0,)),),
    "h": (("H", (0,)),),
    "s": (("S", (0,)),),
    "sdg": (("S_DAG", (0,)),),
    "sx": (("SQRT_X", (0,)),),
    "sxdg": (("SQRT_X_DAG", (0,)),),
    "swap": (("SWAP", (0, 1)),),
    "iswap": (("ISWAP", (0, 1)),),
    "cx": (("CX", (0, 1)),),
    "cy": (("CY", (0, 1)),),
    "cz": (("CZ", (0, 1)),),
    "dcx": (("CX", (0, 1)), ("CX", (1, 0))),
    # An echoed quarter turn about ZX.
    "ecr": (("H", (1,)), ("SQRT_ZZ", (0, 1)), ("H", (1,)), ("X", (0,))),
}
"""Our gates as stim's, each with the positions of its qubits; gates with angles are lowered to these where they can."""

_CHANNELS: Mapping[tuple[str, int], str] = {
    (DEPOLARIZING, 1): "DEPOLARIZE1",
    (DEPOLARIZING, 2): "DEPOLARIZE2",
    (PHASE_DAMPING, 1): "Z_ERROR",
}
"""Our channels, by the number of their qubits, as stim's; those take the probability of anything but the identity."""

_CONDITION_CLBITS = 12
"""The most classical bits of a condition: all values that they can have are looked at."""

_PAULIS = ("I", "X", "Y", "Z")
"""The letters of a ``stim.PauliString`` by their numbers."""


@dataclass(frozen=True)
class StimCircuit:
    """A circuit, its reference sample, and the measurement (by number) that each classical bit keeps."""

    circuit: Any
    reference: Any
    n_clbits: int
    written: Mapping[int, int]


class StimBackend(Backend):
    """``stim.Circuit.compile_sampler``. A prepared program is a circuit with its reference sample.

    The reference sample is the simulation of one shot that all others are derived from. It does not depend on the
    seed, and stim's users compute it once, when they compile a sampler; so it belongs to ``prepare``.
    """

    name: ClassVar[str] = "stim"
    install: ClassVar[str] = "pip install stim"

    def __init__(self, options: Mapping[str, Any], threads: int) -> None:
        try:
            import stim  # noqa: F401  # now, so that the first circuit does not pay for it
        except ImportError as error:
            raise UnavailableError(f"stim can't be imported: {error}", self.install) from error

    def capabilities(self) -> Capabilities:
        """The Clifford gates and Pauli noise. Which dynamic circuits there are depends on conditions: ``prepare``."""
        return Capabilities(gates=frozenset(_GATES), dynamic=True, noise=True)

    def describe(self) -> Description:
        """Versions. stim has one thread; nothing in it is rounded, which is no less than double precision."""
        from importlib.metadata import version

        versions = {package: version(package) for package in ("stim", "numpy")}
        return Description(version=versions["stim"], versions=versions, method="stabilizer", threads=1)

    def prepare(self, program: Program) -> StimCircuit:
        """Build the ``stim.Circuit`` and compute its reference sample.

        Raises:
            UnsupportedError: a gate is no Clifford gate, or a condition is none that stim has: those that are a
                parity of bits, on Pauli gates; or noise is none of Pauli gates, or under a condition; or a readout
                error is more likely for one value than for the other.
        """
        converter = _Converter()
        converter.add_all(with_readout_in_measurements(program).instructions)
        circuit = converter.circuit
        return StimCircuit(circuit, circuit.reference_sample(), program.n_clbits, converter.written)

    def run(self, prepared: StimCircuit, shots: int, seed: int) -> tuple[StimCircuit, Any]:
        """Sample all shots at once, eight bits to a byte."""
        sampler = prepared.circuit.compile_sampler(seed=seed, reference_sample=prepared.reference)
        return prepared, sampler.sample(shots, bit_packed=True)

    def counts(self, result: tuple[StimCircuit, Any]) -> Mapping[str, int]:
        """The bits of the measurements that were not overwritten, put where the classical bits are."""
        import numpy as np

        prepared, packed = result
        n_clbits = prepared.n_clbits
        rows = np.zeros((len(packed), n_clbits), dtype=np.uint8)
        columns = [n_clbits - 1 - clbit for clbit in prepared.written]
        sources = np.fromiter(prepared.written.values(), dtype=np.int64)
        rows[:, columns] = packed[:, sources >> 3] >> (sources & 7).astype(np.uint8) & 1
        return count_rows(rows)


@dataclass(frozen=True)
class _Parity:
    """The sum modulo 2 of a constant and measurements (by number): what stim can make a Pauli gate depend on."""

    constant: bool
    measurements: tuple[int, ...] = ()

    @property
    def is_constant(self) -> bool:
        return not self.measurements


_Guards = tuple[tuple[Condition, bool], ...]
"""Conditions, and whether each must hold or must not."""


class _Converter:
    """Builds a circuit; ``written`` is the number of the latest measurement into each classical bit."""

    def __init__(self) -> None:
        import stim

        self.circuit = stim.Circuit()
        self.written: dict[int, int] = {}
        self._n_measurements = 0

    def add_all(self, instructions: Sequence[Instruction], guards: _Guards = ()) -> None:
        """Add ``instructions``, to be done where ``guards`` (which leave it open) are satisfied."""
        for is_gate, items in groupby(instructions, key=lambda item: item.is_gate):
            if is_gate and guards:
                self._add_paulis(list(items), self._parity(guards))
                continue
            for item in items:
                if item.name == IF_ELSE:
                    self._add_if_else(item, guards)
                elif guards:
                    raise UnsupportedError(f"{item.name} under a condition; stim puts conditions on Pauli gates only")
                elif item.name == MEASURE:
                    self.circuit.append("M", item.qubits, _flip(item))
                    self.written[item.clbits[0]] = self._n_measurements
                    self._n_measurements += 1
                elif item.name == RESET:
                    self.circuit.append("R", item.qubits)
                elif item.name in ON_QUBITS:
                    _append_channel(self.circuit, item)
                else:
                    _append_gate(self.circuit, item.name, item.qubits)

    def _add_if_else(self, item: Instruction, guards: _Guards) -> None:
        assert item.condition is not None
        both: list[_Guards] = [(*guards, (item.condition, wanted)) for wanted in (True, False)]
        # Before either block: they may write to the bits.
        parities = [self._parity(inner) for inner in both]
        for block, parity, inner in zip(item.blocks, parities, both, strict=False):
            if not parity.is_constant:
                self.add_all(block, inner)
            elif parity.constant:
                self.add_all(block)

    def _add_paulis(self, items: Sequence[Instruction], when: _Parity) -> None:
        """Add gates that depend on measurements; together they must be Pauli gates."""
        import stim

        qubits = sorted({qubit for item in items for qubit in item.qubits})
        places = {qubit: index for index, qubit in enumerate(qubits)}
        block = stim.Circuit()
        for item in items:
            _append_gate(block, item.name, [places[qubit] for qubit in item.qubits])
        try:
            paulis = block.to_tableau().to_pauli_string()
        except ValueError:
            names = ", ".join(dict.fromkeys(repr(item.name) for item in items))
            raise UnsupportedError(
                f"gates {names} under a condition; stim puts conditions on Pauli gates only"
            ) from None
        for index, qubit in enumerate(qubits):
            pauli = _PAULIS[paulis[index]]
            if pauli == "I":
                continue
            if when.constant:
                self.circuit.append(pauli, [qubit])
            for measurement in when.measurements:
                self.circuit.append(f"C{pauli}", [stim.target_rec(measurement - self._n_measurements), qubit])

    def _parity(self, guards: _Guards) -> _Parity:
        """When all ``guards`` are satisfied, as a parity.

        Raises:
            UnsupportedError: it is none.
        """
        # A bit that no measurement has written is 0.
        clbits = sorted({clbit for condition, _ in guards for clbit in condition.clbits if clbit in self.written})
        if len(clbits) > _CONDITION_CLBITS:
            raise UnsupportedError(f"a condition on {len(clbits)} bits; at most {_CONDITION_CLBITS} are looked through")

        def satisfied(memory: int) -> bool:
            return all(condition.holds(memory) == wanted for condition, wanted in guards)

        constant = satisfied(0)
        flipping = [clbit for clbit in clbits if satisfied(1 << clbit) != constant]
        mask = sum(1 << clbit for clbit in flipping)
        memories = [0]
        for clbit in clbits:
            memories += [memory | 1 << clbit for memory in memories]
        if any(satisfied(memory) != constant ^ bool((memory & mask).bit_count() & 1) for memory in memories):
            raise UnsupportedError("a condition on several bits that is not their parity; stim has no other")
        return _Parity(constant, tuple(self.written[clbit] for clbit in flipping))


def _append_gate(circuit: Any, name: str, qubits: Sequence[int]) -> None:
    if name not in _GATES:
        raise UnsupportedError(f"gate {name!r}: stim simulates Clifford gates only")
    for step, positions in _GATES[name]:
        circuit.append(step, [qubits[position] for position in positions])


def _append_channel(circuit: Any, item: Instruction) -> None:
    name = _CHANNELS.get((item.name, len(item.qubits)))
    if name is None:
        raise UnsupportedError(f"noise {item.name!r}: stim simulates noise of Pauli gates only")
    circuit.append(name, item.qubits, pauli_error(item))


def _flip(measurement: Instruction) -> tuple[float, ...]:
    """The probability that the outcome is the wrong one; nothing where there is none."""
    if measurement.params[:1] != measurement.params[1:]:
        raise UnsupportedError("a readout error that is more likely for one value than for the other; stim has none")
    return measurement.params[:1]
