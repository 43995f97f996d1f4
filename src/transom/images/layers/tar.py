"""A tar as a stream of entries: ustar, GNU and PAX, read once, never unpacked.

Written for layers of hundreds of thousands of files, of which few are looked into: an entry costs three microseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol
from zlib import adler32

from msgspec import Struct

BLOCK = 512
MAX_ENTRIES = 5_000_000  # of one layer; public images have up to 300,000
MAX_TAR_BYTES = 64 * 1024**3  # unpacked; public images have up to 20 GB
MAX_HEADER_BYTES = 1024 * 1024  # of one PAX header or long name; xattrs are 64 kB at most
MAX_SEEN = 4096  # combinations of rights that are kept
MAX_GLOBAL = 1_000  # settings for all entries; git writes one
MAX_SPARSE_BYTES = 256 * 1024 * 1024  # of a sparse file that is looked into; no evidence of packages is larger
MAX_PIECES = 100_000  # of a sparse file
MAX_PATH_CHARS = 4096  # PATH_MAX
CHUNK = 1024 * 1024
SPARSE = frozenset(("GNU.sparse.major", "GNU.sparse.size", "GNU.sparse.map"))
_EMPTY = b"\0" * BLOCK
_ADLER = 65521  # the modulus of Adler-32
_KINDS = {"0": "file", "\0": "file", "7": "file", "1": "hardlink", "2": "symlink", "3": "char", "4": "block"}
_KINDS |= {"5": "dir", "6": "fifo", "S": "file"}


TAKEN_AWAY, OPAQUE = "whiteout", "opaque"
"""Kinds that no tar has: what an overlay notes of a path that is gone, and of a folder that hides what is below it."""


class Stream(Protocol):
    """Whatever bytes come from."""

    def read(self, size: int, /) -> bytes:
        """Return at most so many bytes, none at the end."""


class TarError(ValueError):
    """A tar that breaks off, lies, or passes a limit; the message says which."""


class Entry(Struct, gc=False):
    """One entry. path: within the root, without a slash before it; link: where a link leads to, as written.

    kind: file, dir, symlink, hardlink, char, block, fifo, or of an overlay TAKEN_AWAY or OPAQUE. size_bytes: with the holes of
    a sparse file; xattrs: by name.
    """

    path: str
    kind: str
    size_bytes: int
    mode: int
    uid: int
    gid: int
    link: str = ""
    xattrs: dict[str, bytes] | None = None


class Content(Protocol):
    """Whatever has the content of an entry."""

    def content(self, limit: int = -1) -> bytes:
        """Return the content, or so much of it; asked again, what follows."""


class TarReader:
    """Iterate for the entries; `content` reads the present one's, before the next is asked for."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._buffer = b""
        self._at = 0
        self._total = 0
        self._left = 0
        self._padding = 0
        self._global: dict[str, str] = {}
        self._sparse: Sparse | None = None
        self._seen: dict[bytes, tuple[int, int, int]] = {}

    def __iter__(self) -> Iterator[Entry]:
        count = told = 0
        extra: dict[str, str] = {}
        while True:
            if not self._skip(self._left + self._padding, self._padding if not told else 0):
                return  # as Go's reader has it: writers of images leave out what only fills the last block
            header = self._take(BLOCK, may_end=True)
            if not header or header == _EMPTY:
                return
            if not _is_whole(header):
                raise TarError("a header is broken")
            kind = chr(header[156])
            size = _number(header[124:136])
            self._left, self._padding = size, -size % BLOCK
            if kind in "xgLKX":
                told += size
                if told > MAX_HEADER_BYTES:
                    raise TarError("the headers of one entry are larger than 1 MiB")
                self._extend(kind, extra)
                continue
            count += 1
            if count > MAX_ENTRIES:
                raise TarError(f"it has more than {MAX_ENTRIES:,} entries")
            yield self._entry(header, kind, {**self._global, **extra} if self._global else extra)
            extra, told = {}, 0

    def _extend(self, kind: str, extra: dict[str, str]) -> None:
        """Read a header that speaks of the next entry, or of all that follow."""
        text = self._stored(self._left)
        if kind == "L":
            extra["path"] = _text(text.partition(b"\0")[0])
        elif kind == "K":
            extra["linkpath"] = _text(text.partition(b"\0")[0])
        elif kind == "g":
            self._global.update(_records(text))
            if len(self._global) > MAX_GLOBAL:
                raise TarError(f"it has more than {MAX_GLOBAL:,} settings for all entries")
        else:
            for key, value in _records(text):
                if key in ("GNU.sparse.offset", "GNU.sparse.numbytes"):  # each piece anew, in the oldest version
                    extra["GNU.sparse.map"] = f"{extra.get('GNU.sparse.map', '')},{value}"
                else:
                    extra[key] = value

    def _entry(self, header: bytes, kind: str, extra: dict[str, str]) -> Entry:
        name = header[:100].partition(b"\0")[0]
        if header[345] and header[257:263] == b"ustar\0":
            name = header[345:500].partition(b"\0")[0] + b"/" + name
        path = extra.get("path") or _text(name)
        link = ""
        if kind in "12":
            link = extra.get("linkpath") or _text(header[157:257].partition(b"\0")[0])
        if "size" in extra:
            self._left = _decimal(extra["size"])
            self._padding = -self._left % BLOCK
        shown = _KINDS.get(kind, "file")
        if shown == "file" and path[-1:] == "/":
            shown = "dir"
        if shown != "file":
            self._left = self._padding = 0  # links and folders have no content, whatever their size says
        mode, uid, gid = self._rights(header[100:124])
        found = Entry(normal(path), shown, self._left, mode, uid, gid, link)
        self._sparse = None
        if extra or kind == "S":
            self._complete(found, header, kind, extra)
        return found

    def _rights(self, field: bytes) -> tuple[int, int, int]:
        """Return mode, owner and group, which most entries of a layer share: half a microsecond less for each."""
        known = self._seen.get(field)
        if known is None:
            if len(self._seen) >= MAX_SEEN:
                self._seen.clear()
            known = (_number(field[:8]) & 0o7777, _number(field[8:16]), _number(field[16:]))
            self._seen[field] = known
        return known

    def _complete(self, entry: Entry, header: bytes, kind: str, extra: dict[str, str]) -> None:
        """Add what further headers tell of an entry: holes, large numbers, attributes."""
        if kind == "S":
            entry.size_bytes = _number(header[483:495])
            self._sparse = Sparse(self._map_of_gnu(header), entry.size_bytes)
        elif not SPARSE.isdisjoint(extra):
            entry.path = normal(extra.get("GNU.sparse.name") or entry.path)
            entry.size_bytes = _decimal(extra.get("GNU.sparse.realsize") or extra.get("GNU.sparse.size") or "")
            self._sparse = Sparse(self._map_of_pax(extra), entry.size_bytes)
        if "uid" in extra:
            entry.uid = _decimal(extra["uid"])
        if "gid" in extra:
            entry.gid = _decimal(extra["gid"])
        entry.xattrs = _xattrs(extra)

    def _map_of_gnu(self, header: bytes) -> list[tuple[int, int]]:
        """Return the pieces of a sparse file of GNU's own kind; the map goes on in blocks of its own."""
        found = list(_pieces(header[386:482]))
        left, padding = self._left, self._padding
        more = header[482]
        while more:
            block = self._take(BLOCK)
            found += _pieces(block[:504])
            more = block[504]
            if len(found) > MAX_PIECES:
                raise TarError(f"a sparse file has more than {MAX_PIECES:,} pieces")
        self._left, self._padding = left, padding
        return found

    def _map_of_pax(self, extra: dict[str, str]) -> list[tuple[int, int]]:
        """Return the pieces of a sparse file of PAX: told in the header or, in version 1.0, before the content."""
        if extra.get("GNU.sparse.major") != "1":
            numbers = [_decimal(each) for each in extra.get("GNU.sparse.map", "").split(",") if each]
        else:
            text = self._stored(BLOCK)
            while text.count(b"\n") <= 2 * _decimal(text.partition(b"\n")[0].decode("ascii", "replace")):
                if len(text) > MAX_HEADER_BYTES:
                    raise TarError("the map of a sparse file is larger than 1 MiB")
                text += self._stored(BLOCK)
            numbers = [_decimal(each.decode("ascii", "replace")) for each in text.split(b"\n")[:-1]]
            numbers = numbers[1 : 1 + 2 * numbers[0]]
        return list(zip(numbers[::2], numbers[1::2], strict=False))

    def content(self, limit: int = -1) -> bytes:
        """Return the present entry's content, or so much of it; asked again, what follows."""
        if self._sparse is not None:
            return self._sparse.content(limit, self._stored)
        return self._stored(self._left if limit < 0 else min(limit, self._left))

    def _stored(self, size: int) -> bytes:
        if size > self._left:
            raise TarError("a file is shorter than it says")
        content = self._take(size)
        self._left -= size
        return content

    def _take(self, size: int, may_end: bool = False) -> bytes:
        end = self._at + size
        if end <= len(self._buffer):
            found = self._buffer[self._at : end]
            self._at = end
            return found
        pieces = [self._buffer[self._at :]]
        have = len(pieces[0])
        while have < size:
            piece = self._stream.read(CHUNK)
            if not piece:
                if may_end and not have:
                    self._buffer, self._at = b"", 0
                    return b""
                raise TarError("it breaks off")
            self._count(len(piece))
            pieces.append(piece)
            have += len(piece)
        whole = b"".join(pieces)
        self._buffer, self._at = whole, size
        return whole[:size]

    def _skip(self, size: int, spare: int) -> bool:
        """Pass by so many bytes; return False where the tar ends among the last, spare ones."""
        have = len(self._buffer) - self._at
        if size <= have:
            self._at += size
        else:
            size -= have
            self._buffer, self._at = b"", 0
            while size:
                piece = self._stream.read(CHUNK)
                if not piece:
                    if size <= spare:
                        return False
                    raise TarError("it breaks off")
                self._count(len(piece))
                if len(piece) > size:
                    self._buffer, self._at = piece, size
                    size = 0
                else:
                    size -= len(piece)
        self._left = self._padding = 0
        return True

    def _count(self, size: int) -> None:
        self._total += size
        if self._total > MAX_TAR_BYTES:
            raise TarError(f"it unpacks to more than {MAX_TAR_BYTES // 2**30} GiB")


