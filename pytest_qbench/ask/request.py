"""What a sentence asks for, and the command line that asks for the same."""

from __future__ import annotations

from dataclasses import dataclass, fields


class AskError(ValueError):
    """A sentence is not understood; the message shows the word it stumbled over."""


@dataclass(frozen=True, slots=True)
class Request:
    """A plan as options; what is empty or None is left to the defaults.

    ``qubits`` and ``depth`` are lists and ranges as options have them (``4,8`` or ``4:16:2``). ``parallel`` is a
    number or ``auto``; ``rerun`` the run whose failed points are repeated, ``latest`` or an id.
    """

    rerun: str | None = None
    backends: tuple[str, ...] = ()
    circuits: tuple[str, ...] = ()
    suite: str | None = None
    qubits: str | None = None
    depth: str | None = None
    noise_models: tuple[str, ...] = ()
    noise: tuple[str, ...] = ()
    shots: str | None = None
    timeout: str | None = None
    threads: int | None = None
    seed: int | None = None
    warmup: int | None = None
    retries: int | None = None
    parallel: str | None = None


_OPTIONS = {
    "rerun": "rerun-failed",
    "backends": "backend",
    "noise_models": "noise-model",
}
"""Field -> option, where they differ."""

_REPEATED = "backends"

_TITLES = {
    "rerun": "failed points of run",
    "noise_models": "noise",
    "noise": "noise strength",
    "warmup": "warm-up calls",
    "parallel": "at the same time",
}


def command_words(request: Request) -> list[str]:
    """The options: ``["--qbench-backend=cirq", "--qbench-backend=aer", "--qbench-qubits=4:16"]``."""
    words = []
    for name, value in _given(request):
        option = f"--qbench-{_OPTIONS.get(name, name)}"
        texts = value if name == _REPEATED else [",".join(value)] if isinstance(value, tuple) else [str(value)]
        words += [option if name == "rerun" and text == "latest" else f"{option}={text}" for text in texts]
    return words


def explain(request: Request) -> str:
    """The plan in one line: ``backends cirq, aer; circuits random; qubits 4:16``."""
    return "; ".join(
        f"{_TITLES.get(name, name)} {', '.join(value) if isinstance(value, tuple) else value}"
        for name, value in _given(request)
    )


def _given(request: Request) -> list[tuple[str, object]]:
    pairs = [(field.name, getattr(request, field.name)) for field in fields(request)]
    return [(name, value) for name, value in pairs if value not in (None, ())]
