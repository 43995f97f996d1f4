"""JSON Patch (RFC 6902) on plain values, as the API server applies it: one operation after the other, all or nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

MAX_OPERATIONS = 10_000  # the API server's own limit on the operations of one patch
END = "-"  # in the place of an index: behind the last element


class JsonPatchError(ValueError):
    """A patch that does not fit its object; the message says where."""


class _TestFailed(Exception):  # noqa: N818 - named for what happened
    """An operation `test` that does not hold."""


def patched(value: Any, operations: Sequence[Mapping[str, Any]]) -> Any:
    """Return a value with a patch applied; the value itself where an operation `test` does not hold.

    Nothing of the value is changed. Raises JsonPatchError for an operation that cannot be applied.
    """
    if len(operations) > MAX_OPERATIONS:
        raise JsonPatchError(f"the patch has more than {MAX_OPERATIONS:,} operations")
    result = value
    try:
        for operation in operations:
            result = _applied(result, operation)
    except _TestFailed:
        return value
    return result


def _applied(value: Any, operation: Mapping[str, Any]) -> Any:
    name, path = operation.get("op"), _steps(operation.get("path"))
    if name in ("add", "replace"):
        if "value" not in operation:
            raise JsonPatchError(f"an operation {name} has no value")
        return _with(value, path, operation["value"], insert=name == "add")
    if name == "remove":
        return _without(value, path)
    if name == "test":
        if not _equal(_at(value, path), operation.get("value")):
            raise _TestFailed
        return value
    if name not in ("move", "copy"):
        raise JsonPatchError(f"there is no operation {name!r}")
    source = _steps(operation.get("from"))
    moved = _at(value, source)
    return _with(_without(value, source) if name == "move" else value, path, moved, insert=True)


def _steps(pointer: Any) -> list[str]:
    """Return the steps of a JSON Pointer (RFC 6901)."""
    if not isinstance(pointer, str) or (pointer and not pointer.startswith("/")):
        raise JsonPatchError(f"{pointer!r} is no JSON Pointer")
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def _index(values: list[Any], step: str, insert: bool = False) -> int:
    if insert and step == END:
        return len(values)
    index = int(step) if step.isascii() and step.isdecimal() and (step == "0" or step[0] != "0") else -1
    if not 0 <= index < len(values) + insert:
        raise JsonPatchError(f"there is no element {step}")
    return index


def _child(value: Any, step: str) -> Any:
    if isinstance(value, dict) and step in value:
        return value[step]
    if isinstance(value, list):
        return value[_index(value, step)]
    raise JsonPatchError(f"there is no field {step}")


def _at(value: Any, path: Sequence[str]) -> Any:
    for step in path:
        value = _child(value, step)
    return value


def _with(value: Any, path: Sequence[str], put: Any, insert: bool) -> Any:
    """Return a copy with something put at a path; insert: whether it may be new, and pushes elements of a list aside."""
    if not path:
        return put
    step, *rest = path
    if rest:
        return _replaced(value, step, _with(_child(value, step), rest, put, insert))
    if isinstance(value, list) and insert:
        index = _index(value, step, insert=True)
        return [*value[:index], put, *value[index:]]
    if not insert or not isinstance(value, dict):
        _child(value, step)
    return _replaced(value, step, put)


def _without(value: Any, path: Sequence[str]) -> Any:
    if not path:
        raise JsonPatchError("the whole object cannot be removed")
    step, *rest = path
    child = _child(value, step)
    if rest:
        return _replaced(value, step, _without(child, rest))
    if isinstance(value, list):
        index = _index(value, step)
        return value[:index] + value[index + 1 :]
    return {key: each for key, each in value.items() if key != step}


def _replaced(value: Any, step: str, child: Any) -> Any:
    if isinstance(value, list):
        index = _index(value, step)
        return [*value[:index], child, *value[index + 1 :]]
    return {**value, step: child}


def _equal(left: Any, right: Any) -> bool:
    """Compare as JSON: True is not 1, whatever Python says."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_equal(each, right[key]) for key, each in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_equal, left, right))
    return bool(left == right)
