"""Kubernetes' regular expressions: the parts of a text that match a pattern of RE2."""

from __future__ import annotations

from typing import Any

from transom.lang.cel.library.standard import compiled, refuse


def find_(text: Any, pattern: Any) -> str:
    """Return the first match, "" where there is none."""
    if not (isinstance(text, str) and isinstance(pattern, str)):
        raise refuse("find", text, pattern)
    match = compiled(pattern).search(text)
    return str(match.group(0)) if match else ""


def findAll_(text: Any, pattern: Any, limit: Any = -1) -> list[str]:  # noqa: N802 - CEL's own name
    """Return all matches, at most limit of them where it is not negative."""
    if not (isinstance(text, str) and isinstance(pattern, str) and limit.__class__ is int):
        raise refuse("findAll", text, pattern, limit)
    found: list[str] = []
    end = -1
    for match in compiled(pattern).finditer(text):
        if 0 <= limit <= len(found):
            break
        if match.end() > match.start() or match.start() != end:  # nothing right behind a match is none, as in Go
            found.append(str(match.group(0)))
        end = match.end()
    return found
