"""Haskell: cabal.project.freeze, stack.yaml and its lock."""

from __future__ import annotations

import re
from collections.abc import Iterator

from transom.images.packages.texts import text_lines
from transom.model.packages import Package, Place

_FROZEN = re.compile(r"any\.([\w-]+)\s*==\s*([\d.]+)")
_STACK = re.compile(r"^\s*(?:-\s+(?:hackage:\s*)?|hackage:\s*)([A-Za-z][\w-]*?)-(\d[\d.]*)(?:@\S*)?\s*$")


def read_freeze(path: str, content: bytes) -> Iterator[Package]:
    """Yield the packages that a cabal.project.freeze pins."""
    yield from _pinned(path, content, _FROZEN, "cabal.project.freeze")


def read_stack(path: str, content: bytes) -> Iterator[Package]:
    """Yield the packages that a stack.yaml or stack.yaml.lock adds to its snapshot."""
    yield from _pinned(path, content, _STACK, "stack")


def _pinned(path: str, content: bytes, pattern: re.Pattern[str], evidence: str) -> Iterator[Package]:
    seen: set[tuple[str, str]] = set()
    for number, line in text_lines(content):
        for name, version in pattern.findall(line):
            if (name, version) not in seen:
                seen.add((name, version))
                yield Package("hackage", name, version, places=(Place(path, line=number),), evidence=evidence)
