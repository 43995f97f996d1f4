"""Blobs of RPM's own database, `Packages.db`: pages of slots, each naming where a blob lies (rpm lib/backend/ndb)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

PAGE_BYTES, SLOT_BYTES, BLOCK_BYTES = 4096, 16, 16
DATABASE, SLOT, BLOB = b"RpmP", b"Slot", b"BlbS"
_SLOT = struct.Struct("<4sIII")


def blobs(content: bytes) -> Iterator[bytes]:
    """Yield each package's blob; raises ValueError for what is no such file, or is broken."""
    try:
        magic, version, _, pages = _SLOT.unpack_from(content)
    except struct.error as error:
        raise ValueError("no database of RPM") from error
    if magic != DATABASE or version != 0 or pages * PAGE_BYTES > len(content):
        raise ValueError("no database of RPM")
    for at in range(2 * SLOT_BYTES, pages * PAGE_BYTES, SLOT_BYTES):
        slot, package, block, _ = _SLOT.unpack_from(content, at)
        if slot == SLOT and package:
            yield _blob(content, package, block * BLOCK_BYTES)


def _blob(content: bytes, package: int, at: int) -> bytes:
    if at + _SLOT.size > len(content):
        raise ValueError("a package of the database breaks off")
    magic, index, _, length = _SLOT.unpack_from(content, at)
    if magic != BLOB or index != package or at + _SLOT.size + length > len(content):
        raise ValueError("a package of the database breaks off")
    return content[at + _SLOT.size : at + _SLOT.size + length]
