"""From a document's value to Kubernetes objects: lists are opened, what is malformed is told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from transom.model.findings import Skipped
from transom.model.places import Path, path_text
from transom.model.refs import Ref

MAX_LIST_DEPTH = 8  # lists of lists that no client writes


def is_object(value: Any) -> bool:
    """Tell whether a value is meant as a Kubernetes object: it has apiVersion and kind."""
    return isinstance(value, dict) and "apiVersion" in value and "kind" in value


def objects(value: Any, path: Path = ()) -> Iterator[tuple[Path, dict[str, Any]] | Skipped]:
    """Yield each object of a document and where it stands; a Skipped for what is meant as one and is none.

    A `List`, or any kind that ends in List and has items, yields its items; those of a typed list inherit its kind and
    apiVersion, as clients let them. A document that is no Kubernetes object yields nothing.
    """
    if not is_object(value):
        return
    problem = _problem(value)
    if problem:
        yield Skipped(Ref(name=_name(value)), f"{_where(path)}{problem}", "correct it, or exclude the file")
    elif _is_list(value):
        yield from _items(value, path)
    else:
        yield path, value


def _problem(value: dict[str, Any]) -> str:
    for field in ("apiVersion", "kind"):
        if not isinstance(value[field], str) or not value[field]:
            return f"{field} is no text, so it is no Kubernetes object"
    if not isinstance(value.get("metadata", {}), dict | None):
        return "metadata is no map, so the object has no name"
    return ""


def _where(path: Path) -> str:
    return f"{path_text(path)}: " if path else ""


def _name(value: dict[str, Any]) -> str:
    metadata = value.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return name if isinstance(name, str) else ""


def _is_list(value: dict[str, Any]) -> bool:
    return bool(value["kind"].endswith("List")) and "items" in value


def _items(value: dict[str, Any], path: Path) -> Iterator[tuple[Path, dict[str, Any]] | Skipped]:
    items = value["items"]
    if items is None:
        return
    if not isinstance(items, list) or len(path) > 2 * MAX_LIST_DEPTH:
        yield Skipped(Ref(kind=value["kind"]), f"{_where(path)}items is no list", "correct it, or exclude the file")
        return
    inherited = {} if value["kind"] == "List" else {"apiVersion": value["apiVersion"], "kind": value["kind"][:-4]}
    for index, item in enumerate(items):
        here = (*path, "items", index)
        if not isinstance(item, dict):
            yield Skipped(Ref(kind=value["kind"]), f"{path_text(here)} is no map", "correct it, or exclude the file")
            continue
        whole = item if is_object(item) else {**inherited, **item}
        if is_object(whole):
            yield from objects(whole, here)
        else:
            reason = f"{path_text(here)} has no apiVersion and kind"
            yield Skipped(Ref(kind=value["kind"]), reason, "correct it, or exclude the file")
