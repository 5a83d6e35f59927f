"""The adapter of the native engine."""

from __future__ import annotations

import sys
from typing import Any

import pytest
import torch

from pytest_qbench import Instruction, Program, UnavailableError, UnsupportedError
from pytest_qbench.backends.native import NativeBackend
from pytest_qbench.circuits.gates import GATES
from pytest_qbench.circuits.lowering import lower


@pytest.fixture(autouse=True)
def _restore_threads() -> Any:
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def backend(threads: int = 1, **options: Any) -> NativeBackend:
    defaults = {key: option.default for key, option in NativeBackend.options.items()}
    return NativeBackend(defaults | options, threads)


def measure(qubit: int, clbit: int) -> Instruction:
    return Instruction("measure", (qubit,), clbits=(clbit,))


ASYMMETRIC = Program(3, 3, (Instruction("x", (0,)), measure(0, 1), measure(1, 0), measure(2, 2)))


@pytest.mark.parametrize("precision", ["single", "double"])
def test_measures_a_program(precision: str) -> None:
    native = backend(precision=precision)
    prepared = native.prepare(lower(ASYMMETRIC, native.capabilities()))
    assert native.counts(native.run(prepared, 100, 1)) == {"010": 100}
    native.synchronize()
    assert native.device_peak_bytes() is None


def test_dynamic_program() -> None:
    items = (Instruction("h", (0,)), measure(0, 0), Instruction("cx", (0, 1)), measure(1, 1))
    native = backend()
    counts = native.counts(native.run(native.prepare(Program(2, 2, items)), 1000, 1))
    assert counts.keys() == {"00", "11"}
    assert sum(counts.values()) == 1000
    assert all(type(count) is int for count in counts.values())


@pytest.mark.parametrize("precision", ["single", "double"])
def test_noisy_program(precision: str) -> None:
    """A bit that is 1 with probability 1 - 0.2 / 2, then misread with probability 0.1 where it is 1."""
    channel, misread = Instruction("depolarizing", (0,), (0.2,)), Instruction("readout_error", (), (0.0, 0.1), (0,))
    program = Program(1, 1, (Instruction("x", (0,)), channel, measure(0, 0), misread))
    native = backend(precision=precision)
    prepared = native.prepare(lower(program, native.capabilities()))
    counts = native.counts(native.run(prepared, 10_000, 1))
    assert counts == native.counts(native.run(prepared, 10_000, 1))
    assert sum(counts.values()) == 10_000
    assert counts["1"] == pytest.approx(10_000 * 0.9 * 0.9, abs=200)  # five standard deviations


def test_takes_every_gate_as_it_is() -> None:
    capabilities = backend().capabilities()
    assert capabilities.gates == set(GATES)
    assert capabilities.dynamic
    assert capabilities.noise
    assert capabilities.max_qubits is None


def test_describes_itself() -> None:
    described = backend(threads=2, precision="single").describe()
    assert described.threads == 2 == torch.get_num_threads()
    assert described.versions["torch"] == torch.__version__
    assert described.versions["pytest-qbench"] == described.version
    assert (described.device, described.precision, described.method) == ("CPU", "single", "statevector")


@pytest.mark.parametrize(("text", "device"), [("cpu", "cpu"), ("CPU", "cpu"), ("GPU", "cuda"), ("Cuda", "cuda")])
def test_device_spellings(text: str, device: str) -> None:
    option = NativeBackend.options["device"]
    assert option.parse(text) == device
    assert device in option.choices


def test_without_torch_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)  # makes the import fail
    with pytest.raises(UnavailableError, match="torch") as caught:
        backend()
    assert caught.value.install == "pip install 'pytest-qbench[native]'"


def test_a_missing_gpu_is_named() -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    with pytest.raises(UnavailableError, match="device=cuda"):
        backend(device="cuda")


def test_a_missing_metal_device_is_named() -> None:
    if torch.backends.mps.is_available():
        pytest.skip("there is a Metal device")
    with pytest.raises(UnavailableError, match="device=mps"):
        backend(device="mps")


def test_metal_has_no_double_precision() -> None:
    if not torch.backends.mps.is_available():
        pytest.skip("torch finds no Metal device")
    with pytest.raises(UnsupportedError, match="precision=single"):
        backend(device="mps").prepare(ASYMMETRIC)


def test_a_state_that_does_not_fit() -> None:
    native = backend()
    prepared = native.prepare(Program(45, 1, (Instruction("h", (0,)), measure(0, 0))))
    with pytest.raises(MemoryError):
        native.run(prepared, 1, 0)


@pytest.mark.gpu
def test_on_a_gpu() -> None:
    if not torch.cuda.is_available():
        pytest.skip("torch finds no CUDA device")
    native = backend(device="cuda")
    described = native.describe()
    assert described.device == "GPU"
    assert described.device_name == torch.cuda.get_device_name()
    native.device_peak_bytes()
    prepared = native.prepare(ASYMMETRIC)
    assert native.counts(native.run(prepared, 100, 1)) == {"010": 100}
    native.synchronize()
    peak = native.device_peak_bytes()
    assert peak is not None
    assert peak >= 16 << 3
