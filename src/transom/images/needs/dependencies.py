"""What OS packages require of each other, and which files they own, by the databases of dpkg, apk and RPM."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping

from msgspec import Struct, field

from transom.images.layers.tar import normal
from transom.images.packages import berkeley, ndb
from transom.images.packages.control import paragraphs
from transom.images.packages.owned import listed
from transom.images.packages.rpm import MAX_TAGS, sqlite_blobs

PROVIDED, REQUIRED = 1047, 1049
MAX_NAMES = 100_000  # of one package; kernels provide some 10,000
WANTED = frozenset(("package", "status", "depends", "pre-depends", "provides"))
_LIST = re.compile(r"var/lib/dpkg/info/([^/:]+)(?::[^/]+)?\.list")
_NAME = re.compile(r"[^\s(:<>=~]+")
_COUNTS, _ENTRY = struct.Struct(">II"), struct.Struct(">IIII")


class Known(Struct):
    """What databases tell. requires: by package, each requirement with its alternatives; provides: packages by what they
    stand for, their own name among it; owners: packages by path."""

    requires: dict[str, list[tuple[str, ...]]] = field(default_factory=dict)
    provides: dict[str, set[str]] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, requires: list[tuple[str, ...]], provides: list[str]) -> None:
        """Add a package."""
        self.requires.setdefault(name, []).extend(requires)
        for each in (name, *provides):
            self.provides.setdefault(each, set()).add(name)

    def required_by(self, name: str) -> Iterator[str]:
        """Yield the packages that one requires; of alternatives the first that is there, of providers all."""
        for alternatives in self.requires.get(name, ()):
            there = next((each for each in alternatives if each in self.provides), None)
            if there is not None:
                yield from sorted(self.provides[there])
            else:
                yield from (self.owners[path] for path in map(normal, alternatives) if path in self.owners)


def known(databases: Mapping[str, bytes]) -> Known:
    """Return what databases tell; raises ValueError for one that is broken."""
    found = Known()
    for path, content in databases.items():
        if match := _LIST.fullmatch(path):
            lines = content.decode("utf-8", "surrogateescape").splitlines()
            found.owners.update((normal(line), match[1]) for line in lines)
        elif "/dpkg/" in path:
            _of_dpkg(found, content)
        elif path.endswith("apk/db/installed"):
            _of_apk(found, content.decode("utf-8", "replace"))
        else:
            for blob in _blobs(path, content):
                _of_rpm(found, blob)
    return found


def _of_dpkg(found: Known, content: bytes) -> None:
    for fields in paragraphs(content, WANTED):
        if fields.get("package") and fields.get("status", "ok installed").endswith(" installed"):
            asked = f"{fields.get('pre-depends', '')},{fields.get('depends', '')}".replace("\n", " ")
            requires = [_names(each, "|") for each in asked.split(",") if each.strip()]
            found.add(fields["package"], requires, list(_names(fields.get("provides", ""), ",")))


def _names(text: str, between: str) -> tuple[str, ...]:
    return tuple(match[0] for each in text.split(between) if (match := _NAME.match(each.strip())))


def _of_apk(found: Known, content: str) -> None:
    for paragraph in content.split("\n\n"):
        name, folder = "", ""
        fields: dict[str, list[str]] = {"D": [], "p": []}
        for line in paragraph.split("\n"):
            letter, value = line[:1], line[2:]
            if letter == "P":
                name = value
            elif letter == "F":
                folder = value
            elif letter == "R":
                found.owners[f"{folder}/{value}" if folder else value] = name
            elif letter in fields:
                fields[letter] += [re.split(r"[<>=~]", each)[0] for each in value.split() if not each.startswith("!")]
        if name:
            found.add(name, [(each,) for each in fields["D"]], fields["p"])


def _blobs(path: str, content: bytes) -> Iterator[bytes]:
    if path.endswith(".sqlite"):
        return sqlite_blobs(content)
    return ndb.blobs(content) if path.endswith(".db") else berkeley.values(content)


def _of_rpm(found: Known, blob: bytes) -> None:
    told = listed(blob)
    lists: dict[int, list[str]] = {PROVIDED: [], REQUIRED: []}
    try:
        count, _ = _COUNTS.unpack_from(blob)
        start = _COUNTS.size + min(count, MAX_TAGS) * _ENTRY.size
        for tag, _, offset, size in _ENTRY.iter_unpack(blob[_COUNTS.size : start]):
            if tag in lists:
                names = blob[start + offset :].split(b"\0", min(size, MAX_NAMES))[:size]
                lists[tag] = [each.decode("utf-8", "replace") for each in names]
    except struct.error as error:
        raise ValueError("a header of the database is broken") from error
    found.add(told.name, [(each,) for each in lists[REQUIRED]], lists[PROVIDED])
    for path in told.paths:
        found.owners[normal(path.decode("utf-8", "surrogateescape"))] = told.name
