"""Photon OS: what holds of each bug and package in one release (one JSON list for each release)."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator

import msgspec
from msgspec import Struct

from transom.advisories.documents import BROKEN
from transom.advisories.ratings import severity_of_score
from transom.model.advisories import Advisory, Interval, Refused, State, Statement, Told

FEED = "photon"
NO_VERSION = ("", "NA", "NONE")
STATES = {"fixed": State.FIXED, "not affected": State.NOT_AFFECTED}
_RELEASE = re.compile(r"\.ph(\d+)\b")
_NAMED = re.compile(r"photon(\d+)\.(\d+)")


class Entry(Struct):
    """One bug of one package. res_ver: the version that has the fix."""

    cve_id: str
    pkg: str
    status: str = ""
    cve_score: float | None = None
    res_ver: str = ""


def read(name: str, content: bytes) -> Iterator[Told]:
    """Yield an advisory for each bug. Raises ValueError where nothing tells of which release the list is."""
    entries: list[Entry] = []
    for raw in msgspec.json.decode(content, type=list[msgspec.Raw]):
        try:
            entries.append(msgspec.json.decode(raw, type=Entry))
        except BROKEN as error:
            yield Refused(name, f"an entry that is not as Photon's are written: {error}", FEED)
    channel = f"photon-{_release(name, entries)}"
    found: dict[str, list[Statement]] = defaultdict(list)
    for entry in entries:
        statement = _statement(channel, entry)
        if statement:
            found[entry.cve_id].append(statement)
        else:
            yield Refused(f"{entry.cve_id} {entry.pkg}", "fixed, but in no version", FEED)
    for bug, statements in found.items():
        yield Advisory(bug, FEED, tuple(statements), record=name)


def _release(name: str, entries: list[Entry]) -> str:
    """Return the release, by the builds that have fixes, else by the list's name."""
    builds = Counter(told[1] for entry in entries if (told := _RELEASE.search(entry.res_ver)))
    if builds:
        return f"{builds.most_common(1)[0][0]}.0"
    named = _NAMED.search(name)
    if not named:
        raise ValueError("it does not say of which release it is")
    return f"{named[1]}.{named[2]}"


def _statement(channel: str, entry: Entry) -> Statement | None:
    severity = None if entry.cve_score is None else severity_of_score(entry.cve_score)
    state = STATES.get(entry.status.lower(), State.NOT_FIXED)
    if state is not State.FIXED:
        return Statement(channel, entry.pkg, state, severity=severity)
    if entry.res_ver.upper() in NO_VERSION:
        return None
    return Statement(channel, entry.pkg, intervals=(Interval(fixed=entry.res_ver),), severity=severity)
