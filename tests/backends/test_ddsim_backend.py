"""The adapter of MQT DDSIM."""

from __future__ import annotations

import sys
from typing import Any

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
from pytest_qbench.backends.ddsim import DdsimBackend
from pytest_qbench.circuits.gates import GATES
from pytest_qbench.conformance.programs import unitary_trials

pytest.importorskip("mqt.ddsim", reason="mqt.ddsim is not installed")

UNIFORM = Program(8, 8, (*(gate("h", i) for i in range(8)), *(measure(i, i) for i in range(8))))


def backend(threads: int = 1, **options: Any) -> DdsimBackend:
    return DdsimBackend(options, threads)


@pytest.mark.parametrize("name", sorted(GATES))
def test_every_gate(name: str) -> None:
    assert_exact(backend(), gate_in_context(name))


def test_it_takes_nearly_every_gate_as_it_is() -> None:
    assert backend().capabilities().gates >= set(GATES) - {"cu", "r", "rccx"}


@pytest.mark.parametrize("n_qubits", [1, 2, 3])
def test_matrices_are_synthesised(n_qubits: int) -> None:
    for program in unitary_trials(n_qubits):
        assert_exact(backend(), program)


def test_a_matrix_that_is_too_large_is_unsupported() -> None:
    rows = tuple(tuple(complex(r == c) for c in range(64)) for r in range(64))
    program = Program(6, 1, (Instruction("unitary", tuple(range(6)), matrix=rows), measure(0, 0)))
    with pytest.raises(UnsupportedError, match="unitary"):
        run(backend(), program)


def test_bits_are_where_they_belong() -> None:
    assert run(backend(), ASYMMETRIC) == {"010": 100}
    for program, outcomes in ((GAPS, {"01000", "11010"}), (REPEATED, {"1000", "0111"}), (OVERWRITTEN, {"10", "11"})):
        counts = run(backend(), program)
        assert counts.keys() == outcomes
        assert sum(counts.values()) == 100


def test_a_qubit_that_is_measured_twice_without_a_gate_between() -> None:
    program = Program(2, 3, (gate("h", 0), measure(0, 0), measure(0, 2), measure(1, 1)))
    assert run(backend(), program).keys() == {"000", "101"}


def test_nothing_to_measure() -> None:
    assert run(backend(), Program(1, 2, (gate("h", 0),))) == {"00": 100}
    assert run(backend(), Program(1, 0, (gate("h", 0),))) == {"": 100}


def test_a_static_circuit_is_simulated_once() -> None:
    """Gates after a measurement, of other qubits even, would have DDSIM simulate every shot by itself."""
    items = (gate("x", 0), measure(0, 1), gate("h", 1), gate("x", 1), measure(1, 0))
    kinds = [operation.name.strip() for operation in backend().prepare(Program(2, 2, items)).circuit]
    assert [kind.startswith("meas") for kind in kinds] == [False, False, False, True, True]
    assert_exact(backend(), Program(2, 2, items))


def test_resets_and_conditions() -> None:
    assert_exact(backend(), RESETS)
    assert_exact(backend(), TELEPORTED)


@pytest.mark.parametrize("seed", range(12))
def test_random_dynamic_programs(seed: int) -> None:
    assert_exact(backend(), random_program(seed, any_gate, conditions=True))


@pytest.mark.parametrize("block", [[measure(1, 1)], [reset(1)]], ids=["measurement", "reset"])
def test_blocks_with_more_than_gates_are_unsupported(block: list[Instruction]) -> None:
    program = Program(2, 2, (gate("h", 0), measure(0, 0), if_else((0,), {1}, block)))
    with pytest.raises(UnsupportedError, match="inside a conditional block"):
        run(backend(), program)


def test_conditions_on_bits_that_are_apart() -> None:
    """Bits between them have no say; too far apart is unsupported."""

    def program(high: int) -> Program:
        items = (gate("h", 0), measure(0, 0), gate("h", 0), measure(0, high), gate("h", 0), measure(0, 1))
        return Program(2, 12, (*items, if_else((high, 0), {1, 2}, [gate("x", 1)]), measure(1, 2)))

    assert_exact(backend(), program(5))
    with pytest.raises(UnsupportedError, match="far apart"):
        run(backend(), program(11))


@pytest.mark.parametrize("program", [UNIFORM, random_program(1, any_gate, conditions=True)], ids=["static", "dynamic"])
def test_seeds(program: Program) -> None:
    simulator = backend()
    first = run(simulator, program, 1000, seed=5)
    assert first == run(simulator, program, 1000, seed=5)
    assert first != run(simulator, program, 1000, seed=6)
    assert sum(first.values()) == 1000


def test_structure_decides_not_size() -> None:
    n_qubits = 60
    ghz = (gate("h", 0), *(gate("cx", i, i + 1) for i in range(n_qubits - 1)))
    counts = run(backend(), Program(n_qubits, n_qubits, (*ghz, *(measure(i, i) for i in range(n_qubits)))))
    assert counts.keys() == {"0" * n_qubits, "1" * n_qubits}


def test_describes_itself() -> None:
    described = backend(threads=2).describe()
    assert described.version == described.versions["mqt.ddsim"]
    assert "mqt.core" in described.versions
    assert (described.device, described.precision, described.method, described.threads) == (
        "CPU",
        "double",
        "decision diagram",
        1,
    )


def test_without_ddsim_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mqt.ddsim", None)
    with pytest.raises(UnavailableError, match="ddsim") as caught:
        backend()
    assert caught.value.install == "pip install mqt.ddsim"
