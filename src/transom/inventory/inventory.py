"""The inventory: entries in the order of their arrival, and the indexes that joins need."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec.structs import replace

from transom.inventory.entries import Entry, Origin, Places, Source, ref_of
from transom.kube.kinds import kind_of
from transom.model.places import Locator, Path, path_text
from transom.model.refs import Ref

if TYPE_CHECKING:
    from transom.inventory.exposure import Exposure
    from transom.inventory.joins import Joins
    from transom.kube.comments import Comment
    from transom.model.clusters import ClusterFacts
    from transom.model.findings import Result
from transom.model.packages import Bill

ITEM_STEPS = 2  # `items` and an index: the way from a List to one of its objects
PLACES_KEPT = (
    500  # documents whose objects are judged together, by one window after the other; scan.TOGETHER is as many
)

Key = TypeVar("Key")
Label = tuple[str, str, str, str, str, str]
"""target, group, kind, namespace, label, value: the key of the label index."""


class Inventory:
    """Every object of every source. Joins never leave the target in which they start.

    The key of an entry is its ref and its origin: the same object in two folders is two entries. clusters: what is known
    of each target that is, or was, a live cluster.
    """

    def __init__(self) -> None:
        self.clusters: dict[str, ClusterFacts] = {}
        self.rendered: list[object] = []
        """The charts that objects come from: who asks where a value was set needs them."""
        self.bills: list[Bill] = []
        """What images and bills of materials hold, package by package."""
        self.decided: list[Result] = []
        """What was decided while images were read: what leaks in them, and who signed them."""
        self._entries: list[Entry] = []
        self._numbers: dict[int, int] = {}  # of arrival, by the id of an entry: where it stands in each list
        self._next_number = 0
        self._by_kind: dict[tuple[str, str], list[Entry]] = {}
        self._by_ref: dict[Ref, list[Entry]] = {}
        self._by_label: dict[Label, list[Entry]] | None = None
        self._joins: Joins | None = None
        self._exposures: dict[int, tuple[Exposure, ...]] | None = None
        self.derived: dict[str, Any] = {}
        """What floors above have made of all entries, by who made it; forgotten when the inventory changes."""
        self._places: dict[int, tuple[Source, Places]] = {}
        self._remarks: tuple[Source | None, dict[Path, list[Comment]]] = (None, {})

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, entry: Entry) -> bool:
        return id(entry) in self._numbers

    def add(self, value: dict[str, Any], origin: Origin, source: Source | None = None) -> Entry:
        """Add one object and return its entry; value is kept as it is and must not be changed later."""
        entry = Entry(ref_of(value), str(value.get("apiVersion", "")), value, origin, source)
        self._numbers[id(entry)] = self._next_number
        self._next_number += 1
        self._entries.append(entry)
        self._by_kind.setdefault((entry.ref.group, entry.ref.kind), []).append(entry)
        self._by_ref.setdefault(entry.ref, []).append(entry)
        if self._by_label is not None:
            for label in _labels(entry):
                self._by_label.setdefault(label, []).append(entry)
        self._joins = self._exposures = None
        self.derived.clear()
        return entry

    def remove(self, entry: Entry) -> None:
        """Take an entry out; raises KeyError for one that is not in."""
        number = self._numbers.pop(id(entry))
        self._take_out(self._entries, number)
        self._take_out_of(self._by_kind, (entry.ref.group, entry.ref.kind), number)
        self._take_out_of(self._by_ref, entry.ref, number)
        if self._by_label is not None:
            for label in _labels(entry):
                self._take_out_of(self._by_label, label, number)
        if entry.source is not None:
            self._places.pop(id(entry.source), None)
        self._joins = self._exposures = None
        self.derived.clear()

    def replace(self, entry: Entry, value: dict[str, Any]) -> Entry:
        """Put an object in the place of an entry, told by the same origin; it stands behind all others, as if just told.

        Raises KeyError for an entry that is not in.
        """
        self.remove(entry)
        return self.add(value, entry.origin)

    def _take_out(self, entries: list[Entry], number: int) -> None:
        """Delete an entry from a list in order of arrival. It is still the one without a number there."""
        low, high = 0, len(entries)
        while low < high:
            middle = (low + high) // 2
            if self._numbers.get(id(entries[middle]), number) < number:
                low = middle + 1
            else:
                high = middle
        del entries[low]

    def _take_out_of(self, index: dict[Key, list[Entry]], key: Key, number: int) -> None:
        entries = index[key]
        self._take_out(entries, number)
        if not entries:
            del index[key]  # or names that come and go would be kept for ever

    @property
    def joins(self) -> Joins:
        """What leads from one object to others, made again where the inventory has grown."""
        if self._joins is None:
            from transom.inventory.joins import Joins

            self._joins = Joins(self)
        return self._joins

    @property
    def exposures(self) -> dict[int, tuple[Exposure, ...]]:
        """By id of each entry that makes pods, the ways in by which the outside reaches it; found once."""
        if self._exposures is None:
            from transom.inventory.exposure import exposures

            self._exposures = exposures(self)
        return self._exposures

    def entries(self) -> Sequence[Entry]:
        """Return all entries, in the order in which sources told them."""
        return self._entries

    def of_kind(self, group: str, kind: str, target: str | None = None) -> Sequence[Entry]:
        """Return the entries of a kind, in any version; of one target where it is named."""
        found = self._by_kind.get((group, kind), [])
        return found if target is None else [entry for entry in found if entry.origin.target == target]

    def get(self, target: str, ref: Ref) -> Entry | None:
        """Return the first entry of ref in a target."""
        return next((entry for entry in self.with_ref(ref) if entry.origin.target == target), None)

    def with_ref(self, ref: Ref) -> Sequence[Entry]:
        """Return the entries of ref in every target: the same thing, told several times."""
        return self._by_ref.get(ref, [])

    def namespace(self, entry: Entry) -> Entry | None:
        """Return the Namespace object that an entry lives in, if the same target tells it."""
        if not entry.ref.namespace:
            return None
        return self.get(entry.origin.target, Ref(kind="Namespace", name=entry.ref.namespace))

    def select(self, like: Entry, group: str, kind: str, labels: dict[str, str]) -> list[Entry]:
        """Return the entries of a kind beside `like` (same target and namespace) that carry all the labels.

        No labels select all. Costs the size of the rarest label's entries, not of the namespace.
        """
        target, namespace = like.origin.target, like.ref.namespace
        if not labels:
            return [e for e in self.of_kind(group, kind, target) if e.ref.namespace == namespace]
        index = self._label_index()
        found = [index.get((target, group, kind, namespace, *pair), []) for pair in labels.items()]
        rarest = min(found, key=len)
        wanted = labels.items()
        return [entry for entry in rarest if wanted <= entry.labels.items()]

    def _label_index(self) -> dict[Label, list[Entry]]:
        if self._by_label is None:
            self._by_label = {}
            for entry in self._entries:
                for label in _labels(entry):
                    self._by_label.setdefault(label, []).append(entry)
        return self._by_label

    def owner_entry(self, entry: Entry) -> Entry | None:
        """Return the entry of the direct controller, if the same target tells it."""
        owner = controller_of(entry)
        return self.get(entry.origin.target, owner) if owner else None

    def owner(self, entry: Entry) -> Ref:
        """Return the Ref of the topmost controller that is named, or the entry's own: what a person would change."""
        seen = {entry.ref}
        ref = entry.ref
        step: Entry | None = entry
        while step is not None:
            above = controller_of(step)
            if above is None or above in seen:
                break
            seen.add(above)
            ref = above
            step = self.get(entry.origin.target, above)
        return ref

    def locate(self, entry: Entry, path: Path) -> Locator:
        """Return the place of a field, or of its deepest ancestor that exists; the locator's path is the one asked for."""
        if entry.source is None:
            return Locator(file=entry.origin.file, path=path_text(path))
        item = entry.origin.item
        found = self._places_of(entry.source).find(item + path)
        if found.path and not item:
            return found  # as it was asked for; making a place again would cost as much as finding it
        return Locator(found.file, found.line, found.column, found.start, found.end, path_text(path))

    def comments(self, entry: Entry) -> list[Comment]:
        """Return the comments addressed to Transom that speak of an entry, with the paths of its fields.

        One that speaks of no object at all comes with the first object of its document, and has no paths.
        """
        if entry.source is None:
            return []
        if self._remarks[0] is not entry.source:
            self._remarks = (entry.source, _by_item(entry.source.comments()))
        by_item = self._remarks[1]
        if not by_item:
            return []
        item = entry.origin.item
        near = by_item.get(item[:ITEM_STEPS], []) if item else [each for group in by_item.values() for each in group]
        found = [within for each in near if (within := _within(each, item)).paths]
        if not any(step for step in item if isinstance(step, int)):
            found += [replace(each, paths=()) for each in by_item.get((), []) if item or not each.paths]
        return found

    def _places_of(self, source: Source) -> Places:
        # keyed by identity, and the source kept beside, so that an id is never reused while it is a key
        kept = self._places.get(id(source))
        if kept is None:
            if len(self._places) >= PLACES_KEPT:
                self._places.clear()
            kept = self._places[id(source)] = (source, source.places())
        return kept[1]


