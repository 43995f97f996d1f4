"""Something that happened: who did what to which thing, when, and how it ended. One record for every log and sensor."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from transom.model.refs import Ref

Outcome = Literal["allowed", "denied", "unknown"]
"""Whether it was let happen. What was allowed may still have failed: `Event.code` tells."""


class Actor(Struct, frozen=True):
    """Who acted, as authentication left it.

    by: who acted in this name, where that was somebody else; then also, where they were asked for: uid, extra (keys and
    values), and mode: the form of constrained impersonation that allowed it, "" for the old one.
    """

    name: str
    groups: tuple[str, ...] = ()
    by: Actor | None = None
    uid: str = ""
    extra: tuple[tuple[str, str], ...] = ()
    mode: str = ""


class Action(Struct, frozen=True):
    """What was done. path: of a URL that is no resource, without its query; None for a resource."""

    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    path: str | None = None


class Event(Struct, frozen=True):
    """One event.

    id: the log's own; time_s: seconds since 1970, 0 where the log tells none; object: the thing, by its resource's kind
    or, where that is not known, by the resource's name; uid: tells things of one name apart; addresses: where the
    request came from, the nearest last; code: an HTTP status, 0 where none is told; reason: why it was allowed or
    denied; cluster: which one the log is of; raw: the log's own bytes.
    """

    id: str
    time_s: float
    actor: Actor
    action: Action
    object: Ref
    outcome: Outcome
    uid: str = ""
    code: int = 0
    reason: str = ""
    addresses: tuple[str, ...] = ()
    agent: str = ""
    cluster: str = ""
    raw: bytes = b""
