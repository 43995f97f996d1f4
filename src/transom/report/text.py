"""Text for terminals: hostile characters escaped, widths as terminals count them, colours."""

from __future__ import annotations

from transom.model.severity import Severity

_SPACES = "\xa0\u3000"  # not printable to Python, harmless to a terminal
RESET = "\x1b[0m"
COLOURS = {
    Severity.CRITICAL: "\x1b[1;97;41m",
    Severity.HIGH: "\x1b[1;31m",
    Severity.MEDIUM: "\x1b[33m",
    Severity.LOW: "\x1b[36m",
    Severity.INFO: "\x1b[2m",
}
BOLD, DIM, GREEN, RED, YELLOW = "\x1b[1m", "\x1b[2m", "\x1b[32m", "\x1b[31m", "\x1b[33m"


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
    if text.isascii():
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


def wrapped(text: str, width: int, first: str = "", rest: str = "") -> list[str]:
    """Return a text in lines of at most width columns; first and rest stand before the first and the other lines."""
    lines: list[str] = []
    line, empty = first, True
    for word in _pieces(text, max(width - columns(rest), 8)):
        space = "" if empty or (not word.isascii() and not line[-1:].isascii()) else " "
        if not empty and columns(line) + len(space) + columns(word) > width:
            lines.append(line)
            line, space = rest, ""
        line, empty = line + space + word, False
    return [*lines, line]


def _pieces(text: str, longest: int) -> list[str]:
    """Return the words of a text, those too long for a line cut; Chinese and Japanese may break anywhere."""
    pieces: list[str] = []
    for word in text.split():
        if word.isascii() and len(word) <= longest:
            pieces.append(word)
        else:
            pieces.extend(_runs(word, longest))
    return pieces


def _runs(word: str, longest: int) -> list[str]:
    runs: list[str] = []
    current = ""
    for character in word:
        wide = not character.isascii()
        if current and (
            columns(current) + columns(character) > longest or (wide and current and not current.isascii())
        ):
            runs.append(current)
            current = ""
        current += character
    return [*runs, current] if current else runs


class Paint:
    """Colours, or none."""

    __slots__ = ("on",)

    def __init__(self, on: bool) -> None:
        self.on = on

    def __call__(self, text: str, colour: str) -> str:
        """Return a text in a colour."""
        return f"{colour}{text}{RESET}" if self.on and text else text
