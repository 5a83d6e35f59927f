"""Every option and ini key, parsed once into a frozen :class:`Settings`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_qbench.cluster.settings import DaskSettings, is_share, read_dask
from pytest_qbench.options import KEYS, Key, was_given
from pytest_qbench.parallel_settings import Parallel, asked_lanes, parse_retries, read_parallel
from pytest_qbench.value_errors import reason_of_value
from pytest_qbench.values import (
    at_least_one,
    at_least_zero,
    parse_memory,
    parse_numbers,
    parse_seconds,
    parse_suite,
    usable_cpus,
)

if TYPE_CHECKING:
    from pytest_qbench.circuits.noise import NoiseModel
    from pytest_qbench.config_file import Benchmark, ConfigFile
    from pytest_qbench.gradients.settings import GradientSettings
    from pytest_qbench.measure.messages import RoundPolicy
    from pytest_qbench.specs import BackendSpec

DEFAULT_SHOTS = (1, 10, 100, 1000, 10000)
DEFAULT_BACKEND = "native"
DEFAULT_TIMEOUT = 30.0
DEFAULT_STARTUP_TIMEOUT = 60.0
DEFAULT_SEED = 42
WORKER_INPUT = "qbench_backends"
"""Where an xdist controller tells its workers which backends ``all`` stands for."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the user asked for. ``active`` tells whether any ``--qbench-*`` option was given."""

    active: bool
    backends: tuple[BackendSpec, ...]
    suite: str
    case_sources: tuple[str, ...]
    """Empty: case files under the rootdir, or the built-in suite where there are none."""
    case_origin: str
    """The option or ini key that named the sources: paths in an ini file are relative to the rootdir."""
    qubits: tuple[int, ...] | None
    depth: tuple[int, ...] | None
    shots: tuple[int, ...]
    timeout: float
    timeout_given: bool
    startup_timeout: float
    memory_limit: int | None
    threads: int
    seed: int
    run_dir: Path
    jsonl: Path | None
    strict: bool
    list_cases: bool
    list_backends: bool
    mixed_precision: bool
    policy: RoundPolicy
    gradients: GradientSettings | None = None
    """None in a session that measures circuits. Where it is set, ``backends`` are paths and ``shots`` samples."""
    noise: tuple[NoiseModel | None, ...] = (None,)
    """The noise that circuits are measured with, each in turn; None is without."""
    circuits: tuple[str, ...] = ()
    """Cases by name or common name, whatever the suite; empty: those of the suite."""
    circuits_origin: str = "--qbench-circuits"
    asked: frozenset[str] = frozenset()
    """The settings that an option or the config file gives: these override what a marker says."""
    benchmark: Benchmark | None = None
    """What the config file says of the plan as a whole; None without one."""
    parallel: Parallel = field(default_factory=Parallel)
    dask: DaskSettings | None = None
    """Where it is set, points are measured on its nodes. Each then decides on ``threads`` if these are 0, and on the
    memory limit if that is None."""
    mixed_hosts: bool = False

    @property
    def overrides(self) -> dict[str, Sequence[Any]]:
        """Values that replace those which cases declare for their parameters, by name."""
        depth: dict[str, Sequence[Any]] = {"depth": self.depth} if self.depth else {}
        return depth if self.gradients is None else self.gradients.overrides


def is_active(config: pytest.Config) -> bool:
    """Whether the command line has any ``--qbench-*`` option; cheap."""
    return any(getattr(config.option, key.dest, None) is not None for key in KEYS)


