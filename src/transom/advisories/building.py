"""Feeds become an index: written aside, checked, and put in place in one step, so that the last good one stays."""

from __future__ import annotations

import os
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import zstandard
from msgspec import Struct
from msgspec.structs import replace

from transom.advisories import layout
from transom.advisories.ages import setback
from transom.advisories.aliases import Aliases
from transom.advisories.channels import scheme_of
from transom.advisories.documents import BROKEN
from transom.advisories.growing import grow
from transom.advisories.index import Index
from transom.advisories.intervals import ImpossibleError, bounds, key_of
from transom.advisories.layout import Record, hash_of, number_of_cve, stop_of
from transom.lang.versions.semver import VersionError
from transom.model.advisories import (
    Advisory,
    Came,
    Exploited,
    FeedAge,
    Interval,
    Lifetime,
    Likelihood,
    Rated,
    Refused,
    State,
    Statement,
    Told,
)
from transom.model.errors import TransomError

MAX_NAMES = 1_000  # aliases and bugs of one record; RHEL's largest errata fix some hundreds
MAX_STATEMENTS = 50_000  # of one record; RHEL's kernel errata have some thousands
MAX_REFUSALS = 500  # reasons that are kept of one build; what comes after is only counted
PART = ".part"
IN_THE_FUTURE = "modified in the future; its time is not believed"

Row = tuple[int, bytes, bytes | None, int, int, str | None, int, str | None, int | None]
_INSERT_ROW = "INSERT INTO raw VALUES (?,?,?,?,?,?,?,?,?)"


class Built(Struct, frozen=True):
    """What was built: how many records, ranges and packages, and of each feed how much, how old and how much refused."""

    path: str
    records: int
    ranges: int
    packages: int
    size_bytes: int
    feeds: tuple[FeedAge, ...]


def build(
    told: Iterable[Told], path: Path, now: datetime | None = None, before: Sequence[FeedAge] = (), afresh: bool = False
) -> Built:
    """Write the index of everything that feeds tell, in place of the file at path only once it is whole.

    before: the feeds of the index that is replaced; raises TransomError where one of them is now as it was earlier, or less.
    afresh: takes over nothing of the file at path, so that the same feeds give the same bytes.

    Raises TransomError where nothing was told that a package could be matched with: an empty index would make
    everything look clean.
    """
    part = path.with_name(path.name + PART)
    part.unlink(missing_ok=True)
    try:
        with closing(_opened(part)) as database:
            writer = Writer(database, now or datetime.now(UTC))
            for each in told:
                writer.add(each)
            built = writer.finish(str(path))
        _check_no_setback(before, built.feeds)
        if not afresh:
            _grow(path, part)
        with part.open("rb") as written:
            os.fsync(written.fileno())
        size_bytes = part.stat().st_size
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return Built(built.path, built.records, built.ranges, built.packages, size_bytes, built.feeds)


def _grow(path: Path, part: Path) -> None:
    """Make the index one that differs from the former in few pages, where there is one that can be read."""
    try:
        Index(path).close()
        grow(path, part)
    except sqlite3.OperationalError:  # no space, or a mistake of ours
        raise
    except (TransomError, sqlite3.DatabaseError, zstandard.ZstdError, *BROKEN):
        return  # whatever is wrong with the former one is no part of the new


def _check_no_setback(before: Sequence[FeedAge], feeds: Sequence[FeedAge]) -> None:
    why = setback(before, feeds)
    if why:
        again = "a mirror may have gone back in time, or a download broke off; say --older where you mean it"
        raise TransomError("the index in use stays as it was", why, again)


