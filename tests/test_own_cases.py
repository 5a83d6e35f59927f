"""Case files in a user's project: Python, QASM, MQT Bench, and mistakes in them."""

import os

import pytest
from end_to_end import make_cases, rows

MISTAKES = """
from qiskit import QuantumCircuit
from pytest_qbench import circuit_case

@circuit_case(n_qubits=2)
def raises(n_qubits):
    angle = {}
    return angle["missing"]

@circuit_case(n_qubits=2)
def returns_text(n_qubits):
    return "h q[0];"

@circuit_case(n_qubits=2)
def returns_nothing(n_qubits):
    QuantumCircuit(2).measure_all()

@circuit_case(n_qubits=2)
def measures_nothing(n_qubits):
    return QuantumCircuit(2)

@circuit_case(n_qubits=2)
def other_size(n_qubits):
    circuit = QuantumCircuit(3)
    circuit.measure_all()
    return circuit

@circuit_case(n_qubits=2)
def loops(n_qubits):
    circuit = QuantumCircuit(2, 2)
    with circuit.while_loop((circuit.clbits[0], 0)):
        circuit.measure(0, 0)
    return circuit

def plain(n_qubits):
    circuit = QuantumCircuit(n_qubits)
    circuit.h(0)
    circuit.measure_all()
    return circuit

@circuit_case(n_qubits=2)
def wrong_expectation(n_qubits):
    return plain(n_qubits)

@wrong_expectation.expected
def _(n_qubits):
    return {"00": 0.5, "10": 0.5}

@circuit_case(n_qubits=2)
def senseless_expectation(n_qubits):
    return plain(n_qubits)

@senseless_expectation.expected
def _(n_qubits):
    return {"00": 0.7, "01": 0.7}

@circuit_case(n_qubits=2)
def expectation_raises(n_qubits):
    return plain(n_qubits)

@expectation_raises.expected
def _(n_qubits):
    return {"00": 1 / 0}

@circuit_case(n_qubits=2)
def computed(n_qubits):
    return plain(n_qubits)
"""


def test_a_mistake_fails_its_own_items_only(pytester: pytest.Pytester) -> None:
    make_cases(pytester, MISTAKES)
    result = pytester.runpytest_subprocess("--qbench-backend=aer", "--qbench-shots=1000")
    result.assert_outcomes(failed=9, passed=1)
    text = result.stdout.str()
    assert "cases/own.py:8: raises(n_qubits=2) raised KeyError: 'missing'" in text
    assert "cases/own.py:14: returns_nothing's builder returned None: did you forget `return`?" in text
    assert 'return angle["missing"]' in text
    assert "returns_text(n_qubits=2): str is neither a QuantumCircuit nor a Program" in text
    assert "the circuit measures nothing" in text
    assert "the circuit has 3 qubits; declared: 2" in text
    assert "'while_loop' is not supported" in text
    assert "ZeroDivisionError" in text
    assert "01" in text  # the outcome that was impossible, by name
    assert "INTERNALERROR" not in text
    written = {row["case"]: row for row in rows(pytester)}
    assert len(written) == 10
    assert {case for case, row in written.items() if row["status"] == "PASS"} == {"computed"}
    assert written["raises"]["errors"]
    assert written["wrong_expectation"]["correct"] is False


BROKEN = """
from qiskit import QuantumCircuit
from pytest_qbench import circuit_case

def angle():
    try:
        return {}["missing"]
    except KeyError as error:
        raise ValueError("no angle") from error

@circuit_case(n_qubits=[2, 3])
def raises(n_qubits):
    return angle()

@circuit_case(n_qubits=[2, 3])
def out_of_range(n_qubits):
    return QuantumCircuit(n_qubits).h(n_qubits)
"""


def test_the_traceback_of_a_case_is_shown_once_and_is_the_users(pytester: pytest.Pytester) -> None:
    make_cases(pytester, BROKEN)
    result = pytester.runpytest_subprocess("--qbench-backend=aer", "--qbench-shots=10,100", "--color=no")
    result.assert_outcomes(failed=8)
    text = result.stdout.str()
    # One traceback of two exceptions, and one.
    assert text.count("Traceback (most recent call last):") == 3
    assert text.count("The above exception was the direct cause") == 1
    assert text.count("in angle") == 2
    for ours in ("runner.py", "quantumcircuit.py", "pytest_qbench/"):
        assert ours not in text
    own = "cases/own.py::raises[aer-q2-s10]"
    first = "FAIL: cases/own.py:9: raises(n_qubits=2) raised ValueError: no angle"
    assert result.outlines.count(first) == 1
    assert result.outlines.count(f"{first} (traceback: see {own})") == 1
    assert f"{first} (traceback: see {own})".replace("=2", "=3", 1) in result.outlines
    assert f"FAIL {own} - ValueError: no angle" in result.outlines
    for row in rows(pytester):
        (error,) = row["errors"]
        assert "Traceback" in error["detail"], "the record is whole for every instance"


