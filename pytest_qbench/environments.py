"""``python -m pytest_qbench env``: a virtual environment for one simulator, with versions that work together.

For simulators whose dependencies clash with those of others, and for a second version of a simulator beside the
installed one. What is in such an environment is used by a backend spec with ``python=``.
"""

from __future__ import annotations

import difflib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pytest_qbench.backends.base import Description
from pytest_qbench.backends.registry import BackendLoadError, installed_backends, load_backend
from pytest_qbench.measure.messages import WorkerSpec
from pytest_qbench.measure.supervisor import Supervisor

DEFAULT_FOLDER = Path(".venvs")
"""Where environments go that are not told where."""

_MARK = "pytest-qbench.json"
"""A file in every environment made here: what it was made for. Nothing else is ever installed into."""
_SAID_LINES = 6
_SPEC_SYNTAX = "[],"
"""Characters that a path in a backend spec can't have."""


class EnvironmentMakingError(Exception):
    """An environment can't be made; the message says which step failed and why."""


@dataclass(frozen=True, slots=True)
class Pins:
    """The packages of one simulator in versions that work together.

    ``package`` and ``version`` are the simulator's own; ``others`` are further requirements, as pip reads them.
    ``pythons`` are the Python versions that there are wheels for, the preferred one first (empty: any that runs
    pytest-qbench).
    """

    package: str
    version: str
    others: tuple[str, ...] = ()
    pythons: tuple[str, ...] = ()

    @property
    def requirements(self) -> tuple[str, ...]:
        """What pip is asked for."""
        return (f"{self.package}=={self.version}", *self.others)


KNOWN: Mapping[str, Pins] = {
    "aer": Pins("qiskit-aer", "0.18.2", ("qiskit==2.6.2",)),
    # With the same Qiskit, so that nothing but Aer differs.
    "aer@0.17": Pins("qiskit-aer", "0.17.2", ("qiskit==2.6.2",)),
    "cirq": Pins("cirq-core", "1.7.0"),
    "ddsim": Pins("mqt-ddsim", "2.7.0", ("mqt-core==3.11.0", "qiskit==2.6.2")),
    "qsim": Pins("qsimcirq", "0.22.1", ("cirq-core==1.7.0",)),
    "quest": Pins("pyquest", "0.0.1", ("numpy==1.26.4",), ("3.12", "3.11")),
    "qulacs": Pins("qulacs", "0.6.14"),
    "stim": Pins("stim", "1.16.0"),
}
"""By backend name, or ``NAME@VERSION`` where another version takes other packages beside it."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to make: for the adapter ``target`` (``module:Class``) of ``backend``; ``version`` as it was asked for."""

    backend: str
    version: str
    target: str
    pins: Pins

    @property
    def folder(self) -> Path:
        """Where it goes unless it is told where."""
        return DEFAULT_FOLDER / f"{self.backend}{self.version.replace('.', '')}"

    def spec(self, python: Path) -> str:
        """The backend spec that uses it."""
        label = f",label={self.backend}-{self.version}" if self.version else ""
        return f"{self.backend}[python={python}{label}]"


def parse_request(text: str) -> Request:
    """Look up ``NAME`` or ``NAME@VERSION``.

    Raises:
        EnvironmentMakingError: no such simulator is known, or it has no adapter.
    """
    name, at, version = text.partition("@")
    if at and not version:
        raise EnvironmentMakingError(f"{text!r}: NAME@VERSION without a version")
    if name not in KNOWN:
        close = difflib.get_close_matches(name, KNOWN, n=1, cutoff=0.5)
        hint = f" (did you mean {close[0]!r}?)" if close else ""
        raise EnvironmentMakingError(
            f"no environment is known for {name!r}{hint}; there are {', '.join(sorted(KNOWN))}, and any of them in "
            "another version as NAME@VERSION"
        )
    pins = KNOWN.get(text)
    if pins is None:
        # The packages beside it may not fit another version: pip finds those that do.
        pins = replace(KNOWN[name], version=f"{version}.*", others=()) if version else KNOWN[name]
    target = installed_backends().get(name)
    if target is None:
        raise EnvironmentMakingError(f"no adapter is registered for {name!r}: it is not part of this installation")
    return Request(name, version, target, pins)


