"""Versions of Debian packages: [EPOCH:]UPSTREAM[-REVISION] (deb-version(7)).

Text and numbers take turns, text first. In text `~` is less than the end, the end less than letters, letters less than
anything else.
"""

from __future__ import annotations

import re

from transom.lang.versions.keys import bounded, number
from transom.lang.versions.semver import VersionError

TILDE, END, LETTERS, OTHERS = 0x01, 0x02, 0x03, 0x80
_RUNS = re.compile(r"([^0-9]*)([0-9]*)", re.ASCII)
_ORDER = {chr(code): OTHERS + code for code in range(0x20, 0x7F)}
_ORDER |= {
    letter: LETTERS + index for index, letter in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
}
_ORDER["~"] = TILDE


def order_key(version: str) -> bytes:
    """Return the key of a version; raises VersionError."""
    epoch, colon, rest = bounded(version).partition(":")
    if not colon:
        epoch, rest = "0", epoch
    if not epoch.isdecimal() or not rest:
        raise VersionError(f"{version!r} is no version of a Debian package")
    upstream, _, revision = rest.rpartition("-") if "-" in rest else (rest, "", "")
    return number(epoch) + _part(upstream) + _part(revision)


def _part(text: str) -> bytes:
    key = bytearray()
    for letters, digits in _RUNS.findall(text) if text else [("", "")]:
        if letters or digits or not key:
            key += bytes(_ORDER.get(letter, 0xFF) for letter in letters)
            key.append(END)
            key += number(digits)
    key.append(END)
    return bytes(key)
