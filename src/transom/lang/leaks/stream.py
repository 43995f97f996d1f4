"""Leaks of a file of any size and encoding, in one pass over pieces that overlap: memory does not grow with the file."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.msgpack import encode

from transom.lang.leaks.checksums import token_in
from transom.lang.leaks.doubts import Certainty, certainty
from transom.lang.leaks.encoded import PATTERNS, Part, encoded_parts
from transom.lang.leaks.find import LINE_BYTES, Leak, LeakFinder
from transom.lang.leaks.rules import LeakRule

if TYPE_CHECKING:
    from transom.lang.leaks.prefilter import Regions

PIECE_BYTES = 1024 * 1024  # looked through at once
OVERLAP_BYTES = 64 * 1024  # a match may reach into the next piece; the longest private keys take some 13 kB
MAX_DECODINGS = 3  # a release of Helm is base64 of base64 of what gzip packed, and holds its templates in base64
SNIFFED_BYTES = 8_000  # as git looks for a NUL to tell a binary
CONTEXT_BYTES = 100  # before an encoded part: the name that the value has


class Found(Struct, frozen=True, omit_defaults=True):
    """A leak in a file, without its value.

    line, column: from 1, the column in bytes, 0 in a binary; start, end: bytes of the file, zeros where its text had to be
    converted; length: of the secret, in bytes; tag: a keyed hash of it, which tells two values apart; encodings: what it
    was wrapped in, the outermost first; allowed: a remark in the line says that it is no leak; first_line: where the match
    begins that it is a part of, as gitleaks counts.
    """

    rule: LeakRule
    line: int
    column: int
    start: int
    end: int
    length: int
    tag: str
    certainty: Certainty
    reason: str = ""
    encodings: tuple[str, ...] = ()
    allowed: bool = False
    first_line: int = 0


class Searcher(Struct, frozen=True):
    """What leaks are looked for with: the rules, and the key of the hashes that stand for values; tag_bytes: their size."""

    finder: LeakFinder
    key: bytes = b"transom"
    tag_bytes: int = 2

    @property
    def identity(self) -> str:
        """What tells one searcher from another: results of the one are none of the other."""
        told = encode((self.finder.rules, self.tag_bytes))
        return blake2b(told, digest_size=8, key=self.key[:64]).hexdigest()

    def tag(self, secret: bytes) -> str:
        """Return what stands for a value. Two bytes tell two values of a file apart, and are too few to guess one by."""
        return blake2b(secret, digest_size=self.tag_bytes, key=self.key[:64]).hexdigest()


class Form(Struct, frozen=True):
    """How a file's bytes are read. encoding: of a text that is converted, "" for one that is read as it is; binary:
    whether it has no lines."""

    encoding: str = ""
    binary: bool = False


class Piece(Struct, frozen=True):
    """A piece of a file. at: its first byte in the file; begin, end: the leaks that begin there are this piece's;
    next_start: where in it the next one begins, -1 for the last.
    """

    text: bytes
    at: int
    begin: int
    end: int
    next_start: int = -1

    def line_start(self, at: int, before: int) -> int:
        """Return where in the file the line of a place of the text begins; before: the one that the piece begins in."""
        found = self.text.rfind(b"\n", 0, at)
        return before if found < 0 else self.at + found + 1


def leaks_of(searcher: Searcher, path: str, chunks: Iterable[bytes]) -> Iterator[Found]:
    """Yield the leaks of a file, at most MAX_LEAKS of each megabyte; path: as people see it; chunks: its bytes in order."""
    finder = searcher.finder
    if finder.allows(path):
        return
    yield from leaks_of_path(searcher, path)
    rest = iter(chunks)
    head = next(rest, b"")
    form = form_of(head)
    line, line_at = 1, 0
    for piece in _pieces(_converted(head, rest, form.encoding) if form.encoding else _chained(head, rest)):
        regions = None if finder.prefilter is None else finder.prefilter.regions(piece.text)
        yield from leaks_in(searcher, path, piece, regions, form, (line, line_at))
        if piece.next_start >= 0 and not form.binary:
            line += piece.text.count(b"\n", 0, piece.next_start)
            line_at = piece.line_start(piece.next_start, line_at)


def leaks_of_path(searcher: Searcher, path: str) -> Iterator[Found]:
    """Yield what rules about paths only say of a file."""
    for leak in searcher.finder.of_path(path):
        yield Found(leak.rule, 0, 0, 0, 0, 0, "", "likely")


def leaks_in(
    searcher: Searcher,
    path: str,
    piece: Piece,
    regions: Mapping[int, Regions] | None,
    form: Form,
    begins: tuple[int, int] = (1, 0),
) -> Iterator[Found]:
    """Yield the leaks that begin in a piece of a file.

    regions: what the prefilter tells of it; begins: the line that the piece begins in, and where in the file that begins.
    """
    line, counted = begins[0], 0
    told = _of_text(searcher, path, piece.text, regions, form.binary, MAX_DECODINGS)
    for found in sorted(told, key=lambda each: each.start):
        if piece.begin <= found.start < piece.end:
            line += piece.text.count(b"\n", counted, found.start)
            counted = found.start
            yield _placed(found, piece, (line, begins[1]), form)


def form_of(head: bytes) -> Form:
    """Return how a file is read, by its first bytes; a plain text has no NUL among them."""
    if head.find(b"\0", 0, SNIFFED_BYTES) < 0:
        return Form()
    encoding = _wide_encoding(head)
    return Form(encoding, not encoding)


def _chained(head: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield head
    yield from rest


def _pieces(chunks: Iterator[bytes]) -> Iterator[Piece]:
    """Yield a file in pieces, each with the end of the one before it."""
    held: list[bytes] = []
    size = at = begin = 0
    for chunk in chunks:
        if size >= PIECE_BYTES + OVERLAP_BYTES + LINE_BYTES:  # there is more, so this piece is not the last
            text = b"".join(held)
            end = size - OVERLAP_BYTES
            start = end - LINE_BYTES
            yield Piece(text, at, begin, end, start)
            held, size, at, begin = [text[start:]], size - start, at + start, LINE_BYTES
        held.append(chunk)
        size += len(chunk)
    yield Piece(b"".join(held), at, begin, size + 1)


class _At(Struct, frozen=True):
    """A leak, where it stands in its piece, and what it was decoded from."""

    leak: Leak
    start: int
    end: int
    length: int
    tag: str
    certainty: Certainty
    reason: str
    encodings: tuple[str, ...] = ()


def _of_text(
    searcher: Searcher, path: str, text: bytes, regions: Mapping[int, Regions] | None, binary: bool, decodings: int
) -> Iterator[_At]:
    """Yield the leaks of a text, then those of what it holds in other encodings; binary: whether its file is no text."""
    finder = searcher.finder
    for leak in finder.look(text, path, regions):
        secret = token_in(text[leak.secret_start : leak.secret_end])
        sure, reason = certainty(secret, path, leak.rule.is_generic, binary)
        yield _At(
            leak, leak.secret_start, leak.secret_start + len(secret), len(secret), searcher.tag(secret), sure, reason
        )
    if decodings and (regions is None or regions):
        parts = list(encoded_parts(text, None if regions is None else _of_encodings(finder, regions)))
        if parts:
            yield from _of_parts(searcher, path, text, parts, decodings)


def _of_encodings(finder: LeakFinder, regions: Mapping[int, Regions]) -> dict[str, Regions]:
    """Return where a text may be encoded: the prefilter has the encodings behind the rules."""
    first = len(finder.rules.rules)
    return {name: regions[first + at] for at, name in enumerate(PATTERNS) if first + at in regions}


def _of_parts(searcher: Searcher, path: str, text: bytes, parts: Sequence[Part], decodings: int) -> Iterator[_At]:
    """Yield the leaks of decoded parts, each read behind the name that it has in its line; all are looked through at once."""
    finder = searcher.finder
    named = [text[max(part.start - CONTEXT_BYTES, 0) : part.start].rpartition(b"\n")[2] for part in parts]
    texts = [before + part.text + text[part.end : part.end + 1] for before, part in zip(named, parts, strict=True)]
    told = None if finder.prefilter is None else finder.prefilter.regions_of(texts)
    for at, part in enumerate(parts):
        regions = None if told is None else told.get(at, {})
        for each in _of_text(searcher, path, texts[at], regions, False, decodings - 1):
            if each.start >= len(named[at]):
                yield _At(
                    each.leak,
                    part.start,
                    part.end,
                    each.length,
                    each.tag,
                    each.certainty,
                    each.reason,
                    (part.encoding, *each.encodings),
                )


def _placed(each: _At, piece: Piece, begins: tuple[int, int], form: Form) -> Found:
    """Return a leak with its place; begins: its line, and where in the file the line begins that the piece begins in."""
    at = each.start
    line, line_at = begins
    return Found(
        each.leak.rule,
        0 if form.binary else line,
        0 if form.binary else piece.at + at - piece.line_start(at, line_at) + 1,
        0 if form.encoding else piece.at + at,
        0 if form.encoding else piece.at + each.end,
        each.length,
        each.tag,
        each.certainty,
        each.reason,
        each.encodings,
        each.leak.allowed,
        0 if form.binary else line - (0 if each.encodings else piece.text.count(b"\n", each.leak.start, at)),
    )


def _wide_encoding(head: bytes) -> str:
    """Return the encoding of a text in wide units, by its mark or by where its NULs stand; "" for any other.

    A mark alone makes none: letters and line breaks have a NUL in every wide encoding.
    """
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if head.startswith(codecs.BOM_UTF16_LE):
        return "utf-16-le"
    if head.startswith(codecs.BOM_UTF16_BE):
        return "utf-16-be"
    sniffed = head[:512]
    even, odd = sniffed[::2].count(0), sniffed[1::2].count(0)
    if len(sniffed) >= 16 and max(even, odd) > len(sniffed) * 0.4 and min(even, odd) < len(sniffed) * 0.02:
        return "utf-16-le" if odd > even else "utf-16-be"
    return ""


def converted(content: bytes, encoding: str) -> bytes:
    """Return a whole text as UTF-8; what is none in its encoding becomes U+FFFD."""
    return b"".join(_converted(content, iter(()), encoding))


def _converted(head: bytes, rest: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """Yield a text as UTF-8; what is none in its encoding becomes U+FFFD."""
    decoder: Any = codecs.getincrementaldecoder(encoding)("replace")
    yield decoder.decode(head).encode("utf-8", "replace")
    for chunk in rest:
        yield decoder.decode(chunk).encode("utf-8", "replace")
    yield decoder.decode(b"", True).encode("utf-8", "replace")
