"""OSV: the format of Go, Python, GitHub (GHSA), Ubuntu, Alma, Rocky, Chainguard and most others (OSV schema 1.7)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from transom.advisories.channels import channel_of_ecosystem, name_in, scheme_of
from transom.advisories.documents import BROKEN, MAX_RECORD_BYTES, TOO_LARGE
from transom.advisories.intervals import ImpossibleError, intervals_of
from transom.advisories.ratings import rated_by_vector, severity_named
from transom.advisories.summaries import summary_of
from transom.model.advisories import Advisory, Interval, Rating, Refused, State, Statement, Symbols, Told

FEEDS = (
    ("GHSA-", "ghsa"),
    ("PYSEC-", "pypa"),
    ("GO-", "govulndb"),
    ("RUSTSEC-", "rustsec"),
    ("UBUNTU-", "ubuntu"),
    ("USN-", "ubuntu"),
    ("LSN-", "ubuntu"),
    ("ALSA-", "almalinux"),
    ("ALBA-", "almalinux"),
    ("ALEA-", "almalinux"),
    ("RLSA-", "rocky"),
    ("RXSA-", "rocky"),
    ("CGA-", "chainguard"),
    ("DEBIAN-", "debian"),
    ("DSA-", "debian"),
    ("DLA-", "debian"),
    ("ALPINE-", "alpine"),
    ("RHSA-", "redhat"),
    ("SUSE-", "suse"),
    ("openSUSE-", "suse"),
    ("BIT-", "bitnami"),
    ("MINI-", "minimos"),
    ("ECHO-", "echo"),
    ("MAL-", "malicious-packages"),
)
"""Who publishes a record, by how its id begins; others are told as `osv`."""

ERRATA = ("ALSA-", "ALBA-", "ALEA-", "RLSA-", "RXSA-", "RHSA-", "USN-", "LSN-", "DSA-", "DLA-", "SUSE-", "openSUSE-")
"""Records that fix several bugs at once, which they name as related: those are not one another's aliases."""

ONE_BUG = ("UBUNTU-CVE-", "DEBIAN-CVE-", "ALPINE-CVE-", "CGA-", "ECHO-", "MINI-")  # a vendor's word on one bug
MAX_EVENTS = 5_000  # the kernel's records have some hundreds


class Event(Struct):
    """One point where a range turns; one of the four is set."""

    introduced: str = ""
    fixed: str = ""
    last_affected: str = ""
    limit: str = ""


class Range(Struct):
    """Events of one kind of numbering."""

    type: str
    events: list[Event] = []


class Subject(Struct):
    """Whose package it is, and its name."""

    ecosystem: str = ""
    name: str = ""
    purl: str = ""


class Score(Struct):
    """A CVSS vector, or Ubuntu's own word."""

    type: str = ""
    score: str = ""


class Affected(Struct):
    """One package and its affected versions."""

    package: Subject | None = None
    ranges: list[Range] | None = None
    versions: list[str] | None = None
    severity: list[Score] | None = None
    ecosystem_specific: Any = None
    database_specific: Any = None


class Record(Struct):
    """One record, as far as it is read."""

    id: str
    modified: str = ""
    published: str = ""
    withdrawn: str | None = None
    aliases: list[str] | None = None
    related: list[str] | None = None
    upstream: list[str] | None = None
    summary: str | None = None
    details: str | None = None
    severity: list[Score] | None = None
    affected: list[Affected] | None = None
    database_specific: Any = None


_JSON = msgspec.json.Decoder(Record)
_JSON_LIST = msgspec.json.Decoder(list[msgspec.Raw])


def read(name: str, content: bytes) -> Iterator[Told]:
    """Yield the advisories of a document: one record, or a list of them."""
    start = content.lstrip()[:1]
    if start == b"[":
        for raw in _JSON_LIST.decode(content):
            yield from _one(name, raw)
    elif start == b"{":
        yield from _told(name, _JSON.decode(content))
    else:
        from transom.advisories.feeds import from_yaml

        yield from _told(name, msgspec.convert(from_yaml(content), Record, strict=False))


def _one(name: str, raw: msgspec.Raw) -> Iterator[Told]:
    if memoryview(raw).nbytes > MAX_RECORD_BYTES:
        yield Refused(name, TOO_LARGE)
        return
    try:
        record = _JSON.decode(raw)
    except BROKEN as error:
        yield Refused(name, f"not as OSV is written: {error}")
        return
    yield from _told(name, record)


def _told(name: str, record: Record) -> Iterator[Told]:
    feed = next((feed for start, feed in FEEDS if record.id.startswith(start)), "osv")
    aliases, covers = _names(record)
    if record.id.startswith(("ALBA-", "ALEA-")) and not covers:
        yield Refused(record.id, "mends no vulnerability", feed)
        return
    statements: list[Statement] = []
    symbols: list[Symbols] = []
    for affected in record.affected or ():
        for told in _statements(record.id, affected, feed):
            if isinstance(told, Statement):
                statements.append(told)
                symbols += _symbols(told.name, affected)
            else:
                yield told
    yield Advisory(
        record.id,
        feed,
        tuple(statements),
        aliases,
        covers,
        summary_of(record.summary or record.details or ""),
        tuple(_ratings(record, feed)),
        _time(record.published)[:10],
        _time(record.modified),
        record.withdrawn or "",
        tuple(dict.fromkeys(symbols)),
        "" if record.id in name else name,  # a file named like its record tells nothing
    )


