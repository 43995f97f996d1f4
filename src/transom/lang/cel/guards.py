"""What generated code calls where Python alone would differ from CEL without raising.

Each either returns what CEL would, or raises Rejected: then the exact evaluator decides. None of them knows all of CEL;
they are right for plain Kubernetes data, and refuse the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from transom.lang.cel.values import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

INT_MIN = -(2**63)
INT_MAX = 2**63 - 1
LARGE = 2_000  # characters or elements: calls on more are the exact evaluator's, which counts what they cost
FEW = 200  # elements of each of two lists whose every pair is compared
LONGEST = 100_000  # characters or elements that `+` may build here: doubling a string 40 times must not fill memory


class Rejected(Exception):  # noqa: N818 - it is no error of the expression
    """Not for generated code: the exact evaluator decides. Deliberately no CelError, it says nothing about CEL."""


class _Missing:
    """What stands for an absent optional inside generated code."""

    __slots__ = ()

    def __bool__(self) -> NoReturn:
        raise Rejected

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Any = _Missing()
EMPTY: dict[str, Any] = {}
"""Stands for an absent optional whose field is selected next: it has none."""
PLAIN = frozenset((str, int, bool, float, list, dict, type(None)))


def reject(*_: object) -> NoReturn:
    """Leave an expression to the exact evaluator."""
    raise Rejected


def different(value: object) -> bool:
    """Return False for a value that is known to equal neither bool; a value that is not known has no answer here."""
    return False if value.__class__ in PLAIN else reject()


def small(value: Any, limit: int = LARGE) -> Any:
    """Return what a function of the libraries may take: known, and of a size that is no concern."""
    kind = value.__class__
    if kind is str or kind is list or kind is dict or kind is bytes or kind is tuple:
        return value if len(value) <= limit else reject()
    return value if kind is not Unknown else reject()


def few(value: Any) -> Any:
    """Return what a function may take that compares all elements of one list with all of another."""
    return small(value, FEW)


def at(operand: Any, index: Any) -> Any:
    """`operand[index]`; a negative or fractional index, a string's character and a bool as key are nothing of CEL."""
    kind = index.__class__
    if operand.__class__ is dict:
        return operand[index] if kind is str or kind is int else reject()
    if operand.__class__ is list and kind is int and index >= 0:
        return operand[index]
    return reject()


def maybe_at(operand: Any, index: Any) -> Any:
    """`operand[?index]`, MISSING where it is absent."""
    kind = index.__class__
    if operand.__class__ is dict:
        return operand.get(index, MISSING) if kind is str or kind is int else reject()
    if operand.__class__ is list and kind is int and index >= 0:
        return operand[index] if index < len(operand) else MISSING
    return reject()


def required(value: Any) -> Any:
    """`optional.value()`."""
    return reject() if value is MISSING else value


def within(value: Any, collection: Any) -> bool:
    """`value in collection`: of a list's elements or a map's keys, never a part of a string."""
    kind = collection.__class__
    if value.__class__ is str and (kind is dict or kind is list or kind is tuple) and len(collection) <= LARGE:
        return value in collection
    if value.__class__ is int and kind is dict:
        return value in collection
    if (kind is list or kind is tuple) and len(collection) <= LARGE:
        return any(equal(value, element) for element in collection)
    return reject()


def equal(left: Any, right: Any) -> bool:
    """`left == right`, as deep as they are: True is not 1."""
    kind = left.__class__
    if kind is right.__class__:
        if kind is str or kind is int or kind is bool or kind is float or left is None:
            return bool(left == right)
        if kind is list:
            return len(left) == len(right) and all(map(equal, left, right))
        if kind is dict:
            return len(left) == len(right) and all(_has_equal(right, key, value) for key, value in left.items())
        return reject()
    if kind not in PLAIN or right.__class__ not in PLAIN:
        return reject()
    if (kind is int or kind is float) and (right.__class__ is int or right.__class__ is float):
        return reject()  # 2**53 + 1 == 9007199254740992.0: left to the one place that knows
    return False


def _has_equal(mapping: dict[Any, Any], key: object, value: object) -> bool:
    if key.__class__ is not str:
        reject()
    other = mapping.get(key, MISSING)
    return other is not MISSING and equal(value, other)


