"""The live status line, seen through a pseudo-terminal: there on a terminal, and nowhere else."""

from __future__ import annotations

import fcntl
import itertools
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import time

import pytest
from end_to_end import make_cases, register, rows

ERASE = "\r\x1b[K"
WIDTH = 90
TOY = ("--qbench-backend=good", "--qbench-shots=1,10,100")


@pytest.fixture(autouse=True)
def _ordinary_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("CI", "BUILD_NUMBER", "COLUMNS", "PY_COLORS", "NO_COLOR", "FORCE_COLOR", "PYTEST_ADDOPTS"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("TERM", "xterm")


@pytest.fixture(autouse=True)
def _toys(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    make_cases(pytester)
    register(pytester, monkeypatch, good="Good", crashes="Segfault", missing="NotInstalled", stuck="HoldsLock")


class Terminal:
    """pytest on a terminal of :data:`WIDTH` columns."""

    def __init__(self, pytester: pytest.Pytester, *arguments: str) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, WIDTH, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pytest", *arguments], cwd=pytester.path, stdin=slave, stdout=slave, stderr=slave
        )
        os.close(slave)
        self.text = ""

    def read(self) -> bool:
        """Take what was written; False once nothing will follow."""
        try:
            data = os.read(self._master, 65536)
        except OSError:  # Linux says so when the other side is closed
            data = b""
        self.text += data.decode(errors="replace")
        return bool(data)

    def finish(self) -> str:
        """Everything that was written, up to the end of pytest."""
        while self.read():
            pass
        self.process.wait()
        os.close(self._master)
        return self.text


def states(text: str) -> list[str]:
    """What the live line showed, one after the other."""
    return re.findall(r"\r\x1b\[K(\d+/\d+  [^\r\n\x1b]*)", text)


def what_stays(text: str) -> str:
    """What the terminal still shows at the end."""
    lines = text.replace("\r\n", "\n").split("\n")
    return re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(line.rpartition(ERASE)[2] for line in lines))


def test_it_shows_progress_and_the_time_left_and_goes_away(pytester: pytest.Pytester) -> None:
    terminal = Terminal(pytester, *TOY)
    shown = states(terminal.finish())
    assert terminal.process.returncode == 0
    assert len(shown) == 6, "one per point"
    assert shown[0].startswith("0/6  0%")
    assert "zeros[good-q2-s1]" in shown[0]
    assert re.fullmatch(r"5/6  83%  5 PASS  [0-9.]+s, about [0-9.]+s left  zeros\[good-q3-s100\]", shown[-1])
    assert all(len(line) < WIDTH for line in shown)
    left = what_stays(terminal.text)
    assert "83%" not in left
    assert "about" not in left
    assert "quantum simulator benchmarks" in left
    assert "6 passed" in left


def test_a_long_point_is_seen_to_go_on(pytester: pytest.Pytester) -> None:
    arguments = ("--qbench-backend=stuck", "--qbench-shots=1,10", "--qbench-timeout=3.5", "-k", "q2")
    terminal = Terminal(pytester, *arguments)
    shown = [line for line in states(terminal.finish()) if "zeros[stuck-q2-s10]" in line]
    assert "s10] " not in shown[0]
    running = [float(line.rpartition(" ")[2].rstrip("s")) for line in shown[1:]]
    assert len(running) >= 2, "every second"
    assert running == sorted(running)
    assert all(later - earlier >= 0.9 for earlier, later in itertools.pairwise(running))
    assert all(len(line) < WIDTH for line in shown)
    left = what_stays(terminal.text)
    assert "%" not in left[left.index("qbench: 2 points") : left.index("benchmark 'zeros'")]


def test_what_does_not_pass_gets_a_line_of_its_own(pytester: pytest.Pytester) -> None:
    terminal = Terminal(pytester, "--qbench-backend=good,crashes,missing", "--qbench-shots=1,10", "-k", "q2")
    terminal.finish()
    left = what_stays(terminal.text)
    above = left[: left.index("benchmark 'zeros'")].splitlines()
    assert [line for line in above if line.startswith("zeros[crashes-q2-s10] ABORT: crash: killed by SIGSEGV")]
    assert [line for line in above if line.startswith("zeros[missing-q2-s1] UNAVAILABLE: No module named")]
    assert not [line for line in above if line.startswith("zeros[good")], "what passed leaves no trace"
    assert states(terminal.text)[-1].startswith("5/6  83%  3 PASS  1 ABORT  1 UNAVAILABLE")


@pytest.mark.parametrize(
    ("arguments", "variables"),
    [
        (["-v"], {}),
        (["-s"], {}),
        ([], {"CI": "true"}),
        ([], {"TERM": "dumb"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "".join(f"{k}={v}" for k, v in value.items()),
)
def test_where_it_would_disturb_there_is_none(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, arguments: list[str], variables: dict[str, str]
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    terminal = Terminal(pytester, *TOY, *arguments)
    assert states(terminal.finish()) == []
    assert terminal.process.returncode == 0


def test_an_ordinary_run_has_none(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_mine="def test_ordinary(): pass")
    terminal = Terminal(pytester)
    assert states(terminal.finish()) == []
    assert "1 passed" in what_stays(terminal.text)


def test_ctrl_c_at_the_terminal_takes_it_away(pytester: pytest.Pytester) -> None:
    terminal = Terminal(pytester, "--qbench-backend=stuck", "--qbench-shots=1,10", "--qbench-timeout=60")
    while "s10]" not in terminal.text and terminal.read():
        pass
    time.sleep(0.3)  # by now the simulator hangs
    terminal.process.send_signal(signal.SIGINT)
    left = what_stays(terminal.finish())
    assert terminal.process.returncode == pytest.ExitCode.INTERRUPTED
    assert "about" not in left
    assert "the session was interrupted" in left
    assert [row["status"] for row in rows(pytester)] == ["PASS"]


def test_under_xdist_it_counts_the_points_of_all_workers(pytester: pytest.Pytester) -> None:
    terminal = Terminal(pytester, *TOY, "-n", "2")
    shown = states(terminal.finish())
    assert terminal.process.returncode == 0
    assert {line.partition("  ")[0].partition("/")[2] for line in shown} == {"6"}
    assert "6 passed" in what_stays(terminal.text)
