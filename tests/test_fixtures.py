"""The fixtures for hand-written tests."""

import json

import pytest
from end_to_end import rows

MODULE = """
from qiskit import QuantumCircuit
import pytest

@pytest.fixture
def circuit():
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure_all()
    return circuit
"""


def test_qbench_measures_verifies_and_returns(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        MODULE
        + """
def test_right(qbench, circuit):
    measured = qbench(circuit, expected={"00": 0.5, "11": 0.5}, shots=500)
    assert sum(measured.counts.values()) == 500
    assert measured.median_s > 0 and len(measured.rounds_s) >= 3

def test_computed_reference(qbench, circuit):
    qbench(circuit)

def test_wrong(qbench, circuit):
    qbench(circuit, expected={"01": 0.5, "10": 0.5}, shots=500)

def test_twice(qbench, circuit):
    qbench(circuit)
    qbench(circuit)

def test_no_circuit(qbench):
    qbench("circuit")

@pytest.mark.parametrize("angle", [1, 2])
def test_parametrized(qbench, circuit, angle):
    qbench(circuit, shots=10)
"""
    )
    result = pytester.runpytest_subprocess(
        "--qbench-backend=aer,native", "--benchmark-columns=rounds", "test_qbench_measures_verifies_and_returns.py"
    )
    result.assert_outcomes(passed=8, failed=6)
    text = result.stdout.str()
    assert "FAIL: wrong distribution at 500 shots" in text
    assert "the qbench fixture can be used once in a test" in text
    assert "the circuit given to qbench(): str is neither a QuantumCircuit nor a Program" in text
    assert "test_right[aer]" in text
    assert "was not used at all" not in text
    cases = [(row["case"], row["backend"], row["status"]) for row in rows(pytester)]
    assert ("test_right", "aer", "PASS") in cases
    assert ("test_wrong", "native", "FAIL") in cases
    assert next(row["params"] for row in rows(pytester) if row["case"] == "test_parametrized")["angle"] == 1


def test_native_is_the_backend_unless_one_is_chosen(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(MODULE + "def test_one(qbench, circuit): qbench(circuit, shots=10)\n")
    result = pytester.runpytest_subprocess("-v")
    result.stdout.fnmatch_lines(["*::test_one[[]native[]] PASS*"])


def test_device_fixtures(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        MODULE
        + """
from pytest_qbench import Instruction, Program

def test_aer(qbench_aer, circuit):
    assert qbench_aer.run(circuit, shots=10).result().success

def test_backend(qbench_backend):
    program = Program(1, 1, (Instruction("x", (0,)), Instruction("measure", (0,), clbits=(0,))))
    result = qbench_backend.run(qbench_backend.prepare(program), 10, 1)
    assert dict(qbench_backend.counts(result)) == {"1": 10}

def test_gpu(qbench_gpu):
    assert qbench_gpu.type == "cuda"

def test_device(qbench_device):
    assert qbench_device(2).name
"""
    )
    result = pytester.runpytest_subprocess(
        "-rs", "-v", "--qbench-backend=aer", pytester.path / "test_device_fixtures.py"
    )
    outcomes = result.parseoutcomes()
    assert outcomes["passed"] >= 2
    assert outcomes["passed"] + outcomes.get("skipped", 0) == 4
    result.stdout.fnmatch_lines(["*test_aer PASSED*", "*test_backend[[]aer[]] PASSED*"])


def test_measuring_in_a_fixture_and_beside_benchmark(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        MODULE
        + """
@pytest.fixture
def measured(qbench, circuit):
    return qbench(circuit, shots=10)

@pytest.fixture
def wrong(qbench, circuit):
    return qbench(circuit, shots=100, expected={"01": 1.0})

def test_fixture(measured):
    assert sum(measured.counts.values()) == 10

def test_wrong_fixture(wrong):
    raise AssertionError("must not run")

def test_both(qbench, benchmark, circuit):
    assert benchmark(lambda: 5) == 5
    qbench(circuit, shots=10)

def test_too_late(request):
    request.getfixturevalue("qbench")

class TestClass:
    @pytest.mark.parametrize("kind", [1, object])
    def test_method(self, qbench, circuit, kind):
        qbench(circuit, shots=10)
"""
    )
    path = str(next(pytester.path.glob("test_*.py")))
    result = pytester.runpytest_subprocess("--qbench-backend=aer", "--benchmark-json=out.json", path, "-W", "error")
    assert result.ret == 1
    assert "must name qbench or qbench_backend as an argument" in result.stdout.str()
    statuses = [(row["case"], row["status"]) for row in rows(pytester)]
    assert sorted(statuses) == [
        ("test_both", "PASS"),
        ("test_fixture", "PASS"),
        ("test_method", "PASS"),
        ("test_method", "PASS"),
        ("test_wrong_fixture", "FAIL"),
    ]
    stored = {entry["name"] for entry in json.loads((pytester.path / "out.json").read_text())["benchmarks"]}
    assert stored == {"test_fixture[aer]", "test_both[aer]", "test_method[aer-1]", "test_method[aer-object]"}
