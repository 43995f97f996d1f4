"""Entries, indexes and joins."""

from __future__ import annotations

import io
from typing import Any

import pytest

from transom.inventory import Inventory, Origin
from transom.inventory.files import fill_from_stream
from transom.inventory.selection import Selection
from transom.model.findings import NotApplicable, Skipped
from transom.model.refs import Ref

HERE = Origin("here", "here.yaml")
THERE = Origin("there", "there.yaml")


def thing(kind: str, name: str, namespace: str = "shop", api_version: str = "v1", **metadata: Any) -> dict[str, Any]:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {}), **metadata}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata}


def controlled_by(kind: str, name: str, api_version: str = "apps/v1") -> list[dict[str, Any]]:
    return [{"apiVersion": api_version, "kind": kind, "name": name, "controller": True, "uid": "1"}]


def test_the_same_object_from_two_targets_is_two_entries() -> None:
    inventory = Inventory()
    first = inventory.add(thing("Pod", "web"), HERE)
    second = inventory.add(thing("Pod", "web"), THERE)
    assert first.ref == second.ref
    assert list(inventory.with_ref(first.ref)) == [first, second]
    assert inventory.get("there", first.ref) is second


def test_joins_never_leave_the_target_in_which_they_start() -> None:
    inventory = Inventory()
    inventory.add(thing("Namespace", "shop", namespace=""), THERE)
    pod = inventory.add(thing("Pod", "web"), HERE)
    assert inventory.namespace(pod) is None
    own = inventory.add(thing("Namespace", "shop", namespace=""), HERE)
    assert inventory.namespace(pod) is own


def test_a_pod_is_owned_by_the_topmost_controller_that_is_named() -> None:
    inventory = Inventory()
    inventory.add(
        thing("ReplicaSet", "web-1", api_version="apps/v1", ownerReferences=controlled_by("Deployment", "web")), HERE
    )
    pod = inventory.add(thing("Pod", "web-1-x", ownerReferences=controlled_by("ReplicaSet", "web-1")), HERE)
    assert inventory.owner(pod) == Ref(group="apps", kind="Deployment", namespace="shop", name="web")


def test_owners_that_own_each_other_end_the_search() -> None:
    inventory = Inventory()
    inventory.add(
        thing("ReplicaSet", "a", api_version="apps/v1", ownerReferences=controlled_by("ReplicaSet", "b")), HERE
    )
    entry = inventory.add(
        thing("ReplicaSet", "b", api_version="apps/v1", ownerReferences=controlled_by("ReplicaSet", "a")), HERE
    )
    assert inventory.owner(entry).name == "a"


def test_a_static_pod_is_owned_by_its_node() -> None:
    inventory = Inventory()
    pod = inventory.add(thing("Pod", "etcd-n1", ownerReferences=controlled_by("Node", "n1", "v1")), HERE)
    assert inventory.owner(pod) == Ref(kind="Node", name="n1")


def test_labels_select_beside_an_entry_only() -> None:
    inventory = Inventory()
    service = inventory.add(thing("Service", "web"), HERE)
    wanted = inventory.add(thing("Pod", "a", labels={"app": "web", "tier": "front"}), HERE)
    inventory.add(thing("Pod", "b", labels={"app": "web"}), HERE)
    inventory.add(thing("Pod", "c", namespace="other", labels={"app": "web", "tier": "front"}), HERE)
    inventory.add(thing("Pod", "d", labels={"app": "web", "tier": "front"}), THERE)
    assert inventory.select(service, "", "Pod", {"app": "web", "tier": "front"}) == [wanted]
    assert len(inventory.select(service, "", "Pod", {})) == 2
    assert inventory.select(service, "", "Pod", {"app": "none"}) == []


def test_objects_of_wrong_types_are_kept_whole() -> None:
    inventory = Inventory()
    entry = inventory.add({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": 5, "labels": [1]}}, HERE)
    assert (entry.ref, entry.labels) == (Ref(kind="Pod"), {})


def test_a_generated_name_is_told_as_a_pattern() -> None:
    entry = Inventory().add({"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "job-"}}, HERE)
    assert entry.ref.name == "job-*"


STREAM = b"""\
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Pod
  metadata: {name: first}
- apiVersion: v1
  kind: Pod
  metadata:
    name: second
---
just: data
---
broken: [
"""


def test_a_stream_gives_entries_what_is_foreign_and_what_is_broken() -> None:
    inventory = Inventory()
    others = list(fill_from_stream(inventory, io.BytesIO(STREAM), "t", "f.yaml"))
    assert [entry.ref.name for entry in inventory.entries()] == ["first", "second"]
    assert [type(other) for other in others] == [Skipped, NotApplicable]


def test_a_field_of_a_lists_item_is_located_in_the_file() -> None:
    inventory = Inventory()
    list(fill_from_stream(inventory, io.BytesIO(STREAM), "t", "f.yaml"))
    place = inventory.locate(inventory.entries()[1], ("metadata", "name"))
    assert (place.file, place.line, place.column, place.path) == ("f.yaml", 10, 5, "metadata.name")
    assert STREAM[place.start : place.end].startswith(b"name: second")


def test_an_absent_field_is_located_at_its_deepest_ancestor() -> None:
    inventory = Inventory()
    list(fill_from_stream(inventory, io.BytesIO(STREAM), "t", "f.yaml"))
    place = inventory.locate(inventory.entries()[1], ("metadata", "labels", "app"))
    assert (place.line, place.path) == (9, "metadata.labels.app")


@pytest.mark.parametrize(
    ("selection", "names"),
    [
        (Selection(namespace="shop"), ["a"]),
        (Selection(namespace="default"), ["b"]),
        (Selection(labels=lambda labels: labels.get("app") == "x"), ["b"]),
        (Selection(), ["a", "b", "n"]),
    ],
)
def test_selection(selection: Selection, names: list[str]) -> None:
    inventory = Inventory()
    inventory.add(thing("Pod", "a"), HERE)
    inventory.add(thing("Pod", "b", namespace="", labels={"app": "x"}), HERE)
    inventory.add(thing("Namespace", "n", namespace=""), HERE)
    assert [entry.ref.name for entry in selection.of(inventory)] == names
