"""Simulators in environments of their own: ``python -m pytest_qbench env``, then measured side by side with others."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from end_to_end import rows


def make(folder: Path, name: str) -> str:
    """The backend spec that the command prints, with an absolute path; skips where the packages can't be had."""
    command = [sys.executable, "-m", "pytest_qbench", "env", name, "--path", str(folder / name.replace("@", "-"))]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if "installing failed" in done.stderr:
        pytest.skip(f"the packages of {name} can't be installed here: {done.stderr.splitlines()[-1]}")
    if "there is none on the PATH" in done.stderr:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert said[-2] == "use it with:"
    return said[-1].partition("'")[2].rstrip("'")


CORE = ("--qbench-core", "-k", "ghz_state or teleportation", "--qbench-qubits=3,4", "--qbench-shots=100")


def test_quest_in_an_environment_of_its_own(pytester: pytest.Pytester) -> None:
    spec = make(pytester.path, "quest")
    result = pytester.runpytest_subprocess("--qbench-backend=aer", f"--qbench-backend={spec}", *CORE)
    assert result.ret == 0
    found = {(row["backend"], row["case"]): row for row in rows(pytester)}
    assert set(found) == {(backend, case) for backend in ("aer", "quest") for case in ("ghz_state", "teleportation")}
    assert {row["status"] for row in found.values()} == {"PASS"}
    versions = found["quest", "ghz_state"]["versions"]
    assert versions["pyquest"] == "0.0.1"
    assert versions["numpy"].startswith("1.")


def test_two_versions_of_aer_side_by_side(pytester: pytest.Pytester) -> None:
    spec = make(pytester.path, "aer@0.17")
    result = pytester.runpytest_subprocess("--qbench-backend=aer", f"--qbench-backend={spec}", *CORE)
    assert result.ret == 0
    found = rows(pytester)
    assert {row["status"] for row in found} == {"PASS"}
    versions = {row["backend"]: row["backend_version"] for row in found}
    assert set(versions) == {"aer", "aer-0.17"}
    assert versions["aer-0.17"] == "0.17.2" != versions["aer"]
    result.stdout.re_match_lines([r"^geometric mean of aer-0\.17 / aer$"])
