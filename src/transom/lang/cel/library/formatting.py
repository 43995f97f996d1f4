"""`"%d of %s".format([n, name])`: the verbs of cel-go's string formatting."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from transom.lang.cel.errors import EvaluationError
from transom.lang.cel.library.standard import double_text
from transom.lang.cel.library.time import duration_text, timestamp_text
from transom.lang.cel.values import Duration, Timestamp, Type, from_key, type_name

MAX_PRECISION = 1_000
MAX_DEPTH = 100  # of lists and maps in what %s writes
MAX_FORMATTED = 10_000_000  # characters

_VERB = re.compile(r"%(?:(%)|(?:\.([0-9]+))?(.?))", re.S)


def formatted(text: str, arguments: Sequence[Any]) -> str:
    """Fill in the verbs of text, in order; raises EvaluationError for one too few or one of the wrong type."""
    parts: list[str] = []
    used, position = 0, 0
    for match in _VERB.finditer(text):
        parts.append(text[position : match.start()])
        position = match.end()
        if match[1]:
            parts.append("%")
            continue
        if used >= len(arguments):
            raise EvaluationError(f"index {used} out of range")
        parts.append(_written(match[3], match[2], arguments[used]))
        used += 1
        if sum(map(len, parts)) > MAX_FORMATTED:
            raise EvaluationError("the text that format builds is too large")
    return "".join((*parts, text[position:]))


def verbs(text: str) -> Iterator[str]:
    """Yield the letters of a text's verbs, in order; "" or another character for what is none."""
    return (match[3] for match in _VERB.finditer(text) if not match[1])


def _written(verb: str, precision: str | None, value: Any) -> str:
    write = _VERBS.get(verb)
    if write is None:
        raise EvaluationError(f'could not parse formatting clause: unrecognized formatting clause "{verb}"')
    digits = 6 if precision is None else int(precision[:6])
    if digits > MAX_PRECISION:
        raise EvaluationError(f"precision {digits} is too large")
    return write(value, digits)


def _refuse(verb: str, value: Any) -> EvaluationError:
    return EvaluationError(f"error during formatting: %{verb} does not take {type_name(value)}")


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and value.__class__ is not bool


def _special(value: Any) -> str | None:
    """Return how an infinite or undefined double, or its name as a text, is written."""
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    return value if value in ("NaN", "Infinity", "-Infinity") and isinstance(value, str) else None


def _decimal(value: Any, _: int) -> str:
    special = _special(value)
    if special is not None:
        return special
    if _is_int(value):
        return str(int(value))
    if isinstance(value, float):
        return double_text(value)
    raise _refuse("d", value)


def _fixed(value: Any, digits: int) -> str:
    special = _special(value)
    if special is not None:
        return special
    if isinstance(value, float) or _is_int(value):
        from decimal import ROUND_HALF_EVEN, Decimal, localcontext

        with localcontext() as context:
            context.prec = MAX_PRECISION + 400
            exact = Decimal(value) if isinstance(value, float) else Decimal(int(value))
            return format(exact.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_EVEN), "f")
    raise _refuse("f", value)


def _exponent(value: Any, digits: int) -> str:
    special = _special(value)
    if special is not None:
        return special
    if isinstance(value, float) or _is_int(value):
        return f"{float(value):.{digits}e}"
    raise _refuse("e", value)


def _binary(value: Any, _: int) -> str:
    if value.__class__ is bool:
        return "1" if value else "0"
    if _is_int(value):
        return format(int(value), "b")
    raise _refuse("b", value)


def _octal(value: Any, _: int) -> str:
    if _is_int(value):
        return format(int(value), "o")
    raise _refuse("o", value)


def _hexadecimal(value: Any, _: int) -> str:
    if _is_int(value):
        return format(int(value), "x")
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass").hex()
    if isinstance(value, bytes):
        return value.hex()
    raise _refuse("x", value)


def _text(value: Any, _: int) -> str:
    return _string(value, 0)


def _string(value: Any, depth: int) -> str:
    if depth > MAX_DEPTH:
        raise EvaluationError("the value that %s writes is nested too deeply")
    write = _WRITERS.get(value.__class__)
    if write is not None:
        return write(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(_string(each, depth + 1) for each in value)}]"
    if isinstance(value, dict):
        pairs = sorted((_string(from_key(key), depth + 1), _string(each, depth + 1)) for key, each in value.items())
        return f"{{{', '.join(f'{key}: {each}' for key, each in pairs)}}}"
    if isinstance(value, int):
        return str(int(value))
    text = getattr(value, "cel_text", None)
    if text is not None:
        return str(text())
    raise _refuse("s", value)


_WRITERS: dict[type, Callable[[Any], str]] = {
    str: lambda value: value,
    bool: lambda value: "true" if value else "false",
    type(None): lambda _: "null",
    bytes: lambda value: value.decode("utf-8", "replace"),
    float: lambda value: _special(value) or double_text(value),
    Timestamp: timestamp_text,
    Duration: duration_text,
    Type: lambda value: value.name,
}
_VERBS: dict[str, Callable[[Any, int], str]] = {
    "s": _text,
    "d": _decimal,
    "f": _fixed,
    "e": _exponent,
    "b": _binary,
    "o": _octal,
    "x": _hexadecimal,
    "X": lambda value, digits: _hexadecimal(value, digits).upper(),
}
