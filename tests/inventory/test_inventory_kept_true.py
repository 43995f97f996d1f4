"""After whatever was added, replaced and removed, an inventory is what a fresh one of the same objects is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transom.inventory import Entry, Inventory, Origin
from transom.model.refs import Ref

KINDS = ("Pod", "Service", "Namespace")
NAMES = ("a", "b", "c")
ORIGINS = (Origin("here"), Origin("there"))
OBJECTS = st.builds(
    lambda kind, name, app: {
        "apiVersion": "v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": "shop", "labels": {"app": app}},
    },
    st.sampled_from(KINDS),
    st.sampled_from(NAMES),
    st.sampled_from(NAMES),
)
STEPS = st.lists(
    st.tuples(st.sampled_from(("add", "replace", "remove", "select")), st.integers(0, 20), OBJECTS, st.booleans()),
    max_size=30,
)


def walked(steps: list[tuple[str, int, dict[str, Any], bool]]) -> Inventory:
    inventory = Inventory()
    for what, number, value, here in steps:
        entries = inventory.entries()
        if what == "add" or not entries:
            inventory.add(value, ORIGINS[here])
        elif what == "replace":
            inventory.replace(entries[number % len(entries)], value)
        elif what == "remove":
            inventory.remove(entries[number % len(entries)])
        else:
            inventory.select(entries[0], "", "Pod", {"app": "a"})  # from now on there is an index of labels
    return inventory


def said(entries: Any) -> list[tuple[Origin, Any]]:
    return [(entry.origin, entry.object) for entry in entries]


@given(STEPS)
def test_indexes_equal_those_of_a_fresh_inventory(steps: list[tuple[str, int, dict[str, Any], bool]]) -> None:
    kept, fresh = walked(steps), Inventory()
    for entry in kept.entries():
        fresh.add(entry.object, entry.origin)
    assert len(kept) == len(fresh)
    for kind in KINDS:
        assert said(kept.of_kind("", kind)) == said(fresh.of_kind("", kind))
        assert said(kept.joins.of_kind_in("here", "shop", "", kind)) == said(
            fresh.joins.of_kind_in("here", "shop", "", kind)
        )
        for name in NAMES:
            ref = Ref(kind=kind, namespace="shop", name=name)
            assert said(kept.with_ref(ref)) == said(fresh.with_ref(ref))
    for one, other in zip(kept.entries(), fresh.entries(), strict=True):
        for app in NAMES:
            assert said(kept.select(one, "", "Pod", {"app": app})) == said(fresh.select(other, "", "Pod", {"app": app}))


@given(STEPS)
def test_nothing_is_kept_of_what_was_removed(steps: list[tuple[str, int, dict[str, Any], bool]]) -> None:
    inventory = walked(steps)
    for entry in list(inventory.entries()):
        inventory.remove(entry)
    assert (len(inventory), inventory._by_kind, inventory._by_ref, inventory._numbers) == (0, {}, {}, {})
    assert not inventory._by_label


def test_an_entry_is_removed_once() -> None:
    inventory = Inventory()
    entry: Entry = inventory.add({"apiVersion": "v1", "kind": "Pod"}, ORIGINS[0])
    inventory.remove(entry)
    with pytest.raises(KeyError):
        inventory.remove(entry)
