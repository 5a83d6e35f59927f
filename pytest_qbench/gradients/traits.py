"""What tells one gradient path from another, and the order of paths in which least changes at a time.

A path has *traits*: how often it encodes, through which interface it runs, how many samples at once, on which
simulator, with which gradient method, in which precision, with how many threads. Two paths are told apart by all the
traits in which they differ. Standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from itertools import pairwise
from typing import TypeAlias

Traits: TypeAlias = Mapping[str, str | int | None]
"""Trait -> value; None is not known, and then no difference is claimed."""

# Values in the order in which one would introduce them.
_ORDERS: dict[str, tuple[str, ...]] = {
    "encoding": ("at every evaluation", "once"),
    "interface": ("a QNode", "no QNode"),
    "batching": ("one sample at a time", "many samples at once"),
    "simulator": ("default.qubit", "lightning.qubit", "lightning.gpu", "native", "custatevec"),
    "gates": ("all", "those in the light cone"),
    "method": ("parameter-shift", "parameter-shift with prefix states", "adjoint"),
    "hardware": ("CPU", "GPU"),
    "precision": ("double", "single"),
}
_NAMES = ("implementation", *_ORDERS, "threads", "options")

_TEXTBOOK = {
    "encoding": "at every evaluation",
    "interface": "a QNode",
    "batching": "one sample at a time",
    "gates": "all",
    "method": "parameter-shift",
    "hardware": "CPU",
}
_QDP = _TEXTBOOK | {"encoding": "once"}
_TAPES = _QDP | {"interface": "no QNode"}
_BATCHED = _TAPES | {"batching": "many samples at once"}
_NATIVE = _BATCHED | {"simulator": "native", "gates": "those in the light cone"}
_LIGHTNING, _LIGHTNING_GPU = {"simulator": "lightning.qubit"}, {"simulator": "lightning.gpu", "hardware": "GPU"}
_DEFAULT = {"simulator": "default.qubit"}

_KNOWN: dict[str, dict[str, str]] = {
    "pennylane/default.qubit": _TEXTBOOK | _DEFAULT,
    "pennylane/lightning.qubit": _TEXTBOOK | _LIGHTNING,
    "pennylane/lightning.gpu": _TEXTBOOK | _LIGHTNING_GPU,
    "qdp": _QDP | _DEFAULT,
    "qdp/lightning.qubit": _QDP | _LIGHTNING,
    "qdp/lightning.gpu": _QDP | _LIGHTNING_GPU,
    # lightning devices take batches of states apart, so they are given one at a time.
    "pennylane-tuned/default.qubit": _BATCHED | _DEFAULT,
    "pennylane-tuned/lightning.qubit": _TAPES | _LIGHTNING,
    "pennylane-tuned/lightning.gpu": _TAPES | _LIGHTNING_GPU,
    "lightning/adjoint": _TAPES | _LIGHTNING | {"method": "adjoint"},
    "native/shift": _NATIVE | {"method": "parameter-shift with prefix states"},
    "native/adjoint": _NATIVE | {"method": "adjoint"},
    "native/shift/cuda": _NATIVE | {"method": "parameter-shift with prefix states", "hardware": "GPU"},
    "native/adjoint/cuda": _NATIVE | {"method": "adjoint", "hardware": "GPU"},
    "custatevec/shift": _BATCHED | {"simulator": "custatevec", "hardware": "GPU"},
}
"""The project's own paths, by their labels without options."""

_PHRASES = {
    ("encoding", "once"): "encoding once",
    ("encoding", "at every evaluation"): "encoding at every evaluation",
    ("interface", "no QNode"): "no QNode",
    ("interface", "a QNode"): "a QNode",
    ("batching", "many samples at once"): "many samples at once",
    ("batching", "one sample at a time"): "one sample at a time",
    ("simulator", "native"): "own fused kernels",
    ("gates", "those in the light cone"): "gates outside the light cone left out",
    ("gates", "all"): "gates outside the light cone too",
    ("method", "parameter-shift with prefix states"): "prefix states reused",
    ("method", "adjoint"): "adjoint instead of parameter-shift",
}


def traits_of(label: str, precision: str | None, threads: int | None) -> Traits:
    """The traits of the path with this label, a name and perhaps options: ``native/adjoint.precision=single``.

    Of a path that is not one of the project's own, only that it is another implementation is known. ``precision`` and
    ``threads`` are those it said it had, None where that is not known.
    """
    name, *options = re.split(r"\.(?=\w+=)", label)
    # What the measurement says of these counts, not what was asked for.
    others = sorted(option for option in options if option.partition("=")[0] not in ("precision", "threads"))
    return {
        "implementation": "own" if name in _KNOWN else name,
        **_KNOWN.get(name, {}),
        "options": " ".join(others) or "none",
        "precision": precision,
        "threads": threads,
    }


def changes(before: Traits, after: Traits) -> dict[str, tuple[str | int, str | int]]:
    """Trait -> its two values, for all traits that are known of both and differ."""
    differing = {}
    for name in _NAMES:
        old, new = before.get(name), after.get(name)
        if old is not None and new is not None and old != new:
            differing[name] = (old, new)
    return differing


def phrases(before: Traits, after: Traits) -> tuple[str, ...]:
    """What changes from one path to the other, in words; never empty."""
    words = [_phrase(name, *values) for name, values in changes(before, after).items()]
    return tuple(words) or ("nothing that is known",)


def finest_chain(paths: Mapping[str, Traits], start: str, goal: str) -> list[str]:
    """The labels from ``start`` to ``goal`` through as many paths as possible.

    Each step changes at least one trait, and whatever it changes becomes what it is at the goal (the method may
    approach that in stages), so nothing is changed back. Among chains of one length, that whose changes are spread
    most evenly.
    """
    target = paths[goal]

    @cache
    def chain_from(label: str) -> tuple[str, ...]:
        if label == goal:
            return (goal,)
        following = [
            other for other in sorted(paths) if other == goal or _approaches(paths[label], paths[other], target)
        ]
        return max(((label, *chain_from(other)) for other in following), key=fineness)

    def fineness(chain: tuple[str, ...]) -> tuple[int, int]:
        sizes = [len(changes(paths[a], paths[b])) for a, b in pairwise(chain)]
        return len(chain), -sum(size * size for size in sizes)

    return list(chain_from(start))


def single_changes(paths: Mapping[str, Traits]) -> list[tuple[str, str]]:
    """All pairs of paths that differ in exactly one trait, the plainer one first."""
    pairs = []
    for before in sorted(paths):
        for after in sorted(paths):
            differing = changes(paths[before], paths[after])
            if len(differing) == 1 and "implementation" not in differing:
                ((name, (old, new)),) = differing.items()
                if _place(name, old) < _place(name, new):
                    pairs.append((before, after))
    return pairs


def _approaches(here: Traits, there: Traits, target: Traits) -> bool:
    differing = changes(here, there)
    return bool(differing) and all(
        new == target.get(name)
        or (name == "method" and _place(name, old) < _place(name, new) < _place(name, target.get(name)))
        for name, (old, new) in differing.items()
    )


def _place(name: str, value: str | int | None) -> tuple[int, int, str]:
    order = _ORDERS.get(name, ())
    if isinstance(value, int):
        return len(order), value, ""
    return (order.index(value), 0, "") if value in order else (len(order), 0, str(value))


def _phrase(name: str, old: str | int, new: str | int) -> str:
    if name == "implementation":
        return "another implementation"
    return _PHRASES.get((name, str(new)), f"{name} {new} instead of {old}")
