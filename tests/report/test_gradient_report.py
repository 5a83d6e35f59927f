"""The written report on gradient scenarios: what it says is in the rows, and both forms say the same."""

from __future__ import annotations

import base64
import re
import statistics
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import gradient_samples
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_qbench.gradients.split import resolve
from pytest_qbench.report.document import (
    Bullets,
    Code,
    CodeBlock,
    Figure,
    Heading,
    Table,
    paragraph,
    to_html,
    to_markdown,
)
from pytest_qbench.report.gradient_plots import Plots, write_plots
from pytest_qbench.report.gradient_report import content, write_report
from pytest_qbench.report.gradient_rows import read, short_names
from pytest_qbench.report.text import format_ratio, format_seconds

COMMAND = "pytest --qbench-gradients --qbench-qubits=12 --qbench-samples=100,500,1000,2000"
SECTIONS = [
    "Summary",
    "Methodology",
    "Encoding throughput",
    "Gradient results",
    "Impact of the data set",
    "Scaling",
    "Memory",
    "When to use which path",
    "What did not complete",
    "How to repeat it",
]
_VOID = {"meta", "img"}


class _Page(HTMLParser):
    """Reads a page strictly: every tag is closed in order, nothing but known tags."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[str] = []
        self.tables: list[list[list[str]]] = []
        self.headings: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in _VOID:
            self.open.append(tag)
        match tag:
            case "table":
                self.tables.append([])
            case "tr":
                self.tables[-1].append([])
            case "td" | "th":
                self.tables[-1][-1].append("")
            case "h1" | "h2" | "h3" | "h4":
                self.headings.append("")
            case "img":
                self.images.append(dict(attrs))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("td", "th"):
            self.tables[-1][-1][-1] += data
        elif self.open and self.open[-1] in ("h1", "h2", "h3", "h4"):
            self.headings[-1] += data
        if "style" not in self.open:
            self.text += data


def _tables(blocks: list[Any], column: str) -> list[dict[str, dict[str, str]]]:
    """The tables with a column of that name, each as first cell -> column -> cell."""
    return [
        {row[0]: dict(zip(block.header, row, strict=True)) for row in block.rows}
        for block in blocks
        if isinstance(block, Table) and column in block.header
    ]


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    return gradient_samples.rows()


@pytest.fixture(scope="module")
def report(rows: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    pytest.importorskip("matplotlib")
    folder = tmp_path_factory.mktemp("run")
    plots = write_plots(rows, folder / "plots")
    markdown, html = write_report(rows, gradient_samples.ENVIRONMENT, COMMAND, folder, plots)
    assert (markdown.name, html.name) == ("gradient_report.md", "gradient_report.html")
    return folder, markdown.read_text(encoding="utf-8"), html.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def blocks(rows: list[dict[str, Any]]) -> list[Any]:
    return content(rows, gradient_samples.ENVIRONMENT, COMMAND, Plots(()))


def test_sections_in_order(report: tuple[Path, str, str]) -> None:
    _, markdown, html = report
    assert re.findall(r"^## (.*)$", markdown, re.MULTILINE) == SECTIONS
    assert [heading for heading in _Page(html).headings if heading in SECTIONS] == SECTIONS


def test_comparison_says_what_the_rows_say(rows: list[dict[str, Any]], blocks: list[Any]) -> None:
    (table,) = _tables(blocks, "nonzero gradients")
    by_path = {row["backend"]: row for row in rows}
    assert table.keys() == by_path.keys()
    for path, cells in table.items():
        row = by_path[path]
        # Most paths completed at 500 samples, which is where the deadline has not struck yet.
        if "500" not in row["times_s"]:
            assert cells["median"] == "unavailable"
            assert cells["samples/s"] == cells["over best PennyLane"] == cells["evaluations"] == "not run"
            continue
        median = statistics.median(row["rounds_s"]["500"])
        assert cells["median"] == format_seconds(median)
        assert cells["rounds"] == str(len(row["rounds_s"]["500"]))
        assert cells["evaluations"] == str(row["evaluations"]["500"])
        assert cells["nonzero gradients"] == "5 of 48"
        assert (cells["precision"], cells["threads"]) == ("double", "2")
        textbook = by_path["pennylane/default.qubit"]["times_s"]["500"]
        over = cells["over pennylane/default.qubit"]
        assert over == "1" if path == "pennylane/default.qubit" else over.startswith(format_ratio(textbook / median))
        best = by_path["lightning/adjoint"]["times_s"]["500"]
        over = cells["over best PennyLane"]
        assert over == "1" if path == "lightning/adjoint" else over.startswith(format_ratio(best / median))
    medians = [by_path[path]["times_s"]["500"] for path in table if "500" in by_path[path]["times_s"]]
    assert medians == sorted(medians)


def test_medians_at_every_size_and_words_where_there_is_none(rows: list[dict[str, Any]], blocks: list[Any]) -> None:
    (table,) = _tables(blocks, "2000 samples")
    for row in rows:
        for samples in gradient_samples.SIZES:
            seconds = row["times_s"].get(str(samples))
            cell = table[row["backend"]][f"{samples} samples"]
            if seconds is not None:
                assert cell == format_seconds(seconds)
            else:
                assert cell == {"ABORT": "aborted", "UNAVAILABLE": "unavailable"}[row["status"]]


def test_reasons_are_told(report: tuple[Path, str, str]) -> None:
    _, markdown, html = report
    for text in ("no CUDA device: libcuda.so.1 is not there", "no answer within the deadline of 700 s"):
        assert text in markdown
        assert text in _Page(html).text


def test_encoding_once_is_told_apart_from_the_whole_path(rows: list[dict[str, Any]], blocks: list[Any]) -> None:
    (table,) = [block for block in blocks if isinstance(block, Table) and "over" in block.header]
    times = {row["backend"]: row["times_s"] for row in rows}
    expected = [
        (once, every, samples)
        for once, every in (("qdp", "pennylane/default.qubit"), ("qdp/lightning.qubit", "pennylane/lightning.qubit"))
        for samples in times[once]
    ]
    assert [row[1:4] for row in table.rows] == expected
    for _, once, every, samples, ratio in table.rows:
        assert ratio.startswith(format_ratio(times[every][samples] / times[once][samples]))


def test_split_says_the_medians_with_their_intervals(rows: list[dict[str, Any]], blocks: list[Any]) -> None:
    (table,) = _tables(blocks, "framework")
    for row in rows:
        if not row["split_s"]:
            assert row["backend"] not in table
            continue
        cells = table[row["backend"]]
        samples = max(row["split_s"], key=int)
        assert cells["samples"] == samples
        found = resolve({name: v for name, v in row["split_s"][samples].items() if name != "units"}, 96)
        for name, part in {"whole": found.full, **found.stages()}.items():
            if part is None:
                assert cells[name] == "not run"
            elif not part.resolved:
                assert cells[name] == "not resolved"
            else:
                match = re.fullmatch(r"([\d.]+ \w+) \(([\d.]+) to ([\d.]+)\)", cells[name])
                assert match is not None
                assert match[1] == format_seconds(part.seconds)
                unit = part.seconds / float(match[1].split()[0])
                assert float(match[2]) * unit == pytest.approx(part.low, rel=0.02)
                assert float(match[3]) * unit == pytest.approx(part.high, rel=0.02)


def test_pages_parse_and_escape(report: tuple[Path, str, str]) -> None:
    _, markdown, html = report
    page = _Page(html)
    assert "script" not in page.tags
    assert "Example <CPU> & Co" in page.text
    assert "Example &lt;CPU&gt; &amp; Co" in html
    assert r"Example \<CPU\> &amp; Co" in markdown
    assert "<" not in re.sub(r"\\<|```.*?```", "", markdown, flags=re.DOTALL)


def test_html_holds_its_pictures_and_markdown_links_them(report: tuple[Path, str, str]) -> None:
    folder, markdown, html = report
    page = _Page(html)
    kind, linked = "data:image/svg+xml;base64,", re.findall(r"!\[[^]]*\]\(([^)]+)\)", markdown)
    assert len(page.images) == len(linked) == 4
    for image, link in zip(page.images, linked, strict=True):
        source = str(image["src"])
        assert source.startswith(kind)
        assert base64.b64decode(source.removeprefix(kind)) == (folder / link).with_suffix(".svg").read_bytes()
        assert image["alt"]
    for link in re.findall(r"\]\(([^)]+)\)", markdown):
        assert (folder / link).is_file()
    assert "http" not in re.sub(r"base64,[^\"]*", "", html)


def test_both_forms_have_the_same_tables(report: tuple[Path, str, str]) -> None:
    _, markdown, html = report
    lines = [line for line in markdown.splitlines() if line.startswith("|") and not re.match(r"\| -+", line)]
    found = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    unescaped = [[re.sub(r"\\(.)", r"\1", cell).replace("&amp;", "&") for cell in row] for row in found]
    assert unescaped == [row for table in _Page(html).tables for row in table]


def test_no_cell_is_empty(blocks: list[Any]) -> None:
    for block in blocks:
        if isinstance(block, Table):
            assert all(cell for row in block.rows for cell in row), block.header


def test_distance_from_the_memory_floor(rows: list[dict[str, Any]], blocks: list[Any]) -> None:
    (items,) = [block.items for block in blocks if isinstance(block, Bullets) and "memory needs" in str(block.items)]
    (row,) = [row for row in rows if row["backend"] == "native/adjoint"]
    ((path, text),) = items
    assert path == Code("native/adjoint")
    assert f" {format_ratio(row['times_s']['500'] / row['floor_s']['500'])} (" in text
    assert "the time that the memory needs" in text


def test_scenarios_are_named_by_what_differs() -> None:
    paths = ("native/adjoint",)
    (single,) = short_names(read(gradient_samples.rows(paths))).values()
    assert single == "12 qubits"
    rows = [row for layers in (1, 2) for row in gradient_samples.rows(paths, qubits=[4, 8], layers=layers)]
    names = short_names(read(rows)).values()
    assert list(names) == ["4 qubits, 1 layer", "8 qubits, 1 layer", "4 qubits, 2 layers", "8 qubits, 2 layers"]
    text = to_markdown(content(rows, {}, "", Plots(())), Path())
    assert "The same in all: gradient, amplitude encoding, observable z0, synthetic data." in text


def test_command_and_pins(blocks: list[Any]) -> None:
    code = [block.text for block in blocks if isinstance(block, CodeBlock)]
    assert code == [COMMAND, "pennylane==0.45.1\npytest==9.0.0\ntorch==2.13.0"]


def test_several_data_sets_and_sizes_are_compared() -> None:
    paths = ("pennylane/default.qubit", "native/adjoint")
    rows = [
        row
        for dataset in ("synthetic", "digits")
        for row in gradient_samples.rows(paths, qubits=[4, 8], samples=[100], dataset=dataset)
    ]
    blocks = content(rows, gradient_samples.ENVIRONMENT, COMMAND, Plots(()))
    by_dataset = _tables(blocks, "digits")
    assert len(by_dataset) == 2
    expected = {
        row["params"]["dataset"]: row["times_s"]["100"]
        for row in rows
        if row["backend"] == "native/adjoint" and row["n_qubits"] == 4
    }
    for dataset, seconds in expected.items():
        assert by_dataset[0]["native/adjoint"][dataset] == format_seconds(seconds)
    by_qubits = _tables(blocks, "4 qubits")
    # Time and memory of each data set.
    assert len(by_qubits) == 4
    assert by_qubits[0]["native/adjoint"]["4 qubits"] == format_seconds(expected["synthetic"])


def test_choice_is_the_fastest_that_was_measured(blocks: list[Any]) -> None:
    ((cells,),) = [list(table.values()) for table in _tables(blocks, "fastest by parameter shifts")]
    assert cells["fastest"].startswith("native/adjoint (")
    assert cells["fastest by parameter shifts"].startswith("native/shift (")
    assert cells["fastest PennyLane path"].startswith("lightning/adjoint (")


def test_a_run_in_which_nothing_completed_has_a_report_too(tmp_path: Path) -> None:
    rows = gradient_samples.rows(paths=())
    plots = write_plots(rows, tmp_path / "plots")
    markdown, html = write_report(rows, {}, "", tmp_path, plots)
    assert "No path completed." in markdown.read_text(encoding="utf-8")
    page = _Page(html.read_text(encoding="utf-8"))
    assert "not recorded" in page.text
    assert page.images == []


def test_no_picture_without_matplotlib_but_why(rows: list[dict[str, Any]]) -> None:
    problem = "no pictures of the plots, only their numbers: No module named 'matplotlib' (pip install matplotlib)"
    blocks = content(rows, gradient_samples.ENVIRONMENT, COMMAND, Plots((), problem))
    assert not any(isinstance(block, Figure) for block in blocks)
    assert "pip install matplotlib" in to_markdown(blocks, Path())


_TEXT = st.text(alphabet=st.characters(codec="utf-8"), max_size=40)


@given(text=_TEXT)
def test_html_gives_back_any_text(text: str) -> None:
    page = _Page(to_html([Heading(text), paragraph(text, Code(text)), Table((text, "x"), ((text, text),), "<>")], text))
    shown = re.sub(r"\s+", " ", re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", "\ufffd", text))
    assert page.tables == [[[shown, "x"], [shown, shown]]]
    assert page.headings == [shown]
    assert set(page.tags) == {
        *("html", "head", "meta", "title", "style", "body", "h2", "p", "code"),
        *("div", "table", "thead", "tbody", "tr", "th", "td"),
    }


@given(cells=st.lists(_TEXT, min_size=2, max_size=4))
def test_markdown_cells_stay_apart_and_on_their_line(cells: list[str]) -> None:
    table = Table(tuple("abcd"[: len(cells)]), (tuple(cells),), "<" * len(cells))
    lines = to_markdown([table], Path()).splitlines()
    assert len(lines) == 3
    assert {len(re.split(r"(?<!\\)(?:\\\\)*\|", line)) for line in lines} == {len(cells) + 2}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# no heading", "\\# no heading"),
        ("1. no list", "1\\. no list"),
        ("- no list", "\\- no list"),
        ("a_b and _c_", "a_b and \\_c\\_"),
        ("*x* `y` [z](u) <b> $m$ ~s~ a|b & c", "\\*x\\* \\`y\\` \\[z\\](u) \\<b\\> \\$m\\$ \\~s\\~ a\\|b &amp; c"),
        ("12 qubits", "12 qubits"),
    ],
)
def test_markdown_text_is_no_markup(text: str, expected: str) -> None:
    assert to_markdown([paragraph(text)], Path()) == f"{expected}\n"


def test_code_may_hold_backticks() -> None:
    assert to_markdown([paragraph(Code("a`b"))], Path()) == "``a`b``\n"
    assert to_markdown([CodeBlock("```\nx\n```")], Path()) == "````\n```\nx\n```\n````\n"


def test_rows_of_a_table_have_its_columns() -> None:
    with pytest.raises(ValueError, match="another number of cells"):
        Table(("a", "b"), (("1",),), "<>")
