"""Optional values."""

from __future__ import annotations

from typing import Any

from transom.lang.cel.errors import NoSuchOverload
from transom.lang.cel.values import NONE, Duration, Message, Optional, Timestamp, type_name


def _checked(value: Any) -> Optional:
    if isinstance(value, Optional):
        return value
    raise NoSuchOverload(f"{type_name(value)} is no optional")


def optional_of_(value: Any) -> Optional:
    """Return an optional that holds a value."""
    return Optional(value)


def optional_none_() -> Optional:
    """Return the optional that holds nothing."""
    return NONE


def optional_ofNonZeroValue_(value: Any) -> Optional:  # noqa: N802 - CEL's own name
    """Return an optional that holds a value, or nothing for null, false, zero and whatever is empty."""
    return NONE if _is_zero(value) else Optional(value)


def _is_zero(value: Any) -> bool:
    if isinstance(value, Optional):
        return not value.present
    if isinstance(value, Timestamp | Duration):
        return value.nanoseconds == 0
    if value is None or isinstance(value, bool | int | float | str | bytes | list | tuple | dict | Message):
        return not value
    return False


def value_(value: Any) -> Any:
    """Return what an optional holds; an error where it holds nothing."""
    return _checked(value).value


def hasValue_(value: Any) -> bool:  # noqa: N802 - CEL's own name
    """Tell whether an optional holds a value."""
    return _checked(value).present


def or_(value: Any, other: Any) -> Optional:
    """Return the first of two optionals that holds a value."""
    return value if _checked(value).present else _checked(other)


def orValue_(value: Any, other: Any) -> Any:  # noqa: N802 - CEL's own name
    """Return what an optional holds, else the other value."""
    return value.value if _checked(value).present else other


def optional_unwrap_(values: Any) -> list[Any]:
    """Return what the optionals of a list hold, those that hold nothing left out."""
    if not isinstance(values, list | tuple):
        raise NoSuchOverload(f"{type_name(values)} is no list")
    return [each.value for each in values if _checked(each).present]


unwrapOpt_ = optional_unwrap_  # noqa: N816 - CEL's own name
