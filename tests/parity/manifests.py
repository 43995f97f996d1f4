"""The public manifests as they are put to a server: named, and in a namespace of the tests."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from transom.inventory import Inventory
from transom.inventory.sources import fill
from transom.kube.kinds import is_built_in, kind_of

NAMESPACE = "parity"
FOLDERS = ("kubernetes-goat", "microservices-demo", "kubernetes-examples", "netpol-recipes")


def public_objects(corpora: Path, namespace: str = NAMESPACE) -> Iterator[dict[str, Any]]:
    """Yield the objects of public manifests whose kinds a server has by itself."""
    for folder in FOLDERS:
        inventory = Inventory()
        list(fill(inventory, str(corpora / folder)))
        for entry in inventory.entries():
            if is_built_in(entry.ref.group, entry.ref.kind):
                yield placed(entry.object, namespace)


def placed(thing: dict[str, Any], namespace: str = NAMESPACE) -> dict[str, Any]:
    """Return an object with a name, and in the namespace if it is in one at all."""
    made = copy.deepcopy(thing)
    metadata = made.setdefault("metadata", {})
    metadata.setdefault("name", "example")
    metadata.pop("namespace", None)
    if kind_of(made["apiVersion"], made["kind"]).namespaced:
        metadata["namespace"] = namespace
    return made
