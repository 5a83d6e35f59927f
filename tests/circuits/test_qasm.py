"""QASM files, and where an error in one is."""

from pathlib import Path

import pytest

from pytest_qbench.circuits.qasm import QasmError, load_qasm

BELL_2 = 'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[2];\ncreg c[2];\nh q[0];\ncx q[0],q[1];\nmeasure q -> c;\n'
BELL_3 = (
    '// a comment\nOPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[2] q;\nbit[2] c;\n'
    "h q[0];\ncx q[0], q[1];\nc = measure q;\n"
)


@pytest.mark.parametrize("text", [BELL_2, BELL_3], ids=["2", "3"])
def test_reads_both_versions(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bell.qasm"
    path.write_text(text)
    circuit = load_qasm(path)
    assert (circuit.name, circuit.num_qubits, circuit.num_clbits) == ("bell", 2, 2)
    assert dict(circuit.count_ops()) == {"h": 1, "cx": 1, "measure": 2}


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (BELL_2.replace("h q[0];", "h q[0]"), 6, "';'"),
        (BELL_2.replace("h q", "hh q"), 5, "'hh' is not defined"),
        (BELL_3.replace("h q[0];", "h q[0]"), 7, "syntax error at 'cx'"),
        (BELL_3.replace("h q", "hh q"), 6, "'hh' is not defined"),
        ("OPENQASM 9;", None, "OpenQASM 9 is not known"),
        ("\xff\xfe garbage", 1, ""),
    ],
)
def test_errors_have_file_and_line(tmp_path: Path, text: str, line: int | None, message: str) -> None:
    path = tmp_path / "broken.qasm"
    path.write_text(text)
    with pytest.raises(QasmError) as caught:
        load_qasm(path)
    assert caught.value.line == line
    assert str(caught.value).startswith(f"{path}:{line}: " if line else f"{path}: ")
    assert message in str(caught.value)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(QasmError, match="cannot be read"):
        load_qasm(tmp_path / "missing.qasm")
    binary = tmp_path / "binary.qasm"
    binary.write_bytes(b"\xff\x00\xfe")
    with pytest.raises(QasmError, match="cannot be read"):
        load_qasm(binary)


def test_without_the_importer_version_3_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qiskit.utils.optionals.HAS_QASM3_IMPORT._bool", False)
    path = tmp_path / "bell.qasm"
    path.write_text(BELL_3)
    with pytest.raises(QasmError, match=r"pip install 'pytest-qbench\[qasm3\]'"):
        load_qasm(path)
