"""Instances by the names that people see."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_qbench.lookup import find_instance
from pytest_qbench.sources import SourceError

OWN = """
from pytest_qbench import circuit_case

@circuit_case(n_qubits=[4, 18, 22, 24], valid=range(4, 31, 2))
def sizes(n_qubits): ...

@circuit_case(n_qubits=[24, 26])
def large(n_qubits): ...

@circuit_case(n_qubits=3, depth=[1, 2], basis=["x", "z"])
def sweeps(depth, basis): ...
"""


@pytest.fixture
def own(tmp_path: Path) -> str:
    path = tmp_path / "own.py"
    path.write_text(OWN)
    return str(path)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("qft", ("qft", "q20")),
        ("qft-q12", ("qft", "q12")),
        ("qbench::qft[native-q12-s1000]", ("qft", "q12")),
        ("qft[aer.method=matrix_product_state-q12-s10]", ("qft", "q12")),
        ("qft[q12]", ("qft", "q12")),
        ("brickwork", ("brickwork", "q20-d10")),
        ("brickwork-q12", ("brickwork", "q12-d10")),
        ("brickwork-q12-d3", ("brickwork", "q12-d3")),
        ("brickwork[native-q12-d3-s100]", ("brickwork", "q12-d3")),
        ("adaptive_feedback", ("adaptive_feedback", "q5-rounds50")),
        ("adaptive_feedback[native-q5-rounds50-s1]", ("adaptive_feedback", "q5-rounds50")),
        ("full_adder", ("full_adder", "q4")),
    ],
)
def test_built_in_cases(text: str, found: tuple[str, str]) -> None:
    instance = find_instance(text)
    assert (instance.case.name, instance.id) == found


def test_size_and_depth_may_be_given_apart() -> None:
    assert find_instance("qft", 7).id == "q7"
    assert find_instance("qft-q12", 7).id == "q7"
    assert find_instance("brickwork-q12-d10", 6, 4).id == "q6-d4"


def test_cases_in_files(own: str, tmp_path: Path) -> None:
    assert find_instance(f"{own}::sizes").id == "q18", "the largest declared size up to 20"
    assert find_instance(f"{own}::sizes[native-q30-s1]").id == "q30"
    assert find_instance(f"{own}::large").id == "q24", "the smallest, where all are larger"
    assert find_instance(f"{own}::sweeps-q3-d2-basisz").params == (("depth", 2), ("basis", "z"))
    assert find_instance(f"{own}::sweeps-q3-basisz", depth=1).id == "q3-d1-basisz"
    circuit = tmp_path / "pair.qasm"
    circuit.write_text('OPENQASM 2.0; include "qelib1.inc"; qreg q[2]; creg c[2]; h q[0]; measure q -> c;')
    assert find_instance(str(circuit)).id == find_instance(f"{circuit}::pair").id == "q2"


def test_own_cases_by_plain_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of ``cases/`` come first, as they do under pytest."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "cases"
    (folder / "circuits").mkdir(parents=True)
    (folder / "own.py").write_text(OWN)
    # A file as the suite has one, with a case as it has one.
    (folder / "circuits" / "fourier.py").write_text(OWN.replace("sizes", "qft"))
    assert find_instance("sizes[native-q30-s1]").id == "q30"
    assert find_instance("qft").id == "q18"
    assert find_instance("qbench::qft").id == "q20"
    assert find_instance("bell_state").case.name == "bell_state"
    with pytest.raises(SourceError, match=r"more than one case; choose from cases/circuits/fourier.py::large, cases/"):
        find_instance("large")
    (folder / "broken.py").write_text("import no_such_module\n")
    assert find_instance("sizes").id == "q18"
    with pytest.raises(SourceError, match=r"did you mean 'sizes'.*; cases/broken.py can't be imported: ModuleNotFound"):
        find_instance("size")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("qtf", "there is no case 'qtf' in the built-in suite; did you mean 'qft'?"),
        ("zzz", "there is no case 'zzz' in the built-in suite; there are "),
        ("gradient", "there is no case 'gradient' in the built-in suite; "),
        ("qft-q99", "qft has no size of 99 qubits; it takes 2:24"),
        ("qft-q12-d3", "qft-q12-d3 is no instance; choose from qft-q12"),
        ("qft[native-s10]", "names no size; write it as qft[native-q12-s1000] or qft-q12"),
        ("qft[native-q12", "there is no case 'qft[native"),
        ("", "'' is not the name of a case"),
        ("no/such.py::qft", "no/such.py: no such file"),
        ("no_such.qasm", "no_such.qasm: no such file"),
        ("OWN", "has several cases; choose from OWN::sizes, OWN::large, OWN::sweeps"),
        ("OWN::size", "there is no case 'size' in OWN; did you mean 'sizes'?"),
        ("OWN::sweeps-q3-d2", "sweeps-q3-d2 is more than one instance; choose from sweeps-q3-d2-basisx, sweeps-q3-d2-"),
        ("OWN::sweeps-q3-basisy", "sweeps-q3-basisy is no instance; choose from sweeps-q3-d1-basisx, "),
    ],
)
def test_what_is_not_there(text: str, message: str, own: str) -> None:
    with pytest.raises(SourceError) as error:
        find_instance(text.replace("OWN", own))
    assert message.replace("OWN", own) in str(error.value)


def test_a_depth_that_a_case_does_not_have() -> None:
    with pytest.raises(SourceError, match="qft has no depth"):
        find_instance("qft", depth=3)


def test_files_that_can_not_be_imported(tmp_path: Path) -> None:
    path = tmp_path / "broken.py"
    path.write_text("import no_such_module")
    with pytest.raises(SourceError, match=r"broken\.py can't be imported: ModuleNotFoundError: No module named 'no_s"):
        find_instance(f"{path}::any")


def test_a_case_file_may_import_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "lookup_neighbour.py").write_text("SIZE = 5")
    path = tmp_path / "uses.py"
    path.write_text(
        "from lookup_neighbour import SIZE\nfrom pytest_qbench import circuit_case\n"
        "@circuit_case(n_qubits=SIZE)\ndef uses(): ...\n"
    )
    assert find_instance(str(path)).n_qubits == 5


def test_mqt_bench() -> None:
    pytest.importorskip("mqt.bench", reason="MQT Bench is not installed: pip install mqt.bench")
    assert find_instance("mqt:ghz-q3").id == "q3"
    with pytest.raises(SourceError, match="MQT Bench has no family"):
        find_instance("mqt:no_such")
