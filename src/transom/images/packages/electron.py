"""Electron: the packages in an asar archive, one file that holds a tree of files behind a header of JSON."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from transom.images.packages.node import read_package
from transom.images.packages.texts import json_object, table
from transom.model.packages import Package, Place

HEADER_BYTES = 16  # four numbers, as Chromium pickles them: the last is the length of the JSON
MAX_FILES = 1_000_000
MAX_PACKAGE_BYTES = 8 * 1024 * 1024
MAX_DEPTH = 100


def read_asar(path: str, content: bytes) -> Iterator[Package]:
    """Yield the packages whose package.json lies in the archive; their place is `app.asar!/node_modules/a/package.json`."""
    if len(content) < HEADER_BYTES:
        raise ValueError("no asar archive")
    _, size, _, length = struct.unpack_from("<4I", content)
    if length > size or HEADER_BYTES + length > len(content):
        raise ValueError("no asar archive")
    header = json_object(content[HEADER_BYTES : HEADER_BYTES + length])
    start = 8 + size
    for inner, entry in _packages(header):
        offset, bytes_ = entry.get("offset"), entry.get("size")
        if not isinstance(offset, str) or not offset.isdecimal() or not isinstance(bytes_, int):
            continue  # what was left beside the archive is a file of its own
        document = content[start + int(offset) : start + int(offset) + min(bytes_, MAX_PACKAGE_BYTES)]
        for package in read_package(inner, document):
            yield replace(package, places=(Place(f"{path}!/{inner}"),), evidence="asar")


def _packages(header: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield path and entry of each package.json in the tree; nothing below a limit of depth is looked at."""
    waiting: list[tuple[str, dict[str, Any], int]] = [("", header, 0)]
    seen = 0
    while waiting and seen < MAX_FILES:
        where, folder, depth = waiting.pop()
        for name, value in table(folder.get("files")).items():
            seen += 1
            entry, inner = table(value), f"{where}/{name}" if where else name
            if "files" in entry and depth < MAX_DEPTH:
                waiting.append((inner, entry, depth + 1))
            elif name == "package.json":
                yield inner, entry
