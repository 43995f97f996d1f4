"""Debian's security tracker: what holds in each release for each source package and each bug (one JSON document)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import msgspec
from msgspec import Struct

from transom.advisories.channels import DEBIAN
from transom.advisories.documents import BROKEN
from transom.advisories.ratings import severity_named
from transom.advisories.summaries import summary_of
from transom.model.advisories import Advisory, Interval, Refused, State, Statement, Told

FEED = "debian"
NEVER_AFFECTED = "0"
END_OF_LIFE = "end-of-life"


class Release(Struct):
    """What holds in one release. nodsa_reason: `ignored` will not be fixed, `postponed` later."""

    status: str
    fixed_version: str = ""
    urgency: str = ""
    nodsa: str = ""
    nodsa_reason: str = ""


class Bug(Struct):
    """One bug of one source package."""

    releases: dict[str, Release] = {}
    description: str = ""


def read(name: str, content: bytes) -> Iterator[Told]:
    """Yield an advisory for each bug, with a statement for each package and release."""
    statements: dict[str, list[Statement]] = defaultdict(list)
    summaries: dict[str, str] = {}
    for package, raw in msgspec.json.decode(content, type=dict[str, msgspec.Raw]).items():
        for bug, told in _bugs(raw).items():
            if isinstance(told, Bug):
                statements[bug] += _statements(package, told)
                summaries.setdefault(bug, summary_of(told.description))
            else:
                yield Refused(f"{name}: {package} {bug}", f"not as the tracker writes: {told}", FEED)
    for bug, found in statements.items():
        if found:
            yield Advisory(bug, FEED, tuple(found), summary=summaries[bug], record=name)


def _bugs(raw: msgspec.Raw) -> dict[str, Bug | str]:
    """Return the bugs of a package by their ids, for one that cannot be read why."""
    try:
        bugs = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    except BROKEN as error:
        return {"": str(error)}
    found: dict[str, Bug | str] = {}
    for bug, told in bugs.items():
        try:
            found[bug] = msgspec.json.decode(told, type=Bug)
        except BROKEN as error:
            found[bug] = str(error)
    return found


def _statements(package: str, bug: Bug) -> Iterator[Statement]:
    for codename, release in bug.releases.items():
        if codename in DEBIAN:
            state, note = _state(release)
            intervals = (Interval(fixed=release.fixed_version),) if state is State.FIXED else ()
            severity = severity_named(release.urgency)
            yield Statement(f"debian-{DEBIAN[codename]}", package, state, intervals, note=note[:200], severity=severity)


def _state(release: Release) -> tuple[State, str]:
    if release.status == "resolved" and release.fixed_version:
        return (State.NOT_AFFECTED if release.fixed_version == NEVER_AFFECTED else State.FIXED), ""
    if release.status in ("undetermined", "resolved"):
        return State.UNDER_INVESTIGATION, ""
    if release.urgency == END_OF_LIFE or release.nodsa_reason == END_OF_LIFE:
        return State.END_OF_LIFE, release.nodsa
    if release.nodsa_reason == "ignored":
        return State.WONT_FIX, release.nodsa
    return State.NOT_FIXED, release.nodsa
