"""Which packages are vulnerable, and by whose word.

A distribution's package is judged by its vendor's feeds alone, under the name of its source package; a language's package
by OSV's, unless a distribution's package owns it. What no source can speak of is Skipped, never clean.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime

from msgspec import Struct

from transom.advisories.channels import LANGUAGE_CHANNELS, channel_of_distro, feed_of, name_of, scheme_of
from transom.advisories.checkouts import is_untold
from transom.advisories.index import Index, Row
from transom.advisories.intervals import key_of
from transom.advisories.layout import Record
from transom.advisories.modules import EXTRA, same_stream
from transom.advisories.ratings import chosen
from transom.lang.versions.semver import VersionError
from transom.model.advisories import Match, Rating, Reason, State
from transom.model.findings import Skipped
from transom.model.packages import Package
from transom.model.refs import Ref

SYSTEM_KINDS = frozenset(("deb", "apk", "rpm", "alpm", "portage"))
UNJUDGED_KINDS = frozenset(("generic", "github", "githubactions", "terraform"))  # no vendor numbers their versions
HEADERS = re.compile(r"linux-(?:libc-dev|headers|doc|kbuild|tools-common)\b.*|kernel-(?:headers|devel|doc).*")
"""Packages made of the kernel's source that hold nothing of the kernel that runs."""

PRECEDENCE = (
    *(State.FIXED, State.NOT_FIXED, State.AFFECTED, State.WONT_FIX, State.END_OF_LIFE),
    State.UNDER_INVESTIGATION,
)
"""Of several statements that a version is affected, which one a match is told by: whatever can be acted upon first."""

OTHERS = ("ghsa", "redhat", "ubuntu", "pypa", "govulndb", "rustsec", "nvd")
"""Whose rating counts after that of whoever made the match."""

EXTENDED = "+els"
"""Of a channel of RHEL: what is fixed after its end, for those who pay for it; of their builds nothing tells which they are."""

_MINOR = re.compile(r"\.el(\d+)_(\d+)\b")
_BINARY_ONLY = re.compile(r"\+b\d+\Z")


Heard = dict[str, dict[int, list[tuple[str, Row]]]]
"""What is said of a package, by channel and record: each row, with the version that it is to be compared with."""


class Question(Struct, frozen=True):
    """What is asked of the index about a package: in which channels, under which names, with which versions."""

    channels: tuple[str, ...]
    named: tuple[tuple[str, str], ...]


class Said(Struct, frozen=True):
    """One row that concerns a version, with its record and where it stands."""

    row: Row
    number: int
    record: Record
    channel: str
    name: str


def match(
    packages: Iterable[Package], distro: str, index: Index, today: date | None = None
) -> Iterator[Match | Skipped]:
    """Yield every vulnerability of the packages, and everything that could not be judged.

    distro: as os-release writes it, `debian-12`; "" where there is none. today: to tell which releases have ended.
    """
    unknown: Counter[str] = Counter()
    systems: set[str] = set()
    for package in packages:
        if package.kind in SYSTEM_KINDS:
            systems.add(package.distro or distro)
        question = asked(package, distro)
        if question is None:
            continue
        if not any(channel in index.channels for channel in question.channels):
            unknown[min(question.channels, key=len)] += 1
            continue
        yield from _of_package(package, question, index)
    yield from (no_data(channel, count) for channel, count in unknown.items())
    for system in sorted(systems):
        yield from _ended(system, index, today or datetime.now(UTC).date())


def asked(package: Package, distro: str) -> Question | None:
    """Return what to ask about a package; None where nobody's feed is about it."""
    if package.kind in SYSTEM_KINDS:
        channel = channel_of_distro(package.distro or distro)
        channels = _channels(package, channel) if channel else ("no distribution",)
        source = (package.source_name or package.name, _source_version(package))
        named = (source,) if package.kind != "rpm" else tuple(dict.fromkeys(((package.name, package.version), source)))
        return None if HEADERS.fullmatch(package.name) else Question(channels, named)
    if package.owner or package.kind in UNJUDGED_KINDS:
        return None
    return Question((package.kind,), ((name_of(package), package.version),))


