"""What the grammar of plain words understands, for people: in errors and in docs/plans.md."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

FORMS = (
    ("simulators", "Cirq; Cirq and Qiskit Aer; X vs Y; native[threads=1]; all backends; everything"),
    ("devices", "GPU vs CPU on Qiskit Aer; on the GPU; in single precision; single and double precision"),
    ("circuits", "GHZ; random circuits; quantum volume; circuit types: ghz, qft, random; the core suite; all circuits"),
    ("qubits", "10 qubits; 4, 8 and 12 qubits; 4 to 16 qubits in steps of 2; up to 20 qubits"),
    ("scaling", "scalability test (4 to 20 qubits in steps of 2 of GHZ, QFT and random circuits, at 1000 shots)"),
    ("shots, depth", "with 1000 shots; 100 and 10k shots; depth 50; depths 10, 20 and 30"),
    ("noise", "noise 0.01 and 0.05; noise 1%; amplitude damping 0.05; readout noise 0.02"),
    ("limits", "timeout 60 seconds; 2 threads; seed 7; 2 warm-up calls; 1 retry"),
    ("side by side", "in parallel; at the same time; 4 at the same time"),
    ("again", "rerun failed benchmarks from last run; rerun failed from run 20260131-235959-3fa9"),
)
"""Title and examples. They go together, in any order."""


def explain_error(reason: str, sentence: str, start: int | None = None, end: int | None = None) -> str:
    """The message for a sentence that is not understood; ``start`` and ``end`` mark the words in it."""
    marked = sentence if start is None else f"{sentence[:start]}>>{sentence[start:end]}<<{sentence[end:]}"
    width = max(len(title) for title, _ in FORMS)
    lines = [f"  {title:<{width}}  {examples}" for title, examples in FORMS]
    return "\n".join([f"{reason}: {marked}", "These forms are understood, together and in any order:", *lines])


def suggestion(word: str, known: Iterable[str]) -> str:
    """`` (did you mean 'cirq'?)`` where a known word looks like ``word``."""
    close = get_close_matches(word, sorted(known), n=1, cutoff=0.7)
    return f" (did you mean {close[0]!r}?)" if close else ""
