"""Which files tell of packages, and what reads them: a table of strings, so that only what is met is imported.

A reader is `read(path, content) -> Iterator[Package]`; it raises ValueError for what it cannot read, and opens nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module

from msgspec import Struct

from transom.model.packages import Package

Read = Callable[[str, bytes], Iterator[Package]]


class Selector(Struct, frozen=True):
    """Files of one kind. names: their last step; suffixes: what it ends in; path: a pattern of the whole, "" for any.

    reader: module below this package and function; limit_bytes: larger files of the kind are told as unread.
    """

    reader: str
    names: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()
    path: str = ""
    limit_bytes: int = 64 * 1024 * 1024


SELECTORS = (
    Selector("dpkg:read", names=("status",), path=r"(?:^|/)(?:lib/dpkg|lib/opkg)/status$"),
    Selector("dpkg:read_distroless", path=r"(?:^|/)var/lib/dpkg/status\.d/[^/]+(?<!\.md5sums)$", suffixes=("",)),
    Selector("apk:read", names=("installed",), path=r"(?:^|/)lib/apk/db/installed$"),
)
"""Every file that tells of packages. Names and suffixes are looked up first, since a pattern costs more."""


class Selection:
    """The selectors, looked up by a path's last step."""

    def __init__(self, selectors: tuple[Selector, ...] = SELECTORS) -> None:
        self._by_name: dict[str, list[Selector]] = {}
        self._by_suffix: dict[str, list[Selector]] = {}
        self._anywhere = [each for each in selectors if "" in each.suffixes]
        for each in selectors:
            for name in each.names:
                self._by_name.setdefault(name, []).append(each)
            for suffix in filter(None, each.suffixes):
                self._by_suffix.setdefault(suffix, []).append(each)
        self._patterns: dict[Selector, re.Pattern[str]] = {
            each: re.compile(each.path) for each in selectors if each.path
        }

    def of(self, path: str) -> Selector | None:
        """Return the selector of a path, None for a file that tells nothing."""
        name = path.rpartition("/")[2]
        dot = name.rfind(".")
        candidates: list[Selector] = [*self._by_name.get(name, ())]
        if dot >= 0:
            candidates += self._by_suffix.get(name[dot:], ())
        for each in (*candidates, *self._anywhere):
            pattern = self._patterns.get(each)
            if pattern is None or pattern.search(path):
                return each
        return None


@cache
def reader(name: str) -> Read:
    """Return the function of a reader's name."""
    module, _, function = name.partition(":")
    made: Read = getattr(import_module(f"{__name__}.{module}"), function)
    return made
