"""How the objects of two inventories differ: added, removed, changed, and what cannot be said.

Objects are matched by what they are called: group, kind, namespace and name. A cluster's name plays no part, an object
that names no namespace is in `default`, and groups that were moved (`extensions` to `apps`) are one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from transom.inventory.entries import DEFAULT_NAMESPACE, Entry
from transom.inventory.fields import MISSING, differences
from transom.inventory.inventory import Inventory
from transom.inventory.own import is_own
from transom.inventory.selection import Selection
from transom.kube.defaults import gathered
from transom.kube.kinds import EQUIVALENT, kind_of
from transom.kube.reading import map_at
from transom.kube.sight import HIDDEN, is_secret, sight
from transom.model.clusters import ClusterFacts, Gap
from transom.model.drift import ChangedObject, FieldChange, ObjectDrift, PresentObject, Repeated, Side
from transom.model.findings import Skipped
from transom.model.images import ImageError, parse_image
from transom.model.language import mark
from transom.model.places import Locator, Path
from transom.model.refs import Ref

MAX_FIELDS = 1_000  # differences of one object that are told; an honest change has a few
UNREAD = mark("it may be where nothing could be read: {}")
NOT_ASKED = mark("objects of its kind, or of its namespace, were not read there")
OUTSIDE = mark("it is outside the selection there")
RECORDS = frozenset(
    (
        ("", "ComponentStatus"),
        ("", "Endpoints"),
        ("", "Event"),
        ("apps", "ControllerRevision"),
        ("coordination.k8s.io", "Lease"),
        ("discovery.k8s.io", "EndpointSlice"),
        ("events.k8s.io", "Event"),
        ("metrics.k8s.io", "NodeMetrics"),
        ("metrics.k8s.io", "PodMetrics"),
        ("storage.k8s.io", "CSINode"),
        ("storage.k8s.io", "CSIStorageCapacity"),
        ("storage.k8s.io", "VolumeAttachment"),
    )
)
"""Kinds that record what happens in a cluster; nobody keeps them in files, and they say nothing of what was asked for."""

IN_EVERY_NAMESPACE: Mapping[tuple[str, str], frozenset[str]] = {
    ("ServiceAccount", "default"): frozenset(("apiVersion", "kind", "metadata", "secrets")),
    ("ConfigMap", "kube-root-ca.crt"): frozenset(("apiVersion", "kind", "metadata", "data")),
}
"""What controllers put into every namespace, with the fields that it has while nobody has changed it."""

IN_EVERY_CLUSTER = frozenset(
    (
        *(("Namespace", "", name) for name in ("default", "kube-system", "kube-public", "kube-node-lease")),
        *(("PriorityClass", "", name) for name in ("system-cluster-critical", "system-node-critical")),
        ("ConfigMap", "kube-system", "extension-apiserver-authentication"),
        ("ConfigMap", "kube-system", "kube-apiserver-legacy-service-account-token-tracking"),
    )
)
"""Kind, namespace and name of what an API server makes for itself; changes of them are told where both sources have them."""

BOOTSTRAPPED = "apf.kubernetes.io/autoupdate-spec"  # the API server deletes what bears it and is not its own


class Compared(Struct, frozen=True):
    """One of the two sources: its inventory, what of it was chosen, and what could not be read."""

    inventory: Inventory
    selection: Selection
    skipped: Sequence[Skipped] = ()


def identity(ref: Ref) -> Ref:
    """Return a Ref as two sources may share it: without cluster or version, its namespace told, its group the present one."""
    if ref.scope == "image":
        return replace(ref, name=_repository(ref.name))
    if ref.scope != "k8s":
        return ref
    known = kind_of(f"{ref.group}/v1" if ref.group else "v1", ref.kind)
    namespace = (ref.namespace or DEFAULT_NAMESPACE) if known.namespaced else ""
    groups = EQUIVALENT.get(known.plural, ())
    return replace(ref, cluster="", group=groups[0] if ref.group in groups else ref.group, namespace=namespace)


def _repository(name: str) -> str:
    """Return what an image is called whatever its version is; a path stays as it is."""
    try:
        return parse_image(name).name
    except ImageError:
        return name


def diff(before: Compared, after: Compared) -> ObjectDrift:
    """Return how the objects of two sources differ, in the order of their names."""
    old, old_derived = _by_identity(before)
    new, new_derived = _by_identity(after)
    added, removed, changed, unseen = [], [], [], []
    same = 0
    may_hold = absences(after)
    for ref in sorted({**old, **new}):
        for one, other in _paired(old.get(ref, []), new.get(ref, [])):
            if one is None and other is not None:
                if _is_made_by_kubernetes(after, other):
                    new_derived += 1
                else:
                    added.append(_present(after, other))
            elif other is None and one is not None:
                why = may_hold(one.ref)
                if why:
                    unseen.append(replace(_present(before, one), why=why))
                elif _is_made_by_kubernetes(before, one):
                    old_derived += 1
                else:
                    removed.append(_present(before, one))
            elif one is not None and other is not None:
                fields = tuple(_field_changes(before, one, after, other))
                if fields:
                    changed.append(ChangedObject(other.ref, _place(before, one), _place(after, other), fields))
                same += not fields
    return ObjectDrift(
        added=tuple(added),
        removed=tuple(removed),
        unseen=tuple(unseen),
        changed=tuple(changed),
        repeated=(*_repeated(old, before, "before"), *_repeated(new, after, "after")),
        same=same,
        derived=max(old_derived, new_derived),
    )


def absences(side: Compared) -> Callable[[Ref], str]:
    """Return what tells why a thing that a source does not show may be there all the same, "" where it is not.

    It may lie outside the selection. An object may have moved between files, so a file that could not be read may hold
    any; a list that a server refused holds those of its kind and namespace.
    """
    everything = side.inventory.entries()
    chosen = side.selection.of(side.inventory)
    outside = {identity(entry.ref) for entry in everything if not side.selection.holds(entry)}
    outside = outside if len(chosen) < len(everything) else set()
    anywhere = ""
    lists: list[tuple[Ref, str]] = []
    for each in side.skipped:
        if each.rule:
            continue
        if each.ref.scope != "k8s" or each.ref.kind in ("", "Cluster"):
            anywhere = anywhere or each.reason
        elif each.ref.name in ("", "*"):
            lists.append((each.ref, each.reason))
        elif each.ref.kind == "APIService":  # of a group whose own server does not answer
            lists.append((Ref(group=each.ref.name.partition(".")[2]), each.reason))

    def ask(ref: Ref) -> str:
        wanted = identity(ref)
        if wanted in outside:
            return OUTSIDE
        reason = anywhere or next((reason for of, reason in lists if _may_hold(of, wanted)), "")
        if not reason and any(not _was_asked_for(ref, facts) for facts in side.inventory.clusters.values()):
            return NOT_ASKED
        return UNREAD.format(reason) if reason else ""

    return ask


def unjudged(side: Compared) -> Callable[[Ref, str], str]:
    """Return what tells why a source has no verdict of a rule on a thing that it does not report, "" where it has one."""
    seen = {identity(entry.ref) for entry in side.selection.of(side.inventory)}
    skipped = {(identity(each.ref), each.rule): each.reason for each in side.skipped}
    may_hold = absences(side)

    def ask(ref: Ref, rule: str) -> str:
        wanted = identity(ref)
        if wanted not in seen:
            return may_hold(ref)
        return skipped.get((wanted, "")) or skipped.get((wanted, rule)) or ""

    return ask


def _may_hold(of: Ref, ref: Ref) -> bool:
    return of.group == ref.group and of.kind in ("", ref.kind) and of.namespace in ("", ref.namespace)


def _was_asked_for(ref: Ref, facts: ClusterFacts) -> bool:
    """Tell whether a cluster's reader asked for objects of a kind, and in its namespace."""
    told = f"{ref.group}/{ref.kind}" if ref.group else ref.kind
    if (facts.kinds and told not in facts.kinds) or Gap(ref.group, ref.kind) in facts.gaps:
        return False
    return not facts.namespace or ref.namespace in ("", facts.namespace)


