"""The examples of the README and the docs, run as they stand."""

import json
import re
from pathlib import Path

import pytest
from end_to_end import make_cases, rows

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of a page in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", ["README.md", "docs/cases.md"])
def test_the_example_of_a_case_file(pytester: pytest.Pytester, page: str) -> None:
    (example,) = (block for block in blocks(ROOT / page, "python") if "circuit_case" in block)
    make_cases(pytester, example)
    result = pytester.runpytest_subprocess("--qbench-backend=aer", "--qbench-shots=1000")
    result.assert_outcomes(passed=len(rows(pytester)))
    assert rows(pytester)


def test_the_example_of_a_gradient_case(pytester: pytest.Pytester) -> None:
    (example,) = (block for block in blocks(ROOT / "docs" / "gradients.md", "python") if "gradient_case" in block)
    make_cases(pytester, example)
    arguments = ("--qbench-gradients", "--qbench-path=native/adjoint", "--qbench-qubits=4", "--qbench-samples=5")
    pytester.runpytest_subprocess(*arguments).assert_outcomes(passed=2)


def test_the_example_of_a_test(pytester: pytest.Pytester) -> None:
    (example,) = (block for block in blocks(ROOT / "docs" / "cases.md", "python") if "(qbench)" in block)
    bell = """
        from qiskit import QuantumCircuit

        def build_my_circuit():
            circuit = QuantumCircuit(2)
            circuit.h(0)
            circuit.cx(0, 1)
            circuit.measure_all()
            return circuit
    """
    path = pytester.makepyfile(test_example=bell)
    path.write_text(path.read_text() + "\n\n" + example)
    pytester.runpytest_subprocess("--qbench-backend=aer", path).assert_outcomes(passed=1)


def test_the_examples_of_the_engine(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {}
    for block in blocks(ROOT / "docs" / "engine.md", "python"):
        exec(compile(block, "engine.md", "exec"), names)
    shown = capsys.readouterr().out
    assert "'00': 0.5" in shown.replace("0.4999999999999999", "0.5")
    assert "0.9950" in shown  # cos(0.1)
    assert "-0.0998" in shown  # -sin(0.1)


def test_every_key_of_a_row_is_in_the_readme_and_explained(pytester: pytest.Pytester) -> None:
    (shown,) = (json.loads(block) for block in blocks(ROOT / "README.md", "json"))
    make_cases(pytester)
    pytester.runpytest_subprocess("--qbench-backend=aer", "--qbench-shots=1", "-k", "q2")
    (row,) = rows(pytester)
    assert list(shown) == list(row)
    explained = set(re.findall(r"`(\w+)(?:\{\})?`", (ROOT / "docs" / "results.md").read_text()))
    assert set(row) <= explained


def test_every_option_in_the_pages_exists(pytester: pytest.Pytester) -> None:
    text = pytester.runpytest_subprocess("--help").stdout.str()
    known = set(re.findall(r"--[a-z][a-z-]+", text))
    for page in PAGES:
        named = set(re.findall(r"(?<![\w-])--(?:qbench|benchmark)-[a-z-]+[a-z]", page.read_text()))
        assert named <= known, page


def test_links_between_the_pages_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\((?!http)([^)#]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
