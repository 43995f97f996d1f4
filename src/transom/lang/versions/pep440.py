"""Versions of Python packages (PEP 440), and those of before, which are less than any of these."""

from __future__ import annotations

import re

from transom.lang.versions.keys import bounded, number, word
from transom.lang.versions.semver import VersionError

LEGACY, VALID = b"\0", b"\1"
END, MORE = b"\1", b"\2"
DEVELOPED, PRE, RELEASED = b"\1", b"\2", b"\3"
STRING, NUMBER = b"\2", b"\3"
_PRE = {"a": 1, "alpha": 1, "b": 2, "beta": 2, "c": 3, "rc": 3, "pre": 3, "preview": 3}
_VERSION = re.compile(
    r"""v?(?:(?P<epoch>[0-9]+)!)?(?P<release>[0-9]+(?:\.[0-9]+)*)
    (?:[-_.]?(?P<pre>alpha|a|beta|b|preview|pre|c|rc)[-_.]?(?P<pre_number>[0-9]*))?
    (?P<post>-(?P<implicit>[0-9]+)|[-_.]?(?:post|rev|r)[-_.]?(?P<post_number>[0-9]*))?
    (?P<dev>[-_.]?dev[-_.]?(?P<dev_number>[0-9]*))?
    (?:\+(?P<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?\Z""",
    re.X | re.I | re.ASCII,
)
_LEGACY_PART = re.compile(r"[0-9]+|[a-z]+|\.|-", re.ASCII)
_LEGACY_NAMES = {"pre": "c", "preview": "c", "-": "final-", "rc": "c", "dev": "@"}


def order_key(version: str) -> bytes:
    """Return the key of a version; raises VersionError."""
    text = bounded(version)
    if not text:
        raise VersionError("'' is no version of a Python package")
    match = _VERSION.match(text)
    return VALID + _key(match) if match else LEGACY + _legacy(text.lower())


def _key(match: re.Match[str]) -> bytes:
    release = [part.lstrip("0") for part in match["release"].split(".")]
    while len(release) > 1 and not release[-1]:
        release.pop()
    key = bytearray(number(match["epoch"] or "0"))
    for part in release:
        key += MORE + number(part)
    key += END + _pre(match)
    key += MORE + number(match["implicit"] or match["post_number"] or "") if match["post"] else END
    key += END + number(match["dev_number"]) if match["dev"] else MORE
    return bytes(key + _local(match["local"]))


def _pre(match: re.Match[str]) -> bytes:
    if match["pre"]:
        return PRE + bytes((_PRE[match["pre"].lower()],)) + number(match["pre_number"])
    return DEVELOPED if match["dev"] and not match["post"] else RELEASED


def _local(local: str | None) -> bytes:
    key = bytearray()
    for part in re.split(r"[-_.]", local.lower()) if local else ():
        key += NUMBER + number(part) if part.isdecimal() else STRING + word(part)
    return bytes(key + END)


def _legacy(text: str) -> bytes:
    """Return the key of what setuptools once made of any text."""
    parts: list[str] = []
    for part in [*_LEGACY_PART.findall(text), "final"]:
        name = _LEGACY_NAMES.get(part, part)
        if name == ".":
            continue
        if name.isdecimal():
            parts.append(name.zfill(8))
            continue
        if name < "final":
            while parts and parts[-1] == "*final-":
                parts.pop()
        while parts and parts[-1] == "00000000":
            parts.pop()
        parts.append(f"*{name}")
    return b"".join(map(word, parts))
