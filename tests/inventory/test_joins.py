"""Joins lead from pods' labels, names and namespaces to objects of the same target, and never out of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transom.inventory import Entry, Inventory, Origin
from transom.inventory.joins import pod_labels
from transom.kube.selectors import SelectorError, matches
from transom.model.clusters import ClusterFacts

LABELS = st.dictionaries(st.sampled_from("abc"), st.sampled_from(("1", "2")), max_size=3)
TERM = st.one_of(
    st.fixed_dictionaries(
        {
            "key": st.sampled_from("abc"),
            "operator": st.sampled_from(("In", "NotIn")),
            "values": st.lists(st.sampled_from(("1", "2")), min_size=1),
        }
    ),
    st.fixed_dictionaries({"key": st.sampled_from("abc"), "operator": st.sampled_from(("Exists", "DoesNotExist"))}),
)
SELECTOR = st.none() | st.fixed_dictionaries({}, optional={"matchLabels": LABELS, "matchExpressions": st.lists(TERM)})


def thing(kind: str, name: str, namespace: str = "shop", **fields: Any) -> dict[str, Any]:
    version = {"Deployment": "apps/v1", "ReplicaSet": "apps/v1"}.get(kind, "v1")
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": namespace}, **fields}


def deployment(name: str, labels: dict[str, str], namespace: str = "shop") -> dict[str, Any]:
    return thing("Deployment", name, namespace, spec={"template": {"metadata": {"labels": labels}}})


def filled(*values: dict[str, Any], target: str = "here") -> tuple[Inventory, list[Entry]]:
    inventory = Inventory()
    return inventory, [inventory.add(value, Origin(target)) for value in values]


@given(st.lists(LABELS, max_size=6), SELECTOR)
def test_the_index_selects_what_a_walk_over_all_pods_selects(pods: list[dict[str, str]], selector: Any) -> None:
    inventory, entries = filled(*(deployment(str(number), labels) for number, labels in enumerate(pods)))
    found = list(inventory.joins.selected("here", "shop", selector))
    assert found == [entry for entry in entries if matches(selector, pod_labels(entry))]


def test_pods_of_another_namespace_or_target_are_not_selected() -> None:
    inventory, _ = filled(deployment("a", {"app": "web"}, "other"))
    inventory.add(deployment("b", {"app": "web"}), Origin("there"))
    assert not inventory.joins.selected("here", "shop", {"matchLabels": {"app": "web"}})


def test_a_selector_that_the_api_server_refuses_is_an_error() -> None:
    inventory, _ = filled(deployment("a", {"app": "web"}))
    with pytest.raises(SelectorError):
        inventory.joins.selected("here", "shop", {"matchExpressions": [{"key": "app", "operator": "Like"}]})


def test_what_a_controller_of_the_same_target_makes_is_no_workload_of_its_own() -> None:
    above = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "controller": True}
    owned = thing("ReplicaSet", "web-1", spec={"template": {}})
    owned["metadata"]["ownerReferences"] = [above]
    inventory, (web, replica) = filled(deployment("web", {}), owned)
    assert inventory.joins.workloads("here", "shop") == [web]
    assert not inventory.joins.makes_pods(replica)


def test_an_object_that_names_no_namespace_is_joined_as_one_of_default() -> None:
    nameless = thing("ConfigMap", "settings")
    del nameless["metadata"]["namespace"]
    inventory, (settings, web) = filled(nameless, deployment("web", {}, "default"))
    assert inventory.joins.named(web, "", "ConfigMap", "settings") is settings


def test_a_namespace_is_told_once_by_its_object_or_else_by_its_first_workload() -> None:
    inventory, entries = filled(
        deployment("a", {}, "shop"),
        deployment("b", {}, "shop"),
        deployment("c", {}, "told"),
        thing("Namespace", "told"),
    )
    assert [inventory.joins.namespace_told_by(entry) for entry in entries] == ["shop", "", "", "told"]


def test_no_namespace_is_told_by_what_names_none() -> None:
    nameless = deployment("a", {})
    del nameless["metadata"]["namespace"]
    inventory, (entry,) = filled(nameless)
    assert inventory.joins.namespace_told_by(entry) == ""


def test_joins_see_what_is_added_later() -> None:
    inventory, _ = filled(deployment("a", {"app": "web"}))
    assert len(inventory.joins.selected("here", "shop", {})) == 1
    inventory.add(deployment("b", {"app": "web"}), Origin("here"))
    assert len(inventory.joins.selected("here", "shop", {})) == 2


def test_files_tell_a_kind_whole_where_they_tell_any_of_it() -> None:
    inventory, _ = filled(thing("Service", "web"))
    assert inventory.joins.tells("here", "shop", "", "Service")
    assert not inventory.joins.tells("here", "shop", "", "ServiceAccount")
    assert not inventory.joins.tells_pods("here", "shop")


def test_a_cluster_tells_every_kind_but_secrets_that_nobody_asked_for() -> None:
    inventory, _ = filled(thing("Service", "web"))
    inventory.clusters["here"] = ClusterFacts("here", "v1.36.0")
    assert inventory.joins.tells("here", "other", "", "ServiceAccount")
    assert inventory.joins.tells_pods("here", "other")
    assert not inventory.joins.tells("here", "shop", "", "Secret")


def test_of_one_namespace_of_a_cluster_the_others_are_not_told() -> None:
    inventory, _ = filled(thing("Service", "web"))
    inventory.clusters["here"] = ClusterFacts("here", "v1.36.0", namespace="shop")
    assert inventory.joins.tells("here", "shop", "", "ServiceAccount")
    assert not inventory.joins.tells("here", "other", "", "ServiceAccount")
