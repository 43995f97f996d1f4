"""JSON Patch: what mutating policies need of it."""

from __future__ import annotations

from typing import Any

from transom.lang.cel.library.standard import refuse


def jsonpatch_escapeKey_(key: Any) -> str:  # noqa: N802 - CEL's own name
    """Write a key as a step of a JSON Pointer."""
    if isinstance(key, str):
        return key.replace("~", "~0").replace("/", "~1")
    raise refuse("jsonpatch.escapeKey", key)
