"""What a finding of a known vulnerability says of it; apart from advisories, because every start reads what findings are."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Reach = Literal["linked", "absent", "unknown"]
"""Whether a vulnerable function is in a program: one is, none is, or nobody can tell."""


class Vulnerability(Struct, frozen=True):
    """What a finding of a known vulnerability says of it, for programs and tables.

    id: the CVE where there is one; purl, name, version: of the installed package; state: as in model.advisories.State;
    upgrade: the source package that brings it, or itself; fixed: "" where no version is known to mend it; sources: `feed
    record`; score: CVSS, 0 where nobody gives one; exploited: since when, "" where that is not known; epss: None where it is
    not scored; layer: its number, 0 where there is none, and instruction; base: the image below, where that brought the
    package; digest: of the image.
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
