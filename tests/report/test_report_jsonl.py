"""Rows on the disk: written whole, read back, also after a kill."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from report_samples import ladder_of

from pytest_qbench.report.files import ReportError, dump_line
from pytest_qbench.report.jsonl import JsonlWriter, read_rows
from pytest_qbench.report.rows import build_row


def row_of(number: int, run_id: str = "run") -> dict:
    return build_row(ladder_of({1: 0.1, 10: 0.2}, n_qubits=number), run_id, {"fingerprint": "0"})


def test_rows_come_back(tmp_path):
    path = tmp_path / "results.jsonl"
    writer = JsonlWriter(path)
    rows = [row_of(number) for number in range(1, 6)]
    for number, row in enumerate(rows, 1):
        writer.write(row)
        assert read_rows(path) == rows[:number], "a row is on the disk before the next one"
    writer.close()
    writer.close()
    assert [json.loads(line) for line in path.read_text().splitlines()] == rows


def test_the_file_of_a_run_is_its_own(tmp_path):
    (tmp_path / "results.jsonl").write_text("")
    with pytest.raises(ReportError, match=r"results\.jsonl: File exists"):
        JsonlWriter(tmp_path / "results.jsonl")


def test_a_torn_last_line_is_left_out_wherever_it_is_cut(tmp_path):
    path = tmp_path / "results.jsonl"
    whole, last = dump_line(row_of(1)), dump_line(row_of(2))
    for cut in [*range(20), *range(20, len(last), 97), len(last) - 1]:
        path.write_text(f"{whole}\n{last[:cut]}")
        assert [row["n_qubits"] for row in read_rows(path)] == [1]
    path.write_text(f"{whole}\n{last}")
    assert [row["n_qubits"] for row in read_rows(path)] == [1, 2], "only the line end is missing"


@pytest.mark.parametrize("bad", ["{", "[]", "{}", '{"schema": 1', "\x00\x00"])
def test_other_corruption_is_named_by_file_and_line(tmp_path, bad):
    path = tmp_path / "results.jsonl"
    path.write_text(f"{dump_line(row_of(1))}\n\n{bad}\n{dump_line(row_of(2))}\n")
    with pytest.raises(ReportError, match=r"results\.jsonl:3: not a row"):
        read_rows(path)


def test_a_last_line_that_no_row_begins_with_is_corruption(tmp_path):
    path = tmp_path / "results.jsonl"
    path.write_text(f"{dump_line(row_of(1))}\nhello")
    with pytest.raises(ReportError, match=r"results\.jsonl:2"):
        read_rows(path)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ReportError, match=r"cannot read rows from .*none\.jsonl: No such file"):
        read_rows(tmp_path / "none.jsonl")


def test_a_later_attempt_supersedes(tmp_path):
    path = tmp_path / "results.jsonl"
    writer = JsonlWriter(path)
    for row in (row_of(1), row_of(2), row_of(1) | {"attempt": 2}, row_of(1, "other run")):
        writer.write(row)
    writer.close()
    assert [(row["n_qubits"], row["attempt"], row["run_id"]) for row in read_rows(path)] == [
        (1, 2, "run"),
        (2, 1, "run"),
        (1, 1, "other run"),
    ]
    assert len(read_rows(path, superseded=True)) == 4


def test_a_copy_is_appended_to_also_after_a_torn_line(tmp_path):
    path = tmp_path / "new" / "all.jsonl"
    torn = dump_line(row_of(9))
    for tail in ("", torn[:5], torn[:300], torn):
        if path.exists():
            path.write_text(path.read_text() + tail)
        writer = JsonlWriter(path, append=True)
        writer.write(row_of(1, f"run {len(tail)}"))
        writer.close()
    assert [row["run_id"] for row in read_rows(path)] == ["run 0", "run 5", "run 300", "run", f"run {len(torn)}"]


@pytest.mark.parametrize("text", ["# Notes\n", "# Notes", '{"a": 1}\n\n'])
def test_a_copy_is_never_appended_to_something_else(tmp_path, text):
    path = tmp_path / "README.md"
    path.write_text(text)
    with pytest.raises(ReportError, match=r"README\.md:1: not a row"):
        JsonlWriter(path, append=True)
    assert path.read_text() == text


def test_a_pipe_can_be_the_copy(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    writer = JsonlWriter(path, append=True)
    writer.write(row_of(1))
    writer.close()
    assert json.loads(os.read(reader, 100_000)) == row_of(1)
    os.close(reader)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_an_error_of_the_report():
    writer = JsonlWriter(Path("/dev/full"), append=True)
    with pytest.raises(ReportError, match="cannot write a row to /dev/full: No space left"):
        writer.write(row_of(1))
    writer.close()


def test_a_row_that_does_not_fit_leaves_nothing_of_it(tmp_path):
    path = tmp_path / "results.jsonl"
    row = row_of(1)
    limit = 2 * (len(dump_line(row)) + 1) + 100

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    script = f"""
import json, signal, sys
from pathlib import Path
from pytest_qbench.report.files import ReportError
from pytest_qbench.report.jsonl import JsonlWriter
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
writer = JsonlWriter(Path({str(path)!r}))
row = json.load(sys.stdin)
writer.write(row); writer.write(row)
try:
    writer.write(row)
except ReportError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], input=dump_line(row), text=True, capture_output=True, preexec_fn=limited
    )
    assert "File too large" in done.stdout, done.stderr
    assert path.read_text() == 2 * (dump_line(row) + "\n")


WRITE_FOR_EVER = """
import json, sys
from pathlib import Path
from pytest_qbench.report.jsonl import JsonlWriter
writer = JsonlWriter(Path(sys.argv[1]))
row = json.load(sys.stdin)
row["env"]["padding"] = "x" * 200_000
number = 0
while True:
    number += 1
    writer.write(row | {"instance": str(number)})
"""


@pytest.mark.parametrize("rows_before", [1, 5, 20])
def test_kill_9_in_the_middle_leaves_every_finished_row(tmp_path, rows_before):
    path = tmp_path / "results.jsonl"
    process = subprocess.Popen([sys.executable, "-c", WRITE_FOR_EVER, path], stdin=subprocess.PIPE, text=True)
    process.stdin.write(dump_line(row_of(1)))
    process.stdin.close()
    deadline = time.monotonic() + 30
    while not path.exists() or path.read_bytes().count(b"\n") < rows_before:
        assert process.poll() is None
        assert time.monotonic() < deadline
    process.send_signal(signal.SIGKILL)
    process.wait()
    rows = read_rows(path)
    assert len(rows) >= rows_before
    assert [row["instance"] for row in rows] == [str(number) for number in range(1, len(rows) + 1)]
