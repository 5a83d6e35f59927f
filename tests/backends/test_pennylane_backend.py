"""The adapters of PennyLane's devices."""

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
from pytest_qbench.backends.pennylane import (
    DefaultQubitBackend,
    LightningGpuBackend,
    LightningKokkosBackend,
    LightningQubitBackend,
    PennylaneBackend,
)
from pytest_qbench.circuits.gates import GATES
from pytest_qbench.circuits.lowering import lower
from pytest_qbench.conformance.programs import unitary_trials

UNIFORM = Program(8, 8, (*(gate("h", i) for i in range(8)), *(measure(i, i) for i in range(8))))
DYNAMIC = random_program(1, any_gate, conditions=True)
LONG = Program(
    2,
    2,
    (
        *(item for _ in range(30) for item in (gate("h", 0), measure(0, 0), if_else((0,), {1}, [gate("x", 1)]))),
        measure(1, 1),
    ),
)
"""More measurements than can be deferred."""
METHODS = ["deferred", "tree-traversal", "one-shot"]


def open_backend(kind: type[PennylaneBackend], threads: int = 1, **options: Any) -> PennylaneBackend:
    try:
        return kind({key: option.default for key, option in kind.options.items()} | options, threads)
    except UnavailableError as error:
        pytest.skip(error.reason)


@pytest.fixture(params=[DefaultQubitBackend, LightningQubitBackend, LightningKokkosBackend], ids=lambda kind: kind.name)
def kind(request: pytest.FixtureRequest) -> type[PennylaneBackend]:
    return request.param


@pytest.fixture
def backend(kind: type[PennylaneBackend]) -> PennylaneBackend:
    return open_backend(kind)


@pytest.mark.parametrize("name", sorted(GATES))
def test_every_gate(backend: PennylaneBackend, name: str) -> None:
    assert_exact(backend, gate_in_context(name))


def test_matrices(backend: PennylaneBackend) -> None:
    for n_qubits in (1, 2, 3):
        for program in unitary_trials(n_qubits):
            assert_exact(backend, program)


@pytest.mark.parametrize("kind", [LightningQubitBackend, LightningKokkosBackend])
def test_single_precision(kind: type[PennylaneBackend]) -> None:
    import numpy as np

    backend = open_backend(kind, precision="single")
    assert backend.describe().precision == "single"
    prepared = backend.prepare(ASYMMETRIC)
    assert prepared.device.c_dtype == np.complex64
    assert backend.counts(backend.run(prepared, 100, 1)) == {"010": 100}
    assert_exact(backend, gate_in_context("ccx"))


def test_bits_are_where_they_belong(backend: PennylaneBackend) -> None:
    assert run(backend, ASYMMETRIC) == {"010": 100}
    for program, outcomes in ((GAPS, {"01000", "11010"}), (REPEATED, {"1000", "0111"}), (OVERWRITTEN, {"10", "11"})):
        counts = run(backend, program)
        assert counts.keys() == outcomes
        assert sum(counts.values()) == 100


@pytest.mark.parametrize("shots", [1, 2])
def test_few_shots(backend: PennylaneBackend, shots: int) -> None:
    assert run(backend, ASYMMETRIC, shots) == {"010": shots}
    assert sum(run(backend, DYNAMIC, shots).values()) == shots


def test_nothing_to_measure(backend: PennylaneBackend) -> None:
    assert run(backend, Program(1, 2, (gate("h", 0),))) == {"00": 100}
    assert run(backend, Program(1, 0, (gate("h", 0),))) == {"": 100}


def test_qubits_that_nothing_acts_on(backend: PennylaneBackend) -> None:
    assert run(backend, Program(4, 2, (gate("x", 2), measure(2, 1), measure(0, 0)))) == {"10": 100}


@pytest.mark.parametrize("method", METHODS)
def test_resets_and_conditions(kind: type[PennylaneBackend], method: str) -> None:
    backend = open_backend(kind, mcm_method=method)
    for program in (RESETS, TELEPORTED, REPEATED, OVERWRITTEN):
        assert_exact(backend, program, shots=200)
    assert backend.describe().method == f"statevector ({method})"


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("method", ["deferred", "tree-traversal"])
def test_random_dynamic_programs(kind: type[PennylaneBackend], method: str, seed: int) -> None:
    backend = open_backend(kind, mcm_method=method)
    assert_exact(backend, random_program(seed, any_gate, conditions=True), shots=500)


