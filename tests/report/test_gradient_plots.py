"""Plots of gradient scenarios: what they show is what the rows and the CSV files say."""

from __future__ import annotations

import csv
import itertools
import sys
from pathlib import Path
from typing import Any

import gradient_samples
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_qbench.report import gradient_figures as figures
from pytest_qbench.report.gradient_plots import SpeedUps, write_plots
from pytest_qbench.report.gradient_rows import format_bytes, read, slugs
from pytest_qbench.report.plot_page import Curve, Stroke, spread

matplotlib = pytest.importorskip("matplotlib")

FEW = ("pennylane/default.qubit", "pennylane-tuned/default.qubit", "lightning/adjoint", "native/adjoint")


def _table(file: Path) -> list[dict[str, str]]:
    with file.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def _drawn(monkeypatch: pytest.MonkeyPatch, rows: list[dict[str, Any]], folder: Path) -> dict[str, Any]:
    """File name without suffix -> the figure that was saved under it."""
    from matplotlib.figure import Figure

    saved: dict[str, Any] = {}
    real = Figure.savefig

    def savefig(self: Figure, file: Path, **options: Any) -> None:
        saved[file.stem] = self
        real(self, file, **options)

    monkeypatch.setattr(Figure, "savefig", savefig)
    write_plots(rows, folder)
    return saved


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[dict[str, Any]], Path, Any]:
    folder = tmp_path_factory.mktemp("run") / "plots"
    rows = gradient_samples.rows()
    return rows, folder, write_plots(rows, folder)


def test_every_plot_is_written_as_picture_drawing_and_numbers(written: Any) -> None:
    _, folder, plots = written
    assert [plot.what for plot in plots.plots] == ["time", "throughput", "split", "memory"]
    assert plots.problem == ""
    assert sorted(plots.files) == sorted(folder.iterdir())
    for plot in plots.plots:
        assert plot.png.read_bytes().startswith(b"\x89PNG")
        assert "<svg" in plot.svg.read_text(encoding="utf-8")
        assert plot.data.stem == "-".join([plot.what, "gradient-q12-l2-amplitude-z0-synthetic"])


def test_numbers_of_the_time_plot_are_the_medians_of_the_rows(written: Any) -> None:
    rows, folder, _ = written
    table = _table(folder / "time-gradient-q12-l2-amplitude-z0-synthetic.csv")
    expected = {(row["backend"], samples): seconds for row in rows for samples, seconds in row["times_s"].items()}
    assert {(line["path"], line["samples"]): float(line["seconds"]) for line in table} == expected
    assert len(table) == len(expected)


def test_speed_ups_stand_at_the_end_of_each_path_and_are_ratios_of_medians(written: Any) -> None:
    rows, folder, _ = written
    times = {row["backend"]: row["times_s"] for row in rows}
    # The textbook path aborts above 500 samples in these rows, so it is compared with there.
    assert list(times["pennylane/default.qubit"]) == ["100", "500"]
    for line in _table(folder / "time-gradient-q12-l2-amplitude-z0-synthetic.csv"):
        path = line["path"]
        if line["samples"] != list(times[path])[-1]:
            assert line["over_textbook"] == line["over_best_pennylane"] == ""
            continue
        expected = times["pennylane/default.qubit"]["500"] / times[path]["500"]
        assert float(line["over_textbook"]) == pytest.approx(expected)
        if "2000" in times[path]:
            expected = times["lightning/adjoint"]["2000"] / times[path]["2000"]
            assert float(line["over_best_pennylane"]) == pytest.approx(expected)
        else:
            assert line["over_best_pennylane"] == ""


def test_lines_show_what_the_csv_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    saved = _drawn(monkeypatch, gradient_samples.rows(FEW), tmp_path)
    for what, column in (("time", "seconds"), ("throughput", "samples_per_second")):
        name = f"{what}-gradient-q12-l2-amplitude-z0-synthetic"
        (axes,) = saved[name].axes
        shown = {
            (line.get_label(), int(x), float(y))
            for line in axes.get_lines()
            if not line.get_label().startswith("_")
            for x, y in line.get_xydata()
        }
        table = _table(tmp_path / f"{name}.csv")
        assert shown == {(line["path"], int(line["samples"]), float(line[column])) for line in table}
        texts = {text.get_text() for text in axes.texts}
        assert set(FEW) <= texts
        assert axes.get_yscale() == "log"


