"""Service accounts, roles and bindings beside each other: what is named and not there, and what is shared."""

from __future__ import annotations

from transom.inventory import Entry, Inventory
from transom.inventory.joins import home, pod_path, same
from transom.kube.reading import map_at, maps_at, text_at
from transom.model.places import Path
from transom.rules.check import Answer, Check, Fault

RBAC = "rbac.authorization.k8s.io"
DEFAULT = "default"
"""The account that every namespace has."""

ALWAYS_THERE = frozenset(("admin", "cluster-admin", "edit", "view"))
"""ClusterRoles that every cluster has, beside those that begin with `system:`."""


def account_missing(workload: Entry, inventory: Inventory, _: Check) -> Answer:
    """A workload that runs as a service account which is not there."""
    name, path = account_of(workload)
    if name == DEFAULT or not inventory.joins.tells_beside(workload, "", "ServiceAccount"):
        return None
    if inventory.joins.named(workload, "", "ServiceAccount", name) is not None:
        return ()
    return [Fault(f"there is no service account {name}", path)]


def account_shared(workload: Entry, inventory: Inventory, _: Check) -> Answer:
    """A workload that runs as the service account of another one."""
    name, path = account_of(workload)
    if name == DEFAULT:
        return None
    first, where = inventory.joins.first_maker(workload, account_of)
    if same(first, workload):
        return ()
    told = f"it runs as service account {name}, as {first.ref.kind} {first.ref.name} does"
    return [Fault(told, path, beside=((first, where),))]


def role_missing(binding: Entry, inventory: Inventory, _: Check) -> Answer:
    """A binding of a role that is not there."""
    reference = map_at(binding.object, "roleRef")
    kind, name = text_at(reference, "kind"), text_at(reference, "name")
    if kind == "ClusterRole" and (name in ALWAYS_THERE or name.startswith("system:")):
        return ()
    namespace = "" if kind == "ClusterRole" else home(binding)[1]
    if not inventory.joins.tells(binding.origin.target, namespace, RBAC, kind):
        return None
    if inventory.joins.named(binding, RBAC, kind, name) is not None:
        return ()
    return [Fault(f"there is no {kind} {name}", ("roleRef", "name"))]


def bound_account_missing(binding: Entry, inventory: Inventory, _: Check) -> Answer:
    """A binding to a service account that is not there."""
    judged, faults = False, []
    for index, subject in maps_at(binding.object, "subjects"):
        name = text_at(subject, "name")
        namespace = text_at(subject, "namespace") or home(binding)[1]
        if subject.get("kind") != "ServiceAccount" or name == DEFAULT:
            continue
        if not inventory.joins.tells(binding.origin.target, namespace, "", "ServiceAccount"):
            continue
        judged = True
        if inventory.joins.named_in(binding.origin.target, namespace, "", "ServiceAccount", name) is None:
            told = f"there is no service account {name} in namespace {namespace}"
            faults.append(Fault(told, ("subjects", index, "name"), f"{namespace}/{name}"))
    return faults if judged else None


def account_of(workload: Entry) -> tuple[str, Path]:
    """Return the service account that an entry's pods run as, and where that is said."""
    spec = (*pod_path(workload), "spec")
    for field in ("serviceAccountName", "serviceAccount"):
        name = text_at(workload.object, *spec, field)
        if name:
            return name, (*spec, field)
    return DEFAULT, spec
