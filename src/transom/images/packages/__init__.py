"""Which files tell of packages, and what reads them: tables of strings, so that only what is met is imported.

A reader is `read(path, content) -> Iterator[Package]`; it raises ValueError for what it cannot read, and opens nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib import import_module
from typing import Any

from transom.images.packages.selectors import DECLARED, INSTALLED, SELECTORS, Selector
from transom.images.packages.sums import Sums
from transom.model.packages import Package

__all__ = ["DECLARED", "INSTALLED", "SELECTORS", "Selection", "Selector", "owners", "reader", "sums_of"]

Read = Callable[[str, bytes], Iterator[Package]]
Owners = Callable[[bytes], Iterator[tuple[str, bytes]]]
SumsOf = Callable[[bytes], Iterable[Sums]]


class Selection:
    """Selectors, looked up by a path's last step.

    In an image what is installed counts; a lock file there names much that was left out. Sources give SELECTORS.
    """

    def __init__(self, selectors: tuple[Selector, ...] = INSTALLED) -> None:
        self.selectors = selectors
        self._by_name: dict[str, list[_Fitting]] = {}
        self._by_suffix: dict[str, list[_Fitting]] = {}
        fitting = [_Fitting(each) for each in selectors]
        for each in fitting:
            for name in each.selector.names:
                self._by_name.setdefault(name, []).append(each)
            for suffix in each.selector.suffixes:
                self._by_suffix.setdefault(suffix, []).append(each)
        self._anywhere = [(each.selector.contains, each) for each in fitting if each.selector.contains]
        self._by_mode: list[Selector] = [each for each in selectors if each.executable]

    def of(self, path: str, executable: bool = False) -> Selector | None:
        """Return the selector of a path, None for a file that tells nothing. executable: what its mode says."""
        name = path.rpartition("/")[2]
        dot = name.rfind(".")
        suffix = name[dot:] if dot >= 0 else ""
        candidates: list[_Fitting] = [*self._by_name.get(name, ()), *self._by_suffix.get(suffix, ())]
        for each in candidates:
            if each.fits(path):
                return each.selector
        for piece, each in self._anywhere:
            if piece in path and each.fits(path):  # three microseconds less than patterns alone
                return each.selector
        if executable:
            return next((each for each in self._by_mode if suffix not in each.never), None)
        return None


class _Fitting:
    """A selector, and its pattern once it is asked for: to compile all takes 10 ms, which a look at known layers saves."""

    def __init__(self, selector: Selector) -> None:
        self.selector = selector
        self._pattern: re.Pattern[str] | None = None

    def fits(self, path: str) -> bool:
        if not self.selector.path:
            return True
        if self._pattern is None:
            self._pattern = re.compile(self.selector.path)
        return self._pattern.search(path) is not None


def reader(name: str) -> Read:
    """Return the function of a reader's name."""
    found: Read = _function(name)
    return found


def owners(name: str) -> Owners:
    """Return the function that tells which files packages own, of its name."""
    found: Owners = _function(name)
    return found


def sums_of(name: str) -> SumsOf:
    """Return the function that tells what packages say their files hold, of its name."""
    found: SumsOf = _function(name)
    return found


@cache
def _function(name: str) -> Any:
    module, _, function = name.partition(":")
    return getattr(import_module(f"{__name__}.{module}"), function)
