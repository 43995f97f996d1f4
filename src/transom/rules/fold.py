"""Pods are judged through what made them; only those that run otherwise than their template says are looked at again.

A Deployment with 300 pods is one thing. But a pod may have got a debug container, an injector may add one to all pods,
and a rollout that hangs leaves pods of yesterday's template: what is found in these alone is theirs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from transom.inventory.joins import pod_path
from transom.kube.kinds import template_path
from transom.kube.reading import map_at, maps_at
from transom.model.findings import Evidence
from transom.model.language import mark
from transom.model.places import Locator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transom.inventory import Entry, Inventory
    from transom.model.findings import Finding
    from transom.model.refs import Ref

SET_BY_THE_CLUSTER = frozenset(
    (
        "affinity",
        "enableServiceLinks",
        "hostname",
        "imagePullSecrets",
        "nodeName",
        "overhead",
        "preemptionPolicy",
        "priority",
        "priorityClassName",
        "serviceAccount",
        "subdomain",
        "tolerations",
    )
)
"""Fields of a pod that admission, controllers and the scheduler fill in, whatever its template says."""

TOKEN_VOLUME = "kube-api-access-"  # noqa: S105 - the volume that admission adds for a service account's token
OTHERWISE = mark("a pod that runs as its template says")
CONTAINER_LISTS = ("containers", "initContainers", "ephemeralContainers")
ENDED = ("Succeeded", "Failed")
MAX_MAKERS = 32  # one above the other: an honest pod has three


class Alike(Struct, frozen=True, eq=False):
    """Pods that run alike.

    pods: in the order of the inventory; whole: the smallest thing that has made just these, None where its other pods run
    otherwise; astray: whether they run otherwise than their template says.
    """

    pods: Sequence[Entry]
    whole: Entry | None
    astray: bool


def is_folded(inventory: Inventory, entry: Entry) -> bool:
    """Tell whether a controller of a live cluster wrote an entry, so that it is judged with what made it."""
    if entry.origin.target not in inventory.clusters:
        return False
    owner = inventory.owner_entry(entry)
    return owner is not None and template_path(owner.ref.group, owner.ref.kind) is not None


def pods_of(inventory: Inventory, top: Entry) -> Iterator[Alike]:
    """Yield the pods that something with a template has made, those that run alike together."""
    if not inventory.joins.children(top):
        return
    template = core(map_at(top.object, *pod_path(top), "spec"))
    running = list(_pods(inventory, top))
    alike: dict[bytes, list[tuple[Entry, Entry]]] = {}
    for pod, maker in running:
        alike.setdefault(core(map_at(pod.object, "spec")), []).append((pod, maker))
    made = _count([maker for _, maker in running])
    for shape, members in alike.items():
        whole = top if len(members) == len(running) else _maker_of_all(members, made)
        yield Alike([pod for pod, _ in members], whole, shape != template)


def _pods(inventory: Inventory, maker: Entry, above: frozenset[int] = frozenset()) -> Iterator[tuple[Entry, Entry]]:
    """Yield the pods below an entry that still run, each with what made it; above: makers that it must not lead back to."""
    above |= {id(maker)}
    for child in inventory.joins.children(maker):
        if child.ref.kind != "Pod":
            if (
                id(child) not in above and len(above) < MAX_MAKERS
            ):  # hostile objects control each other, or in long rows
                yield from _pods(inventory, child, above)
        elif map_at(child.object, "status").get("phase") not in ENDED:
            yield child, maker


def _count(makers: Sequence[Entry]) -> dict[int, int]:
    counts: dict[int, int] = {}
    for maker in makers:
        counts[id(maker)] = counts.get(id(maker), 0) + 1
    return counts


def _maker_of_all(members: Sequence[tuple[Entry, Entry]], made: dict[int, int]) -> Entry | None:
    """Return what made all of these pods and no others."""
    maker = members[0][1]
    alone = all(other is maker for _, other in members) and made[id(maker)] == len(members)
    return maker if alone and maker.ref.kind != "Pod" else None


def of_pods(finding: Finding, group: Alike, owner: Ref) -> Iterator[Finding]:
    """Yield a finding of the first of the pods as one of what made them all, else as one of each pod.

    The pod that shows it is named beside the place: a path of a pod is none of its template.
    """
    for pod in group.pods if group.whole is None else group.pods[:1]:
        ref = pod.ref if group.whole is None else group.whole.ref
        shown = Evidence(Locator(path="metadata.name"), pod.ref.name, OTHERWISE)
        yield replace(finding, ref=ref, owner=owner, evidence=(*finding.evidence, shown))


def core(spec: dict[str, Any]) -> bytes:
    """Return what of a pod's spec comes from its template alone; equal for pods and templates that say the same."""
    kept = {key: value for key, value in spec.items() if key not in SET_BY_THE_CLUSTER}
    if kept.get("serviceAccountName") == "default":
        del kept["serviceAccountName"]
    kept["volumes"] = [each for _, each in maps_at(spec, "volumes") if not _is_added(each)]
    for field in CONTAINER_LISTS:
        kept[field] = [_container_core(each) for _, each in maps_at(spec, field)]
    try:
        return msgspec.json.encode(kept, order="deterministic")
    except (TypeError, ValueError, RecursionError):  # text that is no Unicode, numbers beyond 64 bits
        return repr(kept).encode("utf-8", "surrogatepass")


def _is_added(volume: dict[str, Any]) -> bool:
    """Tell whether a volume is a service account's token, or a claim that a StatefulSet makes for each pod."""
    return str(volume.get("name", "")).startswith(TOKEN_VOLUME) or "persistentVolumeClaim" in volume


def _container_core(container: dict[str, Any]) -> dict[str, Any]:
    """Return a container without the token's mount and without resources, which admission fills in."""
    kept = {key: value for key, value in container.items() if key not in ("resources", "volumeMounts")}
    kept["volumeMounts"] = [
        each for _, each in maps_at(container, "volumeMounts") if not str(each.get("name", "")).startswith(TOKEN_VOLUME)
    ]
    return kept
