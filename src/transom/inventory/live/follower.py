"""One resource, followed: listed, then watched from there on; listed again where that cannot go on, and now and then.

What is known of each object is its resource version only. By it a duplicate is told from a change, an event that comes too
late is left alone, and a later list is compared with what is known: so an object whose deletion nobody told is found.
"""

from __future__ import annotations

import random
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol

from msgspec import Struct

from transom.inventory.live.mailbox import Change, Key, Standing
from transom.kube.client.discovery import Resource
from transom.kube.client.errors import ForbiddenError, GoneError, NotFoundError
from transom.kube.client.lists import Listing
from transom.kube.client.watches import Event
from transom.model.errors import TransomError
from transom.model.findings import Skipped
from transom.model.language import mark
from transom.model.refs import Ref

RELIST_S = 600.0  # between lists of one resource: what a watch lost is wrong for no longer than this
REFUSED_S = 120.0  # until a list that was refused is tried again: roles are changed by people
PAUSES_S = (0.5, 30.0)  # after the first failure, and at most; each is twice as long as the one before it
FAILURES_UNTIL_LIST = 4  # watches in a row that break before the next one begins at a new list
SHORT_WATCH_S = 1.0  # a watch that ends sooner counts as a failure, or a server that ends each at once is stormed
TOMBSTONES = 4_096  # deleted objects whose versions are known: an event about one that comes late is not a new object

JITTER = random.Random()  # noqa: S311 - no secret: so that many followers do not come back at once

UNWATCHED = mark("it cannot be followed just now: {}")
REFUSED = mark("listing them is refused: {}")
UNREADABLE = mark("{} of them cannot be decoded")


class Cluster(Protocol):
    """What a follower asks of a cluster."""

    def list(self, resource: Resource) -> Listing:
        """Return the objects of a resource; never raises for what a cluster does."""

    def watch(self, resource: Resource, version: str) -> Iterator[Event]:
        """Yield what happens to them after a version; raises ApiError."""


class Times(Struct, frozen=True):
    """now: seconds from some beginning; wait: for so many seconds, and tells whether the end has come meanwhile."""

    wait: Callable[[float], bool]
    now: Callable[[], float] = time.monotonic
    relist_s: float = RELIST_S


