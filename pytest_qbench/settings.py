"""Every option and ini key, parsed once into a frozen :class:`Settings`."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_qbench.cluster.settings import DaskSettings, is_share, read_dask
from pytest_qbench.parallel_settings import Parallel, asked_lanes, parse_retries, read_parallel
from pytest_qbench.value_errors import reason_of_value

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
SUITES = ("core", "standard", "full")
WORKER_INPUT = "qbench_backends"
"""Where an xdist controller tells its workers which backends ``all`` stands for."""


@dataclass(frozen=True, slots=True)
class Key:
    """One setting: the option ``--qbench-NAME`` and, unless ``ini`` is False, the ini key ``qbench_NAME``."""

    name: str
    help: str
    metavar: str | None = None
    flag: bool = False
    repeat: bool = False
    ini: bool = True
    choices: tuple[str, ...] = ()
    bare: str | None = None
    """What the option without a value means; a value then stands behind ``=``."""

    @property
    def option(self) -> str:
        return f"--qbench-{self.name}"

    @property
    def dest(self) -> str:
        return "qbench_" + self.name.replace("-", "_")


KEYS = (
    Key(
        "backend",
        "simulator to measure: NAME or NAME[KEY=VALUE,...], or all that can be used here: all; repeat for several side "
        "by side",
        "SPEC",
        repeat=True,
    ),
    Key("core", "run the core suite only (six cases)", flag=True, ini=False),
    Key(
        "suite",
        "which cases: core, standard (up to 16 qubits, the default) or full (up to 24)",
        choices=SUITES,
    ),
    Key(
        "cases",
        "where cases come from: a file, a folder, 'builtin', or 'mqt:FAMILY'; repeat for several",
        "SOURCE",
        repeat=True,
    ),
    Key("circuits", "cases to measure, whatever the suite, by name or common name: ghz,qft,random", "NAMES"),
    Key("qubits", "sizes to measure, instead of those that the cases declare: 4,6,8 or first:last[:step]", "SIZES"),
    Key("depth", "depths for the cases that take one: 10,20 or first:last[:step]", "DEPTHS"),
    Key(
        "noise-model",
        "noise after every gate: depolarizing, amplitude_damping, phase_damping; or readout; none adds points without",
        "MODELS",
    ),
    Key("noise", "strengths of the noise, of depolarizing unless a model is named: 0,0.01,0.05", "STRENGTHS"),
    Key("shots", "shots to measure at (default: 1,10,100,1000,10000)", "SHOTS"),
    Key("warmup", "calls before the timed rounds of a point; an instance's first call counts as one (default: 0)", "N"),
    Key("timeout", "seconds that one call of a simulator may take (default: 30)", "SECONDS"),
    Key("startup-timeout", "seconds that a simulator may take to be imported (default: 60)", "SECONDS"),
    Key(
        "memory-limit",
        "memory a worker may use, such as 4GiB or 80%% (default: 90%% of what is free)",
        "SIZE",
    ),
    Key("threads", "CPU threads a simulator may use (default: the CPUs this process may run on)", "N"),
    Key("parallel", "points to measure at once, each on cores of its own: a number, or auto (default: 1)", "N|auto"),
    Key("retries", "how often a point is measured again whose simulator crashed (default: 0)", "N"),
    Key("dask", "measure on the nodes of a Dask cluster: the scheduler's address, tcp://HOST:PORT", "ADDRESS"),
    Key("share-hosts", "Dask workers on one machine may measure at the same time", flag=True),
    Key("mixed-hosts", "compare times from machines that are not alike too", flag=True),
    Key("seed", "seed that all others derive from (default: 42)", "N"),
    Key("config", "plan to measure: a .json or .toml file, which options override", "FILE", ini=False),
    Key("ask", "plan in plain words: 'compare Cirq and Qiskit on random circuits 4 to 16 qubits'", "TEXT", ini=False),
    Key("run-dir", "folder that holds the run folders (default: reports)", "DIR"),
    Key("jsonl", "append the rows to this file too", "FILE"),
    Key("resume", "go on with an interrupted run: its id, its folder, or latest", "RUN", ini=False),
    Key(
        "rerun-failed",
        "measure the FAIL and ABORT points of a run again, and merge: its id, its folder, or latest (the default)",
        "RUN",
        ini=False,
        bare="latest",
    ),
    Key("strict", "ABORT, UNSUPPORTED and UNAVAILABLE fail the session", flag=True),
    Key("list-cases", "list the selected cases and measure nothing", flag=True, ini=False),
    Key("list-backends", "list the simulators that can be used here, and why others can't", flag=True, ini=False),
    Key("mixed-precision", "average ratios of times in single and double precision too", flag=True),
    Key("gradients", "measure gradient scenarios instead of circuits", flag=True, ini=False),
    Key(
        "path",
        "ways to compute gradients: pennylane/lightning.qubit,native/adjoint (default: all)",
        "PATHS",
        repeat=True,
    ),
    Key("layers", "layers of the circuits of gradient scenarios: 1,2", "LAYERS"),
    Key("samples", "samples of gradient scenarios: 100,500 (default: 50)", "SAMPLES"),
    Key("encoding", "how features become states: amplitude,angle,basis,iqp", "ENCODINGS"),
    Key("observable", "what is differentiated: z0, zlast, zsum or a case's own", "NAMES"),
    Key("dataset", "features: synthetic, digits, mnist5k, torchvision:NAME, hf:NAME or a file", "NAME"),
    Key("dataset-samples", "how many samples of the data set to take", "N"),
    Key("fit", "how features are brought to the size of the circuit: auto, crop, pad or pca", "METHOD"),
    Key("precision", "precision of gradient scenarios: double (default) or single", "PRECISION"),
    Key("spill", "encoded states beyond the memory limit may lie on disk", flag=True),
    Key("gradient-report", "write gradient_report.md and .html into the run folder", flag=True),
)


def add_options(parser: pytest.Parser) -> None:
    """Register every option and its ini twin."""
    group = parser.getgroup("qbench", "quantum-simulator benchmarks (pytest-qbench)")
    for key in KEYS:
        if key.flag:
            group.addoption(key.option, action="store_true", default=None, dest=key.dest, help=key.help)
        else:
            group.addoption(
                key.option,
                action="append" if key.repeat else "store",
                default=None,
                dest=key.dest,
                metavar=key.metavar,
                choices=key.choices or None,
                help=key.help,
                **({"nargs": "?", "const": key.bare} if key.bare else {}),
            )
        if key.ini:
            kind = "bool" if key.flag else "args" if key.repeat else "string"
            default: Any = False if key.flag else [] if key.repeat else ""
            text = key.help.replace("%%", "%")
            parser.addini(key.dest, f"{text} (see {key.option})", type=kind, default=default)  # type: ignore[arg-type]


def refuse_misspelt(parser: pytest.Parser, args: Sequence[str]) -> None:
    """Say which option was meant by a ``--qbench-*`` one that nobody has added.

    Raises:
        pytest.UsageError: there is one; pytest itself would only say that it does not know it.
    """
    known = {key.option for key in KEYS}
    words = [str(word) for word in args]
    suspect = any(word.startswith("--qbench") and word.partition("=")[0] not in known for word in words)
    if not suspect or not {"-h", "--help"}.isdisjoint(words):
        return
    _, unknown = parser.parse_known_and_unknown_args(words)  # a conftest may have added options too
    if any(word.startswith("--qbench") for word in unknown):
        raise pytest.UsageError(f"unrecognized arguments: {' '.join(map(_with_hint, unknown))}")


def _with_hint(word: str) -> str:
    """``--qbench-bakend=aer (did you mean --qbench-backend?)``."""
    if not word.startswith("--qbench"):
        return word
    import difflib

    name = word.partition("=")[0].removeprefix("--qbench").strip("-_").replace("_", "-")
    close = difflib.get_close_matches(name, [key.name for key in KEYS], n=1)
    return f"{word} ({f'did you mean --qbench-{close[0]}?' if close else 'pytest --help lists the --qbench options'})"


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
    suite = "core" if values["core"][0] else parsed("suite", _suite, "standard")
    # Side by side, each simulator has one thread unless more are asked for: so the most points fit on the cores.
    asked = asked_lanes(config, values, parsed, gradients is not None)
    dask = read_dask(config, values, parsed, gradients is not None)
    threads = parsed("threads", _at_least_one, 0 if dask else usable_cpus() if asked == 1 else 1)
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
        policy=replace(round_policy(config), warmup=parsed("warmup", _at_least_zero, 0)),
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


def was_given(config: pytest.Config, option: str) -> bool:
    """Whether the user wrote the option, on the command line or in ``addopts``: its value may equal the default."""
    addopts: Sequence[str] = config.getini("addopts")
    words = [*config.invocation_params.args, *addopts, *os.environ.get("PYTEST_ADDOPTS", "").split()]
    return any(str(word).split("=")[0] == option for word in words)


def usable_cpus() -> int:
    """The number of CPUs that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


