"""What a session says of points measured side by side: in its header how, in its summary what that may distort."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pytest_qbench.backends.memory import MANY_QUBITS
from pytest_qbench.measure.cores import own_cpus, split_cpus
from pytest_qbench.report.comparison import Comparison
from pytest_qbench.report.text import Line, count, named_values
from pytest_qbench.specs import memory_needed

if TYPE_CHECKING:
    from pytest_qbench.plan import Point
    from pytest_qbench.settings import Settings

_GIB = 2**30


def lane_lines(settings: Settings, points: Sequence[Point]) -> list[str]:
    """Lines for the header: the lanes, where there are several or more were asked for, and points that need much."""
    lines = []
    parallel = settings.parallel
    if parallel.asked:
        lines.append(
            f"qbench: --qbench-parallel={parallel.asked}: there is room for {count(parallel.lanes, 'lane')} "
            f"on {count(len(own_cpus()), 'CPU')} with {count(_threads(settings), 'thread')} each"
        )
    if parallel.lanes > 1:
        shares = [" ".join(map(str, share)) for share in split_cpus(own_cpus(), parallel.lanes)]
        on = f" on CPUs {' | '.join(shares)}" if all(shares) else ""
        lines.append(f"qbench: {parallel.lanes} points at once{on}: times are longer than those of one at a time")
    return lines + _memory_line(settings, points)


def _threads(settings: Settings) -> int:
    return max(spec.threads or settings.threads for spec in settings.backends)


def _memory_line(settings: Settings, points: Iterable[Point]) -> list[str]:
    """A warning of the point that needs the most memory, where it has very many qubits."""
    if settings.gradients is not None:
        return []
    sizes = {(point.backend.label, point.instance.n_qubits): point.backend for point in points}
    needs = [(memory_needed(spec, n), n, label) for (label, n), spec in sizes.items() if n > MANY_QUBITS]
    needed, n_qubits, label = max(needs, default=(0, 0, ""))
    if needed < _GIB:
        return []
    limit = "" if settings.memory_limit is None else f", the limit is {settings.memory_limit / _GIB:,.1f} GiB"
    return [
        f"qbench: warning: {n_qubits} qubits on {label} take about {needed / _GIB:,.1f} GiB{limit} "
        "(--qbench-memory-limit)"
    ]


def contention_lines(summary: Mapping[str, Any], comparison: Comparison, width: int) -> list[Line]:
    """A warning where times were taken beside other points; nothing where each was measured alone."""
    contended, timed = summary["points"]["contended"], summary["points"]["timed"]
    if not contended:
        return []
    ratios = [cell for pair in comparison.pairs for cell in pair.warm if cell.ratio is not None]
    distorted = sum(cell.contended for cell in ratios)
    if distorted:
        text = (
            f"{distorted} of {count(len(ratios), 'ratio')} are of times taken while other points were measured "
            "(--qbench-parallel). They share the memory, the caches and the clock of the processor, and who needs more "
            "of these loses more: before you rely on such a ratio, measure one at a time."
        )
    else:
        text = (
            f"{contended} of {count(timed, 'timed point')} were measured while others were (--qbench-parallel): such "
            "times are longer than those of one at a time."
        )
    return [(line, {"yellow": True}) for line in textwrap.wrap(text, width, break_on_hyphens=False)]


def repetition_lines(summary: Mapping[str, Any], width: int) -> list[Line]:
    """A line for each point that was measured again after a crash (``--qbench-retries``), whatever became of it."""
    lines: list[Line] = []
    for entry in summary["repeated"]:
        title = " ".join([entry["case"], f"{entry['n_qubits']}q", *named_values(entry["params"], entry["noise"])])
        text = (
            f"{entry['backend']} crashed {count(len(entry['crashes']), 'time')} before its verdict on {title} at "
            f"{count(entry['shots'], 'shot')}: {'; '.join(dict.fromkeys(entry['crashes']))}"
        )
        lines += [(line, {"yellow": True}) for line in textwrap.wrap(text, width, break_on_hyphens=False)]
    return lines
