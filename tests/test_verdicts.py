"""After each change the verdicts that are kept are those of a fresh scan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from transom.inventory import Inventory
from transom.inventory.live import Change, LiveInventory, Standing
from transom.inventory.selection import Selection
from transom.model.clusters import ClusterFacts
from transom.model.findings import Accepted, Finding, Skipped
from transom.rules.load import builtin_pack
from transom.scan import ScanOptions, scan
from transom.verdicts import Verdicts, _identity
from transom.workloads.pod_security import PodSecurity

PACK = builtin_pack((1, 36))
ALL = ScanOptions(policies=PACK.policies, checks=PACK.checks, problems=PACK.problems)
VERSIONS = {
    "Deployment": "apps/v1",
    "ReplicaSet": "apps/v1",
    "NetworkPolicy": "networking.k8s.io/v1",
    "Ingress": "networking.k8s.io/v1",
    "Rollout": "example.com/v1",
    **dict.fromkeys(("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"), "rbac.authorization.k8s.io/v1"),
}
NAMES, LABELS, SPACES = ("a", "b"), ("web", "db"), ("shop", "shop", "shop", "till")
WIDE = ("Namespace", "ClusterRole", "ClusterRoleBinding")


def pod_spec(privileged: bool) -> dict[str, Any]:
    return {"containers": [{"name": "app", "image": "app:1", "securityContext": {"privileged": privileged}}]}


def made(kind: str, name: str, space: str, label: str, flag: bool, owner: str, allow: bool) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name, "labels": {"app": label}}
    if kind not in WIDE:
        metadata["namespace"] = space
    if owner:
        above = {"apiVersion": VERSIONS[owner], "kind": owner, "name": name, "controller": True}
        metadata["ownerReferences"] = [above]
    if allow:
        metadata["annotations"] = {"transom.dev/allow": "privileged-container it drives a device"}
    return {"apiVersion": VERSIONS.get(kind, "v1"), "kind": kind, "metadata": metadata, **body(kind, label, flag)}


def body(kind: str, label: str, flag: bool) -> dict[str, Any]:
    match = {"matchLabels": {"app": label}}
    if kind == "Pod":
        return {"spec": pod_spec(flag)}
    if kind in ("Deployment", "ReplicaSet", "Rollout"):
        template = {"metadata": {"labels": {"app": label}}, "spec": pod_spec(flag)}
        return {"spec": {"selector": match, "template": template}}
    if kind == "Service":
        return {"spec": {"selector": {"app": label}, "ports": [{"port": 80 + flag}]}}
    if kind == "NetworkPolicy":
        peer = {"podSelector": match, **({"namespaceSelector": match} if flag else {})}
        return {"spec": {"podSelector": {} if flag else match, "ingress": [{"from": [peer]}]}}
    if kind == "Ingress":
        backend = {"service": {"name": "a", "port": {"number": 80}}}
        return {
            "spec": {"rules": [{"host": f"{label}.example", "http": {"paths": [{"path": "/", "backend": backend}]}}]}
        }
    if kind == "ServiceAccount":
        return {"automountServiceAccountToken": flag}
    if kind in ("Role", "ClusterRole"):
        return {"rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["*" if flag else "get"]}]}
    if kind in ("RoleBinding", "ClusterRoleBinding"):
        role = {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": "cluster-admin" if flag else "view",
        }
        return {"roleRef": role, "subjects": [{"kind": "ServiceAccount", "name": label}]}
    return {}


def change(value: dict[str, Any], present: bool = True) -> Change:
    metadata = value["metadata"]
    group = value["apiVersion"].rpartition("/")[0]
    key = (group, value["kind"], metadata.get("namespace", ""), metadata["name"])
    return Change(key, value if present else None)


KINDS = (
    *("Pod", "Pod", "Pod", "Deployment", "ReplicaSet", "ReplicaSet", "Rollout", "Service", "Endpoints", "Ingress"),
    *("NetworkPolicy", "Namespace", "ServiceAccount", "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"),
)
OBJECTS = st.builds(
    made,
    st.sampled_from(KINDS),
    st.sampled_from(NAMES),
    st.sampled_from(SPACES),
    st.sampled_from(LABELS),
    st.booleans(),
    st.sampled_from(("", "", "ReplicaSet", "ReplicaSet", "Deployment", "Rollout")),
    st.sampled_from((False, False, False, True)),
)
CHANGES = st.builds(change, OBJECTS, st.sampled_from((True, True, False)))
STANDINGS = st.builds(
    lambda kind, synced: Standing(*kind, synced),
    st.sampled_from((("", "Service"), ("", "Pod"), ("networking.k8s.io", "NetworkPolicy"), ("apps", "ReplicaSet"))),
    st.booleans(),
)
BATCHES = st.lists(st.lists(st.one_of(CHANGES, CHANGES, CHANGES, STANDINGS), min_size=1, max_size=5), max_size=6)


def fresh(options: ScanOptions, inventory: Inventory) -> set[tuple[str, ...]]:
    copy = Inventory()
    copy.clusters.update(inventory.clusters)
    for entry in inventory.entries():
        copy.add(entry.object, entry.origin)
    found = scan([], options, copy)
    return {_identity(each) for each in found if isinstance(each, Finding | Accepted | Skipped)}


class Kept:
    """An inventory and its verdicts, and what turns add up to."""

    def __init__(self, options: ScanOptions, live: bool = False) -> None:
        self.live = LiveInventory(Inventory(), "cluster")
        if live:
            self.live.inventory.clusters["cluster"] = ClusterFacts("cluster", "v1.36.0")
        self.verdicts = Verdicts(options, self.live.inventory)
        self.told: set[tuple[str, ...]] = set()

    def digest(self, changes: Sequence[Change | Standing]) -> None:
        for turn in self.verdicts.digest(self.live.apply(changes)):
            (self.told.add if turn.appeared else self.told.remove)(_identity(turn.verdict))

    def rules(self) -> Iterator[str]:
        return (each.rule for each in self.verdicts if isinstance(each, Finding))


OPTIONS = {
    "all": ALL,
    "a namespace": ScanOptions(policies=PACK.policies, checks=PACK.checks, selection=Selection(namespace="shop")),
    "some windows": ScanOptions(
        policies=PACK.policies, checks=PACK.checks, exceptions=False, windows=("network", "workloads")
    ),
    "Pod Security": ScanOptions(pod_security=PodSecurity.parse("baseline")),
}


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("live", [False, True], ids=["files", "a live cluster"])
@given(batches=BATCHES)
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
def test_verdicts_equal_those_of_a_fresh_scan(name: str, live: bool, batches: list[list[Change | Standing]]) -> None:
    options = OPTIONS[name]
    kept = Kept(options, live)
    for batch in batches:
        kept.digest(batch)
        expected = fresh(options, kept.live.inventory)
        assert {_identity(each) for each in kept.verdicts} == expected
        assert kept.told == expected


def test_a_finding_vanishes_with_what_was_wrong() -> None:
    kept = Kept(ALL)
    kept.digest([change(made("Pod", "a", "shop", "web", True, "", False))])
    assert "privileged-container" in kept.rules()
    kept.digest([change(made("Pod", "a", "shop", "web", False, "", False))])
    assert "privileged-container" not in kept.rules()


def test_nothing_is_kept_of_objects_that_are_gone() -> None:
    kept = Kept(ALL)
    objects = [
        made(kind, "a", "shop", "web", True, "", True) for kind in ("Pod", "Service", "Namespace", "NetworkPolicy")
    ]
    kept.digest([change(each) for each in objects])
    kept.digest([change(each, False) for each in objects])
    verdicts = kept.verdicts
    left = (verdicts._of_entry, verdicts._accepting, verdicts._controlled, verdicts._through, verdicts._held)
    assert not any(left)
    assert not kept.told


def test_a_change_of_a_pod_that_its_controller_speaks_for_asks_no_join() -> None:
    kept = Kept(ALL)
    kept.digest(
        [
            change(made("ReplicaSet", "a", "shop", "web", False, "", False)),
            change(made("Pod", "a", "shop", "web", False, "ReplicaSet", False)),
        ]
    )
    asked: list[object] = []
    kept.verdicts._judge_by_checks = lambda *given: asked.append(given)  # type: ignore[method-assign]
    kept.digest([change(made("Pod", "a", "shop", "db", True, "ReplicaSet", False))])
    assert asked == []
    kept.digest([change(made("Service", "a", "shop", "db", True, "", False))])
    assert len(asked) == 1
