"""``--qbench-list-backends`` and ``--qbench-backend=all``: sessions with every simulator that is here."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from end_to_end import register, rows, run_file

from pytest_qbench.backends.registry import installed_backends
from pytest_qbench.settings import WORKER_INPUT, _without_all


def test_the_list_says_what_can_be_used_and_why_others_can_not(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(pytester, monkeypatch, broken="BrokenOnStart", gone="NotInstalled", nowhere="no_such_module:X")
    result = pytester.runpytest_subprocess("--qbench-list-backends", "--qbench-backend=aer[method=stabilizer]")
    assert result.ret == 0
    result.stdout.re_match_lines_random(
        [
            r"^backend +version +device +precision +method +dynamic +noise +qubits$",
            r"^aer +0\.\d+\.\d+ +CPU \(GPU\) +double \(single\) +automatic +yes +yes +memory$",
            r"^aer\.method=stabilizer +.* stabilizer .*$",
            r"^  broken +exception: ValueError: what nonsense$",
            r"^  gone +No module named 'no_such_simulator'; pip install good-simulator$",
            r"^  nowhere +.*cannot import no_such_module:X.*$",
            r"^  lret-phase7 +no executable: \$LRET_PHASE7 is not set.*$",
            rf"^\d+ of {len(installed_backends()) + 4} backends available$",
        ]
    )
    assert not (pytester.path / "reports").exists()


def test_in_a_gradient_session_the_list_is_of_paths(pytester: pytest.Pytester) -> None:
    paths = "--qbench-path=native/adjoint,custatevec/shift"
    result = pytester.runpytest_subprocess("--qbench-list-backends", "--qbench-gradients", paths)
    assert result.ret == 0
    result.stdout.re_match_lines([r"qbench: native/adjoint +\d.* adjoint, .*", r"qbench: custatevec/shift .*"])


def test_all_measures_every_simulator_that_can_be_used(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(pytester, monkeypatch, broken="BrokenOnStart", gone="NotInstalled")
    chosen = ("--qbench-core", "-k", "bell_state or teleportation", "--qbench-qubits=2,3", "--qbench-shots=100")
    result = pytester.runpytest_subprocess("--qbench-backend=all", *chosen, "--benchmark-disable")
    assert result.ret == 0
    found = rows(pytester)
    backends = list(dict.fromkeys(row["backend"] for row in found))
    assert {"aer", "native"} <= set(backends) <= set(installed_backends())
    # Every planned point has a verdict, and what ran was right.
    assert [(row["backend"], row["case"]) for row in found] == [
        (backend, case) for case in ("bell_state", "teleportation") for backend in backends
    ]
    assert {row["status"] for row in found} <= {"PASS", "UNSUPPORTED"}
    assert {row["status"] for row in found if row["case"] == "bell_state"} == {"PASS"}
    result.stdout.no_fnmatch_line("*broken*")
    about = run_file(pytester, "comparison.json")["about"]
    assert about["native"]["precision"] == ["double"]
    if "qsim" in backends:
        assert about["qsim"]["precision"] == ["single"]
        result.stdout.re_match_lines([r"^qsim +mixed.*", r"not averaged, because .* than aer: qsim\..*"])
    if len(backends) > 3:
        result.stdout.re_match_lines(
            [
                r"^case +largest +aer .*",
                r"^ +precision +double .*",
                r"^ +method .*",
                r"^backend +precision +method +device +threads +fastest$",
                r"^time / aer +100 +all +cells +cold$",
                r"^native +\d.*x +\d.*x +\d+ +\d.*x$",
            ]
        )


def test_an_xdist_worker_takes_what_its_controller_found() -> None:
    config: Any = SimpleNamespace(stash={}, workerinput={WORKER_INPUT: ["aer", "stim"]})
    assert _without_all(config, ["all"], {}) == ["aer", "stim"]
    assert _without_all(config, ["native,aer"], {}) == ["native,aer"]


def test_the_controller_hands_it_over(pytester: pytest.Pytester) -> None:
    pytest.importorskip("xdist")
    pytester.makeconftest(
        """
import json
import pytest

@pytest.hookimpl(trylast=True)
def pytest_configure_node(node):
    with open("handed.json", "w") as file:
        json.dump(node.workerinput["qbench_backends"], file)
"""
    )
    chosen = ("--qbench-core", "-k", "bell_state", "--qbench-shots=10", "-n", "1")
    result = pytester.runpytest_subprocess("--qbench-backend=aer,aer[seed=3]", *chosen)
    assert result.ret == 0
    assert json.loads((pytester.path / "handed.json").read_text()) == ["aer", "aer[seed=3]"]
