"""Events to usage: who asked for what, how often, when first and last, and by which grant it was allowed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import pairwise

from msgspec import Struct

from transom.kube.authorizer import Question, User
from transom.kube.authorizer.impersonation import Wanted, asked_for, needed
from transom.model.events import Actor, Event
from transom.model.permissions import Period

MAX_SHAPES = 3_000_000  # different requests; each takes about 0.3 kB
MINUTE_S = 60
GAP_MINUTES = 60  # an API server's own controllers ask many times a minute, so an hour of silence was not logged
NAMELESS_VERBS = frozenset(("create", "deletecollection"))

_Asked = tuple[str, str, str, str, str, str, str | None]
Key = tuple[str, tuple[str, ...], str, str, str, str, str, str, str | None]


class Seen(Struct):
    """How often a request was seen, and when (seconds since 1970). reason: the API server's word for why it was allowed."""

    count: int
    first_s: float
    last_s: float
    reason: str = ""


class Usage(Struct, frozen=True):
    """One request, as the authorizer was asked, and how often it was seen."""

    user: User
    question: Question
    seen: Seen


class UsageTable:
    """What a log tells of use.

    overflow: requests that were not counted because there were too many different ones; denied: how many were refused
    (an attempt is no use); undecided: how many requests the log does not tell the end of.
    """

    def __init__(self) -> None:
        self.events = 0
        self.denied = 0
        self.undecided = 0
        self.overflow = 0
        self._shapes: dict[Key, Seen] = {}
        self._minutes: set[int] = set()
        self._start_s, self._end_s = float("inf"), 0.0

    def __len__(self) -> int:
        return len(self._shapes)

    def add(self, event: Event) -> None:
        """Count an event."""
        self.events += 1
        when = event.time_s
        if when:
            self._minutes.add(int(when) // MINUTE_S)
            self._start_s, self._end_s = min(self._start_s, when), max(self._end_s, when)
        if event.actor.by:  # who acts in another's name was let do that, whatever became of the request
            self._add_impersonation(event, event.actor.by)
        if event.outcome == "allowed":
            self._count(_key(event), event)
        elif event.outcome == "denied":
            self.denied += 1
        else:
            self.undecided += 1

    def _add_impersonation(self, event: Event, by: Actor) -> None:
        """Count what acting in another's name took."""
        done = Question(*_key(event)[2:])
        for need in needed(_wanted(event.actor), event.actor.mode, done):
            self._count((by.name, by.groups, *_words(need)), event)

    def _count(self, key: Key, event: Event) -> None:
        seen = self._shapes.get(key)
        if seen is None:
            if len(self._shapes) >= MAX_SHAPES:
                self.overflow += 1
                return
            self._shapes[key] = Seen(1, event.time_s, event.time_s, sys.intern(event.reason))
            return
        seen.count += 1
        if event.time_s < seen.first_s:
            seen.first_s = event.time_s
        elif event.time_s > seen.last_s:
            seen.last_s = event.time_s

    def uses(self) -> Iterator[Usage]:
        """Yield every request that was seen, in the order of its first event."""
        for (
            name,
            groups,
            verb,
            group,
            resource,
            subresource,
            namespace,
            object_name,
            path,
        ), seen in self._shapes.items():
            question = Question(verb, group, resource, subresource, namespace, object_name, path)
            yield Usage(User(name, groups), question, seen)

    def period(self) -> Period | None:
        """Return the time that the log tells of; None where no event has a time."""
        if not self._minutes:
            return None
        gaps = tuple(
            (float((before + 1) * MINUTE_S), float(after * MINUTE_S))
            for before, after in pairwise(sorted(self._minutes))
            if after - before > GAP_MINUTES
        )
        return Period(self._start_s, self._end_s, gaps)


def _key(event: Event) -> Key:
    """Return who asked, and what the authorizer was asked.

    A log takes the name of what is created from the body or the answer; the authorizer knew it only of a subresource.
    """
    actor, action, thing = event.actor, event.action, event.object
    name = "" if action.verb in NAMELESS_VERBS and not action.subresource else thing.name
    return (
        actor.name,
        actor.groups,
        action.verb,
        action.group,
        action.resource,
        action.subresource,
        thing.namespace,
        name,
        action.path,
    )


def _words(question: Question) -> _Asked:
    return (
        question.verb,
        question.group,
        question.resource,
        question.subresource,
        question.namespace,
        question.name,
        question.path,
    )


def _wanted(actor: Actor) -> Wanted:
    extra: dict[str, list[str]] = {}
    for key, value in actor.extra:
        extra.setdefault(key, []).append(value)
    return Wanted(actor.name, asked_for(actor.name, actor.groups), actor.uid, extra)
