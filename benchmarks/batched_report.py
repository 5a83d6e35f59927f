"""The tables and the picture that ``batched_execution.py`` makes of its figures."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_qbench.report.text import table

Entry = Mapping[str, Any]
"""A setting as a worker describes it, with ``threads`` and ``seconds``: one for each round."""
Key = Callable[[Entry], Any]


def median_us(entry: Entry) -> float:
    """Microseconds for each evaluation or gradient."""
    return 1e6 * float(statistics.median(entry["seconds"])) / float(entry["work"])


def speedup(entry: Entry, over: Entry) -> float:
    """How many times as long ``over`` takes, for each evaluation or gradient: the median of the rounds' ratios."""
    factor = float(entry["work"] / over["work"])
    return factor * statistics.median(b / a for a, b in zip(entry["seconds"], over["seconds"], strict=True))


def spread(entries: Sequence[Entry]) -> float:
    """How far rounds lie apart: the middle half's range over the median, of the setting in the middle."""

    def relative(entry: Entry) -> float:
        low, middle, high = statistics.quantiles(entry["seconds"], method="inclusive")
        return (high - low) / middle

    return statistics.median(map(relative, entries))


def pivot(title: str, entries: Sequence[Entry], row: Key, column: Key, cell: Callable[[Entry, Entry], str]) -> str:
    """A Markdown table; ``cell`` makes a text of an entry and the first one in its column."""
    names = list(dict.fromkeys(map(column, entries)))
    places = {(row(entry), column(entry)): entry for entry in entries}
    firsts = {name: next(entry for entry in entries if column(entry) == name) for name in names}
    lines = [[title, *names], ["---", *("---:" for _ in names)]]
    for key in dict.fromkeys(map(row, entries)):
        cells = (cell(places[key, name], firsts[name]) if (key, name) in places else "" for name in names)
        lines.append([str(key), *cells])
    padded = table([[*line, ""] for line in lines], "<" + ">" * len(names) + "<", gap=" | ")
    return "\n".join(f"| {line}" for line in padded)


def time_cell(entry: Entry, first: Entry) -> str:
    """Time, and how many times as fast as the first of the column."""
    return f"{median_us(entry):.4g} ({speedup(entry, first):.2f}x)"


def memory_cell(entry: Entry, first: Entry) -> str:
    """MiB."""
    return "" if entry["peak_bytes"] is None else f"{entry['peak_bytes'] / 2**20:.1f}"


def faults_cell(entry: Entry, first: Entry) -> str:
    """How many."""
    return str(entry["page_faults"])


