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
    digest: bytes
    packages: tuple[str, ...]


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
    """Return what each record says, digested: two indexes of 600,000 records fit into memory so."""
    packages: dict[int, set[str]] = {}
    digests: dict[int, blake2b] = {}
    for number, package, said in index.every_range():
        packages.setdefault(number, set()).add(package)
        digests.setdefault(number, blake2b(digest_size=16)).update(said)
    found: dict[Key, _Face] = {}
    for number, record in index.every_record():
        digest = digests.get(number) or blake2b(digest_size=16)
        digest.update(repr((record.modified, record.withdrawn, record.aliases, record.ratings)).encode())
        key = (record.feed, record.id, record.bugs)
        names = (*(found[key].packages if key in found else ()), *sorted(packages.get(number, ())))
        before = found[key].digest if key in found else b""
        found[key] = _Face(before + digest.digest(), names)
    return found
