"""What a live cluster makes and keeps by itself: nobody wrote it, and nobody can mend it but through something else.

An object counts as such where it is what Kubernetes makes, not where it says so: a default role that gives more than the
default is judged like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from transom.inventory.entries import Entry
from transom.inventory.inventory import Inventory
from transom.kube.authorizer.defaults import is_default
from transom.kube.authorizer.policy import GROUP as RBAC
from transom.kube.authorizer.policy import KINDS
from transom.model.language import mark

OWN = mark("objects that Kubernetes itself makes and keeps")


def without_own(inventory: Inventory, chosen: Sequence[Entry]) -> tuple[Sequence[Entry], int]:
    """Return the chosen entries without what live clusters made by themselves, and how many that were."""
    kept = [entry for entry in chosen if entry.origin.target not in inventory.clusters or not is_own(inventory, entry)]
    return kept, len(chosen) - len(kept)


def is_own(inventory: Inventory, entry: Entry) -> bool:
    """Tell whether an entry of a live cluster is what Kubernetes itself makes and keeps."""
    test = TESTS.get((entry.ref.group, entry.ref.kind))
    return test is not None and test(inventory, entry)


def _is_of_a_service(inventory: Inventory, entry: Entry) -> bool:
    """Endpoints bear the name of their Service, which has a selector; EndpointSlices have it as their controller."""
    if entry.ref.kind == "EndpointSlice":
        return inventory.owner_entry(entry) is not None
    service = inventory.joins.named(entry, "", "Service", entry.ref.name)
    spec = service.object.get("spec") if service is not None else None
    return isinstance(spec, dict) and bool(spec.get("selector"))


TESTS: dict[tuple[str, str], Callable[[Inventory, Entry], bool]] = {
    **{(RBAC, kind): lambda _, entry: is_default(entry.object) for kind in KINDS},
    ("", "ConfigMap"): lambda _, entry: entry.ref.name == "kube-root-ca.crt",
    ("", "Service"): lambda _, entry: (entry.ref.namespace, entry.ref.name) == ("default", "kubernetes"),
    ("", "Endpoints"): _is_of_a_service,
    ("discovery.k8s.io", "EndpointSlice"): _is_of_a_service,
}
"""Kinds of which Kubernetes makes some, and what tells these."""
