"""A client of registries (OCI distribution specification 1.1, Docker's token authentication); `pushing` writes by it.

Requests are tried again where that helps; a blob that breaks off goes on from where it broke. Redirects go to hosts of the
public internet only, unless the registry itself is within.
"""

from __future__ import annotations

import hashlib
import io
import re
import time
from collections.abc import Callable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import BinaryIO, TypeVar, cast
from urllib.parse import urlencode, urljoin, urlsplit

import msgspec
import urllib3
from msgspec import Struct

from transom import __version__
from transom.model.errors import TransomError
from transom.model.images import DEFAULT_REGISTRY, ImageRef
from transom.proxies import Pools
from transom.registry.blob_streams import BlobStream, reason
from transom.registry.blobs import (
    INDEXES,
    MANIFESTS,
    MAX_MANIFEST_BYTES,
    SCHEMA_1,
    Descriptor,
    check_digest,
)
from transom.registry.credentials import NOBODY, Login, login_for
from transom.registry.outward import is_loopback, is_within, outward
from transom.registry.trust import context_of

SILENCE_S = 30.0  # without a byte, a connection is broken
LONGEST_ANSWER_S = 120.0  # of a manifest or a token; what comes drop by drop is never silent
PAUSES_S = (0.5, 2.0, 8.0)
LONGEST_PAUSE_S = 60.0  # whatever Retry-After says
TRY_AGAIN = frozenset((408, 429, 500, 502, 503, 504))
UNKNOWN = frozenset((404, 405, 501))  # the latter by registries that do not know the referrers API
MAX_REDIRECTS = 5
MAX_PAGES = 1_000  # of tags, a thousand each
MAX_REFERRERS = 10_000  # of one manifest; honest ones have some ten
MAX_KEPT = 16  # manifests of one image: an index, what it leads to, what refers to it
MAX_TOKEN_BYTES = 1024 * 1024
MAX_REFERRERS_PAGES = 100  # of 4 MB each; an image has a page at most
CHUNK = 1024 * 1024
HOSTS = {DEFAULT_REGISTRY: "registry-1.docker.io"}
WAYS = {"retries": False, "timeout": urllib3.Timeout(SILENCE_S)}
AGENT = {"User-Agent": f"transom/{__version__}"}
KINDS = (*INDEXES, *MANIFESTS, *SCHEMA_1)
ACCEPTED = ", ".join(KINDS)
_NEXT = re.compile(r"\s*<([^>]+)>")
_CHALLENGE = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
Page = TypeVar("Page")
_HEX = re.compile(r"(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})\Z")


class _Token(Struct):
    token: str = ""
    access_token: str = ""


