"""The documents of a feed, wherever they lie: a file, a folder, an archive, packed or not; each within limits."""

from __future__ import annotations

import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import IO

import msgspec
import zstandard
from msgspec import Struct

from transom.model.advisories import Refused
from transom.model.errors import TransomError

MAX_DOCUMENT_BYTES = 512 * 1024 * 1024  # Debian's tracker, the largest single document, has about 70 MB
MAX_DOCUMENTS = 2_000_000  # all of OSV has 0.6 million records
MAX_RATIO = 200  # JSON of advisories packs about 10:1, feeds of one repeated text 60:1
MIN_SUSPECT_BYTES = 16 * 1024 * 1024  # below this a ratio harms nobody
CHUNK_BYTES = 1 << 20
BROKEN = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What reading JSON may raise: broken, of another shape, no UTF-8, nested too deep."""
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
    files = (each for each in sorted(path.rglob("*")) if _is_wanted(each.name) and each.is_file())
    for count, each in enumerate(files):
        if count >= MAX_DOCUMENTS:
            yield Refused(str(path), f"more than {MAX_DOCUMENTS:,} documents; the rest was not read")
            return
        yield from _of_file(each, each.relative_to(path).as_posix())


def _is_wanted(name: str) -> bool:
    return name in NAMED or name.lower().endswith(ENDINGS)


def _of_file(path: Path, name: str) -> Iterator[Document | Refused]:
    if path.suffix.lower() == ".zip":
        yield from _of_zip(path, name)
        return
    try:
        content = _unpacked(path)
        if name.lower().endswith((".tar", ".tar.gz", ".tgz", ".tar.zst")):
            yield from _of_tar(content, name)
        else:
            yield Document(name, content)
    except _TooLargeError as error:
        yield Refused(name, str(error))
    except (OSError, EOFError, zlib.error, zstandard.ZstdError) as error:
        yield Refused(name, f"cannot be read: {error}")


def _unpacked(path: Path) -> bytes:
    with path.open("rb") as file:
        start = file.read(4)
        file.seek(0)
        packed = path.stat().st_size
        if start.startswith(b"\x1f\x8b"):
            from isal import igzip

            with igzip.IGzipFile(fileobj=file) as stream:  # type: ignore[no-untyped-call]
                return _limited(stream.read, packed)
        if start.startswith(b"BZh"):
            import bz2

            with bz2.open(file) as stream:
                return _limited(stream.read, packed)
        if start == b"\x28\xb5\x2f\xfd":
            with zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True) as stream:
                return _limited(stream.read, packed)
        return _limited(file.read, packed)


def _limited(read: Callable[[int], bytes], packed_bytes: int) -> bytes:
    """Return everything that read gives; raises _TooLargeError for more than a feed has, or for what nobody packs."""
    parts, size = [], 0
    while chunk := read(CHUNK_BYTES):
        parts.append(chunk)
        size += len(chunk)
        if size > MAX_DOCUMENT_BYTES:
            raise _TooLargeError(f"more than {MAX_DOCUMENT_BYTES >> 20} MB")
        if size > MIN_SUSPECT_BYTES and size > packed_bytes * MAX_RATIO:
            raise _TooLargeError(f"unpacks to more than {MAX_RATIO} times its size")
    return b"".join(parts)


def _of_zip(path: Path, name: str) -> Iterator[Document | Refused]:
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist()[:MAX_DOCUMENTS]:
                if not member.is_dir():
                    yield _zipped(archive, member)
    except (zipfile.BadZipFile, OSError, NotImplementedError) as error:
        yield Refused(name, f"cannot be read: {error}")


def _zipped(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Document | Refused:
    try:
        with archive.open(member) as stream:
            return Document(member.filename, _limited(stream.read, member.compress_size))
    except _TooLargeError as error:
        return Refused(member.filename, str(error))
    except (zipfile.BadZipFile, OSError, EOFError, RuntimeError, NotImplementedError, zlib.error) as error:
        return Refused(member.filename, f"cannot be read: {error}")


def _of_tar(content: bytes, name: str) -> Iterator[Document | Refused]:
    try:
        with tarfile.open(fileobj=BytesIO(content)) as archive:
            for member in archive:
                stream: IO[bytes] | None = archive.extractfile(member) if member.isfile() else None
                if stream is not None and _is_wanted(member.name.rpartition("/")[2]):
                    yield Document(member.name, stream.read())
    except (tarfile.TarError, OSError, EOFError) as error:
        yield Refused(name, f"cannot be read: {error}")
