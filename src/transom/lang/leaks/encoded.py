"""Parts of a text that are text in base64, hex or percent encoding, or packed by gzip and then in base64.

Only what becomes ASCII is of interest, which the expressions below already ask for: each byte of ASCII has its highest bit
clear, so of the characters of base64 every place has but half the alphabet, or less. Of 100,000 digests and identifiers
some ten are decoded in vain. What gzip packed is told by its first bytes: so Helm keeps its releases, in base64 twice.
"""

from __future__ import annotations

import zlib
from base64 import urlsafe_b64decode
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from msgspec import Struct

from transom.lang.leaks.read import compiled

if TYPE_CHECKING:
    from transom.lang.leaks.prefilter import Regions

MAX_PARTS = 2_000  # of one text; an encoded archive is one, a list of Secrets has hundreds
MAX_PART_BYTES = 1536 * 1024  # of the encoded form; a Secret holds a megabyte, in base64 a third more
MAX_DECODED_BYTES = 8 * 1024 * 1024  # of all parts of one text
MAX_UNPACKED_BYTES = 4 * 1024 * 1024  # of one part; the largest release that Helm can keep unpacks to about as much
_QUAD = "[A-Za-f][A-HQ-Xg-nw-z0-3][ABEFIJMNQRUVYZcdghklopstwx014589][A-Za-z0-9+/_-]"
_PLAIN = "[A-Za-z0-9_.~:/?#&=+$,;@-]"
PATTERNS = {
    "base64": rf"(?:^|[^A-Za-z0-9])((?:{_QUAD}){{6,}}[A-Za-z0-9+/_-]{{0,3}})(?:[^A-Za-z0-9+/_-]|$)",
    "hex": r"(?:^|[^A-Za-z0-9])((?:[2-7][0-9A-Fa-f]|0[9AaDd]){16,})(?:[^0-9A-Fa-f]|$)",
    "percent": rf"({_PLAIN}*%[2-7][0-9A-Fa-f](?:{_PLAIN}|%[0-9A-Fa-f][0-9A-Fa-f])*)(?:[^A-Za-z0-9_.~:/?#&=+$,;@-]|$)",
    "gzip": r"(?:^|[^A-Za-z0-9])(H4sI[A-Za-z0-9+/_-]{40,})(?:[^A-Za-z0-9+/_-]|$)",
}
"""The expressions of the encodings, the encoded part in group 1."""

_ALPHANUMERIC = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
ALPHABETS = {
    "base64": _ALPHANUMERIC + b"+/_-",
    "hex": b"0123456789ABCDEFabcdef",
    "percent": _ALPHANUMERIC + b"_.~:/?#&=+$,;@-%",
    "gzip": _ALPHANUMERIC + b"+/_-",
}
"""The bytes that an encoded part is made of, which tell where it can begin."""

_STANDARD = bytes.maketrans(b"+/", b"-_")
_GZIP_WINDOW = 31  # of zlib: the largest, behind a header of gzip


class Part(Struct, frozen=True):
    """An encoded part: where it stands, how it is encoded, and what it says."""

    start: int
    end: int
    encoding: str
    text: bytes


def encoded_parts(text: bytes, regions: Mapping[str, Regions] | None = None) -> Iterator[Part]:
    """Yield what a text says in other encodings, at most MAX_PARTS of MAX_DECODED_BYTES together.

    regions: where to look, by encoding.
    """
    count = size = 0
    for encoding, pattern in PATTERNS.items():
        search = compiled(pattern)
        parts = [(0, len(text))] if regions is None else regions.get(encoding, ())
        for region in parts:
            for match in search.finditer(text, *region):
                start, end = match.span(1)
                decoded = _decoded(text[start:end], encoding) if end - start <= MAX_PART_BYTES else b""
                if decoded:
                    count, size = count + 1, size + len(decoded)
                    yield Part(start, end, encoding, decoded)
                if count == MAX_PARTS or size > MAX_DECODED_BYTES:
                    return


def _decoded(part: bytes, encoding: str) -> bytes:
    """Return what a part says, b"" where that is no text."""
    if encoding == "percent":
        return unquote_to_bytes(part)
    if encoding == "hex":
        return bytes.fromhex(part[: len(part) // 2 * 2].decode())
    whole = part[: len(part) - (len(part) % 4 == 1)]
    found = urlsafe_b64decode(whole.translate(_STANDARD) + b"=" * (-len(whole) % 4))
    if encoding == "gzip":
        return _unpacked(found)
    found = found.replace(b"\0", b"")  # UTF-16, as PowerShell encodes its commands
    return found if found.isascii() else b""


def _unpacked(packed: bytes) -> bytes:
    """Return what gzip packed, as far as it can be read and is not too large."""
    try:
        return zlib.decompressobj(_GZIP_WINDOW).decompress(packed, MAX_UNPACKED_BYTES)
    except zlib.error:
        return b""