def test_the_method_is_chosen_by_the_number_of_measurements(backend: PennylaneBackend) -> None:
    for program, method in ((UNIFORM, "statevector"), (TELEPORTED, "statevector (deferred)")):
        assert_exact(backend, program, shots=100)
        assert backend.describe().method == method
    assert_exact(backend, LONG, shots=20)
    assert backend.describe().method == "statevector (tree-traversal)"


@pytest.mark.parametrize("block", [[measure(1, 1)], [reset(1)]], ids=["measurement", "reset"])
def test_blocks_with_more_than_gates_are_unsupported(backend: PennylaneBackend, block: list[Instruction]) -> None:
    program = Program(2, 2, (gate("h", 0), measure(0, 0), if_else((0,), {1}, block)))
    with pytest.raises(UnsupportedError, match="inside a conditional block"):
        run(backend, program)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("program", [UNIFORM, DYNAMIC], ids=["static", "dynamic"])
def test_seeds(kind: type[PennylaneBackend], program: Program, method: str) -> None:
    backend = open_backend(kind, mcm_method=method)
    first = run(backend, program, 200, seed=5)
    assert first == run(backend, program, 200, seed=5)
    assert first != run(backend, program, 200, seed=6)
    assert first == run(open_backend(kind, mcm_method=method), program, 200, seed=5)
    assert sum(first.values()) == 200


def test_a_phase_with_many_controls_makes_no_large_matrix(backend: PennylaneBackend) -> None:
    """One of 13 qubits would have 4**13 entries, 1 GiB."""
    n_qubits = 13
    phase = gate("mcphase", *range(n_qubits), params=[1.0])
    items = (*(gate("h", i) for i in range(n_qubits)), phase, *(gate("h", i) for i in range(n_qubits)))
    program = lower(Program(n_qubits, 1, (*items, measure(0, 0))), backend.capabilities())
    operations = backend.prepare(program).script.operations
    assert all(len(item.wires) <= 8 or "X" in item.name or "PhaseShift" in item.name for item in operations)
    if backend.name == "default.qubit":
        assert {item.name for item in operations if len(item.wires) > 2} <= {"MultiControlledX", "Toffoli"}


def test_describes_itself(kind: type[PennylaneBackend]) -> None:
    described = open_backend(kind, threads=2).describe()
    assert described.version == described.versions[kind.packages[0]]
    assert "pennylane" in described.versions
    assert (described.device, described.precision, described.method) == ("CPU", "double", "statevector")
    assert described.threads == (1 if kind is LightningQubitBackend else 2)


def test_default_qubit_has_no_choice_of_precision() -> None:
    assert "precision" not in DefaultQubitBackend.options
    assert open_backend(DefaultQubitBackend).capabilities().precisions == ("double",)


def test_without_pennylane_it_says_how_to_install_it(kind: type[PennylaneBackend], monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "pennylane", None)
    with pytest.raises(UnavailableError, match="PennyLane can't be imported") as caught:
        kind({key: option.default for key, option in kind.options.items()}, 1)
    assert caught.value.install == kind.install


def test_a_device_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pennylane", reason="PennyLane is not installed")
    monkeypatch.setattr(LightningGpuBackend, "name", "lightning.tpu")
    with pytest.raises(UnavailableError, match=r"PennyLane can't open lightning\.tpu") as caught:
        LightningGpuBackend({key: option.default for key, option in LightningGpuBackend.options.items()}, 1)
    assert caught.value.install == "pip install pennylane-lightning-gpu"


@pytest.mark.gpu
def test_on_a_gpu() -> None:
    backend = open_backend(LightningGpuBackend)
    assert backend.describe().device == "GPU"
    assert run(backend, ASYMMETRIC) == {"010": 100}
    assert_exact(backend, gate_in_context("ccx"))
    assert_exact(backend, TELEPORTED)
