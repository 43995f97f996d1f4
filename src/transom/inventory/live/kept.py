"""Changes become entries: what each of them was before, and is now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from transom.inventory.entries import Entry, Origin
from transom.inventory.inventory import Inventory
from transom.inventory.live.mailbox import Change, Key, Standing
from transom.model.clusters import Gap
from transom.model.findings import Skipped


class Step(Struct, frozen=True):
    """What became of one object: before is None where it is new, after where it is gone."""

    before: Entry | None
    after: Entry | None


class LiveInventory:
    """An inventory that changes are applied to, those of one target."""

    def __init__(self, inventory: Inventory, target: str) -> None:
        self.inventory = inventory
        self._origin = Origin(target)
        self._entries: dict[Key, Entry] = {}
        self._standings: dict[tuple[str, str], Standing] = {}

    def apply(self, messages: Iterable[Change | Standing]) -> Iterator[Step]:
        """Apply messages in their order; yield what became of each object, not at all where nothing did."""
        for message in messages:
            if isinstance(message, Standing):
                self._stand(message)
            else:
                yield from self._applied(message)

    def _applied(self, change: Change) -> Iterator[Step]:
        before = self._entries.get(change.key)
        if change.object is None:
            if before is not None:
                del self._entries[change.key]
                self.inventory.remove(before)
                yield Step(before, None)
        elif before is None:
            after = self._entries[change.key] = self.inventory.add(change.object, self._origin)
            yield Step(None, after)
        elif before.object != change.object:
            after = self._entries[change.key] = self.inventory.replace(before, change.object)
            yield Step(before, after)

    def _stand(self, standing: Standing) -> None:
        """Note how it stands with a kind: one that cannot be followed is a gap in what is known of the cluster."""
        self._standings[standing.group, standing.kind] = standing
        facts = self.inventory.clusters.get(self._origin.target)
        if facts is not None:
            gap = Gap(standing.group, standing.kind, refused=True)
            others = [each for each in facts.gaps if each != gap]
            gaps = tuple(sorted(others if standing.synced else [*others, gap]))
            self.inventory.clusters[self._origin.target] = replace(facts, gaps=gaps)

    def synced(self, kinds: Iterable[tuple[str, str]]) -> bool:
        """Tell whether each of these kinds, by group and name, was listed whole or told why it cannot be."""
        return all(kind in self._standings for kind in kinds)

    @property
    def skipped(self) -> list[Skipped]:
        """What cannot be seen at the moment."""
        return [skip for standing in self._standings.values() for skip in standing.skipped]