def elements(collection: Any) -> Any:
    """Return what a comprehension runs over: a list's elements, or a map's keys."""
    if collection.__class__ is list or collection.__class__ is tuple:
        return collection
    if collection.__class__ is dict and all(key.__class__ is str or key.__class__ is int for key in collection):
        return collection
    return reject()


def pairs(collection: Any) -> Iterable[tuple[Any, Any]]:
    """Return what a comprehension of two variables runs over: indexes and elements, or keys and values."""
    return elements(collection).items() if collection.__class__ is dict else enumerate(elements(collection))


def integer(value: int) -> int:
    """Return an int that fits into 64 bits."""
    return value if INT_MIN <= value <= INT_MAX else reject()


def add(left: Any, right: Any) -> Any:
    """`left + right`."""
    kind = left.__class__
    if kind is not right.__class__:
        reject()
    if kind is list or kind is str:
        return left + right if len(left) + len(right) <= LONGEST else reject()
    if kind is int:
        return integer(left + right)
    return left + right if kind is float else reject()


def subtract(left: Any, right: Any) -> Any:
    """`left - right`."""
    if left.__class__ is int and right.__class__ is int:
        return integer(left - right)
    return left - right if left.__class__ is float and right.__class__ is float else reject()


def multiply(left: Any, right: Any) -> Any:
    """`left * right`; a string times a number is nothing of CEL."""
    if left.__class__ is int and right.__class__ is int:
        return integer(left * right)
    return left * right if left.__class__ is float and right.__class__ is float else reject()


def divide(left: Any, right: Any) -> int:
    """`left / right` of ints, towards zero."""
    if left.__class__ is not int or right.__class__ is not int:
        reject()
    quotient = abs(left) // abs(right)
    return integer(quotient if (left < 0) == (right < 0) else -quotient)


def remainder(left: Any, right: Any) -> int:
    """`left % right` of ints, with the sign of the left one."""
    if left.__class__ is not int or right.__class__ is not int or left == INT_MIN:
        reject()
    rest: int = abs(left) % abs(right)
    return -rest if left < 0 else rest


def negate(value: Any) -> Any:
    """`-value`."""
    if value.__class__ is int:
        return integer(-value)
    return -value if value.__class__ is float else reject()


def _ordered(left: Any, right: Any) -> bool:
    kind = left.__class__
    return kind is right.__class__ and (kind is int or kind is str or kind is float)


def less(left: Any, right: Any) -> Any:
    """`left < right`."""
    return left < right if _ordered(left, right) else reject()


def at_most(left: Any, right: Any) -> Any:
    """`left <= right`."""
    return left <= right if _ordered(left, right) else reject()


def is_a(value: Any, kind: type) -> bool:
    """`type(value) == kind`."""
    return value.__class__ is kind if value.__class__ in PLAIN else reject()


def boxed(value: Any) -> Any:
    """Return a value or MISSING as the optional that it stands for, where code outside must see one."""
    from transom.lang.cel.values import Optional

    return Optional() if value is MISSING else Optional(value)


def unboxed(value: Any) -> Any:
    """Return the value of an optional, or MISSING."""
    from transom.lang.cel.values import Optional

    if value.__class__ is not Optional:
        reject()
    return value.value if value.present else MISSING


def library(name: str, method: bool) -> Callable[..., Any]:
    """Return a function of the libraries, which import what they need when it is first asked for."""
    from transom.lang.cel.functions import function

    return function(name, method)


def searcher(pattern: str) -> Callable[[str], object]:
    """Return what looks for a pattern in a text; see backtracking.py."""
    import re

    return re.compile(pattern, re.ASCII).search


NAMES: dict[str, Any] = {
    each.__name__: each
    for each in (
        *(
            reject,
            different,
            small,
            few,
            at,
            maybe_at,
            required,
            within,
            equal,
            elements,
            pairs,
            add,
            subtract,
            multiply,
        ),
        *(divide, remainder, negate, less, at_most, is_a, boxed, unboxed, library, searcher),
    )
} | {"MISSING": MISSING, "EMPTY": EMPTY}
"""What generated code finds in its globals."""
