"""Semantic Versioning 2.0.0: reading, and an order key."""

from __future__ import annotations

import re

from msgspec import Struct

MAX_VERSION_CHARS = 256
_NUMBER = r"(0|[1-9][0-9]*)"
_VERSION = re.compile(
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?\Z"
)
MAX_PART = 2**64 - 1  # what fits the numbers of the API server's library

_Key = tuple[int, int, int, int, tuple[tuple[int, int, str], ...]]


class VersionError(ValueError):
    """A text that is no semantic version."""


class SemanticVersion(Struct, frozen=True):
    """A version; build does not count in its order."""

    major: int
    minor: int
    patch: int
    pre_release: tuple[str, ...] = ()
    build: str = ""

    def order_key(self) -> _Key:
        """What versions are ordered by: numbers below words, a pre-release below its release."""
        words = tuple((0, int(word), "") if word.isdecimal() else (1, 0, word) for word in self.pre_release)
        return (self.major, self.minor, self.patch, 0 if words else 1, words)


def parse_semver(text: str, normalise: bool = False) -> SemanticVersion:
    """Read a version; raises VersionError.

    normalise: also take a leading v, one or two missing parts, and leading zeros.
    """
    if normalise and len(text) <= MAX_VERSION_CHARS:
        text = _normalised(text)
    match = _VERSION.match(text) if len(text) <= MAX_VERSION_CHARS else None
    if not match:
        raise VersionError(f"{text[:MAX_VERSION_CHARS]!r} is no semantic version")
    major, minor, patch = (int(match[part]) for part in (1, 2, 3))
    words = tuple(match[4].split(".")) if match[4] else ()
    if max(major, minor, patch) > MAX_PART or any(w.isdecimal() and len(w) > 1 and w[0] == "0" for w in words):
        raise VersionError(f"{text!r} is no semantic version")
    return SemanticVersion(major, minor, patch, words, match[5] or "")


def _normalised(text: str) -> str:
    """Return a version in full; a short one that carries more than numbers stays as it is, which is none."""
    parts = text.removeprefix("v").split(".", 2)
    for index, part in enumerate(parts):
        if len(part) > 1:
            stripped = part.lstrip("0")
            parts[index] = stripped if stripped and stripped[0] in "0123456789" else f"0{stripped}"
    if len(parts) < 3 and ("+" in parts[-1] or "-" in parts[-1]):
        return text
    return ".".join([*parts, *["0"] * (3 - len(parts))])