def _channels(package: Package, channel: str) -> tuple[str, ...]:
    """Return the channels of a package, first the one that the installed version comes from.

    What Ubuntu Pro builds says so, and what Red Hat builds for a release says which: `.el8_6`, which may be of 8.6's
    extended support.
    """
    if channel.startswith("ubuntu-"):
        pro = f"{channel}+pro"
        return (pro, channel) if "esm" in package.version or "fips" in package.version else (channel, pro)
    if channel.startswith("amzn-20") and channel < "amzn-2022":  # the first Amazon Linux, which counted months
        return ("amzn-2018.03",)
    if channel == "chainguard":  # its images are made of Wolfi's packages too, and one vendor speaks of both
        return (channel, "wolfi")
    minor = _MINOR.search(package.version) if channel.startswith("rhel-") else None
    if minor:
        extended = tuple(f"rhel-{minor[1]}.{minor[2]}+{kind}" for kind in ("eus", "e4s", "aus", "tus"))
        return (*extended, f"{channel}{EXTENDED}", channel)
    return (f"{channel}{EXTENDED}", channel) if channel.startswith("rhel-") else (channel,)


def _source_version(package: Package) -> str:
    if package.source_version:
        return package.source_version
    return _BINARY_ONLY.sub("", package.version) if package.kind == "deb" else package.version


def _of_package(package: Package, question: Question, index: Index) -> Iterator[Match | Skipped]:
    try:
        said = list(said_of(package, question, index))
    except VersionError as error:
        told = any(index.rows(channel, name) for channel in question.channels for name, _ in question.named)
        if told:  # what no source speaks of in any version needs none
            why = f"its version cannot be compared: {error}" if package.version else "it tells no version"
            yield Skipped(ref_of(package), why, "say its version in the SBOM, or look it up by hand")
        return
    yield from _untold(package, question, index)
    by_bug: dict[str, list[Said]] = defaultdict(list)
    for each in said:
        if not each.record.withdrawn:
            for bug in each.record.bugs:
                by_bug[bug].append(each)
    heard = _heard(package, question, index) if by_bug and package.kind in SYSTEM_KINDS else {}
    for bug, about in by_bug.items():
        if heard:
            about = _in_deciding_channel(bug, about, heard, index)
        affecting = decisive(about)
        if affecting:
            yield _match(package, bug, affecting, index)


def _untold(package: Package, question: Question, index: Index) -> Iterator[Skipped]:
    """Yield that a program of an untagged commit cannot be compared with what counts by tags."""
    if package.kind != "golang":
        return
    rows = [row for channel in question.channels for name, _ in question.named for row in index.rows(channel, name)]
    records = {row.record for row in rows if is_untold(package, row)}
    bugs = sorted({bug for number in records if not (record := index.record(number)).withdrawn for bug in record.bugs})
    if bugs:
        some = ", ".join((*bugs[:3], *(["…"] if len(bugs) > 3 else ())))
        why = (
            f"it was built from a commit without a tag, what may be wrong with it is told by tags: {some} ({len(bugs)})"
        )
        yield Skipped(ref_of(package), why, "build it from a tag, or tell the linker its version")


def said_of(package: Package, question: Question, index: Index) -> Iterator[Said]:
    """Yield what sources say of exactly this version; raises VersionError where it has none that compares.

    A record that names a binary package by itself does not mean it by its source as well.
    """
    if not package.version:
        raise VersionError("there is none")
    for channel in question.channels:
        scheme = scheme_of(channel)
        named: set[int] = set()
        for name, version in question.named:
            for row in index.affecting(channel, name, key_of(scheme, version)):
                if row.record not in named and meant(package, version, row, index) and not is_untold(package, row):
                    yield Said(row, row.record, index.record(row.record), channel, name)
            if len(question.named) > 1:
                named |= {row.record for row in index.rows(channel, name)}


def _heard(package: Package, question: Question, index: Index) -> Heard:
    """Return all that is said of a package, of whatever version: asked once, because a kernel has thousands of rows."""
    heard: Heard = {}
    for channel in question.channels:
        by_record = heard.setdefault(channel, {})
        for name, version in question.named:
            found: dict[int, list[tuple[str, Row]]] = defaultdict(list)
            for row in index.rows(channel, name):
                if row.record not in by_record and meant(package, version, row, index):
                    found[row.record].append((version, row))
            by_record |= found
    return heard


def _in_deciding_channel(bug: str, about: list[Said], heard: Heard, index: Index) -> list[Said]:
    """Return the statements of the first channel that speaks of the bug: none where the version has a fix of it there.

    A vendor may ship one fix in several updates, each with a version of its own; any of them is enough. Of a package of
    Amazon's extras those of its own topic count: its versions are all greater than those of the core.
    """
    numbers = [number for number, record in index.records_of(bug) if not record.withdrawn]
    for channel, by_record in heard.items():
        spoken = [each for number in numbers for each in by_record.get(number, ())]
        if not spoken:
            continue
        own = [(version, row) for version, row in spoken if index.condition(row).module.startswith(EXTRA)]
        if any(_has_fix(row, key_of(scheme_of(channel), version)) for version, row in own or spoken):
            return []
        if not channel.endswith(EXTENDED):  # who has no such support is judged by what everybody has
            return [each for each in about if each.channel == channel]
    return about


