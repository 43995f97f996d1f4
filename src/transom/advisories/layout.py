"""How the index lies in its file: one sqlite database, written once, then only read.

A row of `ranges` holds the order keys between which a package is affected; a record is told by its number, and lies with
its neighbours in one packed block. Ids are kept as hashes, because a record that is found says its ids itself.
"""

from __future__ import annotations

import re
from hashlib import blake2b

import msgspec
import zstandard
from msgspec import Struct

from transom.model.advisories import Exploited, Interval, Lifetime, Rating, State, Symbols

APPLICATION_ID = 0x7472616E  # "tran", so that `file` and we know the index from other databases
FORMAT = 2
LEVEL = 22
MAX_WINDOW_BYTES = 1 << 27
BLOCK_RECORDS = 128  # of these one block unpacks in 80 us; half as many pack 4 % worse

SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;
CREATE TABLE feeds (feed TEXT PRIMARY KEY, records INTEGER, refused INTEGER, modified TEXT, retrieved TEXT) WITHOUT ROWID;
CREATE TABLE refusals (feed TEXT, reason TEXT, count INTEGER, example TEXT, PRIMARY KEY (feed, reason)) WITHOUT ROWID;
CREATE TABLE channels (id INTEGER PRIMARY KEY, channel TEXT);
CREATE TABLE packages (channel INTEGER, name TEXT, package INTEGER, PRIMARY KEY (channel, name)) WITHOUT ROWID;
CREATE TABLE conditions (id INTEGER PRIMARY KEY, module TEXT, arches TEXT, note TEXT, severity INTEGER);
CREATE TABLE ranges (package INTEGER, n INTEGER, low BLOB, high BLOB, state INTEGER, record INTEGER, start TEXT, kind INTEGER,
  stop TEXT, condition INTEGER, PRIMARY KEY (package, n)) WITHOUT ROWID;
CREATE TABLE blocks (id INTEGER PRIMARY KEY, packed BLOB);
CREATE TABLE ids (hash INTEGER, record INTEGER, PRIMARY KEY (hash, record)) WITHOUT ROWID;
CREATE TABLE likelihoods (cve INTEGER PRIMARY KEY, score INTEGER, percentile INTEGER);
CREATE TABLE rated (cve INTEGER PRIMARY KEY, packed BLOB);
"""

LIKELIHOOD_PARTS = 100_000  # EPSS is published to five digits
CVES_IN_A_YEAR = 10**9  # CVE numbers have at most seven digits so far
_CVE = re.compile(r"CVE-(\d{4})-(\d{4,9})", re.ASCII)

STATES = tuple(State)
"""States by the numbers that stand for them."""

STOPS = ("", "fixed", "last_affected", "limit")
"""What the end of a range is, by the number that stands for it."""


class Record(Struct, frozen=True, array_like=True):
    """What a record says beside its ranges. bug: what its vulnerability is called; covers: those of an erratum."""

    id: str
    feed: str
    bug: str
    covers: tuple[str, ...]
    aliases: tuple[str, ...]
    summary: str
    ratings: tuple[Rating, ...]
    published: str
    modified: str
    withdrawn: str
    symbols: tuple[Symbols, ...]
    record: str

    @property
    def bugs(self) -> tuple[str, ...]:
        """The vulnerabilities that it speaks of."""
        return self.covers or (self.bug,)

    @property
    def names(self) -> tuple[str, ...]:
        """Every id by which a person may ask for it."""
        return tuple(dict.fromkeys((self.id, *self.aliases, *self.bugs)))


def hash_of(name: str) -> int:
    """Return the number under which an id stands: 31 bits, the four bytes that sqlite keeps best.

    Of a million ids some hundreds share theirs with another: whoever finds a record reads its names.
    """
    return int.from_bytes(blake2b(name.upper().encode("utf-8", "replace"), digest_size=4).digest()) >> 1


def number_of_cve(name: str) -> int | None:
    """Return the number that a CVE's year and number make, one for each; None for other ids, which nobody scores."""
    found = _CVE.fullmatch(name)
    return int(found[1]) * CVES_IN_A_YEAR + int(found[2]) if found else None


def stop_of(interval: Interval) -> tuple[int, str]:
    """Return what ends an interval, and where."""
    for number, kind in enumerate(STOPS[1:], 1):
        value = getattr(interval, kind)
        if value:
            return number, value
    return 0, ""


def interval_of(start: str, kind: int, stop: str) -> Interval:
    """Return the interval that a row tells."""
    return Interval(start, **{STOPS[kind]: stop}) if kind else Interval(start)


def packed_block(records: list[bytes]) -> bytes:
    """Return a block of records, each encoded already."""
    size = len(records)
    head = bytes((0x90 | size,)) if size < 16 else b"\xdc" + size.to_bytes(2)  # a msgpack array
    return packed(head + b"".join(records))


def packed(content: bytes) -> bytes:
    """Return bytes as small as they get: written once, read often."""
    return zstandard.ZstdCompressor(level=LEVEL, write_content_size=True).compress(content)


def unpacked(content: bytes, limit_bytes: int, dictionary: zstandard.ZstdCompressionDict | None = None) -> bytes:
    """Return what was packed; raises ZstdError for what is broken or says that it is larger than the limit."""
    if zstandard.frame_content_size(content) > limit_bytes:
        raise zstandard.ZstdError(f"it unpacks to more than {limit_bytes >> 20} MB")
    unpacker = zstandard.ZstdDecompressor(dict_data=dictionary, max_window_size=MAX_WINDOW_BYTES)
    return unpacker.decompress(content, max_output_size=limit_bytes)


encode = msgspec.msgpack.encode
decode_record = msgspec.msgpack.Decoder(Record).decode
decode_block = msgspec.msgpack.Decoder(list[msgspec.Raw]).decode
decode_exploited = msgspec.msgpack.Decoder(list[Exploited]).decode
decode_lifetimes = msgspec.msgpack.Decoder(list[Lifetime]).decode
decode_ratings = msgspec.msgpack.Decoder(tuple[Rating, ...]).decode
