"""Asking every backend whether it can be used here: broken ones harm no others."""

from __future__ import annotations

import pytest
from end_to_end import FAULTY

from pytest_qbench.availability import (
    Availability,
    availability_table,
    available,
    expand_all,
    probe,
    probe_known,
)
from pytest_qbench.backends.base import Capabilities, Description
from pytest_qbench.backends.registry import installed_backends
from pytest_qbench.specs import BackendSpec, parse_spec


@pytest.fixture(autouse=True)
def _faulty_backends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(FAULTY))


def spec(name: str, **options: object) -> BackendSpec:
    """A backend of ``faulty_backends``."""
    return BackendSpec(name, name, f"faulty_backends:{name}", tuple(options.items()), name)


def test_one_that_can_be_used_tells_what_it_can() -> None:
    (answer,) = probe([spec("Good")])
    assert answer.is_available
    assert (answer.name, answer.problem) == ("Good", "")
    assert answer.description is not None
    assert answer.description.version == "1.0"
    assert answer.capabilities == Capabilities(frozenset({"x"}), max_qubits=20)


def test_broken_ones_say_why_and_harm_no_others(tmp_path: object) -> None:
    names = ["NotInstalled", "Good", "NoDriver", "BrokenOnStart", "HangsOnStart", "Prints"]
    answers = probe([*map(spec, names), spec("DiesOnStart", file=f"{tmp_path}/starts")], timeout=3.0)
    assert [answer.name for answer in answers] == [*names, "DiesOnStart"]
    problems = {answer.name: (answer.problem, answer.install) for answer in answers}
    assert problems == {
        "NotInstalled": ("No module named 'no_such_simulator'", "pip install good-simulator"),
        "Good": ("", ""),
        "NoDriver": ("no CUDA driver found", "apt install driver"),
        "BrokenOnStart": ("exception: ValueError: what nonsense", ""),
        "HangsOnStart": ("timeout: start took more than 3 s", ""),
        "Prints": ("", ""),
        "DiesOnStart": ("crash: killed by SIGSEGV", ""),
    }
    assert [found.name for found in available(answers)] == ["Good", "Prints"]


def test_nothing_to_ask() -> None:
    assert probe([]) == []


def test_known_backends_and_those_that_were_named() -> None:
    known = {"native": "no_such_module:X", **{name: installed_backends()[name] for name in ("aer",)}}
    also = [parse_spec(text, known) for text in ("aer", "aer[device=GPU]", "aer[method=stabilizer]")]
    answers = {answer.name: answer for answer in probe_known(known, also)}
    assert list(answers) == ["aer", "native", "aer.device=GPU", "aer.method=stabilizer"]
    assert answers["aer"].capabilities is not None
    assert answers["aer"].capabilities.dynamic
    assert "cannot import no_such_module:X" in answers["native"].problem
    assert answers["aer.method=stabilizer"].is_available


def test_all_stands_for_those_that_can_be_used() -> None:
    known = {"aer": installed_backends()["aer"], "gone": "faulty_backends:NotInstalled", "bad": "no_such_module:X"}
    assert expand_all(["all"], known) == ["aer"]
    assert expand_all(["aer[method=stabilizer],all", "aer"], known) == ["aer[method=stabilizer]", "aer"]


def test_without_all_nothing_is_asked() -> None:
    assert expand_all(["one[a=1,b=2], two"], {}) == ["one[a=1,b=2]", "two"]


def answer_of(name: str, description: Description, capabilities: Capabilities | None) -> Availability:
    return Availability(name, None, description, capabilities)


def test_the_table() -> None:
    everything = Capabilities(frozenset(), 8, True, True, None, ("double", "single"), ("CPU", "GPU"))
    answers = [
        answer_of("aer", Description("0.18.2", method="automatic"), everything),
        answer_of("qsim", Description("0.22.1", precision="single"), Capabilities(frozenset(), max_qubits=34)),
        Availability("quest", None, problem="No module named\n 'pyquest'", install="pip install pyquest"),
        Availability("bad", None, problem="crash: killed by SIGSEGV"),
    ]
    assert availability_table(answers) == [
        "backend  version  device     precision        method     dynamic  noise  qubits",
        "aer      0.18.2   CPU (GPU)  double (single)  automatic  yes      yes    memory",
        "qsim     0.22.1   CPU        single (double)  -          no       no         34",
        "",
        "In brackets: what device= and precision= can ask for besides. qubits: the most that the simulator takes; "
        "memory: as many as fit.",
        "",
        "not available:",
        "  quest  No module named 'pyquest'; pip install pyquest",
        "  bad    crash: killed by SIGSEGV",
        "",
        "2 of 4 backends available",
    ]


def test_the_table_of_nothing_that_works() -> None:
    assert availability_table([Availability("bad", None, problem="gone")]) == [
        "not available:",
        "  bad  gone",
        "",
        "0 of 1 backend available",
    ]
