"""What can go wrong between us and an API server, each with what to do about it."""

from __future__ import annotations

import ssl

from msgspec import DecodeError as JsonError
from msgspec import Struct, json

from transom.model.errors import TransomError
from transom.model.language import mark

MAX_MESSAGE_CHARS = 500  # a server's word is shown, a page of HTML from a proxy is not


class Status(Struct, frozen=True, rename="camel"):
    """What an API server answers in place of what was asked for (meta/v1 Status)."""

    message: str = ""
    reason: str = ""
    code: int = 0


class ApiError(TransomError):
    """A request that failed. status: the HTTP status, 0 where no whole answer came; reason: the server's own word."""

    def __init__(self, what: str, why: str, next_step: str, status: int = 0, reason: str = "") -> None:
        super().__init__(what, why, next_step)
        self.status = status
        self.reason = reason


class UnreachableError(ApiError):
    """No answer, or not a whole one: refused, reset, silent for too long, a certificate that is not trusted.

    passing: whether the same request may fare better a moment later.
    """

    passing = True


class UnauthorizedError(ApiError):
    """The server does not know who asks (401)."""


class ForbiddenError(ApiError):
    """The server knows who asks, and refuses (403)."""


class NotFoundError(ApiError):
    """There is no such object, or no such resource (404)."""


class GoneError(ApiError):
    """What was to be continued is no longer kept: list again (410)."""


class UnreadableError(ApiError):
    """An answer that is not what an API server says."""


def unreadable(what: str) -> UnreadableError:
    """Return the error of an answer that succeeded and cannot be understood."""
    why = "the answer is no JSON of Kubernetes"
    return UnreadableError(
        what, why, "check that the server in the kubeconfig is an API server, and no proxy before it"
    )


_BY_STATUS: dict[int, tuple[type[ApiError], str]] = {
    401: (UnauthorizedError, "log in again, or choose another user; `kubectl auth whoami` tells whether it helps"),
    403: (ForbiddenError, "ask for the permission; `transom permissions` prints all that is needed"),
    404: (NotFoundError, "check that the cluster serves it: kubectl api-resources"),
    410: (GoneError, "list again"),
    429: (ApiError, "the server is busy; try again later"),
}
_OTHER_STEP = "look at the API server's log; try again when it is well"


def refused(what: str, status: int, body: bytes) -> ApiError:
    """Return the error of an answer whose status says that it failed."""
    told = status_of(body)
    kind, step = _BY_STATUS.get(status, (ApiError, _OTHER_STEP))
    why = told.message or _first_line(body) or f"HTTP status {status}"
    return kind(what, why[:MAX_MESSAGE_CHARS], step, status, told.reason)


def status_of(body: bytes) -> Status:
    """Return the Status of a body, an empty one where it has none."""
    try:
        return json.decode(body, type=Status)
    except (JsonError, UnicodeDecodeError, RecursionError):
        return Status()


def _first_line(body: bytes) -> str:
    text = body[: MAX_MESSAGE_CHARS * 4].decode("utf-8", "replace").strip()
    return "" if text.startswith(("<", "{")) else " ".join(text.split("\n", 1)[0].split())


TLS_STEP = mark("check that the server speaks TLS")
_TLS_STEPS = (
    ("certificate has expired", "renew the API server's certificate"),
    ("certificate is not yet valid", "set this machine's clock"),
    ("self-signed certificate", "set certificate-authority in the kubeconfig to the CA of this cluster"),
    ("unable to get local issuer", "set certificate-authority in the kubeconfig to the CA of this cluster"),
    ("invalid CA certificate", "set certificate-authority in the kubeconfig to the CA of this cluster"),
    ("certificate signature failure", "set certificate-authority in the kubeconfig to the CA of this cluster"),
    ("is not valid for", "set tls-server-name in the kubeconfig to a name in the server's certificate"),
    ("doesn't match", "set tls-server-name in the kubeconfig to a name in the server's certificate"),
    ("mismatch", "set tls-server-name in the kubeconfig to a name in the server's certificate"),
    ("alert", "renew the client certificate in the kubeconfig"),
)


def unreachable(what: str, error: BaseException) -> UnreachableError:
    """Return the error of a request that got no whole answer."""
    cause = _deepest(error)
    why = str(cause) or type(cause).__name__
    if isinstance(cause, ssl.SSLCertVerificationError):
        why = f"the server's certificate is not trusted: {cause.verify_message or cause}"
    elif isinstance(cause, OSError) and cause.strerror:
        why = cause.strerror
    if isinstance(cause, ssl.SSLError):
        step = next((step for words, step in _TLS_STEPS if words in str(cause)), TLS_STEP)
        found = UnreachableError(what, why, step)
        found.passing = False
        return found
    return UnreachableError(what, why, "check that the server runs and can be reached: kubectl version")


def _deepest(error: BaseException) -> BaseException:
    """Return the error at the bottom: libraries wrap what the system said, and it says it best."""
    seen = set()
    while id(error) not in seen:
        seen.add(id(error))
        inner = getattr(error, "reason", None)
        below = inner if isinstance(inner, BaseException) else error.__cause__ or error.__context__
        if below is None and error.args and isinstance(error.args[-1], BaseException):
            below = error.args[-1]
        if below is None:
            break
        error = below
    return error
