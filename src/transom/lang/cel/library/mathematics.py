"""cel-go's math extension."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from transom.lang.cel.errors import EvaluationError, NoSuchOverload
from transom.lang.cel.library.standard import refuse
from transom.lang.cel.values import UInt, checked_int, is_number, order, type_name

_MASK = 2**64 - 1


def _double(name: str, value: Any) -> float:
    if isinstance(value, float):
        return value
    raise refuse(name, value)


def _rounded(name: str, value: Any, round_: Callable[[float], float]) -> float:
    number = _double(name, value)
    return math.copysign(round_(number), number) if math.isfinite(number) else number


def math_ceil_(value: Any) -> float:
    """Round up."""
    return _rounded("math.ceil", value, math.ceil)


def math_floor_(value: Any) -> float:
    """Round down."""
    return _rounded("math.floor", value, math.floor)


def math_trunc_(value: Any) -> float:
    """Round towards zero."""
    return _rounded("math.trunc", value, math.trunc)


def math_round_(value: Any) -> float:
    """Round to the nearest whole number, halves away from zero."""

    def nearest(number: float) -> float:
        whole = math.trunc(number)
        return whole + math.copysign(1, number) if abs(number - whole) >= 0.5 else whole

    return _rounded("math.round", value, nearest)


def math_isInf_(value: Any) -> bool:  # noqa: N802 - CEL's own name
    """Tell whether a double is infinite."""
    return math.isinf(_double("math.isInf", value))


def math_isNaN_(value: Any) -> bool:  # noqa: N802 - CEL's own name
    """Tell whether a double is not a number."""
    return math.isnan(_double("math.isNaN", value))


def math_isFinite_(value: Any) -> bool:  # noqa: N802 - CEL's own name
    """Tell whether a double is a number and not infinite."""
    return math.isfinite(_double("math.isFinite", value))


def math_sqrt_(value: Any) -> float:
    """Return the square root, NaN of a negative number."""
    if not is_number(value):
        raise refuse("math.sqrt", value)
    return math.sqrt(value) if value >= 0 else math.nan


def math_abs_(value: Any) -> Any:
    """Return the distance from zero."""
    if value.__class__ is UInt:
        return value
    if value.__class__ is int:
        return checked_int(abs(value))
    return abs(_double("math.abs", value))


def math_sign_(value: Any) -> Any:
    """Return -1, 0 or 1, in the type of the number; NaN of NaN."""
    if not is_number(value):
        raise refuse("math.sign", value)
    if value != value:
        return value
    return value.__class__((value > 0) - (value < 0))


def _bits(name: str, one: Any, other: Any, combine: Callable[[int, int], int]) -> Any:
    if one.__class__ is other.__class__ and one.__class__ in (int, UInt):
        return one.__class__(combine(int(one), int(other)))
    raise refuse(name, one, other)


def math_bitAnd_(one: Any, other: Any) -> Any:  # noqa: N802 - CEL's own name
    """Return the bits set in both."""
    return _bits("math.bitAnd", one, other, lambda a, b: a & b)


def math_bitOr_(one: Any, other: Any) -> Any:  # noqa: N802 - CEL's own name
    """Return the bits set in either."""
    return _bits("math.bitOr", one, other, lambda a, b: a | b)


def math_bitXor_(one: Any, other: Any) -> Any:  # noqa: N802 - CEL's own name
    """Return the bits set in one of the two."""
    return _bits("math.bitXor", one, other, lambda a, b: a ^ b)


def math_bitNot_(value: Any) -> Any:  # noqa: N802 - CEL's own name
    """Return all bits turned."""
    if value.__class__ is int:
        return ~value
    if value.__class__ is UInt:
        return UInt(~int(value) & _MASK)
    raise refuse("math.bitNot", value)


def _shifted(name: str, value: Any, by: Any, shift: Callable[[int, int], int]) -> Any:
    if value.__class__ not in (int, UInt) or by.__class__ is not int:
        raise refuse(name, value, by)
    if by < 0:
        raise EvaluationError(f"{name}() negative offset: {by}")
    bits = shift(int(value) & _MASK, by) & _MASK if by < 64 else 0
    if value.__class__ is UInt:
        return UInt(bits)
    return bits - 2**64 if bits >= 2**63 else bits


def math_bitShiftLeft_(value: Any, by: Any) -> Any:  # noqa: N802 - CEL's own name
    """Move bits up, zeros coming in."""
    return _shifted("math.bitShiftLeft", value, by, lambda bits, count: bits << count)


def math_bitShiftRight_(value: Any, by: Any) -> Any:  # noqa: N802 - CEL's own name
    """Move bits down, zeros coming in, also into a negative int."""
    return _shifted("math.bitShiftRight", value, by, lambda bits, count: bits >> count)


def _extreme(name: str, values: tuple[Any, ...], sign: int) -> Any:
    numbers = values[0] if len(values) == 1 and isinstance(values[0], list | tuple) else values
    if not numbers:
        raise EvaluationError(f"{name}() argument must not be empty")
    for number in numbers:
        if not is_number(number):
            raise NoSuchOverload(f"no such overload: {name}({type_name(number)})")
    found = numbers[0]
    for number in numbers[1:]:
        if order(number, found) == sign:
            found = number
    return found


def math_greatest_(*values: Any) -> Any:
    """Return the greatest number, the first of equal ones."""
    return _extreme("math.greatest", values, 1)


def math_least_(*values: Any) -> Any:
    """Return the least number, the first of equal ones."""
    return _extreme("math.least", values, -1)
