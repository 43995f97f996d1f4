"""The followers of a cluster: one thread for each resource that it serves, started and ended as kinds come and go."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from transom.inventory.live.follower import Cluster, Follower, Times
from transom.inventory.live.mailbox import MAX_WAITING, Change, Key, Mailbox, Standing
from transom.kube.client.discovery import Resource
from transom.model.errors import TransomError
from transom.model.findings import Skipped
from transom.model.language import mark
from transom.model.refs import Ref

DISCOVER_S = 20.0  # between looks at what kinds are served (two small requests), but for those that a definition causes
DEFINITIONS = (
    ("apiextensions.k8s.io", "CustomResourceDefinition"),
    ("apiregistration.k8s.io", "APIService"),
)
"""Objects that add kinds to a cluster, or take them away."""

NOT_TOLD = mark("what the cluster serves is not known just now: {}")


class Served(Cluster, Protocol):
    """What following a whole cluster needs of it."""

    def resources(self) -> tuple[Sequence[Resource], Sequence[Skipped]]:
        """Return what is to be followed, each resource in one version, and what is not known; raises TransomError."""


class Followed:
    """A cluster that is followed. mailbox: where changes arrive; kinds: what is followed, known after the first look."""

    def __init__(self, cluster: Served, limit: int = MAX_WAITING) -> None:
        self.mailbox = Mailbox(limit)
        self.kinds: frozenset[tuple[str, str]] | None = None
        self._cluster = cluster
        self._end = threading.Event()
        self._look = threading.Event()
        self._running: dict[Resource, tuple[Follower, threading.Thread]] = {}
        self._looking = threading.Thread(target=self._keep_looking, name="transom-kinds", daemon=True)

    def start(self) -> None:
        """Begin to follow."""
        self._looking.start()

    def stop(self) -> None:
        """End; threads that wait for a silent server end with its next word, and keep no process alive meanwhile."""
        self._end.set()
        self._look.set()
        self.mailbox.close()

    def _keep_looking(self) -> None:
        while not self._end.is_set():
            self._look.clear()
            try:
                served, skipped = self._cluster.resources()
                self._start_and_end(served)
            except TransomError as error:
                ref = Ref(kind="Cluster", name="cluster")
                skipped = [Skipped(ref, NOT_TOLD.format(error.why or error.what), error.next_step)]
            self.mailbox.put(Standing("", "Cluster", not skipped, tuple(skipped)))
            self._look.wait(DISCOVER_S)

    def _start_and_end(self, served: Sequence[Resource]) -> None:
        kinds = {(each.group, each.kind) for each in served}
        earlier: dict[tuple[str, str], Sequence[Key]] = {}
        for resource in [each for each in self._running if each not in served]:
            follower, _ = self._running.pop(resource)
            kind = (resource.group, resource.kind)
            earlier[kind] = follower.end(forget=kind not in kinds)  # else it is served in another version
        for resource in served:
            _, thread = self._running.get(resource, (None, None))
            if thread is None or not thread.is_alive():
                self._running[resource] = self._started(resource, earlier.get((resource.group, resource.kind), ()))
        self.kinds = frozenset(kinds)

    def _started(self, resource: Resource, earlier: Sequence[Key]) -> tuple[Follower, threading.Thread]:
        follower = Follower(self._cluster, resource, self._put, Times(self._end.wait), earlier)
        thread = threading.Thread(target=follower.run, name=f"transom-{resource.plural}", daemon=True)
        thread.start()
        return follower, thread

    def _put(self, message: Change | Standing) -> bool:
        if isinstance(message, Change) and message.key[:2] in DEFINITIONS:
            self._look.set()
        return self.mailbox.put(message)


@contextmanager
def follow(cluster: Served, limit: int = MAX_WAITING) -> Iterator[Followed]:
    """Follow a cluster for as long as the context lasts."""
    followed = Followed(cluster, limit)
    followed.start()
    try:
        yield followed
    finally:
        followed.stop()
