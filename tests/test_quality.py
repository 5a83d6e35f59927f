"""Ruff and mypy over the project, and what the package promises about its imports."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ["pytest_qbench", "cases", "tests", "benchmarks", "conftest.py"]


def run(*command: str) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_ruff_check() -> None:
    run(sys.executable, "-m", "ruff", "check", *FOLDERS)


def test_ruff_format() -> None:
    run(sys.executable, "-m", "ruff", "format", "--check", *FOLDERS)


def test_mypy_strict() -> None:
    run(sys.executable, "-m", "mypy")


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = (
        "import sys, pytest_qbench; from pytest_qbench import Program, Backend, circuit_case;"
        "heavy = {'pytest', 'numpy', 'scipy', 'qiskit', 'torch', 'psutil'} & set(sys.modules);"
        "assert not heavy, heavy"
    )
    run(sys.executable, "-c", code)


def test_every_public_name_is_there() -> None:
    import pytest_qbench

    for name in pytest_qbench.__all__:
        assert getattr(pytest_qbench, name) is not None
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = pytest_qbench.no_such_name


def test_the_version_is_the_same_everywhere() -> None:
    import pytest_qbench

    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == pytest_qbench.__version__


def test_ci_runs_the_commands_of_the_readme() -> None:
    readme = (ROOT / "README.md").read_text()
    script = (ROOT / ".ci" / "run").read_text()
    commands = [line for line in script.splitlines() if ".venv/bin/pytest" in line]
    assert len(commands) == 2
    for command in commands:
        assert f"\n{command}\n" in readme
