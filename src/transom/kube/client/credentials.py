"""How a user proves who they are: tokens, files of tokens, certificates, and what plug-ins print.

Credentials that expire are obtained again in time, and once more where a server no longer takes them.
"""

from __future__ import annotations

import base64
import binascii
import threading
import time
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from transom.kube.client.kubeconfig import AuthProvider, Target, User
from transom.model.errors import TransomError

TOKEN_FILE_S = 60.0  # kubelets renew a token long before it expires; client-go reads it again each minute too
MAX_TOKEN_BYTES = 64 * 1024  # beyond what a server takes as a header
EXPIRY_SKEW_S = 10.0  # a credential that expires while its request travels is no use
NEVER = float("inf")


class Credential(Struct, frozen=True):
    """What goes with a request. certificate and key: PEM, for TLS; expires_at: seconds since 1970."""

    authorization: str = ""
    certificate: bytes = b""
    key: bytes = b""
    expires_at: float = NEVER


class Credentials:
    """The credential of the moment; threads may share it. obtain: makes a new one, and may run a program for it."""

    def __init__(self, obtain: Callable[[], Credential], now: Callable[[], float] = time.time) -> None:
        self._obtain = obtain
        self._now = now
        self._held: Credential | None = None
        self._lock = threading.Lock()

    def get(self) -> Credential:
        """Return a credential that has not expired; raises TransomError where there is none to be had."""
        with self._lock:
            if self._held is None or self._held.expires_at - EXPIRY_SKEW_S < self._now():
                self._held = self._obtain()
            return self._held

    def renewed(self, refused: Credential) -> Credential | None:
        """Return what to try in place of a credential that a server refused; None where that is all there is.

        Many requests may be refused at once: the first one renews, the others take what it got.
        """
        with self._lock:
            if self._held is None or self._held == refused:
                self._held = self._obtain()
            return None if _same_proof(self._held, refused) else self._held


def _same_proof(one: Credential, other: Credential) -> bool:
    return (one.authorization, one.certificate, one.key) == (other.authorization, other.certificate, other.key)


def credentials_of(target: Target) -> Credentials:
    """Return the credentials of a target's user, in the order in which client-go looks for them."""
    user = target.user
    if user.token_file:
        return Credentials(lambda: _from_token_file(user))
    if user.exec is not None and not user.token:
        from transom.kube.client.plugins import run_plugin

        plugin = user.exec
        return Credentials(lambda: run_plugin(plugin, target.cluster))
    return Credentials(lambda: _fixed(user))


def _fixed(user: User) -> Credential:
    certificate = _pem("client certificate", user.client_certificate_data, user.client_certificate)
    key = _pem("client key", user.client_key_data, user.client_key)
    if bool(certificate) != bool(key):
        missing = "key" if certificate else "certificate"
        raise TransomError(
            "cannot use the client certificate", f"there is no client {missing}", "add it to the kubeconfig"
        )
    return Credential(_authorization(user), certificate, key)


def _from_token_file(user: User) -> Credential:
    path = Path(user.token_file)
    try:
        with path.open("rb") as stream:
            token = stream.read(MAX_TOKEN_BYTES).decode("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        if user.token:  # client-go falls back on it
            return _fixed(user)
        why = getattr(error, "strerror", None) or "it is no token"
        raise TransomError(f"cannot read the token in {path}", why, "correct tokenFile in the kubeconfig") from error
    if not token:
        raise TransomError(f"cannot read the token in {path}", "it is empty", "correct tokenFile in the kubeconfig")
    fixed = _fixed(user)
    return Credential(bearer(token), fixed.certificate, fixed.key, time.time() + TOKEN_FILE_S)


def _authorization(user: User) -> str:
    if user.token:
        return bearer(user.token)
    if user.username:
        pair = f"{user.username}:{user.password}".encode()
        return "Basic " + base64.b64encode(pair).decode()
    return bearer(_id_token(user.auth_provider)) if user.auth_provider is not None else ""


def bearer(token: str) -> str:
    """Return the header of a token; raises TransomError for one that would break out of its header."""
    if not token.isascii() or not token.isprintable() or " " in token:
        raise TransomError("cannot use the token", "it has characters that no token has", "log in again")
    return f"Bearer {token}"


def _id_token(provider: AuthProvider) -> str:
    """Return the token that kubectl keeps for its built-in OpenID Connect.

    It is not renewed here: a renewal may end the refresh token that kubectl has kept, and only kubectl writes it back.
    """
    what = f"cannot log in with the auth-provider {provider.name}"
    if provider.name != "oidc":
        raise TransomError(what, "kubectl has none of this name since 1.26", "set up its exec plug-in")
    token = (provider.config or {}).get("id-token", "")
    if not token:
        raise TransomError(what, "it keeps no id-token", "log in with kubectl, which keeps one")
    if _expiry_of(token) - EXPIRY_SKEW_S < time.time():
        raise TransomError(what, "its id-token has expired", "run kubectl get namespaces, which renews it")
    return token


def _expiry_of(token: str) -> float:
    """Return when a JSON Web Token expires; NEVER where it does not say."""
    from msgspec import DecodeError, json

    class Claims(Struct):
        exp: float = NEVER

    try:
        payload = token.split(".")[1]
        return json.decode(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)), type=Claims).exp
    except (IndexError, DecodeError, binascii.Error, UnicodeDecodeError):
        return NEVER


def decoded_pem(what: str, data: str) -> bytes:
    """Return what stands in a kubeconfig as base64; raises TransomError, naming what it is."""
    try:
        return base64.b64decode(data)
    except binascii.Error as error:
        raise TransomError(f"cannot read the {what}", "its data is no base64", "correct the kubeconfig") from error


def _pem(what: str, data: str, file: str) -> bytes:
    """Return a part of the kubeconfig that stands in it, or in a file beside it."""
    if data:
        return decoded_pem(what, data)
    if not file:
        return b""
    try:
        return Path(file).read_bytes()
    except OSError as error:
        why = f"{file}: {error.strerror or error}"
        raise TransomError(f"cannot read the {what}", why, "correct the kubeconfig") from error
