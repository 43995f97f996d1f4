"""Reads protobuf's text format without a schema.

A message is a dict from field name to the list of its values in order; a value is a message, bytes (a string literal,
whether the field is a string or bytes), an int, a float, or a str (an identifier: an enum value, true, false).
"""

from __future__ import annotations

import re
from typing import Any

Message = dict[str, list[Any]]

_TOKEN = re.compile(
    r"""(?P<space>(?:\s+|\#[^\n]*)+)
    | (?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    | (?P<number>-?(?:0[xX][0-9a-fA-F]+|(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?))[fF]?
    | (?P<name>-?[A-Za-z_][\w.]*)
    | (?P<extension>\[[\w./]+\](?=\s*[:{<]))
    | (?P<sign>[{}<>\[\]:,;])""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(?:[xX]([0-9a-fA-F]{1,2})|([0-7]{1,3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL)
_SIMPLE = {"a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}


def parse(text: str) -> Message:
    """Return the message that a whole file holds; raises ValueError."""
    reader = _Reader(text)
    message = reader.message("")
    if reader.kind:
        raise ValueError(f"unexpected {reader.text!r}")
    return message


class _Reader:
    def __init__(self, text: str) -> None:
        self.tokens = [(m.lastgroup or "", m.group()) for m in _whole(text) if m.lastgroup != "space"]
        self.position = -1
        self.advance()

    def advance(self) -> str:
        before = self.tokens[self.position][1] if self.position >= 0 else ""
        self.position += 1
        at_end = self.position >= len(self.tokens)
        self.kind, self.text = ("", "") if at_end else self.tokens[self.position]
        return before

    def message(self, close: str) -> Message:
        fields: Message = {}
        while self.text != close:
            if self.kind not in ("name", "extension"):
                raise ValueError(f"a field name was expected, not {self.text!r}")
            name = self.advance()
            if self.text == ":":
                self.advance()
            fields.setdefault(name, []).extend(self.values())
            if self.text in (",", ";"):
                self.advance()
        if close:
            self.advance()
        return fields

    def values(self) -> list[Any]:
        if self.text != "[":
            return [self.value()]
        self.advance()
        found = []
        while self.text != "]":
            found.append(self.value())
            if self.text == ",":
                self.advance()
        self.advance()
        return found

    def value(self) -> Any:
        if self.text in ("{", "<"):
            return self.message("}" if self.advance() == "{" else ">")
        if self.kind == "string":
            parts = []
            while self.kind == "string":
                parts.append(_string(self.advance()[1:-1]))
            return b"".join(parts)
        if self.kind == "number":
            return _number(self.advance())
        if self.kind == "name":
            return self.advance()
        raise ValueError(f"a value was expected, not {self.text!r}")


def _whole(text: str) -> list[re.Match[str]]:
    found, position = [], 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise ValueError(f"unreadable text at line {text.count(chr(10), 0, position) + 1}")
        found.append(match)
        position = match.end()
    return found


def _number(text: str) -> int | float:
    digits = text.rstrip("fF") if not text.lower().lstrip("-").startswith("0x") else text
    try:
        return int(digits, 8) if re.fullmatch(r"-?0[0-7]+", digits) else int(digits, 0)
    except ValueError:
        return float(digits)


def _string(body: str) -> bytes:
    out, position = [], 0
    for match in _ESCAPE.finditer(body):
        out += [body[position : match.start()].encode(), _escaped(match)]
        position = match.end()
    return b"".join([*out, body[position:].encode()])


def _escaped(match: re.Match[str]) -> bytes:
    byte, octal, short, long, simple = match.groups()
    if byte or octal:
        return bytes([int(byte, 16) if byte else int(octal, 8)])
    if short or long:
        return chr(int(short or long, 16)).encode()
    return bytes([_SIMPLE[simple]]) if simple in _SIMPLE else simple.encode()
