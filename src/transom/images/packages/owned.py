"""Which files OS packages own, where the database itself tells it: RPM's headers and apk's records."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

from msgspec import Struct

from transom.images.packages import berkeley, ndb
from transom.images.packages.rpm import MAX_TAGS, NAME, sqlite_blobs

FOLDER_OF, FILES, FOLDERS = 1116, 1117, 1118
MODES, DIGESTS, FLAGS, ALGORITHM = 1030, 1035, 1037, 5011
MAX_FILES = 1_000_000  # of one package; kernels' sources have some 100,000
TEXTS = frozenset((FILES, FOLDERS, DIGESTS))
NUMBERS = {FOLDER_OF: "I", MODES: "H", FLAGS: "I", ALGORITHM: "I"}
_COUNTS = struct.Struct(">II")
_ENTRY = struct.Struct(">IIII")

Owned = Iterator[tuple[str, bytes]]


class Listed(Struct, frozen=True):
    """What a header of RPM lists of its files, one of each for each. paths: without a slash before them.

    digests: in hexadecimal, of what is no file b""; flags: RPMFILE_*; algorithm: of the digests, as OpenPGP numbers them.
    Those that a header does not have are empty.
    """

    name: str
    paths: tuple[bytes, ...]
    digests: tuple[bytes, ...] = ()
    modes: tuple[int, ...] = ()
    flags: tuple[int, ...] = ()
    algorithm: int = 1


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
        found = listed(blob)
        for path in found.paths:
            yield found.name, path


def listed(blob: bytes) -> Listed:
    """Return what a header lists of its files; raises ValueError for one that is broken."""
    name = ""
    numbers: dict[int, tuple[int, ...]] = {}
    texts: dict[int, list[bytes]] = {}
    try:
        count, _ = _COUNTS.unpack_from(blob)
        start = _COUNTS.size + min(count, MAX_TAGS) * _ENTRY.size
        for tag, _, offset, size in _ENTRY.iter_unpack(blob[_COUNTS.size : start]):
            if tag == NAME:
                name = blob[start + offset : blob.find(b"\0", start + offset)].decode("utf-8", "replace")
            elif tag in NUMBERS:
                numbers[tag] = struct.unpack_from(f">{min(size, MAX_FILES)}{NUMBERS[tag]}", blob, start + offset)
            elif tag in TEXTS:
                texts[tag] = blob[start + offset :].split(b"\0", min(size, MAX_FILES))[:size]
    except struct.error as error:
        raise ValueError("a header of the database is broken") from error
    paths = _paths(numbers.get(FOLDER_OF, ()), texts.get(FILES, []), texts.get(FOLDERS, []))
    algorithm = numbers.get(ALGORITHM) or (1,)
    more = (tuple(texts.get(DIGESTS, ())), numbers.get(MODES, ()), numbers.get(FLAGS, ()), algorithm[0])
    return Listed(name, tuple(paths), *more)


def _paths(places: Iterable[int], files: list[bytes], folders: list[bytes]) -> Iterator[bytes]:
    for place, file in zip(places, files, strict=False):
        yield (folders[place] + file).lstrip(b"/") if place < len(folders) else b""
