"""What the terminal shows of a run, as lines with markup: the caller writes them.

Nothing depends on colour: markup only stresses what the words say.
"""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_qbench.report.comparison import Comparison
from pytest_qbench.report.lanes import contention_lines, repetition_lines
from pytest_qbench.report.rows import PRECEDENCE
from pytest_qbench.report.side_by_side import side_by_side_lines
from pytest_qbench.report.spread import MARK, MAX_IQR, MAX_OVER_FASTEST, marked
from pytest_qbench.report.text import (
    BOLD,
    Line,
    count,
    fit_labels,
    format_duration,
    format_seconds,
    joined,
    named_values,
    table,
    titled_table,
)
from pytest_qbench.results import Status

MARKUP = {
    Status.PASS: {"green": True},
    Status.UNVERIFIED: {"yellow": True},
    Status.FAIL: {"red": True, "bold": True},
    Status.ABORT: {"red": True},
    Status.UNSUPPORTED: {"yellow": True},
    Status.UNAVAILABLE: {"yellow": True},
}
"""How each status looks."""

_MIN_WIDTH, _MAX_WIDTH = 80, 120
_SLOWEST = 8
_PROBLEMS = 15
_INCOMPLETE = "INCOMPLETE"


@dataclass(frozen=True, slots=True)
class BackendInfo:
    """A backend in the header. What is not known before its first worker runs is None.

    ``problem`` says why it can't be used, where it can't.
    """

    label: str
    version: str | None = None
    device: str | None = None
    device_name: str | None = None
    precision: str | None = None
    method: str | None = None
    threads: int | None = None
    problem: str | None = None


def header_lines(backends: Sequence[BackendInfo], chosen: str | None = None) -> list[str]:
    """Lines for pytest's header: what is going to be measured; ``chosen`` is the suite or the circuits."""
    lines = [f"qbench: {chosen}"] if chosen else []
    rows = []
    for backend in backends:
        device = backend.device_name or backend.device
        threads = None if backend.threads is None else count(backend.threads, "thread")
        facts = (device, backend.precision and f"{backend.precision} precision", backend.method, threads)
        about = backend.problem or ", ".join(fact for fact in facts if fact)
        rows.append((f"qbench: {backend.label}", backend.version or "", about))
    return lines + table(rows, "<<<")


def plan_line(
    n_points: int, n_instances: int, n_cases: int, shots: Sequence[int], timeout_s: float, *, unit: str = "shots"
) -> str:
    """One line on what was collected."""
    points, instances = count(n_points, "point"), count(n_instances, "instance")
    return (
        f"qbench: {points} = {instances} of {count(n_cases, 'case')}, "
        f"{unit} {', '.join(map(str, shots))}, timeout {timeout_s:g} s"
    )


def summary_lines(
    summary: Mapping[str, Any],
    comparison: Comparison,
    folder: Path,
    width: int,
    copy: Path | None = None,
) -> list[Line]:
    """The section at the end of the session.

    Args:
        summary: the content of ``summary.json``.
        comparison: the backends side by side; with a single one no table is made of it.
        folder: the run folder, as it should be shown.
        width: columns of the terminal; lines fit into 80 to 120 of them.
        copy: the further file with the rows, if there is one.
    """
    width = max(_MIN_WIDTH, min(width, _MAX_WIDTH))
    return joined(
        [
            status_lines(summary, width),
            _total_lines(summary, width),
            problem_lines(summary["problems"], width),
            repetition_lines(summary, width),
            _thread_lines(summary["threads_exceeded"], width),
            _slowest_lines(summary, width),
            side_by_side_lines(comparison, width),
            contention_lines(summary, comparison, width),
            noise_lines(summary, width) + single_round_lines(summary, width),
            file_lines(summary, folder, copy),
        ]
    )


