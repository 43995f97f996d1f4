"""Kubernetes' URLs, as Go's url.ParseRequestURI reads them."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, unquote

from transom.lang.cel.errors import EvaluationError
from transom.lang.cel.library.standard import refuse

MAX_URL_CHARS = 100_000
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(.*)\Z", re.S)
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_HOST = re.compile(r"(?:\[[^\]\[]*\]|[^\[\]:/?#@ \"<>\\^`{|}]*)(?::[0-9]*)?\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_PATH_SAFE = "$&+,/:;=@!'()*"  # what Go's EscapedPath leaves as it is


class Url:
    """A URL in its parts."""

    __slots__ = ("host", "path", "query", "scheme")
    cel_type = "kubernetes.URL"

    def __init__(self, scheme: str, host: str, path: str, query: str) -> None:
        self.scheme = scheme
        self.host = host
        self.path = path
        self.query = query

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Url) and self._parts() == other._parts()

    def __hash__(self) -> int:
        return hash(self._parts())

    def _parts(self) -> tuple[str, ...]:
        return (self.scheme, self.host, self.path, self.query)


def _parse(text: str) -> Url | None:
    if not text or len(text) > MAX_URL_CHARS or _CONTROL.search(text):
        return None
    match = _SCHEME.match(text)
    scheme, rest = (match[1].lower(), match[2]) if match else ("", text)
    rest, _, query = rest.partition("?")
    if not rest.startswith("/"):
        return None  # relative, or opaque as `mailto:` is
    host = ""
    if rest.startswith("//") and (scheme or not rest.startswith("///")):
        authority, slash, path = rest[2:].partition("/")
        rest = slash + path
        host = authority.rpartition("@")[2]
        if not _HOST.match(host) or _BAD_ESCAPE.search(host):
            return None
    if _BAD_ESCAPE.search(rest):
        return None
    return Url(scheme, host, rest, query)


def url_(text: Any) -> Url:
    """Read an absolute URL or an absolute path."""
    if not isinstance(text, str):
        raise refuse("url", text)
    parsed = _parse(text)
    if parsed is None:
        raise EvaluationError(f"{text[:80]!r} is no URL")
    return parsed


def isURL_(text: Any) -> bool:  # noqa: N802 - CEL's own name
    """Tell whether a text is an absolute URL or an absolute path."""
    if isinstance(text, str):
        return _parse(text) is not None
    raise refuse("isURL", text)


def _checked(value: Any) -> Url:
    if isinstance(value, Url):
        return value
    raise refuse("URL", value)


def getScheme_(value: Any) -> str:  # noqa: N802 - CEL's own name
    """Return the scheme, "" where there is none."""
    return _checked(value).scheme


def getHost_(value: Any) -> str:  # noqa: N802 - CEL's own name
    """Return host and port as written."""
    return _checked(value).host


def getHostname_(value: Any) -> str:  # noqa: N802 - CEL's own name
    """Return the host without port and brackets."""
    host = _checked(value).host
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0] if ":" in host else host


def getPort_(value: Any) -> str:  # noqa: N802 - CEL's own name
    """Return the port, "" where there is none."""
    host = _checked(value).host
    return host.rpartition("]")[2].rpartition(":")[2] if ":" in host.rpartition("]")[2] else ""


def getEscapedPath_(value: Any) -> str:  # noqa: N802 - CEL's own name
    """Return the path with its special characters escaped."""
    path = _checked(value).path
    if re.fullmatch(r"(?:[A-Za-z0-9\-._~$&+,/:;=@!'()*\[\]]|%[0-9A-Fa-f]{2})*", path):
        return path
    return quote(unquote(path), safe=_PATH_SAFE)


def getQuery_(value: Any) -> dict[str, list[str]]:  # noqa: N802 - CEL's own name
    """Return the values of each key of the query, unescaped; pairs that are malformed are left out."""
    found: dict[str, list[str]] = {}
    for pair in _checked(value).query.split("&"):
        if not pair or ";" in pair or _BAD_ESCAPE.search(pair):
            continue
        key, _, text = pair.partition("=")
        found.setdefault(unquote(key.replace("+", " ")), []).append(unquote(text.replace("+", " ")))
    return found
