"""Debian's changelogs: what a package leaves in its folder of documents, also where its database is gone (deb-changelog(5))."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator

from transom.images.packages.evidence import CHANGELOG
from transom.model.packages import Package, Place

MAX_PLAIN_BYTES = 4 * 1024
_ENTRY = re.compile(rb"\s*([a-z0-9][a-z0-9+.-]+) \(([A-Za-z0-9.+:~-]+)\) [^;\n]+; urgency=")


def read(path: str, content: bytes) -> Iterator[Package]:
    """Yield the package in whose folder a changelog lies, of the version of its newest entry; of another format nothing."""
    unpacker = zlib.decompressobj(31)  # gzip
    try:
        plain = unpacker.decompress(content, MAX_PLAIN_BYTES)
    except zlib.error:
        return  # it is no evidence, so nothing is lost
    match = _ENTRY.match(plain)
    if match:
        source, version = match[1].decode(), match[2].decode()
        name = path.split("/")[-2]
        yield Package("deb", name, version, "", "", source, version, places=(Place(path),), evidence=CHANGELOG)
