"""Base64."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from transom.lang.cel.errors import EvaluationError
from transom.lang.cel.library.standard import refuse


def base64_encode_(value: Any) -> str:
    """Write bytes in base64."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    raise refuse("base64.encode", value)


def base64_decode_(value: Any) -> bytes:
    """Read base64, with or without its padding."""
    if not isinstance(value, str):
        raise refuse("base64.decode", value)
    try:
        return base64.b64decode(value.rstrip("=") + "=" * (-len(value.rstrip("=")) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise EvaluationError(f"no base64: {error}") from None
