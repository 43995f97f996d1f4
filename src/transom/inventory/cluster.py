"""A live cluster as a source: every object of the kinds that somebody will read, listed side by side.

Nothing is written and no Secret's value is read. What was refused, or broke off, is a Skipped that says what is missing;
what was read until then stays in the inventory.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from transom.inventory.entries import Origin
from transom.inventory.inventory import Inventory
from transom.kube.client import (
    Access,
    ApiError,
    Client,
    ForbiddenError,
    Listing,
    NotFoundError,
    Resource,
    Served,
    Stale,
    UnreachableError,
    connect,
    discover,
    list_all,
)
from transom.kube.client.decoding import DECODE_ERRORS, METADATA_LIST, SECRETS, decoded
from transom.kube.definitions import makes_pods
from transom.kube.distributions import Marks, distribution_of
from transom.kube.kinds import SERVED_GROUPS
from transom.kube.reading import text_at
from transom.model.clusters import ClusterFacts, Gap
from transom.model.errors import TransomError
from transom.model.findings import NotApplicable, Skipped
from transom.model.language import mark
from transom.model.refs import Ref

THREADS = 6  # lists side by side; of more the API server's fairness lets one user's wait
DEFINITION = ("apiextensions.k8s.io", "CustomResourceDefinition")
SECRETS_ON_REQUEST = mark("kinds listed on request only: Secrets, with --secrets")
SECRET_TYPES = (
    "Opaque",
    "bootstrap.kubernetes.io/token",
    "helm.sh/release.v1",
    "kubernetes.io/basic-auth",
    "kubernetes.io/dockercfg",
    "kubernetes.io/dockerconfigjson",
    "kubernetes.io/service-account-token",
    "kubernetes.io/ssh-auth",
    "kubernetes.io/tls",
)
"""Types that are asked for one by one: metadata alone does not tell them."""


def _everything(_: str, __: str) -> bool:
    return True


class ClusterOptions(Struct, frozen=True):
    """What to read of a cluster, and as whom.

    namespace: read this one only, and nothing cluster-wide; secrets: list Secrets too, their values left out;
    reads: tells whether anybody reads objects of a kind, by apiVersion and kind.
    """

    access: Access = Access()
    namespace: str | None = None
    secrets: bool = False
    reads: Callable[[str, str], bool] = _everything


def cluster_ref(context: str) -> Ref:
    """Return the Ref of a cluster as a whole."""
    return Ref(kind="Cluster", name=context or "cluster")


def fill_from_cluster(inventory: Inventory, target: str, options: ClusterOptions) -> Iterator[Skipped | NotApplicable]:
    """Add the objects of the cluster that a target (`cluster[:CONTEXT]`) names; yield what could not be read."""
    try:
        with client_of(target, options) as client:
            yield from _filled(inventory, target, client, options)
    except TransomError as error:
        yield _unread(cluster_ref(target.partition(":")[2]), error)


def client_of(target: str, options: ClusterOptions) -> Client:
    """Return a client of the cluster that a target (`cluster[:CONTEXT]`) names; raises TransomError."""
    context = target.partition(":")[2]
    return connect(replace(options.access, context=context or options.access.context))


def server_version(access: Access) -> str:
    """Return the version of a cluster's API server, `v1.36.3`; raises TransomError."""
    with connect(access) as client:
        return client.version().git_version


def wanted(served: Served, options: ClusterOptions) -> list[Resource]:
    """Return the resources of a cluster that are to be listed, in a stable order."""
    found = [
        each
        for each in served.preferred()
        if "list" in each.verbs
        and (each.namespaced or options.namespace is None)
        and (options.secrets or not _is_secret(each))
        and options.reads(each.api_version, each.kind)
    ]
    return sorted(found, key=lambda each: (each.group, each.plural))


