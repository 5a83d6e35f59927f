"""The built wheel: what is in it, and that it works in an empty folder."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("hatchling", reason="hatchling builds the wheel: pip install hatchling")
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder], cwd=ROOT, check=True)
    (path,) = folder.glob("*.whl")
    return path


def test_the_suite_is_in_it(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for path in (ROOT / "cases").rglob("*"):
        if path.suffix in (".py", ".qasm"):
            assert f"pytest_qbench/suite/{path.relative_to(ROOT / 'cases').as_posix()}" in names
    assert {"pytest_qbench/py.typed", "pytest_qbench/plugin.py", "pytest_qbench/config.schema.json"} <= names
    assert not [name for name in names if "__pycache__" in name or name.startswith(("tests", "cases"))]


def test_it_measures_in_an_empty_folder(wheel: Path, tmp_path: Path) -> None:
    site, empty = tmp_path / "site", tmp_path / "empty"
    empty.mkdir()
    zipfile.ZipFile(wheel).extractall(site)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--qbench-backend=aer", "-k", "bell_state", "--qbench-shots=10", "-v"],
        cwd=empty,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "qbench::bell_state[aer-q2-s10] PASS" in done.stdout
    assert (empty / "reports" / "latest" / "results.jsonl").exists()
    where = [sys.executable, "-c", "import pytest_qbench; print(pytest_qbench.__file__)"]
    env = {**os.environ, "PYTHONPATH": str(site)}
    assert str(site) in subprocess.run(where, cwd=empty, env=env, capture_output=True, text=True, check=True).stdout
