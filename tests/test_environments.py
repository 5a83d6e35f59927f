"""``python -m pytest_qbench env``: names and pins, each step with what can fail, and an environment that works."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from pytest_qbench import environments
from pytest_qbench.environments import KNOWN, EnvironmentMakingError, Pins, Request, make_environment, parse_request

ADAPTER = Path(__file__).parent / "measure" / "faulty_backends.py"


def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest_qbench", "env", *arguments], cwd=folder, capture_output=True, text=True
    )


@pytest.fixture
def adapters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every simulator with an environment has an adapter."""
    monkeypatch.setattr(environments, "installed_backends", lambda: {name: f"{name}_module:It" for name in KNOWN})


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels that is all that pip knows, with one package ``their-simulator`` that holds an adapter.

    The adapter can be imported here too, as that of an installed simulator.
    """
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    shutil.copy(ADAPTER, wheels / "their_simulator.py")
    monkeypatch.syspath_prepend(wheels)
    info = "their_simulator-1.5.dist-info"
    with zipfile.ZipFile(wheels / "their_simulator-1.5-py3-none-any.whl", "w") as wheel:
        wheel.write(ADAPTER, "their_simulator.py")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: their-simulator\nVersion: 1.5\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    return wheels


def theirs(version: str = "1.5", adapter: str = "Good", **others: Any) -> Request:
    return Request("theirs", "", f"their_simulator:{adapter}", Pins("their-simulator", version, **others))


# Names and pins


@pytest.mark.usefixtures("adapters")
@pytest.mark.parametrize(
    ("text", "requirements", "folder"),
    [
        ("quest", ("pyquest==0.0.1", "numpy==1.26.4"), ".venvs/quest"),
        ("aer@0.17", ("qiskit-aer==0.17.2", "qiskit==2.6.2"), ".venvs/aer017"),
        ("stim@1.14", ("stim==1.14.*",), ".venvs/stim114"),
        ("qsim@0.21.0", ("qsimcirq==0.21.0.*",), ".venvs/qsim0210"),
    ],
)
def test_what_a_name_stands_for(text: str, requirements: tuple[str, ...], folder: str) -> None:
    request = parse_request(text)
    assert request.pins.requirements == requirements
    assert request.folder == Path(folder)
    assert request.target == f"{text.partition('@')[0]}_module:It"


@pytest.mark.usefixtures("adapters")
def test_the_spec_has_a_label_where_a_version_was_asked_for() -> None:
    python = Path(".venvs/x/bin/python")
    assert parse_request("quest").spec(python) == "quest[python=.venvs/x/bin/python]"
    assert parse_request("aer@0.17").spec(python) == "aer[python=.venvs/x/bin/python,label=aer-0.17]"


@pytest.mark.usefixtures("adapters")
@pytest.mark.parametrize("text", KNOWN)
def test_all_pins_are_exact(text: str) -> None:
    for requirement in parse_request(text).pins.requirements:
        package, equals, version = requirement.partition("==")
        assert package
        assert equals
        assert version[0].isdigit()
        assert not version.endswith("*")


@pytest.mark.usefixtures("adapters")
def test_a_name_that_is_not_known() -> None:
    with pytest.raises(EnvironmentMakingError, match=r"'qest' \(did you mean 'quest'\?\); there are aer, "):
        parse_request("qest")
    with pytest.raises(EnvironmentMakingError, match="'nothing of the kind'; there are"):
        parse_request("nothing of the kind@2")
    with pytest.raises(EnvironmentMakingError, match="'aer@': NAME@VERSION without a version"):
        parse_request("aer@")


def test_a_simulator_without_an_adapter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environments, "installed_backends", dict)
    with pytest.raises(EnvironmentMakingError, match="no adapter is registered for 'quest'"):
        parse_request("quest")


def test_the_command_line(tmp_path: Path) -> None:
    done = command(tmp_path, "qest")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("python -m pytest_qbench env: error: no environment is known for 'qest'")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").touch()
    done = command(tmp_path, "aer@0.17", "--path", "mine")
    assert (done.returncode, done.stdout) == (2, "")
    assert "error: mine exists and was not made by this command" in done.stderr
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["file"]


# Making one


def test_an_environment_is_made_once(offline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative, so that the spec is; an empty folder will do, and PYTHONPATH plays no part."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ADAPTER.parent))
    folder = Path("envs/theirs")
    folder.mkdir(parents=True)
    said: list[str] = []
    assert make_environment(theirs(), folder, say=said.append) == "theirs[python=envs/theirs/bin/python]"
    assert said[0].startswith("creating envs/theirs with ")
    assert said[1] == "installing their-simulator==1.5"
    assert said[2].startswith("theirs runs there: ")
    assert json.loads((folder / "pytest-qbench.json").read_text()) == {
        "backend": "theirs",
        "requirements": ["their-simulator==1.5"],
    }

    said.clear()
    make_environment(theirs(), folder, say=said.append)
    assert said[0] == "envs/theirs is there already"
    with pytest.raises(EnvironmentMakingError, match=r"was made for theirs with their-simulator==1\.5: remove it"):
        make_environment(theirs(version="2.0"), folder)

    # The simulator no longer starts: that is said, and the environment is left to look at.
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "their_simulator.py").unlink()
    with pytest.raises(EnvironmentMakingError, match="theirs does not start there: No module named 'their_simulator'"):
        make_environment(theirs(), folder, say=said.append)
    assert folder.is_dir()


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (theirs(version="9.9"), "installing failed:\n(.|\n)*No matching distribution found for their-simulator==9.9"),
        (theirs(adapter="NoDriver"), "theirs does not start there: no CUDA driver found"),
    ],
    ids=["no such version", "does not start"],
)
def test_one_that_can_not_be_finished_is_removed(tmp_path: Path, request_: Request, reason: str) -> None:
    folder = tmp_path / "theirs"
    with pytest.raises(EnvironmentMakingError, match=reason):
        make_environment(request_, folder, say=lambda line: None)
    assert not folder.exists()


# Folders and interpreters


def test_a_folder_that_is_no_environment_of_ours_is_left_alone(tmp_path: Path) -> None:
    for index, content in enumerate((None, "no json", "[1]")):
        folder = tmp_path / str(index)
        folder.mkdir()
        (folder / "notes").touch()
        if content is not None:
            (folder / "pytest-qbench.json").write_text(content)
        with pytest.raises(EnvironmentMakingError, match="was not made by this command"):
            make_environment(theirs(), folder)
        assert (folder / "notes").exists()
    (tmp_path / "file").touch()
    with pytest.raises(EnvironmentMakingError, match="was not made by this command"):
        make_environment(theirs(), tmp_path / "file")


@pytest.mark.parametrize("name", ["a,b", "a[b", "a]b"])
def test_a_path_that_a_spec_can_not_hold(tmp_path: Path, name: str) -> None:
    with pytest.raises(EnvironmentMakingError, match="a backend spec can't hold a path with"):
        make_environment(theirs(), tmp_path / name)


def test_an_interpreter_that_there_are_wheels_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the running one is none of them, the first that is on the PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    old = theirs(pythons=("3.2", "3.1"))
    with pytest.raises(EnvironmentMakingError, match=r"has wheels for Python 3\.2 and 3\.1 only, .* give --python"):
        make_environment(old, tmp_path / "env")
    python = tmp_path / "python3.1"
    python.write_text("#!/bin/sh\necho no ensurepip here >&2\nexit 1\n")
    python.chmod(0o755)
    said: list[str] = []
    with pytest.raises(EnvironmentMakingError, match="creating the environment failed:\n  no ensurepip here"):
        make_environment(old, tmp_path / "env", say=said.append)
    assert said == [f"creating {tmp_path / 'env'} with {python}"]
    assert not (tmp_path / "env").exists()


def test_an_interpreter_that_is_given(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentMakingError, match="--python nowhere: there is no such interpreter"):
        make_environment(theirs(), tmp_path / "env", python="nowhere")
    python = tmp_path / "python"
    python.write_text("not a program")
    python.chmod(0o755)
    with pytest.raises(EnvironmentMakingError, match="creating the environment failed"):
        make_environment(theirs(), tmp_path / "env", python=str(python), say=lambda line: None)
