"""Kubernetes' quantities as CEL values."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from transom.lang.cel.errors import EvaluationError
from transom.lang.cel.library.standard import refuse
from transom.lang.cel.values import INT_MAX, INT_MIN
from transom.lang.quantity import QuantityError, parse_quantity


class Quantity:
    """An exact amount."""

    __slots__ = ("amount",)
    cel_type = "kubernetes.Quantity"

    def __init__(self, amount: Fraction) -> None:
        self.amount = amount

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Quantity) and self.amount == other.amount

    def __hash__(self) -> int:
        return hash(self.amount)

    def __repr__(self) -> str:
        return f"Quantity({self.amount})"

    def order_key(self) -> Fraction:
        """What isLessThan, isGreaterThan and compareTo compare."""
        return self.amount


def quantity_(text: Any) -> Quantity:
    """Read a quantity."""
    if not isinstance(text, str):
        raise refuse("quantity", text)
    try:
        return Quantity(parse_quantity(text))
    except QuantityError as error:
        raise EvaluationError(str(error)) from None


def isQuantity_(text: Any) -> bool:  # noqa: N802 - CEL's own name
    """Tell whether a text is a quantity."""
    if not isinstance(text, str):
        raise refuse("isQuantity", text)
    try:
        parse_quantity(text)
    except QuantityError:
        return False
    return True


def _amount(name: str, value: Any) -> Fraction:
    if isinstance(value, Quantity):
        return value.amount
    raise refuse(name, value)


def sign_(value: Any) -> int:
    """Return -1, 0 or 1."""
    amount = _amount("sign", value)
    return (amount > 0) - (amount < 0)


def isInteger_(value: Any) -> bool:  # noqa: N802 - CEL's own name
    """Tell whether a quantity is a whole number that fits an int."""
    amount = _amount("isInteger", value)
    return amount.denominator == 1 and INT_MIN <= amount <= INT_MAX


def asInteger_(value: Any) -> int:  # noqa: N802 - CEL's own name
    """Return a quantity as an int; an error where it is none."""
    if isInteger_(value):
        return int(value.amount)
    raise EvaluationError("cannot convert value to integer")


def asApproximateFloat_(value: Any) -> float:  # noqa: N802 - CEL's own name
    """Return the double nearest to a quantity."""
    try:
        return float(_amount("asApproximateFloat", value))
    except OverflowError:
        return float("inf") if value.amount > 0 else float("-inf")


def _other(name: str, value: Any) -> Fraction:
    return Fraction(value) if value.__class__ is int else _amount(name, value)


def add_(one: Any, other: Any) -> Quantity:
    """Return the sum with a quantity or an int."""
    return Quantity(_amount("add", one) + _other("add", other))


def sub_(one: Any, other: Any) -> Quantity:
    """Return the difference to a quantity or an int."""
    return Quantity(_amount("sub", one) - _other("sub", other))
