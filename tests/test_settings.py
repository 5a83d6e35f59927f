"""Parsing of option values, and the options through a real pytest run."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_qbench.options import KEYS
from pytest_qbench.values import parse_memory, parse_numbers, parse_seconds, usable_cpus


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("4", (4,)),
        ("8,4,6", (4, 6, 8)),
        ("4:8", (4, 5, 6, 7, 8)),
        ("4:20:2", tuple(range(4, 21, 2))),
        ("4:9:2", (4, 6, 8)),
        ("2, 4:6, 10_000", (2, 4, 5, 6, 10000)),
    ],
)
def test_numbers(text: str, numbers: tuple[int, ...]) -> None:
    assert parse_numbers(text) == numbers


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "neither a number nor a range"),
        ("a", "'a' is neither a number nor a range"),
        ("4;6", "write 4,6,8 or 4:20:2"),
        ("-1", "neither a number"),
        ("0", "at least 1"),
        ("8:4", "the range '8:4' is empty"),
        ("4:8:0", "is empty"),
        ("1.5", "neither a number"),
        ("4,,6", "'' is neither"),
    ],
)
def test_wrong_numbers(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_numbers(text)


@given(st.integers(1, 50), st.integers(0, 50), st.integers(1, 9))
def test_ranges_are_pythons_with_the_end_included(first: int, length: int, step: int) -> None:
    assert parse_numbers(f"{first}:{first + length}:{step}") == tuple(range(first, first + length + 1, step))


def test_seconds() -> None:
    assert parse_seconds("2.5") == 2.5
    for text in ("0", "-1", "nan", "inf", "soon"):
        with pytest.raises(ValueError, match="second"):
            parse_seconds(text)


def test_memory() -> None:
    assert parse_memory("4GiB") == 4 * 2**30
    assert parse_memory("500MB") == 500 * 10**6
    assert parse_memory("1.5 KiB") == 1536
    assert parse_memory("1024") == 1024
    assert 0 < parse_memory("50%") < parse_memory("100%") * 0.6
    for text in ("", "much", "0", "4XB", "-1GiB"):
        with pytest.raises(ValueError, match=r"memory size|more than 0"):
            parse_memory(text)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--qbench-shots=ten"], "--qbench-shots=ten: 'ten' is neither a number nor a range"),
        (["--qbench-qubits=0"], "--qbench-qubits=0: every number must be at least 1"),
        (["--qbench-timeout=0"], "--qbench-timeout=0: must be more than 0 seconds"),
        (["--qbench-memory-limit=lots"], "--qbench-memory-limit=lots: not a memory size"),
        (["--qbench-threads=none"], "--qbench-threads=none: must be a whole number of at least 1"),
        (["--qbench-seed=x"], "--qbench-seed=x: must be a whole number"),
        (["--qbench-backend=are"], "--qbench-backend: unknown backend 'are' (did you mean 'aer'?)"),
        (["--qbench-backend="], "--qbench-backend is empty; known backends: aer, cirq, "),
        (["--qbench-backend=aer["], "--qbench-backend: malformed backend spec 'aer['"),
        (["--qbench-cases=nowhere"], "--qbench-cases=nowhere: no such file or folder"),
        (["--qbench-cases=mqt:nothing"], "MQT Bench"),
    ],
)
def test_a_wrong_option_is_a_usage_error_without_a_traceback(
    pytester: pytest.Pytester, arguments: list[str], message: str
) -> None:
    result = pytester.runpytest_subprocess("--collect-only", *arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    output = result.stdout.str() + result.stderr.str()
    assert message in output
    assert "Traceback" not in output
    assert "INTERNALERROR" not in output


def test_ini_keys_stand_in_for_options_and_name_themselves(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nqbench_shots = 5,50\nqbench_backend = aer aer[seed=1]\nqbench_suite = core\n")
    result = pytester.runpytest_subprocess("--collect-only", "-q", "--qbench-qubits=2")
    result.stdout.fnmatch_lines(
        [
            "qbench::bell_state[[]aer-q2-s5[]]",
            "qbench::bell_state[[]aer-q2-s50[]]",
            "qbench::bell_state[[]aer.seed=1-q2-s5[]]",
            "qbench::bell_state[[]aer.seed=1-q2-s50[]]",
        ]
    )
    pytester.makeini("[pytest]\nqbench_shots = none\n")
    result = pytester.runpytest_subprocess("--collect-only", "--qbench-core")
    result.stderr.fnmatch_lines(["*ini key qbench_shots=none: 'none' is neither*"])
    pytester.makeini("[pytest]\nqbench_suite = huge\n")
    result = pytester.runpytest_subprocess("--collect-only", "--qbench-backend=aer")
    result.stderr.fnmatch_lines(["*ini key qbench_suite=huge: choose from core, standard, full*"])


def test_ini_keys_alone_do_not_make_an_ordinary_run_a_benchmark(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nqbench_backend = aer\n")
    pytester.makepyfile("def test_one(): pass")
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_more_threads_than_cpus_are_told(pytester: pytest.Pytester) -> None:
    cpus = usable_cpus()
    few = ("--qbench-backend=aer", "--qbench-circuits=bell_state", "--qbench-shots=1", f"--qbench-threads={cpus + 1}")
    result = pytester.runpytest_subprocess(*few)
    result.stdout.fnmatch_lines([f"qbench: {cpus + 1} threads on {cpus} CPU*: they take turns*"])


def test_every_option_is_in_the_help(pytester: pytest.Pytester) -> None:
    text = pytester.runpytest_subprocess("--help").stdout.str()
    for key in KEYS:
        assert key.option in text
        assert not key.ini or key.dest in text


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("--qbench-bakend=aer", "--qbench-bakend=aer (did you mean --qbench-backend?)"),
        ("--qbench_backend=aer", "--qbench_backend=aer (did you mean --qbench-backend?)"),
        ("--qbench-shot", "--qbench-shot (did you mean --qbench-shots?)"),
        ("--qbench=aer", "--qbench=aer (pytest --help lists the --qbench options)"),
    ],
)
def test_a_misspelt_option(pytester: pytest.Pytester, word: str, hint: str) -> None:
    result = pytester.runpytest(word, "--no-such")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: unrecognized arguments: {hint} --no-such"])
    assert pytester.runpytest(word, "--help").ret == 0


def test_an_option_that_a_conftest_adds_is_not_misspelt(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("def pytest_addoption(parser):\n    parser.addoption('--qbench-mine')\n")
    pytester.makepyfile("def test_one(request): assert request.config.option.qbench_mine == 'x'")
    pytester.runpytest("--qbench-mine=x", "-k", "--qbench-bakend or one").assert_outcomes(passed=1)
