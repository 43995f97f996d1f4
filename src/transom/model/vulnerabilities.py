"""What a finding of a known vulnerability says of it; apart from advisories, because every start reads what findings are."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

MAX_AGE_DAYS = 14
"""How old a source of vulnerabilities may be: feeds change every day, and two weeks are two rounds of patches."""

Reach = Literal["linked", "absent", "unknown"]
"""Whether a vulnerable function is in a program: one is, none is, or nobody can tell."""


class Vulnerability(Struct, frozen=True):
    """What a finding of a known vulnerability says of it, for programs and tables.

    id: the CVE where there is one; purl, name, version: of the installed package; state: as in model.advisories.State;
    upgrade: the source package that brings it, or itself; fixed: "" where no version is known to mend it; sources: `feed
    record`; score: CVSS, 0 where nobody gives one; exploited: since when, "" where that is not known; epss: None where it is
    not scored; layer: its number, 0 where there is none, and instruction; base: the image below, where that brought the
    package; digest: of the image; workloads: that run it, where it was met in a cluster.
    """

    id: str
    purl: str
    name: str
    version: str
    state: str
    aliases: tuple[str, ...] = ()
    fixed: str = ""
    summary: str = ""
    upgrade: str = ""
    sources: tuple[str, ...] = ()
    rated_by: str = ""
    score: float = 0.0
    vector: str = ""
    exploited: str = ""
    epss: float | None = None
    layer: int = 0
    instruction: str = ""
    base: str = ""
    digest: str = ""
    reach: Reach = "unknown"
    workloads: tuple[str, ...] = ()


class Upgrade(Struct, frozen=True):
    """One upgrade that clears vulnerabilities of an image. name: the source package, or the language's package, or program.

    versions: that are installed; to: the version that mends all that can be mended; place: the program or lock file that
    must be built again, "" for packages of the system; clears: ids, the worst first; worst: the rank of its severity; base:
    the image below, where that brings it.
    """

    image: str
    name: str
    versions: tuple[str, ...]
    to: str
    place: str = ""
    clears: tuple[str, ...] = ()
    worst: int = 0
    base: str = ""


class Rebase(Struct, frozen=True):
    """Another image that is known to hold less of what a base brings.

    before: vulnerabilities that the base brings; clears: ids that are gone in the other; brings: ids that only it has.
    """

    image: str
    base: str
    to: str
    before: int
    clears: tuple[str, ...] = ()
    brings: tuple[str, ...] = ()
