"""Plans in files: ``--qbench-config=bench.json`` (or TOML), read as the settings that it stands for."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from pytest_qbench.config_schema import first_problem

_NO_NOISE = (None, "none")


class ConfigFileError(ValueError):
    """A config file can't be read or says what can't be; the message names the file and the key."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """What a config file says of its plan as a whole. ``file`` is its name without the folder."""

    file: str
    id: str | None = None
    name: str | None = None
    description: str | None = None

    @property
    def title(self) -> str:
        """``GHZ Scalability (bench_20260206_001), of bench.json``."""
        parts = [self.name, f"({self.id})" if self.name and self.id else self.id]
        words = " ".join(part for part in parts if part)
        return f"{words}, of {self.file}" if words else f"the plan of {self.file}"

    def to_json(self) -> dict[str, Any]:
        """For ``environment.json`` and ``summary.json``."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """A config file: ``values`` maps settings to their raw values, as an option has them, and where they stand."""

    benchmark: Benchmark
    values: Mapping[str, tuple[Any, str]]


class _Entry(NamedTuple):
    """A key of the file as a setting. Where it ``asks`` for nothing, a setting that does not exist is no loss."""

    setting: str
    path: str
    value: Any
    asks: bool = True


def read_config(path: Path, settings: Collection[str]) -> ConfigFile:
    """Read and check a config file.

    Args:
        path: the file, ``.json`` or ``.toml``.
        settings: the names of the settings there are.

    Raises:
        ConfigFileError: it is not there, or wrong; the message names the file, the key, and what to write.
    """
    content = _load(path)
    problem = first_problem(content)
    if problem is not None:
        raise ConfigFileError(f"{path.name}: {problem}")
    values: dict[str, tuple[Any, str]] = {}
    for entry in _entries(content, path.name):
        if entry.setting in settings:
            values[entry.setting] = entry.value, f"{path.name}: {entry.path}"
        elif entry.asks:
            raise ConfigFileError(
                f"{path.name}: {entry.path}: there is no --qbench-{entry.setting} that could do this; leave the key out"
            )
    about = {key: content.get(key) for key in ("name", "description")}
    return ConfigFile(Benchmark(path.name, content.get("benchmark_id"), **about), values)


def place_of(origin: str, index: int) -> str:
    """The origin of one entry of a list: with its index where it stands in a file."""
    return origin if origin.startswith(("--", "ini key ")) else f"{origin}[{index}]"


def _load(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigFileError(f"{path}: can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigFileError(f"{path}: is not a text in UTF-8") from error
    if path.suffix not in (".json", ".toml"):
        raise ConfigFileError(f"{path}: a config file is named *.json or *.toml")
    try:
        if path.suffix == ".toml":
            return tomllib.loads(text)
        return json.loads(text, object_pairs_hook=_each_key_once, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        raise ConfigFileError(f"{path.name}:{error.lineno}:{error.colno}: is not JSON: {error.msg}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigFileError(f"{path.name}: is not TOML: {error}") from error
    except (ValueError, RecursionError) as error:
        raise ConfigFileError(f"{path.name}: {error}") from error


def _each_key_once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for key, value in pairs:
        if key in content:
            raise ValueError(f"the key {key!r} is given twice")
        content[key] = value
    return content


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is not a number of JSON")


def _entries(content: Mapping[str, Any], file: str) -> Iterator[_Entry]:
    """The settings that a checked file asks for."""
    parameters: Mapping[str, Any] = content.get("parameters", {})
    execution: Mapping[str, Any] = content.get("execution", {})
    if "backends" in content:
        yield _Entry("backend", "backends", list(content["backends"]))
    for key, setting in (("n_qubits", "qubits"), ("shots", "shots")):
        if key in parameters:
            yield _Entry(setting, f"parameters.{key}", _listed(int(number) for number in parameters[key]))
    if "circuit_type" in parameters:
        yield _Entry("circuits", "parameters.circuit_type", _listed(parameters["circuit_type"]))
    depths = parameters.get("depth", [None])
    if depths != [None]:
        if None in depths:
            place = f"{file}: parameters.depth[{depths.index(None)}]"
            raise ConfigFileError(f"{place}: null, the depths of the case, does not go with others; leave it out")
        yield _Entry("depth", "parameters.depth", _listed(int(number) for number in depths))
    yield from _noise(parameters, file)
    if "parallel" in execution:
        most = str(execution.get("max_parallel", "auto")) if execution["parallel"] else "1"
        yield _Entry("parallel", "execution.parallel", most, asks=execution["parallel"])
    if "timeout_per_run" in execution:
        yield _Entry("timeout", "execution.timeout_per_run", str(execution["timeout_per_run"]))
    for key, setting in (("retries", "retries"), ("warmup_runs", "warmup")):
        if key in execution:
            yield _Entry(setting, f"execution.{key}", str(int(execution[key])), asks=execution[key] > 0)
    if "output_dir" in content:
        folder = Path(content["output_dir"])
        base = folder.parent if folder.name == content.get("benchmark_id") else folder
        yield _Entry("run-dir", "output_dir", str(base))


def _noise(parameters: Mapping[str, Any], file: str) -> Iterator[_Entry]:
    """Kinds and strengths of noise; nothing where the plan is without."""
    models = parameters.get("noise_model")
    strengths = [float(strength) for strength in parameters.get("noise_strength", ())]
    kinds = [model for model in models or () if model not in _NO_NOISE]
    strong = [strength for strength in strengths if strength > 0]
    if models is not None and not kinds and strong:
        raise ConfigFileError(
            f"{file}: parameters.noise_strength[{strengths.index(strong[0])}]: {strong[0]} of no noise, as noise_model "
            f'is {json.dumps(models)}; write "noise_model": ["depolarizing"]'
        )
    if kinds and not strengths:
        raise ConfigFileError(
            f'{file}: parameters.noise_model: {kinds[0]} of no strength; write "noise_strength": [0.01] too'
        )
    if not strong:
        return
    if models is not None and len(kinds) < len(models) and 0 not in strengths:
        strengths.insert(0, 0.0)  # null beside kinds of noise: without noise, too
    if kinds:
        yield _Entry("noise-model", "parameters.noise_model", _listed(kinds))
    yield _Entry("noise", "parameters.noise_strength", _listed(f"{strength!r}" for strength in strengths))


def _listed(values: Collection[Any] | Iterator[Any]) -> str:
    return ",".join(map(str, values))