class RegistryClient:
    """One repository of one registry; its blobs satisfy `blobs.Blobs`.

    mirrors: HOST or HOST/PATH to ask first, in their order; insecure: whether plain HTTP is taken, which a
    loopback address is that has no certificates on this machine.
    """

    def __init__(
        self, image: ImageRef, login: Login | None = None, mirrors: tuple[str, ...] = (), insecure: bool = False
    ) -> None:
        self._image = image
        self._login = login
        self._own = _Place(HOSTS.get(image.registry, image.registry))
        self._places = [*map(_mirror, mirrors), self._own]
        self._insecure = insecure
        self._tokens: dict[str, str] = {}
        self._manifests: dict[str, tuple[bytes, str]] = {}
        self._pools = Pools(**WAYS)
        self._outward = Pools(**WAYS)
        self._trusting: dict[str, Pools] = {}

    def close(self) -> None:
        """End every connection."""
        for each in (self._pools, self._outward, *self._trusting.values()):
            each.close()

    def manifest(self) -> Descriptor:
        """Return what the image's name leads to: its digest, held to the content; raises TransomError."""
        wanted = self._image.digest or self._image.tag or "latest"
        content, kind = self._manifest(wanted)
        digest = self._image.digest or f"sha256:{hashlib.sha256(content).hexdigest()}"
        check_digest(content, digest)
        self._manifests[digest] = content, kind
        return Descriptor(digest, len(content), kind if kind in KINDS else MANIFESTS[0])  # whatever else it is called

    def open(self, descriptor: Descriptor, start: int = 0) -> BinaryIO:
        """Return the stream of a blob, from a byte on, or, by its type, of a manifest."""
        if not _HEX.match(descriptor.digest):
            raise TransomError(f"cannot fetch {descriptor.digest[:80]}", "it is no digest", "push the image again")
        if descriptor.media_type in KINDS:
            return io.BytesIO(self._manifest(descriptor.digest)[0])
        return cast(
            "BinaryIO",
            io.BufferedReader(BlobStream(lambda at: self.blob(descriptor.digest, at), descriptor.size, start), CHUNK),
        )

    def tagged(self, tag: str) -> Descriptor | None:
        """Return what a tag leads to, None where there is no such tag."""
        try:
            content, kind = self._manifest(tag)
        except _NotFoundError:
            return None
        return Descriptor(f"sha256:{hashlib.sha256(content).hexdigest()}", len(content), kind)

    def referrers(self, digest: str) -> list[Descriptor]:
        """Return what refers to a manifest (signatures, SBOMs): by the API, else by the tag that stands for it."""
        accept = {"Accept": INDEXES[0]}
        for path in (f"referrers/{digest}", f"manifests/{digest.replace(':', '-', 1)}"):
            try:
                pages = list(self._pages(path, accept, _Referrers))
            except _NotFoundError:
                continue
            return [each for page in pages for each in page.manifests or ()][:MAX_REFERRERS]
        return []

    def tags(self) -> Iterator[str]:
        """Yield the tags of the repository."""
        for page in self._pages("tags/list?n=1000", {}, _Tags):
            yield from page.tags or ()

    def _pages(self, path: str, headers: Mapping[str, str], kind: type[Page]) -> Iterator[Page]:
        """Yield an answer page by page, as Link leads on; raises TransomError."""
        for _ in range(MAX_PAGES):
            reply = self._asked("GET", path, headers)
            try:
                yield msgspec.json.decode(_whole(reply, MAX_MANIFEST_BYTES), type=kind)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                raise TransomError(f"cannot read {path} of {self._image.name}", str(error), "") from error
            link = _NEXT.match(reply.headers.get("Link", ""))
            if link is None:
                return
            path = f"{path.partition('?')[0]}?{urlsplit(link[1]).query}"
        raise TransomError(f"cannot read {path} of {self._image.name}", f"it has more than {MAX_PAGES:,} pages", "")

    def _manifest(self, wanted: str) -> tuple[bytes, str]:
        """Return a manifest and its type; one that is known by its digest is not asked for again, for registries count."""
        if wanted in self._manifests:
            return self._manifests[wanted]
        reply = self._asked("GET", f"manifests/{wanted}", {"Accept": ACCEPTED})
        found = _whole(reply, MAX_MANIFEST_BYTES), reply.headers.get("Content-Type", "").partition(";")[0]
        if len(self._manifests) < MAX_KEPT:
            self._manifests[f"sha256:{hashlib.sha256(found[0]).hexdigest()}"] = found
        return found

    # requests

    def blob(self, digest: str, start: int) -> urllib3.BaseHTTPResponse:
        """Return the answer that has a blob from a byte on."""
        return self._asked("GET", f"blobs/{digest}", {"Range": f"bytes={start}-"} if start else {})

    def ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> urllib3.BaseHTTPResponse:
        """Return the registry's own answer to what is no question, no mirror's; raises TransomError.

        path: within the repository, or what an earlier answer named as the place to go on at.
        """
        return self._asked_of(self._own, method, path, headers, body)

    def _asked(self, method: str, path: str, headers: Mapping[str, str]) -> urllib3.BaseHTTPResponse:
        """Return the answer of the first place that has it; raises TransomError."""
        problem: TransomError | None = None
        for place in list(self._places):
            try:
                return self._asked_of(place, method, path, headers)
            except TransomError as error:
                if isinstance(error, UnreachableError) and place.is_mirror:
                    self._places.remove(place)  # it would be waited for with each request
                problem = problem if isinstance(error, _NotFoundError) and problem else error
        assert problem is not None
        raise problem

    def _asked_of(
        self, place: _Place, method: str, path: str, headers: Mapping[str, str], body: bytes = b""
    ) -> urllib3.BaseHTTPResponse:
        host = place.host
        url = urljoin(f"{self._scheme(host)}://{host}/v2/{place.prefix}{self._image.repository}/", path)
        if place.is_mirror:  # of several registries, as containerd asks them
            url += f"{'&' if '?' in path else '?'}{urlencode({'ns': self._image.registry})}"
        if urlsplit(url).netloc != host:
            self._check_redirect(host, url)
        reply = _tried(host, lambda: self._sent(host, method, url, headers, body), again=not place.is_mirror)
        if 200 <= reply.status < 300:
            return reply
        raise _refused(str(self._image), host, reply, "read" if method in ("GET", "HEAD") else "written")

    def _sent(
        self, host: str, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> urllib3.BaseHTTPResponse:
        reply = self._followed(host, method, url, headers, body, self._tokens.get(host, ""))
        if reply.status == 401 and "WWW-Authenticate" in reply.headers:
            reply.drain_conn()
            self._tokens[host] = self._authorization(host, reply.headers["WWW-Authenticate"])
            reply = self._followed(host, method, url, headers, body, self._tokens[host])
        return reply

    def _followed(
        self, host: str, method: str, url: str, headers: Mapping[str, str], body: bytes, authorization: str
    ) -> urllib3.BaseHTTPResponse:
        """Send a request and follow redirects; who asks is told to the registry itself only."""
        for _ in range(MAX_REDIRECTS + 1):
            own = urlsplit(url).netloc == host
            sent = {**AGENT, **headers, **({"Authorization": authorization} if authorization and own else {})}
            reply = self._pool(host, url).request(
                method, url, body=body or None, headers=sent, preload_content=False, redirect=False
            )
            if reply.status not in (301, 302, 303, 307, 308):
                return reply
            url = urljoin(url, reply.headers.get("Location", ""))
            reply.drain_conn()
            self._check_redirect(host, url)
        raise TransomError(f"{host} redirects without end", "", "check the registry")

    def _check_redirect(self, host: str, url: str) -> None:
        parts = urlsplit(url)
        within = is_within(host.rpartition(":")[0] or host)
        if parts.scheme != "https" and not (parts.scheme == "http" and (within or self._insecure)):
            raise TransomError(f"{host} redirects to {parts.scheme or 'nowhere'}", "only https is followed", "")
        if not within and is_within(parts.hostname or ""):
            why = f"it redirects to {parts.hostname}, an address of this network"
            raise TransomError(f"{host} is not followed", why, "name that registry itself if it is meant")

    def _pool(self, host: str, url: str) -> urllib3.PoolManager:
        """Return what reaches a URL that a host led to, and trusts it as the machine's settings for registries say."""
        there = urlsplit(url).netloc
        if there == host or is_within(host.rpartition(":")[0] or host):
            return self._pools_of(there).of(url)
        pools = self._pools_of(there)
        return outward((self._outward if pools is self._pools else pools).of(url))

    def _pools_of(self, host: str) -> Pools:
        if host not in self._trusting:
            context = context_of(host)
            self._trusting[host] = self._pools if context is None else Pools(**WAYS, ssl_context=context)
        return self._trusting[host]

    def _scheme(self, host: str) -> str:
        name = host.rpartition(":")[0] or host
        plain = is_loopback(name.strip("[]")) and self._pools_of(host) is self._pools
        return "http" if self._insecure or plain else "https"

    def _authorization(self, host: str, challenge: str) -> str:
        """Return the header that a challenge asks for: Basic, or a token of the realm that it names."""
        login = self._login_for(host)
        if challenge.lower().startswith("basic"):
            return login.basic
        fields = dict(_CHALLENGE.findall(challenge))
        realm = fields.get("realm", "")
        if not challenge.lower().startswith("bearer") or not realm:
            raise TransomError(f"{host} asks for a login of a kind that is not known", challenge[:100], "")
        self._check_redirect(host, realm)
        scope = fields.get("scope") or f"repository:{self._image.repository}:pull"
        pool = self._pool(host, realm)
        return f"Bearer {self._token(pool, realm, {'service': fields.get('service', ''), 'scope': scope}, login)}"

    def _login_for(self, host: str) -> Login:
        """Return who asks a host: a mirror is told nothing of who asks the registry."""
        if host != self._own.host:
            return login_for(host)
        if self._login is not None:
            return self._login
        return login_for(self._image.registry, repository=self._image.repository)

    def _token(self, pool: urllib3.PoolManager, realm: str, asked: dict[str, str], login: Login) -> str:
        reply = _tried(urlsplit(realm).netloc, lambda: _token_reply(pool, realm, asked, login))
        if reply.status != 200:
            reply.drain_conn()
            kind = DeniedError if reply.status in (400, 401, 403) else TransomError
            raise kind(f"no login for {self._image.name}", f"{realm} says {reply.status}", "log in: docker login")
        try:
            token = msgspec.json.decode(_whole(reply, MAX_TOKEN_BYTES), type=_Token)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise TransomError(f"no login for {self._image.name}", f"{realm} answers no token", "") from error
        return token.token or token.access_token


def _token_reply(
    pool: urllib3.PoolManager, realm: str, asked: dict[str, str], login: Login
) -> urllib3.BaseHTTPResponse:
    """Ask for a token: with an identity token as OAuth 2 has it, else with a user and a password, or as nobody."""
    if login.token:
        form = {"grant_type": "refresh_token", "refresh_token": login.token, "client_id": "transom", **asked}
        return pool.request(
            "POST", realm, fields=form, headers=AGENT, encode_multipart=False, preload_content=False, redirect=False
        )
    headers = {**AGENT, **({"Authorization": login.basic} if login != NOBODY else {})}
    url = f"{realm}{'&' if '?' in realm else '?'}{urlencode(asked)}"
    return pool.request("GET", url, headers=headers, preload_content=False, redirect=False)


class _Place(Struct, frozen=True):
    """Where to ask. prefix: of every repository there, with its slash."""

    host: str
    prefix: str = ""
    is_mirror: bool = False


def _mirror(text: str) -> _Place:
    """Return a mirror that is written as HOST or HOST/PATH."""
    host, _, path = text.removeprefix("https://").partition("/")
    return _Place(host, f"{path.strip('/')}/" if path.strip("/") else "", is_mirror=True)


def _tried(host: str, send: Callable[[], urllib3.BaseHTTPResponse], again: bool = True) -> urllib3.BaseHTTPResponse:
    """Return an answer, asked for several times where that helps; raises UnreachableError."""
    for pause_s in (*(PAUSES_S if again else ()), None):
        try:
            reply = send()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            if pause_s is None:
                next_step = "check the name and the network"
                raise UnreachableError(f"cannot reach {host}", reason(error), next_step) from error
            time.sleep(pause_s)
            continue
        if reply.status not in TRY_AGAIN or pause_s is None:
            return reply
        asked_s = _asked_pause_s(reply.headers.get("Retry-After", ""))
        reply.drain_conn()
        time.sleep(pause_s if asked_s is None else asked_s)
    raise AssertionError


def _asked_pause_s(told: str) -> float | None:
    """Return the pause that Retry-After asks for, in seconds or as a date (RFC 9110); None where it asks for none."""
    if told.isdecimal() and len(told) < 9:
        return min(float(told), LONGEST_PAUSE_S)
    try:
        until = parsedate_to_datetime(told).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(until - time.time(), 0.0), LONGEST_PAUSE_S)


