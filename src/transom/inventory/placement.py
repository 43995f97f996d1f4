"""Which workload a pod belongs to, and on which nodes each workload's pods are."""

from __future__ import annotations

from transom.inventory.entries import Entry
from transom.inventory.inventory import Inventory
from transom.inventory.joins import home
from transom.kube.authorizer.nodes import MIRROR
from transom.kube.reading import text_at, texts_at
from transom.model.edges import Vertex
from transom.model.refs import Ref


def workload_of(inventory: Inventory, entry: Entry) -> Vertex:
    """Return the vertex of what a person would change to change a pod."""
    owner = owner_of(inventory, entry)
    return Vertex(owner.kind, owner.namespace or home(entry)[1], owner.name)


def owner_of(inventory: Inventory, entry: Entry) -> Ref:
    """Return what a person would change to change a pod; a static pod is its own owner, though its node has it."""
    return entry.ref if is_static(entry) else inventory.owner(entry)


def is_static(entry: Entry) -> bool:
    """Tell whether a pod is one that its node keeps by itself, from a file: those of the control plane are."""
    return entry.ref.kind == "Pod" and MIRROR in texts_at(entry.object, "metadata", "annotations")


def placements(inventory: Inventory) -> dict[Vertex, list[str]]:
    """Return the nodes of each workload, as its pods tell."""
    found: dict[Vertex, dict[str, None]] = {}
    for entry in inventory.of_kind("", "Pod"):
        node = text_at(entry.object, "spec", "nodeName")
        if node:
            found.setdefault(workload_of(inventory, entry), {})[node] = None
    return {workload: list(nodes) for workload, nodes in found.items()}
