"""Pods that custom kinds make are never passed over in silence."""

from __future__ import annotations

import pytest

from transom.inventory import Inventory, Origin
from transom.rules.custom import template_in, unseen_pods
from transom.rules.load import builtin_pack

CONTAINERS = [{"name": "app", "image": "example.com/app:1"}]


def clone_set(**spec):
    metadata = {"name": "web", "namespace": "shop"}
    return {"apiVersion": "apps.kruise.io/v1alpha1", "kind": "CloneSet", "metadata": metadata, "spec": spec}


@pytest.fixture
def told():
    pack = builtin_pack()

    def told(*objects, policies=pack.policies):
        inventory = Inventory()
        for value in objects:
            inventory.add(value, Origin("x.yaml", "x.yaml"))
        return list(unseen_pods(policies, inventory, inventory.entries()))

    return told


def test_a_pod_template_in_a_custom_kind_is_skipped_with_its_place(told):
    (skipped,) = told(clone_set(template={"spec": {"containers": CONTAINERS}}))
    assert skipped.ref.short == "shop/CloneSet/web"
    assert skipped.locator.path == "spec.template.spec"
    assert skipped.next_step


def test_where_its_workload_was_told_too_it_is_judged_through_that(told):
    owner = {"apiVersion": "apps.kruise.io/v1alpha1", "kind": "CloneSet", "name": "web", "controller": True}
    made = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {"name": "web-1", "namespace": "shop", "ownerReferences": [owner]},
        "spec": {"template": {"spec": {"containers": CONTAINERS}}},
    }
    assert told(clone_set(template={"spec": {"containers": CONTAINERS}}), made) == []


def test_without_rules_about_pods_nothing_is_missed(told):
    assert told(clone_set(template={"spec": {"containers": CONTAINERS}}), policies=()) == []


@pytest.mark.parametrize("value", ["x", [], [1], [{"name": "a"}], [{"name": "a", "image": {}}], {"name": "a"}, None])
def test_what_only_looks_like_containers_is_none(value):
    assert template_in(clone_set(template={"spec": {"containers": value}})) is None


def test_of_what_is_nested_without_end_only_the_top_is_looked_at():
    value = {"containers": CONTAINERS}
    for _ in range(100):
        value = {"x": value}
    assert template_in(value) is None
