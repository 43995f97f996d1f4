"""A policy document in the shape that its format gives it."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from transom.model.errors import UsageError

_T = TypeVar("_T")


def shaped(value: Any, form: type[_T], where: str) -> _T:
    """Return a document as a struct; raises UsageError, saying where it stands, for one of another shape."""
    try:
        return msgspec.convert(value, form)
    except msgspec.ValidationError as error:
        raise UsageError(f"cannot read the policy in {where}", str(error), "see docs/signatures.md") from error
