"""OVAL 5: errata of Oracle, Red Hat and SUSE as definitions whose criteria name packages and the versions that fix them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from transom.advisories.channels import channel_of_distro
from transom.advisories.ratings import rated_by_vector, severity_named
from transom.advisories.summaries import summary_of
from transom.advisories.xml import elements, local_name
from transom.model.advisories import Advisory, Interval, Rating, Refused, Statement, Told

MAX_CRITERIA_DEPTH = 50  # Red Hat nests five deep
CLASSES = frozenset(("patch", "vulnerability"))
LESS = "less than"

PLATFORMS = (
    (re.compile(r"Oracle Linux (\d+)"), "ol-{}"),
    (re.compile(r"Red Hat Enterprise Linux (\d+)"), "rhel-{}"),
    (re.compile(r"openSUSE Leap (\d+\.\d+)"), "opensuse-{}"),
    (re.compile(r"SUSE Linux Enterprise [A-Za-z ]*?(\d+) SP(\d+)"), "sles-{}.{}"),
    (re.compile(r"SUSE Linux Enterprise [A-Za-z ]*?(\d+)"), "sles-{}"),
)
"""Platforms as criteria and metadata name them."""
FEEDS = (("com.oracle", "oracle"), ("com.redhat", "redhat-oval"), ("opensuse", "suse"), ("suse", "suse"))
_MODULE = re.compile(r"Module (\S+:\S+) is enabled")


class _Tests:
    """The tests of a document: which package, below which version."""

    def __init__(self, content: bytes) -> None:
        self._names: dict[str, str] = {}
        self._versions: dict[str, str] = {}
        self._tests: dict[str, tuple[str, str]] = {}
        for element in elements(content, ("rpminfo_test", "rpminfo_object", "rpminfo_state")):
            self._add(element)

    def _add(self, element: Element) -> None:
        kind, name = local_name(element), element.get("id", "")
        for child in element:
            part = local_name(child)
            if kind == "rpminfo_object" and part == "name":
                self._names[name] = (child.text or "").strip()
            elif kind == "rpminfo_state" and part == "evr" and child.get("operation") == LESS:
                self._versions[name] = (child.text or "").strip()
            elif part == "object":
                self._tests[name] = (child.get("object_ref", ""), self._tests.get(name, ("", ""))[1])
            elif part == "state":
                self._tests[name] = (self._tests.get(name, ("", ""))[0], child.get("state_ref", ""))

    def fix(self, test: str) -> tuple[str, str] | None:
        """Return the package of a test and the version below which it holds; None for tests of something else."""
        package, state = self._tests.get(test, ("", ""))
        name, version = self._names.get(package, ""), self._versions.get(state, "")
        return (name, version.removeprefix("0:")) if name and version else None


def read(name: str, content: bytes) -> Iterator[Told]:
    """Yield an advisory for each definition of a patch or a vulnerability."""
    tests = _Tests(content)
    for definition in elements(content, ("definition",)):
        if definition.get("class") in CLASSES:
            yield _advisory(name, definition, tests)


def _advisory(name: str, definition: Element, tests: _Tests) -> Advisory | Refused:
    whole = definition.get("id", "")
    feed = next((feed for word, feed in FEEDS if word in whole), "oval")
    texts = {local_name(each): each for each in definition.iter()}
    references = [each.get("ref_id", "") for each in definition.iter() if local_name(each) == "reference"]
    cves = tuple(dict.fromkeys(each for each in references if each.startswith("CVE-")))
    errata = [each for each in references if each and not each.startswith("CVE-")]
    platforms = [each.text or "" for each in definition.iter() if local_name(each) == "platform"]
    channel = _channel(platforms[0]) if len(platforms) == 1 else ""
    criteria = [each for each in definition if local_name(each) == "criteria"]
    statements = tuple(dict.fromkeys(each for part in criteria for each in _fixes(part, channel, "", tests, 0)))
    if not statements:
        return Refused(f"{name}: {whole}", "names no version of a package of a known platform", feed)
    title = " ".join((texts["title"].text or "").split()) if "title" in texts else ""
    issued = texts["issued"].get("date", "") if "issued" in texts else ""
    updated = texts["updated"].get("date", "") if "updated" in texts else issued
    known = errata[0] if errata else (cves[0] if cves else whole)
    covers = () if cves == (known,) else cves
    ratings = tuple(_ratings(definition, feed))
    return Advisory(
        known,
        feed,
        statements,
        (),
        covers,
        summary_of(title),
        ratings,
        issued,
        updated,
        record=f"{name}#{whole}",
    )


def _channel(platform: str) -> str:
    for pattern, channel in PLATFORMS:
        found = pattern.search(platform)
        if found:
            return channel_of_distro(channel.format(*found.groups()))
    return ""


def _fixes(criteria: Element, channel: str, module: str, tests: _Tests, depth: int) -> Iterator[Statement]:
    """Yield the fixes of criteria: what a platform or module stands beside, it holds for."""
    if depth > MAX_CRITERIA_DEPTH:
        raise ValueError(f"criteria nested deeper than {MAX_CRITERIA_DEPTH}")
    comments = [each.get("comment", "") for each in criteria if local_name(each) == "criterion"]
    channel = next(filter(None, (_channel(each) for each in comments if each.endswith("is installed"))), channel)
    module = next((found[1] for each in comments if (found := _MODULE.search(each))), module)
    for each in criteria:
        if local_name(each) == "criteria":
            yield from _fixes(each, channel, module, tests, depth + 1)
        elif channel and (fix := tests.fix(each.get("test_ref", ""))):
            yield Statement(channel, fix[0], intervals=(Interval(fixed=fix[1]),), module=module)


def _ratings(definition: Element, feed: str) -> Iterator[Rating]:
    for each in definition.iter():
        if local_name(each) == "severity" and (severity := severity_named(each.text or "")) is not None:
            yield Rating(feed, severity)
            return
    for each in definition.iter():
        vector = each.get("cvss3", "").partition("/")[2] if local_name(each) == "cve" else ""
        rating = rated_by_vector(feed, vector) if vector else None
        if rating:
            yield rating
            return