class Sparse:
    """The content of a sparse file: its pieces in their places, zeros between them."""

    def __init__(self, pieces: list[tuple[int, int]], size_bytes: int) -> None:
        self._pieces = pieces
        self._size = size_bytes
        self._whole: bytes | None = None
        self._at = 0

    def content(self, limit: int, stored: Callable[[int], bytes]) -> bytes:
        """Return what follows of the content, at most so much; a file larger than a limit is never made."""
        if self._size > MAX_SPARSE_BYTES:
            raise TarError(f"a sparse file is larger than {MAX_SPARSE_BYTES // 2**20} MiB")
        if self._whole is None:
            made = bytearray(self._size)
            for offset, size in self._pieces:
                if offset + size > self._size:
                    raise TarError("a piece of a sparse file lies beyond its end")
                made[offset : offset + size] = stored(size)
            self._whole = bytes(made)
        start, self._at = self._at, self._size if limit < 0 else min(self._size, self._at + limit)
        return self._whole[start : self._at]


def _pieces(field: bytes) -> Iterator[tuple[int, int]]:
    """Yield the pieces that a sparse header tells: offset and size, 12 bytes each, none after an empty one."""
    for at in range(0, len(field) - 23, 24):
        if not field[at : at + 24].strip(b"\0"):
            return
        yield _number(field[at : at + 12]), _number(field[at + 12 : at + 24])


