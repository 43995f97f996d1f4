"""Tokens that carry a checksum, so that whether one was ever issued can be told without asking anybody."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode
from binascii import crc32
from collections.abc import Callable

BASE62 = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_GITHUB = re.compile(rb"(?:gh[pousr]|npm)_([A-Za-z0-9]{30})([A-Za-z0-9]{6})")
_GRAFANA = re.compile(rb"(gl[a-z]{1,10}_[A-Za-z0-9]{32})_([0-9a-fA-F]{8})")
_GITLAB = re.compile(rb"(gl[a-z]{2,6}-[A-Za-z0-9_-]{27,300}\.(?:[0-9a-z]{2}\.)?[0-9a-z]{2})([0-9a-z]{7})")
_AGE = re.compile(rb"(AGE-SECRET-KEY-)1([QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58})")
_JWT = re.compile(rb"(eyJ[A-Za-z0-9_-]{10,})\.(?:[A-Za-z0-9_-]{10,})\.[A-Za-z0-9_-]*")
_BECH32 = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATORS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)


def checksum_holds(secret: bytes) -> bool | None:
    """Tell whether the checksum of a token is right; None for one that has none.

    Known: tokens of GitHub and npm (CRC-32 of 30 characters in six of base 62), of Grafana's service accounts (CRC-32 of
    what stands before, in hex, the lowest byte first), routable ones of GitLab (CRC-32 of what stands before, in seven
    characters of base 36), keys of age (BIP 173); and signed tokens, whose header is JSON that names an algorithm.
    """
    for pattern, holds in CHECKS:
        found = pattern.fullmatch(secret)
        if found:
            return holds(found)
    return None


def token_in(secret: bytes) -> bytes:
    """Return the part of a match that is a token by its checksum: in a binary letters may stand behind it; else all."""
    found = _GITHUB.match(secret)
    return found[0] if found and len(secret) > len(found[0]) and _github_holds(found) else secret


def _github_holds(found: re.Match[bytes]) -> bool:
    return _base62(crc32(found[1])) == found[2]


def _grafana_holds(found: re.Match[bytes]) -> bool:
    return crc32(found[1]).to_bytes(4, "little").hex().encode() == found[2].lower()


def _gitlab_holds(found: re.Match[bytes]) -> bool:
    return int(found[2], 36) == crc32(found[1])


def _age_holds(found: re.Match[bytes]) -> bool:
    """Tell whether a text in Bech32 has its checksum, which makes its polynomial 1."""
    prefix, data = found[1].lower(), [_BECH32.index(each) for each in found[2].lower()]
    values = [each >> 5 for each in prefix] + [0] + [each & 31 for each in prefix] + data
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate(_GENERATORS):
            check ^= generator if top >> bit & 1 else 0
    return check == 1


def _jwt_holds(found: re.Match[bytes]) -> bool | None:
    """Tell that a header is none; one that is proves nothing."""
    try:
        header = json.loads(urlsafe_b64decode(found[1] + b"=" * (-len(found[1]) % 4)))
    except (ValueError, RecursionError):
        return False
    return None if isinstance(header, dict) and "alg" in header else False


CHECKS: tuple[tuple[re.Pattern[bytes], Callable[[re.Match[bytes]], bool | None]], ...] = (
    (_GITHUB, _github_holds),
    (_GRAFANA, _grafana_holds),
    (_GITLAB, _gitlab_holds),
    (_AGE, _age_holds),
    (_JWT, _jwt_holds),
)
"""What tokens look like that carry a checksum, and what tells whether it is right."""


def _base62(number: int) -> bytes:
    digits = bytearray(6)
    for place in range(5, -1, -1):
        number, digit = divmod(number, 62)
        digits[place] = BASE62[digit]
    return bytes(digits)
