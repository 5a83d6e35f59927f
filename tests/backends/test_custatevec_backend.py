"""The adapter of cuStateVec: its plan of gates anywhere, the library itself where there is a GPU."""

from __future__ import annotations

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
    measure,
    random_program,
    run,
)

from pytest_qbench import Instruction, Program, UnavailableError
from pytest_qbench.backends.custatevec import CustatevecBackend, plan_gates
from pytest_qbench.circuits.gates import GATES, gate_matrix

torch = pytest.importorskip("torch", reason="torch is not installed")


def backend(**options: Any) -> CustatevecBackend:
    defaults = {key: option.default for key, option in CustatevecBackend.options.items()}
    return CustatevecBackend(defaults | options, 1)


def matrix_of(item: Instruction, n_qubits: int) -> Any:
    """The matrix of a planned gate on all qubits, as cuStateVec's documentation says what targets and controls are."""
    (planned,) = plan_gates([item])
    size = 1 << n_qubits
    matrix = np.eye(size, dtype=complex)
    entries = np.array(planned.matrix)
    for column in range(size):
        if all(column >> control & 1 for control in planned.controls):
            value = sum((column >> target & 1) << bit for bit, target in enumerate(planned.targets))
            rest = column & ~sum(1 << target for target in planned.targets)
            matrix[:, column] = 0
            for row in range(len(entries)):
                image = rest | sum((row >> bit & 1) << target for bit, target in enumerate(planned.targets))
                matrix[image, column] = entries[row, value]
    return matrix


@pytest.mark.parametrize("name", sorted(set(GATES) - {"id"}))
def test_the_plan_of_every_gate(name: str) -> None:
    spec = GATES[name]
    n_qubits = spec.n_qubits or 4
    item = Instruction(name, tuple(range(n_qubits)), tuple(0.3 + 0.8 * index for index in range(spec.n_params)))
    assert np.allclose(matrix_of(item, n_qubits), np.array(gate_matrix(item)))


def test_the_plan_leaves_out_what_is_no_gate() -> None:
    assert plan_gates([gate("id", 0), measure(0, 0)]) == []
    (planned,) = plan_gates([gate("ccx", 4, 2, 3)])
    assert (planned.controls, planned.targets) == ((4, 2), (3,))


def test_without_a_gpu_that_is_the_reason() -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    with pytest.raises(UnavailableError, match=r"cuStateVec runs on NVIDIA GPUs: .*CUDA"):
        backend()


def test_without_torch_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)  # makes the import fail
    with pytest.raises(UnavailableError, match="torch") as caught:
        backend()
    assert "pytest-qbench[native]" in caught.value.install


@pytest.mark.gpu
class TestOnAGpu:
    """The library itself."""

    @pytest.fixture(autouse=True)
    def _needs(self) -> None:
        if not torch.cuda.is_available():
            pytest.skip("torch finds no CUDA device")
        pytest.importorskip("cuquantum", reason="cuquantum is not installed")

    def test_without_cuquantum_it_says_how_to_install_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "cuquantum", None)  # makes the import fail
        with pytest.raises(UnavailableError, match="cuStateVec can't be used") as caught:
            backend()
        assert "cuquantum" in caught.value.install

    def test_every_gate(self) -> None:
        simulator = backend()
        for name in sorted(GATES):
            assert_exact(simulator, gate_in_context(name))

    @pytest.mark.parametrize("precision", ["single", "double"])
    def test_bits_are_where_they_belong(self, precision: str) -> None:
        simulator = backend(precision=precision)
        assert run(simulator, ASYMMETRIC) == {"010": 100}
        assert run(simulator, Program(1, 2, (gate("x", 0),))) == {"00": 100}
        for program, outcomes in (
            (GAPS, {"01000", "11010"}),
            (REPEATED, {"1000", "0111"}),
            (OVERWRITTEN, {"10", "11"}),
        ):
            assert run(simulator, program).keys() == outcomes

    @pytest.mark.parametrize("program", [RESETS, TELEPORTED], ids=["resets", "teleported"])
    def test_dynamic_programs(self, program: Program) -> None:
        assert_exact(backend(), program, shots=400)

    @pytest.mark.parametrize("seed", range(8))
    def test_random_dynamic_programs(self, seed: int) -> None:
        assert_exact(backend(), random_program(seed, any_gate, conditions=True), shots=500)

    @pytest.mark.parametrize("program", [gate_in_context("h"), TELEPORTED], ids=["static", "dynamic"])
    def test_the_seed_decides(self, program: Program) -> None:
        simulator = backend()
        one, again, other = (run(simulator, program, 500, seed) for seed in (1, 1, 2))
        assert one == again != other

    def test_describes_itself(self) -> None:
        simulator = backend(precision="single")
        said = simulator.describe()
        assert (said.device, said.precision, said.method) == ("GPU", "single", "statevector")
        assert said.device_name == torch.cuda.get_device_name()
        assert said.version == said.versions["cuquantum"]
        simulator.device_peak_bytes()
        run(simulator, ASYMMETRIC)
        peak = simulator.device_peak_bytes()
        assert peak is not None
        assert peak >= 8 << 3
