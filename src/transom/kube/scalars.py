"""YAML scalars as Kubernetes reads them: Go's YAML 1.1 resolver, then JSON, then int64 or float64.

Followed: resolve.go and decode.go of go.yaml.in/yaml/v2 2.4, sigs.k8s.io/yaml 1.6, and how k8s.io/apimachinery decodes
the JSON that comes out of them. So `0644` is 420, `1e3` and `1.0` are ints, `on` is true, and a date, `12:30:45` and a
number too great for any type are strings.
"""

from __future__ import annotations

import re

_MAX_INT64 = 2**63 - 1
_MIN_INT64 = -(2**63)
_MAX_UINT64 = 2**64 - 1
_TAG = "tag:yaml.org,2002:"
_MERGE_TAG = _TAG + "merge"


class ScalarError(ValueError):
    """A scalar that Kubernetes refuses; the message says why in a person's words."""


WORDS: dict[str, object] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
}
"""Plain scalars that are no strings. The floats among them cannot be values, only keys."""

NUMBER_STARTS = frozenset("0123456789+-.")
"""First characters of plain scalars that may be numbers; every other one is a word or a string."""

_INTEGER = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F]+|0[oO]?[0-7]+|0[bB][01]+|[1-9][0-9]*|0)\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_DOT_FLOAT = re.compile(r"\.[0-9](?:_?[0-9])*(?:[eE][-+]?[0-9](?:_?[0-9])*)?\Z")
_SIGNED_BINARY = re.compile(r"0b[-+][01]{1,64}\Z")
_TIMESTAMP = re.compile(
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"
    r"(?:[Tt]([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[.,][0-9]+)?(?:Z|[-+][0-9]{2}:[0-9]{2})"
    r"| +([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[.,][0-9]+)?)?\Z"
)


_REPLACED = dict.fromkeys(
    range(0xDC80, 0xDD00), 0xFFFD
)  # Go's JSON encoder replaces each byte that is no UTF-8 by itself


class _Unsigned(int):
    """An integer that only fits Go's uint64: a float as a value, refused as a key."""


def plain_value(text: str) -> object:
    """Return what an unquoted, untagged scalar is to Kubernetes; raises ScalarError for infinity and not-a-number."""
    return _json_value(_resolve(text))


def tagged_value(tag: str, text: str) -> object:
    """Return what a scalar with an explicit tag is to Kubernetes; an unknown tag makes it a string."""
    return _json_value(_resolve_tagged(tag, text))


def plain_key(text: str) -> str:
    """Return the map key that an unquoted, untagged scalar becomes; raises ScalarError where there is none."""
    return _key(_resolve(text), text)


def tagged_key(tag: str, text: str) -> str:
    """Return the map key that a scalar with an explicit tag becomes; raises ScalarError where there is none."""
    return _key(_resolve_tagged(tag, text), text)


def is_merge(tag: str | None, text: str, plain: bool) -> bool:
    """Tell whether a map key is YAML's merge key `<<`."""
    return text == "<<" and (tag == _MERGE_TAG or (plain and tag in (None, "!")))


def json_integer(text: str) -> int | float:
    """Return an integer of a JSON text: int64 where it fits, else float64; raises ScalarError beyond that."""
    if len(text) < 19:
        return int(text)
    return _wide_integer(text)


def json_float(text: str) -> float:
    """Return a number of a JSON text that is written with a point or an exponent: always a float64."""
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ScalarError(f"the number {_shown(text)} is too great")
    return number


def _wide_integer(text: str) -> int | float:
    if len(text) <= 20 and _MIN_INT64 <= (number := int(text)) <= _MAX_INT64:
        return number
    return json_float(text)


def _resolve(text: str) -> object:
    if text in WORDS:
        return WORDS[text]
    start = text[0]
    if start not in NUMBER_STARTS:
        return text
    if start == ".":
        return _float(text) if _DOT_FLOAT.match(text) else text
    return _number(text)


def _number(text: str) -> object:
    """Read what starts with a digit or a sign: an integer in any base, a float, else the text itself."""
    digits = text.replace("_", "")
    if _INTEGER.match(digits):
        integer = _integer(digits)
        if integer is not None:
            return integer
    if _FLOAT.match(digits):
        number = _float(digits)
        return number if isinstance(number, float) else text
    if _SIGNED_BINARY.match(digits) and _MIN_INT64 <= (signed := int(digits[2:], 2)) <= _MAX_INT64:
        return signed
    return text


def _integer(digits: str) -> int | None:
    """Read an integer as Go's ParseInt does with base 0; None where it does not fit 64 bits."""
    if len(digits) > 70:  # 64 binary digits, a base prefix and a sign
        return None
    unsigned = digits.lstrip("+-")
    base = 10
    if len(unsigned) > 1 and unsigned[0] == "0":
        base = {"x": 16, "o": 8, "b": 2}.get(unsigned[1].lower(), 8)
    magnitude = int(unsigned, base)
    number = -magnitude if digits[0] == "-" else magnitude
    if _MIN_INT64 <= number <= _MAX_INT64:
        return number
    return _Unsigned(number) if digits[0] not in "+-" and number <= _MAX_UINT64 else None


