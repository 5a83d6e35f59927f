"""Qiskit Aer."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from pytest_qbench.backends.aer_noise import channel, readout_model
from pytest_qbench.backends.base import (
    Backend,
    Capabilities,
    Description,
    Option,
    UnavailableError,
    UnsupportedError,
    parse_bool,
)
from pytest_qbench.backends.readout import with_readout_in_measurements
from pytest_qbench.circuits.channels import ON_QUBITS
from pytest_qbench.circuits.gates import GATES
from pytest_qbench.circuits.program import IF_ELSE, MEASURE, RESET, UNITARY, Condition, Instruction, Program

METHODS = (
    "automatic",
    "statevector",
    "density_matrix",
    "stabilizer",
    "extended_stabilizer",
    "matrix_product_state",
    "tensor_network",
)

# Aer's unitary instruction of more qubits is possible but never faster than the gate it stands for.
_UNITARY_QUBITS = 8


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A ``QuantumCircuit`` in Aer's own gates, with errors in it, and what ``AerSimulator.run`` is given besides."""

    circuit: Any
    run_options: Mapping[str, Any]


class AerBackend(Backend):
    """``AerSimulator``. A prepared program is a ``QuantumCircuit`` in Aer's own gates.

    Noise stands in the circuit, readout errors come with the call. Aer assembles the circuit anew in each ``run``; that
    belongs to the call, as its users pay it too.
    """

    name: ClassVar[str] = "aer"
    install: ClassVar[str] = "pip install qiskit-aer"
    options: ClassVar[Mapping[str, Option]] = {
        "method": Option("automatic", "simulation method; the one actually used is recorded", choices=METHODS),
        "device": Option("CPU", "CPU or GPU", str.upper, choices=("CPU", "GPU")),
        "precision": Option("double", "precision of the state", choices=("double", "single")),
        "fusion": Option(True, "gate fusion on or off", parse_bool),
        "seed": Option(None, "one fixed seed for every call instead of the derived ones", int),
    }

    def __init__(self, options: Mapping[str, Any], threads: int) -> None:
        from qiskit_aer import AerSimulator

        self._options = options
        self._threads = threads
        device = options["device"]
        if device not in AerSimulator().available_devices():
            raise UnavailableError(
                f"this qiskit-aer has no {device} support, or there is no such device",
                "pip install qiskit-aer-gpu" if device == "GPU" else "",
            )
        self._simulator = AerSimulator(
            method=options["method"],
            device=device,
            precision=options["precision"],
            fusion_enable=options["fusion"],
            max_parallel_threads=threads,
        )
        self._method: str | None = None

    def capabilities(self) -> Capabilities:
        """The gates of the chosen method; Aer tells them."""
        names = frozenset(self._simulator.configuration().basis_gates)
        if self._options["method"] == "stabilizer":
            names -= {"rz"}  # taken at multiples of a quarter turn only, which lower to S
        return Capabilities(
            gates=names & frozenset(GATES),
            unitary_qubits=_UNITARY_QUBITS if UNITARY in names else 0,
            dynamic=True,
            noise=True,
            precisions=("double", "single"),
            devices=("CPU", "GPU"),
        )

    def describe(self) -> Description:
        """Versions, and the method that Aer chose for the last circuit."""
        from importlib.metadata import version

        versions = {"qiskit-aer": version("qiskit-aer"), "qiskit": version("qiskit")}
        return Description(
            version=versions["qiskit-aer"],
            versions=versions,
            device=self._options["device"],
            precision=self._options["precision"],
            method=self._method or self._options["method"],
            threads=self._threads,
        )

    def prepare(self, program: Program) -> Prepared:
        """Build the ``QuantumCircuit``, with one classical register of all bits.

        Raises:
            UnsupportedError: a readout error is none that Aer has.
        """
        from qiskit import QuantumCircuit

        program = with_readout_in_measurements(program)
        circuit = QuantumCircuit(program.n_qubits, program.n_clbits, name=program.name)
        _append_all(circuit, program.instructions)
        model = readout_model(program)
        return Prepared(circuit, {} if model is None else {"noise_model": model})

    def run(self, prepared: Prepared, shots: int, seed: int) -> Any:
        """``AerSimulator.run(...).result()``, checked for success."""
        fixed = self._options["seed"]
        job = self._simulator.run(
            prepared.circuit, shots=shots, seed_simulator=seed if fixed is None else fixed, **prepared.run_options
        )
        result = job.result()
        if not result.success:
            reason = "; ".join({str(result.status), *(str(part.status) for part in result.results)})
            if "memory" in reason.lower():
                raise MemoryError(reason)
            if "not supported" in reason.lower() or "invalid" in reason.lower():
                raise UnsupportedError(f"Aer: {reason}")
            raise RuntimeError(f"Aer: {reason}")
        self._method = result.results[0].metadata.get("method")
        return result

    def counts(self, result: Any) -> Mapping[str, int]:
        """Aer counts by hexadecimal keys; they become bit strings."""
        experiment = result.results[0]
        width = experiment.header["memory_slots"]
        counts = result.data(0)["counts"]
        return {format(int(key, 16), f"0{width}b"): int(count) for key, count in counts.items()}