def read_settings(config: pytest.Config, known_backends: dict[str, str]) -> Settings:
    """Parse all options, the config file and the ini keys.

    Raises:
        pytest.UsageError: a value is wrong; the message names the option, the ini key or the key of the file.
    """
    from pytest_qbench.backends.registry import BackendLoadError
    from pytest_qbench.circuit_names import parse_circuits
    from pytest_qbench.gradients.settings import read_gradient_settings
    from pytest_qbench.noise_sweep import read_noise
    from pytest_qbench.specs import SpecError, parse_specs

    file = _config_file(config)
    values = {key.name: _raw(config, key, file) for key in KEYS}

    def parsed(name: str, parse: Callable[[str], Any], default: Any) -> Any:
        value, origin = values[name]
        if value in (None, ""):
            return default
        try:
            return parse(value)
        except ValueError as error:
            raise pytest.UsageError(f"{origin}={value}: {reason_of_value(error)}") from error

    gradients = read_gradient_settings(values, parsed, parse_numbers)
    specs, origin = values["backend" if gradients is None else "path"]
    try:
        if gradients is None:
            backends = parse_specs(_without_all(config, specs or [DEFAULT_BACKEND], known_backends), known_backends)
        else:
            from pytest_qbench.gradients.paths.registry import parse_paths

            backends = parse_paths(specs or (), gradients.precision)
    except (SpecError, BackendLoadError) as error:
        raise pytest.UsageError(f"{origin}: {error}") from error
    if not backends:
        raise pytest.UsageError(f"{origin} is empty; known backends: {', '.join(sorted(known_backends))}")
    suite = "core" if values["core"][0] else parsed("suite", parse_suite, "standard")
    # Side by side, each simulator has one thread unless more are asked for: so the most points fit on the cores.
    asked = asked_lanes(config, values, parsed, gradients is not None)
    dask = read_dask(config, values, parsed, gradients is not None)
    threads = parsed("threads", at_least_one, 0 if dask else usable_cpus() if asked == 1 else 1)
    memory_limit = None if dask and is_share(values["memory-limit"][0]) else parsed("memory-limit", parse_memory, None)
    return Settings(
        active=is_active(config),
        backends=backends,
        suite=suite,
        case_sources=tuple(dict.fromkeys(values["cases"][0] or ())),
        case_origin=values["cases"][1],
        qubits=parsed("qubits", parse_numbers, None),
        depth=parsed("depth", parse_numbers, None),
        shots=parsed("shots", parse_numbers, DEFAULT_SHOTS) if gradients is None else gradients.samples,
        timeout=parsed("timeout", parse_seconds, DEFAULT_TIMEOUT),
        timeout_given=values["timeout"][0] not in (None, ""),
        startup_timeout=parsed("startup-timeout", parse_seconds, DEFAULT_STARTUP_TIMEOUT),
        memory_limit=memory_limit or (None if dask else parse_memory("90%")),
        threads=threads,
        seed=parsed("seed", int, DEFAULT_SEED),
        run_dir=_path(config, "run-dir", values) or config.rootpath / "reports",
        jsonl=_path(config, "jsonl", values),
        strict=bool(values["strict"][0]),
        list_cases=bool(values["list-cases"][0]),
        list_backends=bool(values["list-backends"][0]),
        mixed_precision=bool(values["mixed-precision"][0]),
        policy=replace(round_policy(config), warmup=parsed("warmup", at_least_zero, 0)),
        gradients=gradients,
        noise=read_noise(values, parsed, gradients is not None),
        circuits=parsed("circuits", parse_circuits, ()),
        circuits_origin=values["circuits"][1],
        asked=frozenset(name for name, (value, origin) in values.items() if value is not None and not _is_ini(origin)),
        benchmark=None if file is None else file.benchmark,
        dask=dask,
        mixed_hosts=bool(values["mixed-hosts"][0]),
        parallel=read_parallel(asked, parsed("retries", parse_retries, 0), threads, backends, usable_cpus()),
    )


def _config_file(config: pytest.Config) -> ConfigFile | None:
    """The config file of the session, if one is named."""
    from pytest_qbench.config_file import ConfigFileError, read_config

    path = getattr(config.option, "qbench_config", None)
    try:
        return read_config(config.invocation_params.dir / path) if path else None
    except ConfigFileError as error:
        raise pytest.UsageError(str(error)) from error


def _without_all(config: pytest.Config, specs: Sequence[str], known_backends: dict[str, str]) -> Sequence[str]:
    """``specs`` with the usable backends for ``all``, which an xdist worker has from its controller."""
    from pytest_qbench.availability import expand_all
    from pytest_qbench.resume_words import TAKEN_UP
    from pytest_qbench.specs import ALL, split_specs

    if ALL not in split_specs(specs):
        return specs
    if TAKEN_UP in config.stash:
        return config.stash[TAKEN_UP].plan.backends
    worker_input: dict[str, Any] = getattr(config, "workerinput", {})
    if WORKER_INPUT in worker_input:
        return list(worker_input[WORKER_INPUT])
    return expand_all(specs, known_backends)


def _path(config: pytest.Config, name: str, values: Mapping[str, tuple[Any, str]]) -> Path | None:
    """A path as pytest reads them: an option's is relative to the current directory, an ini key's to the rootdir."""
    value, origin = values[name]
    base = config.rootpath if _is_ini(origin) else config.invocation_params.dir
    return base / value if value else None


def _raw(config: pytest.Config, key: Key, file: ConfigFile | None = None) -> tuple[Any, str]:
    """The value of a setting as given, and where: the option, else the key of the config file, else the ini key."""
    value = getattr(config.option, key.dest, None)
    if value is None and file is not None and key.name in file.values:
        return file.values[key.name]
    if value is not None or not key.ini:
        return value, key.option
    return config.getini(key.dest), f"ini key {key.dest}"


def _is_ini(origin: str) -> bool:
    return origin.startswith("ini key ")


def round_policy(config: pytest.Config) -> RoundPolicy:
    """The rounds per point: the defaults, and pytest-benchmark's own options where they were given."""
    from pytest_qbench.measure.messages import RoundPolicy

    given: dict[str, Any] = {}
    if was_given(config, "--benchmark-min-rounds"):
        given["min_rounds"] = config.option.benchmark_min_rounds
    if was_given(config, "--benchmark-max-time"):
        given["max_time"] = float(config.option.benchmark_max_time)
        # Who asks for more time wants the rounds that fit into it.
        given["max_rounds"] = 1_000_000
    if getattr(config.option, "benchmark_disable", False) and was_given(config, "--benchmark-disable"):
        given = {"min_rounds": 1, "max_time": 0.0}
    policy = RoundPolicy(**given)
    if policy.max_rounds < policy.min_rounds:
        policy = RoundPolicy(**{**given, "max_rounds": policy.min_rounds})
    return policy
