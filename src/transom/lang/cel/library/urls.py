"""Kubernetes' URLs, as Go's net/url reads them: a request's URI first, and then its fragment apart."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv6Address
from typing import Any
from urllib.parse import quote, unquote, unquote_to_bytes

from transom.lang.cel.errors import EvaluationError
from transom.lang.cel.library.standard import refuse

MAX_URL_CHARS = 100_000
MAX_QUERY_PAIRS = 10_000  # with more of them Go reads none
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(.*)\Z", re.S)
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_BAD_HOST_ESCAPE = re.compile(r"%(?!25|[89A-Fa-f][0-9A-Fa-f])")  # of a host only bytes beyond ASCII are escaped
_NO_HOST = re.compile(r"[\x00-\x20#/?@\\^`{|}\x7f]")
_USER = re.compile(r"[A-Za-z0-9\-._:~!$&'()*+,;=%@]*\Z")
_PORT = re.compile(r"(?::[0-9]*)?\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_ENCODED_PATH = re.compile(r"(?:[A-Za-z0-9\-._~$&+,/:;=@!'()*\[\]]|%[0-9A-Fa-f]{2})*\Z")
_PATH_SAFE = "$&+,/:;=@"  # besides letters, digits and `-._~`, what Go leaves as it is where it writes a path


class Url:
    """A URL in its parts; the path as written, the host unescaped."""

    __slots__ = ("fragment", "host", "opaque", "path", "query", "scheme", "user")
    cel_type = "kubernetes.URL"

    def __init__(
        self, scheme: str, opaque: str, user: str, host: str, path: str, query: str | None, fragment: str
    ) -> None:
        self.scheme = scheme
        self.opaque = opaque
        self.user = user
        self.host = host
        self.path = path
        self.query = query
        self.fragment = fragment

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Url) and self._parts() == other._parts()

    def __hash__(self) -> int:
        return hash(self._parts())

    def _parts(self) -> tuple[str | None, ...]:
        return (self.scheme, self.opaque, self.user, self.host, getEscapedPath_(self), self.query, self.fragment)


def _parse(text: str) -> Url | None:
    if not text or len(text) > MAX_URL_CHARS or _CONTROL.search(text) or _read(text, "", in_request=True) is None:
        return None
    text, _, fragment = text.partition("#")
    return None if _BAD_ESCAPE.search(fragment) else _read(text, fragment, in_request=False)


def _read(text: str, fragment: str, in_request: bool) -> Url | None:
    if text == "*":
        return Url("", "", "", "", "*", None, fragment)
    match = _SCHEME.match(text)
    scheme, rest = (match[1].lower(), match[2]) if match else ("", text)
    if scheme == "" and rest.startswith(":"):
        return None
    rest, mark, query = rest.partition("?")
    asked = query if mark else None
    if not rest.startswith("/"):
        if scheme:
            return Url(scheme, rest, "", "", "", asked, fragment)
        if in_request or ":" in rest.partition("/")[0]:
            return None
    user = host = ""
    if rest.startswith("//") and (scheme or not (in_request or rest.startswith("///"))):
        authority, slash, path = rest[2:].partition("/")
        rest = slash + path
        user, _, address = authority.rpartition("@")
        found = _host(scheme, address)
        if found is None or not _USER.match(user) or _BAD_ESCAPE.search(user):
            return None
        host = found
    return None if _BAD_ESCAPE.search(rest) else Url(scheme, "", user, host, rest, asked, fragment)


def _host(scheme: str, text: str) -> str | None:
    """Return a host with its port, unescaped; None where it is none."""
    if "[" in text:
        literal, bracket, port = text[1:].rpartition("]")
        if text.rindex("[") > 0 or not bracket or not _PORT.match(port):
            return None
        address = _unescaped_literal(literal)
        return None if address is None else f"[{address}]{port}"
    if ":" in text:
        # More than one colon is wrong for the web's schemes; the hosts of databases have always had them.
        port = text[text.index(":") if scheme in ("http", "https") else text.rindex(":") :]
        if not _PORT.match(port):
            return None
    return _unescaped_host(text)


def _unescaped_host(text: str) -> str | None:
    return None if _NO_HOST.search(text) or _BAD_HOST_ESCAPE.search(text) else unquote(text)


def _unescaped_literal(text: str) -> str | None:
    """Return the IPv6 address within brackets, with its zone where it has one."""
    number, escaped, zone = text.partition("%25")
    host = _unescaped_host(number)
    if host is None or _BAD_ESCAPE.search(zone):
        return None
    plain = unquote(zone)
    if escaped and (not plain or any(_NO_HOST.match(character) and character != " " for character in plain)):
        return None
    try:
        IPv6Address(host)
    except AddressValueError:
        return None
    return f"{host}%{plain}" if escaped else host


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
    """Return host and port, unescaped."""
    return _checked(value).host


def _split(host: str) -> tuple[str, str]:
    """Return a host without its brackets, and its port."""
    name, colon, port = host.rpartition(":")
    if not colon or not _PORT.match(colon + port):
        name, port = host, ""
    return (name[1:-1] if name.startswith("[") and name.endswith("]") else name), port


def getHostname_(value: Any) -> str:  # noqa: N802 - CEL's own name
    """Return the host without port and brackets."""
    return _split(_checked(value).host)[0]


def getPort_(value: Any) -> str:  # noqa: N802 - CEL's own name
    """Return the port, "" where there is none."""
    return _split(_checked(value).host)[1]


def getEscapedPath_(value: Any) -> str:  # noqa: N802 - CEL's own name
    """Return the path with its special characters escaped."""
    path = _checked(value).path
    return path if _ENCODED_PATH.match(path) else quote(unquote_to_bytes(path), safe=_PATH_SAFE)


def getQuery_(value: Any) -> dict[str, list[str]]:  # noqa: N802 - CEL's own name
    """Return the values of each key of the query, unescaped; pairs that are malformed are left out."""
    found: dict[str, list[str]] = {}
    query = _checked(value).query or ""
    for pair in query.split("&") if query.count("&") < MAX_QUERY_PAIRS else ():
        if not pair or ";" in pair or _BAD_ESCAPE.search(pair):
            continue
        key, _, text = pair.partition("=")
        found.setdefault(unquote(key.replace("+", " ")), []).append(unquote(text.replace("+", " ")))
    return found
