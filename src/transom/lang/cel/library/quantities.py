"""Kubernetes' quantities as CEL values."""

from __future__ import annotations

from typing import Any

from transom.lang.cel.errors import EvaluationError
from transom.lang.cel.library.standard import refuse
from transom.lang.quantity import Quantity, QuantityError, parse_quantity


class Amount:
    """A quantity among CEL's values."""

    __slots__ = ("quantity",)
    cel_type = "kubernetes.Quantity"

    def __init__(self, quantity: Quantity) -> None:
        self.quantity = quantity

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Amount) and self.quantity == other.quantity

    def __hash__(self) -> int:
        return hash(self.quantity)

    def __repr__(self) -> str:
        return repr(self.quantity)

    def order_key(self) -> Quantity:
        """What isLessThan, isGreaterThan and compareTo compare."""
        return self.quantity


def quantity_(text: Any) -> Amount:
    """Read a quantity."""
    if not isinstance(text, str):
        raise refuse("quantity", text)
    try:
        return Amount(parse_quantity(text))
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


def _quantity(name: str, value: Any) -> Quantity:
    if isinstance(value, Amount):
        return value.quantity
    raise refuse(name, value)


def sign_(value: Any) -> int:
    """Return -1, 0 or 1."""
    digits = _quantity("sign", value).digits
    return (digits > 0) - (digits < 0)


def isInteger_(value: Any) -> bool:  # noqa: N802 - CEL's own name
    """Tell whether a quantity is kept as a whole number that fits an int."""
    return _quantity("isInteger", value).as_integer() is not None


def asInteger_(value: Any) -> int:  # noqa: N802 - CEL's own name
    """Return a quantity as an int; an error where it is none."""
    number = _quantity("asInteger", value).as_integer()
    if number is None:
        raise EvaluationError("cannot convert value to integer")
    return number


def asApproximateFloat_(value: Any) -> float:  # noqa: N802 - CEL's own name
    """Return a double near to a quantity."""
    return _quantity("asApproximateFloat", value).as_float()


def _other(name: str, value: Any) -> Quantity:
    return Quantity(value) if value.__class__ is int else _quantity(name, value)


def add_(one: Any, other: Any) -> Amount:
    """Return the sum with a quantity or an int."""
    return Amount(_quantity("add", one) + _other("add", other))


def sub_(one: Any, other: Any) -> Amount:
    """Return the difference to a quantity or an int."""
    return Amount(_quantity("sub", one) - _other("sub", other))
