"""Lists: cel-go's extension (version 3) and Kubernetes' own functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cmp_to_key
from typing import Any, TypeVar

from transom.lang.cel.errors import EvaluationError, NoSuchOverload
from transom.lang.cel.library.arithmetic import add
from transom.lang.cel.library.standard import refuse
from transom.lang.cel.values import Duration, UInt, equal, order, type_name

MAX_RANGE = 1_000_000  # elements that lists.range may make: beyond the cost limit anyway
MAX_FLATTENING = 100  # levels

Item = TypeVar("Item")


def _list(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return value
    raise NoSuchOverload(f"{type_name(value)} is no list")


def sorted_by(items: Iterable[Item], key: Callable[[Item], Any]) -> list[Item]:
    """Sort stably by keys of one comparable type; raises NoSuchOverload for keys of several."""
    found = list(items)
    kinds = {key(item).__class__ for item in found}
    if len(kinds) > 1:
        raise NoSuchOverload("list elements must have the same type")
    for item in found[:1]:
        order(key(item), key(item))

    def compare(one: Item, other: Item) -> int:
        return order(key(one), key(other)) or 0

    return sorted(found, key=cmp_to_key(compare))


def sort_(value: Any) -> list[Any]:
    """Return a list in ascending order."""
    return sorted_by(_list(value), lambda item: item)


def isSorted_(value: Any) -> bool:  # noqa: N802 - CEL's own name
    """Tell whether a list is in ascending order."""
    elements = _list(value)
    return all((order(elements[i], elements[i + 1]) or 0) <= 0 for i in range(len(elements) - 1))


def sum_(value: Any) -> Any:
    """Return the sum of numbers or durations; 0 for no elements."""
    elements = _list(value)
    if not elements:
        return 0
    if elements[0].__class__ not in (int, UInt, float, Duration):
        raise refuse("sum", value)
    total = elements[0].__class__(0)
    for element in elements:
        total = add(total, element)
    return total


def _extreme(value: Any, sign: int, name: str) -> Any:
    elements = _list(value)
    if not elements:
        raise EvaluationError(f"{name} called on empty list")
    found = elements[0]
    order(found, found)
    for element in elements[1:]:
        if order(element, found) == sign:
            found = element
    return found


def min_(value: Any) -> Any:
    """Return the least element; an error for no elements."""
    return _extreme(value, -1, "min")


def max_(value: Any) -> Any:
    """Return the greatest element; an error for no elements."""
    return _extreme(value, 1, "max")


def includes_(value: Any, wanted: Any) -> bool:
    """Tell whether a list has an equal element, or a map such a key."""
    if isinstance(value, dict):
        return any(equal(key, wanted) for key in value)
    return any(equal(element, wanted) for element in _list(value))


def slice_(value: Any, start: Any, end: Any) -> list[Any]:
    """Return the elements from start to before end."""
    elements = _list(value)
    if start.__class__ is not int or end.__class__ is not int:
        raise refuse("slice", value, start, end)
    if start < 0 or end < 0 or start > end or end > len(elements):
        raise EvaluationError(f"cannot slice({start}, {end}), the list has {len(elements)} elements")
    return list(elements[start:end])


def flatten_(value: Any, depth: Any = 1) -> list[Any]:
    """Return the elements of lists within the list, to a depth."""
    if depth.__class__ is not int:
        raise refuse("flatten", value, depth)
    if depth < 0:
        raise EvaluationError("level must be non-negative")
    return _flat(_list(value), min(depth, MAX_FLATTENING))


def _flat(elements: Any, depth: int) -> list[Any]:
    made: list[Any] = []
    for element in elements:
        if isinstance(element, list | tuple) and depth > 0:
            made.extend(_flat(element, depth - 1))
        else:
            made.append(element)
    return made


def distinct_(value: Any) -> list[Any]:
    """Return the elements, each once, in the order in which they first stand."""
    made: list[Any] = []
    for element in _list(value):
        if not any(equal(element, known) for known in made):
            made.append(element)
    return made


def lists_range_(count: Any) -> list[int]:
    """Return the numbers from 0 to before count."""
    if count.__class__ is not int:
        raise refuse("lists.range", count)
    if count > MAX_RANGE:
        raise EvaluationError(f"lists.range makes at most {MAX_RANGE} elements")
    return list(range(count))
