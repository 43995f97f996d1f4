"""Values of a Berkeley DB hash file, page by page; keys are not looked at (db-5.3 dbinc/db_page.h)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

MAGIC = 0x061561
MAX_VALUE_BYTES = 64 * 1024 * 1024  # a header of an RPM package may have 16 MB
PAGE_HEADER_BYTES = 26
HASH_UNSORTED, HASH, OVERFLOW = 2, 13, 7
INLINE, OFF_PAGE = 1, 3


def values(content: bytes) -> Iterator[bytes]:
    """Yield each value that is no mere counter; raises ValueError for what is no such file, or is broken."""
    order = _order(content)
    (size,) = struct.unpack_from(order + "I", content, 20)
    if size < 512 or size > 65536 or size & (size - 1):
        raise ValueError("a Berkeley database of an impossible page size")
    for start in range(size, len(content) - size + 1, size):
        if content[start + 25] in (HASH, HASH_UNSORTED):
            yield from _of_page(content, order, start, size)


def _order(content: bytes) -> str:
    if len(content) >= 512:
        for order in "<>":
            if struct.unpack_from(order + "I", content, 12)[0] == MAGIC:
                return order
    raise ValueError("no Berkeley database of the hash kind")


def _of_page(content: bytes, order: str, start: int, size: int) -> Iterator[bytes]:
    (count,) = struct.unpack_from(order + "H", content, start + 20)
    if PAGE_HEADER_BYTES + 2 * count > size:
        raise ValueError("a page of the database is broken")
    places = struct.unpack_from(f"{order}{count}H", content, start + PAGE_HEADER_BYTES)
    for index in range(1, count, 2):  # a key, its value, a key, …
        at, end = start + places[index], start + places[index - 1]
        if not start < at < end <= start + size:
            raise ValueError("a page of the database is broken")
        if content[at] == INLINE and end - at > 9:
            yield content[at + 1 : end]
        elif content[at] == OFF_PAGE and end - at >= 12:
            page, length = struct.unpack_from(order + "II", content, at + 4)
            yield _overflow(content, order, size, page, length)


def _overflow(content: bytes, order: str, size: int, page: int, length: int) -> bytes:
    """Return a value that has pages of its own, each naming the next."""
    if length > min(MAX_VALUE_BYTES, len(content)):
        raise ValueError("a value of the database is longer than the database")
    pieces = []
    have = 0
    while page and have < length:
        start = page * size
        if start + size > len(content) or content[start + 25] != OVERFLOW:
            raise ValueError("a value of the database breaks off")
        (following,) = struct.unpack_from(order + "I", content, start + 16)
        (used,) = struct.unpack_from(order + "H", content, start + 22)
        if not used:
            raise ValueError("a page of the database is broken")
        pieces.append(content[start + PAGE_HEADER_BYTES : start + PAGE_HEADER_BYTES + min(used, size)])
        have += used
        page = following
    return b"".join(pieces)[:length]
