"""CustomResourceDefinitions: whether the objects that one defines carry a pod template, by their schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from transom.kube.reading import map_at, maps_at

MAX_DEPTH = 10  # steps from the root of a schema to its template: operators known have it within six
MAX_NODES = 20_000  # of one schema: those of pod templates themselves have about 5,000


def makes_pods(definition: Mapping[str, Any]) -> bool:
    """Tell whether a schema of a definition has, anywhere, a list of containers such as pods have."""
    return any(
        _has_containers(map_at(each, "schema", "openAPIV3Schema"))
        for _, each in maps_at(definition, "spec", "versions")
    )


def _has_containers(schema: dict[str, Any]) -> bool:
    for count, (field, node) in enumerate(_nodes(schema)):
        if count == MAX_NODES:
            return False
        if field == "containers" and {"name", "image"} <= map_at(node, "items", "properties").keys():
            return True
    return False


def _nodes(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the fields of a schema and what they may hold, nearest first."""
    level = [("", schema)]
    for _ in range(MAX_DEPTH):
        yield from level
        level = [below for _, node in level for below in _below(node)]


def _below(node: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield from ((field, each) for field, each in map_at(node, "properties").items() if isinstance(each, dict))
    for field in ("items", "additionalProperties"):
        if inner := map_at(node, field):
            yield field, inner
