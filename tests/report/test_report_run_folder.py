"""The folder of a run."""

from __future__ import annotations

import itertools
import json
import os
import re
import secrets
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_samples import ladder_of

from pytest_qbench.report.files import ReportError, write_json
from pytest_qbench.report.rows import build_row, identity
from pytest_qbench.report.run_folder import RunFolder
from pytest_qbench.results import PointResult


def test_the_folder_and_the_pointer_to_it(tmp_path):
    base = tmp_path / "deep" / "reports"
    first = RunFolder.create(base)
    assert re.fullmatch(r"\d{8}-\d{6}-[0-9a-f]{4}", first.run_id)
    assert (base / "latest").resolve() == first.path.resolve()
    second = RunFolder.create(base)
    assert (base / "latest").resolve() == second.path.resolve()
    assert not (base / "latest").readlink().is_absolute(), "the folder may be moved as a whole"
    assert {entry.name for entry in base.iterdir()} == {first.run_id, second.run_id, "latest"}


def test_a_folder_that_is_no_run_leaves_the_pointer(tmp_path):
    run = RunFolder.create(tmp_path)
    other = RunFolder.create(tmp_path, latest=False)
    assert other.path.is_dir()
    assert (tmp_path / "latest").resolve() == run.path.resolve()


def test_the_name_of_a_trace(tmp_path):
    folder = RunFolder.create(tmp_path)
    assert folder.trace("qft", 20, 1000) == folder.path / "trace_qft_20q_1000.json"
    assert folder.trace("a/b: c", 2, 1).name == "trace_a-b-c_2q_1.json"
    assert len(folder.trace("x" * 500, 2, 1).name) < 150


def test_runs_that_start_together_do_not_collide(tmp_path):
    with ThreadPoolExecutor(16) as pool:
        folders = list(pool.map(lambda _: RunFolder.create(tmp_path), range(48)))
    assert len({folder.run_id for folder in folders}) == 48
    assert (tmp_path / "latest").is_dir()


def test_runs_of_one_name_are_counted(tmp_path):
    with ThreadPoolExecutor(4) as pool:
        folders = list(pool.map(lambda _: RunFolder.create(tmp_path, name="bench"), range(4)))
    assert {folder.run_id for folder in folders} == {"bench", "bench-2", "bench-3", "bench-4"}


def test_a_name_that_is_taken_is_tried_again(tmp_path, monkeypatch):
    suffixes = itertools.chain(["aaaa"] * 5, ["bbbb"], itertools.repeat("aaaa"))
    monkeypatch.setattr(secrets, "token_hex", lambda _: next(suffixes))
    one, two = RunFolder.create(tmp_path), RunFolder.create(tmp_path)
    assert one.path != two.path


def test_a_real_folder_named_latest_is_left_alone(tmp_path):
    (tmp_path / "latest").mkdir()
    (tmp_path / "latest" / "mine").touch()
    RunFolder.create(tmp_path)
    assert (tmp_path / "latest" / "mine").exists()
    assert not [entry for entry in tmp_path.iterdir() if entry.name.startswith(".")]


def test_without_links_latest_is_a_text_file(tmp_path, monkeypatch):
    def refuse(*_args, **_kwargs):
        raise OSError("a required privilege is not held by the client")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    RunFolder.create(tmp_path)
    folder = RunFolder.create(tmp_path)
    assert (tmp_path / "latest").read_text() == f"{folder.run_id}\n"


@pytest.mark.parametrize("inside", [".", "reports", "deep/reports"])
def test_a_file_in_the_way(tmp_path, inside):
    (tmp_path / "file").write_text("")
    base = tmp_path / "file" / inside
    with pytest.raises(
        ReportError, match=r"cannot write reports to .*file.*[Nn]ot a directory; use --qbench-run-dir=DIR"
    ):
        RunFolder.create(base)


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_folder_without_permission(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(ReportError, match="Permission denied; use --qbench-run-dir=DIR"):
        RunFolder.create(tmp_path / "reports")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc")
def test_a_file_system_that_takes_no_folders():
    with pytest.raises(ReportError, match="cannot write reports to /proc/self"):
        RunFolder.create(Path("/proc/self"))


def test_plots_only_when_asked_for(tmp_path):
    folder = RunFolder.create(tmp_path)
    assert {entry.name for entry in folder.path.iterdir()} == {"environment.json"}
    assert folder.plots.is_dir()
    assert folder.plots == folder.path / "plots"


def test_json_files_are_valid_and_whole(tmp_path):
    write_json(tmp_path / "a.json", {"x": float("nan"), "y": [1.5, float("inf")]})
    assert json.loads((tmp_path / "a.json").read_text()) == {"x": None, "y": [1.5, None]}
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.json"]
    (tmp_path / "b.json").mkdir()
    with pytest.raises(ReportError, match=r"cannot write .*b\.json"):
        write_json(tmp_path / "b.json", {})
    assert {entry.name for entry in tmp_path.iterdir()} == {"a.json", "b.json"}


def test_the_file_of_an_instance(tmp_path):
    folder = RunFolder.create(tmp_path)
    points = ladder_of({1: 0.1, 10: 0.2}, backend="aer", case="qft", n_qubits=12)
    row = build_row(points, folder.run_id, {})
    path = folder.write_instance(row, points[::-1])
    assert path.name == "aer_qft_12q.json"
    content = json.loads(path.read_text())
    assert content["row"] == row
    assert [PointResult.from_json(value) for value in content["points"]] == points
    assert folder.write_instance(row, points) == path, "the same instance keeps its name"


def row_named(backend="aer", case="qft", n_qubits=4, params=(), noise=None, instance="i"):
    return {
        "backend": backend,
        "case": case,
        "n_qubits": n_qubits,
        "params": dict(params),
        "noise": noise,
        "node": "n",
        "instance": instance,
    }


def test_instance_names(tmp_path):
    folder = RunFolder(tmp_path)
    name = folder.instance_name
    assert name(row_named(params={"depth": 20}, instance="1")) == "aer_qft_4q_depth20"
    assert name(row_named(noise=0.01, instance="2")) == "aer_qft_4q_noise0.01"
    assert name(row_named("fake_manila@aer.method=mps", "a/b c", instance="3")) == "fake_manila-aer.method=mps_a-b-c_4q"
    assert name(row_named("..", "x", instance="4")) == "_x_4q"
    assert name(row_named(instance="5")) == "aer_qft_4q"
    assert re.fullmatch(r"AER_qft_4q_[0-9a-f]{8}", name(row_named("AER", instance="6")))


@given(
    st.lists(
        st.builds(
            row_named,
            backend=st.text(max_size=10),
            case=st.text(max_size=200),
            n_qubits=st.integers(1, 30),
            params=st.dictionaries(st.text(max_size=5), st.integers() | st.floats() | st.text(), max_size=2),
            noise=st.none() | st.floats() | st.text(),
            instance=st.text(max_size=5),
        ),
        max_size=20,
    )
)
def test_instance_names_are_safe_and_unique(rows):
    folder = RunFolder(Path("unused"))
    names = {}
    for row in rows:
        name = folder.instance_name(row)
        assert re.fullmatch(r"[A-Za-z0-9_=+][A-Za-z0-9._=+-]*", name)
        assert len(name) < 200
        owner = identity(row["backend"], row["node"], row["instance"], row["params"])
        names.setdefault(name.lower(), set()).add(owner)
    assert all(len(owners) == 1 for owners in names.values())
