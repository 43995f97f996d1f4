"""Roles and bindings are read as the API server decodes and validates them."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transom.kube.authorizer import Authorizer, Question, User, implied, read_policy
from transom.kube.authorizer.defaults import default_policy
from transom.kube.authorizer.policy import RefusedError, read_object

RBAC = "rbac.authorization.k8s.io/v1"
PODS = {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}


def role(name: str = "r", **more: Any) -> dict[str, Any]:
    return {"apiVersion": RBAC, "kind": "ClusterRole", "metadata": {"name": name}, "rules": [PODS], **more}


def binding(kind: str = "ClusterRoleBinding", **more: Any) -> dict[str, Any]:
    metadata = {"name": "b", **({"namespace": "shop"} if kind == "RoleBinding" else {})}
    reference = {"kind": "ClusterRole", "name": "r"}
    subjects = [{"kind": "ServiceAccount", "name": "web", "namespace": "shop"}]
    return {"apiVersion": RBAC, "kind": kind, "metadata": metadata, "roleRef": reference, "subjects": subjects, **more}


WEB = implied("system:serviceaccount:shop:web")


def allows(objects: list[dict[str, Any]], namespace: str, user: User = WEB) -> bool:
    policy, _ = read_policy(objects)
    return Authorizer(policy.aggregated()).allows(user, Question("get", resource="pods", namespace=namespace))


def test_cluster_role_binding_holds_everywhere() -> None:
    assert allows([role(), binding()], "other") and allows([role(), binding()], "")


def test_role_binding_to_a_cluster_role_holds_in_its_namespace_only() -> None:
    objects = [role(), binding("RoleBinding")]
    assert allows(objects, "shop") and not allows(objects, "other") and not allows(objects, "")


def test_role_binding_gives_no_urls() -> None:
    urls = role(rules=[{"verbs": ["get"], "nonResourceURLs": ["*"]}])
    policy, _ = read_policy([urls, binding("RoleBinding")])
    assert not Authorizer(policy).allows(WEB, Question("get", path="/metrics"))


def test_account_without_namespace_is_that_of_the_binding() -> None:
    assert allows([role(), binding("RoleBinding", subjects=[{"kind": "ServiceAccount", "name": "web"}])], "shop")


def test_user_of_an_accounts_name_is_that_account() -> None:
    subjects = [{"kind": "User", "name": WEB.name, "apiGroup": "rbac.authorization.k8s.io"}]
    assert allows([role(), binding(subjects=subjects)], "shop")


def test_binding_to_nothing_gives_nothing_until_the_role_is_there() -> None:
    assert not allows([binding()], "shop")
    policy, _ = read_policy([binding()])
    decision = Authorizer(policy).decide(WEB, Question("get", resource="pods"))
    assert decision.reason == 'RBAC: clusterrole.rbac.authorization.k8s.io "r" not found'


def test_stale_rules_of_an_aggregated_role_are_not_trusted() -> None:
    selector = {"clusterRoleSelectors": [{"matchLabels": {"into": "r"}}]}
    part = {**role("part"), "metadata": {"name": "part", "labels": {"into": "r"}}}
    assert not allows([role(aggregationRule=selector), binding()], "shop")
    assert allows([role(aggregationRule=selector, rules=None), part, binding()], "shop")


def test_roles_that_aggregate_each_other_come_to_an_end() -> None:
    def into(name: str, label: str, selected: str) -> dict[str, Any]:
        selector = {"clusterRoleSelectors": [{"matchLabels": {"is": selected}}]}
        return {**role(name, aggregationRule=selector), "metadata": {"name": name, "labels": {"is": label}}}

    part = {**role("part"), "metadata": {"name": "part", "labels": {"is": "y"}}}
    assert allows([into("r", "x", "y"), into("s", "y", "x"), part, binding()], "shop")


def test_default_roles_hold_what_their_labels_gather() -> None:
    rules = default_policy().roles["", "admin"].rules
    assert any("secrets" in rule.resources and "get" in rule.verbs for rule in rules)


REFUSED = [
    (role(rules=[{**PODS, "verbs": []}]), "has no verbs"),
    (role(rules=[{"verbs": ["get"], "resources": ["pods"]}]), "has no apiGroups"),
    (role(rules=[{"verbs": ["get"], "apiGroups": [""]}]), "has no resources"),
    (role(rules=[{**PODS, "nonResourceURLs": ["/x"]}]), "both resources and nonResourceURLs"),
    (role(rules=[{**PODS, "verbs": "get"}]), "Expected `array | null`"),
    (role(rules={"verbs": ["get"]}), "Expected `array | null`"),
    (role(metadata={}), "metadata.name is missing"),
    (role(metadata={"name": "a/b"}), "no segment of a path"),
    (role(aggregationRule={}), "no clusterRoleSelectors"),
    (role(aggregationRule={"clusterRoleSelectors": [{"matchLabels": {"a b": "c"}}]}), "is no label key"),
    ({**role(), "kind": "Role", "rules": [{"verbs": ["get"], "nonResourceURLs": ["/x"]}]}, "only a ClusterRole"),
    ({**role(), "apiVersion": "rbac.authorization.k8s.io/v1alpha1"}, "not served"),
    (binding(roleRef={"kind": "Role", "name": "r"}), "cannot be bound here"),
    (binding(roleRef={"kind": "ClusterRole"}), "roleRef.name is missing"),
    (binding(roleRef={"apiGroup": "example.com", "kind": "ClusterRole", "name": "r"}), "roleRef.apiGroup"),
    (binding(subjects=[{"kind": "ServiceAccount", "name": "web"}]), "needs a namespace"),
    (binding(subjects=[{"kind": "ServiceAccount", "name": "Web", "namespace": "x"}]), "no name of a service account"),
    (binding(subjects=[{"kind": "Robot", "name": "r"}]), "no kind of subject"),
    (binding(subjects=[{"kind": "User"}]), "has no name"),
    (binding(subjects=[{"kind": "User", "name": "u", "apiGroup": "x"}]), "apiGroup is not"),
]


@pytest.mark.parametrize(("value", "reason"), REFUSED)
def test_what_the_api_server_refuses_is_told_and_gives_nothing(value: dict[str, Any], reason: str) -> None:
    policy, refused = read_policy([value])
    assert not policy.roles and not policy.bindings
    assert reason in refused[0][1]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(("name", "rules", "verbs", "kind", "subjects", "metadata")), inner, max_size=3
        )
    ),
    max_leaves=10,
)


@given(st.sampled_from(("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")), _JSON, _JSON, _JSON)
def test_no_object_makes_the_reader_fail(kind: str, metadata: Any, rules: Any, subjects: Any) -> None:
    value = {"apiVersion": RBAC, "kind": kind, "metadata": metadata, "rules": rules, "subjects": subjects}
    with contextlib.suppress(RefusedError):
        read_object({**value, "roleRef": metadata, "aggregationRule": rules})
