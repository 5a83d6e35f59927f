"""What the run ran on: hardware, limits, operating system, Python, packages, thread variables, commit.

Simulators are never imported for it, and nothing that names a person, a host or a folder is recorded.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

from pytest_qbench.measure.launch import THREAD_VARIABLES

SCHEMA = 1

PACKAGES = (
    "pytest-qbench",
    "pytest",
    "pytest-benchmark",
    "pytest-timeout",
    "pytest-xdist",
    "numpy",
    "scipy",
    "qiskit",
    "qiskit-aer",
    "qiskit-aer-gpu",
    "qiskit-qasm3-import",
    "torch",
    "pennylane",
    "pennylane-lightning",
    "pennylane-lightning-gpu",
    "qumat-qdp",
    "scikit-learn",
    "matplotlib",
    "cirq-core",
    "qsimcirq",
    "stim",
    "qulacs",
    "pyquest",
    "mqt.bench",
    "mqt.ddsim",
    "custatevec-cu12",
    "custatevec-cu13",
    "distributed",
)

_RECORDED_VARIABLES = (
    *THREAD_VARIABLES,
    "OMP_PROC_BIND",
    "OMP_PLACES",
    "OMP_WAIT_POLICY",
    "KMP_AFFINITY",
    "CUDA_VISIBLE_DEVICES",
)

_CI_SERVICES = {
    "GITHUB_ACTIONS": "GitHub Actions",
    "GITLAB_CI": "GitLab CI",
    "BUILDKITE": "Buildkite",
    "CIRCLECI": "CircleCI",
    "JENKINS_URL": "Jenkins",
    "TEAMCITY_VERSION": "TeamCity",
    "TF_BUILD": "Azure Pipelines",
    "TRAVIS": "Travis CI",
    "CI": "CI",
}

_CGROUP = Path("/sys/fs/cgroup")
_GIB = 2**30


def collect(rootdir: Path | None = None) -> dict[str, Any]:
    """The environment as a JSON value. It takes some tens of milliseconds (git, nvidia-smi where present).

    Args:
        rootdir: the project whose git commit is recorded; without it none is.
    """
    return {
        "schema": SCHEMA,
        "cpu": _cpu(),
        "memory": {"total": psutil.virtual_memory().total, "available": psutil.virtual_memory().available},
        "limits": cgroup_limits(),
        "gpus": _gpus(),
        "os": _operating_system(),
        "python": {
            "version": platform.python_version(),
            "implementation": platform.python_implementation(),
            "compiler": platform.python_compiler(),
        },
        "packages": _packages(),
        "thread_variables": {name: os.environ.get(name) for name in _RECORDED_VARIABLES},
        "git": _git(rootdir) if rootdir else None,
        "ci": _ci(os.environ),
    }


def fingerprint(environment: Mapping[str, Any]) -> str:
    """Twelve hexadecimal digits that are equal for runs whose times may be compared.

    The hardware, its limits, the operating system with its kernel, Python, the thread variables and the CI
    image count. Packages and the commit do not: they are what is compared. Nor does what changes by itself
    (load, free memory); memory counts in whole GiB, because kernels reserve a little more or less of it.
    """
    return hashlib.sha256(json.dumps(_identity(environment), sort_keys=True).encode()).hexdigest()[:12]


def differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """What makes the fingerprints of two environments differ, in words."""
    left, right = _identity(one), _identity(other)
    return [_WORDS.get(key, key) for key, value in left.items() if value != right[key]]


_WORDS = {"cpu": "CPU", "cpu_limit": "CPU limit", "gpus": "GPUs", "os": "operating system"}


def _identity(environment: Mapping[str, Any]) -> dict[str, Any]:
    cpu = environment["cpu"]
    memory = {"total": environment["memory"]["total"], "limit": environment["limits"]["memory"]}
    return {
        "cpu": [cpu[key] for key in ("model", "machine", "physical", "logical", "usable", "governor")],
        "memory": {key: value and round(value / _GIB) for key, value in memory.items()},
        "cpu_limit": environment["limits"]["cpus"],
        "gpus": environment["gpus"],
        "os": environment["os"],
        "python": [environment["python"][key] for key in ("version", "implementation")],
        "threads": environment["thread_variables"],
        "ci": environment["ci"],
    }


def essentials(environment: Mapping[str, Any]) -> dict[str, Any]:
    """The short form that every row carries; the fingerprint leads to the rest in ``environment.json``."""
    git = environment["git"] or {}
    return {
        "fingerprint": fingerprint(environment),
        "cpu": environment["cpu"]["model"],
        "cores": environment["cpu"]["usable"],
        "os": f"{environment['os']['system']} {environment['cpu']['machine']}",
        "python": environment["python"]["version"],
        "commit": git.get("commit", "")[:12] or None,
        "dirty": git.get("dirty"),
        "ci": environment["ci"]["name"] if environment["ci"] else None,
    }


def _cpu() -> dict[str, Any]:
    logical = psutil.cpu_count()
    try:
        load: tuple[float, ...] | None = os.getloadavg()
    except (AttributeError, OSError):
        load = None
    affinity = getattr(os, "sched_getaffinity", None)
    return {
        "model": _cpu_model(),
        "machine": platform.machine(),
        "physical": psutil.cpu_count(logical=False),
        "logical": logical,
        "usable": len(affinity(0)) if affinity else logical,
        "virtual": " hypervisor" in (_read(Path("/proc/cpuinfo")) or "") or None,
        "governor": _read(Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")),
        "load_average": [round(value, 2) for value in load] if load else None,
    }


def _cpu_model() -> str:
    for line in (_read(Path("/proc/cpuinfo")) or "").splitlines():
        key, _, value = line.partition(":")
        if key.strip() in ("model name", "Model", "cpu model"):
            return value.strip()
    if platform.system() == "Darwin":
        return _output(["sysctl", "-n", "machdep.cpu.brand_string"]) or platform.processor()
    return platform.processor() or platform.machine()


def cgroup_limits(root: Path = _CGROUP, membership: Path = Path("/proc/self/cgroup")) -> dict[str, Any]:
    """What control groups leave this process: ``cpus`` (a number, may be a fraction) and ``memory`` (bytes).

    None stands for no limit. The tightest of the process's own group and those above it holds. Both versions
    are read (``cpu.max`` and ``memory.max``; ``cpu.cfs_quota_us`` and ``memory.limit_in_bytes``).
    """
    cpus: list[float] = []
    memory: list[int] = []
    for line in (_read(membership) or "").splitlines():
        _, controllers, path = line.split(":", 2)
        # Version 1 has a tree per controller; in a container its path may lead outside what is mounted.
        trees = [root / name for name in controllers.split(",")] if controllers else [root]
        for tree in trees:
            folder = tree / path.lstrip("/")
            while folder.is_relative_to(tree):
                quota, _, period = (_read(folder / "cpu.max") or "").partition(" ")
                if not quota:
                    quota = _read(folder / "cpu.cfs_quota_us") or ""
                    period = _read(folder / "cpu.cfs_period_us") or ""
                if quota.isdigit() and period.isdigit() and int(period):
                    cpus.append(int(quota) / int(period))
                limit = _read(folder / "memory.max") or _read(folder / "memory.limit_in_bytes") or ""
                # "No limit" is a number near 2**63 in version 1.
                if limit.isdigit() and int(limit) < 2**60:
                    memory.append(int(limit))
                if folder == tree:
                    break
                folder = folder.parent
    return {"cpus": min(cpus, default=None), "memory": min(memory, default=None)}


def _gpus() -> list[dict[str, Any]]:
    if not shutil.which("nvidia-smi"):
        return []
    query = ["--query-gpu=name,memory.total,driver_version", "--format=csv,noheader,nounits"]
    gpus = []
    for line in (_output(["nvidia-smi", *query]) or "").splitlines():
        fields = [field.strip() for field in line.split(",")]
        if len(fields) == 3:
            mebibytes = int(fields[1]) * 2**20 if fields[1].isdigit() else None
            gpus.append({"name": fields[0], "memory": mebibytes, "driver": fields[2]})
    return gpus


def _operating_system() -> dict[str, Any]:
    distribution = None
    with contextlib.suppress(OSError):
        distribution = platform.freedesktop_os_release().get("PRETTY_NAME")
    if platform.system() == "Darwin":
        distribution = f"macOS {platform.mac_ver()[0]}"
    libc = " ".join(platform.libc_ver()).strip()
    return {
        "system": platform.system(),
        "distribution": distribution,
        "kernel": platform.release(),
        "libc": libc or None,
    }


def _packages() -> dict[str, str]:
    versions = {}
    for name in PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    return versions


def _git(rootdir: Path) -> dict[str, Any] | None:
    """The commit and whether tracked files differ from it; None without git, a repository or a commit."""
    git = ["git", "-C", str(rootdir)]
    commit = _output([*git, "rev-parse", "--verify", "HEAD"])
    if not commit:
        return None
    # Untracked files do not count: a run's own report would make the next run dirty.
    changes = _output([*git, "status", "--porcelain", "--untracked-files=no"])
    return {"commit": commit, "dirty": None if changes is None else bool(changes)}


def _ci(variables: Mapping[str, str]) -> dict[str, Any] | None:
    for variable, name in _CI_SERVICES.items():
        if variables.get(variable, "").lower() not in ("", "0", "false"):
            image = "-".join(filter(None, (variables.get("ImageOS"), variables.get("ImageVersion"))))
            return {"name": name, "image": image or None}
    return None


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None


def _output(command: Sequence[str], timeout: float = 3.0) -> str | None:
    """What ``command`` prints, stripped; None where it is absent, fails or takes too long."""
    # Without optional locks, git leaves the index alone: other git commands may run at the same time.
    variables = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            env=variables,
            stdin=subprocess.DEVNULL,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
