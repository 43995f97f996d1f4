"""Fedora's updates, as its update system gives them (Bodhi's API: one update, or a page of them)."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec
from msgspec import Struct

from transom.advisories.documents import BROKEN
from transom.advisories.ratings import severity_named
from transom.advisories.summaries import summary_of
from transom.model.advisories import Advisory, Interval, Rating, Refused, Statement, Told

FEED = "fedora"
FEDORA = "FEDORA"  # the release's prefix; EPEL's packages are for systems of others
MAX_CVES = 500  # of one update; a browser's have some dozens
_CVE = re.compile(r"CVE-\d{4}-\d{4,7}", re.ASCII)
_NVR = re.compile(r"(?P<name>.+)-(?P<version>[^-]+-[^-]+)")


class Bug(Struct):
    """One bug that an update closes."""

    title: str = ""


class Build(Struct):
    """One source package. nvr: its name, version and release, joined by dashes."""

    nvr: str
    epoch: int | None = None


class Release(Struct):
    """Whose update it is."""

    version: str = ""
    id_prefix: str = ""


class Update(Struct):
    """One update, as far as it is read."""

    alias: str
    release: Release
    builds: list[Build] = []
    bugs: list[Bug] = []
    type: str = ""
    status: str = ""
    severity: str = ""
    title: str = ""
    display_name: str = ""
    notes: str = ""
    date_submitted: str | None = None
    date_modified: str | None = None
    date_stable: str | None = None


class Page(Struct):
    """One page of the API."""

    updates: list[msgspec.Raw]


def read(name: str, content: bytes) -> Iterator[Told]:
    """Yield an advisory for each security update of Fedora that was released."""
    try:
        documents = list(msgspec.json.decode(content, type=Page).updates)
    except msgspec.ValidationError:
        documents = [msgspec.Raw(content)]
    for raw in documents:
        try:
            update = msgspec.json.decode(raw, type=Update)
        except BROKEN as error:
            yield Refused(name, f"not as Fedora's updates are written: {error}", FEED)
            continue
        if update.type == "security" and update.status == "stable":
            yield _advisory(name, update)


def _advisory(name: str, update: Update) -> Advisory | Refused:
    if update.release.id_prefix != FEDORA:
        return Refused(update.alias, f"of {update.release.id_prefix}, which is no release of Fedora", FEED)
    channel = f"fedora-{update.release.version}"
    statements = tuple(
        _statement(channel, build, found) for build in update.builds if (found := _NVR.fullmatch(build.nvr))
    )
    texts = (update.display_name, update.title, update.notes, *(bug.title for bug in update.bugs))
    cves = tuple(dict.fromkeys(cve for text in texts for cve in _CVE.findall(text)))[:MAX_CVES]
    if not statements or not cves:
        return Refused(update.alias, "names no package" if cves else "names no CVE", FEED)
    severity = severity_named(update.severity)
    return Advisory(
        update.alias,
        FEED,
        statements,
        covers=cves,
        summary=summary_of(update.display_name or update.title),
        ratings=() if severity is None else (Rating(FEED, severity),),
        published=(update.date_submitted or "")[:10],
        modified=max(update.date_stable or "", update.date_modified or ""),
        record="" if update.alias in name else name,
    )


def _statement(channel: str, build: Build, found: re.Match[str]) -> Statement:
    version = f"{build.epoch}:{found['version']}" if build.epoch else found["version"]
    return Statement(channel, found["name"], intervals=(Interval(fixed=version),))
