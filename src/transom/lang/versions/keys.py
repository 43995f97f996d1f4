"""Pieces of order keys: byte strings that compare as what they stand for, so that a range test is a comparison of bytes."""

from __future__ import annotations

from transom.lang.versions.semver import MAX_VERSION_CHARS, VersionError

MAX_DIGITS = 250  # of one number; its length must fit a byte


def number(digits: str) -> bytes:
    """Return the key of a number of any length, leading zeros apart; "" is zero."""
    plain = digits.lstrip("0")
    if not plain.isascii():
        raise VersionError(f"{digits!r} is no number of a version")
    if len(plain) > MAX_DIGITS:
        raise VersionError(f"a number of {len(plain)} digits is no part of a version")
    return bytes((len(plain),)) + plain.encode("ascii")


def word(text: str) -> bytes:
    """Return the key of a text, which is less than any text that it begins; characters compare as in UTF-8."""
    return text.encode("utf-8", "surrogatepass").replace(b"\0", b"\1") + b"\0"


def bounded(version: str) -> str:
    """Return a version without blanks around it; raises VersionError for one that is too long to be one."""
    text = version.strip()
    if len(text) > MAX_VERSION_CHARS:
        raise VersionError(f"{text[:40]!r}… is longer than {MAX_VERSION_CHARS} characters, so it is no version")
    return text
