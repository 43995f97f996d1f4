"""Streams of YAML or JSON to documents, each decoded as Kubernetes decodes it. Bad input is a Skipped, never an error.

A stream is split at document markers before anything is parsed: a broken document costs no other, and no more of a
stream is held than one document.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

from msgspec import Struct

from transom.kube.builder import Built, TextError, build
from transom.kube.libyaml import YAMLError
from transom.kube.streams import TRANSLATED, NotTextError, Segment, segments
from transom.model.findings import Skipped
from transom.model.language import mark
from transom.model.limits import MAX_DEPTH, MAX_DOCUMENT_BYTES
from transom.model.places import Locator, Path
from transom.model.refs import file_ref

if TYPE_CHECKING:
    from transom.kube.jsontext import JsonValue
    from transom.kube.positions import Positions

MAX_PADDING = 1_000  # bytes; only JSON documents that share a line have any


class DuplicateKey(Struct, frozen=True):
    """A key that its map had already; the last value counts, as in Kubernetes. line and column count from 1."""

    path: Path
    line: int
    column: int


class Document(Struct, frozen=True):
    """One document of a stream.

    value: what Kubernetes would decode: dict, list, str, int, float, bool, None. text: the document's own bytes, from
    which positions are computed; offset and line: where text begins in the file, in bytes from 0 and lines from 1.
    An offset below 0 says that the file is UTF-16 and text its translation, so that bytes have no places.
    """

    file: str
    index: int
    value: Any
    text: bytes
    offset: int
    line: int
    duplicates: tuple[DuplicateKey, ...] = ()


def read_documents(stream: BinaryIO, file: str) -> Iterator[Document | Skipped]:
    """Yield each document of a stream, and a Skipped for each that cannot be read; never raises for what it holds.

    A document without content has the value None. A broken .json file that does not speak of Kubernetes at all, such
    as settings with comments, is a document with the value "".
    """
    index = 0
    try:
        for segment in segments(stream):
            for item in _documents(segment, file, index):
                index += isinstance(item, Document) or segment.too_large
                yield item
    except NotTextError as error:
        yield Skipped(file_ref(file), str(error), "exclude it", locator=Locator(file))
    except OSError as error:
        reason = f"cannot be read: {error.strerror or error}"
        yield Skipped(file_ref(file), reason, "make it readable, or exclude it", locator=Locator(file))


def positions(document: Document) -> Positions:
    """Return the places of a document's nodes, read again from its text."""
    from transom.kube.positions import Positions

    return Positions(document.file, document.text, document.offset, document.line)


def _documents(segment: Segment, file: str, index: int) -> Iterator[Document | Skipped]:
    if segment.too_large:
        limit = MAX_DOCUMENT_BYTES // 2**20
        reason, step = f"the document is larger than {limit} MiB", "split it into several documents"
        yield Skipped(file_ref(file), reason, step, locator=Locator(file, segment.line, 1))
    elif segment.text.lstrip()[:1] == b"{":
        yield from _json(segment, file, index)
    else:
        yield from _yaml(segment, file, index)


def _yaml(segment: Segment, file: str, index: int) -> Iterator[Document | Skipped]:
    text = segment.text
    try:
        # Kubernetes reads by lines and ends the last one too, which block scalars keep
        built = build(text if text.endswith(b"\n") else text + b"\n")
    except TextError as error:
        yield _refused(segment, file, error)
    except YAMLError as error:
        yield _broken(segment, file, index, error)
    except RecursionError:
        yield _refused(
            segment, file, TextError(f"the document is nested more than {MAX_DEPTH} levels deep", "flatten it")
        )
    else:
        yield _document(segment, file, index, built)
        if built.rest is not None:
            reason = "what follows the document is not part of it, and Kubernetes does not read it"
            yield _skipped(segment, file, reason, "put a line --- before it", *built.rest)


def _document(segment: Segment, file: str, index: int, built: Built) -> Document:
    return Document(
        file, index, built.value, segment.text, segment.offset, segment.line, _duplicates(segment.line, built)
    )


def _duplicates(line: int, built: Built) -> tuple[DuplicateKey, ...]:
    return tuple(DuplicateKey(each.path, line + each.line, each.column + 1) for each in built.duplicates)


def _json(segment: Segment, file: str, index: int) -> Iterator[Document | Skipped]:
    """Read JSON values behind each other; what is left, or all where there is none, is read as YAML."""
    from transom.kube.jsontext import json_values

    end, line = 0, segment.line
    for found in json_values(segment.text):
        line += segment.text.count(b"\n", end, found.start)
        yield _json_document(segment, file, index, found, line)
        line += segment.text.count(b"\n", found.start, found.end)
        end = found.end
        index += 1
    rest = segment.text[end:]
    if rest.strip():
        offset = segment.offset if segment.offset == TRANSLATED else segment.offset + end
        yield from _yaml(Segment(rest, offset, line), file, index)


def _json_document(segment: Segment, file: str, index: int, found: JsonValue, line: int) -> Document:
    """Return one JSON document; spaces stand for what is before it on its line, so that columns are right."""
    text = segment.text[found.start : found.end]
    padding = _padding(segment.text, found.start)
    duplicates: tuple[DuplicateKey, ...] = ()
    if found.repeated:
        try:
            duplicates = _duplicates(line, build(b" " * padding + text))
        except (TextError, YAMLError):
            duplicates = (DuplicateKey((), line, padding + 1),)  # JSON that YAML does not read: which key is not told
    offset = segment.offset if segment.offset == TRANSLATED else segment.offset + found.start - padding
    return Document(file, index, found.value, b" " * padding + text, offset, line, duplicates)


def _padding(text: bytes, start: int) -> int:
    """Return how many bytes stand before an offset on its line, 0 where there are too many to be worth it."""
    window = max(0, start - MAX_PADDING)
    line = text.rfind(b"\n", window, start) + 1
    return start - line if line or not window else 0


def _refused(segment: Segment, file: str, error: TextError) -> Skipped:
    from transom.kube.diagnosis import CORRECT, is_template

    reason, step = error.reason, error.next_step or CORRECT
    if error.syntax and is_template(segment.text):
        reason, step = _as_template(reason)
    return _skipped(segment, file, reason, step, error.line, error.column)


def _broken(segment: Segment, file: str, index: int, error: YAMLError) -> Document | Skipped:
    from transom.kube.diagnosis import complaint, is_foreign_json, is_template

    if is_foreign_json(file, segment.text):
        return Document(file, index, "", segment.text, segment.offset, segment.line)
    found = complaint(segment.text, error)
    reason, step = found.reason, found.next_step
    if is_template(segment.text):
        reason, step = _as_template(reason)
    return _skipped(segment, file, reason, step, found.line, found.column)


def _as_template(reason: str) -> tuple[str, str]:
    why = f"it is a template, not YAML: {reason.removeprefix('it is no YAML: ')}"
    return why, mark("render it first, or exclude it")


def _skipped(segment: Segment, file: str, reason: str, next_step: str, line: int, column: int) -> Skipped:
    """Return the Skipped of a text; line and column count from 0 in it."""
    return Skipped(file_ref(file), reason, next_step, locator=Locator(file, segment.line + line, column + 1))
