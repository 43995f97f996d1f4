"""A new index as the former one with changes, so that a mirror can ship what differs instead of the whole.

Records keep their numbers; new ones stand behind the last, and what is gone leaves a hole. So nearly all bytes are the
former's, some places further on. What it says is what the index built afresh says; only the order of rows and the holes
differ. Sqlite's own room for growth is given back: it would be a tenth of the file after one day.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import closing
from hashlib import blake2b
from pathlib import Path

from transom.advisories import layout
from transom.advisories.index import MAX_BLOCK_BYTES

MAX_HOLES = 0.1  # of all records: beyond that the index is larger than it need be, and written afresh

MAPS = """
CREATE TEMP TABLE channel_map (fresh INTEGER PRIMARY KEY, ours INTEGER);
INSERT INTO main.channels (channel) SELECT channel FROM fresh.channels f
  WHERE NOT EXISTS (SELECT 1 FROM main.channels c WHERE c.channel = f.channel) ORDER BY id;
INSERT INTO channel_map SELECT f.id, c.id FROM fresh.channels f JOIN main.channels c USING (channel);

CREATE TEMP TABLE condition_map (fresh INTEGER PRIMARY KEY, ours INTEGER);
INSERT INTO main.conditions (module, arches, note, severity) SELECT module, arches, note, severity FROM fresh.conditions f
  WHERE NOT EXISTS (SELECT 1 FROM main.conditions c
    WHERE (c.module, c.arches, c.note) = (f.module, f.arches, f.note) AND c.severity IS f.severity) ORDER BY id;
INSERT INTO condition_map SELECT f.id, c.id FROM fresh.conditions f JOIN main.conditions c
  ON (c.module, c.arches, c.note) = (f.module, f.arches, f.note) AND c.severity IS f.severity;

CREATE TEMP TABLE package_map (fresh INTEGER PRIMARY KEY, ours INTEGER);
INSERT INTO main.packages SELECT m.ours, f.name, (SELECT max(package) FROM main.packages) + row_number() OVER (ORDER BY f.package)
  FROM fresh.packages f JOIN channel_map m ON m.fresh = f.channel
  WHERE NOT EXISTS (SELECT 1 FROM main.packages p WHERE p.channel = m.ours AND p.name = f.name);
INSERT INTO package_map SELECT f.package, p.package FROM fresh.packages f JOIN channel_map m ON m.fresh = f.channel
  JOIN main.packages p ON p.channel = m.ours AND p.name = f.name;
CREATE TEMP TABLE record_map (fresh INTEGER PRIMARY KEY, ours INTEGER);
"""
"""What is called what in both: new channels, conditions and packages get the next numbers."""

ROWS = """
CREATE TEMP TABLE wanted_ids (hash INTEGER, record INTEGER, PRIMARY KEY (hash, record)) WITHOUT ROWID;
INSERT INTO wanted_ids SELECT hash, ours FROM fresh.ids JOIN record_map ON fresh = record;
DELETE FROM main.ids WHERE NOT EXISTS (SELECT 1 FROM wanted_ids w WHERE w.hash = ids.hash AND w.record = ids.record);
INSERT OR IGNORE INTO main.ids SELECT hash, record FROM wanted_ids;

CREATE TEMP TABLE wanted (package INTEGER, record INTEGER, low BLOB, high BLOB, state INTEGER, start TEXT, kind INTEGER,
  stop TEXT, condition INTEGER);
INSERT INTO wanted SELECT p.ours, r.ours, low, high, state, start, kind, stop, c.ours FROM fresh.ranges f
  JOIN package_map p ON p.fresh = f.package JOIN record_map r ON r.fresh = f.record
  LEFT JOIN condition_map c ON c.fresh = f.condition;
CREATE INDEX temp.wanted_by_package ON wanted (package, record, low);
DELETE FROM main.ranges WHERE NOT EXISTS (SELECT 1 FROM wanted w WHERE w.package = ranges.package
  AND w.record = ranges.record AND w.low = ranges.low AND (w.high, w.state, w.start, w.kind, w.stop, w.condition)
  IS (ranges.high, ranges.state, ranges.start, ranges.kind, ranges.stop, ranges.condition));
INSERT INTO main.ranges SELECT package, ifnull((SELECT max(n) FROM main.ranges r WHERE r.package = new.package), 0)
  + row_number() OVER (PARTITION BY package ORDER BY record, low), low, high, state, record, start, kind, stop, condition
  FROM (SELECT package, record, low, high, state, start, kind, stop, condition FROM wanted
    EXCEPT SELECT package, record, low, high, state, start, kind, stop, condition FROM main.ranges) AS new;

