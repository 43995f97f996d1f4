"""The lines around a finding, from the bytes that were judged; what may be secret in them is not shown."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, lru_cache, partial

from msgspec import Struct

from transom.cli.dockerfile_excerpts import UNTOLD, masked_lines
from transom.inventory import Entry, Inventory
from transom.inventory.dockerfiles import DockerfileSource
from transom.inventory.files import DocumentSource
from transom.kube.documents import Document
from transom.kube.sight import LAST_APPLIED
from transom.model.findings import Finding
from transom.model.places import Path
from transom.report.options import Excerpt
from transom.secrets.credentials import secret_words

AROUND = 3  # lines above and below the place
MAX_LINE_CHARS = 160  # a longer line is minified: what is near the place is shown of it
BEFORE_CHARS = 40  # of such a line, before the place
HIDDEN = "***"
KEPT = 32  # documents: findings are asked for by owner, and owners of large files are mixed
MANY_SECRETS = 100  # in one document; from here on hiding all of them once is quicker than asking for each line
OF_CREDENTIALS = ("known-credential-in-configmap", "known-credential-in-pod")
"""Rules that may find credentials by a person's own rules, anywhere in a line."""

PUBLIC_PAIRS = ("sysctls",)  # lists of name and value that hold no secret
_ENTRY = re.compile(r"""\s*(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^:\n"']*):[ ]?""")
_ANCHOR = re.compile(r"(?:^|[\s,\[{])&\w", re.M)
_HIDDEN_RUN = re.compile("\0+")


class _Held(Struct, frozen=True, eq=False):
    """A document, and what was read from it."""

    document: Document
    entries: list[Entry]


def excerpts(inventory: Inventory) -> Callable[[Finding], Excerpt | None]:
    """Return the function that tells the lines around a finding; None where there are none, or they are a Secret's.

    Hidden are Secrets, values of ConfigMaps, values of variables and headers, words of commands that hold a credential, and
    copies of objects that kubectl keeps; of Dockerfiles dockerfile_excerpts tells it.
    """
    by_file = lru_cache(1)(lambda: _by_file(inventory))
    opened = lru_cache(KEPT)(partial(_Opened, inventory))
    dockerfiles = lru_cache(1)(
        lambda: {
            each.origin.file: each.source for each in inventory.entries() if isinstance(each.source, DockerfileSource)
        }
    )
    masked = lru_cache(KEPT)(masked_lines)

    def ask(finding: Finding) -> Excerpt | None:
        place = finding.place
        lines, held = by_file().get(place.file, ([], []))
        dockerfile = dockerfiles().get(place.file)
        if dockerfile is not None:
            return None if finding.rule in UNTOLD else _around(masked(dockerfile), place.line, place.column)
        index = bisect_right(lines, place.line) - 1
        if place.line < 1 or index < 0 or finding.ref.kind == "Secret" or finding.rule in OF_CREDENTIALS:
            return None
        return _excerpt(opened(held[index]), place.line, place.column)

    return ask


def _around(lines: Sequence[str], line: int, column: int) -> Excerpt | None:
    """Return the lines around one of a whole file."""
    if not 0 < line <= len(lines):
        return None
    first = max(line - 1 - AROUND, 0)
    near = range(first, min(line + AROUND, len(lines)))
    shown = [_near(lines[number], column if number == line - 1 else 1) for number in near]
    while len(shown) > line - first and not shown[-1].strip():
        shown.pop()
    return Excerpt(first + 1, tuple(shown), line)


def _by_file(inventory: Inventory) -> dict[str, tuple[list[int], list[_Held]]]:
    held: dict[int, _Held] = {}
    for entry in inventory.entries():
        if isinstance(entry.source, DocumentSource):
            document = entry.source.document
            held.setdefault(id(document), _Held(document, [])).entries.append(entry)
    files: dict[str, dict[int, _Held]] = {}
    for each in held.values():
        files.setdefault(each.document.file, {}).setdefault(each.document.line, each)
    return {file: (sorted(lines), [lines[line] for line in sorted(lines)]) for file, lines in files.items()}


