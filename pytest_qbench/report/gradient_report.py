"""The report on the gradient scenarios of a run: ``gradient_report.md`` and ``gradient_report.html``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_qbench.gradients.verify import TOLERANCES
from pytest_qbench.report import gradient_across as across
from pytest_qbench.report import gradient_sections as sections
from pytest_qbench.report.document import (
    Block,
    Code,
    CodeBlock,
    Figure,
    Heading,
    Table,
    paragraph,
    to_html,
    to_markdown,
)
from pytest_qbench.report.files import write_text
from pytest_qbench.report.gradient_plots import Plot, Plots
from pytest_qbench.report.gradient_rows import Result, Scenario, Scenarios, format_bytes, read
from pytest_qbench.report.gradient_tables import attribution_of

TITLE = "Gradients of parametrized circuits: benchmark report"

_UNKNOWN = "not recorded"
_ALTS = {
    "time": "Total time over samples, one line per path",
    "throughput": "Samples per second over samples, one line per path",
    "split": "What the time of each path goes into",
    "memory": "Highest memory of each path and size of the state cache over qubits",
}


def write_report(
    rows: Iterable[Mapping[str, Any]],
    environment: Mapping[str, Any],
    command: str,
    folder: Path,
    plots: Plots,
) -> tuple[Path, Path]:
    """Write the report.

    Args:
        rows: of ``results.jsonl``; those of other kinds are left out.
        environment: what :func:`pytest_qbench.report.environment.collect` found.
        command: the command line of the run; empty where it is not known.
        folder: of the run.
        plots: of the same rows, written into a folder below ``folder``.

    Returns:
        The Markdown file, which links the plots, and the HTML file, which holds them.

    Raises:
        ReportError: a file can't be written, or a plot can't be read.
    """
    blocks = content(list(rows), environment, command, plots)
    markdown, html = folder / "gradient_report.md", folder / "gradient_report.html"
    write_text(markdown, to_markdown(blocks, folder))
    write_text(html, to_html(blocks, TITLE))
    return markdown, html


def content(
    rows: Sequence[Mapping[str, Any]], environment: Mapping[str, Any], command: str, plots: Plots
) -> list[Block]:
    """The blocks of the report; arguments as for :func:`write_report`."""
    scenarios = read(rows)
    run_ids = dict.fromkeys(str(row["run_id"]) for row in rows if row.get("run_id"))
    blocks: list[Block] = [Heading(TITLE, 1)]
    if run_ids:
        blocks.append(paragraph("Run ", Code(", ".join(run_ids)), "."))
    blocks += [Heading("Summary"), *sections.summary(scenarios)]
    if plots.problem:
        blocks.append(paragraph(f"{plots.problem[0].upper()}{plots.problem[1:]}."))
    blocks += [Heading("Methodology"), *_methodology(scenarios, environment)]
    blocks += [Heading("Encoding throughput"), *sections.encoding_throughput(scenarios)]
    blocks.append(Heading("Gradient results"))
    for scenario, results in scenarios.items():
        blocks += _scenario(scenario, results, plots)
    blocks += [Heading("Impact of the data set"), *across.dataset_impact(scenarios)]
    blocks += [Heading("Scaling"), *across.scaling(scenarios)]
    blocks += [Heading("Memory"), *_figures(plots, ("memory",)), *across.memory(scenarios)]
    blocks += [Heading("When to use which path"), *across.choices(scenarios)]
    blocks += [Heading("What did not complete"), *across.not_completed(scenarios)]
    blocks += [Heading("How to repeat it"), *_repetition(scenarios, environment, command)]
    return blocks


def _scenario(scenario: Scenario, results: Sequence[Result], plots: Plots) -> list[Block]:
    found = attribution_of(results)
    title = scenario.title
    blocks: list[Block] = [Heading(title[0].upper() + title[1:], 3)]
    if found is None:
        return [*blocks, paragraph("No path completed.")]
    blocks += [sections.comparison(results, found.n_samples), *sections.floors(results, found.n_samples)]
    blocks += _figures(plots, ("time", "throughput"), scenario)
    if len({samples for result in results for samples in result.seconds}) > 1:
        blocks.append(sections.medians(results))
    if steps := sections.attribution(results):
        blocks += [Heading("Where the speed-up comes from", 4), *steps]
    if split := sections.time_split(results):
        blocks += [Heading("Where the time goes", 4), *split, *_figures(plots, ("split",), scenario)]
    return blocks


def _figures(plots: Plots, kinds: Sequence[str], scenario: Scenario | None = None) -> list[Block]:
    return [
        Figure(plot.png, plot.svg, plot.data, f"{_ALTS[plot.what]}: {_subject(plot)}", (plot.caption,))
        for plot in plots.plots
        if plot.what in kinds and scenario in (None, plot.scenario) and plot.png and plot.svg
    ]


def _subject(plot: Plot) -> str:
    return plot.scenario.family.title if plot.what == "memory" else plot.scenario.title


def _methodology(scenarios: Scenarios, environment: Mapping[str, Any]) -> list[Block]:
    timed = [result for results in scenarios.values() for result in results if result.seconds]
    return [
        Table(("", "hardware and software"), tuple(_machine(environment)), "<<"),
        Table(
            ("path", "version", "device", "precision", "threads", "packages"),
            tuple(dict.fromkeys(_implementation(result) for result in timed)),
            "<<<<><",
            ("As the paths themselves report it.",),
        ),
        paragraph(
            "Every path computes the same: the derivatives of the expectation value by all parameters, for every "
            "sample, at the same parameters and from the same features. It runs in a worker process of its own, whose "
            "threads are set before anything is imported. Preparation and a first call are timed apart, before the "
            "rounds; one that takes more than half a second is the first round. A round is the whole way from the "
            "features to the gradients of all samples, encoding included, until the device has finished; a time is "
            f"the median of its rounds ({_rounds(timed)})."
        ),
        paragraph(
            "Intervals are 95% bootstrap intervals (percentiles) of the medians, from resampled rounds; those of "
            "ratios with fewer than five rounds are Welch's, of the logarithms; with a single round they are those of "
            "single evaluations, and have a star. They cover the scatter of the rounds, "
            "not a drift of the machine between "
            "two paths. What the time goes into is measured by differences of calls that differ by one part, "
            "alternated round by round; nothing is assumed about shares."
        ),
        paragraph(_verification(timed)),
    ]


def _machine(environment: Mapping[str, Any]) -> list[tuple[str, str]]:
    cpu, limits = environment.get("cpu") or {}, environment.get("limits") or {}
    system, python = environment.get("os") or {}, environment.get("python") or {}
    total, git = (environment.get("memory") or {}).get("total"), environment.get("git") or {}
    cores = [
        f"{cpu[key]} {word}"
        for key, word in (("physical", "cores"), ("logical", "threads"), ("usable", "usable"))
        if cpu.get(key)
    ]
    if limits.get("cpus"):
        cores.append(f"limited to {limits['cpus']:g}")
    gpus = [f"{gpu['name']} (driver {gpu['driver']})" for gpu in environment.get("gpus") or ()]
    variables = {name: value for name, value in (environment.get("thread_variables") or {}).items() if value}
    commit = f"{git['commit'][:12]}{', with changes' if git.get('dirty') else ''}" if git.get("commit") else ""
    lines = {
        "processor": ", ".join(filter(None, (cpu.get("model"), *cores))),
        "virtual machine": {True: "yes", None: "not detected"}.get(cpu.get("virtual"), "no") if cpu else "",
        "memory": format_bytes(total) if total else "",
        "GPU": ", ".join(gpus) or ("none" if "gpus" in environment else ""),
        "operating system": ", ".join(filter(None, (system.get("distribution"), system.get("kernel")))),
        "Python": " ".join(filter(None, (python.get("implementation"), python.get("version")))),
        "thread variables": ", ".join(f"{name}={value}" for name, value in variables.items()) or "none set",
        "commit": commit,
    }
    return [(name, value or _UNKNOWN) for name, value in lines.items()]


def _implementation(result: Result) -> tuple[str, ...]:
    row = result.row
    device = " ".join(filter(None, (row.get("device"), row.get("device_name"))))
    known = [row.get("backend_version"), device, row.get("precision"), row.get("threads")]
    packages = ", ".join(f"{name} {version}" for name, version in (row.get("versions") or {}).items())
    return (result.path, *(_UNKNOWN if value in (None, "") else str(value) for value in known), packages or _UNKNOWN)


def _rounds(timed: Sequence[Result]) -> str:
    numbers = [len(rounds) for result in timed for rounds in (result.row.get("rounds_s") or {}).values() if rounds]
    if not numbers:
        return "none in this run"
    return (
        f"{min(numbers)} in this run"
        if min(numbers) == max(numbers)
        else f"{min(numbers)} to {max(numbers)} in this run"
    )


def _verification(timed: Sequence[Result]) -> str:
    used = dict.fromkeys(str(result.row.get("precision")) for result in timed)
    limits = [
        f"{TOLERANCES[name][1]:g} + {TOLERANCES[name][0]:g} x its size in {name} precision"
        for name in used
        if name in TOLERANCES
    ]
    allowed = f" A derivative may differ by {', by '.join(limits)}." if limits else ""
    return (
        "The gradients of each point are compared, for some samples drawn at random and all parameters, with exact "
        "ones from an independent computation, which is itself compared with finite differences; likewise for a second "
        f"observable, on which more parameters have an effect; and with those of the other paths.{allowed} A time "
        "counts only where the gradients are right."
    )


def _repetition(scenarios: Scenarios, environment: Mapping[str, Any], command: str) -> list[Block]:
    blocks: list[Block] = [CodeBlock(command, "sh")] if command else []
    packages: dict[str, str] = dict(environment.get("packages") or {})
    for results in scenarios.values():
        for result in results:
            packages |= result.row.get("versions") or {}
    if packages:
        pins = "\n".join(f"{name}=={version}" for name, version in sorted(packages.items()))
        blocks += [paragraph("With these packages, as a constraints file for pip:"), CodeBlock(pins, "text")]
    seeds = dict.fromkeys(result.row.get("seed") for results in scenarios.values() for result in results)
    known = [str(seed) for seed in seeds if seed is not None]
    if known:
        blocks.append(paragraph(f"Seed: {', '.join(known)}."))
    return blocks or [paragraph(f"The command line: {_UNKNOWN}.")]
