"""Models of machine learning: what the head of a GGUF file says of the model in it (GGUF specification, version 3)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from transom.model.packages import Package, Place

MAGIC = b"GGUF"
HEAD_BYTES = 1024 * 1024  # general keys come first; what follows are words and weights
MAX_KEYS = 10_000
MAX_STRING_BYTES = 64 * 1024
STRING, ARRAY = 8, 9
SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
WANTED = frozenset(("general.name", "general.basename", "general.version", "general.license"))


def read(path: str, content: bytes) -> Iterator[Package]:
    """Yield the model of a GGUF file, of which the head is enough; one without a name is called as its file is."""
    if not content.startswith(MAGIC) or len(content) < 24:
        raise ValueError("no GGUF file")
    fields = dict(_fields(content))
    name = fields.get("general.name") or fields.get("general.basename") or path.rpartition("/")[2].removesuffix(".gguf")
    licence = fields.get("general.license", "")
    licences = (licence,) if licence else ()
    version = fields.get("general.version", "")
    yield Package("generic", name, version, licences=licences, places=(Place(path),), evidence="gguf")


def _fields(content: bytes) -> Iterator[tuple[str, str]]:
    """Yield the wanted keys with their texts, up to where the head ends or an array begins."""
    (count,) = struct.unpack_from("<Q", content, 16)
    at = 24
    try:
        for _ in range(min(count, MAX_KEYS)):
            key, at = _string(content, at)
            (kind,) = struct.unpack_from("<I", content, at)
            at += 4
            if kind == STRING:
                value, at = _string(content, at)
                if key in WANTED:
                    yield key, value
            elif kind in SIZES:
                at += SIZES[kind]
            else:
                return
    except (struct.error, ValueError):
        return  # the head ends here, or lies; what was read counts


def _string(content: bytes, at: int) -> tuple[str, int]:
    (size,) = struct.unpack_from("<Q", content, at)
    end = at + 8 + size
    if size > MAX_STRING_BYTES or end > len(content):
        raise ValueError("a text breaks off")
    return content[at + 8 : end].decode("utf-8", "replace"), end