def _time(told: str) -> str:
    """Return a time to the second; Go's checkout has the first year there is, which means that none is told."""
    if told.startswith("0001-"):
        return ""
    whole, point, _ = told.partition(".")
    return f"{whole}Z" if point else told


def _names(record: Record) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the other names of the record's bug, and the bugs that it covers where it is an erratum."""
    upstream = [*(record.upstream or ())]
    cves = [each for each in (*upstream, *(record.related or ())) if each.startswith("CVE-")]
    if record.id.startswith(ERRATA):
        named = [each for each in record.aliases or () if each.startswith("CVE-")]
        return (), tuple(dict.fromkeys((*cves, *named)))
    aliases = [*(record.aliases or ())]
    if record.id.startswith(ONE_BUG) and len({each for each in upstream if each.startswith("CVE-")}) <= 1:
        aliases += upstream
    elif len(upstream) > 1:
        return tuple(aliases), tuple(dict.fromkeys(each for each in upstream if each.startswith("CVE-")))
    return tuple(each for each in dict.fromkeys(aliases) if each != record.id), ()


def _ratings(record: Record, feed: str) -> Iterator[Rating]:
    for score in (record.severity or ())[:10]:
        yield from _rating(feed, score)
    word = record.database_specific.get("severity") if isinstance(record.database_specific, dict) else None
    if record.id.startswith(ERRATA) and record.summary:
        word = record.summary.partition(":")[0]  # `Important: kernel security update`
    severity = severity_named(word) if isinstance(word, str) else None
    if severity is not None:
        yield Rating(feed, severity)


def _rating(feed: str, score: Score) -> Iterator[Rating]:
    if score.type.startswith("CVSS_"):
        rating = rated_by_vector(feed, score.score)
        if rating:
            yield rating
        return
    severity = severity_named(score.score)
    if severity is not None:
        yield Rating(feed, severity)


def _statements(record: str, affected: Affected, feed: str) -> Iterator[Statement | Refused]:
    subject = affected.package
    if subject is None or not subject.name:
        yield Refused(record, "names no package but a source repository", feed)
        return
    channel = channel_of_ecosystem(subject.ecosystem)
    if not channel:
        yield Refused(record, f"the ecosystem {subject.ecosystem!r} is not known", feed)
        return
    intervals, refused = _intervals(affected.ranges or (), scheme_of(channel))
    yield from (Refused(record, reason, feed) for reason in refused)
    intervals = tuple(_ended(each, affected) for each in intervals)
    versions = tuple(affected.versions or ())
    if not intervals and not versions:
        if not refused:
            yield Refused(record, f"names no version of {subject.name} but commits", feed)
        return
    fixed = any(interval.fixed for interval in intervals)
    yield Statement(
        channel,
        name_in(channel, subject.name),
        State.FIXED if fixed else State.AFFECTED,
        intervals,
        versions,
        note=_note(affected),
        severity=_own_severity(affected, feed),
    )


def _intervals(ranges: Sequence[Range], scheme: str) -> tuple[tuple[Interval, ...], list[str]]:
    """Return the intervals of all ranges that count versions, and why others cannot be used."""
    found: list[Interval] = []
    refused: list[str] = []
    for each in ranges:
        if each.type == "GIT":
            continue
        if len(each.events) > MAX_EVENTS:
            refused.append(f"a range of more than {MAX_EVENTS:,} events")
            continue
        turns = [
            (kind, value)
            for event in each.events
            for kind in event.__struct_fields__
            if (value := getattr(event, kind))
        ]
        try:
            found += intervals_of(turns, scheme)
        except ImpossibleError as error:
            refused.append(str(error))
    return tuple(dict.fromkeys(found)), refused


def _ended(interval: Interval, affected: Affected) -> Interval:
    """Return an interval that has no end with the one that GHSA tells beside the events (`<= 2.3.1`)."""
    told = affected.database_specific
    known = told.get("last_known_affected_version_range") if isinstance(told, dict) else None
    if not isinstance(known, str) or interval.fixed or interval.last_affected or interval.limit:
        return interval
    sign, _, version = known.strip().partition(" ")
    if sign == "<=":
        return replace(interval, last_affected=version.strip())
    return replace(interval, limit=version.strip()) if sign == "<" else interval


def _note(affected: Affected) -> str:
    told = affected.ecosystem_specific
    availability = told.get("availability", "") if isinstance(told, dict) else ""
    return "the fix is in Ubuntu Pro" if isinstance(availability, str) and "Ubuntu Pro" in availability else ""


def _own_severity(affected: Affected, feed: str) -> Any:
    ratings = [rating for score in (affected.severity or ())[:10] for rating in _rating(feed, score)]
    return ratings[-1].severity if ratings else None


def _symbols(module: str, affected: Affected) -> Iterator[Symbols]:
    told = affected.ecosystem_specific
    imports = told.get("imports") if isinstance(told, dict) else None
    for each in imports if isinstance(imports, list) else ():
        if isinstance(each, dict) and isinstance(each.get("path"), str):
            names = each.get("symbols")
            yield Symbols(module, each["path"], tuple(map(str, names)) if isinstance(names, list) else ())
