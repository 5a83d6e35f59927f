"""A sentence as tokens. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from enum import Enum

_TOKEN = re.compile(
    r"""
    (?P<range>\d+:\d+(?::\d+)?)
  | (?P<number>(?:\d{1,3}(?:,000)+(?!\d)|\d[\d_]*(?:\.\d+)?|\.\d+)(?:e[+-]?\d+(?!\w))?(?:%|k(?!\w))?)
  | (?P<word>[^\W\d_](?:[\w.+'-]*[\w+])?(?:\[[^\[\]]*\])?)
  | (?P<to>\.\.+)
  | (?P<mark>\S)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_SAME = str.maketrans({"–": "-", "—": "-", "’": "'", "‘": "'", "“": '"', "”": '"', ";": ",", "/": ","})
_QUOTES = frozenset("\"'`()")
_ENDS = frozenset(".!?,")


class Kind(Enum):
    """What a token is."""

    WORD = "word"
    NUMBER = "number"
    RANGE = "range"
    """``4:16`` or ``4:16:2``."""
    MARK = "mark"


@dataclass(frozen=True, slots=True)
class Token:
    """A word in small letters, a number, or a mark; ``text`` is as written, from ``start`` in the sentence."""

    kind: Kind
    value: str
    text: str
    start: int

    @property
    def end(self) -> int:
        """Where it ends in the sentence."""
        return self.start + len(self.text)

    @property
    def is_number(self) -> bool:
        """Whether it is a number or a range of them."""
        return self.kind in (Kind.NUMBER, Kind.RANGE)


def tokenize(sentence: str, words: Collection[str]) -> list[Token]:
    """The tokens of a sentence, without quotation marks and the point at its end.

    A word with a hyphen that is none of ``words`` counts as its parts: ``single-precision``, ``10-qubit``.
    """
    tokens = [part for token in _scan(sentence.translate(_SAME)) for part in _parts(token, words)]
    tokens = [token for token in tokens if token.kind is not Kind.MARK or token.value not in _QUOTES]
    while tokens and tokens[-1].kind is Kind.MARK and tokens[-1].value in _ENDS:
        tokens.pop()
    return _without_hyphens(tokens)


def _scan(text: str) -> Iterator[Token]:
    for match in _TOKEN.finditer(text):
        kind, found = str(match.lastgroup), match[0]
        if kind == "to":
            yield Token(Kind.WORD, "to", found, match.start())
        elif kind == "word":
            name, bracket, options = found.partition("[")
            yield Token(Kind.WORD, name.lower().removesuffix("'s") + bracket + options, found, match.start())
        else:
            value = "and" if found == "&" else found.lower()
            yield Token(Kind.WORD if found == "&" else Kind(kind), value, found, match.start())


def _parts(token: Token, words: Collection[str]) -> list[Token]:
    name = token.value.partition("[")[0]
    if token.kind is not Kind.WORD or "-" not in name or name in words or "[" in token.value:
        return [token]
    return [replace(part, start=token.start + part.start) for part in _scan(token.text.replace("-", " "))]


def _without_hyphens(tokens: list[Token]) -> list[Token]:
    """``4-16`` is a range; the hyphen of ``10-qubit`` and a dash say nothing, but ``-4`` is no number."""
    kept: list[Token] = []
    for index, token in enumerate(tokens):
        before, after = (kept[-1] if kept else None), (tokens[index + 1] if index + 1 < len(tokens) else None)
        ranges = after is not None and after.kind is Kind.NUMBER
        if token.value != "-":
            kept.append(token)
        elif ranges and before is not None and before.kind is Kind.NUMBER:
            kept.append(Token(Kind.WORD, "to", token.text, token.start))
        elif ranges:
            kept.append(token)
    return kept