def custom(
    served: Served, definitions: Iterable[dict[str, Any]], listed: Sequence[Resource], options: ClusterOptions
) -> list[Resource]:
    """Return the custom resources that carry pod templates and are not listed for another reason.

    None where nobody reads what makes pods.
    """
    if not options.reads("apps/v1", "Deployment"):
        return []
    templated = {
        (text_at(each, "spec", "group"), text_at(each, "spec", "names", "plural"))
        for each in definitions
        if makes_pods(each)
    }
    found = [
        each
        for each in served.preferred()
        if (each.group, each.plural) in templated
        and each not in listed
        and "list" in each.verbs
        and (each.namespaced or options.namespace is None)
    ]
    return sorted(found, key=lambda each: (each.group, each.plural))


def _is_secret(resource: Resource) -> bool:
    return (resource.group, resource.plural) == ("", "secrets")


def _filled(
    inventory: Inventory, target: str, client: Client, options: ClusterOptions
) -> Iterator[Skipped | NotApplicable]:
    version = client.version().git_version
    served = discover(client)
    yield from map(stale_group, served.stale)
    gaps = left_out(served, options)
    if not options.secrets and options.reads("v1", "Secret"):
        yield NotApplicable(SECRETS_ON_REQUEST)
    if options.namespace is not None:
        yield from _add_namespace(inventory, target, client, options.namespace)
    resources = wanted(served, options)
    yield from _read(inventory, target, client, resources, options, gaps)
    definitions = [each.object for each in inventory.of_kind(*DEFINITION, target)]
    yield from _read(inventory, target, client, custom(served, definitions, resources, options), options, gaps)
    inventory.clusters[target] = ClusterFacts(
        context=client.target.context,
        version=version,
        distribution=_distribution(inventory, target, version, served, client),
        namespace=options.namespace or "",
        verified=not client.target.cluster.insecure_skip_tls_verify,
        gaps=tuple(gaps),
        kinds=tuple(f"{each.group}/{each.kind}" if each.group else each.kind for each in resources),
    )


def _read(
    inventory: Inventory,
    target: str,
    client: Client,
    resources: Sequence[Resource],
    options: ClusterOptions,
    gaps: list[Gap],
) -> Iterator[Skipped]:
    """Add the objects of resources; yield what could not be listed, and note of which kinds."""
    for resource, listing in zip(resources, _listed(client, resources, options), strict=True):
        for value in listing.objects:
            inventory.add(value, Origin(target))
        if listing.error is not None:
            gaps.append(Gap(resource.group, resource.kind, refused=True))
        yield from _problems(resource, listing, options)


def left_out(served: Served, options: ClusterOptions) -> list[Gap]:
    """Return the kinds that were not asked for because the person did not want them; Secrets are nobody's surprise."""
    if options.namespace is None:
        return []
    return [Gap(each.group, each.kind, refused=False) for each in served.preferred() if not each.namespaced]


def _add_namespace(inventory: Inventory, target: str, client: Client, namespace: str) -> Iterator[Skipped]:
    """Add the one Namespace object that a scan of a namespace is about: its labels decide what may run in it."""
    resource = Resource("", "v1", "Namespace", "namespaces", False)
    ref = Ref(kind="Namespace", name=namespace)
    try:
        inventory.add(decoded(client.get(f"{resource.path()}/{namespace}"), resource), Origin(target))
    except ForbiddenError as error:
        needed = mark("reading it is refused: it needs the permission to get namespaces named {}").format(namespace)
        yield Skipped(ref, needed, _grant(error, namespace))
    except ApiError as error:
        yield _unread(ref, error)
    except DECODE_ERRORS:
        yield Skipped(ref, mark("cannot be decoded"), mark("read it with kubectl get -o yaml"))


# lists side by side


class _Outage:
    """Whether the server has gone: then what is still to be asked is not waited for, list by list."""

    def __init__(self) -> None:
        self.error: ApiError | None = None
        self.lock = threading.Lock()

    def note(self, resource: Resource, error: ApiError | None) -> None:
        """Take note of how a list ended; a broken server of somebody else's API is no outage."""
        if isinstance(error, UnreachableError) or (error and error.status >= 500 and resource.group in SERVED_GROUPS):
            with self.lock:
                self.error = self.error or error


