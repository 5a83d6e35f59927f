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
) -> str:
    """One line of at most ``width`` characters, without a line end.

    Args:
        done, planned: points.
        counts: points by status; those at zero are not shown.
        current: the id of the item that runs now; it gives way first where the line is too long.
        elapsed, eta: seconds since the start, and seconds left (None: not known yet).
        width: columns.
    """
    parts = [f"{done}/{planned}"]
    if planned:
        parts.append(f"{100 * done // planned}%")
    parts += [f"{counts[status]} {status.value}" for status in Status if counts.get(status)]
    left = "" if eta is None else f", about {format_duration(eta)} left"
    parts.append(format_duration(elapsed) + left)
    line = "  ".join(parts)
    room = width - len(line) - 2
    if current and room >= 12:
        line += "  " + shorten(current, room)
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
class EtaEstimator:
    """Estimates the seconds left from the points that are done.

    A point takes as long as its neighbours: those of the same backend, case and size; else the nearest size
    of the same backend and case, doubled per qubit where the state is what costs and cut at the timeout; else
    the mean of all points of its backend, or of all.
    """

    _left: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    _by_size: dict[tuple[str, str], dict[int, _Seen]] = field(default_factory=lambda: defaultdict(dict))
    _by_backend: dict[str, _Seen] = field(default_factory=dict)
    _all: _Seen = field(default_factory=_Seen)

    def plan(self, points: Iterable[PlannedPoint]) -> None:
        """Add points that are to run."""
        self._left.update((point.backend, point.case, point.n_qubits) for point in points)

    def add(self, point: PointResult) -> None:
        """Take note of a finished point."""
        key = (point.backend, point.case, point.n_qubits)
        if self._left[key] > 0:
            self._left[key] -= 1
        if point.skipped:
            return
        sizes = self._by_size[point.backend, point.case]
        for seen in (
            sizes.setdefault(point.n_qubits, _Seen()),
            self._by_backend.setdefault(point.backend, _Seen()),
            self._all,
        ):
            seen.add(point)

    def seconds_left(self, parallel: int = 1) -> float | None:
        """The estimate, with ``parallel`` points running at once; None before the first point is done."""
        if not self._all.points:
            return None
        return sum(count * self._estimate(*key) for key, count in self._left.items() if count) / parallel

    def _estimate(self, backend: str, case: str, n_qubits: int) -> float:
        sizes = self._by_size.get((backend, case))
        if not sizes:
            return self._by_backend.get(backend, self._all).mean
        nearest = min(sizes, key=lambda size: (abs(size - n_qubits), -size))
        seen = sizes[nearest]
        doublings = max(n_qubits, _FLAT_QUBITS) - max(nearest, _FLAT_QUBITS)
        estimate = seen.mean * 2.0**doublings
        # A point that reaches its timeout has spent little more than that; its deadline holds for every call.
        return min(estimate, max(2 * seen.timeout, seen.mean)) if seen.timeout else estimate
