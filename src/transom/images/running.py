"""Images that run in a cluster, by the digests that its nodes tell, and the workloads that run them.

Nodes tell what they really run (`status.containerStatuses[].imageID`), whatever a tag leads to today. Images are fetched as the
person who scans may fetch them: no pull secret of the cluster is read.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from transom.images.opening import ImageOptions
from transom.images.source import IMAGE, fill_from_image
from transom.inventory import Entry, Inventory
from transom.kube.reading import maps_at, text_at
from transom.model.findings import NotApplicable, Skipped, Told
from transom.model.refs import Ref

MAX_IMAGES = 1_000  # of a cluster that are inspected in one scan; most clusters run some hundred
STATUSES = ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")
ENDED = ("Succeeded", "Failed")


class Running(Struct, frozen=True, order=True):
    """An image as a node runs it. name: as written in the pod; identity: what the node tells; platform: the node's."""

    identity: str
    name: str
    platform: str = ""


def fill_from_running(inventory: Inventory, target: str, options: ImageOptions) -> Iterator[Told]:
    """Add the object of each image that runs in the cluster of a target; yield what could not be read."""
    found = running(inventory, target)
    if len(found) > MAX_IMAGES:
        yield NotApplicable(f"images beyond the first {MAX_IMAGES:,}", len(found) - MAX_IMAGES)
    for image in sorted(found)[:MAX_IMAGES]:
        workloads = tuple(sorted(ref.short for ref in found[image]))
        if "@sha256:" not in image.identity:
            reason = "its node tells no digest, so nobody else may have it"
            yield Skipped(Ref(scope="image", name=image.name), reason, "push it to a registry, and run it from there")
            continue
        named = replace(options, platform=options.platform or image.platform)
        yield from fill_from_image(inventory, IMAGE + image.identity, named, workloads)


def running(inventory: Inventory, target: str) -> dict[Running, set[Ref]]:
    """Return the images that pods of a target run, each with what a person would change to change those pods."""
    platforms = {node.ref.name: _platform(node) for node in inventory.of_kind("", "Node", target)}
    found: dict[Running, set[Ref]] = {}
    for pod in inventory.of_kind("", "Pod", target):
        if text_at(pod.object, "status", "phase") in ENDED:
            continue
        platform = platforms.get(text_at(pod.object, "spec", "nodeName"), "")
        for field in STATUSES:
            for _, status in maps_at(pod.object, "status", field):
                identity = text_at(status, "imageID").rpartition("://")[2]
                if identity:
                    image = Running(identity, text_at(status, "image"), platform)
                    found.setdefault(image, set()).add(inventory.owner(pod))
    return _by_identity(found)


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