class _Opened:
    """The lines of one document, as they stand in it and with everything hidden that may be secret."""

    def __init__(self, inventory: Inventory, held: _Held) -> None:
        self.document = held.document
        self.text = held.document.text.decode("utf-8", "replace")
        self.lines = self.text.split("\n")
        self.secrets = [(entry, path, value) for entry in held.entries for path, value in _secrets(entry.object, ())]
        self._inventory = inventory

    @cached_property
    def masked(self) -> list[str]:
        """The lines with secrets hidden; none where a document has no places, or an anchor may lend it a secret."""
        lent = len(self.secrets) > MANY_SECRETS and _ANCHOR.search(self.text)
        if self.document.offset < 0 or lent:  # below 0: UTF-16, of which bytes have no places
            return []
        paths = [(entry, path) for entry, path, _ in self.secrets]
        return _masked(self._inventory, self.document, paths).split("\n")

    def shown(self, first: int, end: int) -> list[str]:
        """Return lines that may be shown; none where it is not sure that they hold no secret."""
        if len(self.secrets) <= MANY_SECRETS and not _may_show(self.secrets, self.lines[first:end]):
            return self.lines[first:end]
        masked = self.masked[first:end]
        if len(self.secrets) <= MANY_SECRETS and _ANCHOR.search(self.text) and _may_show(self.secrets, masked):
            return []  # what an anchor lends stands elsewhere than the value that borrows it
        return masked


def _excerpt(opened: _Opened, line: int, column: int) -> Excerpt | None:
    meant = line - opened.document.line
    if not 0 <= meant < len(opened.lines):
        return None
    first = max(meant - AROUND, 0)
    lines = opened.shown(first, meant + AROUND + 1)
    shown = [_near(each, column if number == meant else 1) for number, each in enumerate(lines, first)]
    while shown and not shown[-1].strip():
        shown.pop()
    return Excerpt(line - meant + first, tuple(shown), line) if meant - first < len(shown) else None


def _secrets(value: object, path: Path) -> Iterator[tuple[Path, object]]:
    """Yield the way to everything in an object that may be secret, and what stands there."""
    if isinstance(value, list):
        for index, part in enumerate(value):
            yield from _secrets(part, (*path, index))
    elif isinstance(value, dict):
        kind = value.get("kind")
        if kind == "Secret" and value.get("apiVersion") == "v1":
            yield path, None
            return
        if "value" in value and "name" in value and not any(step in PUBLIC_PAIRS for step in path[-2:]):
            yield (*path, "value"), value["value"]
        if "args" in value or "command" in value:
            yield from (((*path, *way), None) for way, _ in secret_words(value))
        if LAST_APPLIED in value:
            yield (*path, LAST_APPLIED), value[LAST_APPLIED]
        for key, part in value.items():
            if kind == "ConfigMap" and key in ("data", "binaryData") and isinstance(part, dict):
                yield from (((*path, key, name), each) for name, each in part.items())
            else:
                yield from _secrets(part, (*path, key))


def _may_show(secrets: Sequence[tuple[Entry, Path, object]], lines: Sequence[str]) -> bool:
    r"""Tell whether lines may show something of a secret. Most show none, and places cost a reading of the document.

    Text is written in YAML and JSON as its own words, broken only between them, or with a `\`.
    """
    window = "\n".join(lines)
    return any(
        not isinstance(value, str) or "\\" in window or any(word in window for word in value.split())
        for _, _, value in secrets
    )


def _masked(inventory: Inventory, document: Document, secrets: Sequence[tuple[Entry, Path]]) -> str:
    """Return the text of a document with secrets hidden; line breaks stay."""
    text = bytearray(document.text)
    for entry, path in secrets:
        place = inventory.locate(entry, path)
        start, end = place.start - document.offset, place.end - document.offset
        key = _ENTRY.match(text[start:end].decode("utf-8", "replace")) if path else None
        start += len(key.group().encode()) if key else 0
        text[start:end] = bytes(each if each == 10 else 0 for each in text[start:end])
    return _HIDDEN_RUN.sub(HIDDEN, text.decode("utf-8", "replace"))


def _near(line: str, column: int) -> str:
    """Return a line, or of a long one what is near a column."""
    if len(line) <= MAX_LINE_CHARS:
        return line.rstrip("\r")
    start = max(column - 1 - BEFORE_CHARS, 0)
    return ("…" if start else "") + line[start : start + MAX_LINE_CHARS - 1]
