"""Which line of a template made which rendered line: told by comments that travel through the template engine.

A copy of each template gets ` #@LINE@` behind every line that ends outside of an action. Text outside of actions comes
out of Go's text/template as it went in, so each mark arrives behind what its line became. Where a mark breaks the
rendering (one in a scalar of several lines may), lines are found by comparing the texts instead, and are a best guess.

Bodies of `define` and `block` get no marks: what they return may become a name or a digest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

MARK = re.compile(rb"[ ]#@(\d+)@")
MAX_COMPARED_LINES = 5_000  # comparing texts is quadratic where they have nothing in common
_ACTION = re.compile(
    rb"""\{\{(-[ \t\r\n])?                              # {{ or {{- and a space
    (?: /\* (?:.|\n)*? \*/ | "(?:\\.|[^"\\\n])*" | `[^`]*` | '(?:\\.|[^'\\\n])*' | (?!-?\}\}). | \n )*
    (-)?\}\}""",
    re.X,
)
_WORD = re.compile(rb"\{\{-?\s*(\w+)")
_OPENS = {b"if", b"with", b"range", b"define", b"block"}
_NAMED = {b"define", b"block"}


def marked(template: bytes) -> bytes:
    """Return a template with a mark behind each of its lines that can carry one."""
    out = bytearray()
    line = 1
    for start, end, markable, trimmed in _pieces(template):
        position = start
        while (newline := template.find(b"\n", position, end)) >= 0:
            out += template[position:newline]
            eaten = trimmed and not template[start:newline].strip()  # by a `-}}` before it
            if markable and not eaten and _can_carry(template[template.rfind(b"\n", 0, newline) + 1 : newline]):
                carriage_return = out[-1:] == b"\r"
                if carriage_return:
                    out.pop()
                out += b" #@%d@" % line + (b"\r" if carriage_return else b"")
            out += b"\n"
            line += 1
            position = newline + 1
        out += template[position:end]
    return bytes(out)


def _can_carry(line: bytes) -> bool:
    return bool(line.strip()) and not line.startswith(b"---")


def _pieces(template: bytes) -> Iterator[tuple[int, int, bool, bool]]:
    """Yield start, end, whether marks may stand in it, and whether its first blanks are eaten, of texts and actions."""
    end, opened, named = 0, 0, 0
    trimmed = False
    for found in _ACTION.finditer(template):
        yield end, found.start(), not named, trimmed
        yield found.start(), found.end(), False, False
        end, trimmed = found.end(), found.group(2) is not None
        word = _WORD.match(found.group())
        name = word.group(1) if word else b""
        if name in _OPENS:
            opened += 1
            named = named or (opened if name in _NAMED else 0)
        elif name == b"end":
            named = 0 if named == opened else named
            opened -= 1
    yield end, len(template), not named, trimmed


def template_lines(plain: bytes, with_marks: bytes | None, template: bytes) -> Sequence[int]:
    """Return for each line of a rendering, from 0, the line of its template, from 1; 0 where none is known.

    with_marks: the rendering of the marked template, None where that failed.
    """
    if with_marks is not None:
        lines = with_marks.split(b"\n")
        if len(lines) == plain.count(b"\n") + 1:
            return _from_marks(lines)
    return _by_comparing(plain, template)


def _from_marks(lines: Sequence[bytes]) -> list[int]:
    """A line without a mark was made by an action that ends in the next line with one: an include of several lines."""
    found: list[int] = []
    for line in lines:
        marks = MARK.findall(line)
        found.append(int(marks[0]) if marks else 0)
    following = 0
    for index in range(len(found) - 1, -1, -1):
        following = found[index] = found[index] or following
    return found


def _by_comparing(plain: bytes, template: bytes) -> list[int]:
    ours, theirs = _stripped(plain), _stripped(template)
    found = [0] * len(ours)
    if max(len(ours), len(theirs)) > MAX_COMPARED_LINES:
        return found
    from difflib import SequenceMatcher

    for start, there, size in SequenceMatcher(None, ours, theirs, autojunk=False).get_matching_blocks():
        for offset in range(size):
            found[start + offset] = there + offset + 1
    for index in range(1, len(found)):
        found[index] = found[index] or found[index - 1]
    return found


def _stripped(text: bytes) -> list[bytes]:
    return [line.strip() for line in text.split(b"\n")]
