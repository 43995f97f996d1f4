"""Who asks a registry: what the config files of Docker and of podman tell, themselves or through a credential helper."""

from __future__ import annotations

import base64
import binascii
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from transom.model.errors import TransomError
from transom.model.images import DEFAULT_REGISTRY

HELPER_S = 30.0  # a helper may ask a cloud
MAX_CONFIG_BYTES = 4 * 1024 * 1024
TOKEN_USER = "<token>"  # noqa: S105 - what a helper says in the place of a user, where the secret is an identity token
DOCKER_SERVERS = ("https://index.docker.io/v1/", "index.docker.io", DEFAULT_REGISTRY, "registry-1.docker.io")
"""What logins for Docker's own registry are kept under, the usual one first."""
_HELPER = re.compile(r"[A-Za-z0-9_-]+\Z")


class Login(Struct, frozen=True):
    """A user and a password, or an identity token alone."""

    user: str = ""
    password: str = ""
    token: str = ""

    @property
    def basic(self) -> str:
        """The header of HTTP's Basic scheme, "" for nobody."""
        if not self.user:
            return ""
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()

    def __repr__(self) -> str:
        """Say that it is a login; what it is stays out of every trace."""
        return "Login(…)"


NOBODY = Login()


class Auth(Struct, rename="lower"):
    """One login as Docker's config file has it."""

    auth: str = ""
    username: str = ""
    password: str = ""
    identitytoken: str = ""

    @property
    def login(self) -> Login | None:
        """The login, None where nothing of it is one."""
        if self.identitytoken:
            return Login(token=self.identitytoken)
        if self.username:
            return Login(self.username, self.password)
        try:
            user, colon, password = (
                base64.b64decode(self.auth + "=" * (-len(self.auth) % 4), validate=True).decode().partition(":")
            )
        except (binascii.Error, UnicodeDecodeError):
            return None
        return Login(user, password.rstrip("\0")) if colon else None


EMPTY = Auth()
"""What Docker leaves in its file where a helper keeps the login."""


class _Config(Struct, rename="camel"):
    auths: dict[str, Auth] = {}
    cred_helpers: dict[str, str] = {}
    creds_store: str = ""


def login_for(registry: str, environment: Mapping[str, str] = os.environ, repository: str = "") -> Login:
    """Return who asks a registry, nobody where nothing is told; raises TransomError for a config that cannot be read.

    repository: for logins that are for a part of a registry, as podman keeps them.
    """
    for path in _files(environment):
        login = _told(_config(path), registry, repository)
        if login != NOBODY:
            return login
    return NOBODY


def _files(environment: Mapping[str, str]) -> Iterator[Path]:
    """Yield the files that may tell, the one that is named for this first."""
    home = Path(environment.get("HOME", "/"))
    if environment.get("REGISTRY_AUTH_FILE"):
        yield Path(environment["REGISTRY_AUTH_FILE"])
    yield Path(environment.get("DOCKER_CONFIG") or home / ".docker") / "config.json"
    if environment.get("XDG_RUNTIME_DIR"):
        yield Path(environment["XDG_RUNTIME_DIR"]) / "containers" / "auth.json"
    yield Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "containers" / "auth.json"


def _config(path: Path) -> _Config:
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_CONFIG_BYTES)
    except OSError:
        return _Config()
    try:
        return msgspec.json.decode(content, type=_Config)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise TransomError(f"cannot read {path}", str(error), "correct it, or log in again") from error


def _told(config: _Config, registry: str, repository: str) -> Login:
    """Return the login of one file: of the helper that it names for this registry, else for all, else its own."""
    servers = DOCKER_SERVERS if registry == DEFAULT_REGISTRY else (registry,)
    helper = next(filter(None, map(config.cred_helpers.get, servers)), config.creds_store)
    if helper:
        found = (_asked(helper, server) for server in servers)
        return next((login for login in found if login != NOBODY), NOBODY)
    hosts = {_parted(each)[0] for each in servers}
    fitting = {}
    for key, auth in config.auths.items():
        host, path = _parted(key)
        if host in hosts and (not path or f"{repository}/".startswith(f"{path}/")):
            fitting[path] = auth
    auth = fitting[max(fitting, key=len)] if fitting else EMPTY
    return NOBODY if auth == EMPTY else _login(auth, registry)


def _parted(key: str) -> tuple[str, str]:
    """Return the host of a key, and the part of the registry that it is for: `https://host/v1/` is for all of it."""
    host, _, path = key.removeprefix("https://").removeprefix("http://").partition("/")
    path = path.strip("/")
    return host, "" if path in ("v1", "v2") else path


def _login(auth: Auth, registry: str) -> Login:
    login = auth.login
    if login is None:
        raise TransomError(f"cannot read the login for {registry}", "it is no user and password", "log in again")
    return login


class _Answer(Struct, rename="pascal"):
    username: str = ""
    secret: str = ""


def _asked(helper: str, registry: str) -> Login:
    """Ask `docker-credential-HELPER get`, as Docker does: the registry goes in, JSON comes out."""
    what = f"the credential helper {helper} has no login for {registry}"
    if not _HELPER.match(helper):
        raise TransomError(what, "its name is none", "correct credsStore in Docker's config.json")
    try:
        done = subprocess.run(  # noqa: S603 - a program that the user's own config names
            [f"docker-credential-{helper}", "get"],
            input=registry.encode(),
            capture_output=True,
            timeout=HELPER_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise TransomError(what, str(error), "install it, or log in another way") from error
    if done.returncode:
        if b"not found" in done.stdout + done.stderr:
            return NOBODY
        raise TransomError(what, done.stderr.decode("utf-8", "replace").strip()[:500], "log in again")
    try:
        answer = msgspec.json.decode(done.stdout, type=_Answer)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise TransomError(what, "its answer is no JSON", "log in again") from error
    return Login(token=answer.secret) if answer.username == TOKEN_USER else Login(answer.username, answer.secret)
