"""Reading a pod as the API server decodes it: null is absent, a wrong type is refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from transom.model.places import Path, path_text

EMPTY: Mapping[str, Any] = {}


class Malformed(Exception):  # noqa: N818 - named for what the pod is
    """A field of a type that the API server does not decode; path: where, from the pod's root."""

    def __init__(self, path: Path, wanted: str) -> None:
        super().__init__(f"{path_text(path)} is no {wanted}")
        self.path = path


class Container(Struct, frozen=True):
    """A container of any role, where it stands, and its security context."""

    name: str
    path: Path
    fields: Mapping[str, Any]
    security: Mapping[str, Any]


class Pod(Struct, frozen=True):
    """What the checks read of a pod."""

    annotations: Mapping[str, Any]
    spec: Mapping[str, Any]
    security: Mapping[str, Any]
    containers: tuple[Container, ...]
    windows: bool
    own_users: bool


def read_pod(metadata: Any, spec: Any) -> Pod:
    """Return a pod for the checks; raises Malformed. own_users: hostUsers is false."""
    if not isinstance(spec, dict):
        raise Malformed(("spec",), "map")
    metadata = metadata if metadata is not None else EMPTY
    if not isinstance(metadata, dict | Mapping):
        raise Malformed(("metadata",), "map")
    return Pod(
        annotations=map_at(metadata, ("metadata",), "annotations"),
        spec=spec,
        security=map_at(spec, ("spec",), "securityContext"),
        containers=tuple(_containers(spec)),
        windows=text_at(map_at(spec, ("spec",), "os"), ("spec", "os"), "name") == "windows",
        own_users=bool_at(spec, ("spec",), "hostUsers") is False,
    )


def _containers(spec: Mapping[str, Any]) -> Iterator[Container]:
    for field in ("initContainers", "containers", "ephemeralContainers"):
        for index, container in enumerate(maps_at(spec, ("spec",), field)):
            path: Path = ("spec", field, index)
            name = text_at(container, path, "name") or ""
            yield Container(name, path, container, map_at(container, path, "securityContext"))


def map_at(parent: Mapping[str, Any], path: Path, field: str) -> Mapping[str, Any]:
    """Return a map, empty where it is absent."""
    found = parent.get(field)
    if found is None:
        return EMPTY
    if not isinstance(found, dict):
        raise Malformed((*path, field), "map")
    return found


def maps_at(parent: Mapping[str, Any], path: Path, field: str) -> list[Mapping[str, Any]]:
    """Return a list of maps, empty where it is absent."""
    found = parent.get(field)
    if found is None:
        return []
    if not isinstance(found, list):
        raise Malformed((*path, field), "list")
    for index, each in enumerate(found):
        if each is not None and not isinstance(each, dict):
            raise Malformed((*path, field, index), "map")
    return [each or {} for each in found]


def texts_at(parent: Mapping[str, Any], path: Path, field: str) -> list[str]:
    """Return a list of texts, empty where it is absent."""
    found = parent.get(field)
    if found is None:
        return []
    if not isinstance(found, list):
        raise Malformed((*path, field), "list")
    for index, each in enumerate(found):
        if not isinstance(each, str):
            raise Malformed((*path, field, index), "text")
    return found


def text_at(parent: Mapping[str, Any], path: Path, field: str) -> str | None:
    """Return a text, None where it is absent."""
    found = parent.get(field)
    if found is not None and not isinstance(found, str):
        raise Malformed((*path, field), "text")
    return found


def bool_at(parent: Mapping[str, Any], path: Path, field: str) -> bool | None:
    """Return a bool, None where it is absent."""
    found = parent.get(field)
    if found is not None and not isinstance(found, bool):
        raise Malformed((*path, field), "bool")
    return found


def int_at(parent: Mapping[str, Any], path: Path, field: str) -> int | None:
    """Return an integer, None where it is absent."""
    found = parent.get(field)
    if found is not None and (not isinstance(found, int) or isinstance(found, bool)):
        raise Malformed((*path, field), "integer")
    return found
