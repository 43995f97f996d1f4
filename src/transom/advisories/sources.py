"""Feeds by their names: `debian`, `osv:PyPI`, and where their publishers keep them (content/feeds/addresses.yaml)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import product
from pathlib import Path
from typing import Literal
from urllib.parse import quote, unquote, urlsplit

import msgspec
from msgspec import Struct

from transom.advisories.documents import ENDINGS
from transom.model.errors import UsageError

TABLE = Path(__file__).parent.parent / "content" / "feeds" / "addresses.yaml"
NAMING_STEPS = 6  # of an address's path; the longest of the table that differ have five
Kind = Literal["file", "named", "repository"]
_NAME = re.compile(r"(?P<feed>[a-z][a-z0-9-]*)(?::(?P<argument>[A-Za-z][A-Za-z0-9. _-]{0,60}))?")
_SAFE = re.compile(r"[^A-Za-z0-9._-]+")


class Source(Struct, frozen=True):
    """One feed of the table. tried: on what its reader was tried; each: the values of the words in its addresses.

    changes: the list beside an archive that tells which documents changed since, "" where there is none.
    """

    about: str
    tried: Literal["whole", "samples", "specification"]
    files: Sequence[str]
    kind: Kind = "file"
    optional: bool = False
    changes: str = ""
    each: Mapping[str, Sequence[str]] = {}


class Remote(Struct, frozen=True):
    """One file to fetch. file: what it is called here; optional: whether it may be missing; changes: as of its source."""

    address: str
    file: str
    kind: Kind
    optional: bool
    changes: str = ""


@cache
def sources() -> Mapping[str, Source]:
    """Return every feed of the table by its name."""
    from transom.advisories.feeds import from_yaml

    return msgspec.convert(from_yaml(TABLE.read_bytes()), dict[str, Source], strict=False)


def is_source(name: str) -> bool:
    """Tell whether a word is the name of a feed of the table, and no path that is there."""
    found = _NAME.fullmatch(name)
    return found is not None and found["feed"] in sources() and not Path(name).exists()


def remotes(name: str, mirror: str = "") -> Iterator[Remote]:
    """Yield what a feed is made of; raises UsageError for one that is not known.

    mirror: an address or folder that keeps copies, each below its host and path; "" for the publishers themselves.
    """
    found = _NAME.fullmatch(name)
    source = sources().get(found["feed"]) if found else None
    if found is None or source is None:
        raise UsageError(f"no feed is called {name}", "", f"known are {', '.join(sources())}")
    takes = any("{argument}" in address for address in source.files)
    if takes != bool(found["argument"]):
        example = f"{name}:PyPI" if takes else found["feed"]
        raise UsageError(
            f"cannot use {name}", "it is kept by ecosystem" if takes else "it has no parts", f"say {example}"
        )
    for address in source.files:
        for values in product(*(source.each.get(word, ()) for word in source.each if f"{{{word}}}" in address)):
            words = [word for word in source.each if f"{{{word}}}" in address]
            whole = address.format(argument=quote(found["argument"] or ""), **dict(zip(words, values, strict=True)))
            yield Remote(mirrored(whole, mirror), _file(whole), source.kind, source.optional, source.changes)


def mirrored(address: str, mirror: str) -> str:
    """Return where a mirror keeps an address: below its host and path."""
    if not mirror:
        return address
    parts = urlsplit(address)
    return f"{mirror.rstrip('/')}/{parts.netloc}{parts.path}"


def folder_of(name: str) -> str:
    """Return the folder of a feed within that of all feeds."""
    return _SAFE.sub("-", name)


def _file(address: str) -> str:
    """Return a name for a file that no other of its feed has: the last steps of its path."""
    steps = [step for step in unquote(urlsplit(address).path).split("/") if step]
    name = _SAFE.sub("-", "-".join(steps[-NAMING_STEPS:])).strip("-")
    return name if name.lower().endswith(ENDINGS) else f"{name}.txt"  # so that it is known as a document