class Follower:
    """The following of one resource. put: takes what happened, and tells whether anybody still wants to know.

    earlier: objects that a follower of the same kind knew before this one; the first list tells which are left.
    """

    def __init__(
        self,
        cluster: Cluster,
        resource: Resource,
        put: Callable[[Change | Standing], bool],
        times: Times,
        earlier: Iterable[Key] = (),
    ) -> None:
        self.resource = resource
        self._cluster = cluster
        self._deliver = put
        self._times = times
        self._ended = False
        self._lock = threading.Lock()
        self._known: dict[Key, str] = dict.fromkeys(earlier, "")
        self._tombs: OrderedDict[Key, str] = OrderedDict()
        self._version = ""
        self._failures = 0
        self._error: TransomError | None = None
        self._unreadable = 0
        self._list_at = 0.0
        self._told: Standing | None = None

    def run(self) -> None:
        """Follow until the end has come, or the resource is no longer served."""
        while not self._times.wait(0) and not self._ended:
            if not self._version or self._times.now() >= self._list_at:
                pause_s = self._list()
            else:
                pause_s = self._watch()
            if pause_s is None or (pause_s and self._times.wait(pause_s)):
                return

    def end(self, forget: bool) -> Sequence[Key]:
        """Tell nothing any more, but, where it is to forget, of every object that it is gone; return what was known."""
        with self._lock:
            self._ended = True
            known = list(self._known)
        for message in self._farewell(known) if forget else ():
            self._deliver(message)
        return known

    def _farewell(self, known: Iterable[Key]) -> Iterator[Change | Standing]:
        yield from (Change(key, None) for key in known)
        yield Standing(self.resource.group, self.resource.kind, synced=True)

    def _put(self, message: Change | Standing) -> bool:
        with self._lock:  # so that nothing is told after the end
            return not self._ended and self._deliver(message)

    # lists

    def _list(self) -> float | None:
        """List, and tell what differs from what is known; return how long to wait, None for ever."""
        listing = self._cluster.list(self.resource)
        if isinstance(listing.error, NotFoundError):
            self.end(forget=True)
            return None
        if not self._compare(listing):
            return None
        if listing.error is not None:
            self._version = ""
            return self._failed(listing.error)
        self._version = listing.resource_version
        self._failures, self._error, self._unreadable = 0, None, listing.unreadable
        self._tell()
        self._list_at = self._times.now() + self._times.relist_s * JITTER.uniform(0.8, 1.2)
        return 0.0

    def _compare(self, listing: Listing) -> bool:
        """Tell what a list brought that was not known; what it lacks is gone only where it is whole."""
        listed: set[Key] = set()
        for value in listing.objects:
            key, version = self._key(value), _version(value)
            listed.add(key)
            if self._known.get(key) != version or not version:
                self._known[key] = version
                if not self._put(Change(key, value)):
                    return False
        if listing.error is None and not listing.unreadable:
            self._tombs.clear()
            for key in self._known.keys() - listed:
                del self._known[key]
                if not self._put(Change(key, None)):
                    return False
        return True

    # watches

    def _watch(self) -> float | None:
        began = self._times.now()
        try:
            for event in self._cluster.watch(self.resource, self._version):
                self._recovered()
                self._version = event.resource_version or self._version
                if event.change != "BOOKMARK" and not self._happened(event):
                    return None
                if self._times.wait(0) or self._ended:
                    return None
                if self._times.now() >= self._list_at:
                    return 0.0
        except GoneError:
            self._version = ""
            return self._short_pause(began)
        except (ForbiddenError, NotFoundError):
            self._version = ""  # the list says what that means
            return self._short_pause(began)
        except TransomError as error:
            return self._failed(error)
        return self._short_pause(began)

    def _short_pause(self, began: float) -> float:
        if self._times.now() - began >= SHORT_WATCH_S:
            return 0.0
        self._failures += 1
        return self._pause_s()

    def _happened(self, event: Event) -> bool:
        """Tell of an event, unless it says what is known already or was true before that."""
        key, version = self._key(event.object), event.resource_version
        known, tomb = self._known.get(key), self._tombs.get(key)
        if event.change == "DELETED":
            if known is None or _is_older(version, known):
                return True
            del self._known[key]
            self._bury(key, version)
            return self._put(Change(key, None))
        if version and (version in (known, tomb) or _is_older(version, known) or _is_older(version, tomb)):
            return True
        self._known[key] = version
        return self._put(Change(key, event.object))

    def _bury(self, key: Key, version: str) -> None:
        self._tombs[key] = version
        self._tombs.move_to_end(key)
        if len(self._tombs) > TOMBSTONES:
            self._tombs.popitem(last=False)

    # what goes wrong

    def _failed(self, error: TransomError) -> float:
        """Take note that the resource cannot be seen, and return how long to wait.

        A watch that broke once is nothing to tell of: the next one goes on from where it ended.
        """
        refused = isinstance(error, ForbiddenError)
        self._failures += 1
        if self._failures >= FAILURES_UNTIL_LIST:
            self._version = ""
        if not self._version or self._failures > 1:
            self._error = error
            self._tell()
        return REFUSED_S * JITTER.uniform(0.8, 1.2) if refused else self._pause_s()

    def _pause_s(self) -> float:
        first, longest = PAUSES_S
        pause_s = min(first * 2.0 ** min(self._failures - 1, 10), longest)
        return pause_s * JITTER.uniform(0.5, 1.5)

    def _recovered(self) -> None:
        self._failures = 0
        if self._error is not None:
            self._error = None
            self._tell()

    def _tell(self) -> None:
        standing = Standing(self.resource.group, self.resource.kind, self._error is None, tuple(self._skips()))
        if standing != self._told:
            self._told = standing
            self._put(standing)

    def _skips(self) -> Iterator[Skipped]:
        ref = Ref(group=self.resource.group, kind=self.resource.kind, name="*")
        error = self._error
        if error is not None:
            words = REFUSED if isinstance(error, ForbiddenError) else UNWATCHED
            yield Skipped(ref, words.format(error.why or error.what), error.next_step)
        if self._unreadable:
            yield Skipped(ref, UNREADABLE.format(self._unreadable), mark("read them with kubectl get -o yaml"))

    def _key(self, value: dict[str, Any]) -> Key:
        metadata = value.get("metadata") or {}
        return self.resource.group, self.resource.kind, metadata.get("namespace") or "", metadata.get("name") or ""


def _version(value: dict[str, Any]) -> str:
    return (value.get("metadata") or {}).get("resourceVersion") or ""


def _is_older(version: str, known: str | None) -> bool:
    """Tell whether a version is older than a known one: they are compared as numbers, as Kubernetes 1.35 allows.

    A server that counts otherwise is believed.
    """
    if not known or not (version.isdecimal() and known.isdecimal()):
        return False
    return (len(version), version) < (len(known), known)
