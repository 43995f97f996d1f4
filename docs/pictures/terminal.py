"""Draw what a terminal shows as SVG: `transom scan … | python docs/pictures/terminal.py > report.svg` (FORCE_COLOR=1)."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from xml.sax.saxutils import escape

from wcwidth import wcswidth

COLUMN, ROW, MARGIN = 8.4, 19, 18
ESCAPE = re.compile(r"\x1b\[([0-9;]*)m")
COLOURS = {"31": "#ff7b72", "32": "#7ee787", "33": "#e3b341", "36": "#79c0ff", "97": "#ffffff"}
BACKGROUNDS = {"41": "#b62324"}


def runs(line: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the parts of a line with the codes that hold for each."""
    codes: list[str] = []
    position = 0
    for match in ESCAPE.finditer(line):
        if match.start() > position:
            yield line[position : match.start()], codes
        position = match.end()
        codes = [] if match[1] in ("", "0") else match[1].split(";")
    if position < len(line):
        yield line[position:], codes


def drawn(line: str, y: float) -> Iterator[str]:
    """Yield the SVG elements of one line."""
    column = 0
    for text, codes in runs(line):
        width = max(wcswidth(text), 0)
        x = MARGIN + column * COLUMN
        fill = next((COLOURS[code] for code in codes if code in COLOURS), "#8b949e" if "2" in codes else "#e6edf3")
        background = next((BACKGROUNDS[code] for code in codes if code in BACKGROUNDS), None)
        if background:
            yield f'<rect x="{x:.1f}" y="{y - 14:.1f}" width="{width * COLUMN:.1f}" height="{ROW}" fill="{background}"/>'
        weight = ' font-weight="bold"' if "1" in codes else ""
        if text.strip():
            length = f' textLength="{width * COLUMN:.1f}" lengthAdjust="spacingAndGlyphs"'
            yield f'<text x="{x:.1f}" y="{y:.1f}" fill="{fill}"{weight}{length} xml:space="preserve">{escape(text)}</text>'
        column += width


def main() -> None:
    """Read a terminal's text, write its picture."""
    lines = sys.stdin.read().rstrip("\n").split("\n")
    columns = max(wcswidth(ESCAPE.sub("", line)) for line in lines)
    width, height = 2 * MARGIN + columns * COLUMN, 2 * MARGIN + len(lines) * ROW
    print(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}"'
    )
    print(
        ' role="img" aria-label="The report of a scan in a terminal" font-family="ui-monospace, Menlo, Consolas, monospace" font-size="14">'
    )
    print('<rect width="100%" height="100%" rx="8" fill="#0d1117"/>')
    for number, line in enumerate(lines):
        print("".join(drawn(line, MARGIN + 14 + number * ROW)))
    print("</svg>")


if __name__ == "__main__":
    main()
