"""The authorizer of an inventory, and what keeps its answers from being whole."""

from __future__ import annotations

from typing import Any

import pytest

from transom.inventory import Inventory, Origin
from transom.inventory.authority import authority
from transom.kube.authorizer import Question, User, implied

RBAC = "rbac.authorization.k8s.io/v1"


def inventory(*objects: dict[str, Any]) -> Inventory:
    made = Inventory()
    for number, each in enumerate(objects):
        made.add(each, Origin("here", f"{number}.yaml"))
    return made


def role(verb: str, name: str = "r", **more: Any) -> dict[str, Any]:
    rules = [{"verbs": [verb], "apiGroups": [""], "resources": ["pods"]}]
    return {"apiVersion": RBAC, "kind": "ClusterRole", "metadata": {"name": name}, "rules": rules, **more}


def bound(role_name: str) -> dict[str, Any]:
    reference, subjects = {"kind": "ClusterRole", "name": role_name}, [{"kind": "User", "name": "alice"}]
    metadata = {"name": "b"}
    made = {"apiVersion": RBAC, "kind": "ClusterRoleBinding", "metadata": metadata}
    return {**made, "roleRef": reference, "subjects": subjects}


def test_default_roles_are_added_where_the_source_does_not_tell_them() -> None:
    found = authority(inventory(bound("view")))
    assert found.added
    assert found.authorizer.allows(User("alice"), Question("list", resource="pods"))
    assert not authority(inventory(bound("view")), defaults=False).authorizer.allows(
        User("alice"), Question("list", resource="pods")
    )


def test_a_source_that_tells_cluster_admin_tells_them_all() -> None:
    found = authority(inventory(role("get", "cluster-admin"), bound("view")))
    assert not found.added
    assert not found.authorizer.allows(User("alice"), Question("list", resource="pods"))


def test_what_is_told_twice_differently_is_skipped_and_the_last_is_taken() -> None:
    found = authority(inventory(role("get"), role("list"), bound("r")))
    assert [each.reason for each in found.skipped] == ["it is told twice, and differently; what 1.yaml says is taken"]
    assert found.authorizer.allows(User("alice"), Question("list", resource="pods"))
    assert not authority(inventory(role("get"), role("get"), bound("r"))).skipped


def test_stored_rules_of_aggregated_roles_are_taken_where_asked_for_and_told_where_stale() -> None:
    selector = {"clusterRoleSelectors": [{"matchLabels": {"into": "r"}}]}
    objects = inventory(role("get", aggregationRule=selector), bound("r"))
    assert authority(objects).stale == ["r"]
    question = Question("get", resource="pods")
    assert not authority(objects).authorizer.allows(User("alice"), question)
    assert authority(objects, stored=True).authorizer.allows(User("alice"), question)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "aws-auth", "namespace": "kube-system"}},
            "aws-auth",
        ),
        (
            {
                "apiVersion": "v1",
                "kind": "Node",
                "metadata": {"name": "n", "labels": {"kubernetes.azure.com/cluster": "c"}},
            },
            "Azure",
        ),
        (
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": "kube-apiserver-n", "namespace": "kube-system"},
                "spec": {"containers": [{"command": ["kube-apiserver", "--authorization-mode=Node,RBAC,Webhook"]}]},
            },
            "the authorizer Webhook",
        ),
    ],
)
def test_other_authorizers_make_the_answer_rbac_only(value: dict[str, Any], reason: str) -> None:
    (skipped,) = authority(inventory(value)).skipped
    assert skipped.reason.startswith("RBAC only: ") and reason in skipped.reason


def test_nodes_may_read_what_their_pods_need() -> None:
    spec = {"nodeName": "n1", "containers": [], "volumes": [{"name": "s", "secret": {"secretName": "db"}}]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "shop"}, "spec": spec}
    found = authority(inventory(pod)).authorizer
    asked = Question("get", resource="secrets", namespace="shop", name="db")
    assert found.allows(implied("system:node:n1"), asked)
    assert not found.allows(implied("system:node:n2"), asked)
