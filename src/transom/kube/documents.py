"""Streams of YAML or JSON to documents, each decoded as Kubernetes decodes it. Bad input is a Skipped, never an error.

A stream is split at document markers before anything is parsed: a broken document costs no other, and no more of a
stream is held than one document.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

from msgspec import Struct
from yaml import YAMLError

from transom.kube.builder import Built, TextError, build
from transom.kube.scalars import ScalarError, json_float, json_integer
from transom.model.findings import Skipped
from transom.model.limits import MAX_DEPTH, MAX_DOCUMENT_BYTES
from transom.model.places import Locator, Path
from transom.model.refs import file_ref

if TYPE_CHECKING:
    from transom.kube.positions import Positions

CHUNK_BYTES = 1024 * 1024  # most files are read at once; of a long stream little more than a document is held

_MARKER = re.compile(rb"^(?:---|\.\.\.)(?=[ \t\r\n]|\Z)", re.M)
_DIRECTIVE = re.compile(rb"\A(?:[ \t]*(?:#[^\n]*)?\r?\n)*%")
_TEMPLATE = re.compile(rb"\{\{|\{%|<%")
_UTF8_BOM = b"\xef\xbb\xbf"
_UTF16_BOMS = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_CORRECT = "correct the file, or exclude it"


class DuplicateKey(Struct, frozen=True):
    """A key that its map had already; the last value counts, as in Kubernetes. line and column count from 1."""

    path: Path
    line: int
    column: int


class Document(Struct, frozen=True):
    """One document of a stream.

    value: what Kubernetes would decode: dict, list, str, int, float, bool, None. text: the document's own bytes, from
    which positions are computed; offset and line: where text begins in the file, in bytes from 0 and lines from 1.
    """

    file: str
    index: int
    value: Any
    text: bytes
    offset: int
    line: int
    duplicates: tuple[DuplicateKey, ...] = ()


class _Segment(Struct):
    """What stands between two markers, its opening marker included. too_large: the text was not kept."""

    text: bytes
    offset: int
    line: int
    too_large: bool = False


def read_documents(stream: BinaryIO, file: str) -> Iterator[Document | Skipped]:
    """Yield each document of a stream, and a Skipped for each that cannot be read; never raises for what a stream holds."""
    index = 0
    directives: _Segment | None = None
    try:
        for segment in _segments(stream):
            if directives is not None:
                segment = _Segment(
                    directives.text + segment.text, directives.offset, directives.line, segment.too_large
                )
                directives = None
            if _DIRECTIVE.match(segment.text) and not _MARKER.search(segment.text):
                directives = segment
                continue
            if segment.too_large or segment.text.strip():
                for item in _documents(segment, file, index):
                    index += isinstance(item, Document) or segment.too_large
                    yield item
    except _NotText as error:
        yield Skipped(file_ref(file), str(error), "exclude it", locator=Locator(file))
    except OSError as error:
        reason = f"cannot be read: {error.strerror or error}"
        yield Skipped(file_ref(file), reason, "make it readable, or exclude it", locator=Locator(file))


def positions(document: Document) -> Positions:
    """Return the places of a document's nodes, read again from its text."""
    from transom.kube.positions import Positions

    return Positions(document.file, document.text, document.offset, document.line)


# from a stream to segments


class _NotText(Exception):
    """A stream that holds no text."""


def _segments(stream: BinaryIO) -> Iterator[_Segment]:
    first = stream.read(CHUNK_BYTES)
    offset = 0
    if first[:2] in _UTF16_BOMS:
        first = _transcoded(first + stream.read(2 * MAX_DOCUMENT_BYTES))
    elif first.startswith(_UTF8_BOM):
        first, offset = first[3:], 3
    yield from _split(_chunks(first, stream), offset)


def _transcoded(content: bytes) -> bytes:
    try:
        return content[2:].decode(_UTF16_BOMS[content[:2]]).encode()
    except UnicodeError:
        raise _NotText("it is neither UTF-8 nor UTF-16 text") from None


def _chunks(first: bytes, stream: BinaryIO) -> Iterator[bytes]:
    """Yield the stream in pieces that end at a line's end, but for lines longer than a chunk."""
    carry = b""
    chunk = first
    while chunk:
        if b"\0" in chunk:
            raise _NotText("it is a binary file")
        block = carry + chunk if carry else chunk
        chunk = stream.read(CHUNK_BYTES)
        cut = block.rfind(b"\n") + 1
        if not chunk:
            carry = b""
            yield block
        elif cut == 0:
            if len(block) > MAX_DOCUMENT_BYTES:
                carry = b""
                yield block
            else:
                carry = block
        else:
            carry = block[cut:]
            yield block[:cut]
    if carry:
        yield carry


def _split(chunks: Iterator[bytes], offset: int) -> Iterator[_Segment]:
    current = _Segment(b"", offset, 1)
    parts: list[bytes] = []
    size = 0
    line = 1
    at_line_start = True
    for chunk in chunks:
        start = 0
        for match in _MARKER.finditer(chunk):
            if match.start() == 0 and not at_line_start:
                continue
            end = match.start()
            if chunk.startswith(b"...", end):
                end = chunk.find(b"\n", end) + 1 or len(chunk)
            size = _keep(current, parts, size, chunk[start:end])
            line += chunk.count(b"\n", start, end)
            yield _closed(current, parts)
            current, parts, size = _Segment(b"", offset + end, line), [], 0
            start = end
        size = _keep(current, parts, size, chunk[start:])
        line += chunk.count(b"\n", start)
        offset += len(chunk)
        at_line_start = chunk.endswith(b"\n")
    yield _closed(current, parts)


