"""What an exception in the backend means."""

import pytest
from faulty_backends import ERRORS, UnspeakableError

from pytest_qbench import UnavailableError, UnsupportedError
from pytest_qbench.measure.failures import failure_of
from pytest_qbench.measure.messages import AbortKind, Unavailable, Unsupported


def raised(make):
    """The exception of ``make`` after it was raised, with its traceback."""
    try:
        raise make()
    except BaseException as error:
        return error


@pytest.mark.parametrize(
    ("error", "kind", "reason"),
    [
        ("plain", AbortKind.EXCEPTION, "exception: ValueError: bad angle"),
        ("unpicklable", AbortKind.EXCEPTION, "exception: UnpicklableError: lost the handle"),
        ("unspeakable", AbortKind.EXCEPTION, "exception: UnspeakableError: <its __str__ failed>"),
        ("exit", AbortKind.EXCEPTION, "exception: SystemExit: 3"),
        ("interrupt", AbortKind.EXCEPTION, "exception: KeyboardInterrupt"),
        ("memory", AbortKind.MEMORY, "memory: MemoryError: state of 40 qubits"),
        ("torch", AbortKind.MEMORY, "memory: RuntimeError: CUDA out of memory. Tried to allocate 16.00 GiB."),
    ],
)
def test_errors_become_aborts(error, kind, reason):
    abort = failure_of(raised(ERRORS[error]), "round 2")
    assert (abort.kind, abort.reason, abort.phase) == (kind, reason, "round 2")
    assert "in raised" in abort.detail


@pytest.mark.parametrize(
    "text",
    [
        "std::bad_alloc",
        "Insufficient memory to run circuit circuit-1 using the statevector simulator.",
        "[enforce fail at alloc_cpu.cpp:125] DefaultCPUAllocator: can't allocate memory: you tried to allocate",
        "CUDA_ERROR_OUT_OF_MEMORY",
        "cudaErrorMemoryAllocation",
        "Unable to allocate 16.0 TiB for an array",
    ],
)
def test_simulators_say_out_of_memory_in_many_ways(text):
    assert failure_of(RuntimeError(text), "prepare").kind is AbortKind.MEMORY


def test_an_error_class_named_so_is_enough():
    class OutOfMemoryError(RuntimeError):
        pass

    assert failure_of(OutOfMemoryError("device 0"), "prepare").kind is AbortKind.MEMORY


def test_a_memory_of_another_kind_is_an_ordinary_exception():
    assert failure_of(RuntimeError("classical memory slot 3 is unknown"), "prepare").kind is AbortKind.EXCEPTION


def test_what_adapters_raise_on_purpose():
    assert failure_of(UnsupportedError("gate 'mcx'"), "prepare") == Unsupported("gate 'mcx'")
    assert failure_of(UnavailableError("no driver", "apt install it"), "start", "pip") == Unavailable(
        "no driver", "apt install it"
    )
    assert failure_of(UnavailableError("no driver"), "start", "pip") == Unavailable("no driver")


def test_a_failed_import_means_unavailable_only_at_the_start():
    error = ModuleNotFoundError("No module named 'simulator'")
    assert failure_of(error, "start", "pip install it") == Unavailable("No module named 'simulator'", "pip install it")
    assert failure_of(error, "round 1").kind is AbortKind.EXCEPTION


def test_long_texts_are_cut():
    def deep(n):
        if n:
            deep(n - 1)
        raise ValueError("long " * 1000 + "\n" + "longer " * 10_000)

    abort = failure_of(raised(lambda: deep(50)), "prepare")
    assert len(abort.reason) < 400
    assert len(abort.detail) <= 16_000


def test_an_exception_that_can_not_even_be_formatted():
    class HostileError(UnspeakableError):
        @property
        def __cause__(self):
            raise SystemExit

    assert "raised" in failure_of(raised(HostileError), "prepare").detail
