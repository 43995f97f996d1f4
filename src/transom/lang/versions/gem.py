"""Versions of Ruby packages (Gem::Version): numbers and words in turn, a word less than any number, a missing part zero."""

from __future__ import annotations

import re

from transom.lang.versions.keys import bounded, number, word
from transom.lang.versions.semver import VersionError

STRING, ZERO_BEFORE_STRING, END, NUMBER = b"\1", b"\2", b"\3", b"\4"
_VERSION = re.compile(r"[0-9]+(\.[0-9a-zA-Z]+)*(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?\Z", re.ASCII)
_PART = re.compile(r"[0-9]+|[a-z]+", re.ASCII | re.I)


def order_key(version: str) -> bytes:
    """Return the key of a version; raises VersionError."""
    text = bounded(version) or "0"
    if not _VERSION.match(text):
        raise VersionError(f"{version!r} is no version of a Ruby package")
    parts = _PART.findall(text.replace("-", ".pre."))
    words = next((at for at, part in enumerate(parts) if not part.isdecimal()), len(parts))
    return _key([*_trimmed(parts[:words]), *_trimmed(parts[words:])])


def _trimmed(parts: list[str]) -> list[str]:
    while parts and not parts[-1].strip("0"):
        parts.pop()
    return parts


def _key(parts: list[str]) -> bytes:
    """A zero counts as nothing until the part behind it: before a word it is less than the end, else more."""
    key = bytearray()
    for index, part in enumerate(parts):
        if not part.isdecimal():
            key += STRING + word(part)
        elif not part.strip("0") and _next_is_word(parts, index):
            key += ZERO_BEFORE_STRING
        else:
            key += NUMBER + number(part)
    return bytes(key + END)


def _next_is_word(parts: list[str], index: int) -> bool:
    for part in parts[index + 1 :]:
        if not part.isdecimal():
            return True
        if part.strip("0"):
            return False
    return False