_RANGE = re.compile(r"(\d+):(\d+)(?::(\d+))?")


def parse_numbers(text: str) -> tuple[int, ...]:
    """``4,6,8`` or ``first:last[:step]`` (last included), or both mixed; ascending, each once.

    Raises:
        ValueError: the text is neither, empty, or has a number below 1.
    """
    numbers: set[int] = set()
    for part in text.replace(" ", "").replace("_", "").split(","):
        match = _RANGE.fullmatch(part)
        if match:
            first, last, step = int(match[1]), int(match[2]), int(match[3] or 1)
            if step < 1 or last < first:
                raise ValueError(f"the range {part!r} is empty; write first:last:step with first <= last and step >= 1")
            numbers.update(range(first, last + 1, step))
        elif part.isdecimal():
            numbers.add(int(part))
        else:
            raise ValueError(f"{part!r} is neither a number nor a range; write 4,6,8 or 4:20:2")
    if min(numbers) < 1:
        raise ValueError("every number must be at least 1")
    return tuple(sorted(numbers))


def parse_seconds(text: str) -> float:
    """A positive finite number of seconds.

    Raises:
        ValueError: it is none.
    """
    try:
        value = float(text)
    except ValueError:
        raise ValueError("not a number of seconds") from None
    if not 0 < value < float("inf"):
        raise ValueError("must be more than 0 seconds")
    return value


_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(%|[KMGT]?i?B?)", re.IGNORECASE)


def parse_memory(text: str) -> int:
    """``4GiB``, ``500MB``, a plain number of bytes, or ``80%`` of the memory that is free now, in bytes.

    Raises:
        ValueError: it is none of these, or zero.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError("not a memory size; write 4GiB, 500MB or 80%")
    number, unit = float(match[1]), match[2].upper()
    if unit == "%":
        import psutil

        size = int(psutil.virtual_memory().available * number / 100)
    else:
        base = 1024 if "I" in unit else 1000
        size = int(number * base ** ("KMGT".find(unit[0]) + 1 if unit and unit[0] in "KMGT" else 0))
    if size < 1:
        raise ValueError("must be more than 0 bytes")
    return size


def _suite(text: str) -> str:
    if text not in SUITES:
        raise ValueError(f"choose from {', '.join(SUITES)}")
    return text


def _at_least_zero(text: str) -> int:
    if not text.isdecimal():
        raise ValueError("must be a whole number of at least 0")
    return int(text)


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ValueError("must be a whole number of at least 1")
    return int(text)
