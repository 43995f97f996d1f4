"""Kubeconfig files as kubectl reads them: which cluster, which user, which namespace.

Follows client-go's clientcmd: KUBECONFIG is a list of files, the first one that names a thing wins, whole; paths are
relative to the file that they stand in; without any file a pod finds its own cluster.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from transom.kube.documents import read_documents
from transom.model.errors import TransomError, UsageError
from transom.model.findings import Skipped

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")  # where a kubelet puts a pod's token
MAX_KUBECONFIG_BYTES = 10 * 1024 * 1024  # a file with a thousand clusters and their certificates has about 5 MB
DEFAULT_NAMESPACE = "default"
IN_CLUSTER = "in-cluster"


class Cluster(Struct, frozen=True, rename="kebab"):
    """Where an API server is, and how it is known to be the right one. Data outranks the file of the same name."""

    server: str = ""
    certificate_authority: str = ""
    certificate_authority_data: str = ""
    insecure_skip_tls_verify: bool = False
    tls_server_name: str = ""
    proxy_url: str = ""
    disable_compression: bool = False
    extensions: list[dict[str, Any]] | None = None


class Variable(Struct, frozen=True):
    """An environment variable for a credential plug-in."""

    name: str
    value: str = ""


class ExecPlugin(Struct, frozen=True, rename="camel"):
    """A program that prints credentials (client.authentication.k8s.io)."""

    command: str = ""
    api_version: str = ""
    args: list[str] | None = None
    env: list[Variable] | None = None
    install_hint: str = ""
    provide_cluster_info: bool = False


class AuthProvider(Struct, frozen=True):
    """A way to log in that older kubectl had built in."""

    name: str = ""
    config: dict[str, str] | None = None


class User(Struct, frozen=True, rename="kebab"):
    """How somebody proves who they are, and as whom they then act."""

    client_certificate: str = ""
    client_certificate_data: str = ""
    client_key: str = ""
    client_key_data: str = ""
    token: str = ""
    token_file: str = msgspec.field(default="", name="tokenFile")
    username: str = ""
    password: str = ""
    exec: ExecPlugin | None = None
    auth_provider: AuthProvider | None = None
    as_user: str = msgspec.field(default="", name="as")
    as_uid: str = ""
    as_groups: list[str] | None = None
    as_user_extra: dict[str, list[str]] | None = None


class _Context(Struct, frozen=True):
    cluster: str = ""
    user: str = ""
    namespace: str = ""


class _NamedCluster(Struct, frozen=True):
    name: str
    cluster: Cluster = Cluster()


class _NamedUser(Struct, frozen=True):
    name: str
    user: User | None = None


class _NamedContext(Struct, frozen=True):
    name: str
    context: _Context = _Context()


class _File(Struct, frozen=True, rename="kebab"):
    clusters: list[_NamedCluster] | None = None
    users: list[_NamedUser] | None = None
    contexts: list[_NamedContext] | None = None
    current_context: str = ""


class Access(Struct, frozen=True):
    """How a person asks to reach a cluster: kubectl's own flags, of the same meaning.

    context: "" for the current one; kubeconfig: one file, in place of KUBECONFIG and ~/.kube/config;
    request_timeout_s: for each request, 0 for no limit but those of silence.
    """

    context: str = ""
    kubeconfig: str = ""
    as_user: str = ""
    as_groups: tuple[str, ...] = ()
    request_timeout_s: float = 0.0
    insecure_skip_tls_verify: bool = False


class Target(Struct, frozen=True):
    """The cluster and the user that a person means. context: the name that they know it by."""

    context: str
    cluster: Cluster
    user: User
    namespace: str = DEFAULT_NAMESPACE


def find_target(access: Access, environment: Mapping[str, str] = os.environ) -> Target:
    """Return what an access means; raises UsageError where there is no such context, TransomError for broken files."""
    files = [_read(path) for path in _paths(access, environment) if path.exists()]
    target = _target(files, access) if any(map(_says_anything, files)) else _in_cluster(access, environment)
    return _with_flags(target, access)


def _paths(access: Access, environment: Mapping[str, str]) -> list[Path]:
    if access.kubeconfig:
        path = Path(access.kubeconfig).expanduser()
        if not path.exists():
            raise UsageError(f"there is no kubeconfig {path}", "", "name another with --kubeconfig")
        return [path]
    listed = environment.get("KUBECONFIG", "")
    if listed:
        return [Path(part) for part in dict.fromkeys(listed.split(os.pathsep)) if part]
    return [Path(environment.get("HOME") or Path.home()) / ".kube" / "config"]


def _read(path: Path) -> _File:
    what = f"cannot read the kubeconfig {path}"
    try:
        if path.stat().st_size > MAX_KUBECONFIG_BYTES:
            raise UsageError(what, "it is larger than 10 MiB", "name another with --kubeconfig")
        with path.open("rb") as stream:
            documents = list(read_documents(stream, str(path)))
    except OSError as error:
        raise UsageError(what, error.strerror or str(error), "make it readable, or name another") from error
    for document in documents:
        if isinstance(document, Skipped):
            raise UsageError(what, document.reason, document.next_step)
    value = next((document.value for document in documents if not isinstance(document, Skipped)), None)
    try:
        read = msgspec.convert(_without_nulls(value or {}), _File)
    except msgspec.ValidationError as error:
        raise UsageError(what, str(error), "compare it with `kubectl config view`") from error
    return _absolute(read, path.parent)


def _without_nulls(value: Any) -> Any:
    """Return a value as Go decodes it: a field that is null is as if it were not there."""
    if isinstance(value, dict):
        return {key: _without_nulls(each) for key, each in value.items() if each is not None}
    return [_without_nulls(each) for each in value] if isinstance(value, list) else value


def _says_anything(file: _File) -> bool:
    return bool(file.clusters or file.users or file.contexts or file.current_context)


def _absolute(file: _File, folder: Path) -> _File:
    """Return a file whose paths no longer hang on where it stands."""

    def path(text: str) -> str:
        return str(folder / text) if text else ""

    clusters = [
        replace(each, cluster=replace(each.cluster, certificate_authority=path(each.cluster.certificate_authority)))
        for each in file.clusters or ()
    ]
    users = [
        _NamedUser(
            each.name,
            replace(
                each.user,
                client_certificate=path(each.user.client_certificate),
                client_key=path(each.user.client_key),
                token_file=path(each.user.token_file),
                exec=each.user.exec and replace(each.user.exec, command=_command(each.user.exec.command, folder)),
            ),
        )
        for each in file.users or ()
        if each.user is not None
    ]
    return replace(file, clusters=clusters, users=users)


def _command(command: str, folder: Path) -> str:
    """Return a plug-in's command: a bare name is looked up in PATH, a relative path is one from the file's folder."""
    return str(folder / command) if os.sep in command else command


class _Named(Protocol):
    @property
    def name(self) -> str: ...


Thing = TypeVar("Thing", bound=_Named)


def _first(things: Iterable[Thing], name: str) -> Thing | None:
    return next((each for each in things if each.name == name), None)


def _target(files: list[_File], access: Access) -> Target:
    wanted = access.context or next((each.current_context for each in files if each.current_context), "")
    contexts = [each for file in files for each in file.contexts or ()]
    known = ", ".join(sorted({each.name for each in contexts})) or "none"
    if not wanted:
        raise UsageError("no cluster is chosen", "the kubeconfig has no current-context", f"choose from {known}")
    found = _first(contexts, wanted)
    if found is None:
        raise UsageError(f"there is no context {wanted!r} in the kubeconfig", "", f"choose from {known}")
    context = found.context
    cluster = _first((each for file in files for each in file.clusters or ()), context.cluster)
    if cluster is None or not cluster.cluster.server:
        why = (
            f"its cluster {context.cluster!r} has no server" if cluster else f"there is no cluster {context.cluster!r}"
        )
        raise UsageError(f"cannot use the context {wanted}", why, "see `kubectl config view`")
    user = _first((each for file in files for each in file.users or ()), context.user)
    if user is None and context.user:
        raise UsageError(
            f"cannot use the context {wanted}", f"there is no user {context.user!r}", "see `kubectl config view`"
        )
    who = user.user if user and user.user else User()
    return Target(wanted, cluster.cluster, who, context.namespace or DEFAULT_NAMESPACE)


def _in_cluster(access: Access, environment: Mapping[str, str]) -> Target:
    host, port = environment.get("KUBERNETES_SERVICE_HOST", ""), environment.get("KUBERNETES_SERVICE_PORT", "443")
    account = SERVICE_ACCOUNT
    token = account / "token"
    if access.kubeconfig or not host or not token.exists():
        raise TransomError(
            "there is no cluster to reach",
            "no kubeconfig was found, and this is no pod that has a service account",
            "name a file with --kubeconfig or KUBECONFIG",
        )
    host = f"[{host}]" if ":" in host else host
    try:
        namespace = (account / "namespace").read_text().strip()
    except OSError:
        namespace = ""
    cluster = Cluster(server=f"https://{host}:{port}", certificate_authority=str(account / "ca.crt"))
    return Target(IN_CLUSTER, cluster, User(token_file=str(token)), namespace or DEFAULT_NAMESPACE)


def _with_flags(target: Target, access: Access) -> Target:
    """Return a target with what the command line says in place of what the files say."""
    cluster, user = target.cluster, target.user
    if access.insecure_skip_tls_verify:
        cluster = replace(
            cluster, insecure_skip_tls_verify=True, certificate_authority="", certificate_authority_data=""
        )
    if access.as_groups and not (access.as_user or user.as_user):
        raise UsageError("--as-group needs the user that has the groups", "", "add --as")
    if access.as_user:
        user = replace(user, as_user=access.as_user, as_uid="", as_user_extra=None, as_groups=list(access.as_groups))
    elif access.as_groups:
        user = replace(user, as_groups=list(access.as_groups))
    return replace(target, cluster=cluster, user=user)
