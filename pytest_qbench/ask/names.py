"""The names that a sentence may use: simulators and circuits, however they are written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pytest_qbench import specs
from pytest_qbench.backends.registry import BackendLoadError, load_backend
from pytest_qbench.circuit_names import ALIASES

_SEPARATOR = re.compile(r"[-_. ]+")


@dataclass(frozen=True, slots=True)
class Names:
    """The simulators (name -> ``module:Class``) and the circuits that there are."""

    backends: Mapping[str, str]
    circuits: frozenset[str]

    def spoken_backends(self) -> dict[str, str]:
        """What may be said for a simulator, in small letters -> backend: ``qiskit aer`` -> ``aer``."""
        known = {alias: name for alias, name in specs.ALIASES.items() if name in self.backends}
        return _spoken({**known, **{name: name for name in self.backends}})

    def spoken_circuits(self) -> dict[str, str]:
        """What may be said for a circuit, in small letters -> its name for ``--qbench-circuits``."""
        known = {alias: alias for alias, name in ALIASES.items() if name in self.circuits}
        return _spoken({**known, **{name: name for name in self.circuits}})

    def takes_device(self, backend: str) -> bool:
        """Whether a simulator can be told to use the CPU or the GPU."""
        try:
            return "device" in load_backend(backend, self.backends[backend]).options
        except BackendLoadError:  # whoever names it is told when it is used
            return False


def spoken_form(words: str) -> str:
    """Words as they are compared: ``Lightning.Qubit`` is ``lightning qubit``."""
    return _SEPARATOR.sub(" ", words.strip().lower())


def pattern_of(spoken: Iterable[str]) -> str:
    """A regular expression for any of the names, the longest first; between its words stands anything like a hyphen."""
    longest_first = sorted(spoken, key=len, reverse=True)
    return "|".join(r"[-_.\s]".join(map(re.escape, name.split())) for name in longest_first)


def _spoken(names: Mapping[str, str]) -> dict[str, str]:
    return {spoken_form(name): meant for name, meant in names.items()}
