"""Versions of RPM packages: [EPOCH:]VERSION[-RELEASE] (rpmvercmp).

Numbers and letters in turn, whatever separates them. `~` is less than the end, `^` just above it, letters less than
numbers.
"""

from __future__ import annotations

import re

from transom.lang.versions.keys import bounded, number, word
from transom.lang.versions.semver import VersionError

TILDE, END, CARET, LETTERS, NUMBER = b"\1", b"\2", b"\3", b"\4", b"\5"
_SEGMENT = re.compile(r"[0-9]+|[A-Za-z]+|~|\^", re.ASCII)


def order_key(version: str) -> bytes:
    """Return the key of a version; without a release it is that of the lowest release. Raises VersionError."""
    text = bounded(version)
    epoch, colon, rest = text.partition(":")
    if not colon or not epoch.isdecimal():  # rpm takes what stands before `:` for a part of the version then
        epoch, rest = "0", text
    if not rest:
        raise VersionError(f"{version!r} is no version of an RPM package")
    name, dash, release = rest.rpartition("-") if "-" in rest else (rest, "", "")
    return number(epoch) + _part(name) + (_part(release) if dash else b"")


def _part(text: str) -> bytes:
    key = bytearray()
    for segment in _SEGMENT.findall(text):
        if segment == "~":
            key += TILDE
        elif segment == "^":
            key += CARET
        elif segment.isdecimal():
            key += NUMBER + number(segment)
        else:
            key += LETTERS + word(segment)
    return bytes(key + END)
