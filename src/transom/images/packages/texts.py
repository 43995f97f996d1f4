"""Texts that tell of packages: JSON, TOML and XML from strangers, and on which line a piece of them stands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element

MAX_TEXT_BYTES = 32 * 1024 * 1024  # the lock file of a large monorepo has 5 MB
MAX_PACKAGES = 200_000  # of one file
MAX_MISSES = 100  # each goes through the rest of the file; tools write in the order in which they list
MAX_KEY_CHARS = 2_000  # with all its dots; the reader of the standard library takes a time that grows with the square
_ENDLESS_KEY = re.compile(rb"^[^=\n]{%d}" % MAX_KEY_CHARS, re.MULTILINE)
_TRAILING_COMMA = re.compile(rb'("(?:[^"\\]|\\.)*+(?:"|\\?\Z))|,(?=\s*[}\]])', re.DOTALL)
_COMMENT = re.compile(rb'("(?:[^"\\]|\\.)*+(?:"|\\?\Z))|//[^\n]*|/\*(?:.*?\*/|.*\Z)', re.DOTALL)
"""Both patterns take what never closes up to the end, so that it is gone through once."""


def json_object(content: bytes) -> dict[str, Any]:
    """Return a JSON object; raises ValueError for anything else."""
    import msgspec

    _limited(content)
    try:
        found: Any = msgspec.json.decode(content.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError(f"no JSON: {error}") from error
    if not isinstance(found, dict):
        raise ValueError("no JSON object")
    return found


def relaxed_json_object(content: bytes) -> dict[str, Any]:
    """Return a JSON object that may have comments and commas before its closing brackets."""
    _limited(content)
    plain = _COMMENT.sub(lambda match: match[1] or b"", content)
    return json_object(_TRAILING_COMMA.sub(lambda match: match[1] or b"", plain))


def toml_table(content: bytes) -> dict[str, Any]:
    """Return a TOML document; raises ValueError for what is none."""
    import tomllib

    _limited(content)
    if _ENDLESS_KEY.search(content):
        raise ValueError(f"it has a key of more than {MAX_KEY_CHARS:,} characters")
    try:
        return tomllib.loads(content.decode())
    except RecursionError as error:
        raise ValueError("its values are too deep") from error


def xml_root(content: bytes) -> Element:
    """Return the root of an XML document without entities of its own; raises ValueError for what is none."""
    from xml.etree import ElementTree

    _limited(content)
    if b"<!ENTITY" in content or b"\0" in content:  # UTF-16 could hide them
        raise ValueError("it declares entities, or is not UTF-8")
    try:
        return ElementTree.fromstring(content)  # noqa: S314  entities are refused above
    except (ElementTree.ParseError, LookupError) as error:
        raise ValueError(f"no XML: {error}") from error


def text_lines(content: bytes) -> Iterator[tuple[int, str]]:
    """Yield each line with its number, from 1."""
    _limited(content)
    for number, line in enumerate(content.decode("utf-8", "replace").split("\n"), 1):
        yield number, line.removesuffix("\r")


def tables(value: Any) -> Iterator[dict[str, Any]]:
    """Yield the objects of a list that should be one of objects."""
    if isinstance(value, list):
        for each in value[:MAX_PACKAGES]:
            if isinstance(each, dict):
                yield each


def table(value: Any) -> dict[str, Any]:
    """Return what should be an object, an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def text(value: Any) -> str:
    """Return what should be a text, "" for anything else."""
    return value.strip() if isinstance(value, str) else ""


class Lines:
    """On which line pieces of a text stand, asked in about the order in which they come."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0
        self._line = 1
        self._misses = 0

    def of(self, piece: str) -> int:
        """Return the line of the next such piece, from 1; 0 where there is none further on."""
        if self._misses > MAX_MISSES:
            return 0
        at = self._content.find(piece.encode("utf-8", "replace"), self._at)
        if at < 0:
            self._misses += 1
            return 0
        self._line += self._content.count(b"\n", self._at, at)
        self._at = at
        return self._line


def _limited(content: bytes) -> None:
    if len(content) > MAX_TEXT_BYTES:
        raise ValueError(f"it is larger than {MAX_TEXT_BYTES // 2**20} MiB")
