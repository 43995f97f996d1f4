"""Why a package does not match a vulnerability: each source's word on it, in a sentence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from transom.advisories.channels import scheme_of
from transom.advisories.checkouts import is_untold
from transom.advisories.index import Index, Row
from transom.advisories.intervals import key_of
from transom.advisories.layout import Record
from transom.advisories.matching import HEADERS, Question, asked, match, meant
from transom.lang.versions.semver import VersionError
from transom.model.advisories import Match, NonMatch, State
from transom.model.language import mark
from transom.model.packages import Package


def why_not(package: Package, name: str, distro: str, index: Index) -> Iterator[Match | NonMatch]:
    """Yield why a package is not affected by a vulnerability, by any of its names; the match where it is."""
    found = [each for each in match((package,), distro, index) if isinstance(each, Match)]
    about = [each for each in found if name.upper() in (each.id.upper(), *map(str.upper, each.aliases))]
    if about:
        yield from about
        return
    records = dict(index.records_of(name))
    if not records:
        yield NonMatch(f"no source of the index speaks of {name}")
        return
    question = asked(package, distro)
    if question is None:
        yield _unasked(package, name, distro, index)
        return
    known = list(_known(package, question, records, index))
    yield from known or _unnamed(package, question, name, index)


def _unasked(package: Package, name: str, distro: str, index: Index) -> NonMatch:
    """Return why nobody is asked about a package; with the source that would speak of it, if it were."""
    if package.owner:
        reason = f"it belongs to {package.owner}, and is judged as that package by its vendor's feed"
        return _beside(reason, why_not(replace(package, owner=""), name, distro, index))
    if HEADERS.fullmatch(package.name):
        reason = "it holds nothing of the kernel that runs, though it is made of the kernel's source"
        source = replace(package, name=package.source_name or "linux")
        return _beside(reason, () if HEADERS.fullmatch(source.name) else why_not(source, name, distro, index))
    return NonMatch(f"nobody's feed is about {package.kind} packages")


def _beside(reason: str, answers: Iterable[Match | NonMatch]) -> NonMatch:
    """Return a reason with the source and record of the first answer that has one."""
    for each in answers:
        if isinstance(each, Match):
            return NonMatch(reason, each.reasons[0].feed, each.reasons[0].record)
        if each.feed:
            return NonMatch(reason, each.feed, each.record)
    return NonMatch(reason)


def _known(package: Package, question: Question, records: dict[int, Record], index: Index) -> Iterator[NonMatch]:
    for channel in question.channels:
        for name, version in question.named:
            for row in index.rows(channel, name):
                if row.record in records:
                    record = records[row.record]
                    told = _told(package, channel, version, row, record, index)
                    yield NonMatch(told, record.feed, record.id)


def _told(package: Package, channel: str, version: str, row: Row, record: Record, index: Index) -> str:
    if record.withdrawn:
        return f"the record was withdrawn on {record.withdrawn[:10]}"
    if row.says is State.NOT_AFFECTED:
        return f"its vendor says that it is not affected in {channel}"
    if not meant(package, version, row, index):
        condition = index.condition(row)
        return f"meant are other builds of it: {condition.module or condition.arches or 'of another module stream'}"
    if is_untold(package, row):
        return f"it was built from a commit without a tag: nobody knows whether that is in {row.interval}"
    try:
        key = key_of(scheme_of(channel), version)
    except VersionError as error:
        return f"its version cannot be compared: {error}"
    if row.high is not None and key >= row.high:
        word = mark("has the fix of") if row.interval.fixed else mark("is newer than")
        return f"{version} {word} {row.stop}: affected is {row.interval}"
    if key < row.low:
        return f"{version} is older than {row.start}: affected is {row.interval}"
    return "another statement of its vendor decides"


def _unnamed(package: Package, question: Question, name: str, index: Index) -> Iterator[NonMatch]:
    called = " or ".join(dict.fromkeys(each for each, _ in question.named))
    if not any(channel in index.channels for channel in question.channels):
        yield NonMatch(f"the index knows nothing of {min(question.channels, key=len)}: it was not judged")
        return
    others = sorted({record.feed for _, record in index.records_of(name)})
    yield NonMatch(f"{', '.join(others)} speak of {name}, but of no {called} in {min(question.channels, key=len)}")
