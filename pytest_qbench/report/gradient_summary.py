"""The end of a gradient session: what the terminal shows, and the plots and the report in the run folder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_qbench.report.files import ReportError
from pytest_qbench.report.gradient_tables import gradient_lines
from pytest_qbench.report.terminal import file_lines, noise_lines, problem_lines, single_round_lines, status_lines
from pytest_qbench.report.text import Line, joined

if TYPE_CHECKING:
    from pytest_qbench.report.recorder import Recorder

_MIN_WIDTH, _MAX_WIDTH = 80, 132


@dataclass(frozen=True, slots=True)
class Extras:
    """What was written beside the record, and what could not be."""

    plots: Path | None = None
    reports: tuple[Path, ...] = ()
    problems: tuple[str, ...] = ()


def write_extras(recorder: Recorder, environment: Mapping[str, Any], command: str | None) -> Extras:
    """Write the plots and, where ``command`` (the command line of the session) is given, the report."""
    from pytest_qbench.report.gradient_plots import write_plots

    rows, folder = recorder.rows, recorder.folder
    if not any(row["times_s"] for row in rows):
        return Extras()
    try:
        plots = write_plots(rows, folder.plots)
        problems = (plots.problem,) if plots.problem else ()
        if command is None:
            return Extras(folder.plots, problems=problems)
        from pytest_qbench.report.gradient_report import write_report

        return Extras(folder.plots, tuple(write_report(rows, environment, command, folder.path, plots)), problems)
    except ReportError as error:
        return Extras(problems=(str(error),))


def gradient_summary_lines(
    summary: Mapping[str, Any],
    rows: Iterable[Mapping[str, Any]],
    folder: Path,
    width: int,
    copy: Path | None,
    extras: Extras | None,
) -> list[Line]:
    """The section at the end of the session.

    Args:
        summary: the content of ``summary.json``.
        rows: those of the session.
        folder: the run folder, as it should be shown.
        width: columns of the terminal.
        copy: the further file with the rows, if there is one.
        extras: what :func:`write_extras` gave.
    """
    width = max(_MIN_WIDTH, min(width, _MAX_WIDTH))
    # Paths that are not available stand below the tables of their scenario.
    problems = [problem for problem in summary["problems"] if problem["status"] not in ("UNAVAILABLE", "UNSUPPORTED")]
    return joined(
        [
            status_lines(summary, width, unit="samples"),
            problem_lines(problems, width),
            gradient_lines(rows, width),
            noise_lines(summary, width) + single_round_lines(summary, width),
            [*file_lines(summary, folder, copy), *_extra_lines(extras, folder)],
        ]
    )


def _extra_lines(extras: Extras | None, folder: Path) -> list[Line]:
    if extras is None:
        return []
    lines: list[Line] = [(problem, {"yellow": True}) for problem in extras.problems]
    if extras.plots is not None:
        lines.append((f"plots in {folder / extras.plots.name}/", {}))
    lines += [(f"report in {folder / report.name}", {}) for report in extras.reports]
    return lines
