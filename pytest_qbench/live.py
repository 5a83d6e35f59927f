"""One live status line while points run on a terminal; nothing in CI or a pipe."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from pytest_qbench.report.progress import status_line
from pytest_qbench.report.text import shorten
from pytest_qbench.session import is_xdist_worker

if TYPE_CHECKING:
    from pytest_qbench.session import QbenchSession

_ERASE = "\r\x1b[K"


class LiveLine:
    """Rewrites one line in place. Passed points leave no trace; others are printed above it."""

    def __init__(self, reporter: Any, session: QbenchSession) -> None:
        self._reporter = reporter
        self._session = session
        self._shown = False
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
        recorder = self._session.recorder
        line = status_line(
            recorder.done,
            max(recorder.planned, self._session.announced),
            recorder.counts,
            nodeid.rpartition("::")[2],
            recorder.elapsed,
            recorder.eta.seconds_left(self._parallel),
            self._width,
        )
        self._write(_ERASE + line)
        self._shown = True

    def clear(self) -> None:
        """Take the line away."""
        if self._shown:
            self._write(_ERASE)
            self._shown = False

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
