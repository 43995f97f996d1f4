"""Versions like semantic ones: npm, Go, crates, hex, pub, NuGet. Read leniently: missing parts are zero, more are kept."""

from __future__ import annotations

import re

from transom.lang.versions.keys import bounded, number, word
from transom.lang.versions.semver import VersionError

BEFORE, RELEASE = b"\1", b"\2"
END, NUMBER, STRING = b"\1", b"\2", b"\3"
_VERSION = re.compile(
    r"[v=]*(?P<numbers>[0-9]+(?:\.[0-9]+)*)(?:\.[xX*])*(?:-?(?P<pre>[0-9A-Za-z.-]+))?(?:\+(?P<build>.*))?\Z", re.ASCII
)


def order_key(version: str) -> bytes:
    """Return the key of a semantic version, whose build does not count; raises VersionError."""
    return _key(_match(version))


def order_key_nuget(version: str) -> bytes:
    """Return the key of a NuGet version, whose words have no case."""
    return _key(_match(version.lower()))


def order_key_pub(version: str) -> bytes:
    """Return the key of a Dart version, whose build counts: more than none."""
    match = _match(version)
    build = match["build"]
    return _key(match) + (RELEASE + _words(build.split(".")) if build else BEFORE)


def _match(version: str) -> re.Match[str]:
    match = _VERSION.match(bounded(version))
    if not match:
        raise VersionError(f"{version!r} is no version")
    return match


def _key(match: re.Match[str]) -> bytes:
    numbers = match["numbers"].split(".")
    while len(numbers) > 1 and not numbers[-1].lstrip("0"):
        numbers.pop()
    key = bytearray()
    for digits in numbers:
        key += NUMBER + number(digits)
    pre = match["pre"]
    return bytes(key + END + (BEFORE + _words(pre.split(".")) if pre else RELEASE))


def _words(words: list[str]) -> bytes:
    key = bytearray()
    for each in words:
        key += NUMBER + number(each) if each.isdecimal() else STRING + word(each)
    return bytes(key + END)
