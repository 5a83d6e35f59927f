"""Plans in files: ``--qbench-config=bench.json`` (or TOML), read as the settings that it stands for."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pytest_qbench.config_schema import first_problem


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
    def lines(self) -> list[str]:
        """For the header: ``GHZ Scalability (bench_20260206_001), of bench.json``, then the description."""
        title = f"{self.name} ({self.id})" if self.name and self.id else self.name or self.id
        described = (line.strip() for line in (self.description or "").splitlines())
        return [f"{title or 'the plan'}, of {self.file}", *filter(None, described)]

    def to_json(self) -> dict[str, Any]:
        """For ``summary.json``."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """A config file: ``values`` maps settings to their raw values, as an option has them, and where they stand."""

    benchmark: Benchmark
    values: Mapping[str, tuple[Any, str]]


def read_config(path: Path) -> ConfigFile:
    """Read and check a config file, ``.json`` or ``.toml``.

    Raises:
        ConfigFileError: it is not there, or wrong; the message names the file, the key, and what to write.
    """
    content = _load(path)
    problem = first_problem(content) or _contradiction(content)
    if problem is not None:
        raise ConfigFileError(f"{path.name}: {problem}")
    values = {setting: (value, f"{path.name}: {key}") for setting, key, value in _settings(content)}
    about = Benchmark(path.name, content.get("benchmark_id"), content.get("name"), content.get("description"))
    return ConfigFile(about, values)


def _load(path: Path) -> Any:
    if path.suffix not in (".json", ".toml"):
        raise ConfigFileError(f"{path}: a config file is named *.json or *.toml")
    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix == ".toml":
            return tomllib.loads(text)
        return json.loads(text, object_pairs_hook=_each_key_once, parse_constant=_refuse_constant)
    except OSError as error:
        raise ConfigFileError(f"{path}: can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigFileError(f"{path}: is not a text in UTF-8") from error
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


def _refuse_constant(text: str) -> Any:
    raise ValueError(f"{text} is not a number of JSON")


def _contradiction(content: Mapping[str, Any]) -> str | None:
    """What is wrong with keys that are right by themselves."""
    parameters: Mapping[str, Any] = content.get("parameters", {})
    depths = parameters.get("depth", ())
    if None in depths and len(depths) > 1:
        return f"parameters.depth[{depths.index(None)}]: null, the depths of the case, stands alone; leave it out"
    models = parameters.get("noise_model", ())
    if models and {None, "none"}.issuperset(models) and any(parameters.get("noise_strength", ())):
        return f"parameters.noise_model: {json.dumps(models)} is without noise, and noise_strength is not"
    return None


def _settings(content: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """The settings of a checked file: name, key in the file, raw value."""
    parameters: Mapping[str, Any] = content.get("parameters", {})
    execution: Mapping[str, Any] = content.get("execution", {})
    if "backends" in content:
        yield "backend", "backends", list(content["backends"])
    for key, setting in _PARAMETERS.items():
        if key in parameters and not (key == "depth" and parameters[key] == [None]):
            yield setting, f"parameters.{key}", _listed(parameters[key])
    if "parallel" in execution:
        most = str(execution.get("max_parallel", "auto")) if execution["parallel"] else "1"
        yield "parallel", "execution.parallel", most
    for key, setting in _EXECUTION.items():
        if key in execution:
            yield setting, f"execution.{key}", _text(execution[key])
    if "output_dir" in content:
        folder = Path(content["output_dir"])
        is_run_folder = folder.name == content.get("benchmark_id")
        yield "run-dir", "output_dir", str(folder.parent if is_run_folder else folder)


_PARAMETERS = {
    "n_qubits": "qubits",
    "circuit_type": "circuits",
    "shots": "shots",
    "depth": "depth",
    "noise_model": "noise-model",
    "noise_strength": "noise",
}
_EXECUTION = {"timeout_per_run": "timeout", "retries": "retries", "warmup_runs": "warmup"}
"""Key of the file -> setting."""


def _listed(values: Iterable[Any]) -> str:
    return ",".join(map(_text, values))


def _text(value: Any) -> str:
    """A value as an option has it: ``4`` of 4.0, which JSON takes for a whole number, ``none`` of null."""
    if value is None:
        return "none"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