def _by_identity(side: Compared) -> tuple[dict[Ref, list[Entry]], int]:
    """Return the chosen entries by what they are called, and how many were left out."""
    found: dict[Ref, list[Entry]] = {}
    derived = 0
    for entry in side.selection.of(side.inventory):
        if (entry.ref.group, entry.ref.kind) in RECORDS or side.inventory.owner_entry(entry) is not None:
            derived += 1
        else:
            found.setdefault(identity(entry.ref), []).append(entry)
    return found, derived


def _paired(before: Sequence[Entry], after: Sequence[Entry]) -> Iterator[tuple[Entry | None, Entry | None]]:
    """Pair the copies of one object: first those that are equal, then the others in their order."""
    if len(before) < 2 and len(after) < 2:
        yield from zip_longest(before, after)
        return
    left, right = list(before), list(after)
    for one in before:
        equal = next((other for other in right if other.object == one.object), None)
        if equal is not None:
            left.remove(one)
            right.remove(equal)
            yield one, equal
    yield from zip_longest(left, right)


def _repeated(found: Mapping[Ref, Sequence[Entry]], side: Compared, name: Side) -> Iterator[Repeated]:
    for ref, entries in sorted(found.items()):
        if len(entries) > 1:
            yield Repeated(ref, name, tuple(_place(side, entry) for entry in entries))


