"""A small cluster, made of what a test names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from transom.inventory import Inventory, Origin
from transom.paths.attack import Field, field_of

RBAC = "rbac.authorization.k8s.io/v1"
Rule = tuple[str, str, str]
"""Verbs, group and resources, each separated by commas; names behind a colon of the resources."""


def rule(text: Rule) -> dict[str, Any]:
    verbs, group, resources = text
    resources, _, names = resources.partition(":")  # of the first colon: names may have others
    made: dict[str, Any] = {"verbs": verbs.split(","), "apiGroups": [group], "resources": resources.split(",")}
    return {**made, "resourceNames": names.split(",")} if names else made


class Cluster:
    """Objects of one cluster, added one after the other."""

    def __init__(self) -> None:
        self.objects: list[dict[str, Any]] = []

    def add(self, version: str, kind: str, name: str, namespace: str = "", **body: Any) -> Cluster:
        metadata = {"name": name, **({"namespace": namespace} if namespace else {}), **body.pop("metadata", {})}
        self.objects.append({"apiVersion": version, "kind": kind, "metadata": metadata, **body})
        return self

    def grant(self, subject: str, *rules: Rule, namespace: str = "") -> Cluster:
        """Give rules to `alice`, `group:devs` or `sa:shop/web`, in a namespace or everywhere."""
        name = f"role-{len(self.objects)}"
        self.add(RBAC, "ClusterRole", name, rules=[rule(each) for each in rules])
        kind = "RoleBinding" if namespace else "ClusterRoleBinding"
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}
        return self.add(RBAC, kind, f"binding-{name}", namespace, roleRef=reference, subjects=[_subject(subject)])

    def pod(self, name: str, namespace: str = "shop", account: str = "", **spec: Any) -> Cluster:
        body = {"containers": [{"name": "app", "image": "example.com/app:1"}], **spec}
        if account:
            body["serviceAccountName"] = account
        return self.add("v1", "Pod", name, namespace, spec=body, metadata={"labels": {"app": name}})

    def exposed(self, name: str, namespace: str = "shop") -> Cluster:
        spec = {"type": "LoadBalancer", "selector": {"app": name}, "ports": [{"port": 80}]}
        return self.add("v1", "Service", name, namespace, spec=spec)

    def inventory(self) -> Inventory:
        inventory = Inventory()
        for each in self.objects:
            inventory.add(each, Origin("cluster"))
        return inventory

    def field(self) -> Field:
        return field_of(self.inventory())


def _subject(text: str) -> dict[str, str]:
    kind, colon, name = text.partition(":")
    if colon and kind == "sa":
        namespace, _, account = name.partition("/")
        return {"kind": "ServiceAccount", "name": account, "namespace": namespace}
    return {"kind": "Group", "name": name} if colon else {"kind": "User", "name": text}


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
def primitives() -> Callable[..., Sequence[str] | None]:
    """Return how somebody gets to a jewel: the primitives of a shortest way; None for not at all."""
    from transom.paths.attack import named, story

    def ask(cluster: Cluster, entry: str, jewel: str = "admin") -> Sequence[str] | None:
        found = story(cluster.field(), [named(entry)], jewel)
        return [step.primitive for step in found.reached[0].listed[0]] if found.reached else None

    return ask
