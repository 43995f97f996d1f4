"""What leads from one object to others: pods by their labels, objects by name, namespaces by whoever tells them.

A join never leaves the target in which it starts. An object that names no namespace is joined as one of `default`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from transom.inventory.entries import DEFAULT_NAMESPACE, Entry
from transom.kube.kinds import kind_of, template_path
from transom.kube.reading import maps_at, texts_at
from transom.kube.selectors import compile_selector
from transom.model.places import Path
from transom.model.refs import Ref

if TYPE_CHECKING:
    from transom.inventory.inventory import Inventory

NO_ENTRIES: Sequence[Entry] = ()

Home = tuple[str, str]
"""A target, and a namespace in it."""


class Joins:
    """The indexes that joins need, each made when first asked for; of an inventory that no longer grows."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory
        self._kinds: dict[tuple[str, str], dict[Home, list[Entry]]] = {}
        self._workloads: dict[Home, list[Entry]] | None = None
        self._makers: dict[int, int] = {}
        self._children: dict[int, list[Entry]] = {}
        self._labels: dict[tuple[str, str, str, str], list[Entry]] = {}
        self._selected: dict[tuple[str, str, bytes], Sequence[Entry]] = {}
        self._namespaces: dict[int, str] | None = None
        self._tables: dict[tuple[Any, ...], Any] = {}

    # by name and kind

    def named(self, like: Entry, group: str, kind: str, name: str) -> Entry | None:
        """Return the object of a kind and name in the namespace of `like`, or cluster-wide where the kind is."""
        return self.named_in(like.origin.target, home(like)[1], group, kind, name)

    def named_in(self, target: str, namespace: str, group: str, kind: str, name: str) -> Entry | None:
        """Return the object of a kind and name in a namespace; of a cluster-wide kind the namespace does not matter."""
        if not kind_of(f"{group}/" if group else "", kind).namespaced:
            return self._inventory.get(target, Ref(group=group, kind=kind, name=name))
        found = self._inventory.get(target, Ref(group=group, kind=kind, namespace=namespace, name=name))
        if found is None and namespace == DEFAULT_NAMESPACE:
            found = self._inventory.get(target, Ref(group=group, kind=kind, name=name))
        return found

    def beside(self, like: Entry, group: str, kind: str) -> Sequence[Entry]:
        """Return the objects of a kind in the namespace of `like`."""
        return self.of_kind_in(*home(like), group, kind)

    def of_kind_in(self, target: str, namespace: str, group: str, kind: str) -> Sequence[Entry]:
        """Return the objects of a kind in a namespace; those of a cluster-wide kind are in ""."""
        by_home = self._kinds.get((group, kind))
        if by_home is None:
            by_home = self._kinds[group, kind] = {}
            for entry in self._inventory.of_kind(group, kind):
                by_home.setdefault(home(entry), []).append(entry)
        return by_home.get((target, namespace), NO_ENTRIES)

    # what a target tells whole

    def tells(self, target: str, namespace: str, group: str, kind: str) -> bool:
        """Tell whether a target tells every object of a kind in a namespace, so that one that is not there is missing.

        A live cluster does, but for Secrets, which are listed on request. Files do where they tell any: the others may
        stand in another folder.
        """
        if self.of_kind_in(target, namespace, group, kind):
            return True
        listed = (group, kind) != ("", "Secret") or bool(self._inventory.of_kind("", "Secret", target))
        return listed and self._is_whole(target, namespace)

    def tells_beside(self, like: Entry, group: str, kind: str) -> bool:
        """Tell the same of the namespace of `like`."""
        return self.tells(*home(like), group, kind)

    def tells_pods(self, target: str, namespace: str) -> bool:
        """Tell whether a target tells all that makes pods in a namespace."""
        return bool(self.workloads(target, namespace)) or self._is_whole(target, namespace)

    def _is_whole(self, target: str, namespace: str) -> bool:
        facts = self._inventory.clusters.get(target)
        return facts is not None and facts.namespace in ("", namespace)

    # pods

    def makes_pods(self, entry: Entry) -> bool:
        """Tell whether an entry makes pods, or is one, and nothing above it in the same target does."""
        self._index_pods()
        return id(entry) in self._makers

    def workloads(self, target: str, namespace: str) -> Sequence[Entry]:
        """Return whatever makes pods in a namespace."""
        return self._index_pods().get((target, namespace), NO_ENTRIES)

    def children(self, entry: Entry) -> Sequence[Entry]:
        """Return what an entry made of its template: the ReplicaSets of a Deployment, the pods of a ReplicaSet."""
        self._index_pods()
        return self._children.get(id(entry), NO_ENTRIES)

    def selected(self, target: str, namespace: str, selector: Any) -> Sequence[Entry]:
        """Return what makes pods that a LabelSelector selects; raises SelectorError for one the API server refuses.

        Costs the size of the rarest label's entries; equal selectors are asked once.
        """
        try:
            key = (target, namespace, msgspec.json.encode(selector, order="deterministic"))
        except (TypeError, ValueError, RecursionError):  # text that is no Unicode, numbers beyond 64 bits
            return self._search(target, namespace, selector)
        found = self._selected.get(key)
        if found is None:
            found = self._selected[key] = self._search(target, namespace, selector)
        return found

    def _search(self, target: str, namespace: str, selector: Any) -> Sequence[Entry]:
        holds = compile_selector(selector)
        if selector is None:
            return NO_ENTRIES
        workloads = self._index_pods().get((target, namespace), NO_ENTRIES)
        candidates = self._candidates(target, namespace, selector, workloads)
        return [entry for entry in candidates if holds(pod_labels(entry))]

    def _candidates(self, target: str, namespace: str, selector: Any, workloads: Sequence[Entry]) -> Sequence[Entry]:
        """Return the shortest list of the label index that holds all that a selector can select."""
        lists = [self._labelled(target, namespace, *pair) for pair in texts_at(selector, "matchLabels").items()]
        for _, term in maps_at(selector, "matchExpressions"):
            if term.get("operator") == "In":
                values = dict.fromkeys(term.get("values") or ())
                found = [each for value in values for each in self._labelled(target, namespace, term["key"], value)]
                lists.append(sorted(found, key=lambda entry: self._makers[id(entry)]))
        return min((workloads, *lists), key=len)

    def _labelled(self, target: str, namespace: str, key: str, value: str) -> Sequence[Entry]:
        return self._labels.get((target, namespace, key, value), NO_ENTRIES)

    def _index_pods(self) -> dict[Home, list[Entry]]:
        if self._workloads is None:
            self._workloads = {}
            for entry in self._inventory.entries():
                if template_path(entry.ref.group, entry.ref.kind) is None:
                    continue
                maker = self._maker(entry)
                if maker is None:
                    self._index_pod(entry, self._workloads)
                else:
                    self._children.setdefault(id(maker), []).append(entry)
        return self._workloads

    def _index_pod(self, entry: Entry, workloads: dict[Home, list[Entry]]) -> None:
        target, namespace = home(entry)
        workloads.setdefault((target, namespace), []).append(entry)
        self._makers[id(entry)] = len(self._makers)
        for label, value in pod_labels(entry).items():
            self._labels.setdefault((target, namespace, label, value), []).append(entry)

    def _maker(self, entry: Entry) -> Entry | None:
        """Return what made an entry of its own template, where the same target tells it."""
        owner = self._inventory.owner_entry(entry) if entry.metadata.get("ownerReferences") else None
        makes = owner is not None and template_path(owner.ref.group, owner.ref.kind) is not None
        return owner if makes else None

    # what several objects of a kind say

    def covered(
        self, target: str, namespace: str, group: str, kind: str, selector_of: Callable[[Entry], Any]
    ) -> set[int]:
        """Return by id what makes pods that objects of a kind select in their own namespace; selector_of: one of these."""
        key = (target, namespace, selector_of)
        if key not in self._tables:
            table = self._tables[key] = set()
            everything = len(self.workloads(target, namespace))
            for entry in self.of_kind_in(target, namespace, group, kind):
                if len(table) < everything:
                    table.update(map(id, self.selected(target, namespace, selector_of(entry))))
        found: set[int] = self._tables[key]
        return found

    def claimed(
        self, target: str, group: str, kind: str, claims: Callable[[Entry], Iterable[tuple[Any, Path]]]
    ) -> dict[Any, tuple[Entry, Path]]:
        """Return, of all that objects of a kind claim in a target, who claims it first, and where; None is no claim."""
        key = (target, claims)
        if key not in self._tables:
            table = self._tables[key] = {}
            for entry in self._inventory.of_kind(group, kind, target):
                for claim, path in claims(entry):
                    table.setdefault(claim, (entry, path))
        found: dict[Any, tuple[Entry, Path]] = self._tables[key]
        return found

    def first_maker(self, workload: Entry, claim_of: Callable[[Entry], tuple[str, Path]]) -> tuple[Entry, Path]:
        """Return which workload of the namespace claims first what another one claims, and where."""
        key = (*home(workload), claim_of)
        if key not in self._tables:
            table: dict[str, tuple[Entry, Path]] = {}
            for entry in self.workloads(*home(workload)):
                claim, path = claim_of(entry)
                table.setdefault(claim, (entry, path))
            self._tables[key] = table
        found: tuple[Entry, Path] = self._tables[key][claim_of(workload)[0]]
        return found

    # namespaces

    def namespace_told_by(self, entry: Entry) -> str:
        """Return the namespace for which an entry stands, "" for none.

        Each namespace of a target has one such entry: its Namespace object, else the first thing in it that makes pods.
        Objects that name no namespace stand for none: who applies them chooses it.
        """
        if self._namespaces is None:
            self._namespaces = {id(told): name for name, told in self._namespace_entries()}
        return self._namespaces.get(id(entry), "")

    def _namespace_entries(self) -> Iterable[tuple[str, Entry]]:
        told: dict[Home, Entry] = {}
        for entry in self._inventory.of_kind("", "Namespace"):
            if entry.ref.name:
                told.setdefault((entry.origin.target, entry.ref.name), entry)
        for (target, namespace), workloads in self._index_pods().items():
            named = next((entry for entry in workloads if entry.ref.namespace == namespace), None)
            if named is not None:
                told.setdefault((target, namespace), named)
        return ((name, entry) for (_, name), entry in told.items())


