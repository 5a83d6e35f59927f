"""Which backends can be used here: each is asked in a worker of its own, so that a broken one harms no other."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pytest_qbench.backends.base import Capabilities, Description
from pytest_qbench.backends.registry import BackendLoadError
from pytest_qbench.measure.messages import Unavailable, WorkerSpec
from pytest_qbench.measure.supervisor import Supervisor
from pytest_qbench.report.text import count, table
from pytest_qbench.specs import ALL, BackendSpec, SpecError, parse_spec, split_specs

AT_ONCE = 4
"""How many backends are asked at a time: importing a simulator is work for a CPU."""
TIMEOUT = 60.0
"""Seconds that a simulator may take to be imported."""


@dataclass(frozen=True, slots=True)
class Availability:
    """What came of asking for one backend.

    Either ``description`` and ``capabilities`` are there, or ``problem`` says why the backend can't be used and
    ``install`` what would help (empty where nothing is known to). ``spec`` is None where the adapter itself can't be
    loaded.
    """

    name: str
    spec: BackendSpec | None
    description: Description | None = None
    capabilities: Capabilities | None = None
    problem: str = ""
    install: str = ""

    @property
    def is_available(self) -> bool:
        """Whether it can be used."""
        return self.description is not None


def probe(specs: Iterable[BackendSpec], *, timeout: float = TIMEOUT, at_once: int = AT_ONCE) -> list[Availability]:
    """Ask for each of ``specs``, in workers of their own, ``at_once`` at a time; the answers in order.

    Args:
        timeout: seconds that a simulator may take to be imported; one that takes longer is not available.
    """
    wanted = list(specs)
    found: dict[int, Availability] = {}
    waiting: queue.SimpleQueue[tuple[int, BackendSpec]] = queue.SimpleQueue()
    for item in enumerate(wanted):
        waiting.put(item)

    def ask() -> None:
        while True:
            try:
                index, spec = waiting.get_nowait()
            except queue.Empty:
                return
            found[index] = _probe(spec, timeout)

    # Daemons: on Ctrl-C nobody waits for them, and their workers end with this process.
    askers = [threading.Thread(target=ask, daemon=True) for _ in range(min(at_once, len(wanted)))]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    return [found[index] for index in range(len(wanted))]


def probe_known(
    known: Mapping[str, str],
    also: Iterable[BackendSpec] = (),
    *,
    timeout: float = TIMEOUT,
    at_once: int = AT_ONCE,
) -> list[Availability]:
    """Ask for every backend of ``known`` (name -> ``module:Class``) with its default options, then for ``also``.

    An adapter that can't be loaded is not available, with the reason.
    """
    specs: list[BackendSpec] = []
    broken: list[Availability] = []
    for name in sorted(known):
        try:
            specs.append(parse_spec(name, known))
        except (SpecError, BackendLoadError) as error:
            broken.append(Availability(name, None, problem=str(error)))
    labels = {spec.label for spec in specs}
    named = [spec for spec in also if spec.label not in labels]
    answers = probe([*specs, *named], timeout=timeout, at_once=at_once)
    by_name = sorted([*answers[: len(specs)], *broken], key=lambda answer: answer.name)
    return [*by_name, *answers[len(specs) :]]


def available(answers: Iterable[Availability]) -> tuple[BackendSpec, ...]:
    """The specs of the backends that can be used, in order."""
    return tuple(answer.spec for answer in answers if answer.is_available and answer.spec is not None)


def expand_all(texts: Iterable[str], known: Mapping[str, str]) -> list[str]:
    """The specs in ``texts``, each once, with ``all`` standing for every backend of ``known`` that can be used.

    Nothing is asked for where ``all`` is not among them.
    """
    parts = split_specs(texts)
    if ALL not in parts:
        return parts
    names = [spec.text for spec in available(probe_known(known))]
    return list(dict.fromkeys(text for part in parts for text in (names if part == ALL else [part])))


def _probe(spec: BackendSpec, timeout: float) -> Availability:
    worker = WorkerSpec(spec.target, dict(spec.options), spec.threads or 1, spec.python, startup_timeout=timeout)
    with Supervisor(worker) as supervisor:
        answer = supervisor.describe()
        if isinstance(answer, Description):
            return Availability(spec.label, spec, answer, supervisor.capabilities)
    if isinstance(answer, Unavailable):
        return Availability(spec.label, spec, problem=answer.reason, install=answer.install)
    return Availability(spec.label, spec, problem=answer.reason)


def availability_table(answers: Sequence[Availability]) -> list[str]:
    """What each backend is and can do, then why the others can't be used; for people."""
    rows: list[tuple[str, ...]] = [
        ("backend", "version", "device", "precision", "method", "dynamic", "noise", "qubits")
    ]
    rows += [_row(answer) for answer in answers if answer.is_available]
    missing = [answer for answer in answers if not answer.is_available]
    lines = table(rows, "<<<<<<<>") if len(rows) > 1 else []
    if lines:
        lines += [
            "",
            "In brackets: what device= and precision= can ask for besides. "
            "qubits: the most that the simulator takes; memory: as many as fit.",
        ]
    if missing:
        lines += ["", "not available:"] if lines else ["not available:"]
        lines += table([(f"  {answer.name}", _reason(answer)) for answer in missing], "<<")
    return [*lines, "", f"{len(rows) - 1} of {count(len(answers), 'backend')} available"]


def _row(answer: Availability) -> tuple[str, ...]:
    said, can = answer.description, answer.capabilities
    assert said is not None
    if can is None:
        return (answer.name, said.version, said.device, said.precision, said.method or "-", "-", "-", "-")
    return (
        answer.name,
        said.version,
        _with_others(said.device, can.devices),
        _with_others(said.precision, can.precisions),
        said.method or "-",
        "yes" if can.dynamic else "no",
        "yes" if can.noise else "no",
        "memory" if can.max_qubits is None else str(can.max_qubits),
    )


def _with_others(used: str, claimed: Iterable[str]) -> str:
    """``CPU (GPU)``: what is used, and in brackets what can be asked for."""
    others = ", ".join(value for value in claimed if value != used)
    return f"{used} ({others})" if others else used


def _reason(answer: Availability) -> str:
    reason = " ".join(answer.problem.split()).rstrip(".")
    return f"{reason}; {answer.install}" if answer.install else reason
