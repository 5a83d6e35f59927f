"""What a session says before it measures: where its plan comes from, its backends, the size of the plan."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from pytest_qbench.ask.option import ASKED
from pytest_qbench.backends.base import Description
from pytest_qbench.measure.messages import Unavailable
from pytest_qbench.report.terminal import BackendInfo, header_lines, plan_line
from pytest_qbench.report.text import count
from pytest_qbench.values import usable_cpus

if TYPE_CHECKING:
    from pytest_qbench.plan import Point
    from pytest_qbench.pool import Pool
    from pytest_qbench.runner import Runner
    from pytest_qbench.session import QbenchSession
    from pytest_qbench.specs import BackendSpec

_STARTS_AT_ONCE = 4


def intentions(session: QbenchSession) -> list[str]:
    """Lines on the sentence and the config file that the session comes from."""
    asked = session.config.stash.get(ASKED, None)
    benchmark = session.settings.benchmark
    return [f"qbench: {line}" for said in (asked, benchmark) if said is not None for line in said.lines]


def plan_lines(session: QbenchSession, points: Sequence[Point]) -> list[str]:
    """Lines on the size of the plan; where it is going to be measured, on how, and on the backends: starts workers."""
    from pytest_qbench.report.lanes import lane_lines

    instances = {(point.instance.case, point.instance.id) for point in points}
    shots = sorted({point.shots for point in points})
    cases = {point.instance.case for point in points}
    return [
        *(backend_lines(session) if session.measures else []),
        *lane_lines(session.settings, points),
        *(session.runner.header_lines() if session.measures else []),
        plan_line(
            len(points),
            len(instances),
            len(cases),
            shots,
            session.usual_deadline,
            unit="shots" if session.settings.gradients is None else "samples",
        ),
    ]


def controller_lines(session: QbenchSession) -> list[str]:
    """Lines on the backends in an xdist controller, whose own workers are not needed any longer."""
    lines = backend_lines(session)
    session.runner.close()
    return [*lines, "qbench: the processes of xdist share the cores, so that times are distorted"]


def backend_list(session: QbenchSession) -> list[str]:
    """What ``--qbench-list-backends`` prints: the backends, or in a gradient session the paths; starts workers."""
    if session.settings.gradients is not None:
        return backend_lines(session)
    from pytest_qbench.availability import availability_table, probe_known

    settings = session.settings
    return availability_table(probe_known(session.known_backends, settings.backends, timeout=settings.startup_timeout))


def backend_lines(session: QbenchSession) -> list[str]:
    """Lines on the backends, with versions and devices; starts their workers."""
    settings, runner = session.settings, session.runner
    chosen = f"circuits {', '.join(settings.circuits)}" if settings.circuits else f"suite {settings.suite}"
    # Most of a worker's start is the import of its simulator, on one core.
    with ThreadPoolExecutor(max(1, min(usable_cpus(), _STARTS_AT_ONCE))) as pool:
        backends = list(pool.map(partial(_backend_info, runner), settings.backends))
    lines = header_lines(backends, chosen if settings.gradients is None else None)
    threads, cpus = max(spec.threads or settings.threads for spec in settings.backends), usable_cpus()
    if threads > cpus and settings.dask is None:
        lines.append(f"qbench: {threads} threads on {count(cpus, 'CPU')}: they take turns, so that times are distorted")
    return lines


def _backend_info(runner: Runner | Pool, spec: BackendSpec) -> BackendInfo:
    about = runner.describe(spec)
    if isinstance(about, Description):
        return BackendInfo(
            spec.label,
            about.version,
            about.device,
            about.device_name,
            about.precision,
            about.method,
            about.threads,
        )
    word = "unavailable" if isinstance(about, Unavailable) else "aborted"
    hint = f"; {about.install}" if isinstance(about, Unavailable) and about.install else ""
    return BackendInfo(spec.label, problem=f"{word}: {about.reason}{hint}")
