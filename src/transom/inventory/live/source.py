"""A real cluster as followers ask it: each resource over a connection of its own, as watches hold theirs for minutes."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from transom.inventory.cluster import ClusterOptions, left_out, stale_group, wanted
from transom.inventory.live.follower import Cluster
from transom.kube.client import Client, Event, Listing, Resource, discover, list_all, watch
from transom.kube.client.credentials import credentials_of
from transom.kube.client.kubeconfig import find_target
from transom.kube.client.watches import SILENCE_S
from transom.model.clusters import ClusterFacts
from transom.model.findings import Skipped

NAMESPACES = Resource("", "v1", "Namespace", "namespaces", False, ("list", "watch"))


class LiveCluster(Cluster):
    """The cluster of an access, and what of it is to be followed; Secrets never are. Raises TransomError.

    silence_s: how long a watch may say nothing, bookmarks included, before it counts as broken.
    """

    def __init__(self, options: ClusterOptions, silence_s: float = SILENCE_S) -> None:
        self._options = replace(options, secrets=False)
        self._silence_s = silence_s
        self._target = find_target(options.access)
        self._credentials = credentials_of(self._target)
        self._clients: dict[Resource, Client] = {}
        self._lock = threading.Lock()
        self._discovery = self._client()
        self._followed: Sequence[Resource] = ()

    def facts(self) -> ClusterFacts:
        """Return what the cluster says of itself."""
        options, version = self._options, self._discovery.version().git_version
        return ClusterFacts(
            context=self._target.context,
            version=version,
            namespace=options.namespace or "",
            verified=not self._target.cluster.insecure_skip_tls_verify,
            gaps=tuple(left_out(discover(self._discovery), options)),
        )

    def resources(self) -> tuple[Sequence[Resource], Sequence[Skipped]]:
        """Return what is to be followed, and what cannot be told just now: its kinds are followed on."""
        served = discover(self._discovery)
        found = [each for each in wanted(served, self._options) if "watch" in each.verbs]
        if self._options.namespace is not None:
            found.append(NAMESPACES)  # the one that is read: its labels decide what may run in it
        stale = {each.group for each in served.stale}
        kept = [each for each in self._followed if each.group in stale and each not in found]
        self._followed = [*found, *kept]
        return self._followed, [stale_group(each) for each in served.stale]

    def list(self, resource: Resource) -> Listing:
        """Return the objects of a resource."""
        return list_all(self._client_of(resource), resource, self._options.namespace or "", self._query(resource))

    def watch(self, resource: Resource, version: str) -> Iterator[Event]:
        """Yield what happens to them after a version."""
        client, namespace = self._client_of(resource), self._options.namespace or ""
        return watch(client, resource, version, namespace, self._query(resource), silence_s=self._silence_s)

    def close(self) -> None:
        """End every connection that is not being read."""
        for client in [self._discovery, *self._clients.values()]:
            client.close()

    def _query(self, resource: Resource) -> dict[str, str] | None:
        if self._options.namespace is None or resource is not NAMESPACES:
            return None
        return {"fieldSelector": f"metadata.name={self._options.namespace}"}

    def _client_of(self, resource: Resource) -> Client:
        with self._lock:
            if resource not in self._clients:
                self._clients[resource] = self._client()
            return self._clients[resource]

    def _client(self) -> Client:
        timeout_s = self._options.access.request_timeout_s
        return Client(self._target, self._credentials, request_timeout_s=timeout_s)
