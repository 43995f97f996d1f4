"""The index, read: one file, mapped into memory, never written. A look-up is one step down a tree of names."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import zstandard

from transom.advisories import layout
from transom.advisories.layout import Record, hash_of, number_of_cve
from transom.model.advisories import Exploited, FeedAge, Interval, Lifetime, Likelihood, Rating, State
from transom.model.errors import TransomError
from transom.model.language import mark
from transom.model.severity import Severity

MAPPED_BYTES = 1 << 30
BLOCKS_KEPT = 512  # some 12 MB; an image's packages need a few hundred
MAX_BLOCK_BYTES = 64 * 1024 * 1024  # a block of the largest records has below 1 MB
_ROWS = """SELECT low, high, state, record, start, kind, stop, condition FROM packages JOIN ranges USING (package)
WHERE channel = ? AND name = ?"""
_AFFECTING = f"{_ROWS} AND low <= ? AND (high IS NULL OR high > ?)"
_EVERY = """SELECT channel, name, low, high, state, record, start, kind, stop, condition FROM ranges
JOIN packages USING (package) ORDER BY record, channel, name, low"""


class Row(NamedTuple):
    """One range of one package. low <= key < high, high None for no end; condition: its number, None for none."""

    low: bytes
    high: bytes | None
    state: int
    record: int
    start: str | None
    kind: int
    stop: str | None
    condition: int | None

    @property
    def interval(self) -> Interval:
        """The range, as its ecosystem writes versions."""
        return layout.interval_of(self.start or "", self.kind, self.stop or "")

    @property
    def says(self) -> State:
        """What the source says of these versions."""
        return layout.STATES[self.state]


class Condition(NamedTuple):
    """What else a range asks for or tells."""

    module: str = ""
    arches: str = ""
    note: str = ""
    severity: int | None = None

    @property
    def rating(self) -> Severity | None:
        """The source's own word on this package."""
        return None if self.severity is None else Severity(self.severity)


UNCONDITIONAL = Condition()


