"""Images that run in a cluster, by the digests that its nodes tell, and the workloads that run them.

Nodes tell what they really run (`status.containerStatuses[].imageID`), whatever a tag leads to today. Images are fetched as the
person who scans may fetch them; pull secrets of the cluster are read only where they are asked for.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from transom.images.opening import ImageOptions
from transom.images.source import fill_from_image
from transom.images.targets import IMAGE
from transom.inventory import Entry, Inventory
from transom.inventory.cluster import ClusterOptions
from transom.kube.reading import maps_at, text_at
from transom.model.findings import NotApplicable, Skipped, Told
from transom.model.refs import Ref
from transom.registry.credentials import Login

MAX_IMAGES = 1_000  # of a cluster that are inspected in one scan; most clusters run some hundred
STATUSES = ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")
ENDED = ("Succeeded", "Failed")


class Running(Struct, frozen=True, order=True):
    """An image as a node runs it. name: as written in the pod; identity: what the node tells; platform: the node's."""

    identity: str
    name: str
    platform: str = ""


def fill_from_running(
    inventory: Inventory, target: str, options: ImageOptions, cluster: ClusterOptions | None = None
) -> Iterator[Told]:
    """Add the object of each image that runs in the cluster of a target; yield what could not be read.

    cluster: how to reach it, for pull secrets.
    """
    found = running(inventory, target)
    if len(found) > MAX_IMAGES:
        yield NotApplicable(f"images beyond the first {MAX_IMAGES:,}", len(found) - MAX_IMAGES)
    logins: dict[str, tuple[Login, ...]] = {}
    if options.pull_secrets:
        yield from _learn_logins(inventory, target, cluster, logins)
    for image in sorted(found)[:MAX_IMAGES]:
        workloads = tuple(sorted(ref.short for ref in found[image]))
        if "@sha256:" not in image.identity:
            reason = "its node tells no digest, so nobody else may have it"
            yield Skipped(Ref(scope="image", name=image.name), reason, "push it to a registry, and run it from there")
            continue
        may = logins.get(image.identity, ())
        named = replace(options, platform=options.platform or image.platform, logins=may)
        yield from fill_from_image(inventory, IMAGE + image.identity, named, workloads, image.name)


def _learn_logins(
    inventory: Inventory, target: str, cluster: ClusterOptions | None, logins: dict[str, tuple[Login, ...]]
) -> Iterator[Skipped]:
    """Find by which logins each image may be fetched; yield pull secrets that could not be read."""
    from transom.images.pull_secrets import PullSecrets, secrets_of

    names: dict[str, set[tuple[str, str]]] = {}
    for pod, image in _pods(inventory, target):
        names.setdefault(image.identity, set()).update(secrets_of(pod, inventory, target))
    wanted = set().union(*names.values())
    if cluster is None or target.partition(":")[0] != "cluster":
        if wanted:
            reason = (
                f"{len(wanted)} pull secrets were not read: {target} is no live cluster, and none keeps their values"
            )
            yield Skipped(Ref(kind="Secret", name="*"), reason, "scan the cluster itself, or log in: docker login")
        return
    secrets = PullSecrets(target, cluster)
    yield from secrets.read(wanted)
    logins.update((identity, secrets.logins(identity, asked)) for identity, asked in names.items())


def running(inventory: Inventory, target: str) -> dict[Running, set[Ref]]:
    """Return the images that pods of a target run, each with what a person would change to change those pods."""
    found: dict[Running, set[Ref]] = {}
    for pod, image in _pods(inventory, target):
        found.setdefault(image, set()).add(inventory.owner(pod))
    return _by_identity(found)


def _pods(inventory: Inventory, target: str) -> Iterator[tuple[Entry, Running]]:
    """Yield each image of each pod that has not ended."""
    platforms = {node.ref.name: _platform(node) for node in inventory.of_kind("", "Node", target)}
    for pod in inventory.of_kind("", "Pod", target):
        if text_at(pod.object, "status", "phase") in ENDED:
            continue
        platform = platforms.get(text_at(pod.object, "spec", "nodeName"), "")
        for field in STATUSES:
            for _, status in maps_at(pod.object, "status", field):
                identity = text_at(status, "imageID").rpartition("://")[2]
                if identity:
                    yield pod, Running(identity, text_at(status, "image"), platform)


def _by_identity(found: dict[Running, set[Ref]]) -> dict[Running, set[Ref]]:
    """Return each image once for each platform, whatever several pods call it."""
    merged: dict[tuple[str, str], Running] = {}
    users: dict[Running, set[Ref]] = {}
    for image in sorted(found):
        first = merged.setdefault((image.identity, image.platform), image)
        users.setdefault(first, set()).update(found[image])
    return users


def _platform(node: Entry) -> str:
    parts = (text_at(node.object, "status", "nodeInfo", key) for key in ("operatingSystem", "architecture"))
    told = "/".join(filter(None, parts))
    return told if "/" in told else ""
