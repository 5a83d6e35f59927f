"""Where references come from: expectations, mirrors, and exact distributions kept in memory and in files."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from pytest_qbench.cases import CaseError, CircuitCase, circuit_case
from pytest_qbench.circuits.program import Instruction, Program
from pytest_qbench.user_code import place
from pytest_qbench.verify import reference
from pytest_qbench.verify.distribution import Distribution
from pytest_qbench.verify.reference import ReferenceCache, reference_distribution

THIS_FILE = __file__


def coins(n_qubits: int) -> Program:
    """As many fair coins as qubits."""
    flips = tuple(Instruction("h", (qubit,)) for qubit in range(n_qubits))
    reads = tuple(Instruction("measure", (qubit,), clbits=(qubit,)) for qubit in range(n_qubits))
    return Program(n_qubits, n_qubits, flips + reads)


def case_of(*, mirror: bool = False) -> CircuitCase:
    @circuit_case(n_qubits=[2, 25], mirror=mirror)
    def flips(n_qubits):
        return coins(n_qubits)

    return flips


def as_dict(distribution: Distribution) -> dict[str, float]:
    return {distribution.key(index): float(value) for index, value in enumerate(distribution.probabilities)}


@pytest.fixture
def stores_everything(monkeypatch):
    monkeypatch.setattr(reference, "_WORTH_STORING_S", 0.0)


def test_expectation_comes_first():
    case = case_of(mirror=True)

    @case.expected
    def _(n_qubits):
        return {"0" * n_qubits: 0.25, "1" * n_qubits: 0.75}

    found = reference_distribution(case, {"n_qubits": 2}, coins(2), ReferenceCache())
    assert as_dict(found) == {"00": 0.25, "11": 0.75}


def test_mirror_must_return_all_zeros():
    found = reference_distribution(case_of(mirror=True), {"n_qubits": 25}, coins(25), ReferenceCache())
    assert as_dict(found) == {"0" * 25: 1.0}


def test_otherwise_the_exact_simulator_decides():
    case = case_of()
    case.expected(lambda n_qubits: {"0": 1.0} if n_qubits == 1 else None)
    for asked in (case_of(), case):
        found = reference_distribution(asked, {"n_qubits": 2}, coins(2), ReferenceCache())
        assert as_dict(found) == pytest.approx(dict.fromkeys(("00", "01", "10", "11"), 0.25))


def test_expectation_that_raises_is_named_with_its_line():
    case = case_of()

    @case.expected
    def _(n_qubits):
        return {"0": 1 / (n_qubits - 2)}  # the line

    with pytest.raises(CaseError) as caught:
        reference_distribution(case, {"n_qubits": 2}, coins(2), ReferenceCache())
    line = next(n for n, text in enumerate(open(THIS_FILE), 1) if text.endswith("# the line\n"))  # noqa: PTH123, SIM115
    first, second, *_ = str(caught.value).splitlines()
    assert first.startswith(f"{place(THIS_FILE, line)}: expectation of flips(n_qubits=2) raised ZeroDivisionError")
    assert second == "Traceback (most recent call last):"
    assert "    return {" in str(caught.value)


@pytest.mark.parametrize(
    ("expected", "says"), [({"000": 1.0}, "has 3 bits; the circuit has 2"), (0.5, "not float"), ({}, "is empty")]
)
def test_expectation_that_is_no_distribution_is_named_with_its_line(expected, says):
    case = case_of()
    function = case.expected(lambda n_qubits: expected)
    with pytest.raises(CaseError) as caught:
        reference_distribution(case, {"n_qubits": 2}, coins(2), ReferenceCache())
    assert str(caught.value).startswith(f"{place(THIS_FILE, function.__code__.co_firstlineno)}: expectation of flips(")
    assert says in str(caught.value)


def test_infeasible_reference_is_named_with_the_case():
    case = case_of()
    with pytest.raises(CaseError) as caught:
        reference_distribution(case, {"n_qubits": 25}, coins(25), ReferenceCache())
    assert str(caught.value).startswith(f"{place(THIS_FILE, case.line)}: flips: no reference distribution: 25 qubits")


def test_circuit_that_measures_nothing_is_refused():
    with pytest.raises(CaseError, match="measures nothing"):
        reference_distribution(case_of(), {}, Program(1, 1, ()), ReferenceCache())


def test_memory_keeps_distributions_up_to_a_bound(monkeypatch):
    cache = ReferenceCache()
    first = cache.exact(coins(3))
    assert cache.exact(coins(3)) is first
    monkeypatch.setattr(reference, "_MAX_ENTRIES", 40)
    cache.exact(coins(5))
    cache.exact(coins(4))
    assert cache.exact(coins(3)) is not first


@pytest.mark.parametrize("n_qubits", [3, 13])
def test_files_bring_distributions_back(tmp_path, stores_everything, n_qubits):
    directory = tmp_path / "made" / "when needed"
    stored = ReferenceCache(directory).exact(coins(n_qubits))
    (file,) = directory.iterdir()
    assert coins(n_qubits).hash in file.name
    # Another content shows that the file was read.
    with np.load(file) as data:
        arrays = dict(data)
    arrays["probabilities"][:2] = arrays["probabilities"][0] * np.array([0.5, 1.5])
    np.savez(file, **arrays)
    found = ReferenceCache(directory).exact(coins(n_qubits))
    assert found.keys == stored.keys
    assert found.probabilities[1] == pytest.approx(1.5 * stored.probabilities[1])


def test_quick_distributions_are_not_stored(tmp_path):
    ReferenceCache(tmp_path / "cache").exact(coins(2))
    assert not (tmp_path / "cache").exists()


def npz(**arrays):
    return lambda file: np.savez(file, **arrays)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda file: file.write_bytes(b""),
        lambda file: file.write_bytes(file.read_bytes()[:-40]),
        lambda file: file.write_bytes(b"PK\x03\x04 not a zip"),
        lambda file: file.write_bytes(pickle.dumps({"probabilities": [1.0]})),
        lambda file: np.save(file.open("wb"), np.ones(4) / 4),
        npz(),
        npz(probabilities=np.array([0.25] * 3)),
        npz(probabilities=np.array([0.9] * 4)),
        npz(probabilities=np.array([2.0, -1.0, 0.0, 0.0])),
        npz(probabilities=np.array([np.nan] * 4)),
        npz(probabilities=np.array(["a"] * 4)),
        npz(probabilities=np.ones((2, 2)) / 4),
        npz(probabilities=np.ones(1), keys=np.array(["011"])),
        npz(probabilities=np.ones(1), keys=np.array(["0x"])),
        npz(probabilities=np.ones(1), keys=np.array([3])),
        npz(probabilities=np.array([object()]), keys=np.array(["00"])),
        lambda file: (file.unlink(), file.mkdir()),
    ],
)
def test_spoilt_and_foreign_files_are_as_good_as_none(tmp_path, stores_everything, spoil):
    right = as_dict(ReferenceCache(tmp_path).exact(coins(2)))
    (file,) = tmp_path.iterdir()
    spoil(file)
    assert as_dict(ReferenceCache(tmp_path).exact(coins(2))) == right
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_files_of_another_format_are_left_alone(tmp_path, stores_everything, monkeypatch):
    ReferenceCache(tmp_path).exact(coins(2))
    monkeypatch.setattr(reference, "_FORMAT", reference._FORMAT + 1)
    ReferenceCache(tmp_path).exact(coins(2))
    assert len(list(tmp_path.iterdir())) == 2


def test_a_directory_that_cannot_be_made_is_no_error(tmp_path, stores_everything):
    (tmp_path / "file").write_text("in the way")
    assert len(ReferenceCache(tmp_path / "file" / "cache").exact(coins(2))) == 4
