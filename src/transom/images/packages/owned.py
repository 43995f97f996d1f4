"""Which files OS packages own, where the database itself tells it: RPM's headers and apk's records."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

from transom.images.packages import berkeley, ndb
from transom.images.packages.rpm import MAX_TAGS, NAME, sqlite_blobs

FOLDER_OF, FILES, FOLDERS = 1116, 1117, 1118
MAX_FILES = 1_000_000  # of one package; kernels' sources have some 100,000
_COUNTS = struct.Struct(">II")
_ENTRY = struct.Struct(">IIII")

Owned = Iterator[tuple[str, bytes]]


def of_sqlite(content: bytes) -> Owned:
    """Yield each package's name with each path that it owns, without a slash before it."""
    yield from _owned(sqlite_blobs(content))


def of_berkeley(content: bytes) -> Owned:
    """Yield the same of a Berkeley database."""
    yield from _owned(berkeley.values(content))


def of_ndb(content: bytes) -> Owned:
    """Yield the same of RPM's own database."""
    yield from _owned(ndb.blobs(content))


def of_apk(content: bytes) -> Owned:
    """Yield the same of apk's `installed`: P names the package, F a folder, R a file in it."""
    name, folder = "", b""
    for line in content.split(b"\n"):
        field, value = line[:2], line[2:]
        if field == b"P:":
            name, folder = value.decode("utf-8", "replace"), b""
        elif field == b"F:":
            folder = value
        elif field == b"R:":
            yield name, folder + b"/" + value


def _owned(blobs: Iterable[bytes]) -> Owned:
    for blob in blobs:
        name, places, files, folders = _lists(blob)
        for place, file in zip(places, files, strict=False):
            if place < len(folders):
                yield name, (folders[place] + file).lstrip(b"/")


def _lists(blob: bytes) -> tuple[str, tuple[int, ...], list[bytes], list[bytes]]:
    """Return a header's name, and of each of its files which folder, and what it is called there."""
    name, places = "", tuple[int, ...]()
    texts: dict[int, list[bytes]] = {}
    try:
        count, _ = _COUNTS.unpack_from(blob)
        start = _COUNTS.size + min(count, MAX_TAGS) * _ENTRY.size
        for tag, _, offset, size in _ENTRY.iter_unpack(blob[_COUNTS.size : start]):
            if tag == NAME:
                name = blob[start + offset : blob.find(b"\0", start + offset)].decode("utf-8", "replace")
            elif tag == FOLDER_OF:
                places = struct.unpack_from(f">{min(size, MAX_FILES)}I", blob, start + offset)
            elif tag in (FILES, FOLDERS):
                texts[tag] = blob[start + offset :].split(b"\0", min(size, MAX_FILES))[:size]
    except struct.error as error:
        raise ValueError("a header of the database is broken") from error
    return name, places, texts.get(FILES, []), texts.get(FOLDERS, [])
