"""Workers under another interpreter: its packages and the package under test, nothing else."""

import os
import re
import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path

import pytest
from measure_requests import request_of

import pytest_qbench
from pytest_qbench import Description
from pytest_qbench.measure.messages import AbortKind, Measurement, Unavailable, WorkerSpec
from pytest_qbench.measure.supervisor import Supervisor

ADAPTER = Path(__file__).with_name("faulty_backends.py")


@pytest.fixture(scope="module")
def foreign(tmp_path_factory):
    """The interpreter of a new virtual environment without any package but one adapter."""
    home = tmp_path_factory.mktemp("foreign")
    venv.create(home, symlinks=True)
    (site,) = home.glob("lib/python*/site-packages")
    shutil.copy(ADAPTER, site / "their_adapter.py")
    return str(home / "bin" / "python")


def script(path: Path, text: str, mode: int = 0o755) -> str:
    path.write_text(text)
    path.chmod(mode)
    return str(path)


def test_another_interpreter_measures(foreign):
    with Supervisor(WorkerSpec("their_adapter:Good", python=foreign)) as supervisor:
        outcomes = [supervisor.measure(request_of(shots=shots)) for shots in (1, 10)]
    assert all(isinstance(outcome, Measurement) for outcome in outcomes)
    assert outcomes[1].counts == {"000": 10}


def test_it_sees_its_own_packages_only(foreign, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ADAPTER.parent))
    options = {"variables": ["OMP_NUM_THREADS", "PYTHONPATH"]}
    with Supervisor(WorkerSpec("their_adapter:Environment", options, threads=3, python=foreign)) as supervisor:
        facts = supervisor.describe().versions
    path = facts["path"].split(os.pathsep)
    package = Path(pytest_qbench.__file__).parent
    ours = {str(package.parent), str(package), str(package / "measure"), str(Path(pytest.__file__).parent.parent)}
    assert not ours & set(path)
    assert str(Path(foreign).parent.parent) in facts["path"]
    assert (facts["OMP_NUM_THREADS"], facts["PYTHONPATH"]) == ("3", "")


def test_our_own_adapters_and_packages_are_not_importable_there(foreign):
    for module in ("faulty_backends", "psutil", "messages"):
        with Supervisor(WorkerSpec(f"{module}:Good", python=foreign)) as supervisor:
            assert supervisor.describe() == Unavailable(f"No module named '{module}'")


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13", "3.14"])
def test_other_versions_measure(version, tmp_path):
    python = shutil.which(f"python{version}")
    if python is None or subprocess.run([python, "-V"], capture_output=True).returncode != 0:
        pytest.skip(f"no Python {version} here")
    subprocess.run([python, "-m", "venv", "--without-pip", tmp_path], check=True)
    (site,) = tmp_path.glob("lib/python*/site-packages")
    shutil.copy(ADAPTER, site / "their_adapter.py")
    with Supervisor(WorkerSpec("their_adapter:Good", python=str(tmp_path / "bin" / "python"))) as supervisor:
        assert isinstance(supervisor.measure(request_of()), Measurement)


def test_a_launcher_that_starts_the_interpreter_as_its_child_will_do(foreign, tmp_path):
    python = script(tmp_path / "python", f'#!/bin/sh\n"{foreign}" "$@"\nexit $?\n')
    with Supervisor(WorkerSpec("their_adapter:Good", python=python, memory_limit=2**40)) as supervisor:
        assert isinstance(supervisor.describe(), Description)
        assert isinstance(supervisor.measure(request_of()), Measurement)


def test_an_interpreter_that_is_too_old_is_unavailable(tmp_path):
    # The running interpreter, made to believe that it is an old one.
    python = script(
        tmp_path / "python3.8",
        f"#!{sys.executable}\n"
        "import runpy, sys\n"
        "sys.version, sys.version_info = '3.8.1 (old)', (3, 8, 1)\n"
        "del sys.argv[:2]\n"
        "runpy.run_path(sys.argv[0], run_name='__main__')\n",
    )
    with Supervisor(WorkerSpec("their_adapter:Good", python=python)) as supervisor:
        assert supervisor.measure(request_of()) == Unavailable(
            f"python={python} can't run the worker: pytest-qbench needs Python 3.11 or newer, this is 3.8.1"
        )


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: str(path), "there is no such interpreter"),
        (lambda path: script(path, "#!/bin/sh\n", mode=0o644), "or it is not executable"),
        (lambda path: "no-such-python-anywhere", "there is no such interpreter"),
        (lambda path: script(path, "not a program"), "can't run the worker|Exec format error"),
        (lambda path: script(path, "#!/bin/sh\nexit 0\n"), "can't run the worker: crash: exited with status 0"),
        (lambda path: script(path, "#!/bin/sh\necho no license; exit 4\n"), "can't run the worker: no license"),
    ],
    ids=["missing", "not executable", "not on the path", "no program", "no python", "talkative"],
)
def test_what_is_no_interpreter_is_unavailable(tmp_path, make, reason):
    python = make(tmp_path / "python")
    with Supervisor(WorkerSpec("their_adapter:Good", python=python)) as supervisor:
        outcome = supervisor.describe()
    assert isinstance(outcome, Unavailable)
    assert outcome.reason.startswith(f"python={python}")
    assert re.search(reason, outcome.reason)


def test_an_interpreter_that_hangs_is_killed_with_what_it_started(tmp_path, survivors):
    python = script(tmp_path / "python", "#!/bin/sh\nsleep 60\n")
    with Supervisor(WorkerSpec("their_adapter:Good", python=python, startup_timeout=0.3)) as supervisor:
        start = time.monotonic()
        outcome = supervisor.describe()
        assert time.monotonic() - start < 1.3
        assert (outcome.kind, outcome.reason) == (AbortKind.TIMEOUT, "timeout: start took more than 0.3 s")
        assert survivors() == []