def home(entry: Entry) -> Home:
    """Return the target and the namespace in which an entry lives; "" for a cluster-wide one."""
    if not kind_of(entry.api_version, entry.ref.kind).namespaced:
        return entry.origin.target, ""
    return entry.origin.target, entry.ref.namespace or DEFAULT_NAMESPACE


def same(one: Entry, other: Entry) -> bool:
    """Tell whether two entries tell the same thing, be it in another file, or with its namespace left out."""
    names = (one.ref.group, one.ref.kind, one.ref.name) == (other.ref.group, other.ref.kind, other.ref.name)
    return names and home(one) == home(other)


def pod_path(entry: Entry) -> Path:
    """Return where the template of an entry's pods stands in it."""
    return template_path(entry.ref.group, entry.ref.kind) or ()


def pod_containers(entry: Entry) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield the containers of an entry's pods, of all three lists, with their paths in it."""
    spec = (*pod_path(entry), "spec")
    for field in ("containers", "initContainers", "ephemeralContainers"):
        for index, container in maps_at(entry.object, *spec, field):
            yield (*spec, field, index), container


def pod_labels(entry: Entry) -> dict[str, str]:
    """Return the labels of the pods that an entry makes."""
    return texts_at(entry.object, *pod_path(entry), "metadata", "labels")
