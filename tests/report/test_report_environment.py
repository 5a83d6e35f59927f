"""What the run ran on."""

from __future__ import annotations

import copy
import getpass
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_qbench.report import environment
from pytest_qbench.report.environment import cgroup_limits, collect, essentials, fingerprint
from pytest_qbench.report.files import jsonable


@pytest.fixture(scope="module")
def here():
    return collect()


def test_it_is_json_and_knows_this_machine(here):
    assert json.loads(json.dumps(here)) == here == jsonable(here)
    assert here["cpu"]["model"]
    assert 1 <= here["cpu"]["usable"] <= here["cpu"]["logical"]
    assert here["memory"]["total"] > here["memory"]["available"] > 0
    assert here["python"]["version"] == platform.python_version()
    assert here["packages"]["pytest"] == pytest.__version__
    assert here["os"]["kernel"] == platform.release()


def test_it_names_no_person_host_or_folder(here, tmp_path):
    text = json.dumps([here, collect(tmp_path)])
    names = [platform.node(), str(Path.home()), str(tmp_path), str(Path.cwd())]
    user = getpass.getuser()
    # "root" or a two-letter name may occur within other words.
    names += [user] if len(user) > 4 else []
    assert not [name for name in names if len(name) > 3 and name in text]


def test_no_simulator_is_imported():
    script = """
import sys
from pytest_qbench.report import environment
environment.collect()
print([name for name in ("qiskit", "qiskit_aer", "torch", "numpy", "pytest") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_fingerprint_stays_where_only_the_moment_differs(here):
    later = copy.deepcopy(here)
    later["cpu"]["load_average"] = [9.0, 9.0, 9.0]
    later["memory"]["available"] //= 2
    later["memory"]["total"] += 1000
    later["git"] = {"commit": "f" * 40, "dirty": True}
    later["packages"]["qiskit-aer"] = "99"
    assert fingerprint(later) == fingerprint(here) == fingerprint(collect())


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("cpu", "model", "another"),
        ("cpu", "usable", 1000),
        ("limits", "cpus", 0.5),
        ("limits", "memory", 2**33),
        ("memory", "total", 2**50),
        ("os", "kernel", "0.1"),
        ("python", "version", "3.99"),
        ("thread_variables", "OMP_NUM_THREADS", "77"),
    ],
)
def test_the_fingerprint_changes_with_the_machine(here, section, key, value):
    other = copy.deepcopy(here)
    other[section][key] = value
    assert fingerprint(other) != fingerprint(here)


def test_the_fingerprint_changes_with_the_image_of_the_ci(here):
    images = [{"name": "GitHub Actions", "image": image} for image in ("ubuntu24-1", "ubuntu24-2")]
    assert len({fingerprint({**here, "ci": image}) for image in [None, *images]}) == 3


def test_the_essentials_are_short(here):
    short = essentials({**here, "git": {"commit": "0123456789abcdef", "dirty": False}})
    assert short["fingerprint"] == fingerprint(here)
    assert short["commit"] == "0123456789ab"
    assert len(json.dumps(short)) < 400
    assert essentials({**here, "git": None})["commit"] is None


def git(folder, *arguments):
    identity = ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", folder, *identity, *arguments], check=True, capture_output=True)


def test_the_commit_and_whether_files_differ_from_it(tmp_path):
    assert collect(tmp_path)["git"] is None
    git(tmp_path, "init")
    assert collect(tmp_path)["git"] is None, "no commit yet"
    (tmp_path / "a").write_text("1")
    git(tmp_path, "add", "a")
    git(tmp_path, "commit", "-m", "one")
    (tmp_path / "untracked").touch()
    state = collect(tmp_path)["git"]
    assert len(state["commit"]) == 40
    assert state["dirty"] is False
    (tmp_path / "a").write_text("2")
    assert collect(tmp_path)["git"] == {**state, "dirty": True}


def test_without_git(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert collect(tmp_path)["git"] is None


def test_a_command_that_hangs_is_given_up(tmp_path, monkeypatch):
    command = tmp_path / "nvidia-smi"
    command.write_text("#!/bin/sh\nexec sleep 60\n")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert environment._output(["nvidia-smi"], timeout=0.1) is None


def test_gpus_as_nvidia_smi_lists_them(tmp_path, monkeypatch):
    command = tmp_path / "nvidia-smi"
    command.write_text("#!/bin/sh\necho 'NVIDIA H200, 143771, 570.1'\necho 'odd line'\n")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert collect()["gpus"] == [{"name": "NVIDIA H200", "memory": 143771 * 2**20, "driver": "570.1"}]


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, None),
        ({"CI": "false"}, None),
        ({"CI": "true"}, {"name": "CI", "image": None}),
        (
            {"CI": "true", "GITHUB_ACTIONS": "true", "ImageOS": "ubuntu24", "ImageVersion": "20260101"},
            {"name": "GitHub Actions", "image": "ubuntu24-20260101"},
        ),
    ],
)
def test_ci(monkeypatch, variables, expected):
    for name in [*environment._CI_SERVICES, "ImageOS", "ImageVersion"]:
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert collect()["ci"] == expected


def write(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(f"{text}\n")


def test_the_tightest_cgroup_holds(tmp_path):
    write(tmp_path / "a", cpu__max="150000 100000", memory__max="max")
    write(tmp_path / "a" / "b", cpu__max="max 100000", memory__max=str(2**31))
    membership = tmp_path / "self"
    membership.write_text("0::/a/b\n")
    assert cgroup_limits(tmp_path, membership) == {"cpus": 1.5, "memory": 2**31}
    membership.write_text("0::/\n")
    assert cgroup_limits(tmp_path, membership) == {"cpus": None, "memory": None}


def test_cgroups_of_version_1(tmp_path):
    write(tmp_path / "cpu", cpu__cfs_quota_us="50000", cpu__cfs_period_us="100000")
    write(tmp_path / "memory" / "job", memory__limit_in_bytes=str(2**30))
    write(tmp_path / "memory", memory__limit_in_bytes=str(2**63 - 4096))
    membership = tmp_path / "self"
    membership.write_text("4:memory:/job\n2:cpu,cpuacct:/elsewhere\n1:name=systemd:/\n0::/\n")
    assert cgroup_limits(tmp_path, membership) == {"cpus": 0.5, "memory": 2**30}


def test_without_cgroups(tmp_path):
    assert cgroup_limits(tmp_path, tmp_path / "absent") == {"cpus": None, "memory": None}