def _append_all(circuit: Any, instructions: Sequence[Instruction]) -> None:
    for item in instructions:
        if item.name == MEASURE:
            circuit.measure(item.qubits[0], item.clbits[0])
        elif item.name == RESET:
            circuit.reset(item.qubits[0])
        elif item.name == IF_ELSE:
            _append_if_else(circuit, item)
        else:
            circuit.append((channel if item.name in ON_QUBITS else _gate)(item), item.qubits)


def _append_if_else(circuit: Any, item: Instruction) -> None:
    from qiskit import QuantumCircuit

    blocks = []
    for instructions in item.blocks:
        block = QuantumCircuit(circuit.qubits, circuit.clbits)
        _append_all(block, instructions)
        blocks.append(block)
    assert item.condition is not None
    condition = _condition(circuit, item.condition)
    otherwise = blocks[1] if len(blocks) > 1 else None
    circuit.if_else(condition, blocks[0], otherwise, circuit.qubits, circuit.clbits)


def _condition(circuit: Any, condition: Condition) -> Any:
    """The condition as Qiskit has it: a single bit's value, else a disjunction over the values."""
    from qiskit.circuit.classical import expr

    bits = [circuit.clbits[index] for index in condition.clbits]
    if len(bits) == 1 and len(condition.values) == 1:
        return (bits[0], next(iter(condition.values)))
    if len(condition.values) in (0, 1 << len(bits)):
        # Always or never: Qiskit has no literal condition without a variable that Aer accepts.
        any_bit = circuit.clbits[0]
        always = expr.logic_or(any_bit, expr.logic_not(any_bit))
        return always if condition.values else expr.logic_not(always)

    def equals(value: int) -> Any:
        terms = [bit if value >> position & 1 else expr.logic_not(bit) for position, bit in enumerate(bits)]
        return functools.reduce(expr.logic_and, terms)

    return functools.reduce(expr.logic_or, map(equals, sorted(condition.values)))


@functools.cache
def _classes() -> Mapping[str, Any]:
    from qiskit.circuit.library import standard_gates as library

    names = """id:IGate x:XGate y:YGate z:ZGate h:HGate s:SGate sdg:SdgGate t:TGate tdg:TdgGate sx:SXGate sxdg:SXdgGate
        p:PhaseGate u1:U1Gate rx:RXGate ry:RYGate rz:RZGate r:RGate u:UGate u2:U2Gate u3:U3Gate swap:SwapGate
        iswap:iSwapGate dcx:DCXGate ecr:ECRGate rxx:RXXGate ryy:RYYGate rzz:RZZGate rzx:RZXGate
        xx_minus_yy:XXMinusYYGate xx_plus_yy:XXPlusYYGate rccx:RCCXGate cx:CXGate cy:CYGate cz:CZGate ch:CHGate
        cs:CSGate csdg:CSdgGate csx:CSXGate cp:CPhaseGate cu1:CU1Gate crx:CRXGate cry:CRYGate crz:CRZGate cu3:CU3Gate
        cu:CUGate ccx:CCXGate ccz:CCZGate cswap:CSwapGate"""
    return {name: getattr(library, cls) for name, cls in (pair.split(":") for pair in names.split())}


def _gate(item: Instruction) -> Any:
    """The Qiskit gate of an instruction."""
    from qiskit.circuit.library import MCPhaseGate, MCXGate, UnitaryGate

    if item.name == UNITARY:
        return UnitaryGate(item.matrix, check_input=False)
    if item.name == "mcx":
        return MCXGate(len(item.qubits) - 1)
    if item.name == "mcphase":
        return MCPhaseGate(*item.params, len(item.qubits) - 1)
    return _classes()[item.name](*item.params)