class _Referrers(Struct):
    manifests: list[Descriptor] | None = None


class _Tags(Struct):
    tags: list[str] | None = None


class _NotFoundError(TransomError):
    """The registry has no such thing, or does not say so."""


class UnreachableError(TransomError):
    """There is no connection."""


class DeniedError(TransomError):
    """The registry does not let who asks read it."""


def _whole(reply: urllib3.BaseHTTPResponse, limit: int) -> bytes:
    """Return a small answer; raises TransomError for one that breaks off, is too large, or comes drop by drop."""
    until = time.monotonic() + LONGEST_ANSWER_S
    pieces: list[bytes] = []
    size = 0
    try:
        while size <= limit and (piece := reply.read1(CHUNK)):
            pieces.append(piece)
            size += len(piece)
            if time.monotonic() > until:
                raise TransomError(
                    "an answer of the registry does not end", f"it takes over {LONGEST_ANSWER_S:.0f} s", "try again"
                )
    except urllib3.exceptions.HTTPError as error:
        raise TransomError("an answer of the registry broke off", reason(error), "try again") from error
    finally:
        reply.close()
    if size > limit:
        raise TransomError("an answer of the registry is too large", f"it is over {limit // 2**20} MiB", "")
    return b"".join(pieces)


def _refused(image: str, host: str, reply: urllib3.BaseHTTPResponse, done: str) -> TransomError:
    status = reply.status
    reply.drain_conn()
    if status in UNKNOWN:
        return _NotFoundError(f"there is no {image}", f"{host} says {status}", "check the name and the tag")
    if status in (401, 403):
        return DeniedError(f"{host} does not let {image} be {done}", f"it says {status}", "log in: docker login")
    if status == 429:
        return TransomError(f"{host} asks to come less often", "it says 429", "log in, use a mirror, or wait")
    return TransomError(f"{host} does not answer for {image}", f"it says {status}", "try again later")
