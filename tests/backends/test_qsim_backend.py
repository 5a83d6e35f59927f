"""The adapter of qsim."""

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
    measure,
    random_program,
    run,
)

from pytest_qbench import Instruction, Program, UnavailableError, UnsupportedError
from pytest_qbench.backends.qsim import QsimBackend
from pytest_qbench.circuits.gates import GATES

qsimcirq = pytest.importorskip("qsimcirq", reason="qsimcirq is not installed")

UNIFORM = Program(8, 8, (*(gate("h", i) for i in range(8)), *(measure(i, i) for i in range(8))))


def backend(threads: int = 1, **options: Any) -> QsimBackend:
    defaults = {key: option.default for key, option in QsimBackend.options.items()}
    return QsimBackend(defaults | options, threads)


@pytest.mark.parametrize("name", sorted(GATES))
def test_every_gate(name: str) -> None:
    assert_exact(backend(), gate_in_context(name))


@pytest.mark.parametrize("size", [2, 3, 4, 5, 6])
def test_every_size_of_fused_gates(size: int) -> None:
    simulator = backend(max_fused_gate_size=size)
    assert simulator._simulator.qsim_options["f"] == size
    assert_exact(simulator, gate_in_context("mcx"))


def test_a_matrix_as_large_as_qsim_takes() -> None:
    """A cyclic shift of six qubits' values; larger ones are unsupported."""
    for n_qubits in (6, 7):
        size = 1 << n_qubits
        rows = tuple(tuple(complex(r == (c + 1) % size) for c in range(size)) for r in range(size))
        shift = Instruction("unitary", tuple(range(n_qubits)), matrix=rows)
        program = Program(n_qubits, n_qubits, (gate("x", 1), shift, *(measure(i, i) for i in range(n_qubits))))
        if n_qubits == 6:
            assert run(backend(), program) == {"000011": 100}
        else:
            with pytest.raises(UnsupportedError, match="unitary"):
                run(backend(), program)


def test_bits_are_where_they_belong() -> None:
    assert run(backend(), ASYMMETRIC) == {"010": 100}
    for program, outcomes in ((GAPS, {"01000", "11010"}), (REPEATED, {"1000", "0111"}), (OVERWRITTEN, {"10", "11"})):
        counts = run(backend(), program)
        assert counts.keys() == outcomes
        assert sum(counts.values()) == 100


def test_one_shot() -> None:
    """qsim runs it in another way than several."""
    assert run(backend(), ASYMMETRIC, shots=1) == {"010": 1}


def test_resets() -> None:
    assert_exact(backend(), RESETS, shots=500)


@pytest.mark.parametrize("seed", range(12))
def test_random_dynamic_programs(seed: int) -> None:
    assert_exact(backend(), random_program(seed, any_gate, conditions=False), shots=1000)


def test_conditions_are_unsupported() -> None:
    with pytest.raises(UnsupportedError, match="no classically controlled gates"):
        run(backend(), TELEPORTED)


def test_nothing_to_measure_is_unsupported() -> None:
    with pytest.raises(UnsupportedError, match="measures nothing"):
        run(backend(), Program(1, 1, (gate("h", 0),)))


def test_seeds() -> None:
    simulator = backend()
    first = run(simulator, UNIFORM, seed=5)
    assert first == run(simulator, UNIFORM, seed=5)
    assert first != run(simulator, UNIFORM, seed=6)
    assert sum(first.values()) == 100


def test_two_threads_draw_the_same() -> None:
    assert run(backend(threads=1), gate_in_context("ccx")) == run(backend(threads=2), gate_in_context("ccx"))


def test_describes_itself() -> None:
    simulator = backend(threads=2)
    assert simulator._simulator.qsim_options["t"] == 2
    described = simulator.describe()
    assert described.version == described.versions["qsimcirq"] == qsimcirq.__version__
    assert "cirq-core" in described.versions
    assert (described.device, described.precision, described.method, described.threads) == (
        "CPU",
        "single",
        "statevector",
        2,
    )


@pytest.mark.parametrize("text", ["1", "7", "many"])
def test_sizes_of_fused_gates_that_qsim_does_not_have(text: str) -> None:
    with pytest.raises(ValueError, match=r"2 to 6|invalid literal"):
        QsimBackend.options["max_fused_gate_size"].parse(text)


def test_a_missing_gpu_is_named() -> None:
    if qsimcirq.qsim_gpu is not None:
        pytest.skip("this qsimcirq has GPU support")
    with pytest.raises(UnavailableError, match="device=GPU"):
        backend(device="GPU")


@pytest.mark.gpu
def test_on_a_gpu() -> None:
    if qsimcirq.qsim_gpu is None:
        pytest.skip("this qsimcirq has no GPU support, or there is no device")
    simulator = backend(device="GPU")
    assert simulator.describe().device == "GPU"
    assert run(simulator, ASYMMETRIC) == {"010": 100}


def test_a_state_that_does_not_fit() -> None:
    with pytest.raises(MemoryError):
        run(backend(), Program(44, 1, (*(gate("h", qubit) for qubit in range(44)), measure(0, 0))))


def test_without_qsimcirq_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "qsimcirq", None)  # makes the import fail
    with pytest.raises(UnavailableError, match="qsimcirq can't be imported") as caught:
        backend()
    assert caught.value.install == "pip install qsimcirq"
