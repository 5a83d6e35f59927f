"""The paths by their labels."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

from pytest_qbench.specs import BackendSpec, SpecError, split_specs

_PATHS = "pytest_qbench.gradients.paths"

PATHS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "pennylane/default.qubit": (f"{_PATHS}.pennylane_textbook:PennylanePath", {"device": "default.qubit"}),
    "pennylane/lightning.qubit": (f"{_PATHS}.pennylane_textbook:PennylanePath", {"device": "lightning.qubit"}),
    "pennylane/lightning.gpu": (f"{_PATHS}.pennylane_textbook:PennylanePath", {"device": "lightning.gpu"}),
    "pennylane-tuned/default.qubit": (f"{_PATHS}.pennylane_tuned:PennylaneTunedPath", {"device": "default.qubit"}),
    "pennylane-tuned/lightning.qubit": (f"{_PATHS}.pennylane_tuned:PennylaneTunedPath", {"device": "lightning.qubit"}),
    "pennylane-tuned/lightning.gpu": (f"{_PATHS}.pennylane_tuned:PennylaneTunedPath", {"device": "lightning.gpu"}),
    "qdp": (f"{_PATHS}.qdp:QdpPath", {"device": "default.qubit"}),
    "qdp/lightning.qubit": (f"{_PATHS}.qdp:QdpPath", {"device": "lightning.qubit"}),
    "qdp/lightning.gpu": (f"{_PATHS}.qdp:QdpPath", {"device": "lightning.gpu"}),
    "lightning/adjoint": (f"{_PATHS}.lightning_adjoint:LightningAdjointPath", {"device": "lightning.qubit"}),
    "native/shift": (f"{_PATHS}.native:NativeShiftPath", {"device": "cpu"}),
    "native/adjoint": (f"{_PATHS}.native:NativeAdjointPath", {"device": "cpu"}),
    "native/shift/cuda": (f"{_PATHS}.native:NativeShiftPath", {"device": "cuda"}),
    "native/adjoint/cuda": (f"{_PATHS}.native:NativeAdjointPath", {"device": "cuda"}),
    "custatevec/shift": (f"{_PATHS}.custatevec:CustatevecShiftPath", {"device": "cuda"}),
}
"""Label -> ``module:Class`` and the options of the path."""

DEFAULT_PATHS = (
    "pennylane/default.qubit",
    "pennylane/lightning.qubit",
    "pennylane/lightning.gpu",
    "pennylane-tuned/default.qubit",
    "pennylane-tuned/lightning.qubit",
    "qdp",
    "qdp/lightning.qubit",
    "lightning/adjoint",
    "native/shift",
    "native/adjoint",
    "custatevec/shift",
)
"""What runs where no path is named; those that can't be used here say why."""

_ALIASES = {
    "pennylane": "pennylane/default.qubit",
    "pennylane-tuned": "pennylane-tuned/default.qubit",
    "qdp/default.qubit": "qdp",
}


def parse_paths(texts: Iterable[str], precision: str) -> tuple[BackendSpec, ...]:
    """The paths that ``texts`` name, in order, each once; ``precision`` is that of their states.

    Raises:
        SpecError: there is no path of that name.
    """
    specs: dict[str, BackendSpec] = {}
    for text in split_specs(texts) or DEFAULT_PATHS:
        name = _ALIASES.get(text, text)
        if name not in PATHS:
            close = difflib.get_close_matches(text, [*PATHS, *_ALIASES], n=1, cutoff=0.5)
            hint = f" (did you mean {close[0]!r}?)" if close else ""
            raise SpecError(f"unknown path {text!r}{hint}; known paths: {', '.join(PATHS)}")
        target, options = PATHS[name]
        label = name if precision == "double" else f"{name}.precision={precision}"
        specs[label] = BackendSpec(text, name, target, tuple({**options, "precision": precision}.items()), label)
    return tuple(specs.values())
