"""A document as a list of blocks, and how it becomes Markdown or one HTML file.

Both renderings come from the same blocks, so they say the same. Text is plain text: what would be markup in it is
escaped by the renderer.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from pytest_qbench.report.files import ReportError, reason_of


@dataclass(frozen=True, slots=True)
class Code:
    """A piece of code, a name or a path within a line."""

    text: str


Inline: TypeAlias = str | Code


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; ``level`` 1 is the title of the document."""

    text: str
    level: int = 2


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text."""

    parts: tuple[Inline, ...]


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list without numbers."""

    items: tuple[tuple[Inline, ...], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table; ``align`` has one of ``<`` and ``>`` per column. The first column names the row."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    align: str
    caption: tuple[Inline, ...] = ()

    def __post_init__(self) -> None:
        if any(len(row) != len(self.align) for row in (self.header, *self.rows)):
            raise ValueError(f"a table with {len(self.align)} columns has a row with another number of cells")


@dataclass(frozen=True, slots=True)
class CodeBlock:
    """Lines of code or of a shell."""

    text: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture in two forms, for the reader of Markdown (``png``) and of HTML (``svg``), and its numbers (``data``).

    The files lie in or below the folder of the document.
    """

    png: Path
    svg: Path
    data: Path
    alt: str
    caption: tuple[Inline, ...] = ()


Block: TypeAlias = Heading | Paragraph | Bullets | Table | CodeBlock | Figure


def paragraph(*parts: Inline) -> Paragraph:
    """A paragraph of ``parts``."""
    return Paragraph(parts)


# --- Markdown -------------------------------------------------------------------------------------------------------


def to_markdown(blocks: Sequence[Block], folder: Path) -> str:
    """The document in GitHub's Markdown.

    Args:
        blocks: the content.
        folder: where the document will lie; pictures are linked relative to it.
    """
    return "\n\n".join(_markdown_block(block, folder) for block in blocks) + "\n"


def _markdown_block(block: Block, folder: Path) -> str:
    match block:
        case Heading(text, level):
            return f"{'#' * level} {_markdown_text(text)}"
        case Paragraph(parts):
            return _markdown_line(parts)
        case Bullets(items):
            return "\n".join(f"- {_markdown_line(item)}" for item in items)
        case Table():
            return _markdown_table(block)
        case CodeBlock(text, language):
            fence = _longer_than_runs(text, "`", 3)
            return f"{fence}{language}\n{_printable(text)}\n{fence}"
        case Figure(png, _, data, alt, caption):
            picture = f"![{_markdown_text(alt)}]({_link(png, folder)})"
            numbers = f"Numbers: [{_markdown_text(data.name)}]({_link(data, folder)})"
            return f"{picture}\n\n{' '.join(filter(None, (_markdown_inline(caption), numbers)))}"


def _markdown_table(table: Table) -> str:
    cells = [[_markdown_text(cell) for cell in row] for row in (table.header, *table.rows)]
    widths = [max(3, *(len(row[column]) for row in cells)) for column in range(len(table.align))]
    rule = [
        "-" * (width - 1) + ":" if side == ">" else "-" * width for side, width in zip(table.align, widths, strict=True)
    ]
    lines = [
        "| "
        + " | ".join(f"{cell:{side}{width}}" for cell, side, width in zip(row, table.align, widths, strict=True))
        + " |"
        for row in (cells[0], rule, *cells[1:])
    ]
    caption = _markdown_line(table.caption)
    return "\n".join(lines) + (f"\n\n{caption}" if caption else "")


def _markdown_line(parts: Sequence[Inline]) -> str:
    """``parts`` where a line begins: a number with a dot, a dash and the like would make a list or a heading."""
    return re.sub(r"^(\d*)([-+=#.)])", r"\1\\\2", _markdown_inline(parts).strip())


def _markdown_inline(parts: Sequence[Inline]) -> str:
    return "".join(_markdown_code(part.text) if isinstance(part, Code) else _markdown_text(part) for part in parts)


def _markdown_text(text: str) -> str:
    escaped = re.sub(r"([\\`*\[\]<>|~$])", r"\\\1", _one_line(text)).replace("&", "&amp;")
    # An underscore within a word is no markup.
    return re.sub(r"(?<!\w)_|_(?!\w)", r"\\_", escaped)


def _markdown_code(text: str) -> str:
    line = _one_line(text)
    fence = _longer_than_runs(line, "`", 1)
    padding = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{padding}{line}{padding}{fence}"


def _longer_than_runs(text: str, character: str, least: int) -> str:
    longest = max((len(run) for run in re.findall(f"{character}+", text)), default=0)
    return character * max(least, longest + 1)


def _link(file: Path, folder: Path) -> str:
    target = file.relative_to(folder).as_posix()
    return f"<{target}>" if re.search(r"[\s()]", target) else target


# --- HTML -----------------------------------------------------------------------------------------------------------

_STYLE = """\
:root { color-scheme: light dark; --text: #1c1e21; --soft: #5c636b; --page: #ffffff; --line: #d9dde2; --back: #f4f5f7; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e3e5e8; --soft: #a2a9b1; --page: #16181b; --line: #383d43; --back: #202327; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 72rem; background: var(--page); color: var(--text);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
h1 { font-size: 1.75rem; line-height: 1.25; margin: 0 0 1rem; }
h2 { font-size: 1.3rem; margin: 2.5rem 0 .75rem; padding-bottom: .25rem; border-bottom: 1px solid var(--line); }
h3 { font-size: 1.05rem; margin: 1.75rem 0 .5rem; }
h4 { font-size: .95rem; margin: 1.5rem 0 .4rem; }
p, ul { margin: .6rem 0; max-width: 46rem; }
code, pre { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: .875em; }
code { overflow-wrap: anywhere; }
pre { background: var(--back); border: 1px solid var(--line); border-radius: 4px; padding: .75rem 1rem;
  overflow-x: auto; }
pre code { overflow-wrap: normal; }
.table { overflow-x: auto; margin: .9rem 0; }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }
caption { caption-side: bottom; text-align: left; color: var(--soft); padding-top: .5rem; }
th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
thead th { border-bottom: 2px solid var(--line); vertical-align: bottom; }
tbody th { font-weight: 400; white-space: nowrap; }
.right { text-align: right; }
td.right { white-space: nowrap; }
figure { margin: 1.25rem 0; }
figure img { display: block; width: 32rem; max-width: 100%; height: auto;
  background: #ffffff; border-radius: 4px; padding: .5rem; }
figcaption { color: var(--soft); font-size: .875rem; margin-top: .4rem; max-width: 46rem; }
@media print {
  body { max-width: none; padding: 0; }
  h2, h3, h4 { break-after: avoid; }
  figure, tr { break-inside: avoid; }
}
"""


def to_html(blocks: Sequence[Block], title: str) -> str:
    """The document as one HTML file that needs no other: pictures are within it, there are no scripts.

    Raises:
        ReportError: a picture can't be read.
    """
    body = "\n".join(_html_block(block) for block in blocks)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_escape(title)}</title>\n<style>\n{_STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _html_block(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f"<h{level}>{_escape(text)}</h{level}>"
        case Paragraph(parts):
            return f"<p>{_html_inline(parts)}</p>"
        case Bullets(items):
            return "<ul>\n" + "\n".join(f"<li>{_html_inline(item)}</li>" for item in items) + "\n</ul>"
        case Table():
            return _html_table(block)
        case CodeBlock(text, _):
            return f"<pre><code>{html.escape(_printable(text))}</code></pre>"
        case Figure(_, svg, data, alt, caption):
            source = f"data:image/svg+xml;base64,{_base64_of(svg)}"
            numbers = f"Numbers: {_html_inline((Code(data.name),))}"
            text = " ".join(filter(None, (_html_inline(caption), numbers)))
            return f'<figure>\n<img src="{source}" alt="{_escape(alt)}">\n<figcaption>{text}</figcaption>\n</figure>'


def _html_table(table: Table) -> str:
    sides = ["" if side == "<" else ' class="right"' for side in table.align]

    def cells(row: Sequence[str]) -> str:
        first, *rest = row
        others = "".join(f"<td{side}>{_escape(cell)}</td>" for side, cell in zip(sides[1:], rest, strict=True))
        return f'<tr><th scope="row"{sides[0]}>{_escape(first)}</th>{others}</tr>'

    heads = "".join(
        f'<th scope="col"{side}>{_escape(cell)}</th>' for side, cell in zip(sides, table.header, strict=True)
    )
    caption = f"<caption>{_html_inline(table.caption)}</caption>\n" if table.caption else ""
    body = "\n".join(cells(row) for row in table.rows)
    return (
        f'<div class="table">\n<table>\n{caption}<thead>\n<tr>{heads}</tr>\n</thead>\n'
        f"<tbody>\n{body}\n</tbody>\n</table>\n</div>"
    )


def _html_inline(parts: Sequence[Inline]) -> str:
    return "".join(f"<code>{_escape(part.text)}</code>" if isinstance(part, Code) else _escape(part) for part in parts)


def _escape(text: str) -> str:
    return html.escape(_one_line(text))


def _base64_of(file: Path) -> str:
    try:
        return base64.b64encode(file.read_bytes()).decode("ascii")
    except OSError as error:
        raise ReportError(f"cannot read the plot {file}: {reason_of(error)}") from error


# --- Both -----------------------------------------------------------------------------------------------------------


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", _printable(text))


def _printable(text: str) -> str:
    """``text`` without control characters, which neither form may hold."""
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", "\N{REPLACEMENT CHARACTER}", text)
