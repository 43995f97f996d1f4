"""Arithmetic on numbers, text, lists, times: as cel-go does it, overflow an error, division towards zero."""

from __future__ import annotations

from typing import Any

from transom.lang.cel.errors import EvaluationError, NoSuchOverload
from transom.lang.cel.library.time import moved, span
from transom.lang.cel.values import Duration, Timestamp, UInt, checked_int, checked_uint, type_name

MAX_BUILT = 10_000_000  # characters or elements that `+` may build: repeated doubling must not fill memory


def add(left: Any, right: Any) -> Any:
    """`left + right`."""
    kind = left.__class__
    if kind is right.__class__:
        if kind is int:
            return checked_int(left + right)
        if kind is UInt:
            return checked_uint(int(left) + int(right))
        if kind is float:
            return left + right
        if kind in (str, bytes):
            return left + right if len(left) + len(right) <= MAX_BUILT else _too_large()
        if kind is Duration:
            return span(left.nanoseconds + right.nanoseconds)
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return [*left, *right] if len(left) + len(right) <= MAX_BUILT else _too_large()
    if kind is Timestamp and isinstance(right, Duration):
        return moved(left.nanoseconds + right.nanoseconds)
    if kind is Duration and isinstance(right, Timestamp):
        return moved(left.nanoseconds + right.nanoseconds)
    return _refuse("+", left, right)


def subtract(left: Any, right: Any) -> Any:
    """`left - right`."""
    kind = left.__class__
    if kind is right.__class__:
        if kind is int:
            return checked_int(left - right)
        if kind is UInt:
            return checked_uint(int(left) - int(right))
        if kind is float:
            return left - right
        if kind in (Duration, Timestamp):
            return span(left.nanoseconds - right.nanoseconds)
    if kind is Timestamp and isinstance(right, Duration):
        return moved(left.nanoseconds - right.nanoseconds)
    return _refuse("-", left, right)


def multiply(left: Any, right: Any) -> Any:
    """`left * right`."""
    kind = left.__class__
    if kind is right.__class__:
        if kind is int:
            return checked_int(left * right)
        if kind is UInt:
            return checked_uint(int(left) * int(right))
        if kind is float:
            return left * right
    return _refuse("*", left, right)


def divide(left: Any, right: Any) -> Any:
    """`left / right`: integers towards zero, doubles as IEEE 754 has it."""
    kind = left.__class__
    if kind is right.__class__:
        if kind is float:
            return _float_quotient(left, right)
        if kind in (int, UInt):
            if right == 0:
                raise EvaluationError("division by zero")
            quotient = abs(int(left)) // abs(int(right))
            quotient = quotient if (left < 0) == (right < 0) else -quotient
            return checked_int(quotient) if kind is int else checked_uint(quotient)
    return _refuse("/", left, right)


def _float_quotient(left: float, right: float) -> float:
    import math

    if right != 0:
        return left / right
    if left == 0 or left != left:
        return math.nan
    return math.copysign(math.inf, left) * math.copysign(1.0, right)


def remainder(left: Any, right: Any) -> Any:
    """`left % right`, with the sign of the left one."""
    kind = left.__class__
    if kind is right.__class__ and kind in (int, UInt):
        if right == 0:
            raise EvaluationError("modulus by zero")
        if kind is int and left == -(2**63) and right == -1:
            raise EvaluationError("integer overflow")
        rest = abs(int(left)) % abs(int(right))
        return UInt(rest) if kind is UInt else (-rest if left < 0 else rest)
    return _refuse("%", left, right)


def negate(value: Any) -> Any:
    """`-value`."""
    if value.__class__ is int:
        return checked_int(-value)
    if value.__class__ is float:
        return -value
    raise NoSuchOverload(f"no such overload: -{type_name(value)}")


def _refuse(operator: str, left: Any, right: Any) -> Any:
    raise NoSuchOverload(f"no such overload: {type_name(left)} {operator} {type_name(right)}")


def _too_large() -> Any:
    raise EvaluationError("the text or list that + builds is too large")
