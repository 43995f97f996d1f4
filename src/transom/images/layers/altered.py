"""Files of OS packages that are not what the packages say: held to the digests that their lists tell, across layers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import chain

from msgspec import Struct
from msgspec.structs import replace

from transom.images.layers.links import Links
from transom.images.layers.tar import Content, normal
from transom.images.packages.sums import ALGORITHMS, MD5, SHA1, SHA256, Sums

DIVERSIONS = "var/lib/dpkg/diversions"
CHUNK = 1024 * 1024
SYSTEMS = {
    "etc/debian_version": MD5,
    "etc/alpine-release": SHA1,
    "etc/redhat-release": SHA256,
    "etc/apk/repositories": SHA1,
}
"""Files by which a layer tells early what its lists will ask for; a layer that misleads is read again."""


class Altered(Struct, frozen=True, order=True):
    """A file that differs from what its package brought. layer: that brings it as it is."""

    path: str
    package: str
    layer: str = ""


class Found(Struct):
    """Digests of a file by algorithm, and the layer that the file is of."""

    layer: str
    digests: dict[str, bytes]


class Digester:
    """Hashes files while they pass by, by every algorithm that may be asked for until the layer tells which will be."""

    def __init__(self, algorithms: Collection[str] = ()) -> None:
        self._fixed = bool(algorithms)
        self._now = frozenset(algorithms) or ALGORITHMS
        self._hashed = False
        self.digests: dict[str, dict[str, bytes]] = {}

    @property
    def algorithms(self) -> frozenset[str]:
        """Those by which every file was hashed."""
        return self._now if self._hashed else ALGORITHMS

    def learn(self, path: str) -> None:
        """Hash by one algorithm from here on, where a file tells the system; it saves two thirds of the time."""
        if not self._fixed and path in SYSTEMS:
            self._now, self._fixed = frozenset((SYSTEMS[path],)), True

    def note(self, path: str, head: bytes, source: Content) -> None:
        """Hash a file, of which so much was read already."""
        import hashlib

        self._hashed = True
        running = {each: hashlib.new(each, head, usedforsecurity=False) for each in self._now}
        while piece := source.content(CHUNK):
            for each in running.values():
                each.update(piece)
        for name, each in running.items():
            self.digests.setdefault(name, {})[path] = each.digest()

    def link(self, path: str, target: str) -> None:
        """Note another name of a file that was hashed."""
        for found in self.digests.values():
            if target in found:
                found[path] = found[target]

    def forget(self, path: str) -> None:
        """Drop a file that another of the same name replaces."""
        for found in self.digests.values():
            found.pop(path, None)


def settled(
    sums: Mapping[str, list[Sums]], digests: dict[str, dict[str, bytes]], files: Collection[str], links: Links
) -> dict[str, list[Sums]]:
    """Return the lists of a layer, parted into files that it brings and files that it awaits.

    Digests on which all its lists agree are dropped: they stand in the lists.
    """
    agreed: dict[tuple[str, str], bool] = {}
    found = {path: [_parted(each, digests, files, links, agreed) for each in lists] for path, lists in sums.items()}
    for (algorithm, path), sound in agreed.items():
        if sound:
            del digests[algorithm][path]
    return found


def _parted(
    sums: Sums,
    digests: Mapping[str, Mapping[str, bytes]],
    files: Collection[str],
    links: Links,
    agreed: dict[tuple[str, str], bool],
) -> Sums:
    there, awaited = {}, {}
    of_algorithm = digests.get(sums.algorithm, {})
    for path, expected in sums.files.items():
        place = links.placed(path)
        digest = of_algorithm.get(place)
        if digest is not None:
            there[place] = expected
            key = (sums.algorithm, place)
            agreed[key] = agreed.get(key, True) and digest == expected
        elif place not in files:
            awaited[path] = expected
    return replace(sums, files=there, awaited=awaited)


def differing(
    found: Mapping[str, Found], lists: Iterable[tuple[str, Sums]], links: Links, diversions: bytes
) -> list[Altered]:
    """Return the files whose digest none of the lists tells that speak of them.

    found: what is shown, by place; lists: those that are shown. What no list speaks of, or was hashed by another
    algorithm, is no fault.
    """
    if not found:
        return []
    expected: dict[str, list[tuple[str, str, bytes]]] = {}
    diverted = dict(_diverted(diversions))
    for _, sums in lists:
        for path, digest in chain(sums.files.items(), sums.awaited.items()):
            owner, elsewhere = diverted.get(path, ("", path))
            place = links.placed(path if owner == sums.package else elsewhere)
            if place in found:
                expected.setdefault(place, []).append((sums.package, sums.algorithm, digest))
    return sorted(_judged(found, expected))


def _judged(found: Mapping[str, Found], expected: Mapping[str, list[tuple[str, str, bytes]]]) -> Iterator[Altered]:
    for place, told in expected.items():
        digests = found[place].digests
        if all(digests.get(algorithm, digest) != digest for _, algorithm, digest in told):
            yield Altered(place, told[0][0], found[place].layer)


def _diverted(content: bytes) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield where dpkg puts files that another package, or nobody, took the place of: path, by whom, where to."""
    lines = content.decode("utf-8", "surrogateescape").split("\n")
    for path, elsewhere, package in zip(lines[::3], lines[1::3], lines[2::3], strict=False):
        yield normal(path), (package, normal(elsewhere))
