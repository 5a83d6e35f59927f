"""The schema that ships and the validator that reads it: what one of them refuses, the other does."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from pytest_qbench.config_schema import SCHEMA_FILE, first_problem, schema

ORDER = {
    "benchmark_id": "bench_20260206_001",
    "name": "GHZ Scalability",
    "description": "...",
    "backends": ["lret-phase7", "cirq", "qiskit-aer", "qsim", "pennylane", "stim"],
    "parameters": {
        "n_qubits": [4, 6, 8, 10, 12, 14, 16, 18, 20],
        "circuit_type": ["ghz"],
        "shots": [1000],
        "noise_model": [None],
        "noise_strength": [0.0],
        "depth": [None],
    },
    "execution": {"parallel": True, "max_parallel": 4, "timeout_per_run": 300, "retries": 1, "warmup_runs": 1},
    "output_dir": "results/bench_20260206_001",
}
KEYWORDS = {
    "type",
    "properties",
    "additionalProperties",
    "items",
    "enum",
    "minimum",
    "exclusiveMinimum",
    "maximum",
    "minLength",
    "minItems",
    "uniqueItems",
    "pattern",
}
"""What the validator applies."""
NOTES = {"$schema", "title", "description", "examples"}
WRONG: Mapping[str, list[Any]] = {
    "type": [{}, [], "text", 7, 1.5, True, None],
    "enum": ["thermal", 0, ""],
    "minimum": [-1, -0.5],
    "exclusiveMinimum": [0, -3],
    "maximum": [1.001, 7],
    "minLength": [""],
    "minItems": [[]],
    "pattern": ["", "latest", "a/b", "..", "-a", "ok\n", "a" * 101],
}
"""Values that break a keyword wherever the file has it."""


def keys(rule: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    """Every key of the schema with its rule."""
    for name, inner in rule.get("properties", {}).items():
        yield (*path, name), inner
        yield from keys(inner, (*path, name))


def with_value(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    for name in reversed(path):
        value = {name: value}
    return dict(value)


def broken_values(rule: Mapping[str, Any]) -> Iterator[Any]:
    """Values that a rule refuses by one of its keywords."""
    for keyword in rule:
        for value in WRONG.get(keyword, ()):
            if keyword != "type" or not fits(value, rule["type"]):
                yield value
    if "items" in rule:
        yield from ([value] for value in broken_values(rule["items"]))
        yield rule["examples"][0] + rule["examples"][0][:1]  # uniqueItems


def fits(value: Any, types: str | list[str]) -> bool:
    kinds = {
        "object": isinstance(value, dict),
        "array": isinstance(value, list),
        "string": isinstance(value, str),
        "integer": type(value) is int,
        "number": type(value) in (int, float),
        "boolean": isinstance(value, bool),
        "null": value is None,
    }
    return any(kinds[kind] for kind in ([types] if isinstance(types, str) else types))


def rules(rule: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield rule
    for inner in [*rule.get("properties", {}).values(), *([rule["items"]] if "items" in rule else [])]:
        yield from rules(inner)


def cases() -> Iterator[tuple[dict[str, Any], bool]]:
    """Files, and whether they are right."""
    yield ORDER, True
    yield {}, True
    for path, rule in keys(schema()):
        for example in rule.get("examples", ()):
            yield with_value(path, example), True
        for value in broken_values(rule):
            yield with_value(path, value), False
        if rule.get("type") == "object":
            yield with_value((*path, "nonsense"), 1), False
    yield {"nonsense": 1}, False


def test_the_validator_knows_every_keyword_of_the_schema() -> None:
    assert {keyword for rule in rules(schema()) for keyword in rule} <= KEYWORDS | NOTES
    for rule in rules(schema()):
        if rule.get("type") == "object":
            assert rule["additionalProperties"] is False
        if rule.get("type") == "array":
            assert rule["uniqueItems"] is True


def test_the_validator_applies_every_rule_of_the_schema() -> None:
    found = list(cases())
    assert len(found) > 150
    for content, right in found:
        problem = first_problem(content)
        assert (problem is None) == right, (content, problem)


def test_another_validator_says_the_same() -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="compares with it: pip install jsonschema")
    jsonschema.Draft202012Validator.check_schema(schema())
    other = jsonschema.Draft202012Validator(schema())
    for content, _ in cases():
        if "ok\n" not in str(content.get("benchmark_id")):  # $ is before a last line break in Python's expressions only
            assert other.is_valid(content) == (first_problem(content) is None), content


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("nonsense",), 1, "nonsense: there is no such key; the keys of a config file: benchmark_id, name, "),
        (("backend",), ["aer"], "backend: there is no such key (did you mean 'backends'?)"),
        (
            ("parameters", "qubits"),
            [4],
            "parameters.qubits: there is no such key (did you mean 'n_qubits'?); the keys of",
        ),
        (
            ("parameters", "n_qubits"),
            [4, -2],
            "parameters.n_qubits[1]: must be at least 1, not -2; write for example [4,",
        ),
        (("parameters", "n_qubits"), 4, "parameters.n_qubits: must be a list, not 4; write for example [4, 8, 12]"),
        (("parameters", "n_qubits"), ["4"], 'parameters.n_qubits[0]: must be a whole number, not "4"'),
        (("parameters", "n_qubits"), [True], "parameters.n_qubits[0]: must be a whole number, not true"),
        (("parameters", "shots"), [], "parameters.shots: must not be empty"),
        (("parameters", "shots"), [10, 10.0], "parameters.shots: 10.0 is given twice"),
        (("parameters", "noise_model"), ["depolarising"], "(did you mean 'depolarizing'?)"),
        (("parameters", "noise_strength"), [1.5], "parameters.noise_strength[0]: must be at most 1, not 1.5"),
        (("parameters", "depth"), ["deep"], 'parameters.depth[0]: must be a whole number or null, not "deep"'),
        (("execution", "parallel"), "yes", 'execution.parallel: must be true or false, not "yes"'),
        (("execution", "timeout_per_run"), 0, "execution.timeout_per_run: must be more than 0, not 0"),
        (("benchmark_id",), "a/b", "can't be the name of a folder"),
    ],
)
def test_what_is_wrong_is_said_with_the_key(path: tuple[str, ...], value: Any, message: str) -> None:
    content = copy.deepcopy(ORDER)
    place: Any = content
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    assert message in str(first_problem(content))


def test_a_file_that_holds_no_object() -> None:
    assert first_problem([1]) == "the file: must be an object with keys, not [1]"


def test_the_page_shows_the_schema() -> None:
    page = (Path(__file__).parent.parent / "docs" / "plans.md").read_text()
    (example,) = re.findall(r"^```json\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert json.loads(example) == ORDER
    shown = set(re.findall(r"`([\w.]+)`", "".join(re.findall(r"^\|([^|]*)\|", page, re.MULTILINE))))
    known = {".".join(path) for path, rule in keys(schema()) if rule["type"] != "object"}
    assert known - {"$schema"} <= shown


def test_the_schema_is_a_file_of_the_package() -> None:
    assert json.loads(SCHEMA_FILE.read_text())["$schema"] == "https://json-schema.org/draft/2020-12/schema"
