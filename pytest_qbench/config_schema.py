"""Values checked against ``config.schema.json``: what is wrong with a config file, by the path of the key.

The schema is the truth: what a key may be is written there and nowhere else. This module knows the few keywords of
JSON Schema that the file uses, and says what is wrong in words for people, which no validator does.
"""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

SCHEMA_FILE = Path(__file__).with_name("config.schema.json")

_NAMES = {
    "object": "an object with keys",
    "array": "a list",
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
}


@cache
def schema() -> Mapping[str, Any]:
    """The schema that ships with the package."""
    content: Mapping[str, Any] = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    return content


def first_problem(value: Any) -> str | None:
    """What is wrong with the content of a config file, as ``key.path[index]: what, and what to write``; None: nothing.

    The first problem in the order of the file.
    """
    return next(_problems(value, schema(), ""), None)


def _problems(value: Any, rule: Mapping[str, Any], path: str, example: Any = None) -> Iterator[str]:
    example = rule.get("examples", [example])[0]
    wrong = next((text for check in _CHECKS if (text := check(value, rule))), None)
    if wrong is not None:
        hint = "" if example is None else f"; write for example {json.dumps(example)}"
        yield f"{path or 'the file'}: {wrong}{hint}"
        return
    if isinstance(value, Mapping):
        known = rule["properties"]
        for key, inner in value.items():
            inner_path = f"{path}.{key}" if path else str(key)
            if key not in known:
                yield f"{inner_path}: there is no such key{_nearest(str(key), known)}; {_place(path)}: {_keys(known)}"
            else:
                yield from _problems(inner, known[key], inner_path)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _problems(inner, rule["items"], f"{path}[{index}]", example)


def _type(value: Any, rule: Mapping[str, Any]) -> str | None:
    types = rule.get("type", ())
    allowed: Sequence[str] = [types] if isinstance(types, str) else list(types)
    if not allowed or any(_is(value, name) for name in allowed):
        return None
    return f"must be {' or '.join(_NAMES[name] for name in allowed)}, not {_show(value)}"


def _is(value: Any, name: str) -> bool:
    whole = isinstance(value, int) and not isinstance(value, bool)
    number = whole or (isinstance(value, float) and math.isfinite(value))
    return {
        "object": isinstance(value, Mapping),
        "array": isinstance(value, list),
        "string": isinstance(value, str),
        "integer": whole or (number and value.is_integer()),
        "number": number,
        "boolean": isinstance(value, bool),
        "null": value is None,
    }[name]


def _enum(value: Any, rule: Mapping[str, Any]) -> str | None:
    choices = rule.get("enum")
    if choices is None or any(value == choice and type(value) is type(choice) for choice in choices):
        return None
    near = _nearest(value, [choice for choice in choices if choice]) if isinstance(value, str) else ""
    return f"{_show(value)} is none of {', '.join(map(_show, choices))}{near}"


def _bounds(value: Any, rule: Mapping[str, Any]) -> str | None:
    if not _is(value, "number"):
        return None
    if value < rule.get("minimum", -math.inf):
        return f"must be at least {rule['minimum']}, not {_show(value)}"
    if value <= rule.get("exclusiveMinimum", -math.inf):
        return f"must be more than {rule['exclusiveMinimum']}, not {_show(value)}"
    if value > rule.get("maximum", math.inf):
        return f"must be at most {rule['maximum']}, not {_show(value)}"
    return None


def _length(value: Any, rule: Mapping[str, Any]) -> str | None:
    least = rule.get("minLength" if isinstance(value, str) else "minItems", 0)
    return "must not be empty" if isinstance(value, (str, list)) and len(value) < least else None


def _pattern(value: Any, rule: Mapping[str, Any]) -> str | None:
    if not isinstance(value, str) or "pattern" not in rule or re.fullmatch(rule["pattern"], value):
        return None
    return (
        f"{_show(value)} can't be the name of a folder; take letters, digits and ._=+- (100 at most), and not 'latest'"
    )


def _unique(value: Any, rule: Mapping[str, Any]) -> str | None:
    if not isinstance(value, list) or not rule.get("uniqueItems"):
        return None
    for index, item in enumerate(value):
        if any(_same(item, other) for other in value[:index]):
            return f"{_show(item)} is given twice"
    return None


def _same(one: Any, other: Any) -> bool:
    """Equality of JSON: 1 is 1.0, and true is no number."""
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


_CHECKS: Sequence[Callable[[Any, Mapping[str, Any]], str | None]] = (_type, _enum, _bounds, _length, _pattern, _unique)


def _nearest(word: str, known: Sequence[str] | Mapping[str, Any]) -> str:
    close = difflib.get_close_matches(word.lower(), list(known), n=1, cutoff=0.6)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _place(path: str) -> str:
    return f"the keys of {path}" if path else "the keys of a config file"


def _keys(known: Mapping[str, Any]) -> str:
    return ", ".join(key for key in known if not key.startswith("$"))


def _show(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:56]} ..."