def _float(text: str) -> object:
    number = float(text)
    return text if number in (float("inf"), float("-inf")) else number


def _json_value(value: object) -> object:
    """Pass a value through Go's JSON encoder and Kubernetes' decoder, which makes whole floats integers."""
    if type(value) is float:
        return _json_float64(value)
    return float(value) if isinstance(value, _Unsigned) else value


def _json_float64(number: float) -> int | float:
    if number != number or number in (float("inf"), float("-inf")):
        raise ScalarError("infinity and not-a-number cannot be written in JSON, so Kubernetes refuses them")
    if abs(number) >= 2.0**63 or not number.is_integer():
        return number
    return _whole(repr(number))


def _whole(shortest: str) -> int:
    """Return the integer that a whole float's shortest decimal form stands for, as Go writes it out in full."""
    mantissa, _, exponent = shortest.partition("e")
    whole, _, fraction = mantissa.partition(".")
    if not exponent:
        return int(whole)
    power: int = 10 ** (int(exponent) - len(fraction))
    return int(whole + fraction) * power


def _key(value: object, text: str) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        raise ScalarError("a map key is null; Kubernetes wants a string there")
    if isinstance(value, _Unsigned):
        raise ScalarError(f"the map key {_shown(text)} is a number too great for Kubernetes; quote it")
    return str(value) if isinstance(value, int) else _float32_text(value)


def _float32_text(value: object) -> str:
    """Write a float key as Go's FormatFloat(value, 'g', -1, 32) does: the shortest text that reads back as float32."""
    import struct

    number = float(value)  # type: ignore[arg-type]
    if number != number:
        return ".nan"
    try:
        single = struct.unpack("f", struct.pack("f", number))[0]
    except OverflowError:
        single = number * float("inf")
    if single in (float("inf"), float("-inf")):
        return ".inf" if single > 0 else "-.inf"
    for digits in range(9):
        shortest = f"{single:.{digits}e}"
        if struct.unpack("f", struct.pack("f", float(shortest)))[0] == single:
            break
    mantissa, _, exponent = shortest.partition("e")
    if -4 <= int(exponent) < 6:
        return _positional(mantissa, int(exponent))
    return shortest


def _positional(mantissa: str, exponent: int) -> str:
    sign = "-" if mantissa.startswith("-") else ""
    digits = mantissa.lstrip("-").replace(".", "")
    if exponent < 0:
        return f"{sign}0.{'0' * (-exponent - 1)}{digits}"
    whole, fraction = digits[: exponent + 1].ljust(exponent + 1, "0"), digits[exponent + 1 :]
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"


def _resolve_tagged(tag: str, text: str) -> object:
    """Read a scalar whose tag is written out; a tag that contradicts the text is an error, as it is in Go."""
    short = tag.removeprefix(_TAG) if tag.startswith(_TAG) else ""
    if short == "binary":
        return _binary(text)
    if short not in ("bool", "int", "float", "null", "timestamp"):
        return text
    value = _resolve(text)
    if short == "timestamp":
        fits: bool = is_timestamp(text)
    elif short == "float":
        fits = type(value) in (float, int)
    else:
        fits = isinstance(value, {"bool": bool, "int": int, "null": type(None)}[short])
        fits = fits and (short == "bool" or not isinstance(value, bool))
    if not fits:
        raise ScalarError(f"{_shown(text)} is tagged !!{short} and is none")
    return text if short == "timestamp" else float(value) if short == "float" else value  # type: ignore[arg-type]


def is_timestamp(text: str) -> bool:
    """Tell whether Go's YAML takes the text for a timestamp (which Kubernetes still sees as a string)."""
    match = _TIMESTAMP.match(text)
    if not match:
        return False
    year, month, day, *clock = (int(part or 0) for part in match.groups())
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    days = (31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    hour, minute, second = clock[:3] if any(clock[:3]) else clock[3:]
    return 1 <= month <= 12 and 1 <= day <= days[month - 1] and hour < 24 and minute < 60 and second < 60


def _binary(text: str) -> str:
    import base64
    import binascii

    digits = text.replace("\n", "").replace("\r", "")
    try:
        if len(digits) % 4:
            raise ValueError
        raw = base64.b64decode(digits, validate=True)
    except (binascii.Error, ValueError):
        raise ScalarError("the !!binary value is not base64") from None
    return raw.decode("utf-8", "surrogateescape").translate(_REPLACED)


def _shown(text: str) -> str:
    return f"`{text[:40]}…`" if len(text) > 40 else f"`{text}`"
