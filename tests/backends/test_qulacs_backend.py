"""The adapter of Qulacs."""

from __future__ import annotations

import os
import subprocess
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

from pytest_qbench import Instruction, Program, UnavailableError
from pytest_qbench.backends.qulacs import QulacsBackend
from pytest_qbench.circuits.gates import GATES
from pytest_qbench.circuits.lowering import lower

qulacs = pytest.importorskip("qulacs", reason="qulacs is not installed")

UNIFORM = Program(8, 8, (*(gate("h", i) for i in range(8)), *(measure(i, i) for i in range(8))))
FUSION = QulacsBackend.options["fusion"].choices


def backend(threads: int = 1, **options: Any) -> QulacsBackend:
    defaults = {key: option.default for key, option in QulacsBackend.options.items()}
    return QulacsBackend(defaults | options, threads)


@pytest.fixture(autouse=True)
def _restore_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QULACS_NUM_THREADS", os.environ.get("QULACS_NUM_THREADS", "1"))


@pytest.mark.parametrize("name", sorted(GATES))
def test_every_gate(name: str) -> None:
    assert_exact(backend(fusion="off"), gate_in_context(name))


def test_it_takes_every_gate_as_it_is() -> None:
    assert backend().capabilities().gates == set(GATES)


@pytest.mark.parametrize("fusion", FUSION)
@pytest.mark.parametrize("name", ["ccx", "cswap", "rzx", "mcphase"])
def test_fusion_changes_no_outcome(name: str, fusion: str) -> None:
    assert_exact(backend(fusion=fusion), gate_in_context(name))
    assert_exact(backend(fusion=fusion), random_program(1, any_gate, conditions=True))


def test_fusion_makes_fewer_gates_and_is_described() -> None:
    program = gate_in_context("mcx")
    gates = {fusion: backend(fusion=fusion).prepare(program).circuit.get_gate_count() for fusion in FUSION}
    assert gates["off"] == sum(item.is_gate for item in program.instructions)
    assert gates["off"] > gates["light"] >= gates["4"]
    methods = {fusion: backend(fusion=fusion).describe().method for fusion in ("off", "light", "4")}
    assert methods == {
        "off": "statevector",
        "light": "statevector, light fusion",
        "4": "statevector, fusion to 4 qubits",
    }


def test_a_matrix() -> None:
    """A cyclic shift of the values of three qubits in an order of their own."""
    rows = tuple(tuple(complex(r == (c + 1) % 8) for c in range(8)) for r in range(8))
    shift = Instruction("unitary", (2, 0, 1), matrix=rows)
    program = Program(3, 3, (gate("x", 2), shift, *(measure(i, i) for i in range(3))))
    assert run(backend(), program) == {"001": 100}


def test_bits_are_where_they_belong() -> None:
    assert run(backend(), ASYMMETRIC) == {"010": 100}
    for program, outcomes in ((GAPS, {"01000", "11010"}), (REPEATED, {"1000", "0111"}), (OVERWRITTEN, {"10", "11"})):
        counts = run(backend(), program)
        assert counts.keys() == outcomes
        assert sum(counts.values()) == 100


def test_nothing_to_measure() -> None:
    assert run(backend(), Program(1, 2, (gate("h", 0),))) == {"00": 100}
    assert run(backend(), Program(1, 0, (gate("h", 0),))) == {"": 100}


def test_resets_and_conditions() -> None:
    assert_exact(backend(), RESETS)
    assert_exact(backend(), TELEPORTED)


def test_blocks_may_hold_anything() -> None:
    block = if_else((0,), {1}, [reset(1), gate("h", 1), measure(1, 1)], [gate("x", 1), measure(1, 2)])
    items = (gate("h", 0), measure(0, 0), gate("x", 1), block)
    assert_exact(backend(), Program(2, 3, items))


@pytest.mark.parametrize("seed", range(12))
def test_random_dynamic_programs(seed: int) -> None:
    assert_exact(backend(), random_program(seed, any_gate, conditions=True))


@pytest.mark.parametrize("program", [UNIFORM, random_program(1, any_gate, conditions=True)], ids=["static", "dynamic"])
def test_seeds(program: Program) -> None:
    simulator = backend()
    first = run(simulator, program, 1000, seed=5)
    assert first == run(simulator, program, 1000, seed=5)
    assert first != run(simulator, program, 1000, seed=6)
    assert first == run(backend(), program, 1000, seed=5)
    assert sum(first.values()) == 1000


def test_threads_are_told_before_the_library_is_loaded() -> None:
    code = (
        "import ctypes\n"
        "from pytest_qbench.backends.qulacs import QulacsBackend\n"
        "QulacsBackend({'fusion': 'off'}, 3)\n"
        "getenv = ctypes.CDLL(None).getenv\n"
        "getenv.restype = ctypes.c_char_p\n"
        "print(getenv(b'QULACS_NUM_THREADS').decode())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "3\n"


def test_describes_itself() -> None:
    described = backend(threads=2).describe()
    assert described.version == described.versions["qulacs"]
    assert "numpy" in described.versions
    assert (described.device, described.precision, described.threads) == ("CPU", "double", 2)


def test_a_state_that_does_not_fit() -> None:
    simulator = backend()
    with pytest.raises(MemoryError):
        simulator.prepare(lower(Program(45, 1, (gate("h", 0), measure(0, 0))), simulator.capabilities()))


def test_without_qulacs_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "qulacs", None)
    with pytest.raises(UnavailableError, match="qulacs") as caught:
        backend()
    assert caught.value.install == "pip install qulacs"
