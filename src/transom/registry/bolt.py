"""Databases of bbolt, as containerd keeps them: read only, without a lock, also while their owner writes.

A copy is taken, for its owner holds the lock as long as it runs. Pages are written anew and never in place, and none that
the newest transaction shows is used again until the next one is whole; so a copy is whole where the same transaction is
the newest before and after it was taken. Followed: go.etcd.io/bbolt, file format version 2.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from struct import Struct as Fields
from struct import unpack_from

from msgspec import Struct

from transom.model.errors import TransomError

MAX_DATABASE_BYTES = 512 * 1024 * 1024  # containerd's own has some MB, on a busy node some ten
MAX_DEPTH = 64  # of pages below one bucket; a tree of 2**64 keys has fewer
MAX_KEYS = 5_000_000  # that are walked through in one bucket
MAX_COPIES = 20  # until no transaction ended meanwhile; a copy takes milliseconds
PAGE_SIZES = tuple(1024 << shift for shift in range(7))  # of the operating system that wrote: 4 kB to 64 kB
MAGIC, VERSION = 0xED0CDAED, 2
BRANCH, LEAF, META = 0x01, 0x02, 0x04
BUCKET = 0x01  # the flag of an element whose value is a bucket
_PAGE = Fields("<QHHI")  # id, flags, count, overflow
_META = Fields("<IIIIQQQQQ")  # magic, version, page size, flags, root, sequence, free list, pages, transaction
_BRANCH = Fields("<IIQ")  # position, size of the key, page
_LEAF = Fields("<IIII")  # flags, position, size of the key, of the value
_BUCKET = Fields("<QQ")  # root page, sequence
_FNV_START, _FNV_PRIME = 0xCBF29CE484222325, 0x100000001B3


class BoltError(ValueError):
    """A database that is broken; the message says where."""


class _Meta(Struct, frozen=True):
    page_size: int
    root: int
    transaction: int


class Bucket:
    """A part of a database: keys with values, and further buckets."""

    def __init__(self, content: memoryview, page_size: int, page: int, inline: memoryview | None = None) -> None:
        self._content = content
        self._page_size = page_size
        self._root = page
        self._inline = inline

    def get(self, key: bytes) -> bytes | None:
        """Return the value of a key, None where there is none; raises BoltError."""
        flags, value = self._found(key) or (BUCKET, b"")
        return None if flags & BUCKET else value

    def bucket(self, *keys: bytes) -> Bucket | None:
        """Return the bucket below this one that keys lead to, None where there is none; raises BoltError."""
        here = self
        for key in keys:
            flags, value = here._found(key) or (0, b"")
            if not flags & BUCKET:
                return None
            here = here._below(value)
        return here

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield the keys with values, in their order; raises BoltError."""
        yield from ((key, value) for key, flags, value in self._elements() if not flags & BUCKET)

    def buckets(self) -> Iterator[tuple[bytes, Bucket]]:
        """Yield the buckets below this one, in the order of their keys; raises BoltError."""
        yield from ((key, self._below(value)) for key, flags, value in self._elements() if flags & BUCKET)

    def _below(self, value: bytes) -> Bucket:
        if len(value) < _BUCKET.size:
            raise BoltError("a bucket is cut off")
        root, _ = _BUCKET.unpack_from(value)
        inline = None if root else memoryview(value)[_BUCKET.size :]
        return Bucket(self._content, self._page_size, root, inline)

    def _elements(self) -> Iterator[tuple[bytes, int, bytes]]:
        """Yield key, flags and value of every element: leaves from left to right."""
        waiting = [(self._page(self._root, self._inline), 0)]
        count = 0
        while waiting:
            page, depth = waiting.pop()
            if depth > MAX_DEPTH:
                raise BoltError("its pages lead round in circles")
            flags, size = _head(page)
            count += size
            if count > MAX_KEYS:
                raise BoltError(f"it has more than {MAX_KEYS:,} keys")
            if flags & LEAF:
                yield from (_leaf(page, number) for number in range(size))
            else:
                below = [self._page(_branch(page, number)[1]) for number in range(size)]
                waiting += [(each, depth + 1) for each in reversed(below)]

    def _found(self, key: bytes) -> tuple[int, bytes] | None:
        """Return flags and value of a key: down to its leaf, by the first key of each page."""
        page = self._page(self._root, self._inline)
        for _ in range(MAX_DEPTH):
            flags, size = _head(page)
            if flags & LEAF:
                number = _after(size, lambda at: _leaf_key(page, at) < key)  # noqa: B023 - called at once
                if number >= size or _leaf_key(page, number) != key:
                    return None
                return _leaf(page, number)[1:]
            number = _after(size, lambda at: _branch(page, at)[0] <= key)  # noqa: B023
            if not number:
                return None
            page = self._page(_branch(page, number - 1)[1])
        raise BoltError("its pages lead round in circles")

    def _page(self, number: int, inline: memoryview | None = None) -> memoryview:
        if inline is not None:
            return inline
        start = number * self._page_size
        if number < 2 or start + _PAGE.size > len(self._content):
            raise BoltError(f"page {number} is beyond its end")
        found, _, _, overflow = _PAGE.unpack_from(self._content, start)
        if found != number:
            raise BoltError(f"page {number} says that it is {found}")
        return self._content[start : start + (overflow + 1) * self._page_size]


