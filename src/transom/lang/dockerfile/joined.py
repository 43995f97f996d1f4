"""The one line that an instruction comes to, and where each of its characters stands in the file."""

from __future__ import annotations

import re

from msgspec import Struct


class Joined(Struct, frozen=True):
    """An instruction in one line. offsets: of its characters in the file, in bytes, and of its end."""

    text: str
    offsets: tuple[int, ...]


def joined(content: bytes, start: int, end: int, escape: str) -> Joined:
    """Return the line that the bytes of an instruction come to, as `parse` joins them; heredocs are left out.

    Raises UnicodeDecodeError for bytes that are no UTF-8, since no place in these is sure.
    """
    continued = re.compile(rf"(?:^|[^{re.escape(escape)}])({re.escape(escape)}[ \t]*)\Z")
    text: list[str] = []
    offsets: list[int] = []
    last = start
    for raw in content[start:end].splitlines(keepends=True):
        line = raw.decode("utf-8").rstrip("\r\n")
        at, begins = last, line.lstrip(" \t")
        last += len(raw)
        if (not begins or begins.startswith("#")) and (not begins or text):
            continue
        ends = continued.search(line)
        kept = line[: ends.start(1)] if ends else line
        for character in kept:
            text.append(character)
            offsets.append(at)
            at += len(character.encode())
        if not ends:
            return Joined("".join(text), (*offsets, at))
    return Joined("".join(text), (*offsets, offsets[-1] + 1 if offsets else start))