def _opened(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    database = sqlite3.connect(path, isolation_level=None)
    database.executescript(
        f"PRAGMA page_size=4096; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA temp_store=FILE;"
        f"PRAGMA application_id={layout.APPLICATION_ID}; PRAGMA user_version={layout.FORMAT};{layout.SCHEMA}"
        "CREATE TEMP TABLE raw (package INTEGER, low BLOB, high BLOB, state INTEGER, record INTEGER, start TEXT,"
        " kind INTEGER, stop TEXT, condition INTEGER);"
        "CREATE TEMP TABLE raw_records (record INTEGER PRIMARY KEY, packed BLOB); BEGIN"
    )
    return database


class Writer:
    """An index that is being written: told one thing after another, then finished once."""

    def __init__(self, database: sqlite3.Connection, now: datetime) -> None:
        self._database = database
        self._now = now.isoformat(timespec="seconds")
        self._future = (now + timedelta(days=1)).isoformat()
        self._aliases = Aliases()
        self._channels: dict[str, int] = {}
        self._packages: dict[tuple[int, str], int] = {}
        self._conditions: dict[tuple[str, str, str, int | None], int] = {}
        self._newest: dict[tuple[str, ...], tuple[str, int]] = {}
        self._superseded: list[int] = []
        self._records = 0
        self._counts: Counter[str] = Counter()
        self._came = self._now
        self._retrieved: dict[str, str] = {}
        self._modified: dict[str, str] = {}
        self._refusals: dict[tuple[str, str], tuple[int, str]] = {}
        self._exploited: dict[str, Exploited] = {}
        self._lifetimes: dict[tuple[str, str], Lifetime] = {}
        self._likelihoods: dict[str, Likelihood] = {}

    def add(self, told: Told) -> None:
        """Add one thing that a feed tells."""
        if isinstance(told, Advisory):
            self._add_advisory(told)
        elif isinstance(told, Came):
            self._came = told.time if "" < told.time < self._now else self._now
        elif isinstance(told, Refused):
            self._refuse(told.feed or "unknown", told.reason, told.record)
        elif isinstance(told, Likelihood):
            self._likelihoods[told.id] = told
            self._count(told.feed, told.date, told.id)
        elif isinstance(told, Exploited):
            self._exploited[told.id] = told
            self._count(told.feed, told.added, told.id)
        elif isinstance(told, Lifetime):
            self._lifetimes[told.product, told.release] = told
            self._count(told.feed, "")
        else:
            self._add_rated(told)

    def finish(self, path: str) -> Built:
        """Write what could only be told at the end; raises TransomError where there is nothing to match with."""
        if not self._packages:
            reasons = "; ".join(
                f"{example}: {reason}" for (_, reason), (_, example) in list(self._refusals.items())[:3]
            )
            raise TransomError(
                f"no index was written to {path}",
                f"the feeds name no package{f' ({reasons})' if reasons else ''}",
                "look at the feeds: a cut download or a web page in their place is the usual cause",
            )
        database = self._database
        database.executemany("DELETE FROM raw WHERE record = ?", ((number,) for number in self._superseded))
        gone = set(self._superseded)
        ranges = database.execute(
            "INSERT INTO ranges SELECT package, row_number() OVER (PARTITION BY package ORDER BY record, low), low, high,"
            " state, record, start, kind, stop, condition FROM (SELECT DISTINCT * FROM raw) ORDER BY package, record, low"
        ).rowcount
        database.executemany("INSERT INTO blocks VALUES (?, ?)", self._blocks(gone))
        self._write_tables()
        database.executescript("DROP TABLE temp.raw; DROP TABLE temp.raw_records; VACUUM")
        feeds = tuple(FeedAge(*row) for row in database.execute("SELECT * FROM feeds"))
        return Built(path, self._records - len(gone), ranges, len(self._packages), 0, feeds)

    def _add_advisory(self, told: Advisory) -> None:
        if len(told.aliases) + len(told.covers) > MAX_NAMES or len(told.statements) > MAX_STATEMENTS:
            self._refuse(told.feed, f"names more than {MAX_NAMES:,} ids or {MAX_STATEMENTS:,} packages", told.id)
            return
        modified = told.modified
        if modified > self._future:
            self._refuse(told.feed, IN_THE_FUTURE, told.id)
            modified = ""
        number = self._records
        if not self._is_newest(told, modified, number):
            return
        self._records += 1
        self._count(told.feed, modified)
        rows = [row for statement in told.statements for row in self._rows(told, statement, number)]
        self._database.executemany(_INSERT_ROW, rows)
        if not told.covers:
            self._aliases.add((told.id, *told.aliases))
        kept = Record(
            *(told.id, told.feed, "", told.covers, told.aliases, told.summary, told.ratings, told.published),
            *(modified, told.withdrawn, told.symbols, told.record),
        )
        self._database.execute("INSERT INTO raw_records VALUES (?, ?)", (number, layout.encode(kept)))

    def _is_newest(self, told: Advisory, modified: str, number: int) -> bool:
        """Tell whether no newer version of the record was told; an older one is taken back."""
        key = (told.feed, told.id, *told.covers, _version_of(told, modified))
        before = self._newest.get(key)
        if before is not None:
            if before[0] >= modified:
                return False
            self._superseded.append(before[1])
        self._newest[key] = (modified, number)
        return True

    def _rows(self, told: Advisory, statement: Statement, record: int) -> Iterator[Row]:
        scheme = scheme_of(statement.channel)
        if not scheme:
            self._refuse(told.feed, f"how versions of {statement.channel} are ordered is not known", told.id)
            return
        package = self._package(statement.channel, statement.name)
        condition = self._condition(statement)
        state = layout.STATES.index(statement.state)
        found: list[tuple[bytes, bytes | None]] = []
        intervals = statement.intervals
        if not intervals and not statement.versions:
            if statement.state is State.FIXED:
                self._refuse(told.feed, "fixed, but in no version", told.id)
                return
            intervals = (Interval(),)
        for interval in intervals:
            try:
                low, high = bounds(interval, scheme)
            except ImpossibleError as error:
                self._refuse(told.feed, str(error), told.id)
                continue
            found.append((low, high))
            kind, stop = stop_of(interval)
            yield (package, low, high, state, record, interval.introduced or None, kind, stop or None, condition)
        for version, key in self._exact(told, statement.versions, scheme):
            if not any(low <= key and (high is None or key < high) for low, high in found):
                kind, stop = stop_of(Interval(version, last_affected=version))
                yield (package, key, key + b"\0", state, record, version, kind, stop, condition)

    def _exact(self, told: Advisory, versions: Iterable[str], scheme: str) -> Iterator[tuple[str, bytes]]:
        for version in versions:
            try:
                yield version, key_of(scheme, version)
            except VersionError:
                self._refuse(told.feed, "lists a version that cannot be read", f"{told.id}: {version[:80]}")

    def _add_rated(self, told: Rated) -> None:
        number = number_of_cve(told.id)
        if number is None:
            self._refuse(told.feed, "rates what is no CVE", told.id)
            return
        self._database.execute("INSERT OR REPLACE INTO rated VALUES (?, ?)", (number, layout.encode(told.ratings)))
        self._count(told.feed, told.modified, told.id)

    def _package(self, channel: str, name: str) -> int:
        number = self._channels.setdefault(channel, len(self._channels))
        return self._packages.setdefault((number, name), len(self._packages))

    def _condition(self, statement: Statement) -> int | None:
        severity = None if statement.severity is None else int(statement.severity)
        key = (statement.module, " ".join(statement.arches), statement.note, severity)
        if key == ("", "", "", None):
            return None
        return self._conditions.setdefault(key, len(self._conditions))

    def _count(self, feed: str, modified: str, record: str = "") -> None:
        self._counts[feed] += 1
        self._retrieved[feed] = min(self._came, self._retrieved.get(feed, self._came))
        if modified > self._future:
            self._refuse(feed, IN_THE_FUTURE, record)
        elif self._modified.get(feed, "") < modified:
            self._modified[feed] = modified

    def _refuse(self, feed: str, reason: str, record: str) -> None:
        if (feed, reason) not in self._refusals and len(self._refusals) >= MAX_REFUSALS:
            reason = "other reasons"
        count, example = self._refusals.get((feed, reason), (0, record))
        self._refusals[feed, reason] = (count + 1, example)

    def _blocks(self, gone: set[int]) -> Iterator[tuple[int, bytes]]:
        """Yield blocks of packed records, now that it is known what their bugs are called."""
        block: list[bytes] = []
        number = 0
        for number, packed in self._database.execute("SELECT record, packed FROM raw_records ORDER BY record"):
            record = layout.decode_record(packed)
            bug = record.id if record.covers else self._aliases.bug_of((record.id, *record.aliases))
            record = replace(record, bug=bug)
            if number not in gone:
                ids = {(hash_of(name), number) for name in record.names}
                self._database.executemany("INSERT INTO ids VALUES (?, ?)", ids)
            block.append(layout.encode(record))
            if len(block) == layout.BLOCK_RECORDS:
                yield number // layout.BLOCK_RECORDS, layout.packed_block(block)
                block = []
        if block:
            yield number // layout.BLOCK_RECORDS, layout.packed_block(block)

    def _write_tables(self) -> None:
        database = self._database
        database.executemany("INSERT INTO channels VALUES (?, ?)", ((n, name) for name, n in self._channels.items()))
        database.executemany(
            "INSERT INTO packages VALUES (?, ?, ?)", sorted((*key, number) for key, number in self._packages.items())
        )
        database.executemany(
            "INSERT INTO conditions VALUES (?, ?, ?, ?, ?)", ((n, *key) for key, n in self._conditions.items())
        )
        database.executemany("INSERT INTO likelihoods VALUES (?, ?, ?)", self._known_likelihoods())
        facts = {"exploited": list(self._exploited.values()), "lifetimes": list(self._lifetimes.values())}
        packed = ((key, layout.packed(layout.encode(values))) for key, values in facts.items())
        database.executemany("INSERT INTO meta VALUES (?, ?)", (*packed, ("built", self._now)))
        refused: Counter[str] = Counter()
        for (feed, _), (count, _) in self._refusals.items():
            refused[feed] += count
        for feed in sorted({*self._counts, *refused}):
            row = (
                feed,
                self._counts[feed],
                refused[feed],
                self._modified.get(feed, ""),
                self._retrieved.get(feed, self._now),
            )
            database.execute("INSERT INTO feeds VALUES (?, ?, ?, ?, ?)", row)
        database.executemany(
            "INSERT INTO refusals VALUES (?, ?, ?, ?)", ((*key, *kept) for key, kept in self._refusals.items())
        )

    def _known_likelihoods(self) -> Iterator[tuple[int, int, int]]:
        """Yield the likelihoods of the vulnerabilities that the index knows: the others nobody can ask for."""
        known = {row[0] for row in self._database.execute("SELECT DISTINCT hash FROM ids")}
        for told in self._likelihoods.values():
            number = number_of_cve(told.id)
            if number is not None and hash_of(told.id) in known:
                score, percentile = (round(each * layout.LIKELIHOOD_PARTS) for each in (told.score, told.percentile))
                yield number, score, percentile


def _version_of(told: Advisory, modified: str) -> str:
    """Return what tells a record from others of its id that are no versions of it.

    Records without a time (secdb's, each release in a document of its own) are the same only where they say the same;
    of documents that hold several, each part is one of its own.
    """
    if not modified:
        return str(hash(told.statements))
    return told.record if "#" in told.record else ""
