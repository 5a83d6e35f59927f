"""``--qbench-ask``: the sentence on a command line, and the options that it stands for."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pytest

OPTION = "--qbench-ask"


@dataclass(frozen=True, slots=True)
class Asked:
    """A sentence, the options that it stands for, those of them that the command line gives otherwise, and its rest."""

    sentence: str
    words: tuple[str, ...]
    overridden: tuple[str, ...]
    others: tuple[str, ...]

    @property
    def lines(self) -> list[str]:
        """The plan and the equivalent command line, for the header."""
        plan = "; ".join(word.removeprefix("--qbench-").replace("=", " ", 1) for word in self.words)
        lines = [f"asked for: {self.sentence}", f"the plan: {plan or 'nothing but the options given'}"]
        if self.overridden:
            lines.append(f"the command line overrides {', '.join(self.overridden)}")
        return [*lines, f"the same as: {shlex.join(['pytest', *self.words, *self.others])}"]


ASKED = pytest.StashKey[Asked]()


def expand(arguments: list[str], written: Sequence[object], known: Mapping[str, str]) -> Asked | None:
    """Put the options that a sentence among ``arguments`` stands for in its place; None where there is no sentence.

    Options that are there already stay as they are.

    Args:
        arguments: what pytest is going to parse, changed in place.
        written: what the user wrote of it, without what comes from ini files and the environment.
        known: backend -> its adapter.

    Raises:
        pytest.UsageError: the sentence is not understood, or there are two.
    """
    from pytest_qbench.ask.grammar import AskError, command_words, parse
    from pytest_qbench.ask.names import Names
    from pytest_qbench.sources import builtin_case_names

    before, sentence, after = _split(arguments)
    if sentence is None:
        return None
    try:
        words = command_words(parse(sentence, Names(known, builtin_case_names())))
    except AskError as error:
        raise pytest.UsageError(f"{OPTION}: {error}") from error
    given = {_option(argument) for argument in (*before, *after)}
    taken = [word for word in words if _option(word) not in given]
    arguments[:] = [*before, *taken, *after]
    overridden = dict.fromkeys(_option(word) for word in words if word not in taken)
    first, _, last = _split(list(map(str, written)))
    return Asked(sentence, tuple(taken), tuple(overridden), (*first, *last))


def _split(arguments: Sequence[str]) -> tuple[list[str], str | None, list[str]]:
    """What stands before the sentence, the sentence, and what stands after it.

    Raises:
        pytest.UsageError: there are two.
    """
    places = [index for index, argument in enumerate(arguments) if _option(argument) == OPTION]
    if len(places) > 1:
        raise pytest.UsageError(f"{OPTION} is given {len(places)} times; one sentence says it all")
    if not places:
        return list(arguments), None, []
    (place,) = places
    _, equals, sentence = arguments[place].partition("=")
    after = list(arguments[place + 1 :])
    if not equals:
        sentence = after.pop(0)
    return list(arguments[:place]), sentence, after


def _option(word: str) -> str:
    return word.partition("=")[0]
