"""From what was found in a sentence to the request that it makes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from pytest_qbench.ask.numbers import Numbers
from pytest_qbench.ask.request import AskError, Request
from pytest_qbench.ask.vocabulary import Vocabulary

SCALING_CIRCUITS = ("ghz", "qft", "random")
SCALING_QUBITS = "4:20:2"
SCALING_STEP = "2"
SCALING_SHOTS = "1000"
_DEFAULT_BACKEND = "native"


@dataclass(slots=True)
class Findings:
    """The clauses of a sentence, as they are read. What was not said is empty."""

    backends: list[str] = field(default_factory=list)
    said: dict[str, Any] = field(default_factory=dict)

    def keep(self, name: str, value: Any) -> bool:
        """Note what a clause says; False where one of its kind said something before."""
        if name in self.said:
            return False
        self.said[name] = value
        return True


def to_request(found: Findings, vocabulary: Vocabulary) -> Request:
    """The request that the clauses make together.

    Raises:
        AskError: they contradict each other, or there are none.
    """
    said = dict(found.said)
    scaling = said.pop("scaling", False)
    everything = said.pop("everything", False)
    all_cases = said.pop("all_cases", False)
    backends = _backends(found, vocabulary, everything)
    for name in ("all_backends", "devices", "precisions"):
        said.pop(name, None)
    if all_cases and "circuits" in said:
        raise AskError("both all circuits and some by name")
    if everything and found.backends and "circuits" in said:
        raise AskError("everything: both simulators and circuits are named")
    if scaling:
        if not (all_cases or everything or "suite" in said):
            said.setdefault("circuits", SCALING_CIRCUITS)
        said.setdefault("shots", SCALING_SHOTS)
    qubits = said.pop("qubits", None)
    if qubits is not None:
        said["qubits"] = ",".join(_sizes(numbers, scaling) for numbers in qubits)
    elif scaling:
        said["qubits"] = SCALING_QUBITS
    if all_cases:
        said.setdefault("suite", "standard")
    request = Request(backends=backends, **said)
    if request == Request():
        raise AskError("this names nothing to measure")
    return request


def _sizes(numbers: Numbers, scaling: bool) -> str:
    """A range of a scalability test goes in steps unless it says otherwise."""
    if scaling and numbers.last is not None and numbers.step is None:
        numbers = replace(numbers, step=SCALING_STEP, first="4" if numbers.open_start else numbers.first)
    return numbers.whole()


def _backends(found: Findings, vocabulary: Vocabulary, everything: bool) -> tuple[str, ...]:
    """The backend specs, each on every device and in every precision that was named."""
    said = found.said
    if said.get("all_backends") and found.backends:
        raise AskError(f"both all backends and {', '.join(found.backends)}")
    variants = said.get("devices", ()) or said.get("precisions", ())
    if said.get("all_backends") or (everything and not found.backends):
        if variants:
            raise AskError(f"{' and '.join(variants)}: of which simulators? Name them")
        return ("all",)
    if not (found.backends or variants):
        return ()
    specs: list[str] = []
    for backend in found.backends or [_DEFAULT_BACKEND]:
        for device in said.get("devices", (None,)):
            for precision in said.get("precisions", (None,)):
                spec: str | None = backend
                if device is not None:
                    spec = vocabulary.on_device(backend, device)
                    if spec is None:
                        raise AskError(f"{backend} can't be told to use the {device.upper()}")
                if precision is not None and spec is not None:
                    spec = vocabulary.with_precision(spec, precision)
                    if spec is None:
                        raise AskError(f"the precision of {backend} can't be chosen")
                assert spec is not None
                specs.append(spec)
    return tuple(specs)
