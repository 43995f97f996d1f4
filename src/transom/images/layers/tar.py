"""A tar as a stream of entries: ustar, GNU and PAX, read once, never unpacked.

Written for layers of hundreds of thousands of files, of which few are looked into: an entry costs three microseconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol
from zlib import adler32

from msgspec import Struct

BLOCK = 512
MAX_ENTRIES = 5_000_000  # of one layer; public images have up to 300,000
MAX_TAR_BYTES = 64 * 1024**3  # unpacked; public images have up to 20 GB
MAX_HEADER_BYTES = 1024 * 1024  # of one PAX header or long name; xattrs are 64 kB at most
MAX_PATH_CHARS = 4096  # PATH_MAX
CHUNK = 1024 * 1024
_EMPTY = b"\0" * BLOCK
_ADLER = 65521  # the modulus of Adler-32
_KINDS = {"0": "file", "\0": "file", "7": "file", "1": "hardlink", "2": "symlink", "3": "char", "4": "block"}
_KINDS |= {"5": "dir", "6": "fifo", "S": "file"}


class Stream(Protocol):
    """Whatever bytes come from."""

    def read(self, size: int, /) -> bytes:
        """Return at most so many bytes, none at the end."""


class TarError(ValueError):
    """A tar that breaks off, lies, or passes a limit; the message says which."""


class Entry(Struct, gc=False):
    """One entry. path: within the root, without a slash before it; link: where a link leads to, as written.

    kind: file, dir, symlink, hardlink, char, block, fifo. xattrs: by name, "" for none.
    """

    path: str
    kind: str
    size_bytes: int
    mode: int
    uid: int
    gid: int
    link: str = ""
    xattrs: dict[str, bytes] | None = None


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

    def __iter__(self) -> Iterator[Entry]:
        count = 0
        extra: dict[str, str] = {}
        while True:
            self._skip(self._left + self._padding)
            header = self._take(BLOCK, may_end=True)
            if not header or header == _EMPTY:
                return
            if _checksum(header) is False:
                raise TarError("a header is broken")
            kind = chr(header[156])
            size = _number(header[124:136])
            self._left, self._padding = size, -size % BLOCK
            if kind in "xgLKX":
                self._extend(kind, size, extra)
                continue
            count += 1
            if count > MAX_ENTRIES:
                raise TarError(f"it has more than {MAX_ENTRIES:,} entries")
            yield self._entry(header, kind, size, {**self._global, **extra} if self._global else extra)
            extra = {}

    def _extend(self, kind: str, size: int, extra: dict[str, str]) -> None:
        """Read a header that speaks of the next entry, or of all that follow."""
        if size > MAX_HEADER_BYTES:
            raise TarError("a header is larger than 1 MiB")
        text = self.content()
        if kind == "L":
            extra["path"] = _text(text.rstrip(b"\0"))
        elif kind == "K":
            extra["linkpath"] = _text(text.rstrip(b"\0"))
        else:
            (self._global if kind == "g" else extra).update(_records(text))

    def _entry(self, header: bytes, kind: str, size: int, extra: dict[str, str]) -> Entry:
        name = header[:100].partition(b"\0")[0]
        if header[257:262] == b"ustar" and header[345] and header[257:265] != b"ustar  \0":
            name = header[345:500].partition(b"\0")[0] + b"/" + name
        path = extra.get("path") or _text(name)
        link = ""
        if kind in "12":
            link = extra.get("linkpath") or _text(header[157:257].partition(b"\0")[0])
        if "size" in extra and extra["size"].isdecimal():
            size = int(extra["size"])
            self._left, self._padding = size, -size % BLOCK
        if kind not in "0\x007S" and size and kind in "12345 6":
            self._left = self._padding = 0  # links and folders have no content, whatever their size says
        if kind == "S" and header[482]:
            self._skip_sparse_map()
        shown = _KINDS.get(kind, "file")
        if shown == "file" and path.endswith("/"):
            shown = "dir"
        return Entry(
            normal(path),
            shown,
            size,
            _number(header[100:108]) & 0o7777,
            _number(header[108:116]),
            _number(header[116:124]),
            link,
            _xattrs(extra) if extra else None,
        )

    def _skip_sparse_map(self) -> None:
        """Skip the blocks that go on with the map of a sparse file; what is stored of it follows."""
        left, padding = self._left, self._padding
        while self._take(BLOCK)[504]:
            pass
        self._left, self._padding = left, padding

    def content(self, limit: int = -1) -> bytes:
        """Return the present entry's content, or so much of it; what is left may be asked for, or is skipped."""
        size = self._left if limit < 0 else min(limit, self._left)
        content = self._take(size)
        self._left -= len(content)
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
            piece = self._stream.read(max(CHUNK, 0))
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

    def _skip(self, size: int) -> None:
        have = len(self._buffer) - self._at
        if size <= have:
            self._at += size
        else:
            size -= have
            self._buffer, self._at = b"", 0
            while size:
                piece = self._stream.read(CHUNK)
                if not piece:
                    raise TarError("it breaks off")
                self._count(len(piece))
                if len(piece) > size:
                    self._buffer, self._at = piece, size
                    size = 0
                else:
                    size -= len(piece)
        self._left = self._padding = 0

    def _count(self, size: int) -> None:
        self._total += size
        if self._total > MAX_TAR_BYTES:
            raise TarError(f"it unpacks to more than {MAX_TAR_BYTES // 2**30} GiB")


def normal(path: str) -> str:
    """Return a path within the root as every unpacker makes it: no empty steps, no `.`, and `..` never leads out."""
    if len(path) > MAX_PATH_CHARS:
        path = path[:MAX_PATH_CHARS]
    if "//" not in path and "./" not in path and not path.startswith(("/", "..")) and path[-2:] != "/.":
        return path.rstrip("/")
    steps: list[str] = []
    for step in path.split("/"):
        if step == "..":
            steps = steps[:-1]
        elif step not in ("", "."):
            steps.append(step)
    return "/".join(steps)


def _checksum(header: bytes) -> bool:
    stored = header[148:156].strip(b" \0")
    if not stored:
        return False
    try:
        wanted = int(stored, 8)
    except ValueError:
        return False
    whole = header[:148] + b"        " + header[156:]
    return wanted % _ADLER == (adler32(whole) & 0xFFFF) - 1  # its low half is one more than the sum, 20 times quicker


def _number(field: bytes) -> int:
    """Return a number, octal or, where it needs more room, base 256."""
    if field[0] & 0x80:
        return max(0, int.from_bytes(bytes((field[0] & 0x7F,)) + field[1:], "big")) if field[0] == 0x80 else 0
    digits = field.strip(b" \0").partition(b"\0")[0]
    try:
        return int(digits, 8) if digits else 0
    except ValueError:
        raise TarError("a number of a header is broken") from None


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


def _records(text: bytes) -> Iterator[tuple[str, str]]:
    """Yield the records of a PAX header: `LENGTH KEY=VALUE`, each with a line's end."""
    at = 0
    while at < len(text):
        space = text.find(b" ", at, at + 12)
        if space < 0 or not text[at:space].isdigit():
            return
        end = at + int(text[at:space])
        key, equals, value = text[space + 1 : end - 1].partition(b"=")
        if not equals or end <= space:
            return
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