def best(entries: Sequence[Entry]) -> list[Entry]:
    """The gradient of a sample by each method at its best batch size, as entries of one sweep."""
    shifts = {entry["n_qubits"]: entry["work"] // entry["size"] for entry in entries if entry["sweep"] == "shifts"}
    candidates = (
        ("default.qubit, shift", "broadcast", "adapted"),
        ("lightning.qubit, shift", "lightning evaluations", None),
        ("lightning.qubit, adjoint", "lightning adjoint", None),
        ("native, shift", "native states", "shift"),
        ("native, adjoint", "native states", "adjoint"),
    )
    chosen: list[Entry] = []
    for n_qubits, n_shifts in shifts.items():
        for label, sweep, variant in candidates:
            own = [e for e in entries if e["sweep"] == sweep and e["n_qubits"] == n_qubits]
            fastest = min((e for e in own if variant in (None, e["variant"])), key=median_us)
            is_value = sweep in ("broadcast", "lightning evaluations")
            work = fastest["work"] / (n_shifts if is_value else 1)
            chosen.append({**fastest, "variant": label, "work": work})
    return chosen


def tables(results: Mapping[str, Any]) -> str:
    """Everything as Markdown."""
    entries: list[Entry] = results["entries"]

    def of(*sweeps: str) -> list[Entry]:
        return [entry for entry in entries if entry["sweep"] in sweeps]

    def size(entry: Entry) -> Any:
        return entry["size"]

    def mebibytes(entry: Entry) -> str:
        return f"{entry['size'] >> 20} MiB"

    def variant(entry: Entry) -> str:
        return str(entry["variant"])

    def qubits(entry: Entry) -> str:
        return f"{entry['n_qubits']} qubits"

    def qubits_variant(entry: Entry) -> str:
        return f"{qubits(entry)}, {variant(entry)}"

    def qubits_threads(entry: Entry) -> str:
        return f"{qubits(entry)}, {entry['threads']} thread{'s' * (entry['threads'] > 1)}"

    adapted = [entry for entry in of("broadcast") if entry["variant"] == "adapted"]
    parts = [
        (
            "us for the gradient of a sample, each at its best batch size",
            pivot("", best(entries), variant, qubits, time_cell),
        ),
        (
            "default.qubit: us for an evaluation of a sample, by batch size",
            pivot("batch", of("broadcast"), size, qubits_variant, time_cell),
        ),
        (
            "default.qubit: page faults of a warm call, by batch size",
            pivot("batch", of("broadcast"), size, qubits_variant, faults_cell),
        ),
        (
            "default.qubit: peak memory, MiB beside the states, by batch size",
            pivot("batch", adapted, size, qubits, memory_cell),
        ),
        (
            "default.qubit: us for an evaluation of a sample, by how parameters are shifted",
            pivot("", of("shifts"), variant, qubits, time_cell),
        ),
        (
            "the same: peak memory, MiB beside the states",
            pivot("", of("shifts"), variant, qubits, memory_cell),
        ),
        (
            "lightning.qubit: us for an evaluation",
            pivot("", of("lightning evaluations"), variant, qubits_threads, time_cell),
        ),
        (
            "lightning.qubit: us for the gradient of a sample, adjoint method",
            pivot("", of("lightning adjoint"), variant, qubits_threads, time_cell),
        ),
        (
            "lightning.qubit: us for the gradients of one tape, by its observables",
            pivot("", of("lightning observables"), variant, qubits_threads, time_cell),
        ),
        (
            "native: us for the gradient of a sample, by states in a call",
            pivot("states", of("native states"), size, qubits_variant, time_cell),
        ),
        (
            "native: us for the gradient of a sample, by batch_bytes",
            pivot("batch_bytes", of("native chunk"), mebibytes, qubits_variant, time_cell),
        ),
        (
            "native: peak memory, MiB beside the states, by batch_bytes",
            pivot("batch_bytes", of("native chunk"), mebibytes, qubits_variant, memory_cell),
        ),
    ]
    shown = [f"### {title}\n\n{text}" for title, text in parts]
    facts = "\n".join(f"- {what}: {said}" for what, said in results["facts"].items())
    head = (
        f"{results['rounds']} rounds, {results['threads']} threads, {results['wall_s']} s; medians, "
        f"and typically half of the rounds within {spread(entries):.1%}"
    )
    return "\n\n".join([head, *shown, facts])


def draw(results: Mapping[str, Any], file: Path) -> None:
    """Three panels: batch sizes of default.qubit, states in a call and batch_bytes of the native engine."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    plt.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "batched"})  # text as text, the same file every time
    panels = (
        ("broadcast", "default.qubit", "samples in a batch", "us for an evaluation of a sample"),
        ("native states", "native", "states in a call", "us for the gradient of a sample"),
        ("native chunk", "native", "batch_bytes, MiB", "us for the gradient of a sample"),
    )
    dashes = {"as found": ":", "adapted": "-", "adjoint": "-", "shift": "--"}
    colors = dict(zip((8, 10, 12), ("#e0a030", "#58a05c", "#3a78b5"), strict=True))
    figure, all_axes = plt.subplots(1, 3, figsize=(14, 4.6), layout="constrained")
    for axes, (sweep, title, x_label, y_label) in zip(all_axes, panels, strict=True):
        own = [entry for entry in results["entries"] if entry["sweep"] == sweep]
        scale = 1 << 20 if sweep == "native chunk" else 1
        for n_qubits, variant in dict.fromkeys((entry["n_qubits"], entry["variant"]) for entry in own):
            line = [entry for entry in own if (entry["n_qubits"], entry["variant"]) == (n_qubits, variant)]
            axes.plot(
                [entry["size"] / scale for entry in line],
                [median_us(entry) for entry in line],
                dashes[variant],
                color=colors[n_qubits],
                marker="o",
                ms=3.5,
                label=f"{n_qubits} qubits, {variant}",
            )
        ticks = sorted({entry["size"] // scale for entry in own})
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.set_xticks(ticks, [str(tick) for tick in ticks])
        axes.set(title=title, xlabel=x_label, ylabel=y_label)
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(fontsize=8, frameon=False, ncols=2)
        low, high = axes.get_ylim()
        axes.set_ylim(low, high * (high / low) ** 0.25)  # room for the legend
    figure.savefig(file, metadata={"Date": None} if file.suffix == ".svg" else None, dpi=110)
