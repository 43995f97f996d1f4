"""Lists as sets."""

from __future__ import annotations

from typing import Any

from transom.lang.cel.library.standard import refuse
from transom.lang.cel.values import equal


def _holds(elements: Any, wanted: Any) -> bool:
    return any(equal(element, wanted) for element in elements)


def sets_contains_(whole: Any, part: Any) -> bool:
    """Tell whether every element of the second list is in the first."""
    if isinstance(whole, list | tuple) and isinstance(part, list | tuple):
        return all(_holds(whole, element) for element in part)
    raise refuse("sets.contains", whole, part)


def sets_equivalent_(one: Any, other: Any) -> bool:
    """Tell whether two lists hold the same elements, whatever their order and number."""
    return sets_contains_(one, other) and sets_contains_(other, one)


def sets_intersects_(one: Any, other: Any) -> bool:
    """Tell whether two lists have an element in common."""
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return any(_holds(one, element) for element in other)
    raise refuse("sets.intersects", one, other)
