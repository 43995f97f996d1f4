"""Bills that are kept, so that what the world learns later is asked of them without their images: one sqlite file.

Thousands of images share most of their packages, so each distinct package is kept once, with the bills that hold it, and under
the names by which advisories may speak of it. What changes in an index is looked up by these names.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from pathlib import Path

import msgspec
import zstandard
from msgspec import Struct
from msgspec.structs import replace

from transom.advisories.matching import SYSTEM_KINDS, asked
from transom.images.sbom.reading import read_bill
from transom.model.errors import TransomError
from transom.model.findings import Skipped
from transom.model.packages import Bill, Package
from transom.model.places import Locator
from transom.model.refs import file_ref

FORMAT = 1
APPLICATION_ID = 0x7472626C  # "trbl"
ENDINGS = (".json", ".xml", ".spdx")
MAX_FILES = 200_000  # of a folder of bills
MAX_BILL_BYTES = 64 * 1024 * 1024  # of a kept bill, unpacked
SCHEMA = """
CREATE TABLE bills (id INTEGER PRIMARY KEY, name TEXT, digest TEXT, packed BLOB, file TEXT, stamp TEXT);
CREATE UNIQUE INDEX bill_names ON bills (name, digest, file);
CREATE TABLE packages (id INTEGER PRIMARY KEY, hash INTEGER UNIQUE, packed BLOB);
CREATE TABLE names (key INTEGER, package INTEGER, PRIMARY KEY (key, package)) WITHOUT ROWID;
CREATE TABLE held (package INTEGER, bill INTEGER, PRIMARY KEY (package, bill)) WITHOUT ROWID;
CREATE INDEX held_by_bill ON held (bill);
"""

_encode = msgspec.msgpack.encode
_bill = msgspec.msgpack.Decoder(Bill).decode
_package = msgspec.msgpack.Decoder(Package).decode


class Held(Struct, frozen=True):
    """A distinct package, and the numbers of the bills that hold it."""

    package: Package
    bills: tuple[int, ...]


class Catalogue:
    """Kept bills. Raises TransomError where the file is none."""

    def __init__(self, path: str) -> None:
        self.path = path
        fresh = path == ":memory:" or not Path(path).exists()
        try:
            Path(path).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._database = sqlite3.connect(path, isolation_level=None)
        except (sqlite3.Error, OSError) as error:
            raise _unusable(path, str(error)) from error
        try:
            self._prepare(fresh)
        except sqlite3.Error as error:
            self.close()
            raise _unusable(path, str(error)) from error

    def _prepare(self, fresh: bool) -> None:
        """Make the tables of a fresh file; raise sqlite3.Error for a file of another kind."""
        if fresh:
            self._database.executescript(SCHEMA)
            self._database.execute(f"PRAGMA application_id={APPLICATION_ID}")
            self._database.execute(f"PRAGMA user_version={FORMAT}")
        kind = self._database.execute("PRAGMA application_id").fetchone()[0]
        version = self._database.execute("PRAGMA user_version").fetchone()[0]
        if (kind, version) != (APPLICATION_ID, FORMAT):
            raise sqlite3.DatabaseError("it is another kind of file, or of another version")

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def __enter__(self) -> Catalogue:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        return int(self._database.execute("SELECT count(*) FROM bills").fetchone()[0])

    def keep(self, bills: Iterable[Bill]) -> None:
        """Keep bills, each in the place of one of the same name and digest."""
        with self._together():
            for bill in bills:
                self._put(bill, "", "")

    def follow(self, folder: str) -> Iterator[Skipped]:
        """Bring what is kept of a folder's files up to date: only new and changed ones are read. Yield what is no bill."""
        known = dict(self._database.execute("SELECT file, stamp FROM bills"))
        seen: set[str] = set()
        with self._together():
            for path in _files(folder):
                seen.add(path)
                stamp = _stamp(path)
                if known.get(path) == stamp:
                    continue
                try:
                    bill = read_bill(path)
                except TransomError as error:
                    yield Skipped(file_ref(path), f"{error.what}: {error.why}", error.next_step, locator=Locator(path))
                    continue
                self._forget("file = ?", path)
                self._put(bill, path, stamp)
            for path in known.keys() - seen - {""}:
                self._forget("file = ?", path)

    def bill(self, number: int) -> Bill:
        """Return a bill by its number, without its packages."""
        packed = self._database.execute("SELECT packed FROM bills WHERE id = ?", (number,)).fetchone()[0]
        return _bill(zstandard.ZstdDecompressor().decompress(packed, max_output_size=MAX_BILL_BYTES))

    def named(self, names: Iterable[str]) -> Iterator[Held]:
        """Yield the packages of which `channel/name` is among the names."""
        numbers = {
            number
            for name in names
            for (number,) in self._database.execute("SELECT package FROM names WHERE key = ?", (_hash(name.encode()),))
        }
        yield from (self._held(number) for number in sorted(numbers))

    def every(self) -> Iterator[Held]:
        """Yield every distinct package."""
        yield from (self._held(number) for (number,) in self._database.execute("SELECT id FROM packages").fetchall())

    def _held(self, number: int) -> Held:
        packed = self._database.execute("SELECT packed FROM packages WHERE id = ?", (number,)).fetchone()[0]
        bills = self._database.execute("SELECT bill FROM held WHERE package = ?", (number,)).fetchall()
        return Held(_package(packed), tuple(bill for (bill,) in bills))

    def _put(self, bill: Bill, file: str, stamp: str) -> None:
        self._forget("name = ? AND digest = ? AND file = ?", bill.name, bill.digest, file)
        head = zstandard.ZstdCompressor().compress(_encode(replace(bill, packages=(), functions={}, attached=())))
        values = (bill.name, bill.digest, head, file, stamp)
        words = "INSERT INTO bills (name, digest, packed, file, stamp) VALUES (?, ?, ?, ?, ?)"
        number = self._database.execute(words, values).lastrowid
        rows = {(self._number(each, bill.distro), number) for each in bill.packages}
        self._database.executemany("INSERT OR IGNORE INTO held VALUES (?, ?)", rows)

    def _number(self, package: Package, distro: str) -> int:
        """Return the number of a package as it is kept: without what differs from image to image."""
        system = package.kind in SYSTEM_KINDS
        plain = replace(package, places=(), licences=(), cpes=(), distro=package.distro or (distro if system else ""))
        packed = _encode(plain)
        key = _hash(packed)
        known = self._database.execute("SELECT id FROM packages WHERE hash = ?", (key,)).fetchone()
        if known:
            return int(known[0])
        number = self._database.execute("INSERT INTO packages (hash, packed) VALUES (?, ?)", (key, packed)).lastrowid
        question = asked(plain, distro)
        if question is not None:
            names = {f"{channel}/{name}" for channel in question.channels for name, _ in question.named}
            rows = [(_hash(name.encode()), number) for name in names]
            self._database.executemany("INSERT OR IGNORE INTO names VALUES (?, ?)", rows)
        return int(number or 0)

    def _forget(self, where: str, *values: str) -> None:
        rows = self._database.execute(f"SELECT id FROM bills WHERE {where}", values).fetchall()  # noqa: S608 - our own words
        for (number,) in rows:
            self._database.execute("DELETE FROM held WHERE bill = ?", (number,))
            self._database.execute("DELETE FROM bills WHERE id = ?", (number,))

    def _together(self) -> _Transaction:
        return _Transaction(self._database)


class _Transaction:
    """All of it, or nothing."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def __enter__(self) -> None:
        self._database.execute("BEGIN IMMEDIATE")

    def __exit__(self, failed: object, *_: object) -> None:
        self._database.execute("ROLLBACK" if failed else "COMMIT")


def _files(folder: str) -> list[str]:
    found = sorted(str(each) for each in Path(folder).rglob("*") if each.suffix in ENDINGS and each.is_file())
    if len(found) > MAX_FILES:
        raise TransomError(f"cannot follow {folder}", f"it has more than {MAX_FILES:,} files", "name a smaller folder")
    return found


def _stamp(path: str) -> str:
    status = Path(path).stat()
    return f"{status.st_mtime_ns} {status.st_size}"


def _hash(content: bytes) -> int:
    return int.from_bytes(blake2b(content, digest_size=8).digest(), signed=True)


def _unusable(path: str, why: str) -> TransomError:
    return TransomError(f"cannot use the kept bills in {path}", why, "name another file, or remove this one")
