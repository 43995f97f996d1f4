"""Which fields differ, and what is no difference."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transom.inventory.fields import MISSING, differences

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["name", "spec", "a", "port"]), inner, max_size=4)
    ),
    max_leaves=30,
)


def deployment(**spec: Any) -> dict[str, Any]:
    containers = spec.pop("containers", [{"name": "app", "image": "app:1"}])
    pod = {"containers": containers, **spec}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"template": {"spec": pod}},
    }


def told(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    group = before["apiVersion"].rpartition("/")[0]
    return [(each.text, each.before, each.after) for each in differences(before, after, group, before["kind"])]


POD = "spec.template.spec"


def test_a_changed_field_is_told_with_its_path_and_both_values() -> None:
    after = deployment(containers=[{"name": "app", "image": "app:2"}])
    assert told(deployment(), after) == [(f"{POD}.containers[name=app].image", "app:1", "app:2")]


def test_a_container_inserted_before_others_is_one_difference() -> None:
    proxy = {"name": "proxy", "image": "proxy:1"}
    after = deployment(containers=[proxy, {"name": "app", "image": "app:1"}])
    assert told(deployment(), after) == [(f"{POD}.containers[name=proxy]", MISSING, proxy)]


def test_containers_in_another_order_are_the_same() -> None:
    two = [{"name": "a", "image": "a:1"}, {"name": "b", "image": "b:1"}]
    assert told(deployment(containers=two), deployment(containers=two[::-1])) == []


def test_init_containers_in_another_order_are_not_the_same() -> None:
    two = [{"name": "a", "image": "a:1"}, {"name": "b", "image": "b:1"}]
    ((path, before, after),) = told(deployment(initContainers=two), deployment(initContainers=two[::-1]))
    assert (path, before, after) == (f"{POD}.initContainers", ["a", "b"], ["b", "a"])


def test_words_of_a_command_are_one_value() -> None:
    before = deployment(containers=[{"name": "app", "image": "a:1", "args": ["a", "b"]}])
    after = deployment(containers=[{"name": "app", "image": "a:1", "args": ["b", "a"]}])
    assert told(before, after) == [(f"{POD}.containers[name=app].args", ["a", "b"], ["b", "a"])]


def test_a_set_tells_its_elements_that_came_and_went() -> None:
    def with_added(*names: str) -> dict[str, Any]:
        context = {"capabilities": {"add": list(names)}}
        return deployment(containers=[{"name": "app", "image": "a:1", "securityContext": context}])

    path = f"{POD}.containers[name=app].securityContext.capabilities.add[]"
    assert told(with_added("A", "B"), with_added("B", "C")) == [(path, "A", MISSING), (path, MISSING, "C")]


@pytest.mark.parametrize(
    ("field", "value"),
    [("hostNetwork", False), ("restartPolicy", "Always"), ("securityContext", {}), ("serviceAccountName", "default")],
)
def test_a_default_that_is_written_is_no_difference(field: str, value: Any) -> None:
    assert told(deployment(), deployment(**{field: value})) == []


def test_a_default_that_is_changed_is_told_with_the_default() -> None:
    assert told(deployment(), deployment(hostNetwork=True)) == [(f"{POD}.hostNetwork", False, True)]


def test_amounts_are_compared_by_what_they_mean() -> None:
    def limited(memory: Any) -> dict[str, Any]:
        return deployment(
            containers=[{"name": "app", "image": "a:1", "resources": {"limits": {"memory": memory, "cpu": 1}}}]
        )

    assert told(limited("1Gi"), limited("1024Mi")) == []
    assert [path for path, _, _ in told(limited("1Gi"), limited("2Gi"))] == [
        f"{POD}.containers[name=app].resources.limits.memory",
        f"{POD}.containers[name=app].resources.requests.memory",
    ]


def test_a_selector_of_everything_is_not_the_same_as_none() -> None:
    def policy(peer: dict[str, Any]) -> dict[str, Any]:
        spec = {"podSelector": {}, "ingress": [{"from": [peer]}]}
        return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "a"}, "spec": spec}

    before, after = policy({"podSelector": {}}), policy({"podSelector": {}, "namespaceSelector": {}})
    assert told(before, after) == [("spec.ingress[0].from[0].namespaceSelector", MISSING, {})]


def test_what_the_server_keeps_of_its_own_is_no_difference() -> None:
    after = deployment()
    after["metadata"] |= {"uid": "1", "resourceVersion": "7", "managedFields": [{}], "creationTimestamp": "now"}
    after["metadata"]["annotations"] = {"kubectl.kubernetes.io/last-applied-configuration": "{}"}
    after["status"] = {"replicas": 1}
    assert told(deployment(), after) == []


def test_replicas_are_told_apart_as_a_matter_of_operation() -> None:
    after = deployment()
    after["spec"]["replicas"] = 5
    (found,) = differences(deployment(), after, "apps", "Deployment")
    assert not found.security


def test_lists_of_custom_resources_keep_their_order() -> None:
    def made(*hosts: str) -> dict[str, Any]:
        return {"apiVersion": "example.com/v1", "kind": "Route", "spec": {"hosts": list(hosts)}}

    assert told(made("a", "b"), made("b", "a")) == [("spec.hosts", ["a", "b"], ["b", "a"])]


def test_rules_without_names_are_matched_by_what_they_say() -> None:
    first, second = ({"apiGroups": [""], "resources": [kind], "verbs": ["get"]} for kind in ("pods", "secrets"))

    def role(*rules: dict[str, Any]) -> dict[str, Any]:
        return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "rules": list(rules)}

    assert told(role(first, second), role(second, first)) == []
    assert told(role(first), role(second, first)) == [("rules[0]", MISSING, second)]


def test_many_alike_elements_take_no_more_time_than_their_limit() -> None:
    nested: Any = [{"a": 1}]
    for depth in range(3):
        nested = [{"a": copy.copy(nested), "b": depth * 100 + index} for index in range(60)]
    other = [{**each, "b": -1} for each in nested]
    before, after = ({"apiVersion": "v1", "kind": "Service", "spec": {"odd": value}} for value in (nested, other))
    assert told(before, after)


@given(JSON)
def test_a_value_differs_in_nothing_from_itself(value: Any) -> None:
    before = {"apiVersion": "v1", "kind": "Pod", "spec": value}
    assert told(before, copy.deepcopy(before)) == []


@given(JSON, JSON)
def test_differences_are_the_same_from_both_sides(one: Any, other: Any) -> None:
    before, after = ({"apiVersion": "v1", "kind": "Pod", "spec": value} for value in (one, other))
    assert bool(told(before, after)) == bool(told(after, before))
