"""From a document's value to Kubernetes objects: lists are opened, what is malformed is told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from transom.kube.documents import Document, positions
from transom.model.findings import Skipped
from transom.model.places import Locator, Path, path_text
from transom.model.refs import Ref, file_ref

MAX_LIST_DEPTH = 8  # lists of lists that no client writes


def is_object(value: Any) -> bool:
    """Tell whether a value is meant as a Kubernetes object: it has apiVersion and kind, and is no patch of one."""
    return isinstance(value, dict) and "apiVersion" in value and "kind" in value and "$patch" not in value


def objects(
    value: Any, path: Path = (), document: Document | None = None
) -> Iterator[tuple[Path, dict[str, Any]] | Skipped]:
    """Yield each object of a document and where it stands; a Skipped for what is meant as one and is none.

    A `List`, or any kind that ends in List and has items, yields its items; those of a typed list inherit its kind and
    apiVersion, as clients let them. A document that is no Kubernetes object yields nothing. document: where value
    comes from, so that a Skipped can name file and line.
    """
    if not is_object(value):
        return
    wrong, problem = _problem(value)
    if problem:
        yield _malformed(value, (*path, wrong), problem, document)
    elif _is_list(value):
        yield from _items(value, path, document)
    else:
        yield path, value


def _problem(value: dict[str, Any]) -> tuple[str, str]:
    """Return the field that keeps a value from being an object, and what is wrong with it."""
    for field in ("apiVersion", "kind"):
        if not isinstance(value[field], str) or not value[field]:
            return field, "is no text, so it is no Kubernetes object"
    metadata = value.get("metadata")
    if metadata is not None and not isinstance(metadata, dict):
        return "metadata", "is no map, so the object has no name"
    for field in ("name", "namespace", "generateName"):
        if metadata and not isinstance(metadata.get(field), str | None):
            return "metadata", f"has a {field} that is no text; a number or a word such as `on` must be quoted"
    return "", ""


def _malformed(value: dict[str, Any], path: Path, problem: str, document: Document | None) -> Skipped:
    reason, step = f"{path_text(path)} {problem}", "correct it, or exclude the file"
    if document is None:
        return Skipped(Ref(name=_name(value)), reason, step, locator=Locator(path=path_text(path)))
    return Skipped(file_ref(document.file), reason, step, locator=positions(document).find(path))


def _name(value: dict[str, Any]) -> str:
    metadata = value.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return name if isinstance(name, str) else ""


def _is_list(value: dict[str, Any]) -> bool:
    return bool(value["kind"].endswith("List")) and "items" in value


def _items(
    value: dict[str, Any], path: Path, document: Document | None
) -> Iterator[tuple[Path, dict[str, Any]] | Skipped]:
    items = value["items"]
    if items is None:
        return
    if not isinstance(items, list):
        yield _malformed(value, (*path, "items"), "is no list", document)
        return
    if len(path) >= 2 * MAX_LIST_DEPTH:
        yield _malformed(value, path, f"is a list within {MAX_LIST_DEPTH} lists", document)
        return
    inherited = {} if value["kind"] == "List" else {"apiVersion": value["apiVersion"], "kind": value["kind"][:-4]}
    for index, item in enumerate(items):
        here = (*path, "items", index)
        if not isinstance(item, dict):
            yield _malformed(value, here, "is no map", document)
            continue
        whole = item if is_object(item) else {**item, **inherited}
        if is_object(whole):
            yield from objects(whole, here, document)
        else:
            yield _malformed(value, here, "has no apiVersion and kind", document)
