"""Packages that one file tells several times, for each place where they are installed or needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps

from msgspec.structs import replace

from transom.model.packages import Package

Reader = Callable[[str, bytes], Iterator[Package]]


def once(read: Reader) -> Reader:
    """Make a reader yield each package once, at its first place; it develops only if it does so everywhere."""

    @wraps(read)
    def read_once(path: str, content: bytes) -> Iterator[Package]:
        found: dict[tuple[str, ...], Package] = {}
        for package in read(path, content):
            known = found.setdefault(package.identity, package)
            if known.development and not package.development:
                found[package.identity] = replace(known, development=False)
        yield from found.values()

    return read_once