class Index:
    """What the world knows, as one file has it."""

    def __init__(self, path: str | Path) -> None:
        self.path = str(path)
        self._database = _opened(self.path)
        self._channels: dict[str, int] = {
            name: number for number, name in self._asked("SELECT id, channel FROM channels")
        }
        self._block = lru_cache(BLOCKS_KEPT)(self._read_block)

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def __enter__(self) -> Index:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def channels(self) -> frozenset[str]:
        """Every channel that the index knows something of."""
        return frozenset(self._channels)

    def rows(self, channel: str, name: str) -> list[Row]:
        """Return everything that is said of a package."""
        return list(map(Row._make, self._asked(_ROWS, (self._channels.get(channel), name))))

    def affecting(self, channel: str, name: str, key: bytes) -> list[Row]:
        """Return what is said of a package that concerns the version of this order key."""
        words = (self._channels.get(channel), name, key, key)
        return list(map(Row._make, self._asked(_AFFECTING, words)))

    def condition(self, row: Row) -> Condition:
        """Return what else a row asks for."""
        return UNCONDITIONAL if row.condition is None else self._conditions[row.condition]

    def record(self, number: int) -> Record:
        """Return a record by its number."""
        block, place = divmod(number, layout.BLOCK_RECORDS)
        return layout.decode_record(self._block(block)[place])

    def records_of(self, name: str) -> Iterator[tuple[int, Record]]:
        """Yield the records that go by an id, or are about it, with their numbers."""
        wanted = name.upper()
        for (number,) in self._asked("SELECT record FROM ids WHERE hash = ?", (hash_of(name),)):
            record = self.record(number)
            if any(each.upper() == wanted for each in record.names):
                yield number, record

    def exploited(self, bug: str) -> Exploited | None:
        """Return what KEV says of a vulnerability."""
        return self._exploited.get(bug)

    def likelihood(self, bug: str) -> Likelihood | None:
        """Return what EPSS says of a vulnerability."""
        words = "SELECT score, percentile FROM likelihoods WHERE cve = ?"
        found = self._first(words, (number_of_cve(bug),))
        if found is None:
            return None
        score, percentile = (each / layout.LIKELIHOOD_PARTS for each in found)
        return Likelihood(bug, score, percentile, self._dates.get("epss", ""))

    def rated(self, bug: str) -> tuple[Rating, ...]:
        """Return the ratings of those who know no packages."""
        found = self._first("SELECT packed FROM rated WHERE cve = ?", (number_of_cve(bug),))
        return layout.decode_ratings(found[0]) if found else ()

    def lifetime(self, product: str, release: str) -> Lifetime | None:
        """Return how long a release of a product is kept."""
        return self._lifetimes.get((product, release))

    @cached_property
    def feeds(self) -> tuple[FeedAge, ...]:
        """Every source, and how old it is."""
        return tuple(FeedAge(*row) for row in self._asked("SELECT * FROM feeds ORDER BY feed"))

    @property
    def refusals(self) -> Iterator[tuple[str, str, int, str]]:
        """What was not used: feed, reason, how often, an example; the most frequent first."""
        yield from self._asked("SELECT feed, reason, count, example FROM refusals ORDER BY count DESC")

    @cached_property
    def built(self) -> str:
        """When the index was built."""
        return str(self._meta("built"))

    def counts(self) -> dict[str, int]:
        """Return how many packages and ranges each channel has."""
        words = "SELECT channel, count(*) FROM packages GROUP BY channel"
        names = {number: name for name, number in self._channels.items()}
        return {names[number]: count for number, count in self._asked(words)}

    def every_record(self) -> Iterator[tuple[int, Record]]:
        """Yield every record with its number."""
        for (number,) in self._asked("SELECT DISTINCT record FROM ids ORDER BY record"):
            yield number, self.record(number)

    def every_range(self) -> Iterator[tuple[int, str, bytes]]:
        """Yield every range, as one text to compare: its record's number, `channel/name`, and what it says."""
        names = {number: name for name, number in self._channels.items()}
        for channel, name, *rest in self._asked(_EVERY):
            row = Row._make(rest)
            package = f"{names[channel]}/{name}"
            yield row.record, package, repr((package, *row[:3], *row[4:7], self.condition(row))).encode()

    def _asked(self, words: str, values: tuple[object, ...] = ()) -> list[Any]:
        """Return the rows of a question; raises TransomError where the file is broken."""
        try:
            return self._database.execute(words, values).fetchall()
        except sqlite3.DatabaseError as error:
            raise _unusable(self.path, f"it is broken: {error}") from None

    def _first(self, words: str, values: tuple[object, ...] = ()) -> Any:
        return next(iter(self._asked(words, values)), None)

    def _needed(self, words: str, values: tuple[object, ...]) -> Any:
        """Return the one value that every whole index has."""
        found = self._first(words, values)
        if found is None:
            raise _unusable(self.path, "it is broken: a part of it is missing")
        return found[0]

    def _unpacked(self, packed: Any) -> bytes:
        try:
            return layout.unpacked(packed, MAX_BLOCK_BYTES)
        except (zstandard.ZstdError, TypeError) as error:
            raise _unusable(self.path, f"it is broken: {error}") from None

    def _meta(self, key: str) -> str | bytes:
        value: str | bytes = self._needed("SELECT value FROM meta WHERE key = ?", (key,))
        return value

    def _read_block(self, number: int) -> list[bytes]:
        unpacked = self._unpacked(self._needed("SELECT packed FROM blocks WHERE id = ?", (number,)))
        return [bytes(each) for each in layout.decode_block(unpacked)]

    @cached_property
    def _conditions(self) -> dict[int, Condition]:
        rows = self._asked("SELECT id, module, arches, note, severity FROM conditions")
        return {number: Condition(*rest) for number, *rest in rows}

    @cached_property
    def _exploited(self) -> dict[str, Exploited]:
        found = layout.decode_exploited(self._unpacked(self._meta("exploited")))
        return {each.id: each for each in found}

    @cached_property
    def _lifetimes(self) -> dict[tuple[str, str], Lifetime]:
        found = layout.decode_lifetimes(self._unpacked(self._meta("lifetimes")))
        return {(each.product, each.release): each for each in found}

    @cached_property
    def _dates(self) -> dict[str, str]:
        return {each.feed: each.modified for each in self.feeds}


def _opened(path: str) -> sqlite3.Connection:
    if not Path(path).is_file():
        raise _unusable(path, "there is no such file")
    try:
        database = sqlite3.connect(f"file:{quote(path)}?mode=ro&immutable=1", uri=True, check_same_thread=False)
        kind = database.execute("PRAGMA application_id").fetchone()[0]
        version = database.execute("PRAGMA user_version").fetchone()[0]
        database.execute(f"PRAGMA mmap_size={MAPPED_BYTES}")
        database.execute("PRAGMA trusted_schema=OFF")
    except sqlite3.DatabaseError as error:
        raise _unusable(path, f"it is no index: {error}") from None
    if kind != layout.APPLICATION_ID:
        raise _unusable(path, "it is another kind of database")
    if version != layout.FORMAT:
        raise _unusable(path, f"its format is {version}, this version reads {layout.FORMAT}")
    return database


def _unusable(path: str, why: str) -> TransomError:
    again = mark("build it again with `transom db build`, or import another")
    return TransomError(f"cannot use the index {path}", why, again)