def _labels(entry: Entry) -> Iterator[Label]:
    ref = entry.ref
    for label, value in entry.labels.items():
        yield entry.origin.target, ref.group, ref.kind, ref.namespace, label, value


def _by_item(comments: Sequence[Comment]) -> dict[Path, list[Comment]]:
    """Group comments by the item of a List that they stand in; by () those that stand in none."""
    groups: dict[Path, list[Comment]] = {}
    for comment in comments:
        starts = {path[:ITEM_STEPS] if path[:1] == ("items",) else () for path in comment.paths} or {()}
        for start in starts:
            groups.setdefault(start if len(start) == ITEM_STEPS else (), []).append(comment)
    return groups


def _within(comment: Comment, item: Path) -> Comment:
    """Return a comment with the paths that lie in an item of a List, from there on."""
    return replace(comment, paths=tuple(path[len(item) :] for path in comment.paths if path[: len(item)] == item))


def controller_of(entry: Entry) -> Ref | None:
    """Return the Ref of the direct controller that an entry names, whether it is there or not."""
    references = entry.metadata.get("ownerReferences")
    for reference in references if isinstance(references, list) else []:
        if isinstance(reference, dict) and reference.get("controller") is True:
            ref = ref_of({**reference, "metadata": {"name": reference.get("name")}})
            kind = kind_of(str(reference.get("apiVersion", "")), ref.kind)
            return replace(ref, namespace=entry.ref.namespace) if kind.namespaced else ref
    return None
