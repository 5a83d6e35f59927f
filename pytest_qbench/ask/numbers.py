"""Numbers in a sentence: ``4, 8 and 16``, ``4 to 16 in steps of 2``, ``between 4 and 16``. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from pytest_qbench.ask.request import AskError
from pytest_qbench.ask.tokens import Kind, Token

_TO = frozenset({"to", "through", "until"})
_SMALLEST = "2"
"""Where ``up to 20 qubits`` begins."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """One number, or a range of them; ``at`` is its first token, ``end`` the one after it."""

    first: str
    at: int
    end: int
    last: str | None = None
    step: str | None = None
    open_start: bool = False
    """Only the end was said: ``up to 20``."""

    def texts(self) -> tuple[str, ...]:
        """The numbers in it, as written."""
        return tuple(text for text in (self.first, self.last, self.step) if text is not None)

    def whole(self) -> str:
        """``4``, ``4:16`` or ``4:16:2``.

        Raises:
            AskError: a number is not a whole one of at least 1.
        """
        return ":".join(whole(text) for text in self.texts())


def whole(text: str, least: int = 1) -> str:
    """``1000`` of ``1k``, ``1,000`` or ``1_000``.

    Raises:
        AskError: it is not a whole number of at least ``least``.
    """
    value = Decimal(0) if text.endswith("%") else decimal(text)
    if text.endswith("%") or value != int(value) or value < least:
        raise AskError(f"{text} must be a whole number of at least {least}")
    return str(int(value))


def decimal(text: str) -> Decimal:
    """The value of a number as written: ``1%`` is 0.01, ``1k`` is 1000."""
    plain = text.replace("_", "").replace(",", "")
    if plain.endswith("%"):
        return Decimal(plain[:-1]) / 100
    return Decimal(plain[:-1]) * 1000 if plain.endswith("k") else Decimal(plain)


def read_numbers(tokens: Sequence[Token], at: int) -> list[Numbers]:
    """The list of numbers that begins at a token; empty where none does.

    ``A, B and C``: after the ``and`` the list is complete.
    """
    item = _item(tokens, at)
    found = []
    while item is not None:
        found.append(item)
        comma = _is(tokens, item.end, ",")
        both = _is(tokens, item.end + comma, "and")
        if found[0].open_start or not (comma or both) or (len(found) > 1 and _is(tokens, item.at - 1, "and")):
            break
        item = _item(tokens, item.end + comma + both)
    return found


def _item(tokens: Sequence[Token], at: int) -> Numbers | None:
    if _is(tokens, at, "up", "at") and _is(tokens, at + 1, "to", "most") and _is_number(tokens, at + 2):
        return Numbers(_SMALLEST, at, at + 3, last=tokens[at + 2].value, open_start=True)
    if _is(tokens, at, "between") and _is_number(tokens, at + 1) and _is(tokens, at + 2, "and"):
        if not _is_number(tokens, at + 3):
            return None
        return with_step(tokens, Numbers(tokens[at + 1].value, at, at + 4, last=tokens[at + 3].value))
    start = at + _is(tokens, at, "from")
    if not _is_number(tokens, start):
        return None
    token = tokens[start]
    if token.kind is Kind.RANGE:
        first, last, *step = token.value.split(":")
        return Numbers(first, at, start + 1, last, step[0] if step else None)
    if _is(tokens, start + 1, *_TO) and _is_number(tokens, start + 2):
        return with_step(tokens, Numbers(token.value, at, start + 3, last=tokens[start + 2].value))
    return Numbers(token.value, at, start + 1)


def with_step(tokens: Sequence[Token], numbers: Numbers, at: int | None = None) -> Numbers:
    """A range with the step that is said at ``at`` (right after it unless given): ``in steps of 2``, ``by 2``."""
    at = numbers.end if at is None else at
    if numbers.last is None or numbers.step is not None:
        return numbers
    if _is(tokens, at, "by", "every"):
        at += 1
    else:
        at += _is(tokens, at, "in")
        if not _is(tokens, at, "steps", "step"):
            return numbers
        at += 1 + _is(tokens, at + 1, "of")
    return replace(numbers, step=tokens[at].value, end=at + 1) if _is_number(tokens, at) else numbers


def _is(tokens: Sequence[Token], at: int, *values: str) -> bool:
    return 0 <= at < len(tokens) and tokens[at].value in values


def _is_number(tokens: Sequence[Token], at: int) -> bool:
    return at < len(tokens) and tokens[at].is_number
