"""Backend specs: ``[<metadata>@]<name>[<key>=<value>,...]``."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pytest_qbench.backends.base import Backend, Option
from pytest_qbench.backends.registry import BackendLoadError, load_backend
from pytest_qbench.value_errors import reason_of_value

_SPEC = re.compile(r"(?:(?P<metadata>[\w.+-]+)@)?(?P<name>[\w.+-]+)(?:\[(?P<options>[^\[\]]*)\])?")
_UNSAFE = re.compile(r"[^\w.=+@-]+")


ALIASES: Mapping[str, str] = {
    "qiskit-aer": "aer",
    "qiskit": "aer",
    "pennylane": "default.qubit",
    "lightning": "lightning.qubit",
}
"""Common names of simulators -> backend."""


ALL = "all"
"""What stands for every backend that can be used, in ``--qbench-backend=all``."""


class SpecError(ValueError):
    """A backend spec is malformed, or names a backend or an option that does not exist."""


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError("must be at least 1")
    return value


def _label(text: str) -> str:
    if _UNSAFE.search(text):
        raise ValueError("a label has letters, digits and . _ = + @ - only")
    return text


GENERAL_OPTIONS: Mapping[str, Option] = {
    "label": Option(None, "the name in item ids and tables: letters, digits and . _ = + @ -", _label),
    "python": Option(None, "the interpreter that runs the worker"),
    "threads": Option(None, "CPU threads, instead of --qbench-threads", _positive),
}
"""The options that every backend takes: they are for the worker, not for the simulator."""


@dataclass(frozen=True, slots=True)
class BackendSpec:
    """A parsed backend spec.

    ``options`` holds every option of the adapter, defaults included; ``label`` stands for the spec in item ids and
    tables and has no brackets; ``threads`` and ``python`` are None where the spec does not say.
    """

    text: str
    name: str
    target: str
    options: tuple[tuple[str, Any], ...] = ()
    label: str = ""
    python: str | None = None
    threads: int | None = None


def split_specs(texts: Iterable[str]) -> list[str]:
    """Split at the commas outside brackets: ``native,aer[method=statevector,seed=1]`` are two specs."""
    return [part.strip() for text in texts for part in re.split(r",(?![^\[]*\])", text) if part.strip()]


def parse_spec(text: str, known: Mapping[str, str]) -> BackendSpec:
    """Parse one spec; ``known`` maps backend names to ``module:Class``.

    Raises:
        SpecError: the message says what is wrong and what would be right.
        BackendLoadError: the adapter can't be imported.
    """
    match = _SPEC.fullmatch(text)
    if match is None:
        raise SpecError(
            f"malformed backend spec {text!r}; write NAME or NAME[KEY=VALUE,...], for example aer[method=statevector]"
        )
    name = match["name"]
    if name not in known:
        name = ALIASES.get(name.lower(), name)
    if name == ALL and name not in known:
        raise SpecError(_all_with_options(text, match["options"] or "", known))
    if name not in known:
        raise SpecError(
            f"unknown backend {name!r}{_nearest(name, [*known, *ALIASES])}; known backends: {', '.join(sorted(known))}"
        )
    if match["metadata"]:
        raise SpecError(f"backend spec {text!r}: no device metadata ({match['metadata']}@) is known; write {name!r}")
    target = known[name]
    given = _split_options(text, match["options"] or "")
    adapter = load_backend(name, target)
    general = {
        key: _parse_option(text, key, given.pop(key), GENERAL_OPTIONS[key]) for key in GENERAL_OPTIONS if key in given
    }
    options = _adapter_options(text, adapter, given)
    return BackendSpec(
        text=text,
        name=name,
        target=target,
        options=tuple(options.items()),
        label=general.get("label") or _UNSAFE.sub("_", _default_label(name, adapter, options, general)),
        python=general.get("python"),
        threads=general.get("threads"),
    )


def parse_specs(texts: Iterable[str], known: Mapping[str, str]) -> tuple[BackendSpec, ...]:
    """Parse several specs, in order; the same label twice is an error.

    Raises:
        SpecError, BackendLoadError: as :func:`parse_spec`.
    """
    specs: dict[str, BackendSpec] = {}
    for text in split_specs(texts):
        spec = parse_spec(text, known)
        if spec.label in specs:
            raise SpecError(
                f"backend specs {specs[spec.label].text!r} and {text!r} have the same label {spec.label!r}; "
                f"give one of them label=NAME"
            )
        specs[spec.label] = spec
    return tuple(specs.values())


def _all_with_options(text: str, inside: str, known: Mapping[str, str]) -> str:
    """Why ``all[...]`` is no spec, and what to write: the backends that have such options, if any."""
    reason = f"backend spec {text!r}: {ALL} takes no options, since not every backend has the same"
    own = _split_options(text, inside).keys() - GENERAL_OPTIONS.keys()
    having = [f"{name}[{inside}]" for name in sorted(known) if own and _is_spec(f"{name}[{inside}]", known)]
    if not having:
        return f"{reason}; give them to each backend by name, as in aer[method=statevector]"
    return f"{reason}; name those that have them: {','.join(having)}"


def _is_spec(text: str, known: Mapping[str, str]) -> bool:
    try:
        parse_spec(text, known)
    except (SpecError, BackendLoadError):
        return False
    return True


def _nearest(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _split_options(text: str, inside: str) -> dict[str, str]:
    given: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in inside.split(","))):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not (equals and key and value):
            raise SpecError(f"malformed backend spec {text!r}: {part!r} is not KEY=VALUE")
        if key in given:
            raise SpecError(f"malformed backend spec {text!r}: option {key!r} is given twice")
        given[key] = value
    return given


def _adapter_options(text: str, adapter: type[Backend], given: Mapping[str, str]) -> dict[str, Any]:
    for key in given:
        if key not in adapter.options:
            known = [*adapter.options, *GENERAL_OPTIONS]
            raise SpecError(
                f"backend spec {text!r}: {adapter.name} has no option {key!r}{_nearest(key, known)}; "
                f"its options: {', '.join(sorted(known))}"
            )
    return {
        key: _parse_option(text, key, given[key], option) if key in given else option.default
        for key, option in adapter.options.items()
    }


def _parse_option(text: str, key: str, value: str, option: Option) -> Any:
    try:
        parsed = option.parse(value)
    except ValueError as error:
        raise SpecError(f"backend spec {text!r}: option {key}={value}: {reason_of_value(error)}") from error
    if option.choices and parsed not in option.choices:
        raise SpecError(
            f"backend spec {text!r}: option {key}={value}{_nearest(str(parsed), option.choices)}; "
            f"choose from {', '.join(option.choices)}"
        )
    return parsed


def _default_label(name: str, adapter: type[Backend], options: Mapping[str, Any], general: Mapping[str, Any]) -> str:
    """The name and the options that are not defaults: ``aer.method=matrix_product_state``."""
    shown = {key: value for key, value in options.items() if value != adapter.options[key].default}
    shown |= {key: value for key, value in general.items() if key not in ("label", "python")}
    parts = [f"{key}={_show(value)}" for key, value in sorted(shown.items())]
    return ".".join([name, *parts])


def _show(value: Any) -> str:
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)


def memory_needed(spec: BackendSpec, n_qubits: int) -> int:
    """Bytes that the worker of ``spec`` is going to need for a circuit of ``n_qubits`` qubits, as its adapter says.

    Raises:
        BackendLoadError: the adapter can't be imported.
    """
    return load_backend(spec.name, spec.target).memory_needed(n_qubits, dict(spec.options))
