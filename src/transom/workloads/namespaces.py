"""What each namespace should have, judged once for each: bounds on what it may take, and a policy that decides."""

from __future__ import annotations

from transom.inventory import Entry, Inventory
from transom.rules.check import Answer, Check, Fault

ENFORCED = "pod-security.kubernetes.io/enforce"
BOUNDS = (
    ("ResourceQuota", "no ResourceQuota bounds what the namespace takes"),
    ("LimitRange", "no LimitRange bounds what one container takes"),
)
ENGINES = (  # group, kind: what decides about pods where no level is enforced
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"),
    ("kyverno.io", "ClusterPolicy"),
    ("policies.kyverno.io", "ValidatingPolicy"),
    ("policies.kubewarden.io", "ClusterAdmissionPolicy"),
    ("templates.gatekeeper.sh", "ConstraintTemplate"),
)
LOCAL_ENGINES = (("kyverno.io", "Policy"), ("policies.kubewarden.io", "AdmissionPolicy"))
SYSTEM = frozenset(("kube-system", "kube-public", "kube-node-lease"))
"""Namespaces of the cluster's own, which must not be bounded, and whose pods need what a level forbids."""


def unbounded(entry: Entry, inventory: Inventory, _: Check) -> Answer:
    """A namespace without quota, or without bounds for one container."""
    namespace = inventory.joins.namespace_told_by(entry)
    here = entry.origin.target, namespace
    if namespace in SYSTEM or not inventory.joins.workloads(*here):
        return None
    return [
        Fault(told, witness=kind, seen=f"no {kind}")
        for kind, told in BOUNDS
        if not inventory.joins.of_kind_in(*here, "", kind)
    ]


def undecided(entry: Entry, inventory: Inventory, _: Check) -> Answer:
    """A namespace in which neither Pod Security nor any policy decides what a pod may be."""
    namespace = inventory.joins.namespace_told_by(entry)
    if entry.ref.kind != "Namespace" or namespace in SYSTEM:
        return None  # its labels are not told
    if entry.labels.get(ENFORCED) in ("baseline", "restricted"):
        return ()
    target, joins = entry.origin.target, inventory.joins
    if any(joins.of_kind_in(target, namespace, *kind) for kind in LOCAL_ENGINES):
        return ()
    if any(each.origin.target == target for kind in ENGINES for each in inventory.of_kind(*kind)):
        return ()
    return [Fault("neither Pod Security nor a policy decides what its pods may be", ("metadata", "labels"))]
