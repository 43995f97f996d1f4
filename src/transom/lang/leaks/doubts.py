"""Why a leak may be none: placeholders, well-known examples, wrong checksums, and files that are not in service."""

from __future__ import annotations

import re
from binascii import crc32
from hashlib import sha256
from typing import Literal

from transom.model.language import mark

Certainty = Literal["proven", "likely", "elsewhere", "doubtful"]
"""proven: its checksum is right; elsewhere: in documentation, tests or the work of others; doubtful: probably no secret."""

BASE62 = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_GITHUB = re.compile(rb"(?:gh[pousr]|npm)_([A-Za-z0-9]{30})([A-Za-z0-9]{6})\Z")
_GRAFANA = re.compile(rb"(gl[a-z]{1,10}_[A-Za-z0-9]{32})_([0-9a-fA-F]{8})\Z")

PROVEN = mark("its checksum is right")
WRONG_CHECKSUM = mark("its checksum is wrong, so it was made up")
PLACEHOLDER = mark("it reads like a placeholder")
EXAMPLE = mark("it is the well-known example of a vendor's documentation")
IN_DOCS = mark("it stands in documentation")
IN_TESTS = mark("it stands among tests")
IN_RULES = mark("it stands in a list of rules or exceptions of a scanner")
CODE = mark("it reads like code that fetches it")
WORD = mark("it reads like a word of a sentence")
IN_VENDORED = mark("it stands in the work of others")

_PLACEHOLDER = re.compile(
    rb"example|sample|placeholder|change[-_.]?(?:me|it|this)|your[-_.]|dummy|redacted|fake|not[-_.]?(?:a[-_.])?real|"
    rb"insert[-_.]|replace[-_.]|my[-_]?(?:pass|secret|token|key)|x{6}|\*{4}|\.{4}|0{8}|1{8}|(?:0?123456789|abcdefgh)|deadbeef|\$\{|\{\{|<[^>]+>",
    re.IGNORECASE,
)
_EXAMPLES = {
    "1a5d44a2dca19669",  # the access key id of AWS
    "78314b11be2e5815",  # and its secret
    "2cafc0970149a84f",  # the test key of Stripe
    "0011cc25eb432071",  # the storage key of Azurite
    "7f75367e78812551",  # the token that jwt.io shows
}
"""The first 16 hex digits of the SHA-256 of keys that documentation shows, so that no scanner stumbles over this file."""

_CODE = re.compile(
    rb"(?:self|this|os|process|config|settings|params|options|args|kwargs|request|env)[.\[(].*"
    rb"|[a-z_]{2,}(?:\.[a-z_]{2,})+(?:\(.*)?|[A-Za-z_.]{3,}\(.*",
    re.DOTALL,
)
"""Where a value would be: a call, or a name with names behind it, of letters alone."""

_WORD = re.compile(
    rb"[a-z]{2,16}[,.;:!?)]|(?:options?|arguments?|flags?|parameters?|values?|fields?|variables?|prompts?|files?"
    rb"|is|are|was|to|for|and|or|not|be|as|in|of|on|that|which|with|from)\b.*"
)
_PATHS = (
    (
        re.compile(r"(?:^|/)(?:\.?gitleaks[^/]*\.toml|\.gitleaksignore|trivy-secret\.yaml|\.secrets\.baseline)$"),
        IN_RULES,
    ),
    (
        re.compile(r"(?:^|/)(?:vendor|node_modules|third[-_]?party|bower_components|site-packages|dist-packages)/"),
        IN_VENDORED,
    ),
    (
        re.compile(
            r"(?:^|/)(?:tests?|testdata|__tests__|specs?|fixtures?|mocks?|e2e)/|[._-]tests?\.[a-z]+$|(?:^|/)test_[^/]+$",
            re.I,
        ),
        IN_TESTS,
    ),
    (
        re.compile(
            r"(?:^|/)(?:docs?|examples?|samples?|documentation)/|\.(?:md|rst|adoc|mdx)$|(?:^|/)(?:README|CHANGELOG)[^/]*$",
            re.I,
        ),
        IN_DOCS,
    ),
)


def certainty(secret: bytes, path: str, by_name: bool = False) -> tuple[Certainty, str]:
    """Return how sure it is that a secret is one, and the reason in a person's words, "" where there is none.

    by_name: whether only the name before it says that it is one, which prose and code say of much else.
    """
    if sha256(secret).hexdigest()[:16] in _EXAMPLES:
        return "doubtful", EXAMPLE
    right = checksum_holds(secret)
    if right is False:
        return "doubtful", WRONG_CHECKSUM
    if right is None and (_PLACEHOLDER.search(secret) or len(set(secret)) < 4):
        return "doubtful", PLACEHOLDER
    if by_name and (_CODE.fullmatch(secret) or _WORD.fullmatch(secret)):
        return "doubtful", CODE if _CODE.fullmatch(secret) else WORD
    for pattern, reason in _PATHS:
        if pattern.search(path):
            return "elsewhere", reason
    return ("proven", PROVEN) if right else ("likely", "")


def checksum_holds(secret: bytes) -> bool | None:
    """Tell whether the checksum of a token is right; None for one that has none.

    Known: tokens of GitHub and npm (CRC-32 of 30 characters in six of base 62), of Grafana's service accounts (CRC-32 of
    what stands before, in hex, the lowest byte first).
    """
    found = _GITHUB.match(secret)
    if found:
        return _base62(crc32(found[1])) == found[2]
    found = _GRAFANA.match(secret)
    if found:
        return crc32(found[1]).to_bytes(4, "little").hex().encode() == found[2].lower()
    return None


def _base62(number: int) -> bytes:
    digits = bytearray(6)
    for place in range(5, -1, -1):
        number, digit = divmod(number, 62)
        digits[place] = BASE62[digit]
    return bytes(digits)
