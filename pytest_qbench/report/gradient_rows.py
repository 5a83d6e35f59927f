"""What the rows of gradient scenarios say: which paths ran in which scenario, and how long they took.

A time counts only where its path completed and its gradients were right.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from pytest_qbench.gradients.attribution import PENNYLANE_FAMILIES
from pytest_qbench.gradients.split import Split, resolve
from pytest_qbench.gradients.traits import traits_of
from pytest_qbench.report.spread import is_noisy, marked
from pytest_qbench.report.text import count, format_seconds
from pytest_qbench.results import Status

KIND = "gradient"
"""The ``kind`` of a gradient row."""

NOT_RUN = "not run"
"""What stands where nothing was measured."""

_WORDS = {
    Status.FAIL: "wrong",
    Status.ABORT: "aborted",
    Status.UNSUPPORTED: "unsupported",
    Status.UNAVAILABLE: "unavailable",
}
_SYNTHETIC = "synthetic"
_NAME_LENGTH = 100


@dataclass(frozen=True, slots=True)
class Family:
    """Scenarios that differ in nothing but the number of qubits. ``params`` is JSON text of those without a field."""

    case: str
    params: str
    encoding: str
    observable: str
    dataset: str

    @property
    def words(self) -> list[str]:
        """What it is, part by part: ``["2 layers", "amplitude encoding", ...]``."""
        params: dict[str, Any] = json.loads(self.params)
        layers = params.pop("layers", None)
        parts = [] if layers is None else [count(layers, "layer")]
        parts += [f"{self.encoding} encoding", f"observable {self.observable}"]
        parts += [f"{self.dataset} data"] if self.dataset else []
        return parts + [f"{key} {_plain(value)}" for key, value in params.items()]

    @property
    def title(self) -> str:
        """``gradient: 2 layers, amplitude encoding, observable z0, synthetic data``."""
        return f"{self.case}: {', '.join(self.words)}"


@dataclass(frozen=True, slots=True)
class Scenario:
    """What paths are compared on: everything but the path and the number of samples."""

    family: Family
    n_qubits: int

    @property
    def words(self) -> list[str]:
        """What it is, part by part: ``["gradient", "12 qubits", "2 layers", ...]``."""
        return [self.family.case, count(self.n_qubits, "qubit"), *self.family.words]

    @property
    def title(self) -> str:
        """``gradient: 12 qubits, 2 layers, amplitude encoding, observable z0, synthetic data``."""
        case, *words = self.words
        return f"{case}: {', '.join(words)}"


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """One path in one scenario: its label, its row, and samples -> median seconds for all of them."""

    path: str
    scenario: Scenario
    row: Mapping[str, Any]
    seconds: Mapping[int, float]

    @property
    def throughput(self) -> dict[int, float]:
        """Samples -> samples per second."""
        recorded = by_samples(self.row.get("throughput"))
        return {samples: recorded.get(samples) or samples / seconds for samples, seconds in self.seconds.items()}

    @property
    def is_pennylane(self) -> bool:
        """Whether it is one of PennyLane's own ways: textbook, tuned or adjoint."""
        return self.path.partition("/")[0] in PENNYLANE_FAMILIES

    @property
    def shifts(self) -> bool:
        """Whether it is known to use the parameter-shift rule."""
        return str(traits_of(self.path, None, None).get("method")).startswith("parameter-shift")

    def outcome(self, samples: int) -> str:
        """Why there is no time at ``samples``, in a word or two."""
        status = (self.row.get("point_status") or {}).get(str(samples))
        if status == Status.PASS and self.row.get("correct") is False:
            status = Status.FAIL
        return _WORDS[Status(status)] if status in _WORDS else NOT_RUN

    def time_text(self, samples: int) -> str:
        """The median at ``samples``, marked where it is noisy, or why there is none."""
        if samples not in self.seconds:
            return self.outcome(samples)
        return marked(format_seconds(self.seconds[samples]), self.noisy(samples))

    def noisy(self, samples: int) -> bool | None:
        """Whether the rounds behind the median at ``samples`` scatter; None where there are no two of them."""
        return is_noisy(self.number("rounds_s", samples) or ())

    def number(self, key: str, samples: int) -> Any:
        """The value of a field of the row at ``samples``, None where there is none."""
        return by_samples(self.row.get(key)).get(samples)


Scenarios: TypeAlias = Mapping[Scenario, Sequence[Result]]


def read(rows: Iterable[Mapping[str, Any]]) -> dict[Scenario, list[Result]]:
    """The gradient rows among ``rows``, by scenario, in order of appearance; of several attempts the last."""
    scenarios: dict[Scenario, dict[str, Result]] = {}
    for row in rows:
        if row.get("kind") == KIND:
            scenario = _scenario_of(row)
            scenarios.setdefault(scenario, {})[row["backend"]] = Result(row["backend"], scenario, row, _seconds_of(row))
    return {scenario: list(results.values()) for scenario, results in scenarios.items()}


def families(scenarios: Mapping[Scenario, Sequence[Result]]) -> dict[Family, dict[int, Sequence[Result]]]:
    """Family -> qubits (ascending) -> results."""
    grouped: dict[Family, dict[int, Sequence[Result]]] = {}
    for scenario, results in scenarios.items():
        grouped.setdefault(scenario.family, {})[scenario.n_qubits] = results
    return {family: dict(sorted(sizes.items())) for family, sizes in grouped.items()}


