"""What RPM packages say their files hold: the digests in the headers of the database, in each of its three forms."""

from __future__ import annotations

from collections.abc import Iterator

from transom.images.packages import berkeley, ndb
from transom.images.packages.owned import Listed, listed
from transom.images.packages.rpm import sqlite_blobs
from transom.images.packages.sums import EXECUTABLE, MD5, SHA1, SHA256, Sums, each_of, is_loaded, is_verified, put

CONFIG, GHOST = 1, 1 << 6  # flags of RPM: a setting, a file that the package itself does not bring
HASHED_BY = {1: MD5, 2: SHA1, 8: SHA256}  # as RPM numbers them, after OpenPGP (RFC 9580, 9.5)


def of_sqlite(content: bytes) -> Iterator[Sums]:
    """Yield what the headers of an rpmdb.sqlite say."""
    yield from _of_headers(sqlite_blobs(content))


def of_berkeley(content: bytes) -> Iterator[Sums]:
    """Yield the same of a Berkeley database."""
    yield from _of_headers(berkeley.values(content))


def of_ndb(content: bytes) -> Iterator[Sums]:
    """Yield the same of RPM's own database."""
    yield from _of_headers(ndb.blobs(content))


def _of_headers(blobs: Iterator[bytes]) -> Iterator[Sums]:
    for blob in blobs:
        found = listed(blob)
        files: dict[str, dict[str, bytes]] = {}
        for path, digest in _told(found):
            put(files, path, digest, HASHED_BY.get(found.algorithm, ""))
        yield from each_of(found.name, files)


def _told(found: Listed) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a package that may be run or loaded, and their digests as the header tells them."""
    modes = found.modes or (0o755,) * len(found.digests)
    flags = found.flags or (0,) * len(found.digests)
    for path, digest, mode, flag in zip(found.paths, found.digests, modes, flags, strict=False):
        text = path.decode("utf-8", "surrogateescape")
        if digest and not flag & (CONFIG | GHOST) and is_verified(text) and (mode & EXECUTABLE or is_loaded(text)):
            try:
                yield text, bytes.fromhex(digest.decode("ascii", "replace"))
            except ValueError:
                continue  # one digest that is none says nothing of the others
