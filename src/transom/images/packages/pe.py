"""PE files: their version resource, and whether they are assemblies of .NET (PE format; VS_VERSIONINFO)."""

from __future__ import annotations

import re
import struct

from msgspec import Struct

MARK = "VS_VERSION_INFO".encode("utf-16-le")
MAX_RESOURCE_BYTES = 64 * 1024
CLI_DIRECTORY = 14
KEYS = ("ProductName", "ProductVersion", "FileVersion", "InternalName", "OriginalFilename", "CompanyName")
_VALUES = {
    key: re.compile(re.escape((key + "\0").encode("utf-16-le")) + rb"(?:\0\0)?((?:[^\0][\0-\xff]|\0[^\0]){1,256})\0\0")
    for key in KEYS
}


class Portable(Struct, frozen=True):
    """A PE file. managed: it is an assembly; version: the strings of its version resource."""

    managed: bool
    version: dict[str, str]


def read_pe(content: bytes) -> Portable | None:
    """Return what a PE file says of itself, None for a program of DOS."""
    try:
        (at,) = struct.unpack_from("<I", content, 0x3C)
        if content[at : at + 4] != b"PE\0\0":
            return None
        optional = at + 24
        (magic,) = struct.unpack_from("<H", content, optional)
        directories = optional + (112 if magic == 0x20B else 96)
        (count,) = struct.unpack_from("<I", content, directories - 4)
        address = struct.unpack_from("<I", content, directories + 8 * CLI_DIRECTORY)[0] if count > CLI_DIRECTORY else 0
    except struct.error as error:
        raise ValueError("the headers of a PE file break off") from error
    return Portable(address != 0, _strings(content))


def _strings(content: bytes) -> dict[str, str]:
    start = content.rfind(MARK)
    if start < 0:
        return {}
    resource = content[start : start + MAX_RESOURCE_BYTES]
    found = {}
    for key, pattern in _VALUES.items():
        match = pattern.search(resource)
        if match:
            found[key] = match[1].decode("utf-16-le", "replace").strip()
    return found