def normal(path: str) -> str:
    """Return a path within the root as every unpacker makes it: no empty steps, no `.`, and `..` never leads out."""
    if len(path) > MAX_PATH_CHARS:
        path = path[:MAX_PATH_CHARS]
    if path[:1] not in ("/", ".") and "//" not in path and "/." not in path:
        return path.rstrip("/")
    steps: list[str] = []
    for step in path.split("/"):
        if step == "..":
            steps = steps[:-1]
        elif step not in ("", "."):
            steps.append(step)
    return "/".join(steps)


def _is_whole(header: bytes) -> bool:
    """Tell whether a header has its checksum: the sum of its bytes, which some old writers took as signed."""
    try:
        wanted = int(header[148:156].strip(b" \0"), 8)
    except ValueError:
        return False
    whole = header[:148] + b"        " + header[156:]
    if (wanted + 1) % _ADLER == adler32(whole) & 0xFFFF:  # its low half is one more than the sum, 20 times quicker
        return True
    return wanted == sum(each - 256 if each > 127 else each for each in whole)


def _number(field: bytes) -> int:
    """Return a number, octal or, where it needs more room, base 256."""
    if field[0] & 0x80:
        return int.from_bytes(bytes((field[0] & 0x7F,)) + field[1:], "big") if field[0] < 0xC0 else 0  # else negative
    digits = field.strip(b" \0").partition(b"\0")[0]
    try:
        return int(digits, 8) if digits else 0
    except ValueError:
        raise TarError("a number of a header is broken") from None


def _decimal(text: str) -> int:
    if not text.isdecimal() or len(text) > 19:
        raise TarError("a number of a header is broken")
    return int(text)


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


def _records(text: bytes) -> Iterator[tuple[str, str]]:
    """Yield the records of a PAX header: `LENGTH KEY=VALUE`, each with a line's end."""
    at = 0
    while at < len(text):
        space = text.find(b" ", at, at + 12)
        if space < 0 or not text[at:space].isdigit():
            raise TarError("a PAX header is broken")
        end = at + int(text[at:space])
        key, equals, value = text[space + 1 : end - 1].partition(b"=")
        if not equals or end <= space or end > len(text):
            raise TarError("a PAX header is broken")
        yield _text(key), _text(value)
        at = end


XATTR = "SCHILY.xattr."


def _xattrs(extra: dict[str, str]) -> dict[str, bytes] | None:
    found = {
        key.removeprefix(XATTR): value.encode("utf-8", "surrogateescape")
        for key, value in extra.items()
        if key.startswith(XATTR)
    }
    return found or None
