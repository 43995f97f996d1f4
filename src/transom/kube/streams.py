"""Streams of bytes to the texts of documents: split at markers, within limits, no more held than one document."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO, Protocol

from msgspec import Struct

from transom.model.limits import MAX_DOCUMENT_BYTES

CHUNK_BYTES = 1024 * 1024  # most files are read at once; of a long stream little more than a document is held
TRANSLATED = -1  # in the place of an offset: the text was UTF-16, so its bytes are not those of the file
HEAD_BYTES = 8_000  # how much of a file tells whether it is text; git looks at as much

_MARKER = rb"^(?:---|\.\.\.)(?=[ \t\r\n]|\Z)"
_YAML_CUT = re.compile(_MARKER, re.M)
# In JSON no brace follows another without a comma, and no string holds a line break: there a new document begins.
_JSON_CUT = re.compile(_MARKER + rb"|(?<=\})[ \t\r]*\n[ \t\r\n]*(?=\{)", re.M)
_JSON_START = re.compile(rb"(?:---)?\s*\{\s*[\"}]")
_JSON_MAYBE = re.compile(rb"(?:---)?\s*\{?\s*\Z")
_JSON_GOES_ON = re.compile(rb"[ \t\r\n]*(?=\{)")
_DIRECTIVE = re.compile(rb"(?:[ \t]*(?:#[^\n]*)?\r?\n)*%")
_CONTROLS = bytes({*range(32)} - {*b"\t\n\f\r\x1b"})
_UTF8_BOM = b"\xef\xbb\xbf"
_UTF16_BOMS = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}


class NotTextError(Exception):
    """A stream that holds no text; the message says so in a person's words."""


class Segment(Struct):
    """The text between two markers, its opening marker included; offset in bytes from 0, line from 1.

    too_large: the text passed MAX_DOCUMENT_BYTES and was not kept.
    """

    text: bytes
    offset: int
    line: int
    too_large: bool = False


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def segments(stream: BinaryIO) -> Iterator[Segment]:
    """Yield the text of each document of a stream, but for blank ones; raises NotTextError for what is no text."""
    first = stream.read(CHUNK_BYTES)
    source: _Readable = stream
    offset = 0
    if first[:2] in _UTF16_BOMS:
        source = _Utf16(first[2:], stream, _UTF16_BOMS[first[:2]])
        first = source.read(CHUNK_BYTES)
        offset = TRANSLATED
    elif first.startswith(_UTF8_BOM):
        first, offset = first[3:], 3
    if _is_binary(first[:HEAD_BYTES]):
        raise NotTextError("it is a binary file")
    for segment in _with_directives(_split(_chunks(first, source), max(offset, 0))):
        if offset == TRANSLATED:
            segment.offset = TRANSLATED
        yield segment


def _is_binary(head: bytes) -> bool:
    """Tell binary from text with a stray byte: a NUL among one control character in ten."""
    return b"\0" in head and 10 * (len(head) - len(head.translate(None, _CONTROLS))) > len(head)


class _Utf16:
    """A stream of UTF-16 read as UTF-8."""

    def __init__(self, first: bytes, stream: BinaryIO, codec: str) -> None:
        import codecs

        self.first = first
        self.stream = stream
        self.decoder = codecs.getincrementaldecoder(codec)()

    def read(self, size: int, /) -> bytes:
        while True:
            raw, self.first = self.first or self.stream.read(size), b""
            try:
                text = self.decoder.decode(raw, final=not raw)
            except UnicodeError:
                raise NotTextError("it is neither UTF-8 nor UTF-16 text") from None
            if text or not raw:
                return text.encode()


def _chunks(chunk: bytes, source: _Readable) -> Iterator[bytes]:
    """Yield the stream in pieces that end at a line's end, but for lines larger than a document may be."""
    carry = b""
    while chunk:
        block = carry + chunk if carry else chunk
        chunk = source.read(CHUNK_BYTES)
        cut = block.rfind(b"\n") + 1
        if not chunk or (cut == 0 and len(block) > MAX_DOCUMENT_BYTES):
            cut = len(block)
        carry = block[cut:]
        if cut:
            yield block[:cut]


def _split(chunks: Iterator[bytes], offset: int) -> Iterator[Segment]:
    segment = Segment(b"", offset, 1)
    parts: list[bytes] = []
    line = 1
    head, is_json = b"", None  # the beginning of a document as long as it may yet be either, JSON or YAML
    line_begins, closed = True, False  # where the chunk before ended: with a line, with a closing brace
    for chunk in chunks:
        if is_json is None:
            head += chunk
            is_json = _begins_json(head)
        start = 0
        for cut in _cuts(chunk, line_begins, closed, is_json):
            _keep(segment, parts, chunk[start:cut])
            line += chunk.count(b"\n", start, cut)
            yield _closed(segment, parts)
            segment, start = Segment(b"", offset + cut, line), cut
            is_json = _begins_json(chunk, cut)
            head = chunk[cut:] if is_json is None else b""
        _keep(segment, parts, chunk[start:])
        line += chunk.count(b"\n", start)
        offset += len(chunk)
        line_begins = chunk.endswith(b"\n")
        if text := chunk.rstrip(b" \t\r\n"):
            closed = text.endswith(b"}")
    yield _closed(segment, parts)


def _begins_json(text: bytes, position: int = 0) -> bool | None:
    """Tell whether a document is JSON by its beginning, None where that is too short to tell."""
    if _JSON_START.match(text, position):
        return True
    return None if _JSON_MAYBE.match(text, position) else False


def _cuts(chunk: bytes, line_begins: bool, closed: bool, is_json: bool | None) -> Iterator[int]:
    """Yield where in a chunk a new document begins; closed: a JSON document may have ended before the chunk."""
    if is_json and closed and line_begins and (gap := _JSON_GOES_ON.match(chunk)):
        yield chunk.rfind(b"\n", 0, gap.end()) + 1
    position = 0
    while match := (_JSON_CUT if is_json else _YAML_CUT).search(chunk, position):
        position = match.end()
        cut = match.start()
        if chunk.startswith(b"...", cut):
            cut = chunk.find(b"\n", cut) + 1 or len(chunk)
        elif not chunk.startswith(b"---", cut):
            cut = chunk.rfind(b"\n", cut, position) + 1
        elif cut == 0 and not line_begins:
            continue
        is_json = _begins_json(chunk, cut)
        yield cut


def _keep(segment: Segment, parts: list[bytes], part: bytes) -> None:
    if segment.too_large or not part:
        return
    parts.append(part)
    if len(parts) > 1 or len(part) > MAX_DOCUMENT_BYTES:
        segment.too_large = sum(map(len, parts)) > MAX_DOCUMENT_BYTES
    if segment.too_large:
        parts.clear()


def _closed(segment: Segment, parts: list[bytes]) -> Segment:
    segment.text = b"".join(parts)
    parts.clear()
    return segment


def _with_directives(found: Iterator[Segment]) -> Iterator[Segment]:
    """Leave out blank segments; put lines like `%YAML 1.1` to the document that they speak of, behind their marker."""
    directives: Segment | None = None
    for segment in found:
        if directives is not None:
            text = directives.text + segment.text
            segment = Segment(text, directives.offset, directives.line, segment.too_large)
            directives = None
        elif _DIRECTIVE.match(segment.text):
            directives = segment
            continue
        if segment.too_large or segment.text.strip():
            yield segment
    if directives is not None:
        yield directives
