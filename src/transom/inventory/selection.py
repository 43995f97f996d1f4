"""Which entries a person asked to have judged; the others stay in the inventory, for joins."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from transom.inventory.entries import DEFAULT_NAMESPACE, Entry
from transom.inventory.inventory import Inventory
from transom.kube.kinds import kind_of


class Selection(Struct, frozen=True):
    """namespace: objects of this namespace only, and nothing cluster-wide; labels: a predicate over labels.

    An image is of no namespace: one that was read was named, or runs where a person looks.
    """

    namespace: str | None = None
    labels: Callable[[dict[str, str]], bool] | None = None

    def of(self, inventory: Inventory) -> Sequence[Entry]:
        """Return the chosen entries, in their order."""
        if self.namespace is None and self.labels is None:
            return inventory.entries()
        return [entry for entry in inventory.entries() if self.holds(entry)]

    def holds(self, entry: Entry) -> bool:
        """Tell whether an entry is chosen; an object that names no namespace is in `default`."""
        if entry.ref.scope == "image":
            return True
        if self.labels is not None and not self.labels(entry.labels):
            return False
        if self.namespace is None:
            return True
        namespaced = kind_of(entry.api_version, entry.ref.kind).namespaced
        return namespaced and (entry.ref.namespace or DEFAULT_NAMESPACE) == self.namespace


EVERYTHING = Selection()
