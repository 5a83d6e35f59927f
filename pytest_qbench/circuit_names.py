"""Circuits by the names that people use for them: ``ghz`` is the case ``ghz_state``."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping

ALIASES: Mapping[str, str] = {
    "adder": "ripple_carry_adder",
    "bell": "bell_state",
    "bv": "bernstein_vazirani",
    "clifford": "clifford_scrambler",
    "dj": "deutsch_jozsa",
    "feedback": "adaptive_feedback",
    "fourier": "qft",
    "ghz": "ghz_state",
    "graph": "graph_state",
    "grover": "real_grovers",
    "grovers": "real_grovers",
    "heisenberg": "heisenberg_echo",
    "order_finding": "order_finding_15",
    "qpe": "phase_estimation",
    "quantum_fourier_transform": "qft",
    "qv": "quantum_volume",
    "random": "random_universal",
    "shor": "order_finding_15",
    "swap": "swap_test",
    "toffoli": "toffoli_oracle",
    "vqe": "vqe_ansatz",
    "w": "w_state",
}
"""Common name -> case of the built-in suite."""


def parse_circuits(text: str) -> tuple[str, ...]:
    """``ghz, qft`` as names, each once.

    Raises:
        ValueError: it names nothing.
    """
    words = tuple(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))
    if not words:
        raise ValueError("names no circuit; write ghz,qft")
    return words


def names(word: str, case: str) -> bool:
    """Whether ``word`` names the case: by its own name or by a common one."""
    asked = _normal(word)
    return asked == _normal(case) or ALIASES.get(asked) == case


def unmatched(words: Iterable[str], cases: Collection[str]) -> list[str]:
    """The words that name none of the cases."""
    return [word for word in words if not any(names(word, case) for case in cases)]


def nearest(word: str, cases: Iterable[str]) -> str:
    """`` (did you mean 'qft'?)`` where a case, or a common name of one, looks like ``word``."""
    known = set(cases)
    close = difflib.get_close_matches(
        _normal(word), [*known, *(a for a, case in ALIASES.items() if case in known)], n=1
    )
    return f" (did you mean {close[0]!r}?)" if close else ""


def _normal(word: str) -> str:
    """A name in the form in which names are compared: ``Quantum-Volume`` is ``quantum_volume``."""
    return word.strip().lower().replace("-", "_").replace(" ", "_")