def _keep(current: _Segment, parts: list[bytes], size: int, part: bytes) -> int:
    size += len(part)
    if size > MAX_DOCUMENT_BYTES:
        current.too_large = True
        parts.clear()
    elif part:
        parts.append(part)
    return size


def _closed(current: _Segment, parts: list[bytes]) -> _Segment:
    current.text = b"".join(parts)
    return current


# from a segment to documents


def _documents(segment: _Segment, file: str, index: int) -> Iterator[Document | Skipped]:
    if segment.too_large:
        limit = MAX_DOCUMENT_BYTES // 2**20
        reason, step = f"the document is larger than {limit} MiB", "split it into several documents"
        yield Skipped(file_ref(file), reason, step, locator=Locator(file, segment.line, 1))
        return
    if segment.text.lstrip()[:1] in (b"{", b"["):
        found = _json(segment, file, index)
        if found:
            yield from found
            return
    yield from _yaml(segment, file, index)


def _yaml(segment: _Segment, file: str, index: int) -> Iterator[Document | Skipped]:
    try:
        built = build(segment.text)
    except TextError as error:
        yield _broken(segment, file, error.reason, error.next_step or _CORRECT, error.line, error.column)
    except YAMLError as error:
        yield _not_yaml(segment, file, error)
    except RecursionError:
        yield _broken(segment, file, f"the document is nested more than {MAX_DEPTH} levels deep", "flatten it", 0, 0)
    else:
        yield _document(segment, file, index, built)
        if built.rest is not None:
            reason = "what follows the document is not part of it, and Kubernetes does not read it"
            yield _broken(segment, file, reason, "put a line --- before it", *built.rest)


def _document(segment: _Segment, file: str, index: int, built: Built) -> Document:
    duplicates = tuple(DuplicateKey(each.path, segment.line + each.line, each.column + 1) for each in built.duplicates)
    return Document(file, index, built.value, segment.text, segment.offset, segment.line, duplicates)


def _broken(segment: _Segment, file: str, reason: str, next_step: str, line: int, column: int) -> Skipped:
    """Return the Skipped of a document that cannot be read; line and column count from 0 in its text."""
    if _TEMPLATE.search(segment.text):
        reason, next_step = f"it is a template, not YAML: {reason}", "render it first, or exclude it"
    return Skipped(file_ref(file), reason, next_step, locator=Locator(file, segment.line + line, column + 1))


def _not_yaml(segment: _Segment, file: str, error: YAMLError) -> Skipped:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is None:
        return _broken(segment, file, _encoding_problem(segment.text, error), _CORRECT, 0, 0)
    if segment.text.split(b"\n")[mark.line : mark.line + 1] and _tab_indents(segment.text, mark.line):
        step = "replace the tab with spaces"
        return _broken(segment, file, "a tab is used for indentation", step, mark.line, mark.column)
    problem = " ".join(str(getattr(error, "problem", "") or error).split())
    return _broken(segment, file, f"it is no YAML: {problem}", _CORRECT, mark.line, mark.column)


def _tab_indents(text: bytes, line: int) -> bool:
    found = text.split(b"\n")[line]
    return b"\t" in found[: len(found) - len(found.lstrip())]


def _encoding_problem(text: bytes, error: YAMLError) -> str:
    try:
        text.decode()
    except UnicodeDecodeError as wrong:
        return f"it is no UTF-8 text: byte {wrong.start} is {text[wrong.start]:#04x}"
    return " ".join(f"it is no YAML: {error}".split())


def _json(segment: _Segment, file: str, index: int) -> list[Document | Skipped]:
    """Return the documents of JSON text, one or several behind each other; nothing where it is no JSON after all."""
    import json

    try:
        text = segment.text.decode()
    except UnicodeDecodeError:
        return []
    decoder = json.JSONDecoder(parse_int=json_integer, parse_float=json_float, parse_constant=_refuse_constant)
    found: list[Document | Skipped] = []
    ascii_only = segment.text.isascii()
    position = _after_space(text, 0)
    while position < len(text):
        try:
            value, end = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            return []  # YAML's own reader tells what is wrong, and where
        if _too_deep(value):
            return []
        start_byte, end_byte = (position, end) if ascii_only else (len(text[:n].encode()) for n in (position, end))
        line = segment.line + text.count("\n", 0, position)
        own = segment.text[start_byte:end_byte]
        found.append(Document(file, index + len(found), value, own, segment.offset + start_byte, line))
        position = _after_space(text, end)
    return found


def _refuse_constant(text: str) -> Any:
    raise ScalarError(f"{text} is no JSON")


def _after_space(text: str, position: int) -> int:
    while position < len(text) and text[position] in " \t\r\n":
        position += 1
    return position


def _too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for each in level
            if isinstance(each, dict | list)
            for child in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return False
    return True
