"""Policy files as objects with places: where a field stands, and where a character of an expression stands."""

from __future__ import annotations

import re
from pathlib import Path as File
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from transom.kube.documents import Document, positions, read_documents
from transom.kube.objects import objects
from transom.model.findings import Skipped
from transom.model.limits import MAX_POLICY_BYTES
from transom.model.places import Locator, Path, path_text
from transom.model.refs import file_ref

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_BEFORE_TEXT = re.compile(r"""(?:"[^"]*"|'[^']*'|[^:\s]+)\s*:\s*(?:[|>][-+0-9]*[ \t]*(?:#[^\n]*)?\r?\n|["'])?""")
"""What stands before the text of a map's entry: key, colon, and the header of a block or an opening quote."""


class Source(Struct, frozen=True):
    """One object of a policy file; document: None where the object comes from elsewhere, and its fields have no places."""

    file: File
    document: Document | None
    item: Path
    value: dict[str, Any]

    @property
    def kind(self) -> str:
        """The object's kind."""
        return str(self.value.get("kind"))

    @property
    def group(self) -> str:
        """The group of the object's apiVersion."""
        return str(self.value.get("apiVersion")).rpartition("/")[0]

    @property
    def name(self) -> str:
        """The object's name, "" where it has none."""
        metadata = self.value.get("metadata")
        name = metadata.get("name") if isinstance(metadata, dict) else None
        return name if isinstance(name, str) else ""

    def place(self, path: Path, text: str = "", offset: int = 0) -> Locator:
        """Return where a field stands, or, where it holds text, where the character at offset of the text stands."""
        if self.document is None:
            return Locator(str(self.file), path=path_text(path))
        found = positions(self.document).find(self.item + path)
        if not text:
            return found
        start, end = found.start - self.document.offset, found.end - self.document.offset
        within = _within(self.document.text[start:end].decode("utf-8", "replace"), text, offset)
        if within is None:
            return found
        line, column = within
        return Locator(
            found.file, found.line + line, column + (0 if line else found.column), found.start, found.end, found.path
        )


def _within(entry: str, text: str, offset: int) -> tuple[int, int] | None:
    """Return the line, from 0, and the column of a character within the entry that holds it, None where it is not told.

    Folding and indentation change white space only, so the same number of other characters stands before it in both.
    The column counts from 1 on a line of its own, from 0 on the entry's first line.
    """
    before = _BEFORE_TEXT.match(entry)
    if before is None:
        return None
    wanted = len("".join(text[:offset].split()))
    if "".join(entry[before.end() :].split()).rstrip("\"'") != "".join(text.split()).rstrip("\"'"):
        return None  # quotes or escapes stand between
    for index in range(before.end(), len(entry)):
        if entry[index].isspace():
            continue
        if not wanted:
            line = entry.count("\n", 0, index)
            return line, index - entry.rfind("\n", 0, index) - (0 if line else 1)
        wanted -= 1
    return None


def read_sources(files: Iterable[File]) -> Iterator[Source | Skipped]:
    """Yield the objects of policy files, and what could not be read."""
    for file in files:
        try:
            if file.stat().st_size > MAX_POLICY_BYTES:
                yield Skipped(file_ref(str(file)), "it is larger than 1 MiB, no policy is", "leave it out of the rules")
                continue
            with file.open("rb") as stream:
                yield from _sources(file, list(read_documents(stream, str(file))))
        except OSError as error:
            yield Skipped(file_ref(str(file)), f"cannot be read: {error.strerror or error}", "make it readable")


def _sources(file: File, documents: Iterable[Document | Skipped]) -> Iterator[Source | Skipped]:
    for document in documents:
        if isinstance(document, Skipped):
            yield document
            continue
        for item in objects(document.value, document=document):
            if isinstance(item, Skipped):
                yield item
            else:
                yield Source(file, document, *item)
