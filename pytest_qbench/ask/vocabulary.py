"""The names that a sentence may use: simulators, circuits, kinds of noise."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from pytest_qbench import specs
from pytest_qbench.circuit_names import ALIASES, BUILT_IN

Phrases: TypeAlias = Mapping[tuple[str, ...], str]
"""Words in small letters -> what they name."""

NOISE: Phrases = {
    ("depolarizing",): "depolarizing",
    ("depolarising",): "depolarizing",
    ("amplitude", "damping"): "amplitude_damping",
    ("amplitude_damping",): "amplitude_damping",
    ("phase", "damping"): "phase_damping",
    ("phase_damping",): "phase_damping",
    ("readout",): "readout",
}

_SIMULATORS: Phrases = {
    ("qiskit", "aer"): "aer",
    ("native", "engine"): "native",
    ("pennylane", "lightning"): "lightning.qubit",
    ("mqt", "ddsim"): "ddsim",
    ("default", "qubit"): "default.qubit",
    ("lightning", "qubit"): "lightning.qubit",
    ("lightning", "gpu"): "lightning.gpu",
    ("lightning", "kokkos"): "lightning.kokkos",
}
_GPU_TWINS = {"lightning.qubit": "lightning.gpu"}
"""Backends whose GPU is another backend."""
_GPU_ONLY = frozenset({"lightning.gpu", "custatevec"})
_GPU_CHOICES = ("GPU", "cuda")
_CPU_CHOICES = ("CPU", "cpu")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The simulators and circuits that there are.

    ``options`` maps a backend to its options that are chosen from a list: ``{"aer": {"precision": ("double", ...)}}``.
    """

    options: Mapping[str, Mapping[str, tuple[str, ...]]]
    cases: Collection[str] = BUILT_IN
    backends: Phrases = field(init=False)
    circuits: Phrases = field(init=False)

    def __post_init__(self) -> None:
        names = {(name.lower(),): name for name in self.options}
        aliases = {(alias,): target for alias, target in specs.ALIASES.items()}
        backends = {
            words: name for words, name in (_SIMULATORS | aliases | names).items() if name in self.options
        }
        circuits = {tuple(alias.split("_")): alias for alias, case in ALIASES.items() if case in self.cases}
        circuits |= {tuple(case.split("_")): case for case in self.cases}
        circuits |= {(case,): case for case in self.cases}
        object.__setattr__(self, "backends", backends)
        object.__setattr__(self, "circuits", circuits)

    @property
    def words(self) -> frozenset[str]:
        """Every single word of a name."""
        return frozenset(word for phrase in [*self.backends, *self.circuits, *NOISE] for word in phrase)

    def on_device(self, backend: str, device: str) -> str | None:
        """The spec of a backend on ``cpu`` or ``gpu``; None where it is not for that."""
        name = backend.partition("[")[0]
        if name in _GPU_ONLY:
            return backend if device == "gpu" else None
        if device == "gpu" and _GPU_TWINS.get(name) in self.options:
            return _GPU_TWINS[name] + backend.removeprefix(name)
        wanted = _GPU_CHOICES if device == "gpu" else _CPU_CHOICES
        choices = self.options.get(name, {}).get("device", ())
        chosen = next((choice for choice in choices if choice in wanted), None)
        if chosen is not None:
            return with_option(backend, "device", chosen)
        return backend if device == "cpu" else None

    def with_precision(self, backend: str, precision: str) -> str | None:
        """The spec of a backend in ``single`` or ``double`` precision; None where that can't be chosen."""
        choices = self.options.get(backend.partition("[")[0], {}).get("precision", ())
        return with_option(backend, "precision", precision) if precision in choices else None


def with_option(spec: str, key: str, value: str) -> str:
    """``aer[device=GPU]`` of ``aer``."""
    return f"{spec[:-1]},{key}={value}]" if spec.endswith("]") else f"{spec}[{key}={value}]"


def read_vocabulary(known: Mapping[str, str], cases: Iterable[str] = BUILT_IN) -> Vocabulary:
    """The vocabulary of the backends ``known`` (name -> ``module:Class``), whose adapters are imported for it."""
    from pytest_qbench.backends.registry import BackendLoadError, load_backend

    options: dict[str, Mapping[str, tuple[str, ...]]] = {}
    for name, target in known.items():
        try:
            adapter = load_backend(name, target)
        except BackendLoadError:  # whoever names it is told when it is used
            options[name] = {}
        else:
            options[name] = {key: option.choices for key, option in adapter.options.items() if option.choices}
    return Vocabulary(options, frozenset(cases))