def make_environment(
    request: Request, folder: Path | None = None, python: str | None = None, say: Callable[[str], None] = print
) -> str:
    """Make a virtual environment, install the pins, and start a worker there; return the backend spec to use.

    An environment that was made here with the same pins is used again. One that can't be finished is removed.

    Args:
        request: what for.
        folder: where (None: a folder of its name in ``.venvs``).
        python: the interpreter to make it from (None: the running one, or one on the PATH that there are wheels for).
        say: called with a line on every step.

    Raises:
        EnvironmentMakingError: a step failed.
    """
    folder = request.folder if folder is None else folder
    interpreter = folder / "bin" / "python"
    if set(_SPEC_SYNTAX) & set(str(folder)):
        raise EnvironmentMakingError(f"{folder}: a backend spec can't hold a path with any of {_SPEC_SYNTAX}")
    if _is_made(folder, request):
        say(f"{folder} is there already")
        say(_check(request, interpreter))
        return request.spec(interpreter)
    base = _interpreter(request, python)
    say(f"creating {folder} with {base}")
    try:
        _run("creating the environment", base, "-m", "venv", str(folder))
        say(f"installing {', '.join(request.pins.requirements)}")
        pip = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input")
        # A wheel or nothing: building from source takes tools that are rarely there, and many minutes.
        _run("installing", str(interpreter), *pip, "--only-binary=:all:", *request.pins.requirements)
        say(_check(request, interpreter))
        (folder / _MARK).write_text(json.dumps(_mark(request)) + "\n")
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return request.spec(interpreter)


def run_env(text: str, folder: Path | None = None, python: str | None = None) -> None:
    """Make the environment ``NAME`` or ``NAME@VERSION`` and print how to use it.

    Raises:
        EnvironmentMakingError: as :func:`make_environment`.
    """
    spec = make_environment(parse_request(text), folder, python, lambda line: print(line, flush=True))
    print(f"use it with:\n  pytest --qbench-backend='{spec}'")


def _mark(request: Request) -> dict[str, object]:
    return {"backend": request.backend, "requirements": list(request.pins.requirements)}


def _is_made(folder: Path, request: Request) -> bool:
    """Whether ``folder`` has just this environment.

    Raises:
        EnvironmentMakingError: it has something else, which is not ours to replace.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return False
    try:
        found = dict(json.loads((folder / _MARK).read_text()))
    except (OSError, ValueError, TypeError):
        raise EnvironmentMakingError(
            f"{folder} exists and was not made by this command: remove it, or give another --path"
        ) from None
    if found != _mark(request):
        raise EnvironmentMakingError(
            f"{folder} was made for {found.get('backend')} with {', '.join(found.get('requirements', []))}: remove it, "
            "or give another --path"
        )
    return True


def _interpreter(request: Request, given: str | None) -> str:
    """The interpreter to start from."""
    if given is not None:
        found = shutil.which(given)
        if found is None:
            raise EnvironmentMakingError(f"--python {given}: there is no such interpreter, or it is not executable")
        return found
    versions = request.pins.pythons
    if not versions or f"{sys.version_info.major}.{sys.version_info.minor}" in versions:
        return sys.executable
    for version in versions:
        if found := shutil.which(f"python{version}"):
            return found
    raise EnvironmentMakingError(
        f"{request.pins.package} {request.pins.version} has wheels for Python {' and '.join(versions)} only, and there "
        "is none on the PATH: install one, or give --python"
    )


def _run(what: str, *command: str) -> None:
    """Run a step.

    Raises:
        EnvironmentMakingError: it failed; with the end of what it said.
    """
    # Packages of the running environment must not be taken for those of the new one.
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", env=environment, check=False)
    except OSError as error:
        raise EnvironmentMakingError(f"{what} failed: {command[0]}: {error.strerror or error}") from error
    if done.returncode != 0:
        lines = [line for line in (done.stderr.strip() or done.stdout.strip()).splitlines() if line]
        said = [line for line in lines if not line.startswith("WARNING: ")][-_SAID_LINES:]
        raise EnvironmentMakingError(f"{what} failed:\n  " + "\n  ".join(said or [f"exit status {done.returncode}"]))


def _check(request: Request, interpreter: Path) -> str:
    """Start the backend's worker in the environment; what it says of itself in a line.

    Raises:
        EnvironmentMakingError: it does not start.
    """
    try:
        adapter = load_backend(request.backend, request.target)
    except BackendLoadError as error:
        raise EnvironmentMakingError(str(error)) from error
    options = {key: option.default for key, option in adapter.options.items()}
    with Supervisor(WorkerSpec(request.target, options, python=str(interpreter))) as supervisor:
        said = supervisor.describe()
    if not isinstance(said, Description):
        raise EnvironmentMakingError(f"{request.backend} does not start there: {said.reason}")
    versions = ", ".join(f"{package} {version}" for package, version in said.versions.items())
    return f"{request.backend} runs there: {versions}"
