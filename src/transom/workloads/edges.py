"""What somebody in a container gains through what its pod is allowed: the node."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from transom.inventory import Inventory
from transom.inventory.placement import owner_of, placements, workload_of
from transom.kube.pods import pod_view
from transom.model.edges import A_NODE, ESCAPE, Edge, Vertex
from transom.model.refs import Ref
from transom.workloads.escapes import escapes


def edges(inventory: Inventory, without: Collection[Ref] = ()) -> Iterator[Edge]:
    """Yield the ways from pods to their nodes; without: objects whose escapes are taken for mended."""
    nodes = placements(inventory)
    for entry in inventory.entries():
        if not inventory.joins.makes_pods(entry):
            continue
        view, owner = pod_view(entry.object, entry.ref.group, entry.ref.kind), owner_of(inventory, entry)
        found = next(escapes(view), None) if view and owner not in without else None
        if found is None:
            continue
        here = workload_of(inventory, entry)
        out = Vertex(ESCAPE, here.namespace, f"{here.kind}/{here.name}")
        yield Edge(here, out, "bound", (owner,), removable=True)
        for node in nodes.get(here, ()):
            yield Edge(out, Vertex("Node", "", node), found, (owner,))
        if here not in nodes:
            yield Edge(out, A_NODE, found, (owner,))
