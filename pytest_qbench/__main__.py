"""``python -m pytest_qbench``: what is of use beside a pytest session."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any, NoReturn


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line; ``--help`` has the usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message}\n")


class _CommandError(Exception):
    """A command can't be done; the message is for the user."""


def main() -> int:
    """Run the command line; the exit status is 2 where it can't be done, with the reason on stderr."""
    parser = _Parser(prog="python -m pytest_qbench", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_trace(commands)
    _add_env(commands)
    options = vars(parser.parse_args())
    name, run = options.pop("command"), options.pop("run")
    try:
        run(options)
    except _CommandError as error:
        commands.choices[name].error(str(error))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # whoever read our output, such as head, has gone: leave nothing for the exit to flush
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


def _add_trace(commands: Any) -> None:
    trace = commands.add_parser(
        "trace",
        help="profile one call of the native engine",
        description="Runs one case instance on the native engine in this process, prints the operations of one warm "
        "call that took the most CPU time, and writes a Chrome/Perfetto trace of that call into a run folder.",
    )
    trace.add_argument(
        "case",
        metavar="CASE",
        help="qft, qft-q20, brickwork-q12-d10, an item id such as 'qft[native-q20-s1000]', cases/mine.py::pairs, "
        "adder.qasm or mqt:FAMILY; a plain name is looked up in cases/, then in the built-in suite. Without a size it "
        "is the largest that the case declares up to 20 qubits",
    )
    trace.add_argument("shots", metavar="SHOTS", type=_at_least_one, help="shots of a call")
    trace.add_argument(
        "--qubits",
        metavar="N",
        type=_at_least_one,
        help="size of the instance (default: as CASE says, or else the largest size that the case declares up to 20)",
    )
    trace.add_argument("--depth", metavar="N", type=_at_least_one, help="depth, for a case that takes one")
    trace.add_argument("--precision", choices=("single", "double"), default="double", help="default: double")
    trace.add_argument("--device", choices=("cpu", "cuda", "gpu", "mps"), default="cpu", help="default: cpu")
    trace.add_argument(
        "--threads", metavar="N", type=_at_least_one, help="CPU threads (default: the CPUs this process may run on)"
    )
    trace.add_argument(
        "--rounds",
        metavar="N",
        type=_at_least_one,
        help="warm calls before the profiled one (default: as in a session, 3 to 100 in half a second)",
    )
    trace.add_argument("--seed", metavar="N", type=int, help="seed that all others derive from (default: 42)")
    trace.add_argument(
        "--run-dir",
        "--qbench-run-dir",
        metavar="DIR",
        type=Path,
        default=Path("reports"),
        help="folder that holds the run folders (default: reports)",
    )
    trace.add_argument(
        "--no-stack",
        action="store_true",
        help="leave the Python stacks out: the traced call is faster and the file smaller",
    )
    trace.set_defaults(run=_trace)


def _trace(options: dict[str, Any]) -> None:
    from pytest_qbench.trace import TraceError, TraceRequest, run_trace

    try:
        run_trace(TraceRequest(with_stack=not options.pop("no_stack"), **options))
    except TraceError as error:
        raise _CommandError(str(error)) from error


def _add_env(commands: Any) -> None:
    env = commands.add_parser(
        "env",
        help="make a virtual environment for one simulator",
        description="Makes a virtual environment with versions of a simulator and its dependencies that work together, "
        "and prints the backend spec that uses it. For simulators whose dependencies clash with those of others, and "
        "for two versions of one side by side.",
    )
    env.add_argument("name", metavar="NAME", help="a backend, such as quest, or NAME@VERSION, such as aer@0.17")
    env.add_argument("--path", metavar="DIR", type=Path, help="where (default: .venvs/NAME)")
    env.add_argument("--python", metavar="PYTHON", help="interpreter to make it from (default: one that will do)")
    env.set_defaults(run=_env)


def _env(options: dict[str, Any]) -> None:
    from pytest_qbench.environments import EnvironmentMakingError, run_env

    try:
        run_env(options["name"], options["path"], options["python"])
    except EnvironmentMakingError as error:
        raise _CommandError(str(error)) from error


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
