"""The grammar: from a sentence to the options that it stands for.

A sentence is a row of clauses (simulators, circuits, sizes, ...) in any order. Between them stand words that say
nothing by themselves; any other word is an error. Only simulators and circuits may be named more than once, since
"A on 10 qubits against B on 12" is no plan in which everything runs with everything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import TypeAlias

from pytest_qbench.ask.names import Names, pattern_of, spoken_form
from pytest_qbench.settings import DEFAULT_BACKEND
from pytest_qbench.values import parse_numbers

FORMS = (
    ("simulators", "Cirq; Cirq and Qiskit Aer; X vs Y; native[threads=1]; all backends; everything"),
    ("devices", "GPU vs CPU on Qiskit Aer; Qiskit Aer on the GPU"),
    ("circuits", "GHZ; random circuits; quantum volume; circuit types: ghz, qft, random"),
    ("qubits", "10 qubits; 4, 8 and 12 qubits; 4 to 16 qubits; 4 to 16 qubits in steps of 2"),
    ("scaling", "scalability test (of GHZ, QFT and random, 4 to 20 qubits in steps of 2, 1000 shots, unless said)"),
    ("shots, depth", "with 1000 shots; 100 and 1000 shots; depth 50; depths 10, 20 and 30"),
    ("noise", "noise 0.01 and 0.05; noise 1%; amplitude damping 0.05; readout noise 0.02"),
    ("side by side", "in parallel; at the same time; 4 at the same time"),
    ("again", "rerun failed benchmarks from last run"),
)
"""Title and examples of what is understood, for errors and docs/plans.md. They go together, in any order."""

SCALING = {"circuits": ["ghz", "qft", "random"], "qubits": ["4:20:2"], "shots": ["1000"]}
"""What a scalability test is, where the sentence says nothing else."""
_SCALING_STEP = 2

Options: TypeAlias = dict[str, list[str]]
"""Setting -> its values, in the order of a command line; only ``backend`` is an option for each value."""

_ORDER = ("rerun-failed", "backend", "circuits", "qubits", "depth", "noise-model", "noise", "shots", "parallel")

_AND = r"(?:\s*,\s*(?:and\s+)?|\s+and\s+|\s*&\s*)"
_NUMBER = r"\d+(?![\d%]|\.\d)"
_STEPS = rf"\s+(?:in\s+steps?\s+of|by)\s+{_NUMBER}"
_TO = r"\s*(?:to|until|through|-|:)\s*"
_RANGE = rf"(?:from\s+)?{_NUMBER}(?:{_TO}{_NUMBER}(?::{_NUMBER}|{_STEPS})?)?"
_RANGES = rf"{_RANGE}(?:{_AND}{_RANGE})*"
_STRENGTH = r"(?:\d+(?:\.\d+)?\s?%|\d*\.\d+(?:e-\d+)?|[01])(?!\s?%|\d|\.\d)"
_STRENGTHS = rf"{_STRENGTH}(?:{_AND}{_STRENGTH})*"
_KIND = rf"(?:{pattern_of(('depolarizing', 'amplitude damping', 'phase damping', 'readout'))})"
_NOISE = rf"(?:{_KIND}(?:{_AND}{_KIND})*(?:\s+(?:noise|errors?))?|noise)"
_UNIT = r"[\s-]*(?:qubits?|shots?)\b"
_LEADS_TO = r"\s*(?:[:=]\s*|(?:of|at|with|strengths?|levels?)\s+)*"
_TOGETHER = r"(?:in\s+parallel|parallel|at\s+the\s+same\s+time|at\s+once|simultaneously|concurrently)"
_FAILED = r"(?:the\s+)?(?:failed|failing)(?:\s+(?:benchmarks?|points?|runs?|cases?|tests?))?"
_LAST_RUN = r"(?:\s+(?:from|of|in)\s+(?:the\s+)?(?:last|latest|previous)\s+run)?"
_FILLERS = (
    r"benchmark(?:s|ing)?|compar(?:e|ing|ison)|run(?:ning)?|test(?:s|ing)?|measur(?:e|ing)|sweep(?:ing)?|please|types?"
    r"|circuits?|states?|cases?|simulat(?:ors?|ion)|backends?|and|vs|versus|against|with|on|at|in|of|for|using|the|an?"
)
_GAP = re.compile(r"[\s,;:.!?()\"'&]*")
_WORD_ENDS = r"(?!\w|[-_.]\w)"
"""``aer`` is not in ``aerial``, nor ``cirq`` in ``cirq-core``."""


class AskError(ValueError):
    """A sentence is not understood; the message shows where it stumbled, and the forms that are understood."""


def parse(sentence: str, names: Names) -> Options:
    """The options that a sentence stands for.

    Raises:
        AskError: it is not understood.
    """
    return _Reader(sentence, names).read()


def command_words(options: Options) -> list[str]:
    """The words of a command line: ``["--qbench-backend=cirq", "--qbench-backend=aer", "--qbench-qubits=4:16"]``."""
    words = []
    for name, values in options.items():
        for value in values if name == "backend" else [",".join(values)]:
            words.append(f"--qbench-{name}={value}")
    return words


class _Reader:
    """Reads one sentence from left to right; each clause is a pattern and what is done with a match."""

    def __init__(self, sentence: str, names: Names) -> None:
        self._sentence = sentence
        self._names = names
        self._at = 0
        self._said: Options = {}
        self._devices: list[str] = []
        self._backends = names.spoken_backends()
        self._circuits = names.spoken_circuits()
        self._clauses = [(_compiled(text), take) for text, take in self._grammar()]

    def _grammar(self) -> Sequence[tuple[str, Callable[[re.Match[str]], None]]]:
        keep = self._keep
        backends, circuits = pattern_of(self._backends), pattern_of(self._circuits)
        return (
            (rf"re-?run\s+{_FAILED}{_LAST_RUN}", lambda match: keep("rerun-failed", ["latest"])),
            (r"scal(?:ability|ing)", lambda match: keep("scaling", [])),
            (r"(?:all|every)\s+(?:the\s+)?(?:backends?|simulators?)", lambda match: keep("all", [])),
            (r"everything", lambda match: keep("everything", [])),
            (r"(GPU|CPU)s?", lambda match: self._devices.append(match[1].lower())),
            (rf"(?:(\d+)\s+)?{_TOGETHER}", lambda match: keep("parallel", [match[1] or "auto"])),
            (rf"({_NOISE}){_LEADS_TO}({_list(_STRENGTH)})", lambda match: self._noise(match[1], match[2])),
            (rf"({_STRENGTHS})\s+({_NOISE})", lambda match: self._noise(match[2], match[1])),
            (rf"depths?{_LEADS_TO}({_list(_RANGE)})", lambda match: self._numbers("depth", match[1])),
            (
                rf"(qubit|shot)s?{_LEADS_TO}({_list(_RANGE)})",
                lambda match: self._numbers(f"{match[1].lower()}s", match[2]),
            ),
            (rf"({_RANGES})[\s-]*(qubit|shot)s?({_STEPS})?", self._counted),
            (rf"({backends})(\[[^\[\]]*\])?", self._backend),
            (rf"({circuits})", lambda match: self._circuit(self._circuits[spoken_form(match[1])])),
            (r"([a-z]\w*_\w+)", lambda match: self._circuit(match[1])),  # a case of the user's own
            (_FILLERS, lambda match: None),
        )

    def read(self) -> Options:
        while (gap := _GAP.match(self._sentence, self._at)) and gap.end() < len(self._sentence):
            self._at = gap.end()
            self._read_clause()
        return self._conclude()

    def _read_clause(self) -> None:
        for pattern, take in self._clauses:
            if match := pattern.match(self._sentence, self._at):
                self._at = match.end()
                take(match)
                return
        rest = self._sentence[self._at :]
        word = re.split(r"[\s,;:!?]", rest)[0].rstrip(".")
        if _compiled(_NOISE).match(rest):
            reason = "how strong? Write noise 0.01"
        elif _compiled("(?:depth|qubit|shot)s?").match(rest):
            reason = f"{word} needs numbers, apart from those of other things"
        elif word[0].isdigit():
            reason = f"{word} of what? Write 10 qubits, 1000 shots, depth 20, noise 0.01"
        else:
            known = {
                *self._backends,
                *self._circuits,
                "compare",
                "benchmark",
                "parallel",
                "noise",
                "qubits",
                "shots",
                "depth",
            }
            close = get_close_matches(word.lower(), sorted(known), n=1, cutoff=0.7)
            reason = f"{word!r} is not understood" + (f" (did you mean {close[0]!r}?)" if close else "")
        raise self._error(reason, f"{self._sentence[: self._at]}>>{word}<<{rest[len(word) :]}")

    def _error(self, reason: str, sentence: str = "") -> AskError:
        width = max(len(title) for title, _ in FORMS)
        lines = [f"  {title:<{width}}  {examples}" for title, examples in FORMS]
        understood = "These forms are understood, together and in any order (X, Y: simulators):"
        return AskError("\n".join([f"{reason}: {sentence or self._sentence}", understood, *lines]))

    # What the clauses say

    def _keep(self, name: str, values: list[str]) -> None:
        if name in self._said:
            raise self._error(f"{name.replace('-', ' ')}: said twice, and everything runs with everything")
        self._said[name] = values

    def _numbers(self, name: str, text: str) -> None:
        """``4 to 16, 20``: kept as ``4:16`` and ``20``."""
        values = [":".join(re.findall(r"\d+", part)) for part in re.findall(_RANGE, text, re.IGNORECASE)]
        try:
            parse_numbers(",".join(values))
        except ValueError as error:
            raise self._error(f"{name}: {error}") from None
        self._keep(name, values)

    def _counted(self, match: re.Match[str]) -> None:
        """``4 to 16 qubits``, its step before or after the word."""
        text = match[1] + (match[3] or "")
        if not _compiled(_RANGES).fullmatch(text):
            raise self._error("steps go with a range: 4 to 16 qubits in steps of 2")
        self._numbers(f"{match[2].lower()}s", text)

    def _noise(self, kinds: str, strengths: str) -> None:
        names = [spoken_form(kind).replace(" ", "_") for kind in re.findall(_KIND, kinds, re.IGNORECASE)]
        if names:
            self._keep("noise-model", names)
        self._keep("noise", [_fraction(text) for text in re.findall(_STRENGTH, strengths, re.IGNORECASE)])

    def _backend(self, match: re.Match[str]) -> None:
        self._said.setdefault("backend", []).append(self._backends[spoken_form(match[1])] + (match[2] or ""))

    def _circuit(self, name: str) -> None:
        self._said.setdefault("circuits", []).append(name)

    def _conclude(self) -> Options:
        """The options that the clauses make together."""
        said = self._said
        backends = said.get("backend", [])
        if "all" in said and backends:
            raise self._error(f"both all backends and {', '.join(backends)}")
        if "all" in said or ("everything" in said and not backends):
            backends = ["all"]
        if self._devices:
            backends = self._on_devices(backends or [DEFAULT_BACKEND])
        if backends:
            said["backend"] = backends
        if "scaling" in said:
            said["qubits"] = [_with_step(text) for text in said.get("qubits", SCALING["qubits"])]
            said.update({**SCALING, **said})
        options = {name: said[name] for name in _ORDER if name in said}
        if not options:
            raise self._error("this names nothing to measure")
        return options

    def _on_devices(self, backends: Sequence[str]) -> list[str]:
        for backend in backends:
            if backend == "all" or not self._names.takes_device(backend.partition("[")[0]):
                raise self._error(f"{backend} can't be told to use the {self._devices[0].upper()}; name Qiskit Aer")
        return [_with_option(backend, f"device={device}") for backend in backends for device in self._devices]


def _compiled(text: str) -> re.Pattern[str]:
    return re.compile(rf"(?:{text}){_WORD_ENDS}", re.IGNORECASE)


def _list(item: str) -> str:
    """A list of numbers after a word, none of which belongs to a ``qubits`` or ``shots`` that comes after it."""
    listed = rf"{item}(?:{_AND}{item})*(?!{_AND}{item})(?!{_UNIT})"
    return rf"{listed}|{item}(?={_AND}{_RANGE}{_UNIT})"


def _fraction(text: str) -> str:
    """``0.01`` of ``1%``."""
    value = float(text.rstrip("% ")) / (100 if text.endswith("%") else 1)
    return f"{value:.12g}"


def _with_step(text: str) -> str:
    """A range of a scalability test, in steps unless it has its own."""
    return f"{text}:{_SCALING_STEP}" if text.count(":") == 1 else text


def _with_option(spec: str, option: str) -> str:
    """``aer[device=gpu]`` of ``aer``."""
    return f"{spec[:-1]},{option}]" if spec.endswith("]") else f"{spec}[{option}]"
