"""The garbage collector rests while a measuring session collects, and only then."""

from __future__ import annotations

import pytest
from end_to_end import make_cases

CONFTEST = """
import gc
import sys

def note(moment):
    print(f"{moment}: {gc.isenabled()}", file=sys.stderr)

def pytest_collection_modifyitems():
    note("collecting")

def pytest_runtestloop():
    note("running")

def pytest_sessionfinish():
    note("at the end")
"""


@pytest.mark.parametrize(
    ("arguments", "collecting", "on"),
    [
        (["--qbench-backend=aer", "-k", "nothing"], False, True),
        (["--qbench-backend=aer", "-k", "nothing", "-p", "off"], False, False),
        ([], True, True),
    ],
    ids=["measuring", "off already", "ordinary"],
)
def test_when_it_rests(pytester: pytest.Pytester, arguments: list[str], collecting: bool, on: bool) -> None:
    make_cases(pytester)
    pytester.makepyfile(off="import gc; gc.disable()", test_one="def test_one(): pass")
    pytester.makeconftest(CONFTEST)
    pytester.syspathinsert()
    result = pytester.runpytest_subprocess(*arguments, "-s")
    result.stderr.fnmatch_lines([f"collecting: {collecting}", f"running: {on}", f"at the end: {on}"])


def test_it_works_again_after_a_collection_that_fails(pytester: pytest.Pytester) -> None:
    make_cases(pytester, "1 / 0")
    pytester.makeconftest(CONFTEST)
    result = pytester.runpytest_subprocess("--qbench-backend=aer", "-s")
    result.stderr.fnmatch_lines(["at the end: True"])
    assert result.ret == pytest.ExitCode.INTERRUPTED
