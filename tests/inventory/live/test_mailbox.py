"""Changes that wait: the last of each object, and no more than a limit."""

from __future__ import annotations

import threading
from typing import Any

from tests.inventory.live.conftest import pod
from transom.inventory import Inventory
from transom.inventory.live import Change, LiveInventory, Mailbox, Standing
from transom.model.clusters import ClusterFacts, Gap
from transom.model.findings import Skipped
from transom.model.refs import Ref


def change(name: str, version: int | None, **spec: Any) -> Change:
    return Change(("", "Pod", "shop", name), None if version is None else pod(name, version, **spec))


def test_a_flood_of_changes_to_one_object_is_its_last() -> None:
    box = Mailbox(limit=2)
    for version in range(1_000):
        assert box.put(change("a", version))
    box.put(change("b", 1))
    assert [each.key[3] for each in box.take(0) if isinstance(each, Change)] == ["a", "b"]
    assert box.coalesced == 999
    assert len(box) == 0


def test_who_finds_it_full_waits_until_some_are_taken() -> None:
    box = Mailbox(limit=1)
    box.put(change("a", 1))
    waiting = threading.Thread(target=box.put, args=(change("b", 1),))
    waiting.start()
    waiting.join(0.05)
    assert waiting.is_alive()
    assert box.take(0) == [change("a", 1)]
    waiting.join(5)
    assert box.take(0) == [change("b", 1)]


def test_a_closed_one_lets_nobody_wait_and_says_so() -> None:
    box = Mailbox(limit=1)
    box.put(change("a", 1))
    answers: list[bool] = []
    waiting = threading.Thread(target=lambda: answers.append(box.put(change("b", 1))))
    waiting.start()
    box.close()
    waiting.join(5)
    assert answers == [False]


def test_a_standing_comes_behind_the_changes_that_it_speaks_of() -> None:
    box = Mailbox()
    box.put(Standing("", "Pod", False))
    box.put(change("a", 1))
    box.put(Standing("", "Pod", True))
    assert box.take(0) == [change("a", 1), Standing("", "Pod", True)]


def test_changes_become_what_each_object_was_and_is() -> None:
    live = LiveInventory(Inventory(), "cluster")
    steps = list(live.apply([change("a", 1), change("a", 1), change("a", 2), change("a", None), change("a", None)]))
    versions = [
        tuple(entry and entry.metadata["resourceVersion"] for entry in (step.before, step.after)) for step in steps
    ]
    assert versions == [(None, "1"), ("1", "2"), ("2", None)]
    assert len(live.inventory) == 0


def test_a_kind_that_cannot_be_followed_is_a_gap_until_it_can() -> None:
    inventory = Inventory()
    inventory.clusters["cluster"] = ClusterFacts("prod", "v1.36.0")
    live = LiveInventory(inventory, "cluster")
    skip = Skipped(Ref(kind="Pod", name="*"), "refused")
    list(live.apply([Standing("", "Pod", False, (skip,))]))
    assert inventory.clusters["cluster"].gaps == (Gap("", "Pod", refused=True),)
    assert live.skipped == [skip]
    list(live.apply([Standing("", "Pod", True)]))
    assert inventory.clusters["cluster"].gaps == ()
    assert live.skipped == []
