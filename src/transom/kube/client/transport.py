"""The one seam between the client and the network: a request goes out, a status and a body come back.

Whatever has `send` is a transport; tests break what passes here. The real one is urllib3 over one TLS context.
"""

from __future__ import annotations

import os
import ssl
import tempfile
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from msgspec import Struct

from transom.kube.client.credentials import Credential, decoded_pem
from transom.kube.client.errors import UnreachableError, unreachable
from transom.kube.client.kubeconfig import Cluster
from transom.model.errors import TransomError, UsageError
from transom.proxies import pool_through, proxy_of_environment

if TYPE_CHECKING:
    import urllib3

CONNECT_S = 10.0  # a server that does not accept within this is not there
SILENCE_S = 60.0  # the API server ends its own requests after 60 s, so silence beyond is a broken connection
CHUNK_BYTES = 256 * 1024  # fewer, larger reads: a page of 500 pods is read in ten
CONNECTIONS = 8  # lists side by side; the server's fairness gives one user little more


class Request(Struct, frozen=True):
    """path: with its query; headers: a name may come twice; deadline_s: for the whole answer, 0 for none; silence_s: the
    longest pause between two reads; streamed: whether the body is wanted piece by piece, as it comes."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    deadline_s: float = 0.0
    silence_s: float = SILENCE_S
    streamed: bool = False


class TooLargeError(Exception):
    """A body is larger than its reader wants."""


class Reply(Protocol):
    """An answer whose body is still to be read. headers: names in lower case."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]: ...

    def chunks(self) -> Iterator[bytes]:
        """Yield the body as it arrives; raises UnreachableError where it breaks off."""

    def close(self) -> None:
        """Give the connection back, or end it where the body was not read to its end."""


class Transport(Protocol):
    """Whatever carries requests; several threads may send at once."""

    def send(self, request: Request) -> Reply:
        """Return the answer, its body unread; raises UnreachableError where none comes."""

    def close(self) -> None:
        """End every connection."""


def whole(reply: Reply, limit_bytes: int) -> bytes:
    """Return the body of an answer and close it; raises TooLargeError, UnreachableError."""
    parts, size = [], 0
    try:
        for chunk in reply.chunks():
            size += len(chunk)
            if size > limit_bytes:
                raise TooLargeError
            parts.append(chunk)
    finally:
        reply.close()
    return b"".join(parts)


class NetworkTransport:
    """Requests to one API server with one TLS identity, over connections that are kept."""

    def __init__(self, cluster: Cluster, credential: Credential) -> None:
        import urllib3

        parts = urlsplit(cluster.server if "://" in cluster.server else f"https://{cluster.server}")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError("cannot use the server of the kubeconfig", f"{cluster.server!r} is no URL", "correct it")
        self._base = f"{parts.scheme}://{parts.netloc}"
        self._prefix = parts.path.rstrip("/")
        self._encoding = () if cluster.disable_compression else (("Accept-Encoding", "gzip"),)
        settings: dict[str, Any] = {"maxsize": CONNECTIONS, "block": True, "retries": False}
        if parts.scheme == "https":
            settings["ssl_context"] = _tls(cluster, credential)
            if cluster.tls_server_name:
                settings |= {"server_hostname": cluster.tls_server_name, "assert_hostname": cluster.tls_server_name}
            elif cluster.insecure_skip_tls_verify:
                settings["assert_hostname"] = False
                urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)  # we say it, once and louder
        self._pool = pool_through(cluster.proxy_url or proxy_of_environment(parts.scheme, parts.hostname), **settings)

    def send(self, request: Request) -> Reply:
        """Return the answer; raises UnreachableError."""
        import urllib3

        headers = urllib3.HTTPHeaderDict([*self._encoding, *request.headers])
        what = f"cannot reach the API server {self._base}"
        try:
            response = self._pool.urlopen(
                request.method,
                f"{self._base}{self._prefix}{request.path}",
                body=request.body or None,
                headers=headers,
                preload_content=False,
                redirect=False,
                timeout=urllib3.Timeout(connect=CONNECT_S, read=request.silence_s),
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise unreachable(what, error) from error
        return NetworkReply(response, what, request)

    def close(self) -> None:
        """End every connection."""
        self._pool.clear()


class NetworkReply:
    """An answer of urllib3's."""

    def __init__(self, response: urllib3.BaseHTTPResponse, what: str, request: Request) -> None:
        self._response = response
        self._what = what
        self._end = time.monotonic() + request.deadline_s if request.deadline_s else float("inf")
        # whole chunks take half the time of pieces, but nobody would look at the clock meanwhile
        self._read = response.read1 if request.streamed or request.deadline_s else response.read
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.headers.items()}

    def chunks(self) -> Iterator[bytes]:
        """Yield the body as it arrives."""
        import urllib3

        try:
            while chunk := self._read(CHUNK_BYTES, decode_content=True):
                yield chunk
                if time.monotonic() > self._end:
                    raise UnreachableError(self._what, "the answer took too long", "raise --request-timeout")
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise unreachable("the API server's answer broke off", error) from error

    def close(self) -> None:
        """Give the connection back; an unread rest ends it."""
        if not self._response.closed:
            self._response.close()
        self._response.release_conn()


def _tls(cluster: Cluster, credential: Credential) -> ssl.SSLContext:
    """Return what both sides are known by; raises TransomError for what is no certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = not cluster.insecure_skip_tls_verify
    if cluster.insecure_skip_tls_verify:
        context.verify_mode = ssl.CERT_NONE
    else:
        _trust(context, cluster)
    if credential.certificate:
        _present(context, credential)
    return context


def _trust(context: ssl.SSLContext, cluster: Cluster) -> None:
    what = "cannot read the certificate authority of the cluster"
    try:
        if cluster.certificate_authority_data:
            authority = decoded_pem("certificate authority", cluster.certificate_authority_data)
            context.load_verify_locations(cadata=authority.decode("ascii"))
        elif cluster.certificate_authority:
            context.load_verify_locations(cafile=cluster.certificate_authority)
        else:
            context.load_default_certs()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise TransomError(what, why, "correct certificate-authority in the kubeconfig") from error


def _present(context: ssl.SSLContext, credential: Credential) -> None:
    """Load a certificate and its key; ssl reads files only, so they pass through one that nobody else can open."""
    with tempfile.NamedTemporaryFile(prefix="transom-", delete=True) as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(credential.certificate + b"\n" + credential.key)
        file.flush()
        try:
            context.load_cert_chain(file.name)
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise TransomError(
                "cannot use the client certificate", why, "correct the certificate and key in the kubeconfig"
            ) from error