def _head(page: memoryview) -> tuple[int, int]:
    if len(page) < _PAGE.size:
        raise BoltError("a page is cut off")
    _, flags, count, _ = _PAGE.unpack_from(page)
    if flags not in (BRANCH, LEAF):
        raise BoltError("a page is neither branch nor leaf")
    if _PAGE.size + count * _LEAF.size > len(page):
        raise BoltError("a page is cut off")
    return flags, count


def _leaf(page: memoryview, number: int) -> tuple[bytes, int, bytes]:
    at = _PAGE.size + number * _LEAF.size
    flags, position, key_size, value_size = _LEAF.unpack_from(page, at)
    start = at + position
    return _bytes(page, start, key_size), flags, _bytes(page, start + key_size, value_size)


def _leaf_key(page: memoryview, number: int) -> bytes:
    at = _PAGE.size + number * _LEAF.size
    _, position, key_size, _ = _LEAF.unpack_from(page, at)
    return _bytes(page, at + position, key_size)


def _branch(page: memoryview, number: int) -> tuple[bytes, int]:
    at = _PAGE.size + number * _BRANCH.size
    position, key_size, below = _BRANCH.unpack_from(page, at)
    return _bytes(page, at + position, key_size), below


def _bytes(page: memoryview, start: int, size: int) -> bytes:
    if start + size > len(page):
        raise BoltError("an element leads out of its page")
    return bytes(page[start : start + size])


def _after(count: int, holds: Callable[[int], bool]) -> int:
    """Return how many of the first elements something holds for, which holds for no later one."""
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            low = middle + 1
        else:
            high = middle
    return low


def read_bolt(path: str) -> Bucket:
    """Return the root of a database as its newest whole transaction shows it; raises TransomError."""
    try:
        with open(path, "rb", buffering=0) as stream:  # noqa: PTH123 - a name, as configured
            if os.fstat(stream.fileno()).st_size > MAX_DATABASE_BYTES:
                raise TransomError(f"cannot read {path}", f"it is larger than {MAX_DATABASE_BYTES // 2**20} MiB", "")
            content, meta = _copied(stream.fileno())
    except (OSError, BoltError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        next_step = "run as root" if isinstance(error, PermissionError) else "name the folder that containerd keeps"
        raise TransomError(f"cannot read {path}", why, next_step) from error
    return Bucket(memoryview(content), meta.page_size, meta.root)


def _copied(number: int) -> tuple[bytes, _Meta]:
    """Return a whole copy, and what its newest transaction is."""
    for _ in range(MAX_COPIES):
        before = newest(os.pread(number, 2 * PAGE_SIZES[-1], 0))
        content = _whole(number)
        if newest(os.pread(number, 2 * PAGE_SIZES[-1], 0)) == before:
            return content, before
    raise BoltError("it changes too quickly to be copied")


def _whole(number: int) -> bytes:
    pieces = []
    at = 0
    while piece := os.pread(number, 1 << 24, at):
        pieces.append(piece)
        at += len(piece)
        if at > MAX_DATABASE_BYTES:
            raise BoltError(f"it is larger than {MAX_DATABASE_BYTES // 2**20} MiB")
    return b"".join(pieces)


def newest(head: bytes) -> _Meta:
    """Return the newer of the two metas that are whole, by their checksums; raises BoltError where none is."""
    found = [meta for size in (0, *PAGE_SIZES) if (meta := _meta(head, size)) and (not size or size == meta.page_size)]
    if not found:
        raise BoltError("it is no database of bbolt, or broken")
    return max(found, key=lambda meta: meta.transaction)


def _meta(head: bytes, start: int) -> _Meta | None:
    if start + _PAGE.size + _META.size + 8 > len(head):
        return None
    fields = head[start + _PAGE.size : start + _PAGE.size + _META.size]
    magic, version, page_size, _, root, _, _, _, transaction = _META.unpack(fields)
    (checksum,) = unpack_from("<Q", head, start + _PAGE.size + _META.size)
    if magic != MAGIC or version != VERSION or page_size not in PAGE_SIZES or checksum != _fnv(fields):
        return None
    return _Meta(page_size, root, transaction)


def _fnv(content: bytes) -> int:
    """Return the FNV-1a hash of 64 bits."""
    found = _FNV_START
    for each in content:
        found = ((found ^ each) * _FNV_PRIME) & 0xFFFFFFFFFFFFFFFF
    return found
