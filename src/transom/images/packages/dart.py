"""Dart: pubspec.lock, read line by line."""

from __future__ import annotations

import re
from collections.abc import Iterator

from transom.images.packages.texts import text_lines
from transom.model.packages import Package, Place

_NAME = re.compile(r"^ {2}([\w-]+):\s*$")
_FIELD = re.compile(r"^ {4}(\w+): ?\"?([^\"]*)\"?$")


def read_lock(path: str, content: bytes) -> Iterator[Package]:
    """Yield the packages of a pubspec.lock that came from a registry."""
    name, place = "", 0
    fields: dict[str, str] = {}
    for number, line in text_lines(content):
        match = _NAME.match(line)
        if match or (line[:1] not in ("", " ")):
            yield from _package(path, name, place, fields)
            name, place, fields = (match[1] if match else ""), number, {}
        elif field := _FIELD.match(line):
            fields[field[1]] = field[2]
    yield from _package(path, name, place, fields)


def _package(path: str, name: str, line: int, fields: dict[str, str]) -> Iterator[Package]:
    if name and fields.get("version") and fields.get("source", "hosted") == "hosted":
        development = fields.get("dependency") == "direct dev"
        places = (Place(path, line=line),)
        yield Package("pub", name, fields["version"], places=places, development=development, evidence="pubspec.lock")
