"""What the world says of software: advisories and their statements, what is exploited, and what a match is made of."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from transom.model.packages import Package
from transom.model.severity import Severity


class State(StrEnum):
    """What a source says of one package: whether it is affected, and what its maintainers will do about it."""

    FIXED = "fixed"  # affected below the version that has the fix
    NOT_FIXED = "not-fixed"  # affected, no fix yet
    WONT_FIX = "wont-fix"
    AFFECTED = "affected"  # affected, nothing said of a fix
    UNDER_INVESTIGATION = "under-investigation"
    NOT_AFFECTED = "not-affected"
    END_OF_LIFE = "end-of-life"  # nobody looks any more


class Interval(Struct, frozen=True, omit_defaults=True):
    """Versions from one to another, as their ecosystem writes them.

    introduced: the first affected, "" for all before; fixed: the first that is not; last_affected: the last that is;
    limit: where the source's knowledge ends without a fix. At most one of the three is set; none means no end.
    """

    introduced: str = ""
    fixed: str = ""
    last_affected: str = ""
    limit: str = ""

    def __str__(self) -> str:
        """Return the interval in a person's words: `>= 1.0, < 1.1.12`."""
        below = self.fixed or self.limit
        parts = (
            f">= {self.introduced}" if self.introduced else "",
            f"< {below}" if below else "",
            f"<= {self.last_affected}" if self.last_affected else "",
        )
        return ", ".join(filter(None, parts)) or "every version"


class Rating(Struct, frozen=True, omit_defaults=True):
    """How bad one source holds it to be. score: CVSS, from 0 to 10, 0 where there is none; vector: CVSS, as written."""

    source: str
    severity: Severity
    score: float = 0.0
    vector: str = ""


class Symbols(Struct, frozen=True):
    """What of a Go module is vulnerable: the functions of one import path; no names means the whole of it."""

    module: str
    path: str
    names: tuple[str, ...] = ()


class Statement(Struct, frozen=True, omit_defaults=True):
    """What one source says of one package.

    channel: whose package (`debian-12`, `pypi`); name: the source package of a distribution, else the ecosystem's own.
    versions: affected ones beside the intervals. module: of a modular RPM, `ruby:2.7`; arches: where only some are
    meant; note: what else decides, `Ubuntu Pro`; severity: where the source rates this package by itself.
    """

    channel: str
    name: str
    state: State = State.FIXED
    intervals: tuple[Interval, ...] = ()
    versions: tuple[str, ...] = ()
    module: str = ""
    arches: tuple[str, ...] = ()
    note: str = ""
    severity: Severity | None = None


class Advisory(Struct, frozen=True, omit_defaults=True):
    """One record of a feed.

    aliases: other names of the same bug. covers: the bugs that an erratum fixes, which are not each other's aliases.
    record: its file, to look it up. Times are RFC 3339, "" where none is told; withdrawn: since when.
    """

    id: str
    feed: str
    statements: tuple[Statement, ...] = ()
    aliases: tuple[str, ...] = ()
    covers: tuple[str, ...] = ()
    summary: str = ""
    ratings: tuple[Rating, ...] = ()
    published: str = ""
    modified: str = ""
    withdrawn: str = ""
    symbols: tuple[Symbols, ...] = ()
    record: str = ""


class Rated(Struct, frozen=True):
    """What a source that knows no packages adds to a vulnerability: NVD's ratings."""

    id: str
    feed: str
    ratings: tuple[Rating, ...]
    modified: str = ""


class Exploited(Struct, frozen=True):
    """A vulnerability that is known to be exploited. added, due: dates; ransomware: whether campaigns use it."""

    id: str
    added: str
    due: str = ""
    ransomware: bool = False
    feed: str = "kev"


class Likelihood(Struct, frozen=True):
    """EPSS: how likely it is to be exploited within 30 days, from 0 to 1, and the share that is no likelier."""

    id: str
    score: float
    percentile: float
    date: str = ""
    feed: str = "epss"


class Lifetime(Struct, frozen=True):
    """How long a release is kept: ends, the date of its end of life; extended: with paid support."""

    product: str
    release: str
    ends: str
    extended: str = ""
    feed: str = "end-of-life"


class Refused(Struct, frozen=True):
    """A record of a feed, or a part of one, that is not used, and why."""

    record: str
    reason: str
    feed: str = ""


class Came(Struct, frozen=True):
    """When what is told from here on came here from its publisher, RFC 3339."""

    time: str


Told = Came | Advisory | Rated | Exploited | Likelihood | Lifetime | Refused
"""What a feed yields."""


class Reason(Struct, frozen=True):
    """Why a package matches: the source, its record, whose package under which name, and the versions it names."""

    feed: str
    record: str
    channel: str
    name: str
    versions: str
    state: State
    fixed: str = ""
    note: str = ""


class Match(Struct, frozen=True):
    """One vulnerability of one package. id: the CVE where there is one; aliases: its other names.

    state, fixed: of the statement that decides; severity: None where nobody rated it, rated_by: whose rating it is.
    """

    package: Package
    id: str
    state: State
    reasons: tuple[Reason, ...]
    aliases: tuple[str, ...] = ()
    fixed: str = ""
    severity: Severity | None = None
    rated_by: str = ""
    ratings: tuple[Rating, ...] = ()
    summary: str = ""
    exploited: Exploited | None = None
    likelihood: Likelihood | None = None
    symbols: tuple[Symbols, ...] = ()


class NonMatch(Struct, frozen=True):
    """Why a package does not match a vulnerability, as one source has it; feed and record "" where no source decided."""

    reason: str
    feed: str = ""
    record: str = ""


class FeedAge(Struct, frozen=True):
    """A source as it stands in the index. modified: its newest record's time; retrieved: when it came here."""

    feed: str
    records: int
    refused: int
    modified: str
    retrieved: str
