"""The standard functions: sizes, text, conversions between types."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from transom.lang.cel.errors import EvaluationError, NoSuchOverload
from transom.lang.cel.library.time import duration_text, seconds_of, timestamp_text
from transom.lang.cel.values import (
    INT_MAX,
    INT_MIN,
    UINT_MAX,
    Duration,
    Message,
    Timestamp,
    Type,
    UInt,
    checked_int,
    checked_uint,
    type_name,
    type_of,
)

MAX_PATTERN_CHARS = 10_000  # longer ones are no one's handwriting
PATTERNS_KEPT = 1_000
MAX_NUMBER_CHARS = 400  # the longest double that is written out has about 330

_INTEGER = re.compile(r"[-+]?[0-9]+\Z")
_DOUBLE = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?\Z|[-+]?(?:inf|infinity)\Z|nan\Z", re.I)
_HEX_DOUBLE = re.compile(r"[-+]?0x(?:[0-9a-f]+(?:\.[0-9a-f]*)?|\.[0-9a-f]+)p[-+]?[0-9]{1,6}\Z", re.I)
_UNDERSCORES = re.compile(r"(?<=[0-9])_(?=[0-9])")
_TRUE = frozenset(("1", "t", "T", "true", "TRUE", "True"))
_FALSE = frozenset(("0", "f", "F", "false", "FALSE", "False"))


def refuse(name: str, *values: Any) -> NoSuchOverload:
    """Return the error for a function that does not take such values."""
    return NoSuchOverload(f"no such overload: {name}({', '.join(map(type_name, values))})")


def size_(value: Any) -> int:
    """Return the number of code points, bytes, elements or entries."""
    if isinstance(value, str | bytes | list | tuple) or (isinstance(value, dict) and not isinstance(value, Message)):
        return len(value)
    raise refuse("size", value)


@lru_cache(PATTERNS_KEPT)
def compiled(pattern: str) -> Any:
    """Return a compiled RE2 pattern; raises EvaluationError for one that RE2 does not take."""
    import re2

    if len(pattern) > MAX_PATTERN_CHARS:
        raise EvaluationError("the pattern is too long")
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options=options)
    except re2.error as error:
        raise EvaluationError(f"{pattern[:80]!r} is no pattern of RE2: {error}") from None


def matches_(text: Any, pattern: Any) -> bool:
    """Tell whether a pattern of RE2 matches anywhere in a text."""
    if isinstance(text, str) and isinstance(pattern, str):
        return compiled(pattern).search(text) is not None
    raise refuse("matches", text, pattern)


def contains_(text: Any, part: Any) -> bool:
    """Tell whether a text contains another."""
    if isinstance(text, str) and isinstance(part, str):
        return part in text
    raise refuse("contains", text, part)


def startsWith_(text: Any, part: Any) -> bool:  # noqa: N802 - CEL's own name
    """Tell whether a text starts with another."""
    if isinstance(text, str) and isinstance(part, str):
        return text.startswith(part)
    raise refuse("startsWith", text, part)


def endsWith_(text: Any, part: Any) -> bool:  # noqa: N802 - CEL's own name
    """Tell whether a text ends with another."""
    if isinstance(text, str) and isinstance(part, str):
        return text.endswith(part)
    raise refuse("endsWith", text, part)


def type_(value: Any) -> Type:
    """Return the type of a value."""
    return type_of(value)


def dyn_(value: Any) -> Any:
    """Return the value; only the checker sees a difference."""
    return value


def bool_(value: Any) -> bool:
    """Read a bool as Go's ParseBool does."""
    if value.__class__ is bool:
        return bool(value)
    if isinstance(value, str):
        if value in _TRUE or value in _FALSE:
            return value in _TRUE
        raise EvaluationError(f"{value[:80]!r} is no bool")
    raise refuse("bool", value)


