"""CEL source to tokens, and the values of literals (CEL language definition, section "Syntax")."""

from __future__ import annotations

import re
from math import isinf
from typing import NamedTuple, NoReturn

from transom.lang.cel.errors import CelSyntaxError, line_and_column
from transom.lang.cel.values import UInt

MAX_INT = 2**63 - 1
MIN_INT = -(2**63)
MAX_UINT = 2**64 - 1

KEYWORDS = frozenset(("true", "false", "null", "in"))
RESERVED = KEYWORDS.union(
    ("as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package"),
    ("namespace", "return", "var", "void", "while"),
)
"""Words that cannot name a variable or a function; all but the keywords may still name a field."""

_SPACE = re.compile(r"(?:[\t\n\f\r ]+|//[^\n]*)+")
_TOKEN = re.compile(
    r"""
    (?P<string>[bB]?(?:
        [rR](?:\"{3}[\s\S]*?\"{3} | '{3}[\s\S]*?'{3} | "[^"\n\r]*" | '[^'\n\r]*')
        | \"{3}(?:[^\\]|\\[\s\S])*?\"{3} | '{3}(?:[^\\]|\\[\s\S])*?'{3}
        | "(?:[^"\\\n\r]|\\[^\n\r])*" | '(?:[^'\\\n\r]|\\[^\n\r])*'))
    | (?P<name>[_a-zA-Z][_a-zA-Z0-9]*)
    | (?P<double>[0-9]+\.[0-9]+(?:[eE][+-]?[0-9]+)? | [0-9]+[eE][+-]?[0-9]+ | \.[0-9]+(?:[eE][+-]?[0-9]+)?)
    | (?P<integer>0x[0-9a-fA-F]+[uU]? | [0-9]+[uU]?)
    | (?P<escaped>`[a-zA-Z0-9_.\-/\ ]+`)
    | (?P<operator>&& | \|\| | [=!<>]= | [-+*/%<>!?:.,()\[\]{}])
    """,
    re.VERBOSE,
)
_ESCAPE = re.compile(
    r"\\(?:([abfnrtv\\?\"'`])|[xX]([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2}))?"
)
_SIMPLE_ESCAPES = {"a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}


class Token(NamedTuple):
    """kind: string, name, double, integer, escaped, end; an operator or a keyword is its own kind."""

    kind: str
    text: str
    start: int
    end: int


def fail(source: str, message: str, offset: int) -> NoReturn:
    """Raise a CelSyntaxError for a place in the source."""
    line, column = line_and_column(source, offset)
    raise CelSyntaxError(message, line, column, offset)


def tokens(source: str) -> list[Token]:
    """Return the tokens of an expression, the last of kind `end`; raises CelSyntaxError."""
    found: list[Token] = []
    position, length = 0, len(source)
    while True:
        if space := _SPACE.match(source, position):
            position = space.end()
        if position >= length:
            found.append(Token("end", "", length, length))
            return found
        match = _TOKEN.match(source, position)
        if match is None:
            fail(source, _unreadable(source, position), position)
        kind, text = match.lastgroup or "", match.group()
        if kind == "operator" or text in KEYWORDS:
            kind = text
        found.append(Token(kind, text, position, match.end()))
        position = match.end()


def _unreadable(source: str, position: int) -> str:
    character = source[position]
    if character in "\"'":
        return "the string is not closed"
    if character == "`":
        return "a field name in backquotes must be closed and hold only letters, digits and _ . - / or space"
    if character in "&|=":
        return f"unexpected {character!r}; did you mean {character * 2!r}?"
    return f"unexpected character {character!r}"


def integer_value(source: str, token: Token, negative: bool) -> int:
    """Return the int or UInt of an integer token, which a minus sign may precede."""
    text = token.text
    unsigned = text[-1] in "uU"
    digits = text[:-1] if unsigned else text
    # Python refuses to read decimal literals of thousands of digits; none of more than 20 significant ones fits
    if len(digits.lstrip("0x")) > 20:
        fail(source, "the integer does not fit in 64 bits", token.start)
    number = int(digits[2:], 16) if digits.startswith("0x") else int(digits)
    if unsigned:
        if number > MAX_UINT:
            fail(source, f"{text} is more than the largest uint", token.start)
        return UInt(number)
    if negative:
        number = -number
    if not MIN_INT <= number <= MAX_INT:
        fail(source, f"{number} does not fit in a 64-bit int", token.start)
    return number


def double_value(source: str, token: Token) -> float:
    """Return the value of a floating-point token."""
    number = float(token.text)
    if isinf(number):
        fail(source, f"{token.text} does not fit in a double", token.start)
    return number


def string_value(source: str, token: Token) -> str | bytes:
    """Return what a string or bytes token stands for, escapes replaced and line ends made one newline."""
    text = token.text
    is_bytes = text[0] in "bB"
    body = text[1:] if is_bytes else text
    raw = body[0] in "rR"
    if raw:
        body = body[1:]
    width = 3 if body[:3] in ('"""', "'''") and len(body) >= 6 else 1
    body = body[width:-width]
    if "\r" in body:
        body = body.replace("\r\n", "\n").replace("\r", "\n")
    if raw or "\\" not in body:
        return _encoded(source, token, body) if is_bytes else body
    return _unescaped_bytes(source, token, body) if is_bytes else _unescaped(source, token, body)


def _unescaped(source: str, token: Token, body: str) -> str:
    def character(match: re.Match[str]) -> str:
        code = _code(source, token, match)
        if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
            fail(source, f"{match.group()} is no Unicode character", token.start)
        return chr(code)

    return _ESCAPE.sub(character, body)


def _unescaped_bytes(source: str, token: Token, body: str) -> bytes:
    out: list[bytes] = []
    position = 0
    for match in _ESCAPE.finditer(body):
        if match.group(3) or match.group(4):
            fail(source, "bytes cannot hold \\u and \\U escapes", token.start)
        out += (_encoded(source, token, body[position : match.start()]), bytes((_code(source, token, match),)))
        position = match.end()
    out.append(_encoded(source, token, body[position:]))
    return b"".join(out)


def _code(source: str, token: Token, match: re.Match[str]) -> int:
    simple, byte, short, long, octal = match.groups()
    if simple:
        return _SIMPLE_ESCAPES.get(simple) or ord(simple)
    if octal:
        return int(octal, 8)
    digits = byte or short or long
    if not digits:
        fail(source, "unknown escape in a string", token.start)
    return int(digits, 16)


def _encoded(source: str, token: Token, text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        fail(source, "bytes cannot hold half of a surrogate pair", token.start)
