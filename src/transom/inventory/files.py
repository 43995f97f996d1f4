"""Files as a source: documents found in folders, files and standard input become entries of the inventory."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from msgspec import Struct

from transom.inventory.entries import Origin, Places
from transom.inventory.inventory import Inventory
from transom.kube.documents import Document, positions, read_documents
from transom.kube.files import Found, walk
from transom.kube.objects import objects
from transom.model.findings import NotApplicable, Skipped
from transom.model.refs import file_ref

NO_OBJECT = "documents that are no Kubernetes object"


class DocumentSource(Struct, frozen=True, eq=False):
    """The places of one document, computed from its text when first asked for: cheaper than keeping all."""

    document: Document

    def places(self) -> Places:
        """Return the places of all nodes of the document."""
        return positions(self.document)


def fill_from_path(inventory: Inventory, root: str, exclude: Sequence[str] = ()) -> Iterator[Skipped | NotApplicable]:
    """Add every object below a path; yield what could not be read and what is no object."""
    for found in walk(root, exclude):
        if isinstance(found, Found):
            yield from _fill_from_file(inventory, root, found)
        else:
            yield found


def fill_from_stdin(inventory: Inventory) -> Iterator[Skipped | NotApplicable]:
    """Add every object of standard input."""
    yield from fill_from_stream(inventory, sys.stdin.buffer, target="-", file="-")


def _fill_from_file(inventory: Inventory, target: str, found: Found) -> Iterator[Skipped | NotApplicable]:
    try:
        with open(found.path, "rb") as stream:  # noqa: PTH123 - a path object per file costs as much as opening it
            yield from fill_from_stream(inventory, stream, target, found.shown)
    except OSError as error:
        reason = f"cannot be read: {error.strerror or error}"
        yield Skipped(file_ref(found.shown), reason, "make it readable, or exclude it")


def fill_from_stream(
    inventory: Inventory, stream: BinaryIO, target: str, file: str
) -> Iterator[Skipped | NotApplicable]:
    """Add every object of one stream of YAML or JSON documents."""
    foreign = 0
    for document in read_documents(stream, file):
        if isinstance(document, Skipped):
            yield document
        elif document.value is not None:
            foreign += not (yield from _add_objects(inventory, document, target))
    if foreign:
        yield NotApplicable(NO_OBJECT, foreign)


def _add_objects(inventory: Inventory, document: Document, target: str) -> Iterator[Skipped]:
    source = DocumentSource(document)
    count = 0
    for item in objects(document.value):
        count += 1
        if isinstance(item, Skipped):
            yield item
        else:
            path, value = item
            inventory.add(value, Origin(target, document.file, document.index, path), source)
    return count
