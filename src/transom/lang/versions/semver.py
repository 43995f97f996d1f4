"""Semantic Versioning 2.0.0: reading, and an order key."""

from __future__ import annotations

import re

from msgspec import Struct

MAX_VERSION_CHARS = 256
_NUMBER = r"(0|[1-9][0-9]*)"
_VERSION = re.compile(
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?\Z"
)
_LOOSE = re.compile(r"v?([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?([-+].*)?\Z", re.S)
MAX_PART = 2**63 - 1  # what fits the API server's integers

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
    if normalise and len(text) <= MAX_VERSION_CHARS and (loose := _LOOSE.match(text)):
        text = ".".join(str(int(part or "0")) for part in loose.groups()[:3]) + (loose[4] or "")
    match = _VERSION.match(text) if len(text) <= MAX_VERSION_CHARS else None
    if not match:
        raise VersionError(f"{text[:MAX_VERSION_CHARS]!r} is no semantic version")
    major, minor, patch = (int(match[part]) for part in (1, 2, 3))
    words = tuple(match[4].split(".")) if match[4] else ()
    if max(major, minor, patch) > MAX_PART or any(w.isdecimal() and len(w) > 1 and w[0] == "0" for w in words):
        raise VersionError(f"{text!r} is no semantic version")
    return SemanticVersion(major, minor, patch, words, match[5] or "")
