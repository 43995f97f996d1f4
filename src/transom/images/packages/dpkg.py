"""Debian packages: the database of dpkg, and the files that distroless images have in its place."""

from __future__ import annotations

import re
from collections.abc import Iterator

from transom.images.packages.control import paragraphs
from transom.model.packages import Package, Place

WANTED = frozenset(("package", "status", "version", "architecture", "source"))
INSTALLED = ("installed", "half-configured", "half-installed", "unpacked", "triggers-awaited", "triggers-pending")
_SOURCE = re.compile(r"(\S+)(?:\s+\((.+)\))?")
_BINARY_ONLY = re.compile(r"\+b\d+$")


def read(path: str, content: bytes) -> Iterator[Package]:
    """Yield the packages of dpkg's status file whose files are there; removed ones leave only settings behind."""
    for fields in paragraphs(content, WANTED):
        state = fields.get("status", "").split()
        if len(state) == 3 and state[2] in INSTALLED:
            yield from _package(path, fields)


def read_distroless(path: str, content: bytes) -> Iterator[Package]:
    """Yield the package of one file below status.d, which has no status."""
    for fields in paragraphs(content, WANTED):
        yield from _package(path, fields)


def _package(path: str, fields: dict[str, str]) -> Iterator[Package]:
    name, version = fields.get("package", ""), fields.get("version", "")
    if not name or not version:
        return
    match = _SOURCE.match(fields.get("source", ""))
    yield Package(
        "deb",
        name,
        version,
        arch=fields.get("architecture", ""),
        source_name=match[1] if match else name,
        source_version=(match[2] if match else "") or _BINARY_ONLY.sub("", version),
        places=(Place(path),),
        evidence="dpkg",
    )
