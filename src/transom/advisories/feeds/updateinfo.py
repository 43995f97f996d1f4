"""updateinfo.xml: the errata of an RPM repository, as Amazon Linux publishes them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from transom.advisories.modules import EXTRA
from transom.advisories.ratings import severity_named
from transom.advisories.summaries import summary_of
from transom.advisories.xml import elements, local_name
from transom.model.advisories import Advisory, Interval, Rating, Refused, Statement, Told

FEED = "amazon"
RELEASES = {"2023": "amzn-2023", "2022": "amzn-2022", "2": "amzn-2", None: "amzn-2018.03"}
"""Channels by what follows ALAS in an erratum's id; the first release of all has one channel, whatever its month."""
_ID = re.compile(r"ALAS(?P<release>2023|2022|2)?(?P<topic>[A-Z][A-Z0-9._-]*?)?-\d{4}-\d+")
EXTRAS = "amzn-2"  # the release that has extras, whose ids may leave it out: ALASDOCKER-2024-040


def read(name: str, content: bytes) -> Iterator[Told]:
    """Yield an advisory for each security update."""
    for update in elements(content, ("update",)):
        if update.get("type") == "security":
            yield _advisory(name, update)


def _advisory(name: str, update: Element) -> Advisory | Refused:
    texts = {local_name(each): (each.text or "").strip() for each in update}
    known = texts.get("id", "")
    found = _ID.fullmatch(known)
    if not found:
        return Refused(f"{name}: {known}", "whose updates these are is not known")
    topic = found["topic"]
    channel = EXTRAS if topic and not found["release"] else RELEASES[found["release"]]
    module = f"{EXTRA}{topic.lower()}" if topic else ""
    cves = [
        each.get("id", "") for each in update.iter() if local_name(each) == "reference" and each.get("type") == "cve"
    ]
    packages = [each for each in update.iter() if local_name(each) == "package"]
    statements = tuple(dict.fromkeys(_statement(channel, module, each) for each in packages if each.get("name")))
    if not statements:
        return Refused(f"{name}: {known}", "names no package", FEED)
    severity = severity_named(texts.get("severity", ""))
    dates = {local_name(each): each.get("date", "") for each in update if each.get("date")}
    return Advisory(
        known,
        FEED,
        statements,
        covers=tuple(dict.fromkeys(filter(None, cves))),
        summary=summary_of(texts.get("title", "")),
        ratings=() if severity is None else (Rating(FEED, severity),),
        published=dates.get("issued", "")[:10],
        modified=dates.get("updated", dates.get("issued", "")),
        record=name,
    )


def _statement(channel: str, module: str, package: Element) -> Statement:
    epoch = package.get("epoch", "0")
    version = f"{package.get('version', '')}-{package.get('release', '')}"
    fixed = f"{epoch}:{version}" if epoch not in ("", "0") else version
    return Statement(channel, package.get("name", ""), intervals=(Interval(fixed=fixed),), module=module)
