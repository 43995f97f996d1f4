"""Databases of bbolt for tests: written as bbolt 1.3 writes them, so small that every page shows."""

from __future__ import annotations

from struct import pack
from typing import Any

Tree = dict[bytes, Any]
"""Values, or further buckets."""
PAGE = 4096
ROOT, TRANSACTION = 2, 7


def fnv(content: bytes) -> int:
    found = 0xCBF29CE484222325
    for each in content:
        found = ((found ^ each) * 0x100000001B3) % 2**64
    return found


def meta(page: int, root: int, transaction: int, pages: int) -> bytes:
    fields = pack("<IIIIQQQQQ", 0xED0CDAED, 2, PAGE, 0, root, 0, 2**64 - 1, pages, transaction)
    return (pack("<QHHI", page, 0x04, 0, 0) + fields + pack("<Q", fnv(fields))).ljust(PAGE, b"\0")


class Writer:
    """A database that is being made. fanout: elements of a page."""

    def __init__(self, fanout: int) -> None:
        self.fanout = fanout
        self.pages: list[bytes] = []

    def add(self, kind: int, elements: list[bytes], contents: list[bytes]) -> int:
        """Add a page and return its number. elements: with the place for their content's position left as %."""
        number = 2 + sum(len(each) // PAGE for each in self.pages)
        page = self.content(number, kind, elements, contents)
        overflow = (len(page) - 1) // PAGE
        page = page[:12] + pack("<I", overflow) + page[16:]
        self.pages.append(page.ljust((overflow + 1) * PAGE, b"\0"))
        return number

    @staticmethod
    def content(number: int, kind: int, elements: list[bytes], contents: list[bytes]) -> bytes:
        head, body = b"", b""
        for place, (element, content) in enumerate(zip(elements, contents, strict=True)):
            at = 16 * (len(elements) - place) + len(body)
            split = 4 if kind == 2 else 0
            head += element[:split] + pack("<I", at) + element[split:]
            body += content
        return pack("<QHHI", number, kind, len(elements), 0) + head + body

    def leaf(self, tree: Tree) -> tuple[list[bytes], list[bytes]]:
        elements, contents = [], []
        for key, value in sorted(tree.items()):
            flags = int(isinstance(value, dict))
            stored = self.bucket(value) if flags else value
            elements.append(pack("<III", flags, len(key), len(stored)))
            contents.append(key + stored)
        return elements, contents

    def bucket(self, tree: Tree) -> bytes:
        """Return a bucket as a value: within its parent where it is small, and has no buckets itself."""
        if len(tree) < self.fanout and not any(isinstance(each, dict) for each in tree.values()):
            return pack("<QQ", 0, 0) + self.content(0, 2, *self.leaf(tree))
        return pack("<QQ", self.tree(tree), 0)

    def tree(self, tree: Tree) -> int:
        """Write a bucket's pages and return its root."""
        keys = sorted(tree)
        parts = [keys[at : at + self.fanout] for at in range(0, len(keys), self.fanout)] or [[]]
        level = [
            (part[0] if part else b"", self.add(2, *self.leaf({key: tree[key] for key in part}))) for part in parts
        ]
        while len(level) > 1:
            groups = [level[at : at + self.fanout] for at in range(0, len(level), self.fanout)]
            level = [(group[0][0], self.branch(group)) for group in groups]
        return level[0][1]

    def branch(self, below: list[tuple[bytes, int]]) -> int:
        return self.add(1, [pack("<IQ", len(key), page) for key, page in below], [key for key, _ in below])


def database(tree: Tree, fanout: int = 3, transaction: int = TRANSACTION) -> bytes:
    """Return a database that shows a tree; the other meta is of a transaction before."""
    writer = Writer(fanout)
    root = writer.tree(tree)
    body = b"".join(writer.pages)
    pages = 2 + len(body) // PAGE
    metas = sorted((transaction, transaction - 1), key=lambda each: each % 2)
    return b"".join(meta(each % 2, root, each, pages) for each in metas) + body