def status_lines(summary: Mapping[str, Any], width: int, unit: str = "shots") -> list[Line]:
    """How many points came to each status; ``unit`` is what a ladder has more and more of."""
    points = summary["points"]
    by_status = points["by_status"]
    parts = [f"{by_status[status]} {status.value}" for status in Status if by_status[status]]
    parts += [f"{points['missing']} not run"] if points["missing"] else []
    worst = next((status for status in PRECEDENCE if by_status[status]), Status.ABORT)
    text = f"{count(points['planned'], 'point')}: {', '.join(parts) or 'none ran'}"
    text += f" in {format_duration(summary['wall_s'])}"
    lines: list[Line] = [(line, MARKUP[worst] | BOLD) for line in textwrap.wrap(text, width)]
    lines += [(f"{number} of them measured in run {run_id}", {}) for run_id, number in summary["merged_from"].items()]
    if points["skipped"]:
        skipped = count(points["skipped"], "point")
        lines.append((f"{skipped} skipped: fewer {unit} had ended their ladder already", {}))
    if summary["interrupted"]:
        lines.append(("the session was interrupted: the results are not complete", {"red": True}))
    return lines


def _total_lines(summary: Mapping[str, Any], width: int) -> list[Line]:
    """Per backend and kind: the sum of the medians, and what it took to measure them."""
    rows = [("totals", "circuits", "instances", "points", "sum medians", "rounds", "sum rounds")]
    for backend, entry in summary["backends"].items():
        for kind, total in entry["totals"].items():
            if total["points"]:
                rows.append(
                    (
                        backend,
                        kind,
                        str(total["rows"]),
                        str(total["points"]),
                        _sum(total["medians_s"]),
                        str(total["rounds"]),
                        _sum(total["rounds_s"]),
                    )
                )
    return titled_table(fit_labels(rows, 0, width), "<<>>>>>") if len(rows) > 1 else []


def _sum(seconds: float) -> str:
    return format_seconds(seconds) if seconds < 60 else format_duration(seconds)


