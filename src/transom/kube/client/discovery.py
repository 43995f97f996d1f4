"""What a cluster serves: every group, version and resource, and which parts of it cannot be asked.

One request for the core group and one for all others (aggregated discovery, apidiscovery.k8s.io/v2, Kubernetes 1.26 and
later); older servers are asked group by group. A group whose own server does not answer is told as stale, not lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import msgspec
from msgspec import Struct, json

from transom.kube.client.client import JSON_TYPE, Client
from transom.kube.client.errors import ApiError, unreadable
from transom.kube.client.transport import TooLargeError

AGGREGATED = ", ".join(
    f"{JSON_TYPE};g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList" for version in ("v2", "v2beta1")
)
CORE_VERSION = "v1"

Shape = TypeVar("Shape")


class Resource(Struct, frozen=True):
    """A resource in one version. plural: its name in URLs; verbs: what may be done with it."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool
    verbs: tuple[str, ...] = ()

    @property
    def api_version(self) -> str:
        """The apiVersion of its objects."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str = "") -> str:
        """Return where its objects are listed: all, or those of one namespace."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        within = f"/namespaces/{namespace}" if namespace and self.namespaced else ""
        return f"{root}{within}/{self.plural}"


class Stale(Struct, frozen=True):
    """A version of a group that its own server did not tell of: what it serves is unknown."""

    group: str
    version: str
    reason: str


class Served(Struct, frozen=True):
    """Everything that a cluster serves. resources: of each group in the server's order of preference."""

    resources: tuple[Resource, ...]
    stale: tuple[Stale, ...] = ()

    def find(self, group: str, name: str) -> Resource | None:
        """Return a resource by its kind or plural, in the version that the server prefers."""
        return next((each for each in self.resources if each.group == group and name in (each.kind, each.plural)), None)

    def preferred(self) -> list[Resource]:
        """Return each resource once, in the version that the server prefers."""
        first: dict[tuple[str, str], Resource] = {}
        for resource in self.resources:
            first.setdefault((resource.group, resource.plural), resource)
        return list(first.values())


def discover(client: Client) -> Served:
    """Return what the cluster serves; raises ApiError where it tells nothing at all."""
    resources: list[Resource] = []
    stale: list[Stale] = []
    for path in ("/api", "/apis"):
        for found in _told(client, path):
            (resources if isinstance(found, Resource) else stale).append(found)  # type: ignore[arg-type]
    return Served(tuple(resources), tuple(stale))


def _told(client: Client, path: str) -> Iterator[Resource | Stale]:
    body = _body(client, path, AGGREGATED)
    answer = _decoded(body, _GroupList, path)
    if answer.kind == "APIGroupDiscoveryList":
        for group in answer.items:
            yield from _of_group(group)
    else:
        yield from _group_by_group(client, path, body)


def _body(client: Client, path: str, accept: str) -> bytes:
    try:
        return client.get(path, accept=f"{accept}, {JSON_TYPE}")
    except TooLargeError as error:
        raise unreadable(f"cannot read what the API server serves at {path}") from error


def _decoded(body: bytes, shape: type[Shape], path: str) -> Shape:
    try:
        return json.decode(body, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise unreadable(f"cannot read what the API server serves at {path}") from error


class _ResponseKind(Struct, frozen=True):
    kind: str = ""


class _DiscoveredResource(Struct, frozen=True, rename="camel"):
    resource: str
    scope: str = ""
    verbs: list[str] | None = None
    response_kind: _ResponseKind | None = None


class _DiscoveredVersion(Struct, frozen=True):
    version: str
    resources: list[_DiscoveredResource] | None = None
    freshness: str = "Current"


class _Metadata(Struct, frozen=True):
    name: str = ""


class _DiscoveredGroup(Struct, frozen=True):
    metadata: _Metadata = _Metadata()
    versions: list[_DiscoveredVersion] = []


class _GroupList(Struct, frozen=True):
    kind: str = ""
    items: list[_DiscoveredGroup] = []


def _of_group(group: _DiscoveredGroup) -> Iterator[Resource | Stale]:
    name = group.metadata.name
    for version in group.versions:
        if version.freshness == "Stale":
            yield Stale(name, version.version, "the server behind this API does not answer")
        for each in version.resources or ():
            kind = each.response_kind.kind if each.response_kind else ""
            yield Resource(
                name, version.version, kind, each.resource, each.scope == "Namespaced", tuple(each.verbs or ())
            )


class _OldVersion(Struct, frozen=True, rename="camel"):
    version: str
    group_version: str


class _OldGroup(Struct, frozen=True, rename="camel"):
    name: str
    versions: list[_OldVersion] = []
    preferred_version: _OldVersion | None = None


class _OldGroups(Struct, frozen=True):
    groups: list[_OldGroup] = []


class _OldResource(Struct, frozen=True):
    name: str
    kind: str = ""
    namespaced: bool = False
    verbs: list[str] | None = None


class _OldResources(Struct, frozen=True):
    resources: list[_OldResource] | None = None


def _group_by_group(client: Client, path: str, body: bytes) -> Iterator[Resource | Stale]:
    if path == "/api":
        yield from _of_old_version(client, "", CORE_VERSION, f"/api/{CORE_VERSION}")
        return
    for group in _decoded(body, _OldGroups, path).groups:
        preferred = group.preferred_version.version if group.preferred_version else ""
        for each in sorted(group.versions, key=lambda version: version.version != preferred):
            yield from _of_old_version(client, group.name, each.version, f"/apis/{each.group_version}")


def _of_old_version(client: Client, group: str, version: str, path: str) -> Iterator[Resource | Stale]:
    try:
        answer = _decoded(_body(client, path, JSON_TYPE), _OldResources, path)
    except ApiError as error:
        yield Stale(group, version, error.why)
        return
    for each in answer.resources or ():
        if "/" not in each.name:  # a subresource
            yield Resource(group, version, each.kind, each.name, each.namespaced, tuple(each.verbs or ()))
