"""The documents of a feed, wherever they lie: a file, a folder, an archive, packed or not; each within limits."""

from __future__ import annotations

import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, cast

import msgspec
import zstandard
from msgspec import Struct

from transom.model.advisories import Refused
from transom.model.errors import TransomError

MAX_DOCUMENT_BYTES = 512 * 1024 * 1024  # Debian's tracker, the largest single document, has about 70 MB
MAX_RECORD_BYTES = 32 * 1024 * 1024  # one advisory; the largest of RHEL's and of the kernel's have below 10 MB
TOO_LARGE = f"a record of more than {MAX_RECORD_BYTES >> 20} MB"
MAX_DOCUMENTS = 2_000_000  # all of OSV has 0.6 million records
MAX_UNPACKED_BYTES = 64 << 30  # of one archive; Red Hat's VEX documents have some 20 GB
MAX_WINDOW_BYTES = 1 << 27
MAX_RATIO = 200  # JSON of advisories packs about 10:1, feeds of one repeated text 60:1
MIN_SUSPECT_BYTES = 16 * 1024 * 1024  # below this a ratio harms nobody
CHUNK_BYTES = 1 << 20
BROKEN = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What reading JSON may raise: broken, of another shape, no UTF-8, nested too deep."""
UNREADABLE = (OSError, EOFError, zlib.error, lzma.LZMAError, zstandard.ZstdError, tarfile.TarError, zipfile.BadZipFile)
"""What reading a packed file may raise."""
ZIP = b"PK\3\4"
TAR_BLOCK_BYTES, TAR_MAGIC_AT, TAR_MAGIC = 512, 257, b"ustar"
FIRST_FEED_S = 946_684_800  # of the year 2000: a time before it is one that a builder of images wrote
ENDINGS = (
    ".json",
    ".yaml",
    ".yml",
    ".csv",
    ".xml",
    ".txt",
    ".zip",
    ".gz",
    ".bz2",
    ".zst",
    ".tar",
    ".tgz",
    ".xz",
    ".list",
    ".jsonl",
)
NAMED = frozenset(("list",))  # Debian's lists have no ending


class Document(Struct, frozen=True):
    """One document. name: its path within the feed; content: unpacked bytes."""

    name: str
    content: bytes


class _TooLargeError(Exception):
    """What is unpacked is larger than any feed."""


def documents(path: Path) -> Iterator[Document | Refused]:
    """Yield every document of a file, folder or archive, in the order of their names."""
    if not path.exists():
        raise TransomError(f"cannot read the feed {path}", "there is no such file or folder", "give the path of a feed")
    if path.is_file():
        yield from _of_file(path, path.name)
        return
    for count, each in enumerate(_files(path)):
        if count >= MAX_DOCUMENTS:
            yield Refused(str(path), f"more than {MAX_DOCUMENTS:,} documents; the rest was not read")
            return
        yield from _of_file(each, each.relative_to(path).as_posix())


def came(path: Path) -> datetime | None:
    """Return when the newest file of a feed came here, None where no file tells a time that can be true."""
    files = [path] if path.is_file() else _files(path)
    newest = max((each.stat().st_mtime for each in files), default=0.0)
    return datetime.fromtimestamp(newest, UTC) if newest > FIRST_FEED_S else None


def _files(folder: Path) -> Iterator[Path]:
    return (each for each in sorted(folder.rglob("*")) if is_wanted(each.name) and each.is_file())


def is_wanted(name: str) -> bool:
    """Tell whether a file of a folder or archive may be a document, by its name."""
    return name in NAMED or name.lower().endswith(ENDINGS)


def _of_file(path: Path, name: str) -> Iterator[Document | Refused]:
    try:
        with path.open("rb") as file:
            start = file.read(len(ZIP))
            file.seek(0)
            if start == ZIP:
                yield from _of_zip(path, name)
                return
            stream = _Bounded(_unpacking(start, file), path.stat().st_size)
            head = stream.read(TAR_BLOCK_BYTES)
            if head[TAR_MAGIC_AT : TAR_MAGIC_AT + len(TAR_MAGIC)] == TAR_MAGIC:
                yield from _of_tar(cast("IO[bytes]", stream.again(head)), name)
            else:
                yield Document(name, head + _limited(stream.read))
    except _TooLargeError as error:
        yield Refused(name, str(error))
    except UNREADABLE as error:
        yield Refused(name, f"cannot be read: {error}")


def _unpacking(start: bytes, file: IO[bytes]) -> Callable[[int], bytes]:
    """Return what reads the unpacked bytes of a file; how it is packed, its first bytes say."""
    if start.startswith(b"\x1f\x8b"):
        from isal import igzip

        return cast("Callable[[int], bytes]", igzip.IGzipFile(fileobj=file).read)  # type: ignore[no-untyped-call]
    if start.startswith(b"BZh"):
        import bz2

        return bz2.BZ2File(file).read
    if start == b"\xfd7zX":
        return lzma.LZMAFile(file).read
    if start == b"\x28\xb5\x2f\xfd":
        unpacker = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW_BYTES)
        return unpacker.stream_reader(file, read_across_frames=True).read
    return file.read


class _Bounded(io.RawIOBase):
    """A stream that ends with an error where it gives more than any feed has, or what nobody packs so small."""

    def __init__(self, read: Callable[[int], bytes], packed_bytes: int) -> None:
        self._read = read
        self._packed_bytes = packed_bytes
        self._given = 0
        self._pending = b""

    def again(self, head: bytes) -> _Bounded:
        """Give what was read before once more."""
        self._pending = head
        return self

    def read(self, size: int = -1) -> bytes:
        """Return up to so many bytes."""
        if self._pending:
            piece, self._pending = self._pending[:size], self._pending[size:]
            return piece
        piece = self._read(size)
        self._given += len(piece)
        if self._given > MAX_UNPACKED_BYTES:
            raise _TooLargeError(f"more than {MAX_UNPACKED_BYTES >> 30} GB")
        if self._given > MIN_SUSPECT_BYTES and self._given > self._packed_bytes * MAX_RATIO:
            raise _TooLargeError(f"unpacks to more than {MAX_RATIO} times its size")
        return piece


def _limited(read: Callable[[int], bytes]) -> bytes:
    """Return everything that read gives; raises _TooLargeError for more than a document has."""
    parts, size = [], 0
    while chunk := read(CHUNK_BYTES):
        parts.append(chunk)
        size += len(chunk)
        if size > MAX_DOCUMENT_BYTES:
            raise _TooLargeError(f"more than {MAX_DOCUMENT_BYTES >> 20} MB")
    return b"".join(parts)


def _of_zip(path: Path, name: str) -> Iterator[Document | Refused]:
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist()[:MAX_DOCUMENTS]:
                if not member.is_dir():
                    yield _zipped(archive, member)
    except (*UNREADABLE, NotImplementedError) as error:
        yield Refused(name, f"cannot be read: {error}")


def _zipped(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Document | Refused:
    try:
        with archive.open(member) as stream:
            return Document(member.filename, _limited(_Bounded(stream.read, member.compress_size).read))
    except _TooLargeError as error:
        return Refused(member.filename, str(error))
    except (*UNREADABLE, RuntimeError, NotImplementedError) as error:
        return Refused(member.filename, f"cannot be read: {error}")


def _of_tar(packed: IO[bytes], name: str) -> Iterator[Document | Refused]:
    """Yield the documents of an archive as they come by: Red Hat's unpacks to 20 GB."""
    with tarfile.open(fileobj=packed, mode="r|") as archive:
        for count, member in enumerate(archive):
            if count >= MAX_DOCUMENTS:
                yield Refused(name, f"more than {MAX_DOCUMENTS:,} documents; the rest was not read")
                return
            stream: IO[bytes] | None = archive.extractfile(member) if member.isfile() else None
            if stream is None or not is_wanted(member.name.rpartition("/")[2]):
                continue
            if member.size > MAX_DOCUMENT_BYTES:
                yield Refused(member.name, f"more than {MAX_DOCUMENT_BYTES >> 20} MB")
            else:
                yield Document(member.name, stream.read())
