"""Every option and ini key: their names, what they are for, and their place in pytest's own parser."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

SUITES = ("core", "standard", "full")


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


def was_given(config: pytest.Config, option: str) -> bool:
    """Whether the user wrote the option, on the command line or in ``addopts``: its value may equal the default."""
    addopts: Sequence[str] = config.getini("addopts")
    words = [*config.invocation_params.args, *addopts, *os.environ.get("PYTEST_ADDOPTS", "").split()]
    return any(str(word).split("=")[0] == option for word in words)
