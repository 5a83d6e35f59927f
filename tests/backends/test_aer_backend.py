"""The adapter of Qiskit Aer: every option of its spec changes what Aer does."""

from __future__ import annotations

import os
import sys
from typing import Any

import pytest
from qiskit_aer import AerSimulator

from pytest_qbench import Condition, Instruction, Program, UnavailableError
from pytest_qbench.backends.aer import AerBackend
from pytest_qbench.circuits.lowering import lower

HAS_GPU = "GPU" in AerSimulator().available_devices()


def backend(threads: int = 1, **options: Any) -> AerBackend:
    defaults = {key: option.default for key, option in AerBackend.options.items()}
    return AerBackend(defaults | options, threads)


def run(aer: AerBackend, program: Program, shots: int = 100, seed: int = 1) -> Any:
    return aer.run(aer.prepare(lower(program, aer.capabilities())), shots, seed)


def facts(aer: AerBackend, program: Program) -> dict[str, Any]:
    """What Aer says that it did."""
    metadata: dict[str, Any] = run(aer, program).results[0].metadata
    return metadata


def measure(qubit: int, clbit: int) -> Instruction:
    return Instruction("measure", (qubit,), clbits=(clbit,))


def measured(n_qubits: int, *gates: Instruction) -> Program:
    return Program(n_qubits, n_qubits, (*gates, *(measure(i, i) for i in range(n_qubits))))


ASYMMETRIC = Program(3, 3, (Instruction("x", (0,)), measure(0, 1), measure(1, 0), measure(2, 2)))
UNIFORM = measured(10, *(Instruction("h", (i,)) for i in range(10)))


def magic(n_qubits: int) -> Program:
    """H and T on every qubit: no stabilizer state."""
    return measured(n_qubits, *(Instruction(name, (i,)) for i in range(n_qubits) for name in ("h", "t", "h")))


@pytest.mark.parametrize("method", ["automatic", "statevector", "density_matrix", "stabilizer", "matrix_product_state"])
def test_bits_are_where_they_belong_whatever_the_method(method: str) -> None:
    aer = backend(method=method)
    assert aer.counts(run(aer, ASYMMETRIC)) == {"010": 100}


@pytest.mark.parametrize("method", ["statevector", "density_matrix", "matrix_product_state"])
def test_the_method_is_the_one_that_aer_uses(method: str) -> None:
    aer = backend(method=method)
    assert facts(aer, magic(3))["method"] == aer.describe().method == method


def test_the_method_that_aer_chooses_is_told() -> None:
    aer = backend()
    assert aer.describe().method == "automatic"
    run(aer, UNIFORM)
    assert aer.describe().method == "stabilizer"
    run(aer, magic(3))
    assert aer.describe().method == "statevector"


def test_the_precision_changes_the_memory_of_the_state() -> None:
    sizes = {name: facts(backend(precision=name), magic(18))["required_memory_mb"] for name in ("double", "single")}
    assert sizes == {"double": 4, "single": 2}
    assert backend(precision="single").describe().precision == "single"


def test_fusion_goes_on_and_off() -> None:
    program = magic(15)  # from 15 qubits on Aer fuses
    assert facts(backend(method="statevector"), program)["fusion"]["applied"]
    assert not facts(backend(method="statevector", fusion=False), program)["fusion"]["enabled"]


def test_a_fixed_seed_stands_in_for_that_of_the_round() -> None:
    def two_rounds(aer: AerBackend) -> list[Any]:
        return [aer.counts(run(aer, UNIFORM, seed=seed)) for seed in (1, 2)]

    one, other = two_rounds(backend())
    assert one != other
    assert one == two_rounds(backend())[0]
    one, other = two_rounds(backend(seed=7))
    assert one == other


@pytest.mark.skipif(HAS_GPU, reason="this Aer has a GPU")
def test_a_missing_gpu_is_named_with_what_to_install() -> None:
    with pytest.raises(UnavailableError, match="no GPU support") as caught:
        backend(device="GPU")
    assert caught.value.install == "pip install qiskit-aer-gpu"


@pytest.mark.gpu
@pytest.mark.skipif(not HAS_GPU, reason="this qiskit-aer has no GPU support, or there is no such device")
def test_on_a_gpu() -> None:
    aer = backend(device="GPU", method="statevector")
    assert facts(aer, ASYMMETRIC)["device"] == aer.describe().device == "GPU"


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="takes two CPUs")
def test_threads_are_passed_on() -> None:
    program = magic(15)  # from 15 qubits on Aer shares a state among threads
    for threads in (1, 2):
        aer = backend(threads, method="statevector")
        assert facts(aer, program)["parallel_state_update"] == aer.describe().threads == threads


def test_dynamic_program() -> None:
    """A bit is measured, copied by a condition with an else, and both qubits are reset."""
    condition = Condition((0,), frozenset({1}))
    items = (
        Instruction("h", (0,)),
        measure(0, 0),
        Instruction("if_else", (1,), clbits=(0,), condition=condition, blocks=((Instruction("x", (1,)),),)),
        measure(1, 1),
        Instruction("reset", (1,)),
        measure(1, 2),
    )
    aer = backend()
    counts = aer.counts(run(aer, Program(2, 3, items), shots=1000))
    assert counts.keys() == {"000", "011"}
    assert sum(counts.values()) == 1000


@pytest.mark.parametrize("values", [set(), {0, 1, 2, 3}, {2}, {0, 3}, {1, 2, 3}])
def test_conditions_on_several_bits(values: set[int]) -> None:
    """Also those that always hold and those that never do."""
    flip = (Instruction("x", (2,)),)
    for memory in range(4):
        items = (
            *(Instruction("x", (i,)) for i in range(2) if memory >> i & 1),
            measure(0, 0),
            measure(1, 1),
            Instruction("if_else", (2,), condition=Condition((0, 1), frozenset(values)), blocks=(flip,)),
            measure(2, 2),
        )
        aer = backend()
        assert aer.counts(run(aer, Program(3, 3, items))) == {f"{int(memory in values)}{memory:02b}": 100}


def test_describes_itself() -> None:
    described = backend(threads=2).describe()
    assert described.version == described.versions["qiskit-aer"]
    assert "qiskit" in described.versions
    assert (described.device, described.precision, described.threads) == ("CPU", "double", 2)


def test_without_qiskit_aer_the_import_fails_while_it_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which is what makes it UNAVAILABLE, with this line."""
    monkeypatch.setitem(sys.modules, "qiskit_aer", None)
    with pytest.raises(ImportError):
        backend()
    assert AerBackend.install == "pip install qiskit-aer"
