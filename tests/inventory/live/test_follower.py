"""One resource, followed through everything that a cluster does to its watchers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.inventory.live.conftest import PODS, Clock, Script, bookmark, event, pod
from transom.inventory.live import Change, Standing
from transom.inventory.live.follower import TOMBSTONES, Follower, Times
from transom.kube.client.errors import ForbiddenError, GoneError, NotFoundError, UnreachableError
from transom.kube.client.lists import Listing
from transom.kube.client.watches import Event

GONE = GoneError("the watch ended", "too old resource version", "list again", 410)
BROKEN = UnreachableError("the watch broke off", "connection reset", "watch again")
REFUSED = ForbiddenError("refused", "pods is forbidden", "ask for it", 403)
VANISHED = NotFoundError("refused", "no such resource", "", 404)

Follow = Callable[..., Any]


def changes(told: Iterable[Change | Standing]) -> list[tuple[str, str | None]]:
    """Name and version of each change, None for one that is gone."""
    return [
        (each.key[3], each.object["metadata"]["resourceVersion"] if each.object else None)
        for each in told
        if isinstance(each, Change)
    ]


def standings(told: Iterable[Change | Standing]) -> list[tuple[bool, list[str]]]:
    return [(each.synced, [skip.reason for skip in each.skipped]) for each in told if isinstance(each, Standing)]


def test_a_list_and_the_watch_that_goes_on_from_it(followed: Follow) -> None:
    watch = [event("MODIFIED", "a", 6), event("ADDED", "b", 7), event("DELETED", "a", 8)]
    told, script, _ = followed([Listing([pod("a", 5)], "5")], watch)
    assert changes(told) == [("a", "5"), ("a", "6"), ("b", "7"), ("a", None)]
    assert script.asked[:3] == ["list", "5", "8"]
    assert standings(told) == [(True, [])]


def test_bookmarks_move_the_place_where_the_next_watch_begins(followed: Follow) -> None:
    _, script, _ = followed([Listing([], "5")], [bookmark(90)])
    assert script.asked == ["list", "5", "90"]


def test_a_version_that_is_gone_is_listed_again_and_only_differences_are_told(followed: Follow) -> None:
    again = Listing([pod("a", 5), pod("b", 8), pod("d", 9)], "9")
    told, script, _ = followed([Listing([pod("a", 5), pod("b", 5), pod("c", 5)], "5"), again], [GONE])
    assert changes(told) == [("a", "5"), ("b", "5"), ("c", "5"), ("b", "8"), ("d", "9"), ("c", None)]
    assert script.asked == ["list", "5", "list", "9"]


def test_a_broken_watch_goes_on_where_it_ended(followed: Follow) -> None:
    told, script, clock = followed([Listing([], "5")], [event("ADDED", "a", 7), BROKEN], [event("ADDED", "b", 8)])
    assert script.asked == ["list", "5", "7", "8"]
    assert changes(told) == [("a", "7"), ("b", "8")]
    assert standings(told) == [(True, [])]
    assert clock.waits[0] <= 0.75


def test_watches_that_keep_breaking_are_told_wait_longer_and_begin_at_a_list(followed: Follow) -> None:
    told, script, clock = followed([Listing([], "5"), Listing([], "9")], *[[BROKEN]] * 4, [event("ADDED", "a", 10)])
    assert script.asked[:7] == ["list", "5", "5", "5", "5", "list", "9"]
    assert [synced for synced, _ in standings(told)] == [True, False, True]
    assert standings(told)[1][1] == ["it cannot be followed just now: connection reset"]
    assert clock.waits[3] > clock.waits[0]


def test_pauses_are_bounded_and_differ(followed: Follow) -> None:
    _, _, clock = followed([Listing([], "", BROKEN)] * 30)
    assert max(clock.waits) <= 45
    assert len({round(each, 3) for each in clock.waits}) > 20


def test_a_refused_list_is_told_and_tried_again_later(followed: Follow) -> None:
    told, _, clock = followed([Listing([], "", REFUSED), Listing([pod("a", 5)], "5")])
    assert [synced for synced, _ in standings(told)] == [False, True]
    assert "pods is forbidden" in standings(told)[0][1][0]
    assert changes(told) == [("a", "5")]
    assert clock.waits[0] > 60


def test_a_list_that_breaks_off_makes_nothing_gone(followed: Follow) -> None:
    lists = [Listing([pod("a", 5), pod("b", 5)], "5"), Listing([pod("b", 6)], "", BROKEN)]
    told, _, _ = followed(lists, [GONE])
    assert changes(told) == [("a", "5"), ("b", "5"), ("b", "6")]
    assert [synced for synced, _ in standings(told)] == [True, False]


def test_objects_of_a_resource_that_is_no_longer_served_are_gone(followed: Follow) -> None:
    told, script, _ = followed([Listing([pod("a", 5)], "5"), Listing([], "", VANISHED)], [VANISHED])
    assert changes(told) == [("a", "5"), ("a", None)]
    assert script.asked == ["list", "5", "list"]


def test_a_deletion_that_nobody_told_is_found_by_the_next_list(followed: Follow) -> None:
    lists = [Listing([pod("a", 5)], "5"), Listing([], "9")]
    told, script, _ = followed(lists, [bookmark(8)], relist_s=0.005)
    assert changes(told) == [("a", "5"), ("a", None)]
    assert script.asked[:2] == ["list", "list"]


def test_duplicates_and_late_events_change_nothing(followed: Follow) -> None:
    watch = [
        *(event("MODIFIED", "a", 7), event("MODIFIED", "a", 7), event("MODIFIED", "a", 6)),
        *(event("DELETED", "a", 8), event("MODIFIED", "a", 7), event("DELETED", "a", 8)),
    ]
    told, _, _ = followed([Listing([pod("a", 5)], "5")], watch)
    assert changes(told) == [("a", "5"), ("a", "7"), ("a", None)]


def test_the_late_deletion_of_an_earlier_namesake_leaves_the_new_one(followed: Follow) -> None:
    told, _, _ = followed([Listing([], "5")], [event("ADDED", "a", 9), event("DELETED", "a", 8)])
    assert changes(told) == [("a", "9")]


def test_versions_are_compared_as_numbers(followed: Follow) -> None:
    told, _, _ = followed([Listing([pod("a", 99)], "99")], [event("MODIFIED", "a", 100), event("MODIFIED", "a", 99)])
    assert changes(told) == [("a", "99"), ("a", "100")]


def test_a_server_that_ends_each_watch_at_once_is_not_stormed(followed: Follow) -> None:
    _, _, clock = followed([Listing([], "5")], *[[]] * 10)
    assert len(clock.waits) == 11
    assert clock.waits[-1] > 10


def test_versions_that_went_back_are_taken_from_the_next_list(followed: Follow) -> None:
    lists = [Listing([pod("a", 500)], "500"), Listing([pod("a", 20)], "20")]
    told, _, _ = followed(lists, [GONE], [event("MODIFIED", "a", 21)])
    assert changes(told) == [("a", "500"), ("a", "20"), ("a", "21")]


def test_few_of_the_deleted_are_remembered() -> None:
    script = Script([], [])
    follower = Follower(script, PODS, lambda _: True, Times(Clock(script).wait))
    for number in range(TOMBSTONES + 100):
        follower._happened(event("ADDED", f"pod-{number}", 2 * number + 1))
        follower._happened(event("DELETED", f"pod-{number}", 2 * number + 2))
    assert len(follower._tombs) == TOMBSTONES
    assert follower._known == {}


def test_nothing_is_told_after_the_end() -> None:
    told: list[Change | Standing] = []
    script = Script([], [])
    follower = Follower(script, PODS, lambda each: told.append(each) is None, Times(Clock(script).wait))
    follower._happened(event("ADDED", "a", 1))
    assert [key[3] for key in follower.end(forget=True)] == ["a"]
    follower._happened(event("ADDED", "b", 2))
    assert changes(told) == [("a", "1"), ("a", None)]


NAMES = st.sampled_from("abc")
STEPS = st.lists(st.tuples(NAMES, st.booleans()), max_size=20)


@given(STEPS, st.data())
def test_whatever_breaks_the_last_list_is_what_is_known(steps: list[tuple[str, bool]], data: st.DataObject) -> None:
    """Events lost, repeated and out of order; then a list: what was told adds up to it."""
    version, there = 5, {}
    events: list[Event] = []
    for name, present in steps:
        version += 1
        if present:
            there[name] = version
            events.append(event("MODIFIED", name, version))
        elif there.pop(name, None):
            events.append(event("DELETED", name, version))
    broken = data.draw(st.lists(st.sampled_from(events), max_size=30)) if events else []
    final = Listing([pod(name, number) for name, number in there.items()], str(version))
    script = Script([Listing([], "5"), final], [[*broken, GONE]])
    known: dict[str, str] = {}

    def put(message: Change | Standing) -> bool:
        if isinstance(message, Change) and not script.ended:
            known.pop(message.key[3], None)
            if message.object:
                known[message.key[3]] = message.object["metadata"]["resourceVersion"]
        return True

    clock = Clock(script)
    Follower(script, PODS, put, Times(clock.wait, clock.now, 1e9)).run()
    assert known == {name: str(number) for name, number in there.items()}


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_events_of_one_object_in_any_order_end_with_the_newest(followed: Follow, order: tuple[int, int]) -> None:
    both = [event("MODIFIED", "a", 6), event("MODIFIED", "a", 7)]
    told, _, _ = followed([Listing([pod("a", 5)], "5")], [both[index] for index in order])
    assert changes(told)[-1] == ("a", "7")