def _present(side: Compared, entry: Entry) -> PresentObject:
    return PresentObject(entry.ref, _place(side, entry))


def _place(side: Compared, entry: Entry) -> Locator:
    return side.inventory.locate(entry, ())


def _is_made_by_kubernetes(side: Compared, entry: Entry) -> bool:
    """Tell whether every cluster has an object by itself, so that a source which lacks it lacks nothing."""
    ref = entry.ref
    if (ref.kind, ref.namespace, ref.name) in IN_EVERY_CLUSTER:
        return True
    fields = IN_EVERY_NAMESPACE.get((ref.kind, ref.name)) if not ref.group else None
    if fields is not None and entry.object.keys() <= fields:
        return True
    if ref.kind == "APIService":
        return map_at(entry.object, "spec").get("service") is None  # the API server itself answers
    if ref.group == "flowcontrol.apiserver.k8s.io":
        return map_at(entry.metadata, "annotations").get(BOOTSTRAPPED) == "true"
    return entry.origin.target in side.inventory.clusters and is_own(side.inventory, entry)


# fields


def _field_changes(before: Compared, one: Entry, after: Compared, other: Entry) -> Iterator[FieldChange]:
    if one.object == other.object:
        return
    left, right = one.object, other.object
    if one.ref.kind == "Secret" and not one.ref.group:
        left, right = _secrets_alike(left, right)
    found = differences(left, right, other.ref.group, other.ref.kind)
    for difference, _ in zip(found, range(MAX_FIELDS), strict=False):
        yield FieldChange(
            path=difference.text,
            before=_shown(difference.before, difference.before_path, one),
            after=_shown(difference.after, difference.after_path, other),
            before_at=before.inventory.locate(one, difference.before_path),
            after_at=after.inventory.locate(other, difference.after_path),
            security=difference.security,
        )


def _shown(value: Any, path: Path, entry: Entry) -> str | None:
    if value is MISSING:
        return None
    if is_secret(entry.ref.kind, path):
        return HIDDEN
    shown = sight(value, path)
    return shown if _is_written(entry.object, path) else f"{shown} (default)"


def _is_written(value: Any, path: Path) -> bool:
    for step in path:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return False
    return value is not None


def _secrets_alike(before: dict[str, Any], after: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return two Secrets in one form: all their data under `data`, as one side has it where the other tells keys only."""
    left, right = ({**each, **gathered(each)} for each in (before, after))
    if not any(left["data"].values()) or not any(right["data"].values()):
        for each in (left, right):  # a snapshot, or a cluster that was asked for keys only
            each["data"] = dict.fromkeys(each["data"], "")
    return left, right
