"""A grid: rows under headings, for a terminal, as JSON or as a page that needs no server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import BinaryIO

from msgspec import Struct

from transom.model.language import translator
from transom.report.options import ReportOptions
from transom.report.text import BOLD, DIM, Look, columns, wrapped

GAP = "  "
MIN_COLUMN = 8  # columns of a terminal; narrower ones cut every word
MAX_CELL_CHARS = 2_000  # of one cell on a page

Row = tuple[str, ...]


class Grid(Struct, frozen=True):
    """Rows of equal length under headings. title and notes: sentences above and below; all foreign text is made safe."""

    headings: Row
    rows: Sequence[Row]
    title: str = ""
    notes: Sequence[str] = ()


def lines(grid: Grid, options: ReportOptions) -> Iterator[str]:
    """Yield the lines of a grid for a terminal; where it is too narrow, the widest columns are wrapped."""
    look = Look(options)
    headings = [look.say(heading).upper() for heading in grid.headings]
    rows = [[look.safe(cell) for cell in row] for row in grid.rows]
    widths = _widths([headings, *rows], look.width)
    if grid.title:
        yield look.paint(look.safe(grid.title), BOLD)
    for number, row in enumerate([headings, *rows] if rows else ()):
        for line in _lines(row, widths):
            yield line if number else look.paint(line, DIM)
    for note in grid.notes:
        yield from (look.paint(line, DIM) for line in wrapped(look.safe(note), look.width))


def _widths(rows: Sequence[Sequence[str]], room: int) -> list[int]:
    """Return what each column is wide: the widest give way until all have room, none below what says something."""
    widths = [max(map(columns, column)) for column in zip(*rows, strict=True)]
    excess = sum(widths) + len(GAP) * (len(widths) - 1) - room
    while excess > 0 and max(widths) > MIN_COLUMN:
        widest = max(range(len(widths)), key=widths.__getitem__)
        widths[widest] -= 1
        excess -= 1
    return widths


def _lines(cells: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    pieces = [wrapped(cell, width) for cell, width in zip(cells, widths, strict=True)]
    for number in range(max(map(len, pieces))):
        parts = [each[number] if number < len(each) else "" for each in pieces]
        padded = (part + " " * (width - columns(part)) for part, width in zip(parts, widths, strict=True))
        yield GAP.join(padded).rstrip()


def write(grid: Grid, stream: BinaryIO, options: ReportOptions) -> None:
    """Write a grid for a terminal."""
    for line in lines(grid, options):
        stream.write(line.encode("utf-8", "backslashreplace") + b"\n")


def page(grid: Grid, language: str) -> Iterator[str]:
    """Yield a page with the grid as a table."""
    from transom.report.html.markup import text

    say = translator(language)
    yield opening(grid.title, language)
    yield "<div class=scroll><table>\n<thead><tr>"
    yield "".join(f'<th scope="col">{text(say(heading))}</th>' for heading in grid.headings)
    yield "</tr></thead>\n<tbody>\n"
    for row in grid.rows:
        yield table_row(row)
    yield "</tbody>\n</table></div>\n"
    yield from sentences(grid.notes)
    yield CLOSING


def opening(title: str, language: str, style: str = "") -> str:
    """Return the beginning of a page that loads nothing and runs nothing, up to its heading."""
    from transom.report.html.markup import text

    policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    return f"""<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{text(title)}</title>
<style>{STYLE}{style}</style>
</head>
<body>
<main>
<h1>{text(title)}</h1>
"""


CLOSING = "</main>\n</body>\n</html>\n"


def table_row(cells: Sequence[str]) -> str:
    """Return the row of a table; its cells are foreign text."""
    from transom.report.html.markup import text

    return "<tr>" + "".join(f"<td>{text(cell, MAX_CELL_CHARS)}</td>" for cell in cells) + "</tr>\n"


def sentences(texts: Sequence[str]) -> Iterator[str]:
    """Yield each text as a paragraph."""
    from transom.report.html.markup import text

    yield from (f"<p>{text(each, MAX_CELL_CHARS)}</p>\n" for each in texts)


STYLE = """
:root { color-scheme: light dark; --ink: #1d2125; --paper: #fbfaf8; --quiet: #565d64; --line: #d9d6d0; --tint: #f1efea; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e4df; --paper: #15181b; --quiet: #a3a9ae; --line: #383e44; --tint: #252a2f; }
}
body { margin: 0 auto; padding: 1.5rem clamp(1rem, 4vw, 3rem) 4rem; max-width: 90rem; background: var(--paper);
  color: var(--ink); font: 1rem/1.5 system-ui, "Noto Sans", "Noto Sans CJK SC", sans-serif; }
h1 { font-size: 1.5rem; line-height: 1.25; } h2 { font-size: 1.125rem; margin: 2rem 0 0.5rem; }
p { color: var(--quiet); } li p { margin: 0.25rem 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.875rem; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: 0.375rem 0.75rem 0.375rem 0; border-bottom: 1px solid var(--line);
  overflow-wrap: anywhere; min-width: 4rem; }
th { position: sticky; top: 0; background: var(--paper); }
tbody tr:hover { background: var(--tint); }
"""
