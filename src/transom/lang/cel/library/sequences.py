"""Functions that both texts and lists have."""

from __future__ import annotations

from typing import Any

from transom.lang.cel.errors import EvaluationError
from transom.lang.cel.library.standard import refuse
from transom.lang.cel.values import NONE, Optional, equal


def indexOf_(where: Any, what: Any, start: Any = 0) -> int:  # noqa: N802 - CEL's own name
    """Return where a text or an element first stands, from a start on; -1 where it does not."""
    if isinstance(where, str) and isinstance(what, str) and start.__class__ is int:
        if what == "":
            return int(start)
        if not 0 <= start <= len(where):
            raise EvaluationError(f"index out of range: {start}")
        return where.find(what, start)
    if isinstance(where, list | tuple) and start == 0:
        return next((index for index, element in enumerate(where) if equal(element, what)), -1)
    raise refuse("indexOf", where, what)


def lastIndexOf_(where: Any, what: Any, start: Any = None) -> int:  # noqa: N802 - CEL's own name
    """Return where a text or an element last stands, up to a start; -1 where it does not."""
    if isinstance(where, str) and isinstance(what, str):
        if start is None:
            return where.rfind(what)
        if start.__class__ is not int:
            raise refuse("lastIndexOf", where, what, start)
        if not 0 <= start <= len(where):
            raise EvaluationError(f"index out of range: {start}")
        if what == "":
            return start
        # At the very end cel-go does not look.
        return where.rfind(what, 0, start + len(what)) if start < len(where) else -1
    if isinstance(where, list | tuple) and start is None:
        return next((index for index in range(len(where) - 1, -1, -1) if equal(where[index], what)), -1)
    raise refuse("lastIndexOf", where, what)


def reverse_(value: Any) -> Any:
    """Return a text or a list, last first."""
    if isinstance(value, str):
        return value[::-1]
    if isinstance(value, list | tuple):
        return list(reversed(value))
    raise refuse("reverse", value)


def first_(value: Any) -> Optional:
    """Return the first element of a list, as an optional."""
    if isinstance(value, list | tuple):
        return Optional(value[0]) if value else NONE
    raise refuse("first", value)


def last_(value: Any) -> Optional:
    """Return the last element of a list, as an optional."""
    if isinstance(value, list | tuple):
        return Optional(value[-1]) if value else NONE
    raise refuse("last", value)
