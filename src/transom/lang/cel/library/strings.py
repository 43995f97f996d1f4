"""Texts: cel-go's extension, positions counted in code points; format() stands in its own module."""

from __future__ import annotations

from typing import Any

from transom.lang.cel.errors import EvaluationError
from transom.lang.cel.library.standard import refuse

MAX_REPLACED = 10_000_000  # characters that replace and join may build
_UPPER = str.maketrans("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
_ESCAPES = str.maketrans(
    {
        "\a": "\\a",
        "\b": "\\b",
        "\f": "\\f",
        "\n": "\\n",
        "\r": "\\r",
        "\t": "\\t",
        "\v": "\\v",
        "\\": "\\\\",
        '"': '\\"',
    }
)


def charAt_(text: Any, index: Any) -> str:  # noqa: N802 - CEL's own name
    """Return one character, "" at the very end."""
    if not (isinstance(text, str) and index.__class__ is int):
        raise refuse("charAt", text, index)
    if not 0 <= index <= len(text):
        raise EvaluationError(f"index out of range: {index}")
    return text[index : index + 1]


def lowerAscii_(text: Any) -> str:  # noqa: N802 - CEL's own name
    """Return a text with its ASCII letters in lower case."""
    if isinstance(text, str):
        return text.translate(_LOWER)
    raise refuse("lowerAscii", text)


def upperAscii_(text: Any) -> str:  # noqa: N802 - CEL's own name
    """Return a text with its ASCII letters in upper case."""
    if isinstance(text, str):
        return text.translate(_UPPER)
    raise refuse("upperAscii", text)


def trim_(text: Any) -> str:
    """Return a text without the white space around it."""
    if isinstance(text, str):
        return text.strip(_SPACE)
    raise refuse("trim", text)


def replace_(text: Any, old: Any, new: Any, limit: Any = -1) -> str:
    """Return a text with a part replaced, at most limit times where it is not negative."""
    if not (isinstance(text, str) and isinstance(old, str) and isinstance(new, str) and limit.__class__ is int):
        raise refuse("replace", text, old, new, limit)
    if (text.count(old) if old else len(text) + 1) * len(new) > MAX_REPLACED:
        raise EvaluationError("the text that replace builds is too large")
    return text.replace(old, new, max(limit, -1))


def split_(text: Any, separator: Any, limit: Any = -1) -> list[str]:
    """Return the parts of a text between separators, at most limit of them where it is not negative."""
    if not (isinstance(text, str) and isinstance(separator, str) and limit.__class__ is int):
        raise refuse("split", text, separator, limit)
    if limit == 0:
        return []
    if separator == "":
        parts = list(text)
        return parts if limit < 0 or len(parts) <= limit else [*parts[: limit - 1], "".join(parts[limit - 1 :])]
    return text.split(separator, limit - 1 if limit > 0 else -1)


def substring_(text: Any, start: Any, end: Any = None) -> str:
    """Return the characters from start to before end."""
    if not (isinstance(text, str) and start.__class__ is int and (end is None or end.__class__ is int)):
        raise refuse("substring", text, start, end)
    end = len(text) if end is None else end
    if not 0 <= start <= len(text) or not 0 <= end <= len(text):
        raise EvaluationError(f"index out of range: {start}, {end}")
    if start > end:
        raise EvaluationError(f"invalid substring range: start {start}, end {end}")
    return text[start:end]


def join_(parts: Any, separator: Any = "") -> str:
    """Return the texts of a list, a separator between them."""
    if not (isinstance(parts, list | tuple) and isinstance(separator, str)):
        raise refuse("join", parts, separator)
    if not all(isinstance(part, str) for part in parts):
        raise EvaluationError("join takes a list of strings")
    if sum(map(len, parts)) + len(separator) * len(parts) > MAX_REPLACED:
        raise EvaluationError("the text that join builds is too large")
    return separator.join(parts)


def strings_quote_(text: Any) -> str:
    """Return a text in double quotes, its special characters escaped; what is no Unicode becomes U+FFFD."""
    if not isinstance(text, str):
        raise refuse("strings.quote", text)
    valid = "".join("\ufffd" if "\ud800" <= character <= "\udfff" else character for character in text)
    return f'"{valid.translate(_ESCAPES)}"'


def format_(text: Any, arguments: Any) -> str:
    """Return a text with its `%` verbs filled in."""
    from transom.lang.cel.library.formatting import formatted

    if isinstance(text, str) and isinstance(arguments, list | tuple):
        return formatted(text, arguments)
    raise refuse("format", text, arguments)
