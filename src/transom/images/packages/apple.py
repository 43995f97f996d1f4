"""Swift and Objective-C: Package.resolved and Podfile.lock."""

from __future__ import annotations

import re
from collections.abc import Iterator

from transom.images.packages.texts import Lines, json_object, table, tables, text, text_lines
from transom.model.packages import Package, Place

_ADDRESS = re.compile(r"^(?:\w+://(?:[^@/]*@)?|[^@/]+@)?([^:/]+)[:/](.+?)(?:\.git)?/?$")
_POD = re.compile(r'^ {2}- "?([^" (]+) \(([^)]+)\)"?:?$')


def read_resolved(path: str, content: bytes) -> Iterator[Package]:
    """Yield the packages of a Package.resolved, formats 1 to 3; a package is called by its repository's address."""
    document, lines = json_object(content), Lines(content)
    for pin in tables(document.get("pins") or table(document.get("object")).get("pins")):
        address = text(pin.get("location")) or text(pin.get("repositoryURL"))
        name, version = (
            text(pin.get("identity")) or text(pin.get("package")),
            text(table(pin.get("state")).get("version")),
        )
        line = lines.of(f'"{address}"')
        match = _ADDRESS.match(address)
        namespace = ""
        if match:
            namespace, _, name = f"{match[1]}/{match[2]}".rpartition("/")
        if name and version:
            yield Package(
                "swift", name, version, namespace, places=(Place(path, line=line),), evidence="Package.resolved"
            )


def read_podfile_lock(path: str, content: bytes) -> Iterator[Package]:
    """Yield the pods of a Podfile.lock; the parts of one pod stand as `Pod/Part`."""
    section = ""
    for number, line in text_lines(content):
        if line[:1] not in ("", " "):
            section = line.rstrip(":")
        match = _POD.match(line) if section == "PODS" else None
        if match:
            yield Package("cocoapods", match[1], match[2], places=(Place(path, line=number),), evidence="Podfile.lock")
