"""``--qbench-ask``: the sentence on a command line, and the options that it stands for."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pytest

OPTION = "--qbench-ask"


@dataclass(frozen=True, slots=True)
class Asked:
    """A sentence, the options that it stands for, and those of them that the command line gives otherwise."""

    sentence: str
    words: tuple[str, ...]
    overridden: tuple[str, ...]

    def lines(self, arguments: Sequence[str]) -> list[str]:
        """The plan and the equivalent command line, for the header; ``arguments`` are those of the session."""
        _, others = _take_sentence(arguments)
        plan = "; ".join(word.removeprefix("--qbench-").replace("=", " ", 1) for word in self.words)
        lines = [f"qbench: asked for: {self.sentence}", f"qbench: the plan: {plan or 'nothing but the options given'}"]
        if self.overridden:
            lines.append(f"qbench: the command line overrides {', '.join(self.overridden)}")
        return [*lines, f"qbench: the same as: {shlex.join(['pytest', *self.words, *others])}"]


ASKED = pytest.StashKey[Asked]()


def expand(arguments: list[str], known: Mapping[str, str]) -> Asked | None:
    """Put the options that a sentence among ``arguments`` stands for before it; None where there is no sentence.

    Options that are there already stay as they are. ``known`` maps backends to their adapters.

    Raises:
        pytest.UsageError: the sentence is not understood.
    """
    from pytest_qbench.ask.grammar import AskError, command_words, parse
    from pytest_qbench.ask.names import Names
    from pytest_qbench.sources import builtin_case_names

    sentence, others = _take_sentence(arguments)
    if sentence is None:
        return None
    try:
        words = command_words(parse(sentence, Names(known, builtin_case_names())))
    except AskError as error:
        raise pytest.UsageError(f"{OPTION}: {error}") from error
    given = {_option(argument) for argument in others}
    taken = [word for word in words if _option(word) not in given]
    arguments[0:0] = taken
    return Asked(sentence, tuple(taken), tuple(dict.fromkeys(_option(word) for word in words if word not in taken)))


def _take_sentence(arguments: Sequence[str]) -> tuple[str | None, list[str]]:
    """The sentence among arguments, and the other arguments.

    Raises:
        pytest.UsageError: there are two.
    """
    found: list[str] = []
    others: list[str] = []
    rest = iter(map(str, arguments))
    for argument in rest:
        option, equals, value = argument.partition("=")
        if option != OPTION:
            others.append(argument)
        else:
            found.append(value if equals else next(rest, ""))
    if len(found) > 1:
        raise pytest.UsageError(f"{OPTION} is given {len(found)} times; one sentence says it all")
    return (found[0] if found else None), others


def _option(word: str) -> str:
    return word.partition("=")[0]
