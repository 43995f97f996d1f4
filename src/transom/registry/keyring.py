"""Logins of pull secrets, matched to images as the kubelet matches them (k8s.io/kubernetes/pkg/credentialprovider).

A key is a host, perhaps with a port, stars within its parts and the start of a path: `*.example.com:5000/shop`.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

import msgspec
from msgspec import Struct

from transom.model.images import DEFAULT_REGISTRY, ImageRef
from transom.registry.credentials import Auth, Login

CONFIG_JSON, CONFIG = "kubernetes.io/dockerconfigjson", "kubernetes.io/dockercfg"
FIELDS = {CONFIG_JSON: ".dockerconfigjson", CONFIG: ".dockercfg"}
"""The key of a Secret's data, by its type."""
DEFAULT_KEY = "index.docker.io"  # what a login for Docker's own registry is kept under
MAX_LOGINS = 10_000  # of one Secret, which has 1 MiB at most
_SCHEME = re.compile(r"https?://")


class Keyring(Struct, frozen=True):
    """Logins by their keys, in the order in which they are tried."""

    logins: tuple[tuple[str, Login], ...] = ()

    def joined(self, other: Keyring) -> Keyring:
        """Return a keyring that has those of another too."""
        return Keyring(tuple(_ordered((*self.logins, *other.logins))))


def keyring_of(secret: Mapping[str, Any]) -> Keyring:
    """Return the logins of a Secret as the API server tells it; raises ValueError for one that has none to read."""
    field = FIELDS.get(str(secret.get("type")))
    data = secret.get("data")
    value = data.get(field) if field and isinstance(data, Mapping) else None
    if not isinstance(value, str):
        raise ValueError("it is no pull secret: its type is neither dockerconfigjson nor dockercfg")
    try:
        content = base64.b64decode(value, validate=True)
        if field == FIELDS[CONFIG]:
            auths = msgspec.json.decode(content, type=dict[str, Auth])
        else:
            auths = msgspec.json.decode(content, type=_Auths).auths
    except (binascii.Error, msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise ValueError("its content is no configuration of Docker") from None  # whose text would tell a password
    return Keyring(tuple(_ordered(_read(auths))))


class _Auths(Struct):
    auths: dict[str, Auth] = {}


def _read(auths: Mapping[str, Auth]) -> Iterator[tuple[str, Login]]:
    for key, auth in list(auths.items())[:MAX_LOGINS]:
        login = auth.login
        if login is not None:
            yield _key(key), login


def _ordered(logins: Iterable[tuple[str, Login]]) -> list[tuple[str, Login]]:
    """Return logins in the kubelet's order: keys backwards, so that the longer of two that begin alike comes first."""
    return sorted(dict.fromkeys(logins), key=lambda each: each[0], reverse=True)


def _key(location: str) -> str:
    """Return a location as the kubelet keeps it: without scheme, and without the version of an API before its path."""
    host, slash, path = _SCHEME.sub("", location, count=1).partition("/")
    if slash and path.startswith(("v1/", "v2/")):
        path = path[3:]
    return f"{host}/{path}" if path else host


def logins_for(image: ImageRef, keyring: Keyring) -> tuple[Login, ...]:
    """Return the logins that fit an image, each once, the likeliest first."""
    found = [login for key, login in keyring.logins if _fits(key, image)]
    if not found and image.registry == DEFAULT_REGISTRY:
        found = [login for key, login in keyring.logins if key == DEFAULT_KEY]
    return tuple(dict.fromkeys(found))


def _fits(key: str, image: ImageRef) -> bool:
    host, slash, path = key.partition("/")
    wanted, port = _parts(host)
    there, other = _parts(image.registry)
    if port != other or len(wanted) != len(there) or not f"/{image.repository}".startswith(slash + path):
        return False
    return all(fnmatchcase(part, pattern.replace("[^", "[!")) for pattern, part in zip(wanted, there, strict=True))


def _parts(host: str) -> tuple[list[str], str]:
    name, colon, port = host.rpartition(":")
    return (name.split("."), port) if colon and port.isdecimal() else (host.split("."), "")
