"""Text for terminals: hostile characters escaped, widths as terminals count them, colours."""

from __future__ import annotations

from collections.abc import Iterator

from transom.model.language import mark, translated, translator
from transom.model.severity import Severity
from transom.report.options import ReportOptions

_SPACES = "\xa0\u3000"  # not printable to Python, harmless to a terminal
CLOSING = "、。，；：！？）》」』】〉〕"  # no line begins with one
MAX_TEXT = 2_000  # characters; a name has 253 at most, and of a hostile megabyte nobody reads more
MIN_PIECE = 8  # columns; a word is not cut smaller however narrow the terminal is
RESET = "\x1b[0m"
COLOURS = {
    Severity.CRITICAL: "\x1b[1;97;41m",
    Severity.HIGH: "\x1b[1;31m",
    Severity.MEDIUM: "\x1b[33m",
    Severity.LOW: "\x1b[36m",
    Severity.INFO: "\x1b[2m",
}
LABELS = {
    Severity.CRITICAL: mark("CRITICAL"),
    Severity.HIGH: mark("HIGH"),
    Severity.MEDIUM: mark("MEDIUM"),
    Severity.LOW: mark("LOW"),
    Severity.INFO: mark("INFO"),
}
BOLD, DIM, GREEN, RED, YELLOW = "\x1b[1m", "\x1b[2m", "\x1b[32m", "\x1b[31m", "\x1b[33m"
MARKS = {"cut": ("…", "..."), "dot": ("·", "-"), "times": ("×", "x"), "arrow": ("→", "->")}
"""Our own characters beyond ASCII, each with what stands for it where a terminal has ASCII only."""


class Look:
    """What one terminal can show: its width, colours or none, its characters, its reader's language."""

    __slots__ = ("_colour", "_unicode", "arrow", "cut_mark", "dot", "explains", "language", "say", "times", "width")

    def __init__(self, options: ReportOptions) -> None:
        self.width = options.width
        self.explains = options.explains
        self.language = options.language if options.unicode else "en"  # others cannot be written in ASCII
        self.say = translator(self.language)
        self._colour, self._unicode = options.colour, options.unicode
        self.cut_mark, self.dot, self.times, self.arrow = (marks[not options.unicode] for marks in MARKS.values())

    def paint(self, text: str, colour: str) -> str:
        """Return a text in a colour, where there are colours."""
        return f"{colour}{text}{RESET}" if self._colour and text else text

    def safe(self, text: str) -> str:
        """Return a text with everything escaped that this terminal cannot show or must not obey; cut where it floods."""
        if len(text) > MAX_TEXT:
            text = text[:MAX_TEXT] + self.cut_mark
        if self._unicode or text.isascii():
            return safe(text)
        return "".join(safe(each) if each.isascii() else _escaped(each) for each in text)

    def told(self, text: str) -> str:
        """Return, in the reader's language and safe, a text that the code made in English."""
        return self.safe(translated(text, self.language))

    def cut(self, text: str, width: int) -> str:
        """Return a text of at most width columns; a longer one ends in a mark."""
        return cut(text, width, self.cut_mark)

    def cut_left(self, text: str, width: int) -> str:
        """Return a text of at most width columns; a longer one begins with a mark."""
        return cut_left(text, width, self.cut_mark)


_OWN_MARKS = dict.fromkeys(map(ord, "…·×→"), "-")  # marks of the table itself, one column wide: no need to look them up


def safe(text: str) -> str:
    r"""Return a text that cannot move a cursor, end a line or turn the direction of writing: `\x1b`, `\u202e`."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() or each in _SPACES else _escaped(each) for each in text)


def _escaped(character: str) -> str:
    code = ord(character)
    known = {9: "\\t", 10: "\\n", 13: "\\r"}.get(code)
    return known or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}")


def columns(text: str) -> int:
    """Return how many columns a text without escapes takes on a terminal."""
    if text.isascii() or text.translate(_OWN_MARKS).isascii():
        return len(text)
    from wcwidth import wcswidth

    width: int = wcswidth(text)
    return width if width >= 0 else len(text)


def cut(text: str, width: int, mark: str = "…") -> str:
    """Return a text of at most width columns; a longer one ends in the mark."""
    if columns(text) <= width:
        return text
    room = max(width - columns(mark), 0)
    kept = text[:room]
    while columns(kept) > room:
        kept = kept[:-1]
    return kept + mark


def cut_left(text: str, width: int, mark: str = "…") -> str:
    """Return a text of at most width columns; a longer one begins with the mark."""
    if columns(text) <= width:
        return text
    room = max(width - columns(mark), 0)
    kept = text[len(text) - room :] if room else ""
    while columns(kept) > room:
        kept = kept[1:]
    return mark + kept


def wrapped(text: str, width: int, first: str = "", rest: str = "") -> list[str]:
    """Return a text in lines of at most width columns; first and rest stand before the first and the other lines."""
    if text.isascii() and len(text) + columns(first) <= width:
        return [first + text.rstrip()]
    lines: list[str] = []
    line, empty = first, True
    for space, piece in _pieces(text, max(width - max(columns(first), columns(rest)), MIN_PIECE)):
        if not empty and columns(line) + len(space) + columns(piece) > width:
            lines.append(line)
            line, empty = rest, True
        line, empty = line + ("" if empty else space) + piece, False
    return [*lines, line]


def _pieces(text: str, longest: int) -> Iterator[tuple[str, str]]:
    """Yield what stays together, each with the space before it: words, parts of words too long for a line."""
    for word in text.split():
        space = " "
        for run in _runs(word, longest):
            yield space, run
            space = ""


def _runs(word: str, longest: int) -> list[str]:
    """Cut a word where it may break: after slash, dot or longest columns, and around Chinese or Japanese characters."""
    runs: list[str] = []
    if word.isascii():
        while len(word) > longest:
            end = max(word.rfind(mark, longest // 2, longest) for mark in "/.") + 1 or longest
            runs.append(word[:end])
            word = word[end:]
        return [*runs, word]
    room, after_wide = 0, False
    for character in word:
        width = columns(character)
        sticks = width == 0 or character in CLOSING
        if runs and width <= room and (sticks or (width == 1 and not after_wide)):
            runs[-1] += character
            room -= width
        else:
            runs.append(character)
            room = longest - width
        after_wide = width == 2 or (sticks and after_wide)
    return runs
