"""Versions of Java packages, as Maven orders them (POM reference, "Version Order Specification").

Numbers and qualifiers behind `.` or `-`; where letters meet digits there is a `-`. What counts as nothing (0, final, ga,
release) is dropped before each `-` and at the end. Then `.qualifier` is less than `-qualifier`, that less than `-number`,
that less than `.number`. Maven's own comparison has cycles (1 < 1-x < 1.0.rc1 < 1): there the end of a version wins.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from transom.lang.versions.keys import bounded, number, word

KNOWN = {"alpha": 1, "beta": 2, "milestone": 3, "rc": 4, "cr": 4, "snapshot": 5}
DASH = 8  # what is known behind `-` is this much greater than behind `.`
NOTHING_THEN_LESS, END, SERVICE_PACK, UNKNOWN = (bytes((each,)) for each in range(0x20, 0x24))
DASH_SERVICE_PACK, DASH_UNKNOWN, DASH_NUMBER, DOT_NUMBER = (bytes((each,)) for each in range(0x30, 0x34))
SHORT = {"a": "alpha", "b": "beta", "m": "milestone"}  # where a number follows at once
NOTHING = ("", "final", "ga", "release")
_TOKEN = re.compile(r"([.-]?)([0-9]+|[^0-9.-]+|(?=[.-]|\Z))", re.ASCII)


class _Token(Struct):
    """A number or a qualifier, and whether `-` stands before it."""

    dash: bool
    text: str

    @property
    def is_number(self) -> bool:
        return self.text.isascii() and self.text.isdecimal()

    @property
    def is_nothing(self) -> bool:
        return not self.text.strip("0") if self.is_number else self.text in NOTHING

    @property
    def is_less(self) -> bool:
        """Whether it is less than nothing at all."""
        return self.text in KNOWN


def order_key(version: str) -> bytes:
    """Return the key of a version; every text is one."""
    tokens = _trimmed(list(_tokens(bounded(version).lower())))
    key = bytearray()
    for index, token in enumerate(tokens):
        if token.is_number:
            key += _number(token, tokens, index)
        elif token.is_less:
            key.append(KNOWN[token.text] + (DASH if token.dash else 0))
        elif token.text == "sp":
            key += DASH_SERVICE_PACK if token.dash else SERVICE_PACK
        elif token.is_nothing:
            key += NOTHING_THEN_LESS if _leads_to_less(tokens, index) else END
        else:
            key += (DASH_UNKNOWN if token.dash else UNKNOWN) + word(token.text)
    return bytes(key + END)


def _number(token: _Token, tokens: list[_Token], index: int) -> bytes:
    if token.is_nothing and _leads_to_less(tokens, index):
        return NOTHING_THEN_LESS
    return (DASH_NUMBER if token.dash else DOT_NUMBER) + number(token.text)


def _leads_to_less(tokens: list[_Token], index: int) -> bool:
    """Tell whether the first token behind that counts is less than nothing."""
    return next((token.is_less for token in tokens[index + 1 :] if not token.is_nothing), False)


def _tokens(text: str) -> Iterator[_Token]:
    before = ""
    for match in _TOKEN.finditer(text):
        separator, token = match.groups()
        if not separator and before:  # letters meet digits
            separator = "-"
        if token or separator:
            name = token or "0"
            follows = text[match.end() : match.end() + 1]
            if name in SHORT and follows.isdecimal():
                name = SHORT[name]
            yield _Token(separator == "-", name)
        before = token or separator


def _trimmed(tokens: list[_Token]) -> list[_Token]:
    kept: list[_Token] = []
    for token in tokens:
        if token.dash:
            _drop_nothing(kept)
        kept.append(token)
    _drop_nothing(kept)
    return kept


def _drop_nothing(tokens: list[_Token]) -> None:
    while tokens and tokens[-1].is_nothing:
        tokens.pop()
