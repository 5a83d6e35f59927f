"""The live status line: what is running, how far it is and how long it will take."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pytest_qbench.report.cells import PlannedPoint
from pytest_qbench.report.text import format_duration, shorten
from pytest_qbench.results import PointResult, Status

# Up to this size the fixed cost of a call outweighs the state: a point takes about as long whatever its size.
_FLAT_QUBITS = 16


def status_line(
    done: int,
    planned: int,
    counts: Mapping[str, int],
    current: str,
    elapsed: float,
    eta: float | None,
    width: int,
    running: float = 0.0,
) -> str:
    """One line of at most ``width`` characters, without a line end.

    Args:
        done, planned: points.
        counts: points by status; those at zero are not shown.
        current: the id of the item that runs now; it gives way first where the line is too long.
        elapsed, eta: seconds since the start, and seconds left (None: not known yet).
        width: columns.
        running: seconds since the current item began, shown from the first whole one on.
    """
    parts = [f"{done}/{planned}"]
    if planned:
        parts.append(f"{100 * done // planned}%")
    parts += [f"{counts[status]} {status.value}" for status in Status if counts.get(status)]
    left = "" if eta is None else f", about {format_duration(eta)} left"
    parts.append(format_duration(elapsed) + left)
    line = "  ".join(parts)
    clock = f" {format_duration(running)}" if running >= 1 else ""
    room = width - len(line) - 2 - len(clock)
    if current and room >= 12:
        line += "  " + shorten(current, room) + clock
    return line[: max(width, 0)]


@dataclass(slots=True)
class _Seen:
    """Mean seconds per point."""

    total: float = 0.0
    points: int = 0
    timeout: float | None = None

    def add(self, point: PointResult) -> None:
        self.total += point.elapsed_s
        self.points += 1
        if point.timeout_s is not None:
            self.timeout = point.timeout_s

    @property
    def mean(self) -> float:
        return self.total / self.points


@dataclass(slots=True)
class _Group:
    """The points of one backend and case: how many are left per size, and what those that are done took."""

    left: Counter[int] = field(default_factory=Counter)
    sizes: dict[int, _Seen] = field(default_factory=dict)
    seconds: float | None = None
    """The estimate for those left, until another point is done."""

    def estimate(self, n_qubits: int) -> float:
        nearest = min(self.sizes, key=lambda size: (abs(size - n_qubits), -size))
        seen = self.sizes[nearest]
        doublings = max(n_qubits, _FLAT_QUBITS) - max(nearest, _FLAT_QUBITS)
        estimate = seen.mean * 2.0**doublings
        # A point that reaches its timeout has spent little more than that; its deadline holds for every call.
        return min(estimate, max(2 * seen.timeout, seen.mean)) if seen.timeout else estimate


@dataclass(slots=True)
class EtaEstimator:
    """Estimates the seconds left from the points that are done.

    A point takes as long as its neighbours: those of the same backend, case and size; else the nearest size
    of the same backend and case, doubled per qubit where the state is what costs and cut at the timeout; else
    the mean of all points of its backend, or of all.

    A finished point changes the estimate of its own backend and case only, and the means: asking costs as much as there
    are backends and cases, whatever the number of points.
    """

    _groups: dict[tuple[str, str], _Group] = field(default_factory=lambda: defaultdict(_Group))
    _by_backend: dict[str, _Seen] = field(default_factory=dict)
    _all: _Seen = field(default_factory=_Seen)

    def plan(self, points: Iterable[PlannedPoint]) -> None:
        """Add points that are to run."""
        for point in points:
            group = self._groups[point.backend, point.case]
            group.left[point.n_qubits] += 1
            group.seconds = None

    def add(self, point: PointResult) -> None:
        """Take note of a finished point."""
        group = self._groups[point.backend, point.case]
        group.seconds = None
        if group.left[point.n_qubits] > 0:
            group.left[point.n_qubits] -= 1
        if point.skipped:
            return
        for seen in (
            group.sizes.setdefault(point.n_qubits, _Seen()),
            self._by_backend.setdefault(point.backend, _Seen()),
            self._all,
        ):
            seen.add(point)

    def seconds_left(self, parallel: int = 1) -> float | None:
        """The estimate, with ``parallel`` points running at once; None before the first point is done."""
        if not self._all.points:
            return None
        return sum(self._group_seconds(backend, group) for (backend, _), group in self._groups.items()) / parallel

    def estimate(self, point: PlannedPoint) -> float | None:
        """The seconds that one point will take; None before the first point is done."""
        if not self._all.points:
            return None
        group = self._groups[point.backend, point.case]
        return group.estimate(point.n_qubits) if group.sizes else self._mean(point.backend)

    def _group_seconds(self, backend: str, group: _Group) -> float:
        if not group.sizes:
            return group.left.total() * self._mean(backend)
        if group.seconds is None:
            group.seconds = sum(number * group.estimate(size) for size, number in group.left.items() if number)
        return group.seconds

    def _mean(self, backend: str) -> float:
        return self._by_backend.get(backend, self._all).mean
