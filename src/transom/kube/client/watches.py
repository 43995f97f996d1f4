"""One watch: what happens to the objects of a resource, from a resource version on, as it happens.

A watch ends for many reasons, and none of them means that nothing happens: the generator returns where the server ends
it in good order (go on from the last resource version), raises GoneError where that version is no longer kept (list again),
and UnreachableError where the connection broke or fell silent (go on, after a pause).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

from msgspec import Raw, Struct, json

from transom.kube.client.client import Client
from transom.kube.client.decoding import DECODE_ERRORS, decoded
from transom.kube.client.discovery import Resource
from transom.kube.client.errors import Status, UnreachableError, refused, unreadable

WATCH_S = (300, 600)  # the server ends a watch after a while, so that load spreads over its replicas; client-go's own
SILENCE_S = 90.0  # the server sends a bookmark each minute, so silence beyond is a broken connection
MAX_EVENT_BYTES = 16 * 1024 * 1024  # etcd takes objects of 1.5 MB

Decode = Callable[[Raw, Resource], dict[str, Any]]
Change = Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]
CHANGES = ("ADDED", "MODIFIED", "DELETED", "BOOKMARK")


class Event(Struct, frozen=True):
    """What happened. object: as it is now, as it was last for DELETED, {} for BOOKMARK.

    resource_version: where a later watch goes on from.
    """

    change: Change
    object: dict[str, Any]
    resource_version: str


class _Envelope(Struct, frozen=True):
    type: str
    object: Raw


class _Version(Struct, frozen=True, rename="camel"):
    resource_version: str = ""


class _Versioned(Struct, frozen=True):
    metadata: _Version = _Version()


_envelope = json.Decoder(_Envelope).decode
_versioned = json.Decoder(_Versioned).decode


def watch(
    client: Client,
    resource: Resource,
    resource_version: str,
    namespace: str = "",
    query: Mapping[str, str] | None = None,
    decode: Decode = decoded,
    silence_s: float = SILENCE_S,
) -> Iterator[Event]:
    """Yield what happens after a resource version, bookmarks included; close the generator to end the watch.

    Returns where the server ends the watch in good order; raises ApiError: GoneError, UnreachableError and the others.
    """
    asked = {
        **(query or {}),
        "watch": "1",
        "allowWatchBookmarks": "true",
        "resourceVersion": resource_version,
        "timeoutSeconds": str(random.randint(*WATCH_S)),  # noqa: S311 - no secret
    }
    path = resource.path(namespace)
    reply = client.stream(path, asked, silence_s)
    try:
        for line in _lines(reply.chunks(), path):
            yield _event(line, resource, path, decode)
    finally:
        reply.close()


def _lines(chunks: Iterator[bytes], path: str) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n") if b"\n" in chunk else (rest + chunk,)
        if len(rest) > MAX_EVENT_BYTES:
            raise unreadable(f"cannot read the watch of {path}")
        yield from (line for line in lines if line.strip())
    if rest.strip():
        raise UnreachableError(f"the watch of {path} broke off", "it ended within an event", "watch again")


def _event(line: bytes, resource: Resource, path: str, decode: Decode) -> Event:
    try:
        envelope = _envelope(line)
        if envelope.type == "ERROR":
            status = json.decode(envelope.object, type=Status)
            raise refused(f"the API server ended the watch of {path}", status.code, bytes(envelope.object))
        if envelope.type not in CHANGES:
            raise unreadable(f"cannot read the watch of {path}")
        version = _versioned(envelope.object).metadata.resource_version
        value = {} if envelope.type == "BOOKMARK" else decode(envelope.object, resource)
    except DECODE_ERRORS as error:
        raise unreadable(f"cannot read the watch of {path}") from error
    return Event(envelope.type, value, version)  # type: ignore[arg-type]
