"""Files as a source: documents found in folders, files and standard input become entries of the inventory."""

from __future__ import annotations

import marshal
import sys
from collections.abc import Generator, Iterator, Sequence
from typing import BinaryIO

import msgspec

from transom.inventory.cores import cores, on_cores, slices
from transom.inventory.entries import Origin, Places
from transom.inventory.inventory import Inventory
from transom.kube.comments import Comment, comments
from transom.kube.documents import Document, DuplicateKey, positions, read_documents
from transom.kube.files import Found, FoundChart, is_dockerfile, walk
from transom.kube.objects import objects
from transom.model.findings import NotApplicable, Skipped, Told
from transom.model.refs import file_ref

NO_OBJECT = "documents that are no Kubernetes object"
WORTH_A_PROCESS_BYTES = 4 * 1024 * 1024  # about a second of reading, ten times what a child costs


class DocumentSource(msgspec.Struct, frozen=True, eq=False):
    """The places of one document, computed from its text when first asked for: cheaper than keeping all."""

    document: Document

    def places(self) -> Places:
        """Return the places of all nodes of the document."""
        return positions(self.document)

    def comments(self) -> Sequence[Comment]:
        """Return the comments of the document that are addressed to Transom."""
        return comments(self.document)


def fill_from_path(
    inventory: Inventory, root: str, exclude: Sequence[str] = (), value_files: Sequence[str] = ()
) -> Iterator[Told]:
    """Add every object below a path; yield what could not be read and what is no object.

    value_files: laid over the values of every chart that is found.
    """
    found: list[Found] = []
    charts: list[FoundChart] = []
    dockerfiles: list[Found] = []
    for item in walk(root, exclude):
        if isinstance(item, Found):
            (dockerfiles if is_dockerfile(item.path.rpartition("/")[2]) else found).append(item)
        elif isinstance(item, FoundChart):
            charts.append(item)
        else:
            yield item
    count = min(cores(), len(found), sum(file.size_bytes for file in found) // WORTH_A_PROCESS_BYTES)
    read = _read_in_children(found, count) if count > 1 else _read(found)
    yield from _add_all(inventory, root, read)
    if dockerfiles:
        from transom.inventory.dockerfiles import fill_from_dockerfiles

        yield from fill_from_dockerfiles(inventory, dockerfiles, root)
    if charts:  # after the fork above: a worker that renders must not be shared with children
        from transom.inventory.charts import fill_from_charts

        yield from fill_from_charts(inventory, charts, root, value_files)


def fill_from_stdin(inventory: Inventory) -> Iterator[Told]:
    """Add every object of standard input."""
    yield from fill_from_stream(inventory, sys.stdin.buffer, target="-", file="-")


def fill_from_stream(inventory: Inventory, stream: BinaryIO, target: str, file: str) -> Iterator[Told]:
    """Add every object of one stream of YAML or JSON documents."""
    yield from _add_all(inventory, target, read_documents(stream, file))


def _read(files: Sequence[Found]) -> Iterator[Document | Skipped]:
    for found in files:
        try:
            with open(found.path, "rb") as stream:  # noqa: PTH123 - a path object per file costs as much as opening it
                yield from read_documents(stream, found.shown)
        except OSError as error:
            reason = f"cannot be read: {error.strerror or error}"
            yield Skipped(file_ref(found.shown), reason, "make it readable, or exclude it")


def _read_in_children(files: Sequence[Found], count: int) -> Iterator[Document | Skipped]:
    """Read on several cores; marshal carries plain data several times faster than any other encoding of it."""
    parts = slices(files, count, lambda found: found.size_bytes)
    for message in on_cores(lambda part: map(_packed, _read(part)), parts):
        packed = marshal.loads(message)  # noqa: S302 - written by our own child a moment ago
        if isinstance(packed, bytes):
            yield msgspec.msgpack.decode(packed, type=Skipped)
        else:
            file, index, value, text, offset, line, duplicates = packed
            keys = tuple(DuplicateKey(*duplicate) for duplicate in duplicates)
            yield Document(file, index, value, text, offset, line, keys)


def _packed(item: Document | Skipped) -> bytes:
    if isinstance(item, Skipped):
        return marshal.dumps(msgspec.msgpack.encode(item))
    duplicates = [msgspec.structs.astuple(duplicate) for duplicate in item.duplicates]
    return marshal.dumps((*msgspec.structs.astuple(item)[:-1], duplicates))


def _add_all(inventory: Inventory, target: str, read: Iterator[Document | Skipped]) -> Iterator[Told]:
    foreign = 0
    for document in read:
        if isinstance(document, Skipped):
            yield document
        elif document.value is not None:
            foreign += not (yield from _add_objects(inventory, document, target))
    if foreign:
        yield NotApplicable(NO_OBJECT, foreign)


def _add_objects(inventory: Inventory, document: Document, target: str) -> Generator[Skipped, None, int]:
    """Add the objects of one document and return how many things it held, objects or not."""
    source = DocumentSource(document)
    count = 0
    for item in objects(document.value, document=document):
        count += 1
        if isinstance(item, Skipped):
            yield item
        else:
            path, value = item
            inventory.add(value, Origin(target, document.file, document.index, path), source)
    return count
