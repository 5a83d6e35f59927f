"""``--qbench-resume`` and ``--qbench-rerun-failed`` on the command line: words of the earlier run are put before."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from pytest_qbench.report.files import ReportError
from pytest_qbench.report.plan_file import RunPlan, read_plan
from pytest_qbench.report.runs import LATEST, find_run

RESUME, RERUN = "--qbench-resume", "--qbench-rerun-failed"

_FREE = frozenset(
    f"--qbench-{name}"
    for name in (
        "ask",
        "dask",
        "gradient-report",
        "jsonl",
        "memory-limit",
        "mixed-precision",
        "parallel",
        "rerun-failed",
        "resume",
        "retries",
        "run-dir",
        "startup-timeout",
        "strict",
        "timeout",
    )
)
"""Options that may stand beside those two: they change neither what is measured nor how."""

_NOT_AGAIN = frozenset(
    (
        *("-s", "-v", "-vv", "--verbose", "-q", "-qq", "--quiet", "-x", "--exitfirst", "--co", "--collect-only"),
        *("--lf", "--last-failed", "--ff", "--failed-first", "--nf", "--new-first", "--sw", "--stepwise"),
    )
)
"""Words of an earlier command line that are left out: what is measured is known, and what is shown is a new choice."""

_EARLY = ("-o", "--override-ini", "-c", "--config-file", "--rootdir", "--confcutdir", "-p")
"""What pytest has read before an earlier run can be found."""


@dataclass(frozen=True, slots=True)
class TakenUp:
    """The run that this session goes on with. ``option`` is the option that named it."""

    option: str
    folder: Path
    plan: RunPlan

    @property
    def failed_only(self) -> bool:
        """Whether what failed is measured again, and not what is missing."""
        return self.option == RERUN


COMMAND = pytest.StashKey[tuple[str, ...]]()
"""The words behind ``pytest`` that a later session repeats to measure the same."""
TAKEN_UP = pytest.StashKey[TakenUp]()


def note_command(config: pytest.Config, args: list[str]) -> None:
    """Note the words of this session; where they take up an earlier run, put its words before them.

    Args:
        config: its ``invocation_params`` are replaced too: xdist starts its workers with them.
        args: the arguments that pytest is going to parse, changed in place.

    Raises:
        pytest.UsageError: there is no such run, or an option does not go with it.
    """
    start = len(config.getini("addopts")) + len(shlex.split(os.environ.get("PYTEST_ADDOPTS", "")))
    words = [str(word) for word in args[start:]]
    named, words = _take_out(words)
    if not named:
        config.stash[COMMAND] = tuple(words)
        return
    if len(named) > 1:
        raise pytest.UsageError(f"{' and '.join(option for option, _ in named)}: give one of them, once")
    ((option, name),) = named
    base = config.invocation_params.dir
    try:
        folder = find_run(_run_dir(config), name, base)
        plan = read_plan(folder)
    except ReportError as error:
        raise pytest.UsageError(f"{option}={name}: {error}") from error
    stored = [word for word in plan.command if word not in _NOT_AGAIN]
    # An xdist worker is started with the words of its controller, where this has been done already.
    added = words[len(stored) :] if words[: len(stored)] == stored else words
    _refuse(option, folder, plan, added, Path(os.path.relpath(base, config.rootpath)))
    words = [*stored, *added]
    config.stash[COMMAND] = plan.command  # what is added, such as -k, is for this session only
    config.stash[TAKEN_UP] = TakenUp(option, folder, plan)
    args[start:] = [*words, f"{option}={folder}"]
    config.invocation_params = pytest.Config.InvocationParams(
        args=args[start:], plugins=config.invocation_params.plugins, dir=base
    )


def _take_out(words: Sequence[str]) -> tuple[list[tuple[str, str]], list[str]]:
    """The options that take up a run, with the run they name, and the other words.

    ``--qbench-rerun-failed`` takes a run behind ``=`` only: the next word is a path to collect.
    """
    named, others = [], []
    rest: Iterator[str] = iter(words)
    for word in rest:
        option, equals, value = word.partition("=")
        if option == RERUN:
            named.append((option, value if equals else LATEST))
        elif option == RESUME:
            named.append((option, value if equals else next(rest, "")))
        else:
            others.append(word)
    return named, others


def _run_dir(config: pytest.Config) -> Path:
    """The folder with the run folders, as far as this command line says."""
    given: str | None = getattr(config.known_args_namespace, "qbench_run_dir", None)
    if given:
        return config.invocation_params.dir / given
    named: str = config.getini("qbench_run_dir")
    return config.rootpath / (named or "reports")


def _refuse(option: str, folder: Path, plan: RunPlan, added: Sequence[str], current: Path) -> None:
    """Refuse options that would make another run of it, and a start in another place.

    Raises:
        pytest.UsageError: see above.
    """
    run = folder.name
    for word in added:
        name = word.partition("=")[0]
        if name.startswith("--qbench-") and name not in _FREE:
            raise pytest.UsageError(
                f"{name} does not go with {option}: what is measured, and how, is what run {run} was asked for "
                f"(pytest {shlex.join(plan.command)}); start a new run for something else"
            )
    if str(current) != plan.folder:
        place = "the rootdir" if plan.folder == "." else f"{plan.folder} (below the rootdir)"
        raise pytest.UsageError(f"{option}: run {run} was started in {place}: go there")
    early = _early_words(plan.command)
    if early and not set(early) <= set(added):
        raise pytest.UsageError(
            f"{option}: run {run} was started with options that pytest reads before it knows of the run; "
            f"give them again: pytest {shlex.join([*early, f'{option}={run}'])}"
        )


def _early_words(words: Sequence[str]) -> list[str]:
    """The options among ``words`` that pytest reads first, each with its value."""
    found: list[str] = []
    rest = iter(words)
    for word in rest:
        if word in _EARLY:
            found += [word, next(rest, "")]
        elif word.startswith(tuple(f"{name}=" for name in _EARLY)) or word[:2] in ("-p", "-o"):
            found.append(word)
    return found