@pytest.mark.parametrize("named", [(), ("cases/own.py",), ("--qbench-cases=cases/own.py",)])
def test_a_syntax_error_in_a_case_file(pytester: pytest.Pytester, named: tuple[str, ...]) -> None:
    make_cases(pytester, "import qiskit\ndef one(n_qubits:\n    return 1\n")
    result = pytester.runpytest_subprocess("--qbench-backend=aer", *named)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["cases/own.py:2: SyntaxError: '(' was never closed", "*def one(n_qubits:", "*^"])
    result.stdout.no_fnmatch_line("*importlib*")


def test_a_case_file_that_cannot_be_imported_is_pytests_own_error(pytester: pytest.Pytester) -> None:
    make_cases(pytester, "import no_such_module\n")
    result = pytester.runpytest_subprocess("--qbench-backend=aer")
    assert result.ret != 0
    result.stdout.fnmatch_lines(["*No module named 'no_such_module'*"])


BELL = 'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[2];\ncreg c[2];\nh q[0];\ncx q[0],q[1];\nmeasure q -> c;\n'


def test_qasm_files_are_cases(pytester: pytest.Pytester) -> None:
    make_cases(pytester, BELL, "bell.qasm")
    make_cases(pytester, BELL.replace("h q[0]", "hh q[0]"), "broken.qasm")
    result = pytester.runpytest_subprocess("--qbench-backend=aer", "--qbench-shots=100", "-v")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["cases/bell.qasm::bell[[]aer-q2-s100[]] PASS*", "*broken.qasm:5: 'hh' is not defined*"]
    )
    # Whatever sizes are asked for: a file that can't be read must not vanish.
    result = pytester.runpytest_subprocess("--qbench-backend=aer", "--qbench-shots=100", "--qbench-qubits=2:8")
    result.assert_outcomes(passed=1, failed=1)


DYNAMIC_3 = """OPENQASM 3.0;
include "stdgates.inc";
qubit[2] q;
bit[2] c;
ry(1.0) q[0];
c[0] = measure q[0];
if (c[0]) {
  x q[1];
} else {
  id q[1];
}
c[1] = measure q[1];
"""


def test_openqasm_3_with_a_condition(pytester: pytest.Pytester) -> None:
    pytest.importorskip("qiskit_qasm3_import", reason="OpenQASM 3 needs it: pip install 'pytest-qbench[qasm3]'")
    make_cases(pytester, DYNAMIC_3, "feedback.qasm")
    make_cases(pytester, DYNAMIC_3.replace("if (c[0])", "if c[0]"), "broken.qasm")
    result = pytester.runpytest_subprocess("--qbench-backend=aer,native", "--qbench-shots=1000")
    result.assert_outcomes(passed=2, failed=2)
    result.stdout.fnmatch_lines(["*broken.qasm:7: *"])
    written = {(row["case"], row["backend"]): row for row in rows(pytester)}
    for backend in ("aer", "native"):
        row = written["feedback", backend]
        assert (row["status"], row["kind"], row["n_qubits"]) == ("PASS", "dynamic", 2)


def test_a_qasm_file_by_name(pytester: pytest.Pytester) -> None:
    (pytester.path / "alone.qasm").write_text(BELL)
    result = pytester.runpytest_subprocess("--qbench-backend=aer", "--qbench-shots=100", "alone.qasm", "-v")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["alone.qasm::alone[[]aer-q2-s100[]] PASS*"])


def test_cases_named_by_option_and_ini(pytester: pytest.Pytester) -> None:
    folder = pytester.path / "elsewhere"
    folder.mkdir()
    (folder / "bell.qasm").write_text(BELL)
    for arguments in (["--qbench-cases=elsewhere"], ["--qbench-cases=elsewhere/bell.qasm"]):
        result = pytester.runpytest_subprocess("--qbench-backend=aer", "--collect-only", "-q", *arguments)
        assert next(line for line in result.outlines if "::" in line) == "elsewhere/bell.qasm::bell[aer-q2-s1]"
    pytester.makeini("[pytest]\nqbench_cases = elsewhere builtin\n")
    result = pytester.runpytest_subprocess("--qbench-backend=aer", "--collect-only", "-q", "--qbench-qubits=2")
    assert "elsewhere/bell.qasm::bell[aer-q2-s1]" in result.outlines
    assert "qbench::bell_state[aer-q2-s1]" in result.outlines


