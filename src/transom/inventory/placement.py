"""Which workload a pod belongs to, and on which nodes each workload's pods are."""

from __future__ import annotations

from transom.inventory.entries import Entry
from transom.inventory.inventory import Inventory
from transom.inventory.joins import home
from transom.kube.reading import text_at
from transom.model.edges import Vertex


def workload_of(inventory: Inventory, entry: Entry) -> Vertex:
    """Return the vertex of what a person would change to change a pod."""
    owner = inventory.owner(entry)
    return Vertex(owner.kind, owner.namespace or home(entry)[1], owner.name)


def placements(inventory: Inventory) -> dict[Vertex, list[str]]:
    """Return the nodes of each workload, as its pods tell."""
    found: dict[Vertex, dict[str, None]] = {}
    for entry in inventory.of_kind("", "Pod"):
        node = text_at(entry.object, "spec", "nodeName")
        if node:
            found.setdefault(workload_of(inventory, entry), {})[node] = None
    return {workload: list(nodes) for workload, nodes in found.items()}
