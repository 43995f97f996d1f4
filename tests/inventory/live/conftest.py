"""A cluster that is told what to say, and a clock that nobody waits for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from transom.inventory.live import Change, Standing
from transom.inventory.live.follower import Follower, Times
from transom.kube.client.discovery import Resource
from transom.kube.client.lists import Listing
from transom.kube.client.watches import Event

PODS = Resource("", "v1", "Pod", "pods", True, ("list", "watch"))


def pod(name: str, version: int, **spec: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "shop", "resourceVersion": str(version)}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def event(change: Any, name: str, version: int, **spec: Any) -> Event:
    return Event(change, pod(name, version, **spec), str(version))


def bookmark(version: int) -> Event:
    return Event("BOOKMARK", {}, str(version))


class Script:
    """What a cluster answers, in order; a watch is events, at last perhaps an error. After the last answer is the end."""

    def __init__(self, lists: Sequence[Listing], watches: Sequence[Sequence[Event | Exception]]) -> None:
        self.asked: list[str] = []
        self.ended = False
        self._lists, self._watches = list(lists), list(watches)

    def list(self, resource: Resource) -> Listing:
        self.asked.append("list")
        if not self._lists:
            self.ended = True
            return Listing([], error=None)
        return self._lists.pop(0)

    def watch(self, resource: Resource, version: str) -> Iterator[Event]:
        self.asked.append(version)
        if not self._watches:
            self.ended = True
            return
        for each in self._watches.pop(0):
            if isinstance(each, Exception):
                raise each
            yield each


class Clock:
    """Time that passes when somebody waits; ends when the script does."""

    def __init__(self, script: Script) -> None:
        self.now_s = 0.0
        self.waits: list[float] = []
        self._script = script

    def now(self) -> float:
        self.now_s += 0.01
        return self.now_s

    def wait(self, seconds: float) -> bool:
        if seconds:
            self.waits.append(seconds)
        self.now_s += seconds
        return self._script.ended


Told = list[Change | Standing]


@pytest.fixture
def followed() -> Callable[..., tuple[Told, Script, Clock]]:
    def follow(
        lists: Sequence[Listing], *watches: Sequence[Event | Exception], relist_s: float = 1e9
    ) -> tuple[Told, Script, Clock]:
        script, told = Script(lists, watches), []
        clock = Clock(script)

        def put(message: Change | Standing) -> bool:
            if not script.ended:
                told.append(message)
            return not script.ended

        Follower(script, PODS, put, Times(clock.wait, clock.now, relist_s)).run()
        return told, script, clock

    return follow
