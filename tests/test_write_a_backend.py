"""The package of docs/write-a-backend.md: installed as it stands, it passes the tests and is measured."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parent.parent / "docs" / "write-a-backend.md"


def files() -> dict[str, str]:
    """The files that the page shows: name -> content."""
    return dict(re.findall(r"^`([\w.]+)`:\n\n```\w+\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the package; what pip makes of it lies in its ``site``."""
    pytest.importorskip("hatchling", reason="hatchling builds the package: pip install hatchling")
    pytest.importorskip("pip", reason="pip installs the package")
    folder = tmp_path_factory.mktemp("tinysim")
    for name, text in files().items():
        (folder / name).write_text(text)
    offline = ["--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check", "-q"]
    command = [sys.executable, "-m", "pip", "install", *offline, "--target", str(folder / "site"), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def run(project: Path, folder: Path, *arguments: str | Path) -> str:
    """What pytest says in ``folder``, with the package installed; it must succeed."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:hypothesispytest", *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(project / "site"), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_adapter_is_short() -> None:
    assert set(files()) == {"pyproject.toml", "tinysim.py", "test_tinysim.py"}
    assert len(files()["tinysim.py"].splitlines()) < 60


def test_it_conforms(project: Path, tmp_path: Path) -> None:
    test = tmp_path / "test_tinysim.py"
    test.write_text(files()["test_tinysim.py"])
    said = run(project, tmp_path, test, "-q", "-rs")
    passed = re.search(r"(\d+) passed", said)
    assert passed is not None
    assert int(passed[1]) > 80
    # What it does not claim, and nothing else, is skipped.
    reasons = set(re.findall(r"^SKIPPED .*?: (tinysim .*)$", said, re.MULTILINE))
    assert reasons == {"tinysim runs no dynamic circuits", "tinysim runs no noise"}


def test_it_is_measured(project: Path, tmp_path: Path) -> None:
    backends = ("--qbench-backend=tinysim", "--qbench-backend=tinysim[precision=single]")
    points = ("--qbench-core", "--qbench-qubits=2:6", "--qbench-shots=100", "--benchmark-max-time=0.0001")
    said = run(project, tmp_path, *backends, *points, "-v")
    assert "ghz_state[tinysim-q4-s100] PASS" in said
    assert "ghz_state[tinysim.precision=single-q4-s100] PASS" in said
    assert "teleportation[tinysim-q3-s100] UNSUPPORTED" in said