def _listed(client: Client, resources: Sequence[Resource], options: ClusterOptions) -> Iterator[Listing]:
    outage = _Outage()

    def listing(resource: Resource) -> Listing:
        if outage.error is not None:
            return Listing([], error=outage.error)
        found = (
            _secrets(client, resource, options)
            if _is_secret(resource)
            else list_all(client, resource, _within(options))
        )
        outage.note(resource, found.error)
        return found

    pool = ThreadPoolExecutor(THREADS, "transom-list")
    try:
        yield from pool.map(listing, resources)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)  # so that workers may be forked afterwards


def _within(options: ClusterOptions) -> str:
    return options.namespace or ""


def _secrets(client: Client, resource: Resource, options: ClusterOptions) -> Listing:
    """List Secrets type by type, as metadata, so that no value travels and each has its type all the same."""
    objects: list[dict[str, Any]] = []
    unreadable = 0
    rest = ",".join(f"type!={each}" for each in SECRET_TYPES)
    for kind in (*SECRET_TYPES, ""):
        query = {"fieldSelector": f"type={kind}" if kind else rest}
        found = list_all(client, resource, _within(options), query, SECRETS, METADATA_LIST)
        objects += [{**each, "type": kind} if kind else each for each in found.objects]
        unreadable += found.unreadable
        if found.error is not None:
            return Listing(objects, "", found.error, unreadable)
    objects.sort(key=lambda each: (each["metadata"].get("namespace", ""), each["metadata"].get("name", "")))
    return Listing(objects, unreadable=unreadable)


# what is told


def _problems(resource: Resource, listing: Listing, options: ClusterOptions) -> Iterator[Skipped]:
    ref = Ref(group=resource.group, kind=resource.kind, namespace=_within(options), name="*")
    if listing.unreadable:
        reason = mark("{} of them cannot be decoded").format(listing.unreadable)
        yield Skipped(ref, reason, mark("read them with kubectl get -o yaml"))
    error = listing.error
    if isinstance(error, ForbiddenError):
        yield Skipped(ref, _missing_permission(resource, options), _grant(error, _within(options)))
    elif isinstance(error, NotFoundError):
        reason = mark("is no longer served: its definition went while it was read")
        yield Skipped(ref, reason, mark("read the cluster again"))
    elif error is not None:
        read = len(listing.objects)
        reason = mark("listing them broke off after {}: {}").format(read, error.why)
        yield Skipped(ref, reason, error.next_step)


def _missing_permission(resource: Resource, options: ClusterOptions) -> str:
    what = f"{resource.plural}.{resource.group}" if resource.group else resource.plural
    if not resource.namespaced:
        return mark("listing them is refused: it needs the permission to list {}, cluster-wide").format(what)
    if options.namespace is None:
        return mark("listing them is refused: it needs the permission to list {} in all namespaces").format(what)
    needed = mark("listing them is refused: it needs the permission to list {} in the namespace {}")
    return needed.format(what, options.namespace)


def _grant(_: ForbiddenError, namespace: str) -> str:
    if namespace:
        return mark("bind the role that `transom permissions scan` prints in the namespace {}").format(namespace)
    return mark("bind the role that `transom permissions scan` prints, or name a namespace with -n")


def stale_group(stale: Stale) -> Skipped:
    """Return what is told of a group whose own server does not say what it serves."""
    name = f"{stale.version}.{stale.group}"
    reason = mark("what it serves is unknown: {}").format(stale.reason)
    ref = Ref(group="apiregistration.k8s.io", kind="APIService", name=name)
    return Skipped(ref, reason, mark("kubectl describe apiservice {}").format(name))


def _unread(ref: Ref, error: TransomError) -> Skipped:
    reason = f"{error.what}: {error.why}" if error.why else error.what
    return Skipped(ref, reason, error.next_step)


def _distribution(inventory: Inventory, target: str, version: str, served: Served, client: Client) -> str:
    def has(kind: str, namespace: str, name: str) -> bool:
        group = "apps" if kind == "DaemonSet" else ""
        return inventory.get(target, Ref(group=group, kind=kind, namespace=namespace, name=name)) is not None

    groups = {resource.group for resource in served.resources}
    return distribution_of(Marks(version, groups, client.target.cluster.server, has))
