"""Who may do what in an inventory: its roles and bindings as one authorizer, and what keeps the answer from being whole.

All entries are taken as those of one cluster. What is told of the Node authorizer comes from pods that are bound to nodes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from transom.inventory.entries import Entry
from transom.inventory.inventory import Inventory
from transom.kube.authorizer import Authorizer, Binding, Policy, Role
from transom.kube.authorizer.defaults import default_policy, node_rules, tells_defaults
from transom.kube.authorizer.nodes import NodeAuthorizer
from transom.kube.authorizer.policy import GROUP, KINDS, RefusedError, read_object
from transom.kube.authorizer.versions import LATEST, Version
from transom.kube.reading import list_at, maps_at
from transom.kube.resources import Resources
from transom.model.findings import Skipped
from transom.model.refs import Ref

Place = tuple[str, str, str]
"""Kind, namespace and name of a role or binding."""

NODE_OBJECTS = (("", "Pod"), ("", "PersistentVolume"), ("storage.k8s.io", "VolumeAttachment"))
CLOUD_LABELS = {
    "eks.amazonaws.com/": "EKS access entries",
    "kubernetes.azure.com/": "Azure RBAC",
    "cloud.google.com/gke-": "Google Cloud IAM",
}
"""Labels of nodes, and the authorizer outside of the cluster that may allow more where a node has one."""

CLOUDS = {"EKS": "EKS access entries", "AKS": "Azure RBAC", "GKE": "Google Cloud IAM"}
"""The same by the distribution of a cluster that was read."""


class Authority(Struct, frozen=True):
    """An authorizer, where its roles and bindings were told, and what it does not know.

    added: whether the bootstrap policy was added, because the inventory does not tell it. stale: the aggregated
    ClusterRoles in which other rules are written than the labels of others gather.
    """

    authorizer: Authorizer
    resources: Resources
    entries: Mapping[Place, Entry]
    skipped: Sequence[Skipped]
    added: bool
    stale: Sequence[str]


def authority(
    inventory: Inventory, version: Version = LATEST, *, defaults: bool = True, stored: bool = False
) -> Authority:
    """Return who may do what in an inventory.

    defaults: whether to add what every cluster has, where the inventory does not tell it. stored: whether the rules of
    aggregated ClusterRoles are those that are written in them, instead of those that the labels of others gather.
    """
    entries: dict[Place, Entry] = {}
    skipped = list(_other_authorizers(inventory))
    told = _told(inventory, entries, skipped)
    added = defaults and not tells_defaults(told)
    whole = told.with_defaults(default_policy()) if added else told
    gathered = whole.aggregated()
    objects = [entry.object for group, kind in NODE_OBJECTS for entry in inventory.of_kind(group, kind)]
    nodes = NodeAuthorizer(objects, node_rules(), version)
    authorizer = Authorizer(whole if stored else gathered, nodes, version)
    definitions = [each.object for each in inventory.of_kind("apiextensions.k8s.io", "CustomResourceDefinition")]
    return Authority(authorizer, Resources(definitions), entries, skipped, added, _stale(told, gathered))


def _told(inventory: Inventory, entries: dict[Place, Entry], skipped: list[Skipped]) -> Policy:
    """Return the policy that an inventory tells; of a role or binding told twice, the last, as if it were applied so."""
    roles: dict[tuple[str, str], Role] = {}
    bindings: dict[tuple[str, str], Binding] = {}
    for entry in (entry for kind in KINDS for entry in inventory.of_kind(GROUP, kind)):
        made = _read(inventory, entry, skipped)
        if made is None:
            continue
        place = (entry.ref.kind, made.namespace, made.name)
        if place in entries and entries[place].object != entry.object:
            reason = f"it is told twice, and differently; what {entry.origin.file or 'the source'} says is taken"
            skipped.append(Skipped(entry.ref, reason, "name one source", locator=inventory.locate(entry, ())))
        entries[place] = entry
        if isinstance(made, Role):
            roles[made.key] = made
        else:
            bindings[made.namespace, made.name] = made
    return Policy(roles, list(bindings.values()))


def _stale(told: Policy, gathered: Policy) -> list[str]:
    """Return the aggregated roles whose stored rules are others; one that a person wrote without rules is none of them."""
    aggregated = [(key, role) for key, role in told.roles.items() if role.selectors is not None and role.rules]
    return [role.name for key, role in aggregated if set(role.rules) != set(gathered.roles[key].rules)]


def _read(inventory: Inventory, entry: Entry, skipped: list[Skipped]) -> Role | Binding | None:
    try:
        return read_object(entry.object)
    except RefusedError as error:
        reason = f"the API server refuses it: {error}"
        place = inventory.locate(entry, ())
        skipped.append(Skipped(entry.ref, reason, "correct the manifest", locator=place))
        return None


def _other_authorizers(inventory: Inventory) -> Iterator[Skipped]:
    """Yield what else may allow things in this cluster, as far as objects tell."""
    for facts in inventory.clusters.values():
        for gap in facts.gaps:
            if gap.group == GROUP and not gap.refused:  # what was refused is told by whoever was
                reason = "not all of them are known: only one namespace was read"
                yield Skipped(Ref(group=gap.group, kind=gap.kind, name="*"), reason, "read the whole cluster")
    step = "ask the cluster itself for what RBAC does not allow: kubectl auth can-i"
    for name in dict.fromkeys(_authorizers(inventory)):
        yield Skipped(Ref(kind="Cluster"), f"RBAC only: {name} may allow more", step)


def _authorizers(inventory: Inventory) -> Iterator[str]:
    for facts in inventory.clusters.values():
        if facts.distribution in CLOUDS:
            yield CLOUDS[facts.distribution]
    for entry in inventory.of_kind("", "Node"):
        for label in entry.labels:
            yield from (name for prefix, name in CLOUD_LABELS.items() if label.startswith(prefix))
    for entry in inventory.of_kind("", "ConfigMap"):
        if (entry.ref.namespace, entry.ref.name) == ("kube-system", "aws-auth"):
            yield "users and groups that the ConfigMap aws-auth maps from AWS roles"
    for entry in inventory.of_kind("", "Pod"):
        if entry.ref.namespace == "kube-system" and entry.ref.name.startswith("kube-apiserver"):
            yield from _modes(entry.object)


def _modes(pod: Mapping[str, Any]) -> Iterator[str]:
    """Yield what an API server's flags say of authorizers other than Node and RBAC."""
    for _, container in maps_at(pod, "spec", "containers"):
        words = [*list_at(container, "command"), *list_at(container, "args")]
        for word in (each for each in words if isinstance(each, str)):
            flag, _, value = word.partition("=")
            if flag == "--authorization-mode":
                yield from (f"the authorizer {mode}" for mode in value.split(",") if mode not in ("Node", "RBAC", ""))
            elif flag == "--authorization-config":
                yield "what the file of --authorization-config names"
