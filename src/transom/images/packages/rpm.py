"""RPM: the database in each of its three forms, and the list that images without one have.

A database is a table of header blobs (RPM V4 header format: an index of tags, then their values, big-endian).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from transom.images.packages import berkeley, ndb, sqlite
from transom.images.packages.texts import text_lines
from transom.model.packages import Package, Place

NAME, VERSION, RELEASE, EPOCH, LICENCE, ARCH, SOURCE = 1000, 1001, 1002, 1003, 1014, 1022, 1044
WANTED = frozenset((NAME, VERSION, RELEASE, EPOCH, LICENCE, ARCH, SOURCE))
INT32, STRING, STRINGS, TRANSLATED = 4, 6, 8, 9
MAX_TAGS = 100_000  # a header has some 100
MAX_PACKAGES = 100_000
KEYS = "gpg-pubkey"  # stands among the packages, and is a key

_COUNTS = struct.Struct(">II")
_ENTRY = struct.Struct(">IIII")
_INT = struct.Struct(">I")


def read_sqlite(path: str, content: bytes) -> Iterator[Package]:
    """Yield the packages of an rpmdb.sqlite (RPM 4.16 and later)."""
    yield from _packages(path, sqlite_blobs(content))


def sqlite_blobs(content: bytes) -> Iterator[bytes]:
    """Yield the header of each package of an rpmdb.sqlite."""
    for (blob,) in sqlite.rows(content, "SELECT blob FROM Packages", MAX_PACKAGES):
        if isinstance(blob, bytes):
            yield blob


def read_berkeley(path: str, content: bytes) -> Iterator[Package]:
    """Yield the packages of a Berkeley database, `Packages` (RPM before 4.16)."""
    yield from _packages(path, berkeley.values(content))


def read_ndb(path: str, content: bytes) -> Iterator[Package]:
    """Yield the packages of `Packages.db`, as SUSE has it."""
    yield from _packages(path, ndb.blobs(content))


def _packages(path: str, blobs: Iterator[bytes]) -> Iterator[Package]:
    """Yield the package of each header; one that is broken is told when the others are read."""
    broken: list[ValueError] = []
    for blob in blobs:
        try:
            fields = header(blob)
        except ValueError as error:
            broken.append(error)
            continue
        name, version = fields.get(NAME, ""), fields.get(VERSION, "")
        if name and version and name != KEYS:
            release = fields.get(RELEASE, "")
            full = f"{version}-{release}" if release else version
            yield _made(path, name, full, fields.get(EPOCH, ""), fields, "rpm")
    if broken:
        raise broken[0]


def _made(path: str, name: str, version: str, epoch: str, fields: dict[int, str], evidence: str) -> Package:
    source, source_version = source_of(fields.get(SOURCE, ""))
    prefix = f"{epoch}:" if epoch not in ("", "0") else ""
    licence = fields.get(LICENCE, "")
    return Package(
        "rpm",
        name,
        prefix + version,
        arch=fields.get(ARCH, ""),
        source_name=source or name,
        source_version=prefix + (source_version or version),
        licences=(licence,) if licence else (),
        places=(Place(path),),
        evidence=evidence,
    )


def source_of(file: str) -> tuple[str, str]:
    """Return name and version of `NAME-VERSION-RELEASE.src.rpm`, both "" for anything else."""
    parts = file.removesuffix(".src.rpm").removesuffix(".nosrc.rpm").rsplit("-", 2)
    return (parts[0], f"{parts[1]}-{parts[2]}") if len(parts) == 3 else ("", "")


def header(blob: bytes) -> dict[int, str]:
    """Return the wanted tags of a header as texts; raises ValueError for one that is broken."""
    try:
        count, size = _COUNTS.unpack_from(blob)
        start = _COUNTS.size + count * _ENTRY.size
        if count > MAX_TAGS or start + size > len(blob):
            raise ValueError("a header of the database breaks off")
        found = {}
        for tag, kind, offset, _ in _ENTRY.iter_unpack(blob[_COUNTS.size : start]):
            if tag in WANTED:
                found[tag] = _value(blob, start + offset, kind)
    except struct.error as error:
        raise ValueError("a header of the database is broken") from error
    return found


def _value(blob: bytes, at: int, kind: int) -> str:
    if kind == INT32:
        return str(_INT.unpack_from(blob, at)[0])
    if kind in (STRING, STRINGS, TRANSLATED):
        end = blob.find(b"\0", at)
        return blob[at : end if end >= 0 else at].decode("utf-8", "replace")
    return ""


def read_manifest(path: str, content: bytes) -> Iterator[Package]:
    """Yield the packages of container-manifest-2: what `rpm -qa` printed, fields between tabs."""
    for _, line in text_lines(content):
        fields = line.split("\t")
        if len(fields) >= 10:
            epoch = fields[8] if fields[8].isdigit() else ""
            told = {ARCH: fields[7], SOURCE: fields[9]}
            yield _made(path, fields[0], fields[1], epoch, told, "rpm-manifest")
