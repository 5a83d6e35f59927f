"""The grammar: from the tokens of a sentence to a :class:`Request`.

A sentence is a row of clauses (simulators, circuits, sizes, ...) in any order. Between them stand words that say
nothing by themselves; any other word is an error. Every clause but the simulators' may come once, since
"A on 10 qubits against B on 12" is no plan in which everything runs with everything.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from pytest_qbench.ask.forms import explain_error, suggestion
from pytest_qbench.ask.numbers import Numbers, decimal, read_numbers, whole, with_step
from pytest_qbench.ask.plan import Findings, to_request
from pytest_qbench.ask.request import AskError, Request
from pytest_qbench.ask.tokens import Kind, Token, tokenize
from pytest_qbench.ask.vocabulary import NOISE, Phrases, Vocabulary

_NOUNS = frozenset("circuit circuits case cases simulator simulators simulation simulations backend backends".split())
_STATES = frozenset({"circuit", "circuits", "state", "states"})
_FILLERS = _NOUNS | frozenset(
    "benchmark benchmarks benchmarking compare comparing comparison run runs running test tests testing measure "
    "measuring sweep sweeping please type types point points".split()
)
_LINKS = frozenset("and vs versus against with on at in of for using the a an between , :".split())
"""Words that lead to something: no sentence ends with one."""

_JOINTS = frozenset({"and", "vs", "versus", "against", ",", "with"})
_UNITS: Mapping[tuple[str, ...], str] = {
    **{(word,): "qubits" for word in ("qubit", "qubits", "q")},
    **{(word,): "shots" for word in ("shot", "shots")},
    **{(word,): "threads" for word in ("thread", "threads", "core", "cores", "cpus")},
    **{(first, word): "warmup" for first in ("warm-up", "warmup") for word in ("call", "calls", "run", "runs")},
    **{(word,): "warmup" for word in ("warm-up", "warm-ups", "warmup", "warmups")},
    **{(word,): "retries" for word in ("retry", "retries")},
}
_HEADS: Mapping[tuple[str, ...], str] = {
    **_UNITS,
    **{(word,): "qubits" for word in ("size", "sizes")},
    **{(word,): "depth" for word in ("depth", "depths")},
    **{(word,): "timeout" for word in ("timeout", "deadline")},
    ("time", "limit"): "timeout",
    ("seed",): "seed",
}
"""Words that a number follows."""
_SECONDS = {**dict.fromkeys(("s", "sec", "second", "seconds"), 1), **dict.fromkeys(("min", "minute", "minutes"), 60)}
_TIMEOUTS = (("timeout",), ("deadline",), ("time", "limit"))
_TOGETHER = (
    ("in", "parallel"),
    ("parallel",),
    ("at", "the", "same", "time"),
    ("at", "a", "time"),
    ("at", "once"),
    ("simultaneously",),
    ("concurrently",),
)
_EVERY_BACKEND = tuple(
    (*all_, noun)
    for all_ in (("all",), ("all", "the"), ("all", "available"), ("every",))
    for noun in ("backend", "backends", "simulator", "simulators")
)
_EVERY_CASE = tuple(
    (*all_, noun) for all_ in (("all",), ("all", "the"), ("every",)) for noun in ("circuit", "circuits", "case", "cases")
)
_AGAIN = frozenset({"rerun", "re-run", "repeat", "retry"})
_FAILURES = frozenset("benchmark benchmarks point points run runs case cases test tests".split())
_SUITES = frozenset({"core", "standard", "full"})
_PRECISIONS = frozenset({"single", "double"})
_DEVICES = {"gpu": "gpu", "gpus": "gpu", "cpu": "cpu"}
_GRAMMAR_WORDS = (
    _FILLERS
    | _LINKS
    | _STATES
    | _AGAIN
    | _SUITES
    | _PRECISIONS
    | {word for phrase in (*_HEADS, *_TOGETHER, *_EVERY_BACKEND, *_TIMEOUTS) for word in phrase}
    | set("noise error strength model precision suite everything scalability scaling failed last gpu cpu from to".split())
)


def parse(sentence: str, vocabulary: Vocabulary) -> Request:
    """What a sentence asks for.

    Raises:
        AskError: it is not understood; the message shows the word, and the forms that are.
    """
    return _Parser(sentence, vocabulary).parse()


class _Parser:
    """Reads one sentence; ``_at`` is the token that comes next."""

    def __init__(self, sentence: str, vocabulary: Vocabulary) -> None:
        self._sentence = sentence
        self._vocabulary = vocabulary
        self._known = vocabulary.words | _GRAMMAR_WORDS
        self._tokens = tokenize(sentence, self._known)
        self._at = 0
        self._found = Findings()
        self._clauses: Sequence[Callable[[], bool]] = (
            self._rerun,
            self._scaling,
            self._everything,
            self._device,
            self._precision,
            self._noise,
            self._suite,
            self._parallel,
            self._headed_numbers,
            self._numbers,
            self._backends,
            self._circuits,
        )

    def parse(self) -> Request:
        try:
            while self._at < len(self._tokens):
                if not any(clause() for clause in self._clauses):
                    self._skip_filler()
            return to_request(self._found, self._vocabulary)
        except AskError as error:
            if "\n" in str(error):
                raise
            raise AskError(explain_error(str(error), self._sentence)) from error

    # The clauses: each reads what begins at the next token, or returns False

    def _rerun(self) -> bool:
        if not (self._is(*_AGAIN) and self._is("failed", "failures", offset=1)):
            return False
        start = self._at
        self._at += 2 + self._is(*_FAILURES, offset=2)
        run = "latest"
        after = 1 + self._is("the", offset=1)
        if self._is("from", "of", "in"):
            named = self._is("last", "latest", "newest", "previous", offset=after)
            if named and self._is("run", "session", offset=after + 1):
                self._at += after + 2
            elif self._is("run", offset=after) and self._at + after + 1 < len(self._tokens):
                self._at += after + 1
                run = self._chunk()
        return self._set("rerun", run, start)

    def _scaling(self) -> bool:
        return self._is("scalability", "scaling") and self._set("scaling", True, self._at, used=1)

    def _everything(self) -> bool:
        for phrases, name in ((_EVERY_BACKEND, "all_backends"), (_EVERY_CASE, "all_cases")):
            if used := self._phrase_length(phrases):
                return self._set(name, True, self._at, used=used)
        return self._is("everything", "all") and self._set("everything", True, self._at, used=1)

    def _device(self) -> bool:
        return self._words("devices", _DEVICES, lambda end: end)

    def _precision(self) -> bool:
        def closing(end: int) -> int:
            if end < len(self._tokens) and self._tokens[end].value == "precision":
                return end + 1
            raise self._stumble(self._at, f"{self._tokens[self._at].text!r} what? (single precision)")

        return self._words("precisions", {word: word for word in _PRECISIONS}, closing)

    def _noise(self) -> bool:
        return (self._is("noise") or bool(self._phrase(NOISE, self._at)[1])) and self._read_noise([])

    def _suite(self) -> bool:
        if not (self._is(*_SUITES) and self._is("suite", "cases", "circuits", "benchmarks", offset=1)):
            return False
        return self._set("suite", self._tokens[self._at].value, self._at, used=2)

    def _parallel(self) -> bool:
        used = self._phrase_length(_TOGETHER)
        return bool(used) and self._set("parallel", "auto", self._at, used=used)

    def _headed_numbers(self) -> bool:
        """``depth 50``, ``shots 100 and 1000``, ``timeout of 60 seconds``."""
        start = self._at
        name, used = self._phrase(_HEADS, start)
        if name is None:
            return False
        while self._is("of", "=", ":", offset=used):
            used += 1
        numbers = read_numbers(self._tokens, start + used)
        if not numbers:
            raise self._stumble(start, f"{self._tokens[start].text!r} needs a number")
        if self._is_counted(numbers[-1].end):
            numbers = self._leave_the_last(numbers)
        self._at = numbers[-1].end
        return self._take(name, numbers, start)

    def _numbers(self) -> bool:
        """``4 to 16 qubits``, ``100 and 1000 shots``, ``1% noise``, ``60 seconds timeout``, ``4 at the same time``."""
        start = self._at
        numbers = read_numbers(self._tokens, start)
        if not numbers:
            return False
        self._at = numbers[-1].end
        name, used = self._phrase(_UNITS, self._at)
        if name is not None:
            self._at += used
            numbers[-1] = with_step(self._tokens, numbers[-1], self._at)
            self._at = max(self._at, numbers[-1].end)
            return self._take(name, numbers, start)
        if self._is("noise") or self._phrase(NOISE, self._at)[1]:
            return self._read_noise(numbers)
        if used := self._phrase_length(_TOGETHER):
            self._at += used
            return self._take("parallel", numbers, start)
        if self._is(*_SECONDS) and (used := self._phrase_length(_TIMEOUTS, self._at + 1)):
            self._take("timeout", numbers, start)
            self._at += used
            return True
        text = self._sentence[self._tokens[start].start : self._tokens[self._at - 1].end]
        raise self._stumble(start, f"{text} what? (qubits, shots, ...)", self._at)

    def _backends(self) -> bool:
        specs = self._list(lambda at: self._phrase(self._vocabulary.backends, at))
        for spec in specs:
            if spec in self._found.backends:
                raise AskError(f"{spec} is named twice")
            self._found.backends.append(spec)
        return bool(specs)

    def _circuits(self) -> bool:
        start = self._at
        names = self._list(self._circuit, _STATES)
        return bool(names) and self._set("circuits", tuple(dict.fromkeys(names)), start)

    # What the clauses are made of

    def _circuit(self, at: int) -> tuple[str | None, int]:
        """A case of the suite, or one of the user's own: a word with ``_`` in it that means nothing else."""
        name, used = self._phrase(self._vocabulary.circuits, at)
        if name is None and at < len(self._tokens) and "_" in self._tokens[at].value:
            return self._tokens[at].text, 1
        return name, used

    def _read_noise(self, numbers: list[Numbers]) -> bool:
        """``depolarizing and readout noise``, with its strengths before it (``numbers``) or after it."""
        start = self._at
        kinds = self._list(lambda at: self._phrase(NOISE, at))
        while self._is("noise", "error", "errors", "model", "models", "strength", "strengths", "level", "levels"):
            self._at += 1
        kinds += self._list(lambda at: self._phrase(NOISE, at))
        if not numbers:
            while self._is("of", "=", ":", "strength", "with"):
                self._at += 1
            numbers = read_numbers(self._tokens, self._at)
            if not numbers:
                raise self._stumble(start, "how strong? (noise 0.01)", self._at)
            if self._is_counted(numbers[-1].end):
                numbers = self._leave_the_last(numbers)
            self._at = numbers[-1].end
        for number in numbers:
            if number.last is not None or not 0 <= decimal(number.first) <= 1:
                raise self._stumble(number.at, "the strength of noise is a number from 0 to 1", number.end)
        self._set("noise_models", tuple(dict.fromkeys(kinds)), start)
        return self._set("noise", tuple(repr(float(decimal(number.first))) for number in numbers), start)

    def _take(self, name: str, numbers: list[Numbers], start: int) -> bool:
        """Keep the numbers of one setting; the next token is what comes after them."""
        ranges = any(number.last is not None for number in numbers)
        if name in ("qubits", "shots", "depth"):
            if name != "qubits" and numbers[0].open_start:
                raise self._stumble(start, f"'up to' goes with qubits only, not with {name}", self._at)
            if name == "qubits":
                return self._set(name, tuple(numbers), start)
            return self._set(name, ",".join(number.whole() for number in numbers), start)
        if ranges or len(numbers) > 1:
            raise self._stumble(start, f"there is one {name} for all", self._at)
        if name == "timeout":
            unit = _SECONDS.get(self._tokens[self._at].value) if self._at < len(self._tokens) else None
            self._at += unit is not None
            seconds = decimal(numbers[0].first) * (unit or 1)
            if seconds <= 0 or numbers[0].first.endswith("%"):
                raise self._stumble(start, "a timeout is more than 0 seconds", self._at)
            return self._set(name, f"{seconds.normalize():f}", start)
        number = whole(numbers[0].first, 0 if name in ("seed", "warmup", "retries") else 1)
        return self._set(name, number if name == "parallel" else int(number), start)

    def _leave_the_last(self, numbers: list[Numbers]) -> list[Numbers]:
        """Of ``depth 10 and 20 qubits`` the depth: the last number belongs to what follows it."""
        if len(numbers) > 2:
            raise self._stumble(numbers[0].at, "which numbers belong to what? Write 4 and 8 qubits", numbers[-1].end)
        return numbers[:1]

    def _is_counted(self, at: int) -> bool:
        """Whether the unit at a token belongs to the number before it, and not to one that follows."""
        name, used = self._phrase(_UNITS, at)
        if name is None:
            return False
        following = read_numbers(self._tokens, at + used)
        return not following or self._phrase(_UNITS, following[-1].end)[0] is not None

    def _words(self, name: str, words: Mapping[str, str], closing: Callable[[int], int]) -> bool:
        """A list of single words, such as ``GPU vs CPU``; ``closing`` gives the end of the clause."""
        start = self._at
        found = self._list(lambda at: self._phrase({(word,): value for word, value in words.items()}, at))
        if not found:
            return False
        end, self._at = self._at, start
        self._at = closing(end)
        return self._set(name, tuple(dict.fromkeys(found)), start)

    def _list(self, read: Callable[[int], tuple[str | None, int]], nouns: Collection[str] = ()) -> list[str]:
        """Names joined by commas, ``and``, ``vs`` and the like, each followed by any of ``nouns``."""
        found: list[str] = []
        at = self._at
        while True:
            name, used = read(at)
            if name is None:
                return found
            found.append(name)
            at += used
            while at < len(self._tokens) and self._tokens[at].value in nouns:
                at += 1
            self._at = at
            while at < len(self._tokens) and self._tokens[at].value in _JOINTS:
                at += 1
            if at == self._at:
                return found

    def _phrase(self, phrases: Phrases, at: int) -> tuple[str | None, int]:
        """What the longest phrase at a token names, and its length; a spec keeps its options in brackets."""
        for length in range(min(3, len(self._tokens) - at), 0, -1):
            tokens = self._tokens[at : at + length]
            *names, last = (token.value for token in tokens)
            name, bracket, options = last.partition("[")
            value = phrases.get((*names, name))
            if value is not None:
                written = tokens[-1].text.partition("[")[2]
                return (f"{value}[{written}" if bracket else value), length
        return None, 0

    def _phrase_length(self, phrases: Collection[tuple[str, ...]], at: int | None = None) -> int:
        """The length of the longest of ``phrases`` at a token (the next unless given); 0: there is none."""
        at = self._at if at is None else at
        values = tuple(token.value for token in self._tokens[at : at + 4])
        return max((len(phrase) for phrase in phrases if values[: len(phrase)] == phrase), default=0)

    def _is(self, *values: str, offset: int = 0) -> bool:
        at = self._at + offset
        return at < len(self._tokens) and self._tokens[at].value in values

    def _chunk(self) -> str:
        """What stands in the sentence from the next token to the next space."""
        start = self._tokens[self._at].start
        text = self._sentence[start:].split()[0].rstrip(".,!?\"'")
        while self._at < len(self._tokens) and self._tokens[self._at].start < start + len(text):
            self._at += 1
        return text

    def _set(self, name: str, value: Any, start: int, used: int = 0) -> bool:
        self._at += used
        if not self._found.keep(name, value):
            title = name.replace("_", " ")
            raise self._stumble(start, f"{title}: said twice, and everything runs with everything", self._at)
        return True

    def _skip_filler(self) -> None:
        """Pass over a word that says nothing by itself."""
        token = self._tokens[self._at]
        if token.value not in _FILLERS | _LINKS:
            raise self._stumble(self._at)
        if token.value in _LINKS and self._at + 1 == len(self._tokens):
            raise self._stumble(self._at, "the sentence ends here")
        self._at += 1

    def _stumble(self, at: int, reason: str = "", end: int | None = None) -> AskError:
        first, last = self._tokens[at], self._tokens[(end or at + 1) - 1]
        if not reason:
            close = suggestion(first.value, self._known) if first.kind is Kind.WORD else ""
            reason = f"{first.text!r} is not understood{close}"
        return AskError(explain_error(reason, self._sentence, first.start, last.end))
