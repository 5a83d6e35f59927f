"""The adapter of Cirq, and the conversion of programs to Cirq circuits."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np
import pytest
from sampled_programs import (
    ASYMMETRIC,
    GAPS,
    OVERWRITTEN,
    REPEATED,
    RESETS,
    TELEPORTED,
    any_gate,
    assert_exact,
    gate,
    gate_in_context,
    if_else,
    measure,
    random_program,
    reset,
    run,
)

from pytest_qbench import Instruction, Program, UnavailableError, UnsupportedError
from pytest_qbench.backends.cirq import CirqBackend
from pytest_qbench.backends.cirq_circuits import gate_operation
from pytest_qbench.circuits.gates import GATES, gate_matrix

cirq = pytest.importorskip("cirq", reason="cirq-core is not installed")

METHODS = ["statevector", "density_matrix"]


def backend(threads: int = 1, **options: Any) -> CirqBackend:
    defaults = {key: option.default for key, option in CirqBackend.options.items()}
    return CirqBackend(defaults | options, threads)


@pytest.mark.parametrize("name", sorted(GATES))
def test_every_gate_is_the_same_matrix(name: str) -> None:
    """Even its phase: the gate may be under a control."""
    spec = GATES[name]
    order = (2, 0, 3, 1)[: spec.n_qubits or 4]
    item = Instruction(name, order, tuple(0.3 + 0.8 * index for index in range(spec.n_params)))
    qubits = cirq.LineQubit.range(4)
    operation = gate_operation(item, qubits)
    little_endian = [qubits[qubit] for qubit in reversed(order)]
    matrix = cirq.Circuit(operation).unitary(qubit_order=little_endian)
    assert np.allclose(matrix, np.array(gate_matrix(item)), atol=1e-9)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ["u", "iswap", "cu", "rzx", "cswap", "rccx", "mcx", "mcphase"])
def test_gates_among_others(name: str, method: str) -> None:
    assert_exact(backend(method=method), gate_in_context(name))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("precision", ["single", "double"])
def test_bits_are_where_they_belong(method: str, precision: str) -> None:
    simulator = backend(method=method, precision=precision)
    assert run(simulator, ASYMMETRIC) == {"010": 100}
    for program, outcomes in ((GAPS, {"01000", "11010"}), (REPEATED, {"1000", "0111"}), (OVERWRITTEN, {"10", "11"})):
        counts = run(simulator, program)
        assert counts.keys() == outcomes
        assert sum(counts.values()) == 100


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("program", [RESETS, TELEPORTED], ids=["resets", "teleported"])
def test_dynamic_programs(program: Program, method: str) -> None:
    assert_exact(backend(method=method), program, shots=400)


@pytest.mark.parametrize("seed", range(8))
def test_random_dynamic_programs(seed: int) -> None:
    assert_exact(backend(), random_program(seed, any_gate, conditions=True), shots=300)


@pytest.mark.parametrize("values", [set(), {0, 1, 2, 3}, {2}, {0, 3}, {1, 2, 3}])
def test_conditions_on_several_bits(values: set[int]) -> None:
    """Also those that always hold and those that never do."""
    for memory in range(4):
        items = (
            *(gate("x", qubit) for qubit in range(2) if memory >> qubit & 1),
            *(measure(0, 0), measure(1, 1)),
            if_else((0, 1), values, [gate("x", 2)], [gate("x", 3)]),
            *(measure(2, 2), measure(3, 3)),
        )
        taken = "01" if memory in values else "10"
        assert run(backend(), Program(4, 4, items), shots=5) == {f"{taken}{memory:02b}": 5}


def test_conditions_on_bits_that_nothing_has_written() -> None:
    """Such a bit is 0; a measurement in a block that is always taken does not change which one is."""
    items = (
        if_else((1,), {0}, [gate("x", 0), measure(0, 1)], [gate("x", 2), measure(2, 1)]),
        if_else((0, 1), {2}, [gate("x", 3)]),
        *(measure(2, 2), measure(3, 3)),
    )
    assert run(backend(), Program(4, 4, items)) == {"1010": 100}


def test_conditions_inside_conditions_and_resets_under_them() -> None:
    inner = if_else((1,), {0}, [gate("x", 2)], [gate("x", 3)])
    items = (
        *(gate("x", 0), gate("h", 1), measure(0, 0), measure(1, 1)),
        if_else((0,), {1}, [inner, reset(0)]),
        *(measure(2, 2), measure(3, 3), measure(0, 0)),
    )
    counts = run(backend(), Program(4, 4, items))
    assert counts.keys() == {"0100", "1010"}


@pytest.mark.parametrize("method", METHODS)
def test_measurements_under_conditions(method: str) -> None:
    """Elsewhere the bit stays as it is: never written, written before, written by the block itself."""
    items = (
        *(gate("h", 0), measure(0, 0), gate("h", 1), measure(1, 3), gate("h", 1)),
        if_else((0,), {1}, [measure(1, 1), measure(1, 3), if_else((1, 3), {3}, [gate("x", 2), measure(2, 0)])]),
        if_else((0,), {0}, [gate("x", 2)], [measure(1, 4)]),
        measure(2, 2),
    )
    assert_exact(backend(method=method), Program(3, 5, items), shots=400)


def test_nothing_to_measure_is_unsupported() -> None:
    with pytest.raises(UnsupportedError, match="measures nothing"):
        run(backend(), Program(1, 1, (gate("h", 0),)))


def test_a_wide_register() -> None:
    """Qubits that are not entangled stay apart, so that their number is not bounded by the memory."""
    n_qubits = 70
    items = (*(gate("x", qubit) for qubit in range(0, n_qubits, 3)), *(measure(i, n_qubits - 1 - i) for i in range(70)))
    expected = "".join("1" if qubit % 3 == 0 else "0" for qubit in range(n_qubits))
    assert run(backend(), Program(n_qubits, n_qubits, items)) == {expected: 100}


def test_seeds() -> None:
    simulator = backend()
    uniform = Program(8, 8, (*(gate("h", i) for i in range(8)), *(measure(i, i) for i in range(8))))
    first = run(simulator, uniform, seed=5)
    assert first == run(simulator, uniform, seed=5)
    assert first != run(simulator, uniform, seed=6)
    assert sum(first.values()) == 100


def test_the_precision_and_method_are_those_of_the_simulator() -> None:
    assert backend(precision="single").prepare(ASYMMETRIC).simulator._dtype == np.complex64
    simulator = backend(method="density_matrix")
    prepared = simulator.prepare(ASYMMETRIC)
    assert prepared.simulator._dtype == np.complex128
    assert isinstance(prepared.simulator, cirq.DensityMatrixSimulator)
    described = simulator.describe()
    assert (described.method, described.precision, described.device) == ("density_matrix", "double", "CPU")
    assert described.version == described.versions["cirq-core"] == cirq.__version__


def test_noise_has_a_density_matrix_where_it_fits() -> None:
    simulator = backend()
    noise = gate("depolarizing", 0, params=[0.1])
    for n_qubits, items, method in (
        (2, (), "statevector"),
        (2, (noise,), "density_matrix"),
        (13, (noise,), "statevector"),
    ):
        simulator.prepare(Program(n_qubits, 1, (*items, measure(0, 0))))
        assert simulator.describe().method == method


def test_threads_are_told_for_the_program_at_hand() -> None:
    simulator = backend(threads=2)
    simulator.prepare(ASYMMETRIC)
    assert simulator.describe().threads == 1
    simulator.prepare(Program(25, 1, (measure(0, 0),)))
    assert simulator.describe().threads == 2


def test_small_angles_are_not_lost() -> None:
    """A rotation by 1e-3, 500 times."""
    items = (*[gate("rx", 0, params=[1e-3 * math.pi])] * 500, measure(0, 0))
    assert_exact(backend(precision="single"), Program(1, 1, items))


def test_without_cirq_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cirq", None)  # makes the import fail
    with pytest.raises(UnavailableError, match="cirq can't be imported") as caught:
        backend()
    assert caught.value.install == "pip install cirq-core"