DELETE FROM main.packages WHERE package NOT IN (SELECT ours FROM package_map);
DELETE FROM main.channels WHERE id NOT IN (SELECT ours FROM channel_map);
DELETE FROM main.conditions WHERE id NOT IN (SELECT ours FROM condition_map);
"""
"""Rows that are gone go, rows that are new come; what is the same is not touched."""

KEYED = {"likelihoods": "cve", "rated": "cve", "meta": "key", "feeds": "feed", "refusals": "feed, reason"}
"""Tables whose rows stand for themselves: the key of each."""
COUNTED = ("ids", "ranges", "packages", "channels", *KEYED)


def grow(base: Path, fresh: Path) -> bool:
    """Put what the index at base becomes by the changes in place of the one at fresh; False where that does not pay.

    Both must be of one format. Raises sqlite3.DatabaseError, ZstdError or DecodeError where base is broken.
    """
    grown = fresh.with_name(fresh.name + ".grown")
    try:
        shutil.copyfile(base, grown)
        with closing(sqlite3.connect(grown, isolation_level=None)) as database:
            database.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA temp_store=FILE")
            database.execute("ATTACH ? AS fresh", (str(fresh),))
            pays = _grown(database)
        if pays:
            grown.replace(fresh)
        return pays
    finally:
        grown.unlink(missing_ok=True)


def _grown(database: sqlite3.Connection) -> bool:
    """Bring the main database to what the fresh one says; tell whether it is as good."""
    database.executescript(MAPS)
    numbers, new, slots = _numbered(database)
    if slots + len(new) - len(numbers) > slots * MAX_HOLES:
        return False
    database.execute("BEGIN")
    database.executemany("INSERT INTO record_map VALUES (?, ?)", numbers.items())
    database.executemany("INSERT OR REPLACE INTO main.blocks VALUES (?, ?)", list(_appended(database, new, slots)))
    database.execute("COMMIT")
    database.executescript(ROWS)
    for table, key in KEYED.items():
        database.executescript(
            f"DELETE FROM main.{table} WHERE ({key}) NOT IN (SELECT {key} FROM fresh.{table});"  # noqa: S608 - our own names
            f"INSERT OR REPLACE INTO main.{table} SELECT * FROM fresh.{table} EXCEPT SELECT * FROM main.{table}"
        )
    same = all(_count(database, "main", each) == _count(database, "fresh", each) for each in COUNTED)
    database.execute("DETACH fresh")
    database.execute("VACUUM")
    return same


def _count(database: sqlite3.Connection, schema: str, table: str) -> int:
    number: int = database.execute(f"SELECT count(*) FROM {schema}.{table}").fetchone()[0]  # noqa: S608
    return number


def _numbered(database: sqlite3.Connection) -> tuple[dict[int, int], list[bytes], int]:
    """Return our number of each fresh record, those that are new, and the first number that was free."""
    known: dict[bytes, deque[int]] = defaultdict(deque)
    slots = 0
    for number, _, face in _records(database, "main"):
        slots = number + 1
        if face:
            known[face].append(number)
    numbers: dict[int, int] = {}
    new: list[bytes] = []
    for number, packed, face in _records(database, "fresh"):
        if face and known[face]:
            numbers[number] = known[face].popleft()
        elif face:
            numbers[number] = slots + len(new)
            new.append(packed)
    return numbers, new, slots


def _records(database: sqlite3.Connection, schema: str) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield each record with its number, and what it is known by: its bytes and channels; nothing where it is gone."""
    channels: dict[int, str] = defaultdict(str)
    for number, channel in database.execute(
        f"SELECT DISTINCT record, channels.channel FROM {schema}.ranges JOIN {schema}.packages USING (package)"  # noqa: S608
        f" JOIN {schema}.channels ON id = packages.channel ORDER BY record, channels.channel"
    ):
        channels[number] += f" {channel}"
    live = {number for (number,) in database.execute(f"SELECT DISTINCT record FROM {schema}.ids")}  # noqa: S608
    for block, packed in database.execute(f"SELECT id, packed FROM {schema}.blocks ORDER BY id"):  # noqa: S608
        for place, record in enumerate(_unpacked(packed)):
            number = block * layout.BLOCK_RECORDS + place
            face = blake2b(record + channels[number].encode(), digest_size=16).digest() if number in live else b""
            yield number, record, face


def _unpacked(packed: bytes) -> list[bytes]:
    return [bytes(each) for each in layout.decode_block(layout.unpacked(packed, MAX_BLOCK_BYTES))]


def _appended(database: sqlite3.Connection, new: list[bytes], slots: int) -> Iterator[tuple[int, bytes]]:
    """Yield the blocks that hold the new records; the last one there is filled up first."""
    if not new:
        return
    block, taken = divmod(slots, layout.BLOCK_RECORDS)
    if taken:
        (packed,) = database.execute("SELECT packed FROM main.blocks WHERE id = ?", (block,)).fetchone()
        new = [*_unpacked(packed), *new]
    for start in range(0, len(new), layout.BLOCK_RECORDS):
        yield block + start // layout.BLOCK_RECORDS, layout.packed_block(new[start : start + layout.BLOCK_RECORDS])
