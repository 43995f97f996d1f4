"""Versions of PHP packages, compared as PHP's version_compare does.

Numbers and words in turn; words that PHP does not know are least, then dev, alpha, beta, RC, the end, numbers, pl.
"""

from __future__ import annotations

import re

from transom.lang.versions.keys import bounded, number

UNKNOWN, END, NUMBER = b"\1", b"\6", b"\7"
WORDS = {"dev": b"\2", "a": b"\3", "b": b"\4", "rc": b"\5", "p": b"\10"}
"""What a word begins with that PHP knows; Composer takes words in any case."""

_PART = re.compile(r"[0-9]+|[A-Za-z]+", re.ASCII)


def order_key(version: str) -> bytes:
    """Return the key of a version; raises VersionError."""
    key = bytearray()
    for part in _PART.findall(bounded(version).lstrip("vV")):
        if part.isdecimal():
            key += NUMBER + number(part)
        else:
            key += next((rank for name, rank in WORDS.items() if part.lower().startswith(name)), UNKNOWN)
    return bytes(key + END)