def bytes_(value: Any) -> bytes:
    """Return the UTF-8 bytes of a text."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        try:
            return value.encode()
        except UnicodeEncodeError:
            raise EvaluationError("the text is not valid Unicode") from None
    raise refuse("bytes", value)


def double_(value: Any) -> float:
    """Return a number as a double, or read one."""
    if isinstance(value, int | float) and value.__class__ is not bool:
        return float(value)
    if isinstance(value, str):
        text = _UNDERSCORES.sub("", value) if "_" in value[:MAX_NUMBER_CHARS] else value
        if len(text) <= MAX_NUMBER_CHARS and _DOUBLE.match(text):
            return _finite(float(text), value)
        if len(text) <= MAX_NUMBER_CHARS and _HEX_DOUBLE.match(text):
            try:
                return float.fromhex(text)
            except OverflowError:
                raise EvaluationError(f"{value[:80]!r} is beyond the range of double") from None
        raise EvaluationError(f"{value[:80]!r} is no double")
    raise refuse("double", value)


def _finite(number: float, text: str) -> float:
    """Go refuses digits whose value is beyond every double, and takes infinity only by its name."""
    if number in (float("inf"), float("-inf")) and "n" not in text.lower():
        raise EvaluationError(f"{text[:80]!r} is beyond the range of double")
    return number


def int_(value: Any) -> int:
    """Return a number as an int, towards zero, or read one; seconds of a timestamp, nanoseconds of a duration."""
    if value.__class__ is int:
        return int(value)
    if value.__class__ is UInt:
        return checked_int(int(value))
    if value.__class__ is float:
        if INT_MIN < value < INT_MAX + 1:
            return int(value)
        raise EvaluationError("integer overflow")
    if isinstance(value, str):
        if len(value) <= MAX_NUMBER_CHARS and _INTEGER.match(value):
            return checked_int(int(value))
        raise EvaluationError(f"{value[:80]!r} is no int")
    if isinstance(value, Timestamp):
        return seconds_of(value)
    if isinstance(value, Duration):
        return value.nanoseconds
    raise refuse("int", value)


def uint_(value: Any) -> UInt:
    """Return a number as a uint, towards zero, or read one."""
    if value.__class__ in (int, UInt):
        return checked_uint(int(value))
    if value.__class__ is float:
        if 0 <= value < UINT_MAX + 1:
            return UInt(value)
        raise EvaluationError("unsigned integer overflow")
    if isinstance(value, str):
        if len(value) <= MAX_NUMBER_CHARS and value.isascii() and value.isdecimal():
            return checked_uint(int(value))
        raise EvaluationError(f"{value[:80]!r} is no uint")
    raise refuse("uint", value)


def string_(value: Any) -> str:
    """Write a value as a text."""
    if isinstance(value, str):
        return value
    if value.__class__ is bool:
        return "true" if value else "false"
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):
        return double_text(value)
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise EvaluationError("the bytes are not UTF-8") from None
    if isinstance(value, Timestamp):
        return timestamp_text(value)
    if isinstance(value, Duration):
        return duration_text(value)
    text = getattr(value, "cel_text", None)  # libraries whose values have a text of their own
    if text is not None:
        return str(text())
    raise refuse("string", value)


def double_text(value: float) -> str:
    """Write a double as Go's %g does: the shortest digits, an exponent below 1e-4 and from seven digits before the point on."""
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "+Inf" if value > 0 else "-Inf"
    from decimal import Decimal

    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    assert isinstance(exponent, int)
    text = "".join(map(str, digits)).rstrip("0") or "0"
    point = len(digits) + exponent  # where the point stands among the digits
    if text == "0":
        return "-0" if sign else "0"
    power = point - 1
    if power < -4 or power >= 6:
        mantissa = text[0] + (f".{text[1:]}" if len(text) > 1 else "")
        return f"{'-' if sign else ''}{mantissa}e{'-' if power < 0 else '+'}{abs(power):02}"
    if point <= 0:
        body = f"0.{'0' * -point}{text}"
    elif point >= len(text):
        body = text.ljust(point, "0")
    else:
        body = f"{text[:point]}.{text[point:]}"
    return f"-{body}" if sign else body