def test_a_case_that_is_imported_elsewhere_is_collected_once(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(shared=BUILDER, test_a="from shared import one\n", test_b="from shared import one\n")
    result = pytester.runpytest_subprocess("--qbench-backend=aer", "--collect-only", "-q", "test_a.py", "test_b.py")
    assert not [line for line in result.outlines if "::" in line]
    result = pytester.runpytest_subprocess("--qbench-backend=aer", "--collect-only", "-q", "shared.py")
    assert len([line for line in result.outlines if "::one[" in line]) == 5


BUILDER = """
from qiskit import QuantumCircuit
from pytest_qbench import circuit_case

@circuit_case(n_qubits=1)
def one():
    circuit = QuantumCircuit(1)
    circuit.measure_all()
    return circuit
"""


def test_mqt_families_by_name(pytester: pytest.Pytester) -> None:
    pytest.importorskip("mqt.bench", reason="MQT Bench is not installed")
    result = pytester.runpytest_subprocess(
        "--qbench-backend=aer",
        "--qbench-cases=mqt:ghz",
        "--qbench-cases=mqt:graphstate",
        "--qbench-qubits=3:5",
        "--qbench-shots=1000",
        "-v",
    )
    result.assert_outcomes(passed=6)
    result.stdout.fnmatch_lines(["qbench::mqt_ghz[[]aer-q3-s1000[]] PASS*"])
    result = pytester.runpytest_subprocess("--qbench-backend=aer", "--qbench-cases=mqt:ghost")
    result.stderr.fnmatch_lines(["*MQT Bench has no family 'ghost'*"])


def collected(pytester: pytest.Pytester, *arguments: str) -> list[str]:
    options = ("--qbench-backend=aer", "--qbench-shots=1", "--collect-only", "-q")
    result = pytester.runpytest_subprocess(*options, *arguments)
    return [line for line in result.outlines if "::" in line]


def test_cases_from_a_factory_with_names_of_their_own(pytester: pytest.Pytester) -> None:
    """Each once, whatever variables hold it, and by the name it was given."""
    factory = "def make(name, **more):\n    return circuit_case(n_qubits=1, name=name, **more)(one.builder)\n"
    pytester.makepyfile(factory=BUILDER + factory)
    pytester.makeconftest("")  # puts the folder on sys.path
    make_cases(pytester, "from factory import make, one\nfirst = again = make('alpha')\nbeta = make('beta')\n")
    assert collected(pytester) == ["cases/own.py::alpha[aer-q1-s1]", "cases/own.py::beta[aer-q1-s1]"]


def test_marks_on_a_case_are_those_of_its_items(pytester: pytest.Pytester) -> None:
    marks = BUILDER.replace("@circuit_case", '@pytest.mark.skip(reason="above")\n@circuit_case')
    below = BUILDER.replace("def one", '@pytest.mark.xfail(reason="below")\ndef two').replace("(1)", "(1, 1)")
    wrong = '\n@two.expected\ndef _(): return {"1": 1.0}\n'
    make_cases(pytester, "import pytest\n" + marks + below.replace("measure_all()", "measure(0, 0)") + wrong)
    result = pytester.runpytest_subprocess("--qbench-backend=aer", "--qbench-shots=100")
    result.assert_outcomes(skipped=1, xfailed=1)
    assert [(row["case"], row["status"]) for row in rows(pytester)] == [("two", "FAIL")]


def test_a_named_folder_is_found_from_anywhere(pytester: pytest.Pytester) -> None:
    """Also one that pytest would not enter; the paths of an ini file are those of the rootdir."""
    for folder in (".hidden", "cases", "sub/cases"):
        (pytester.path / folder).mkdir(parents=True)
        (pytester.path / folder / f"in_{folder.strip('.')[:3]}.qasm").write_text(BELL)
    assert collected(pytester, "--qbench-cases=.hidden") == [".hidden/in_hid.qasm::in_hid[aer-q2-s1]"]
    pytester.makeini("[pytest]\nqbench_cases = cases\n")
    pytester.chdir()
    os.chdir(pytester.path / "sub")
    assert collected(pytester) == ["cases/in_cas.qasm::in_cas[aer-q2-s1]"]


def test_a_qasm_file_by_name_needs_no_option(pytester: pytest.Pytester) -> None:
    (pytester.path / "alone.qasm").write_text(BELL)
    result = pytester.runpytest_subprocess("alone.qasm", "-k", "s1]", "-v")
    result.stdout.fnmatch_lines(["alone.qasm::alone[[]native-q2-s1[]] PASS*"])
