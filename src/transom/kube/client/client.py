"""A client of one API server: requests that prove who asks, try again where that helps, and fail in plain words."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeVar
from urllib.parse import quote, urlencode

from msgspec import DecodeError, Struct, json

from transom import __version__
from transom.kube.client.credentials import Credential, Credentials, credentials_of
from transom.kube.client.errors import ApiError, UnreachableError, refused, unreadable
from transom.kube.client.kubeconfig import Access, Cluster, Target, User, find_target
from transom.kube.client.transport import SILENCE_S, NetworkTransport, Reply, Request, TooLargeError, Transport, whole

MAX_ANSWER_BYTES = 64 * 1024 * 1024  # of one answer; a page that exceeds it is asked for in smaller pages
MAX_ERROR_BYTES = 64 * 1024
PAUSES_S = (0.25, 0.5, 1.0)  # between attempts; an API server behind a load balancer is back by then
LONGEST_PAUSE_S = 30.0  # whatever Retry-After says
TRY_AGAIN = frozenset((429, 502, 503, 504))  # the server did not do it, and soon may
JSON_TYPE = "application/json"
AGENT = f"transom/{__version__}"

Connect = Callable[[Cluster, Credential], Transport]
Query = Mapping[str, str]
Got = TypeVar("Got")
NOTHING: Query = MappingProxyType({})


class Version(Struct, frozen=True, rename="camel"):
    """What a server says of itself at /version: `v1.36.3`, `v1.31.5+k3s1`."""

    git_version: str = ""
    major: str = ""
    minor: str = ""


def connect(access: Access) -> Client:
    """Return a client of the cluster that a person means; raises TransomError. Nothing is asked of it yet."""
    return Client(find_target(access), request_timeout_s=access.request_timeout_s)


class Client:
    """Requests to one cluster as one user; threads may share it.

    connect: makes a transport, the seam that tests break; sleep: waits between attempts, in seconds.
    """

    def __init__(
        self,
        target: Target,
        credentials: Credentials | None = None,
        connect: Connect = NetworkTransport,
        request_timeout_s: float = 0.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.target = target
        self._request_timeout_s = request_timeout_s
        self._credentials = credentials or credentials_of(target)
        self._connect = connect
        self._sleep = sleep
        self._acting_as = _impersonation(target.user)
        self._transport: Transport | None = None
        self._identity: tuple[bytes, bytes] = (b"", b"")
        self._lock = threading.Lock()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End every connection."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    def get(self, path: str, query: Query = NOTHING, accept: str = JSON_TYPE) -> bytes:
        """Return the body of what a path answers; raises ApiError, TooLargeError."""
        return self._answered("GET", _asked(path, query), accept, lambda reply: whole(reply, MAX_ANSWER_BYTES))

    def post(self, path: str, body: object, query: Query = NOTHING) -> bytes:
        """Create something, or ask what has the form of an object, and return the answer's body; raises ApiError."""
        asked = _asked(path, query)
        return self._answered("POST", asked, JSON_TYPE, lambda reply: whole(reply, MAX_ANSWER_BYTES), json.encode(body))

    def stream(self, path: str, query: Query, silence_s: float) -> Reply:
        """Return an answer whose body comes over time, for the caller to close; raises ApiError.

        silence_s: how long nothing may arrive before it counts as broken.
        """
        return self._answered("GET", _asked(path, query), JSON_TYPE, lambda reply: reply, silence_s=silence_s)

    def version(self) -> Version:
        """Return what the server says of itself."""
        try:
            return json.decode(self.get("/version"), type=Version)
        except (DecodeError, UnicodeDecodeError, TooLargeError) as error:
            raise unreadable("cannot read the version of the API server") from error

    def _answered(
        self,
        method: str,
        asked: str,
        accept: str,
        use: Callable[[Reply], Got],
        body: bytes = b"",
        silence_s: float = 0.0,
    ) -> Got:
        """Return what use makes of an answer that says 2xx; raises ApiError otherwise.

        Tries again where the connection broke, where the server asks for it, and, once, with renewed credentials where
        it no longer knows who asks.
        """
        credential = self._credentials.get()
        may_renew = True
        for pause_s in (*PAUSES_S, None):
            try:
                reply = self._send(method, asked, credential, accept, body, silence_s)
                if 200 <= reply.status < 300:
                    return use(reply)
                problem = _refusal(asked, reply)
                if reply.status == 401 and may_renew:
                    may_renew = False
                    another = self._credentials.renewed(credential)
                    if another is not None:
                        credential = another
                        continue
                if reply.status not in TRY_AGAIN or pause_s is None:
                    raise problem
                self._sleep(_asked_pause_s(reply) or _jittered(pause_s))
            except UnreachableError as error:
                if not error.passing or pause_s is None or method != "GET":
                    raise
                problem = error
                self._sleep(_jittered(pause_s))
        raise problem

    def _send(
        self, method: str, asked: str, credential: Credential, accept: str, body: bytes, silence_s: float
    ) -> Reply:
        headers = [("Accept", accept), ("User-Agent", AGENT), *self._acting_as]
        if credential.authorization:
            headers.append(("Authorization", credential.authorization))
        if body:
            headers.append(("Content-Type", JSON_TYPE))
        deadline_s = 0.0 if silence_s else self._request_timeout_s  # a stream has no end that could be awaited
        streamed = bool(silence_s)
        silence_s = silence_s or min(SILENCE_S, deadline_s or SILENCE_S)
        request = Request(method, asked, tuple(headers), body, deadline_s, silence_s, streamed)
        return self._transport_for(credential).send(request)

    def _transport_for(self, credential: Credential) -> Transport:
        identity = (credential.certificate, credential.key)
        with self._lock:
            if self._transport is None or self._identity != identity:
                self._transport = self._connect(self.target.cluster, credential)
                self._identity = identity
            return self._transport


def _asked(path: str, query: Query) -> str:
    return f"{path}?{urlencode(query)}" if query else path


def _refusal(asked: str, reply: Reply) -> ApiError:
    try:
        body = whole(reply, MAX_ERROR_BYTES)
    except (TooLargeError, UnreachableError):
        body = b""
    return refused(f"the API server refused {asked.partition('?')[0]}", reply.status, body)


def _asked_pause_s(reply: Reply) -> float:
    """Return the pause that the server asks for, 0 where it names none; API servers say seconds, never dates."""
    told = reply.headers.get("retry-after", "")
    return min(float(told), LONGEST_PAUSE_S) if told.isdecimal() and len(told) < 9 else 0.0


def _jittered(pause_s: float) -> float:
    """Return a pause somewhat longer or shorter, so that many clients do not come back at the same moment."""
    return pause_s * random.uniform(0.8, 1.2)  # noqa: S311 - no secret


def _impersonation(user: User) -> list[tuple[str, str]]:
    """Return the headers that ask to act as somebody else."""
    if not user.as_user:
        return []
    named = [("Impersonate-User", user.as_user), *(("Impersonate-Group", group) for group in user.as_groups or ())]
    if user.as_uid:
        named.append(("Impersonate-Uid", user.as_uid))
    for key, values in (user.as_user_extra or {}).items():
        named += [(f"Impersonate-Extra-{quote(key, safe='')}", value) for value in values]
    return named
