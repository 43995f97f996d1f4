"""Whole estates in a real API server: every object of a folder created, namespaces first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.cluster.api import Api
from transom.inventory import Inventory
from transom.inventory.sources import fill

FIRST = ("Namespace", "CustomResourceDefinition", "ServiceAccount")


def objects_of(folder: Path) -> list[dict[str, Any]]:
    """The objects of a folder, those that others need first."""
    inventory = Inventory()
    list(fill(inventory, str(folder)))
    found = [entry.object for entry in inventory.entries() if entry.ref.name]  # a kustomization has none
    return sorted(found, key=lambda each: each["kind"] not in FIRST)


def apply(api: Api, folder: Path) -> dict[str, str]:
    """Create every object of a folder; returns why those that the server refuses were refused, by kind and name."""
    refused = {}
    for thing in objects_of(folder):
        namespace = thing.get("metadata", {}).get("namespace")
        if namespace:
            api.namespace(namespace)
        made = api.create(thing)
        if made.status not in (200, 201, 409):
            refused[f"{thing['kind']}/{thing['metadata'].get('name')}"] = made.message
    return refused
