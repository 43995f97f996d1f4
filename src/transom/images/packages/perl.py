"""Perl: what cpanm and Carton note of each distribution that they install."""

from __future__ import annotations

import re
from collections.abc import Iterator

from transom.images.packages.texts import json_object, text
from transom.model.packages import Package, Place

_DISTRIBUTION = re.compile(r"(?P<name>.+?)-v?(?P<version>\d[\w.]*)(?:-TRIAL\d*)?$")
_AUTHOR = re.compile(r"^(?:authors/id/)?[A-Z]/[A-Z]{2}/([A-Z][A-Z0-9-]+)/")


def read_install(path: str, content: bytes) -> Iterator[Package]:
    """Yield the distribution of an install.json in `.meta`."""
    fields = json_object(content)
    match = _DISTRIBUTION.match(text(fields.get("dist")))
    if match:
        author = _AUTHOR.match(text(fields.get("pathname")))
        namespace = author[1] if author else ""
        yield Package(
            "cpan", match["name"], match["version"], namespace, places=(Place(path),), evidence="cpan-install"
        )