def test_one_number_of_samples_gives_dots_in_order(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    saved = _drawn(monkeypatch, gradient_samples.rows(FEW, samples=[100]), tmp_path)
    name = "time-gradient-q12-l2-amplitude-z0-synthetic"
    (axes,) = saved[name].axes
    dots = [line for line in axes.get_lines() if line.get_marker() not in ("", "None")]
    shown = {line.get_label(): float(line.get_xdata()[0]) for line in dots}
    assert shown == {line["path"]: float(line["seconds"]) for line in _table(tmp_path / f"{name}.csv")}
    assert list(shown.values()) == sorted(shown.values(), reverse=True)
    # The first place is at the top.
    assert [line.get_ydata()[0] for line in dots] == [0, 1, 2, 3]
    assert axes.get_ylim()[0] > axes.get_ylim()[1]


def test_stacked_bars_show_the_shares_of_the_csv(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    saved = _drawn(monkeypatch, gradient_samples.rows(), tmp_path)
    name = "split-gradient-q12-l2-amplitude-z0-synthetic"
    table = _table(tmp_path / f"{name}.csv")
    widths = [patch.get_width() for patch in saved[name].axes[0].patches]
    assert widths == pytest.approx([max(float(line["share"]), 0) for line in table])
    hatched = [patch.get_hatch() is not None for patch in saved[name].axes[0].patches]
    assert hatched == [line["resolved"] == "False" for line in table]
    for path in {line["path"] for line in table}:
        assert sum(float(line["share"]) for line in table if line["path"] == path) == pytest.approx(1)
    parts = {line["part"] for line in table if line["path"] == "pennylane-tuned/default.qubit"}
    assert parts == {"encode", figures.REST}


def test_a_split_says_that_it_is_timed_apart_and_warns_where_it_contradicts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rows = gradient_samples.rows(FEW, samples=[100])
    (plot,) = (plot for plot in write_plots(rows, tmp_path / "calm").plots if plot.what == "split")
    assert "apart from the rounds behind the total times" in plot.caption
    assert "differ" not in plot.caption.partition("timed again")[2]
    rows[0]["times_s"]["100"] /= 2
    saved = _drawn(monkeypatch, rows, tmp_path)
    head = " ".join(text.get_text() for text in saved["split-gradient-q12-l2-amplitude-z0-synthetic"].texts)
    assert "doubtful, for pennylane/default.qubit (" in head


def test_bars_end_at_the_whole_although_noise_exceeds_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rows = gradient_samples.rows(FEW, samples=[100])
    split = rows[0]["split_s"]["100"]
    # Half of the calls from encoded states were held up for long: injection seems to take many times a run.
    split["states"] = [value * (0.5 if index % 3 else 18) for index, value in enumerate(split["full"])]
    split["states"][1] *= 100
    split["full"][0] *= 30
    split["body"] = [value / 16 for value in split["full"]]
    saved = _drawn(monkeypatch, rows, tmp_path)
    name = "split-gradient-q12-l2-amplitude-z0-synthetic"
    assert any(float(line["share"]) > 0.4 and line["resolved"] == "False" for line in _table(tmp_path / f"{name}.csv"))
    (axes,) = saved[name].axes
    assert axes.get_xlim() == (0, 1)
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["0%", "50%", "100%"]
    assert all(0 <= patch.get_x() <= patch.get_x() + patch.get_width() <= 1 for patch in axes.patches)


def test_what_is_resolved_comes_first_in_a_bar_that_is_cut() -> None:
    parts = (figures.Part("encode", 16.03, False), figures.Part("inject", -15.5, False), figures.Part("circuit", 0.4))
    bar = figures.Stack("path", parts)
    assert bar.is_cut
    assert bar.places() == [(0.4, 1.0), (1.0, 1.0), (0.0, 0.4)]
    shown = [text.get_text() for text in figures.stacks([bar], "title").axes[0].texts]
    assert shown == ["40%", "path", ""]
    assert not figures.Stack("path", (figures.Part("encode", 0.6), figures.Part("circuit", 0.4))).is_cut


def test_shares_are_written_only_where_they_fit() -> None:
    parts = tuple(figures.Part(name, share) for name, share in (("encode", 0.05), ("inject", 0.02), ("circuit", 0.93)))
    texts = [text.get_text() for text in figures.stacks([figures.Stack("path", parts)], "title").axes[0].texts]
    assert "2%" not in texts
    assert "93%" in texts


def test_memory_over_qubits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rows = gradient_samples.rows(FEW, qubits=[8, 12], samples=[100, 500])
    saved = _drawn(monkeypatch, rows, tmp_path)
    name = "memory-gradient-q12-l2-amplitude-z0-synthetic"
    table = _table(tmp_path / f"{name}.csv")
    measured = {
        (line["what"], int(line["n_qubits"])): int(line["bytes"]) for line in table if line["source"] == "measured"
    }
    assert measured == {(row["backend"], row["n_qubits"]): row["memory"]["rss_peak"] for row in rows if row["times_s"]}
    computed = {
        (line["what"], int(line["n_qubits"])): int(line["bytes"]) for line in table if line["source"] == "computed"
    }
    assert computed["state cache, complex128", 12] == 16 * 2**12 * 500
    assert computed["state cache, float64 or complex64", 8] == 8 * 2**8 * 500
    shown = {
        (line.get_label(), int(x), int(y))
        for line in saved[name].axes[0].get_lines()
        if not line.get_label().startswith("_")
        for x, y in line.get_xydata()
    }
    assert shown == {(line["what"], int(line["n_qubits"]), int(line["bytes"])) for line in table}


def test_states_that_are_not_real_are_not_said_to_be_stored_as_real(tmp_path: Path) -> None:
    write_plots(gradient_samples.rows(FEW, samples=[100], encoding="angle"), tmp_path)
    table = _table(tmp_path / "memory-gradient-q12-l2-angle-z0-synthetic.csv")
    assert {line["what"] for line in table if line["source"] == "computed"} == {
        "state cache, complex128",
        "state cache, complex64",
    }


def test_without_matplotlib_the_numbers_are_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # What Python does when a package is not installed: the import fails.
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    plots = write_plots(gradient_samples.rows(FEW), tmp_path)
    assert "pip install matplotlib" in plots.problem
    assert "\n" not in plots.problem
    assert {file.suffix for file in tmp_path.iterdir()} == {".csv"}
    assert sorted(plots.files) == sorted(tmp_path.iterdir())
    assert len(plots.plots) == 4


def test_settings_of_the_session_stay_as_they_were(tmp_path: Path) -> None:
    before = dict(matplotlib.rcParams)
    pyplot = "matplotlib.pyplot" in sys.modules
    write_plots(gradient_samples.rows(FEW, samples=[100]), tmp_path)
    assert dict(matplotlib.rcParams) == before
    assert ("matplotlib.pyplot" in sys.modules) == pyplot


def test_equal_rows_give_equal_files(tmp_path: Path) -> None:
    rows = gradient_samples.rows(FEW, samples=[100, 500])
    first, second = (write_plots(rows, tmp_path / name) for name in ("one", "two"))
    for one, two in zip(first.files, second.files, strict=True):
        assert one.read_bytes() == two.read_bytes(), one.name


def test_rows_without_times_and_of_circuits_give_no_plot(tmp_path: Path) -> None:
    rows = gradient_samples.rows(paths=())
    assert write_plots([*rows, {**rows[0], "kind": "static"}], tmp_path).plots == ()


def test_wrong_gradients_have_no_time(tmp_path: Path) -> None:
    rows = gradient_samples.rows(FEW, samples=[100])
    wrong = next(row for row in rows if row["backend"] == "native/adjoint")
    wrong |= {"correct": False, "status": "FAIL", "point_status": {"100": "FAIL"}}
    write_plots(rows, tmp_path)
    for file in tmp_path.glob("*.csv"):
        assert "native/adjoint" not in {line.get("path", line.get("what")) for line in _table(file)}, file.name


def test_scenarios_never_share_a_file() -> None:
    rows = gradient_samples.rows(FEW, samples=[100], dataset="a/b") + gradient_samples.rows(
        FEW, samples=[100], dataset="a b"
    )
    names = slugs(read(rows))
    assert len(names) == len(set(names.values())) == 2


def test_best_pennylane_path_may_be_an_adjoint_one() -> None:
    (results,) = read(gradient_samples.rows()).values()
    speed_ups = SpeedUps.of([result for result in results if result.seconds])
    assert speed_ups.best is not None
    assert (speed_ups.best[0], speed_ups.best[1].path) == (2000, "lightning/adjoint")


def test_paths_of_a_family_have_its_colour_and_looks_of_their_own() -> None:
    looks = figures.strokes([*gradient_samples.PATHS, "mine/one", "mine/two"])
    assert len(set(looks.values())) == len(looks)
    assert looks["native/shift"].colour == looks["native/adjoint"].colour != looks["qdp"].colour


@given(
    wanted=st.lists(st.floats(0, 1), max_size=12).map(sorted),
    gap=st.floats(0.001, 0.3),
)
def test_labels_are_spread_within_the_axes(wanted: list[float], gap: float) -> None:
    places = spread(wanted, gap, 0.05, 0.95)
    room = min(gap, 0.9 / max(len(wanted) - 1, 1))
    assert all(b - a >= room - 1e-9 for a, b in itertools.pairwise(places))
    assert all(0.05 - 1e-9 <= place <= 0.95 + 1e-9 for place in places)


@given(wanted=st.lists(st.integers(0, 8), unique=True, max_size=9).map(sorted))
def test_labels_with_room_stay_where_they_are(wanted: list[int]) -> None:
    assert spread([place / 10 + 0.1 for place in wanted], 0.099, 0, 1) == pytest.approx(
        [place / 10 + 0.1 for place in wanted]
    )


@given(size=st.integers(0, 2**59))
def test_bytes_are_rounded_to_a_tenth_of_their_unit(size: int) -> None:
    number, unit = format_bytes(size).split()
    step = 1024 ** ("B", "KiB", "MiB", "GiB", "TiB", "PiB").index(unit)
    assert float(number) < 1024
    assert float(number) * step == pytest.approx(size, rel=0.051, abs=0.51)


def test_marks_of_mathematics_in_a_name_are_drawn_as_they_are(tmp_path: Path) -> None:
    from pytest_qbench.report.plot_page import save

    curves = [Curve("a $\\broken path_{", (1, 2), (1.0, 2.0), Stroke("#000000"), ("$",))]
    png, _ = save(lambda: figures.lines(curves, "$\\frac", "x", "y", ["$\\"], str), tmp_path / "plot")
    assert png.exists()
