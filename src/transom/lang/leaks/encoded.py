"""Parts of a text that are text in base64, hex or percent encoding.

Only what becomes ASCII is of interest, which the expressions below already ask for: each byte of ASCII has its highest bit
clear, so of the characters of base64 every place has but half the alphabet, or less. Of 100,000 digests and identifiers
some ten are decoded in vain.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from msgspec import Struct

from transom.lang.leaks.find import widened
from transom.lang.leaks.read import compiled

if TYPE_CHECKING:
    from transom.lang.leaks.prefilter import Regions

MAX_PARTS = 2_000  # of one text; an encoded archive is one, a list of Secrets has hundreds
MAX_PART_BYTES = 64 * 1024  # of the encoded form; what leaks is short
_QUAD = "[A-Za-f][A-HQ-Xg-nw-z0-3][ABEFIJMNQRUVYZcdghklopstwx014589][A-Za-z0-9+/_-]"
_PLAIN = "[A-Za-z0-9_.~:/?#&=+$,;@-]"
PATTERNS = {
    "base64": rf"(?:^|[^A-Za-z0-9])((?:{_QUAD}){{6,}}[A-Za-z0-9+/_-]{{0,3}})(?:[^A-Za-z0-9+/_-]|$)",
    "hex": r"(?:^|[^A-Za-z0-9])((?:[2-7][0-9A-Fa-f]|0[9AaDd]){16,})(?:[^0-9A-Fa-f]|$)",
    "percent": rf"({_PLAIN}*%[2-7][0-9A-Fa-f](?:{_PLAIN}|%[0-9A-Fa-f][0-9A-Fa-f])*)(?:[^A-Za-z0-9_.~:/?#&=+$,;@-]|$)",
}
"""The expressions of the encodings, the encoded part in group 1."""

_STANDARD = bytes.maketrans(b"+/", b"-_")


class Part(Struct, frozen=True):
    """An encoded part: where it stands, how it is encoded, and what it says."""

    start: int
    end: int
    encoding: str
    text: bytes


def encoded_parts(text: bytes, regions: Mapping[str, Regions] | None = None) -> Iterator[Part]:
    """Yield what a text says in other encodings, at most MAX_PARTS; regions: where to look, by encoding."""
    count = 0
    for encoding, pattern in PATTERNS.items():
        search = compiled(pattern)
        parts = [(0, len(text))] if regions is None else widened(search, text, regions.get(encoding, ()))
        for region in parts:
            for match in search.finditer(text, *region):
                start, end = match.span(1)
                decoded = _decoded(text[start:end], encoding) if end - start <= MAX_PART_BYTES else b""
                if decoded:
                    yield Part(start, end, encoding, decoded)
                    count += 1
                if count == MAX_PARTS:
                    return


def _decoded(part: bytes, encoding: str) -> bytes:
    """Return what a part says, b"" where that is no text."""
    if encoding == "percent":
        return unquote_to_bytes(part)
    if encoding == "hex":
        return bytes.fromhex(part[: len(part) // 2 * 2].decode())
    whole = part[: len(part) - (len(part) % 4 == 1)]
    found = urlsafe_b64decode(whole.translate(_STANDARD) + b"=" * (-len(whole) % 4))
    found = found.replace(b"\0", b"")  # UTF-16, as PowerShell encodes its commands
    return found if found.isascii() else b""