def _slowest_lines(summary: Mapping[str, Any], width: int) -> list[Line]:
    spots = summary["hot_spots"]["slowest"][:_SLOWEST]
    if not spots:
        return []
    rows = [("slowest", "backend", "shots", "median", "spent")]
    for spot in spots:
        rows.append(
            (
                _title_of(spot),
                spot["backend"],
                str(spot["shots"]),
                marked(format_seconds(spot["median_s"]), spot["noisy"]),
                format_duration(spot["elapsed_s"]),
            )
        )
    # Neither name may take the room of the other.
    fitted = fit_labels(fit_labels(rows, 1, width, least=(width - 30) // 2), 0, width)
    return titled_table(fitted, "<<>>>")


def noise_lines(summary: Mapping[str, Any], width: int) -> list[Line]:
    """What the mark of noisy times means, and what to do; nothing where no point is noisy."""
    points = summary["points"]
    if not points["noisy"]:
        return []
    text = (
        f"{MARK}: noisy, as {points['noisy']} of {count(points['timed'], 'timed point')}: the middle half of the "
        f"rounds spans more than {MAX_IQR:.0%} of their median, or the median is more than {MAX_OVER_FASTEST:g} times "
        "the fastest round. Measure again on a quiet machine, or with more rounds (--benchmark-max-time=5)."
    )
    return [(line, {"yellow": True}) for line in textwrap.wrap(text, width, break_on_hyphens=False)]


def single_round_lines(summary: Mapping[str, Any], width: int) -> list[Line]:
    """That times are no medians, where points have a single round."""
    points = summary["points"]
    if not points["single_round"]:
        return []
    text = (
        f"a single round at {points['single_round']} of {count(points['timed'], 'timed point')}: such a time is that "
        "of one call, and no median. Long calls get no second round, nor does any call under --benchmark-disable."
    )
    return [(line, {"yellow": True}) for line in textwrap.wrap(text, width, break_on_hyphens=False)]


def problem_lines(problems: Iterable[Mapping[str, Any]], width: int) -> list[Line]:
    """Every reason once, with what it holds for; the worst first."""
    groups: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for problem in problems:
        key = (problem["status"] or _INCOMPLETE, problem["backend"], problem["reason"])
        groups.setdefault(key, []).append(problem)
    backend_width = min(max((len(backend) for _, backend, _ in groups), default=0), 20)
    lines: list[Line] = []
    for status in (*PRECEDENCE, _INCOMPLETE):
        markup = MARKUP[status] if isinstance(status, Status) else {"yellow": True}
        chosen = [(key, group) for key, group in groups.items() if key[0] == status]
        for (_, backend, reason), group in chosen[:_PROBLEMS]:
            head = f"{status:<11}  {backend:<{backend_width}}  "
            if len(group) == 1:
                lines += _hanging(f"{head}{_title_of(group[0])}{_shots_of(group[0])}", reason, width, markup)
            else:
                lines += _hanging(f"{head}{len(group)} instances", reason, width, markup)
                lines += [(line, {}) for line in _wrapped(_instances(group), width, max_lines=2)]
        if len(chosen) > _PROBLEMS:
            more = count(len(chosen) - _PROBLEMS, "more reason")
            lines.append((f"{status:<11}  and {more} (see summary.json)", markup))
    return lines


def _thread_lines(exceeded: Iterable[Mapping[str, Any]], width: int) -> list[Line]:
    """A line per backend that used more CPU than it was given: beside the others it is not compared like with like."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for point in exceeded:
        groups.setdefault(point["backend"], []).append(point)
    lines: list[Line] = []
    for backend, points in groups.items():
        worst = max(points, key=lambda point: point["cpu_util"] / point["threads"])
        more = f", and in {count(len(points) - 1, 'more point')}" if len(points) > 1 else ""
        text = (
            f"{backend} kept {worst['cpu_util']:.1f} cores busy with {count(worst['threads'], 'thread')} asked for: "
            f"{_title_of(worst)} at {worst['shots']} shots{more}"
        )
        lines += [(line, {"yellow": True}) for line in textwrap.wrap(text, width)]
    return lines


def _shots_of(problem: Mapping[str, Any]) -> str:
    """The shots that a reason holds for; what a backend does not support or have, it has at no shots, and what
    is not verified, is so at all."""
    if not problem["shots"] or problem["status"] in (Status.UNVERIFIED, Status.UNSUPPORTED, Status.UNAVAILABLE):
        return ""
    above = " and above" if problem["skipped_shots"] else ""
    shots = ", ".join(map(str, problem["shots"]))
    return f" at {shots} {'shot' if shots == '1' and not above else 'shots'}{above}"


def _instances(group: Iterable[Mapping[str, Any]]) -> str:
    """``qft 20q 24q, simon 2-24q``."""
    sizes: dict[str, set[int]] = {}
    for problem in group:
        sizes.setdefault(problem["case"], set()).add(problem["n_qubits"])
    return ", ".join(f"{case} {_sizes(of_case)}" for case, of_case in sizes.items())


def _sizes(sizes: set[int]) -> str:
    if len(sizes) > 3:
        return f"{min(sizes)}-{max(sizes)}q"
    return " ".join(f"{size}q" for size in sorted(sizes))


def _title_of(entry: Mapping[str, Any]) -> str:
    """``qft 12q depth=20``."""
    return " ".join([entry["case"], f"{entry['n_qubits']}q", *named_values(entry["params"], entry["noise"])])


def _hanging(head: str, reason: str, width: int, markup: dict[str, bool]) -> list[Line]:
    """``head: reason`` on one line where it fits, else the reason under it, indented."""
    reason = " ".join(reason.split())
    if len(head) + 2 + len(reason) <= width:
        return [(f"{head}: {reason}", markup)]
    return [(head[:width], markup), *((line, {}) for line in _wrapped(reason, width, max_lines=4))]


def _wrapped(text: str, width: int, max_lines: int) -> list[str]:
    indent = " " * 13
    return textwrap.wrap(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=indent,
        max_lines=max_lines,
        placeholder=" ...",
        break_on_hyphens=False,
    )


def file_lines(summary: Mapping[str, Any], folder: Path, copy: Path | None) -> list[Line]:
    lines: list[Line] = [(problem, {"red": True}) for problem in summary["report_problems"]]
    lines.append((f"rows, summary and comparison in {folder}/", {}))
    if copy:
        lines.append((f"rows appended to {copy}", {}))
    by_status = summary["points"]["by_status"]
    if summary["interrupted"]:
        lines.append((f"go on with it: pytest --qbench-resume={shlex.quote(str(folder))}", {}))
    elif by_status[Status.ABORT] or by_status[Status.FAIL]:
        lines.append((f"FAIL and ABORT once more: pytest --qbench-rerun-failed={shlex.quote(str(folder))}", {}))
    return lines
