"""WordPress: the header of a plug-in's main file (Plugin Handbook, header requirements)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from transom.model.packages import Package, Place

MAX_HEADER_BYTES = 8 * 1024  # as WordPress itself reads
_FIELD = re.compile(r"^[ \t/*#@]*(Plugin Name|Version|License):[ \t]*(.+)$", re.MULTILINE)
_FOLDER = re.compile(r"wp-content/plugins/([^/]+)/[^/]+\.php$")


def read(path: str, content: bytes) -> Iterator[Package]:
    """Yield the plug-in whose main file this is; it is called by its folder, as advisories call it."""
    head = content[:MAX_HEADER_BYTES].decode("utf-8", "replace").replace("\r", "\n")
    fields = {match[1]: match[2].partition("*/")[0].strip() for match in _FIELD.finditer(head)}
    folder = _FOLDER.search(path)
    if folder and fields.get("Plugin Name") and fields.get("Version"):
        licences = (fields["License"],) if fields.get("License") else ()
        yield Package(
            "wordpress-plugin",
            folder[1],
            fields["Version"],
            licences=licences,
            places=(Place(path),),
            evidence="plugin header",
        )
