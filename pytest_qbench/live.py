"""One live status line while points run on a terminal; nothing in CI or a pipe."""

from __future__ import annotations

import os
import sys
import time
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any

import pytest

from pytest_qbench.report.progress import status_line
from pytest_qbench.report.text import shorten
from pytest_qbench.session import is_xdist_worker

if TYPE_CHECKING:
    from pytest_qbench.report.cells import PlannedPoint
    from pytest_qbench.session import QbenchSession

_ERASE = "\r\x1b[K"
_TICK_S = 1.0


class LiveLine:
    """Rewrites one line in place. Passed points leave no trace; others are printed above it.

    A thread of its own redraws it every second, so that a long point is seen to go on. It draws only while an item
    runs, when pytest itself writes nothing.
    """

    def __init__(self, reporter: Any, session: QbenchSession) -> None:
        self._reporter = reporter
        self._session = session
        self._shown = False
        self._current = ""
        """The node id of the item that runs; empty between two of them."""
        self._began = 0.0
        self._planned: dict[str, PlannedPoint] = {}
        self._lock = Lock()
        self._over = Event()
        self._ticker: Thread | None = None
        # While an item runs, pytest leads what is written to the standard output into a file.
        self._terminal = os.dup(sys.stdout.fileno())
        self._parallel = getattr(reporter.config.option, "numprocesses", None) or session.settings.parallel.lanes
        # The dots and file names of pytest's own progress would tear the line.
        reporter.showfspath = False

    @classmethod
    def on(cls, config: pytest.Config, session: QbenchSession) -> LiveLine | None:
        """A live line if pytest writes to a terminal at its normal verbosity, outside CI; else None."""
        reporter = config.pluginmanager.get_plugin("terminalreporter")
        wanted = (
            reporter is not None
            and reporter.isatty
            and session.settings.active
            and not session.settings.list_cases
            and not config.option.collectonly
            and config.get_verbosity() == 0
            and not is_xdist_worker(config)
            and not os.environ.get("CI")
            and os.environ.get("TERM") != "dumb"
            and not getattr(config.option, "usepdb", False)
            and config.getoption("capture") != "no"
        )
        return cls(reporter, session) if wanted else None

    def show(self, nodeid: str) -> None:
        """Show what is running, how far the session is and how long it will take."""
        if not self._session.has_record:
            return
        if self._ticker is None:
            self._ticker = Thread(target=self._tick, name="qbench-live-line", daemon=True)
            self._ticker.start()
        with self._lock:
            self._current, self._began = nodeid, time.monotonic()
            self._write(self._line())
            self._shown = True

    def pause(self) -> None:
        """The item is over: what is counted and written now, the ticker must leave alone."""
        with self._lock:
            self._current = ""

    def clear(self) -> None:
        """Take the line away."""
        with self._lock:
            self._current = ""
            if self._shown:
                self._write(_ERASE)
                self._shown = False

    def close(self) -> None:
        """Take the line away for good."""
        self.clear()
        self._over.set()
        if self._ticker is not None:
            self._ticker.join()
            self._ticker = None
        if self._terminal >= 0:
            os.close(self._terminal)
            self._terminal = -1

    def _tick(self) -> None:
        while not self._over.wait(_TICK_S):
            with self._lock:
                if self._current and time.monotonic() - self._began >= _TICK_S:
                    os.write(self._terminal, self._line().encode())

    def _line(self) -> str:
        recorder, running = self._session.recorder, time.monotonic() - self._began
        return _ERASE + status_line(
            recorder.done,
            max(recorder.planned, self._session.announced),
            recorder.counts,
            self._current.rpartition("::")[2],
            recorder.elapsed,
            self._seconds_left(running),
            self._width,
            running,
        )

    def _seconds_left(self, running: float) -> float | None:
        """The time left, less what the current item has had of its own."""
        eta = self._session.recorder.eta
        left = eta.seconds_left(self._parallel)
        if left is None or running < _TICK_S:
            return left
        if len(self._planned) != len(self._session.planned):
            self._planned = {point.nodeid: point for point in self._session.planned}
        point = self._planned.get(self._current)
        own = None if point is None else eta.estimate(point)
        return left if own is None else left - min(running, own) / self._parallel

    def quiet(self, report: Any, status: Any) -> Any:
        """pytest's category for a point's report without a letter to print; a point that did not pass gets a line."""
        if status is None:
            return None
        category, _, (_, markup) = status
        if category != "passed":
            self.clear()
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
            first_line = reason.partition("\n")[0].removeprefix("Skipped: ")
            line = shorten(f"{report.nodeid.rpartition('::')[2]}  {first_line}", self._width)
            self._reporter.write_line(line, **markup)
        return category, "", ""

    @property
    def _width(self) -> int:
        width: int = self._reporter.config.get_terminal_writer().fullwidth
        return width - 1

    def _write(self, text: str) -> None:
        self._reporter.write(text, flush=True)
