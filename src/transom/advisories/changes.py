"""What differs between two indexes: records that came, went, or say something else."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from typing import Literal

from msgspec import Struct

from transom.advisories.index import Index

Key = tuple[str, str, tuple[str, ...]]


class Change(Struct, frozen=True):
    """One record that differs. bugs: what it speaks of; packages: `channel/name` of those that it names now, or named."""

    what: Literal["new", "changed", "gone"]
    feed: str
    record: str
    bugs: tuple[str, ...]
    packages: tuple[str, ...]


class _Face(Struct, frozen=True):
    digest: int
    packages: frozenset[str]


def changes(before: Index, after: Index) -> Iterator[Change]:
    """Yield every record that differs, ordered by feed and id."""
    old, new = _faces(before), _faces(after)
    for key in sorted({*old, *new}):
        one, other = old.get(key), new.get(key)
        if one == other:
            continue
        what: Literal["new", "changed", "gone"] = "new" if one is None else "gone" if other is None else "changed"
        named = {*(one.packages if one else ()), *(other.packages if other else ())}
        yield Change(what, key[0], key[1], key[2], tuple(sorted(named)))


def _faces(index: Index) -> dict[Key, _Face]:
    """Return what each record says, digested: two indexes of 600,000 records fit into memory so.

    Digests are added up, because two indexes may tell the same in another order.
    """
    packages: dict[int, set[str]] = {}
    digests: dict[int, int] = {}
    for number, package, said in index.every_range():
        packages.setdefault(number, set()).add(package)
        digests[number] = digests.get(number, 0) + _digest(said)
    found: dict[Key, _Face] = {}
    for number, record in index.every_record():
        own = _digest(repr((record.modified, record.withdrawn, record.aliases, record.ratings)).encode())
        key = (record.feed, record.id, record.bugs)
        before = found.get(key, _Face(0, frozenset()))
        digest = before.digest + own + digests.get(number, 0)
        found[key] = _Face(digest, before.packages | packages.get(number, set()))
    return found


def _digest(said: bytes) -> int:
    return int.from_bytes(blake2b(said, digest_size=16).digest())
