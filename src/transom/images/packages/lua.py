"""Lua: rockspecs, of which LuaRocks keeps one for each installed rock."""

from __future__ import annotations

import re
from collections.abc import Iterator

from transom.model.packages import Package, Place

MAX_BYTES = 1024 * 1024
_FIELD = re.compile(
    r"^[ \t]*(package|version|license)[ \t]*=[ \t]*(?:\"([^\"]*)\"|'([^']*)'|\[\[(.*?)\]\])", re.MULTILINE
)


def read(path: str, content: bytes) -> Iterator[Package]:
    """Yield the rock of a rockspec; Lua is never run."""
    fields = {match[1]: match[2] or match[3] or match[4] for match in _FIELD.finditer(_text(content))}
    name, version = fields.get("package"), fields.get("version")
    if name and version:
        licence = fields.get("license") or ""
        licences = (licence,) if licence else ()
        yield Package("luarocks", name, version, licences=licences, places=(Place(path),), evidence="rockspec")


def _text(content: bytes) -> str:
    return content[:MAX_BYTES].decode("utf-8", "replace")
