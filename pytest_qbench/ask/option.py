"""``--qbench-ask``: the sentence on a command line, replaced by the options that it stands for."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pytest

OPTION = "--qbench-ask"


@dataclass(frozen=True, slots=True)
class Asked:
    """A sentence, the plan that it makes, and the options that were taken from it."""

    sentence: str
    plan: str
    words: tuple[str, ...]
    overridden: tuple[str, ...]
    """Options of the sentence that the command line gives otherwise."""

    def lines(self, arguments: Sequence[str]) -> list[str]:
        """The plan and the equivalent command line, for the header; ``arguments`` are those of the session."""
        _, others = take_sentence(arguments)
        lines = [f"qbench: asked for: {self.sentence}", f"qbench: the plan: {self.plan}"]
        if self.overridden:
            lines.append(f"qbench: the command line overrides {', '.join(self.overridden)}")
        return [*lines, f"qbench: the same as: {shlex.join(['pytest', *self.words, *others])}"]


ASKED = pytest.StashKey[Asked]()


def take_sentence(arguments: Sequence[str]) -> tuple[str | None, list[str]]:
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
        elif equals:
            found.append(value)
        else:
            value = next(rest, "")
            found.append(value)
    if len(found) > 1:
        raise pytest.UsageError(f"{OPTION} is given {len(found)} times; one sentence says it all")
    return (found[0] if found else None), others


def expand(arguments: list[str], known: Mapping[str, str]) -> Asked | None:
    """Put the options that a sentence among ``arguments`` stands for before it; None where there is no sentence.

    Options that are there already stay as they are. ``known`` maps backends to their adapters.

    Raises:
        pytest.UsageError: the sentence is not understood.
    """
    from pytest_qbench.ask.grammar import parse
    from pytest_qbench.ask.request import AskError, command_words, explain
    from pytest_qbench.ask.vocabulary import read_vocabulary

    sentence, others = take_sentence(arguments)
    if sentence is None:
        return None
    try:
        request = parse(sentence, read_vocabulary(known))
    except AskError as error:
        raise pytest.UsageError(f"{OPTION}: {error}") from error
    given = {argument.partition("=")[0] for argument in others}
    words = command_words(request)
    taken = [word for word in words if word.partition("=")[0] not in given]
    overridden = dict.fromkeys(word.partition("=")[0] for word in words if word not in taken)
    place = next(i for i, argument in enumerate(arguments) if str(argument).partition("=")[0] == OPTION)
    arguments[place:place] = taken
    return Asked(sentence, explain(request), tuple(taken), tuple(overridden))