def _has_fix(row: Row, key: bytes) -> bool:
    return bool(row.says is State.FIXED and not row.low and row.high and row.high <= key)


def meant(package: Package, version: str, row: Row, index: Index) -> bool:
    """Tell whether a row is about this build of the package: its architecture, its module's stream."""
    condition = index.condition(row)
    if condition.arches and package.arch and package.arch not in condition.arches.split():
        return False
    return package.kind != "rpm" or same_stream(version, condition.module, row.stop or "")


def decisive(about: Sequence[Said]) -> list[Said]:
    """Return the statements by which the package is affected; none where its vendor says that it is not."""
    if any(each.row.says is State.NOT_AFFECTED for each in about):
        return []
    return sorted(about, key=lambda each: PRECEDENCE.index(each.row.says))


def _match(package: Package, bug: str, said: Sequence[Said], index: Index) -> Match:
    first = said[0]
    records = {each.number: each.record for each in said}
    records |= dict(index.records_of(bug))  # those that do not match may rate and name it still
    own = {each.number for each in said}
    kept = [
        record
        for number, record in records.items()
        if not record.withdrawn and (not record.covers or (number in own and record.covers == (bug,)))
    ]
    told = [
        *kept,
        *(each.record for each in said),
    ]  # an erratum rates the worst of its bugs, which may be all that is told
    ratings = tuple(dict.fromkeys((*_own(said, index), *_ratings(told), *index.rated(bug))))
    rating = chosen(ratings, (*dict.fromkeys(each.record.feed for each in said), *OTHERS))
    names = dict.fromkeys(name for record in kept for name in record.names)
    return Match(
        package,
        bug,
        first.row.says,
        tuple(dict.fromkeys(_reason(each, index) for each in said)),
        tuple(name for name in names if name != bug),
        _fix(said),
        rating.severity if rating else None,
        rating.source if rating else "",
        ratings,
        next((record.summary for record in (first.record, *kept) if record.summary), ""),
        index.exploited(bug),
        index.likelihood(bug),
        tuple(symbol for each in said for symbol in each.record.symbols if symbol.module == each.name),
    )


def _own(said: Sequence[Said], index: Index) -> Iterator[Rating]:
    for each in said:
        severity = index.condition(each.row).rating
        if severity is not None:
            yield Rating(each.record.feed, severity)


def _ratings(records: Sequence[Record]) -> Iterator[Rating]:
    for record in records:
        yield from record.ratings


def _fix(said: Sequence[Said]) -> str:
    """Return the version that clears every statement: of several the greatest, "" where one names none.

    Different sources may know of different fixes; whoever upgrades to the greatest is affected by none.
    """
    fixes = [(each.row.high or b"", each.row.stop or "") for each in said if each.row.interval.fixed]
    return max(fixes)[1] if fixes else ""


def _reason(said: Said, index: Index) -> Reason:
    row, record = said.row, said.record
    note = index.condition(row).note
    return Reason(
        *(record.feed, record.id, said.channel, said.name, str(row.interval), row.says, row.interval.fixed, note)
    )


def ref_of(package: Package) -> Ref:
    """Return what a package is called in results: `deb/runc@1.1.5`."""
    whole = "/".join(filter(None, (package.kind, package.namespace, package.name)))
    return Ref("package", name=f"{whole}@{package.version}" if package.version else whole)


def no_data(channel: str, count: int) -> Skipped:
    """Return that an index knows nothing of a channel, by which so many packages would be judged."""
    reason = f"the index knows nothing of {channel}: {count} packages not judged"
    if count == 1:
        reason = f"the index knows nothing of {channel}: 1 package not judged"
    if channel not in LANGUAGE_CHANNELS and not scheme_of(channel):
        return Skipped(Ref("package", name=channel), reason, "no feed of it can be read yet; ask its vendor")
    next_step = f"build the index with its feed, too: transom db build … {feed_of(channel)}"
    return Skipped(Ref("package", name=channel), reason, next_step)


def _ended(distro: str, index: Index, today: date) -> Iterator[Skipped]:
    """Yield that a release is past its end, the extended one too: what is found in it then, nobody writes down."""
    name, _, release = channel_of_distro(distro).partition("-")
    lifetime = index.lifetime(name, release)
    ended = max(lifetime.ends, lifetime.extended) if lifetime else ""
    if lifetime and ended < today.isoformat():
        reason = f"{name} {release} has had no security support since {ended}: new faults in it are not recorded"
        yield Skipped(Ref("package", name=f"{name}-{release}"), reason, "move to a release that is kept")
