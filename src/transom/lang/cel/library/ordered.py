"""Comparisons by method: what quantities and versions have in common."""

from __future__ import annotations

from typing import Any

from transom.lang.cel.library.standard import refuse


def _keys(name: str, one: Any, other: Any) -> tuple[Any, Any]:
    key = getattr(one, "order_key", None)
    if key is None or one.__class__ is not other.__class__:
        raise refuse(name, one, other)
    return key(), other.order_key()


def isLessThan_(one: Any, other: Any) -> bool:  # noqa: N802 - CEL's own name
    """Tell whether the first is less."""
    left, right = _keys("isLessThan", one, other)
    return bool(left < right)


def isGreaterThan_(one: Any, other: Any) -> bool:  # noqa: N802 - CEL's own name
    """Tell whether the first is greater."""
    left, right = _keys("isGreaterThan", one, other)
    return bool(left > right)


def compareTo_(one: Any, other: Any) -> int:  # noqa: N802 - CEL's own name
    """Return -1, 0 or 1."""
    left, right = _keys("compareTo", one, other)
    return int(left > right) - int(left < right)
