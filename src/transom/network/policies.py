"""Network policies beside the pods that they speak of, and pods and namespaces of which none speaks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from transom.inventory import Entry, Inventory
from transom.inventory.joins import home, pod_path
from transom.kube.reading import at, list_at, map_at, maps_at
from transom.kube.selectors import compile_selector
from transom.model.places import Path
from transom.rules.check import Answer, Check, Fault

GROUP, KIND = "networking.k8s.io", "NetworkPolicy"
OTHER_KINDS = (  # policies of network plug-ins: whom they select is not read, so nothing is said beside them
    ("cilium.io", "CiliumNetworkPolicy"),
    ("crd.projectcalico.org", "NetworkPolicy"),
    ("projectcalico.org", "NetworkPolicy"),
    ("crd.antrea.io", "NetworkPolicy"),
)
OTHER_CLUSTER_KINDS = (
    ("cilium.io", "CiliumClusterwideNetworkPolicy"),
    ("crd.projectcalico.org", "GlobalNetworkPolicy"),
    ("projectcalico.org", "GlobalNetworkPolicy"),
    ("policy.networking.k8s.io", "AdminNetworkPolicy"),
    ("policy.networking.k8s.io", "BaselineAdminNetworkPolicy"),
    ("policy.networking.k8s.io", "ClusterNetworkPolicy"),
    ("crd.antrea.io", "ClusterNetworkPolicy"),
)
OPEN = {  # directions, and what is wrong where no policy denies one
    "Ingress": "no policy denies ingress of all pods by default",
    "Egress": "no policy denies egress of all pods by default",
}


def pod_unselected(workload: Entry, inventory: Inventory, _: Check) -> Answer:
    """What makes pods that no NetworkPolicy selects."""
    if _other_policies(*home(workload), inventory) or at(workload.object, *pod_path(workload), "spec", "hostNetwork"):
        return None  # pods on the node's network are beyond any policy, which is a check of its own
    selected = inventory.joins.covered(*home(workload), GROUP, KIND, pod_selector)
    if id(workload) in selected:
        return ()
    return [Fault("no network policy selects the pod", (*pod_path(workload), "metadata", "labels"))]


def namespace_without_default_deny(entry: Entry, inventory: Inventory, _: Check) -> Answer:
    """A namespace in which no policy denies what is not allowed, for all pods, in one of the directions."""
    home = entry.origin.target, inventory.joins.namespace_told_by(entry)
    if not inventory.joins.workloads(*home) or _other_policies(*home, inventory):
        return None
    policies = inventory.joins.of_kind_in(*home, GROUP, KIND)
    whole = [policy for policy in policies if _selects_all(policy)]
    return [
        Fault(OPEN[direction], witness=direction, seen=_count(policies))
        for direction in OPEN
        if not any(direction in policy_types(policy) for policy in whole)
    ]


def policy_selects_nothing(policy: Entry, inventory: Inventory, _: Check) -> Answer:
    """A NetworkPolicy that selects none of the pods beside it."""
    if not inventory.joins.tells_pods(*home(policy)) or not pod_selector(policy):
        return None
    if inventory.joins.selected(*home(policy), pod_selector(policy)):
        return ()
    return [Fault("the policy selects no pod of its namespace", ("spec", "podSelector"))]


def peer_selects_nothing(policy: Entry, inventory: Inventory, _: Check) -> Answer:
    """A peer of a NetworkPolicy that selects none of the pods of its own namespace."""
    if not inventory.joins.tells_pods(*home(policy)):
        return None
    return _empty_peers(policy, inventory)


def pod_selector(policy: Entry) -> Any:
    """Return the selector of a policy's pods; a missing one selects all, as the API server reads it."""
    return map_at(policy.object, "spec", "podSelector")


def policy_types(policy: Entry) -> Sequence[str]:
    """Return the directions that a policy speaks of; where it does not say, as the API server fills in."""
    told = list_at(policy.object, "spec", "policyTypes")
    return told or (tuple(OPEN) if list_at(policy.object, "spec", "egress") else ("Ingress",))


def _selects_all(policy: Entry) -> bool:
    selector = pod_selector(policy)
    return not selector.get("matchLabels") and not selector.get("matchExpressions")


def _other_policies(target: str, namespace: str, inventory: Inventory) -> bool:
    joins = inventory.joins
    return any(joins.of_kind_in(target, namespace, *kind) for kind in OTHER_KINDS) or any(
        entry.origin.target == target for kind in OTHER_CLUSTER_KINDS for entry in inventory.of_kind(*kind)
    )


def _count(policies: Sequence[Entry]) -> str:
    return f"{len(policies)} network policies" if policies else "no network policy"


def _empty_peers(policy: Entry, inventory: Inventory) -> Iterator[Fault]:
    for direction, field in (("ingress", "from"), ("egress", "to")):
        for index, rule in maps_at(policy.object, "spec", direction):
            for number, peer in maps_at(rule, field):
                path: Path = ("spec", direction, index, field, number)
                if not _peer_exists(policy, peer, inventory):
                    witness = f"{direction}/{at(peer, 'podSelector')}/{at(peer, 'namespaceSelector')}"
                    yield Fault("the peer selects no pod that is there", path, witness)


def _peer_exists(policy: Entry, peer: dict[str, Any], inventory: Inventory) -> bool:
    """Tell whether a peer selects something, or may: namespaces that nobody told are not known to be empty."""
    pods, namespaces = peer.get("podSelector"), peer.get("namespaceSelector")
    if peer.get("ipBlock") is not None or (pods is None and namespaces is None):
        return True
    if namespaces is not None:
        told = inventory.joins.of_kind_in(policy.origin.target, "", "", "Namespace")
        holds = compile_selector(namespaces)
        found = [each.ref.name for each in told if holds(namespace_labels(each))]
        if not told or (found and not pods):
            return True
        if not found:
            return not _is_whole(told)
    else:
        found = [home(policy)[1]]
    joins, target = inventory.joins, policy.origin.target
    known = [name for name in found if joins.tells_pods(target, name)]
    return len(known) < len(found) or any(joins.selected(target, name, pods or {}) for name in known)


def namespace_labels(namespace: Entry) -> dict[str, str]:
    """Return the labels of a Namespace, with the one that the API server adds."""
    return {"kubernetes.io/metadata.name": namespace.ref.name, **namespace.labels}


def _is_whole(told: Sequence[Entry]) -> bool:
    """Tell whether a target tells all namespaces there are: those of the cluster's own are among them."""
    return any(each.ref.name == "kube-system" for each in told)