def slugs(scenarios: Iterable[Scenario]) -> dict[Scenario, str]:
    """A name for the files of each scenario, safe on every file system: ``gradient-q12-l2-amplitude-z0-synthetic``."""
    names: dict[Scenario, str] = {}
    for scenario in scenarios:
        family = scenario.family
        params: dict[str, Any] = json.loads(family.params)
        layers = params.pop("layers", None)
        parts = [family.case, f"q{scenario.n_qubits}", *([] if layers is None else [f"l{layers}"])]
        parts += [family.encoding, family.observable, family.dataset]
        parts += [f"{key}{_plain(value)}" for key, value in params.items()]
        stem = re.sub(r"[^A-Za-z0-9.+-]+", "_", "-".join(parts))[:_NAME_LENGTH].lstrip(".-").lower()
        name, number = stem, 1
        while name in names.values():
            number += 1
            name = f"{stem}-{number}"
        names[scenario] = name
    return names


def short_names(scenarios: Iterable[Scenario]) -> dict[Scenario, str]:
    """What tells each scenario from the others; of a single one, its number of qubits."""
    parts = {scenario: scenario.words for scenario in scenarios}
    shared = set.intersection(*map(set, parts.values())) if parts else set()
    return {
        scenario: ", ".join(part for part in words if part not in shared) or scenario.words[1]
        for scenario, words in parts.items()
    }


def sample_sizes(results: Iterable[Result]) -> list[int]:
    """Every number of samples that was planned or timed, ascending."""
    sizes: set[int] = set()
    for result in results:
        sizes.update(result.seconds, result.row.get("planned_shots") or ())
    return sorted(sizes)


def fastest(results: Iterable[Result], samples: int) -> Result | None:
    """Who takes the least time at ``samples``, None where nobody completed."""
    timed = [result for result in results if samples in result.seconds]
    return min(timed, key=lambda result: result.seconds[samples], default=None)


def find(results: Iterable[Result], path: str) -> Result | None:
    """The result of a path, None where it has no row."""
    return next((result for result in results if result.path == path), None)


def common_size(results: Iterable[Result]) -> int | None:
    """The number of samples at which most of ``results`` completed, the largest of those; None where none did."""
    sizes = [samples for result in results for samples in result.seconds]
    return max(set(sizes), key=lambda samples: (sizes.count(samples), samples), default=None)


def split_of(result: Result, n_samples: int) -> Split | None:
    """The split of a path's time at one number of samples; None where it was not measured."""
    raw = by_samples(result.row.get("split_s")).get(n_samples)
    if not raw or not raw.get("units"):
        return None
    return resolve(raw, raw["units"], raw.get("encode_units"))


def last_split(result: Result) -> tuple[int, float, Split] | None:
    """What the time goes into at the most samples for which that was measured: ``(samples, seconds, parts)``."""
    for samples in reversed(by_samples(result.row.get("split_s"))):
        split = split_of(result, samples) if samples in result.seconds else None
        if split is not None and split.full is not None:
            return samples, split.full.seconds, split
    return None


SPLIT_IS_APART = "The run is timed again for this, apart from the rounds behind the total times."
"""What stands under every view of a split, whose whole is not the total time of the other tables."""

_MAX_SPLIT_RATIO = 1.5


def split_deviations(results: Iterable[Result]) -> str:
    """A warning that names the paths whose run took much longer or shorter in the split than in its rounds, or ""."""
    found = []
    for result in results:
        if last := last_split(result):
            samples, whole, _ = last
            total = result.seconds[samples]
            if whole > _MAX_SPLIT_RATIO * total or total > _MAX_SPLIT_RATIO * whole:
                found.append(f"{result.path} ({format_seconds(whole)}, in its rounds {format_seconds(total)})")
    if not found:
        return ""
    doubt = f"The two differ by more than {_MAX_SPLIT_RATIO:g} times, so that the shares are doubtful"
    return f"{doubt}, for {', '.join(found)}."


def by_samples(values: Mapping[Any, Any] | None) -> dict[int, Any]:
    """A mapping of a row with its keys as numbers (JSON has text), ascending."""
    return {int(key): value for key, value in sorted((values or {}).items(), key=lambda item: int(item[0]))}


def known(value: Any) -> str:
    """A value as text, or that it was not measured."""
    return NOT_RUN if value is None else str(value)


def format_bytes(size: float) -> str:
    """``512 B``, ``1.5 MiB``, ``62.5 MiB``, ``512 GiB``."""
    units = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
    step = 0
    while step + 1 < len(units) and round(size / 1024**step) >= 1024:
        step += 1
    value = size / 1024**step
    text = f"{value:.1f}".removesuffix(".0") if value < 99.95 else f"{value:.0f}"
    return f"{text} {units[step]}"


def _scenario_of(row: Mapping[str, Any]) -> Scenario:
    params = dict(row.get("params") or {})
    named = {key: params.pop(key, None) for key in ("encoding", "observable", "dataset")}
    dataset = row.get("dataset") or named["dataset"] or _SYNTHETIC
    family = Family(
        case=row["case"],
        params=json.dumps(params, sort_keys=True),
        encoding=str(named["encoding"] or row.get("encoding") or "no"),
        observable=str(named["observable"] or row.get("observable") or "not named"),
        dataset=str(dataset.get("name") if isinstance(dataset, Mapping) else dataset),
    )
    return Scenario(family, row["n_qubits"])


def _seconds_of(row: Mapping[str, Any]) -> dict[int, float]:
    if row.get("correct") is False:
        return {}
    statuses: Mapping[str, str] = row.get("point_status") or {}
    return {
        samples: seconds
        for samples, seconds in by_samples(row.get("times_s")).items()
        if seconds and statuses.get(str(samples), Status.PASS) == Status.PASS
    }


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
